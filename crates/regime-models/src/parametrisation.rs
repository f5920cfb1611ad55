//! Parametrisations: what they are, how one becomes another, and what the width does
//! in each.

mod layout;
mod limit;
mod table;

pub use layout::{Convention, LayerRates, Layout, Pace, Role};
pub use limit::{Limit, UnstableLimit};
pub use table::{Abc, BiasExponents, Parametrisation};
