//! The recorded tangent kernels, before and after training.

use burn_tensor::{Tensor, backend::Backend};
use regime_data::Dataset;
use regime_models::{FeedForward, Precision};
use regime_train::{Probe, WholeKernel};

use crate::{points::tensor, record::GramPair};

/// The tangent kernel on the first `n` kernel points at two sets of weights; `None` where it
/// is not finite.
pub(crate) fn gram_pair<B: Backend>(
    net: &FeedForward,
    data: &Dataset,
    n: usize,
    [before, after]: [&Tensor<B, 1>; 2],
    precision: Precision,
) -> Option<GramPair> {
    let points = tensor::<B>(&data.kernel, precision, &before.device()).narrow(0, 0, n);
    let kernel = WholeKernel::new(net, points);
    let triangle = |w: &Tensor<B, 1>| {
        let whole = Precision::to_host(kernel.read(w));
        let rows = whole.chunks(n).enumerate();
        let upper: Vec<f64> = rows.flat_map(|(i, row)| row[i..].iter().copied()).collect();
        upper.iter().all(|value| value.is_finite()).then_some(upper)
    };
    Some(GramPair {
        labels: data.kernel.y.iter().take(n).map(|&y| y as i8).collect(),
        classes: data.kernel.class[..n].to_vec(),
        before: triangle(before)?,
        after: triangle(after)?,
    })
}
