//! Kernels by every method and on every backend, their analysis, and their files. One test
//! program, because several would compile and link the same code several times.

mod analysis;
mod files;
mod infinite;
mod invariants;
mod method;
mod module;
mod module_network;
mod module_norms;
mod outputs;

// `on_every_backend!` expects these modules here.
use invariants::{dynamics, kernels, mutations, networks};
