//! Parametrisations: their definition, the conversion of one into another, and the limit of
//! infinite width.

mod layout;
mod limit;
mod role;
mod table;

pub use layout::{Convention, LayerRates, Layout, TimeRatio};
pub use limit::{Limit, UnstableLimit};
pub use role::Role;
pub use table::{Abc, BiasExponents, Parametrisation};
