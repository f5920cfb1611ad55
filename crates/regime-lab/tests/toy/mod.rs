//! A toy run: the orbit of the logistic map.

use regime_lab::Spec;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Logistic {
    pub(crate) r: f64,
    pub(crate) n_steps: u32,
    pub(crate) seed: u64,
}

impl Spec for Logistic {
    const KIND: &'static str = "logistic";
    const VERSION: u32 = 2;

    fn cost(&self) -> f64 {
        f64::from(self.n_steps)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Orbit {
    pub(crate) points: Vec<f64>,
    pub(crate) mean: Option<f64>,
}

pub(crate) fn spec(n_steps: u32) -> Logistic {
    Logistic { r: 3.9, n_steps, seed: 5 }
}
