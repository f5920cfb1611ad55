//! Records that hold only what an analysis uses.

use regime_study::{Ending, Measurement, PointSet, Run, RunRecord, RunSpec};
use regime_train::{Moment, Observation, Work};

/// A state of a run, with the fields that an analysis uses.
pub(crate) fn measurement(moment: Moment, t: f64, [output, network]: [f64; 2]) -> Measurement {
    Measurement {
        training: Observation {
            moment,
            t,
            steps: 1,
            mean_loss: 0.0,
            n_violating: 0,
            n_wrong: 0,
            smallest_margin: 1.0,
            output_rms: output,
            network_rms: network,
        },
        test_error: None,
        kernel_change: None,
        weight_change: 0.0,
        layers: Vec::new(),
    }
}

/// A record of a run with this ending, after these states.
pub(crate) fn record(ending: Ending, path: Vec<Measurement>) -> RunRecord {
    RunRecord {
        ending,
        steps: 1,
        rejected: 0,
        work: Work::default(),
        t1: None,
        t2: None,
        preactivation_speeds: Vec::new(),
        path,
        test_wrong: PointSet::default(),
        test_outputs: Vec::new(),
        test_labels: Vec::new(),
        gram: None,
        frozen: Vec::new(),
    }
}

/// A record of a run that reached every margin, with this kernel change.
pub(crate) fn converged(kernel_change: f64) -> RunRecord {
    let end = Measurement {
        kernel_change: Some(kernel_change),
        ..measurement(Moment::End, 1.0, [1.0, 1.0])
    };
    record(Ending::Converged, vec![end])
}

/// A spec with its record.
pub(crate) fn run(spec: &RunSpec, record: RunRecord) -> Run {
    Run { spec: spec.clone(), record: Ok(record), provenance: None }
}

/// The final kernel change of setup (A) at `√h·α`, interpolated in logarithms between values of
/// real runs.
pub(crate) fn kernel_change(product: f64) -> f64 {
    const CURVE: [(f64, f64); 7] = [
        (0.1, 1.2e4),
        (1.0, 350.0),
        (3.0, 65.0),
        (10.0, 9.3),
        (30.0, 1.55),
        (100.0, 0.19),
        (1e4, 1.1e-3),
    ];
    let x = product.ln();
    let after = CURVE.iter().position(|p| p.0.ln() >= x).unwrap_or(CURVE.len() - 1).max(1);
    let (a, b) = (CURVE[after - 1], CURVE[after]);
    let part = (x - a.0.ln()) / (b.0.ln() - a.0.ln());
    (a.1.ln() + part * (b.1.ln() - a.1.ln())).exp()
}
