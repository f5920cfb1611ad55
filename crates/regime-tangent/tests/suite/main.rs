//! Kernels by every way to them and over every backend, what is measured of them, and their
//! files. One program, because most of the time that several would take to build is the same
//! code over and over.

mod analysis;
mod files;
mod infinite;
mod invariants;
mod method;
mod module;
mod outputs;

// `on_every_backend!` looks for them here.
use invariants::{dynamics, kernels, mutations, networks};
