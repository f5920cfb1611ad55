//! Kernels by every method and on every backend, their analysis, and their files. One test
//! program, because several would compile and link the same code several times.

mod analysis;
mod differences;
mod files;
mod infinite;
mod invariants;
mod memory;
mod method;
mod module;
mod module_network;
mod module_norms;
mod outputs;
mod shared;

// `on_every_backend!` expects these modules here.
use invariants::{dynamics, kernels, mutations, networks};

/// Counts the memory of the tests in `memory`.
#[global_allocator]
static ALLOCATED: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;
