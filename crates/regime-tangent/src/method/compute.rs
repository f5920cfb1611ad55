use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Precision, Tape};

use super::{KernelPlan, Method, PlanError, Sizes};
use crate::{
    assemble::Assembled,
    gram::contracted,
    jacobian::{contract, jacobian},
    outputs::{Outputs, traced, traced_kernel},
};

impl KernelPlan {
    /// Computes the kernel from tapes of the planned sizes, one per output. Tapes that know
    /// their kernel return it, and the planned method is ignored.
    ///
    /// # Shapes
    /// As in [`Outputs`], symmetric to the bit except for [`Method::Products`].
    ///
    /// # Errors
    /// [`PlanError::Sizes`] when the tapes have other sizes.
    pub fn compute<B: Backend, T: Tape<B>>(&self, tapes: &[T]) -> Result<Tensor<B, 2>, PlanError> {
        let found = Sizes::of(tapes);
        let Sizes { row_cost, tiles, .. } = self.sizes;
        let same = Sizes { row_cost, tiles, ..found.clone() } == self.sizes;
        if !same {
            let (planned, found) = (Box::new(self.sizes.clone()), Box::new(found));
            return Err(PlanError::Sizes { planned, found });
        }
        let form = if tapes.len() == 1 { Outputs::TracedSum } else { self.outputs };
        // A tape that knows its kernel may have its own metric, in which the kernel is not
        // `J Jᵀ`.
        if tapes.iter().any(|tape| !tape.is_euclidean() || tape.kernel_with(tape).is_some()) {
            return Ok(traced_kernel(tapes, form));
        }
        Ok(match self.chosen.method {
            Method::Contraction => contraction(tapes, form, self.chosen.points_at_once),
            Method::Products => by_products(tapes, form),
            // A plan never holds `Auto`.
            Method::Auto | Method::Structured => traced_kernel(tapes, form),
        })
    }
}

/// `J Jᵀ` from the rows of some points at a time.
fn contraction<B: Backend, T: Tape<B>>(tapes: &[T], form: Outputs, at_once: usize) -> Tensor<B, 2> {
    if form == Outputs::Full {
        return contraction_of_rows(&tapes.iter().collect::<Vec<_>>(), at_once);
    }
    traced(tapes.iter().map(|tape| contraction_of_rows(&[tape], at_once)), tapes.len(), form)
}

fn contraction_of_rows<B: Backend, T: Tape<B>>(tapes: &[&T], at_once: usize) -> Tensor<B, 2> {
    let n = tapes[0].n_points();
    if at_once >= n {
        let rows = tapes.iter().map(|tape| jacobian(*tape));
        return contracted(&Tensor::cat(rows.collect(), 0));
    }
    let blocks: Vec<(&T, Vec<usize>)> = tapes
        .iter()
        .flat_map(|tape| {
            let starts = (0..n).step_by(at_once);
            starts.map(|start| (*tape, (start..(start + at_once).min(n)).collect()))
        })
        .collect();
    let rows_of = |(tape, points): &(&T, Vec<usize>)| jacobian(&tape.select(points));
    let mut theta = Assembled::zeros([n * tapes.len(); 2], tapes[0].placement());
    // By columns of blocks: the rows of one block are held while those of every earlier block
    // are computed again.
    let mut column = 0;
    for (b, block) in blocks.iter().enumerate() {
        let own = rows_of(block);
        let mut row = 0;
        for earlier in &blocks[..b] {
            theta.add_mirrored([row, column], contract(rows_of(earlier), own.clone()));
            row += earlier.1.len();
        }
        theta.add([column, column], contracted(&own));
        column += block.1.len();
    }
    theta.finish()
}

/// `J (Jᵀ eᵢ)` for every point.
fn by_products<B: Backend, T: Tape<B>>(tapes: &[T], form: Outputs) -> Tensor<B, 2> {
    let add_columns = |theta: &mut Assembled<B>, start: usize, from: &T, to: &[&T]| {
        for i in 0..from.n_points() {
            let gradient = from.vjp(basis(from, i));
            let mut row = 0;
            for tape in to {
                let moved = tape.jvp(gradient.clone());
                let n = moved.dims()[0];
                theta.add([row, start + i], moved.reshape([n, 1]));
                row += n;
            }
        }
    };
    let n = tapes[0].n_points();
    if form == Outputs::Full {
        let all: Vec<&T> = tapes.iter().collect();
        let mut theta = Assembled::zeros([n * tapes.len(); 2], tapes[0].placement());
        for (k, tape) in tapes.iter().enumerate() {
            add_columns(&mut theta, k * n, tape, &all);
        }
        return theta.finish();
    }
    let of = |tape: &T| {
        let mut theta = Assembled::zeros([n, n], tape.placement());
        add_columns(&mut theta, 0, tape, &[tape]);
        theta.finish()
    };
    traced(tapes.iter().map(of), tapes.len(), form)
}

fn basis<B: Backend, T: Tape<B>>(tape: &T, i: usize) -> Tensor<B, 1> {
    let mut values = vec![0.0; tape.n_points()];
    values[i] = 1.0;
    let (device, dtype) = tape.placement();
    Precision::of(dtype).vector(&values, &device)
}
