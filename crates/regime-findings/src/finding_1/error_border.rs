//! The border between the regimes as the test error shows it: reported, not part of the rule.

use regime_models::NetworkSpec;
use regime_scaling::{
    BootstrapConfig, BootstrapInterval, CrossingPolicy, Pairing, Scales, bootstrap, crossing,
    difference_of_means, fit_power_law, mean, rescale,
};
use regime_study::{Run, curves::values};
use serde::Serialize;

use crate::{
    replica::{SetKey, distinct, training_set},
    setup::product,
};

/// The α at which the mean test error is half-way between its plateau on the feature side and its
/// plateau on the lazy side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorBorder {
    /// Width `h` and α*, or the reason why there is none.
    pub borders: Vec<(usize, Result<f64, String>)>,
    /// Exponent of α* against `h`, with its interval over training sets. There is none where the plateaus of
    /// a width do not differ.
    pub exponent: Result<BootstrapInterval, String>,
}

/// The final test error of one run of setup (A).
#[derive(Debug, Clone, Copy)]
struct TestError {
    set: SetKey,
    width: usize,
    product: f64,
    error: f64,
}

/// The border from the test errors of the dense networks that reached their requested end. It is computed
/// for reports only: no statement of the finding depends on it.
pub fn error_border(runs: &[Run]) -> ErrorBorder {
    let of = |run: &Run| {
        let NetworkSpec::Dense(_) = run.spec.network else { return None };
        let record = run.record.as_ref().ok().filter(|record| record.reached_requested_end())?;
        Some(TestError {
            set: training_set(&run.spec),
            width: run.spec.network.width(),
            product: product(&run.spec),
            error: record.test_error()?,
        })
    };
    let errors: Vec<TestError> = runs.iter().filter_map(of).collect();
    let (sets, widths) = (distinct(&errors, |e| e.set), values(&errors, |e| e.width));
    let border = |width: usize| -> Result<f64, String> {
        plateaus_differ(&errors, &sets, width)?;
        half_way(&mean_curve(&errors, &sets, width)).map(|p| p / (width as f64).sqrt())
    };
    let borders: Vec<(usize, Result<f64, String>)> =
        widths.iter().map(|&width| (width, border(width))).collect();
    let missing = borders
        .iter()
        .find_map(|(width, border)| Some(format!("at h = {width} {}", border.as_ref().err()?)));
    let exponent = match missing {
        Some(why) => Err(why),
        None => bootstrap(sets.len(), &BootstrapConfig::default(), |drawn| {
            let sets: Vec<SetKey> = drawn.iter().map(|&i| sets[i]).collect();
            let at = |&width: &usize| {
                let product = half_way(&mean_curve(&errors, &sets, width)).ok()?;
                Some((width as f64, product / (width as f64).sqrt()))
            };
            let points: Vec<(f64, f64)> = widths.iter().map(at).collect::<Option<_>>()?;
            Some(fit_power_law(&points).ok()?.exponent)
        })
        .map_err(|error| error.to_string()),
    };
    ErrorBorder { borders, exponent }
}

/// The mean test error of a width against `√h·α`, over training sets; a set that is listed twice
/// counts twice.
fn mean_curve(errors: &[TestError], sets: &[SetKey], width: usize) -> Vec<(f64, f64)> {
    let at = |&product: &f64| {
        let here = |set: &SetKey| {
            let set = *set;
            errors
                .iter()
                .filter(move |e| (e.set, e.width, e.product) == (set, width, product))
                .map(|e| e.error)
        };
        mean(&sets.iter().flat_map(here).collect::<Vec<_>>()).map(|m| (product, m.mean))
    };
    values(errors, |e| e.product).iter().filter_map(at).collect()
}

/// The means over the two smallest and over the two largest abscissas of a sorted curve.
fn plateaus(curve: &[(f64, f64)]) -> Option<[f64; 2]> {
    let n = curve.len();
    (n >= 4).then(|| [0.5 * (curve[0].1 + curve[1].1), 0.5 * (curve[n - 2].1 + curve[n - 1].1)])
}

/// The abscissa at which a curve is half-way between its plateaus.
fn half_way(curve: &[(f64, f64)]) -> Result<f64, String> {
    let [feature, lazy] = plateaus(curve).ok_or("there are fewer than four values of √h·α")?;
    let errors: Vec<f64> = curve.iter().map(|point| point.1).collect();
    let rescaled = rescale(&errors, feature, lazy).map_err(|error| error.to_string())?;
    let curve: Vec<(f64, f64)> = curve.iter().map(|point| point.0).zip(rescaled).collect();
    let found = crossing(&curve, 0.5, Scales::LOG_X, CrossingPolicy::default());
    found.map(|found| found.x).map_err(|error| error.to_string())
}

/// # Errors
/// When the interval of the difference between the plateaus contains 0, or does not exist.
fn plateaus_differ(errors: &[TestError], sets: &[SetKey], width: usize) -> Result<(), String> {
    let of_set = |set: &SetKey| plateaus(&mean_curve(errors, &[*set], width));
    let both: Vec<[f64; 2]> = sets.iter().filter_map(of_set).collect();
    let [feature, lazy] = [0, 1].map(|side| both.iter().map(|p| p[side]).collect::<Vec<f64>>());
    let gap = difference_of_means(&lazy, &feature, Pairing::Paired, &BootstrapConfig::default())
        .map_err(|error| error.to_string())?;
    if gap.contains(0.0) {
        let BootstrapInterval { estimate, low, high, .. } = gap;
        return Err(format!(
            "the plateaus of the test error do not differ (lazy minus feature {estimate:.4} [{low:.4}, \
             {high:.4}])"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_way_lies_between_the_plateaus() {
        let curve = [0.01, 0.1, 1.0, 10.0, 100.0].map(|x: f64| (x, 0.1 + 0.05 * (x / (1.0 + x))));
        let found = half_way(&curve).unwrap();
        assert!((0.3..3.0).contains(&found), "{found}");
        assert!(half_way(&curve[..3]).unwrap_err().contains("fewer than four"));
        let flat = [0.01, 0.1, 1.0, 10.0].map(|x| (x, 0.2));
        assert!(half_way(&flat).unwrap_err().contains("plateaus"));
    }
}
