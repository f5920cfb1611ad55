//! Modules whose points are tokens.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{
        DType, Int, Tensor,
        backend::{AutodiffBackend, Backend},
    },
};

use super::{error::ModuleError, network::ModuleNetwork, token_check::all_tokens};

/// The forward function of a network of tokens: it takes the tokens as floats.
pub type TokenForward<AB, M, const D: usize> =
    Box<dyn Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2> + Send + Sync>;

impl<AB, M, const D: usize> ModuleNetwork<AB, M, TokenForward<AB, M, D>, D>
where
    AB: AutodiffBackend,
    M: Module<AB>,
{
    /// As [`new`](Self::new), for a module whose points are tokens, like those of an embedding.
    ///
    /// The inputs of the network are the tokens as floats:
    /// [`token_inputs`](Self::token_inputs) makes them. Kernels have the element type of the
    /// module's first parameter.
    ///
    /// # Shapes
    /// `samples`: `[n, …]`, usually `[n, t]` for sequences of `t` tokens
    ///
    /// # Errors
    /// As [`new`](Self::new). A token that is negative is [`ModuleError::Token`], a token that is
    /// out of the module's range usually [`ModuleError::Panicked`].
    ///
    /// ```
    /// use burn::{nn::{Embedding, EmbeddingConfig}, tensor::{Int, Tensor, TensorData}};
    /// use burn_autodiff::Autodiff;
    /// use burn_flex::{Flex, FlexDevice};
    /// use regime_models::Network;
    /// use regime_tangent::{ModuleNetwork, Precision, in_precision};
    ///
    /// type Grad = Autodiff<Flex>;
    /// let table = EmbeddingConfig::new(5, 2).init::<Grad>(&FlexDevice);
    /// let table = in_precision(table, Precision::F64);
    /// let sentences = TensorData::new(vec![0, 1, 2, 4, 4, 3], [2, 3]);
    /// let sentences = Tensor::<Flex, 2, Int>::from_data(sentences, &FlexDevice);
    ///
    /// // The sum of the vectors of three tokens.
    /// let forward = |m: &Embedding<Grad>, t: Tensor<Grad, 2, Int>| m.forward(t).sum_dim(1).squeeze_dim(1);
    /// let net = ModuleNetwork::of_tokens(&table, forward, sentences.clone())?;
    /// let x = net.token_inputs(sentences)?;
    /// assert_eq!((x.dims(), net.forward(&net.values(), &x).dims()), ([2, 3], [4]));
    /// # Ok::<(), regime_tangent::ModuleError>(())
    /// ```
    pub fn of_tokens(
        module: &M,
        forward: impl Fn(&M, Tensor<AB, D, Int>) -> Tensor<AB, 2> + Send + Sync + 'static,
        samples: Tensor<AB::InnerBackend, D, Int>,
    ) -> Result<Self, ModuleError> {
        let mut first = First(None);
        module.visit(&mut first);
        let samples = floats(samples, first.0.ok_or(ModuleError::NoParameters)?)?;
        let forward: TokenForward<AB, M, D> = Box::new(move |m, x| forward(m, x.int()));
        Self::checked(module, forward, samples, true)
    }

    /// Tokens as inputs of the network.
    ///
    /// # Shapes
    /// `tokens`: `[n, …]` → `[n, d]`
    ///
    /// # Errors
    /// When a token is negative, and when a point has another shape than the sample points.
    pub fn token_inputs(
        &self,
        tokens: Tensor<AB::InnerBackend, D, Int>,
    ) -> Result<Tensor<AB::InnerBackend, 2>, ModuleError> {
        self.inputs(floats(tokens, self.values().dtype())?)
    }
}

/// Tokens as floats.
fn floats<B: Backend, const D: usize>(
    tokens: Tensor<B, D, Int>,
    dtype: DType,
) -> Result<Tensor<B, D>, ModuleError> {
    let floats = tokens.float().cast(dtype);
    let shape = floats.dims();
    all_tokens(&floats.clone().reshape([shape[0], shape[1..].iter().product()]))?;
    Ok(floats)
}

/// The element type of a module's first parameter.
struct First(Option<DType>);

impl<B: Backend> ModuleVisitor<B> for First {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if self.0.is_none() {
            self.0 = Some(param.val().dtype());
        }
    }
}
