//! Parametrisations: what they are, how one becomes another, and what the width does
//! in each.

mod layout;
mod limit;
mod role;
mod table;

pub use layout::{Convention, LayerRates, Layout, Pace};
pub use limit::{Limit, UnstableLimit};
pub use role::Role;
pub use table::{Abc, BiasExponents, Parametrisation};
