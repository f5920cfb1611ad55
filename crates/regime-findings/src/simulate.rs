//! Records whose truth is known: known exponents, with noise like that of real runs.
//!
//! The records pass through the whole analysis of a finding, to the verdict. The noise has the size
//! measured in runs of the profile `laptop`, made while the rules were developed; the values are
//! documented where they are used.

mod border;
mod depth;
mod fluctuations;
mod gap;
mod noise;
mod passage;
mod records;
mod study;
mod truth;

pub use border::Border;
pub use depth::Depth;
pub use fluctuations::Fluctuations;
pub use gap::Gap;
pub use passage::Passage;
pub use study::simulated;
pub use truth::Truth;
