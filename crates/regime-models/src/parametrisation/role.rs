/// The row of a [`Parametrisation`](crate::Parametrisation) that applies to a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its fan-in does not grow with the width.
    Input,
    /// Its fan-in and its fan-out grow with the width.
    Hidden,
    /// Its fan-out does not grow with the width.
    Output,
}
