//! Records whose truth is known: known exponents, with noise like that of real runs.
//!
//! They go through the whole analysis of a finding, from records to verdict. The sizes of the noise were
//! read off runs of the profile `laptop` that were made while the rules were developed; they are
//! written where they are used.

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
