/// Which of the rows of a [`Parametrisation`](crate::Parametrisation) a layer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its fan-in does not grow with the width.
    Input,
    /// Both grow.
    Hidden,
    /// Its fan-out does not grow.
    Output,
}
