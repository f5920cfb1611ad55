//! What an activation does to pairs of preactivations.

/// How an activation changes the correlation ρ of two preactivations. Each implementation
/// represents the correlation by its own number, the *state* of the pair. Between layers the
/// correlation goes as its *versine* `1 − ρ`, which resolves nearly equal preactivations.
pub(super) trait Law: Sync {
    type Layer<'a>: Layer
    where
        Self: 'a;

    /// The state of two directions, whose product is `cosine` up to rounding. A direction is a
    /// vector and one component more.
    fn state(&self, a: (&[f64], f64), b: (&[f64], f64), cosine: f64) -> f64;

    /// The state of a pair with this versine, at most 1.
    fn state_of(&self, versine: f64) -> f64;

    /// The activation, applied to preactivations of these standard deviations.
    fn layer(&self, deviations: Vec<f64>) -> Self::Layer<'_>;
}

/// An activation, applied to given preactivations.
pub(super) trait Layer: Sync {
    /// Standard deviations of the preactivations.
    fn deviations(&self) -> &[f64];

    /// `√(E φ(u)²)` of every preactivation.
    fn norms(&self) -> &[f64];

    /// `E φ'(u)²` of a preactivation.
    fn own_slope(&self, i: usize) -> f64;

    /// The versine of `φ(u)` and `φ(v)`, and `E φ'(u) φ'(v)`.
    fn pair(&self, i: usize, j: usize, state: f64) -> (f64, f64);

    /// Multiply-adds that take as long as [`pair`](Self::pair).
    fn work(&self, i: usize, j: usize, state: f64) -> f64;

    /// Multiply-adds that take as long as the coefficients of one preactivation.
    fn work_of_one(&self) -> f64;

    /// The errors that a pair has even for an exact state.
    fn errors(&self) -> Errors;

    /// The largest effect of an error of the state on the slope, relative to
    /// `√(E φ'(u)² E φ'(v)²)`.
    fn sensitivity(&self) -> f64;
}

/// Bounds on errors of a law.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errors {
    /// Relative to `√(E φ(u)² E φ(v)²)`.
    pub(super) value: f64,
    /// Relative to `√(E φ'(u)² E φ'(v)²)`.
    pub(super) slope: f64,
}
