//! `coord-check`: how everything in a network grows with its width, held against what
//! its parametrisation promises.

use std::{fs, process::ExitCode};

use anyhow::Context;
use rayon::prelude::*;
use regime_data::{default_cache_dir, prepare};
use regime_scaling::{BootstrapConfig, ExponentCheck, Outcome, Pairing, Sample, check_exponents};

use crate::{
    backend,
    cli::CoordCheck as Arguments,
    study::{CoordinateCheck, CoordinateSpec},
};

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (spec, name) = match &arguments.file {
        None => (CoordinateSpec::default(), "the default network".into()),
        Some(file) => {
            let place = file.display().to_string();
            let text = fs::read_to_string(file).with_context(|| place.clone())?;
            (serde_json::from_str(&text).with_context(|| place.clone())?, place)
        }
    };
    let check = CoordinateCheck::new(spec).with_context(|| name.clone())?;
    if let Err(unstable) = &check.limit {
        println!(
            "no stable limit is to be expected: {unstable}. Asked is only that nothing grows."
        );
    }
    let told = carry_out(&check).with_context(|| name.clone())?;
    println!("{told}");
    let (outcome, all) = (told.outcome(), told.rows.len());
    let words = match outcome {
        Outcome::Pass => format!("{all} exponents are as expected"),
        Outcome::Fail => format!("{} of {all} exponents are not as expected", told.count(outcome)),
        Outcome::Undecided => format!(
            "{} of {all} exponents are not known well enough; more seeds or wider widths would tell",
            told.count(outcome)
        ),
    };
    println!("coord-check: {} — {name}: {words}", outcome.word());
    Ok(match outcome {
        Outcome::Pass => ExitCode::SUCCESS,
        Outcome::Fail => ExitCode::FAILURE,
        Outcome::Undecided => ExitCode::from(UNDECIDED),
    })
}

/// Exit status when the measurement does not decide, as for findings.
const UNDECIDED: u8 = 3;

/// Makes the runs side by side and judges them.
fn carry_out(check: &CoordinateCheck) -> anyhow::Result<ExponentCheck> {
    let data = prepare(&check.spec().data, &default_cache_dir())?;
    let runs = check.runs();
    let samples: anyhow::Result<Vec<Vec<Sample>>> = runs
        .par_iter()
        .map(|(network, seed)| backend::coordinates(check, network, *seed, &data))
        .collect();
    // The same seed at another width is another network.
    let pairing = Pairing::Independent;
    let config = BootstrapConfig::default();
    Ok(check_exponents(&samples?.concat(), &check.claims(), pairing, &config))
}

#[cfg(test)]
mod tests {
    use regime_scaling::CheckedExponent;
    use serde_json::{Value, json};

    use super::*;

    fn spec(fields: Value) -> anyhow::Result<CoordinateCheck> {
        let mut spec = json!({"widths": [32, 64, 128, 256]});
        let Value::Object(fields) = fields else { panic!("an object") };
        spec.as_object_mut().unwrap().extend(fields);
        CoordinateCheck::new(serde_json::from_value(spec)?)
    }

    fn check(fields: Value) -> ExponentCheck {
        carry_out(&spec(fields).unwrap()).unwrap()
    }

    fn row<'a>(check: &'a ExponentCheck, quantity: &str, step: usize) -> &'a CheckedExponent {
        let is = |row: &&CheckedExponent| row.claim.quantity == quantity && row.claim.step == step;
        check.rows.iter().find(is).expect("a row of the table")
    }

    #[test]
    fn the_ntk_and_mu_p_pass_each_its_own_check_and_fail_the_other() {
        for (own, other) in [("ntk", "mu-p"), ("mu-p", "ntk")] {
            let right = check(json!({"parametrisation": own}));
            assert_eq!(right.outcome(), Outcome::Pass, "{own}:\n{right}");
            // Three preactivations, output and kernel; the same and their changes twice.
            assert_eq!(right.rows.len(), 5 + 8 + 9);
            let wrong = check(json!({"parametrisation": own, "expect": other}));
            assert_eq!(wrong.outcome(), Outcome::Fail, "{own}:\n{wrong}");
            for quantity in ["change of preactivations 1", "change of kernel"] {
                assert_eq!(row(&wrong, quantity, 6).outcome, Outcome::Fail, "{wrong}");
            }
            assert_eq!(row(&wrong, "change of output", 1).outcome, Outcome::Pass, "{wrong}");
        }
    }

    #[test]
    fn the_standard_parametrisation_with_one_rate_fails() {
        let standard = spec(json!({"parametrisation": "standard", "steps": 1, "seeds": 4}));
        let standard = standard.unwrap();
        assert!(standard.limit.is_err());
        let told = carry_out(&standard).unwrap();
        assert_eq!(told.outcome(), Outcome::Fail, "{told}");
        // The kernel counts n terms of size one.
        let kernel = row(&told, "kernel", 0);
        assert_eq!(kernel.outcome, Outcome::Fail);
        assert!((kernel.exponent.unwrap() - 1.0).abs() < 0.2, "{told}");
        assert_eq!(row(&told, "preactivations 3", 0).outcome, Outcome::Pass, "{told}");
    }

    #[test]
    fn one_seed_is_undecided() {
        let told = check(json!({"seeds": 1, "steps": 1, "widths": [8, 16]}));
        assert_eq!(told.outcome(), Outcome::Undecided);
        assert_eq!(told.count(Outcome::Undecided), told.rows.len());
    }

    /// At the border between the regimes, `α = 1/√h`, the NTK is the mean-field one.
    #[test]
    fn alpha_is_part_of_the_parametrisation() {
        let fields = json!({"alpha_exponent": 0.5, "seeds": 2, "steps": 2, "widths": [16, 32]});
        let scaled = check(fields.clone());
        let mut fields = fields;
        fields["alpha_exponent"] = json!(0);
        fields["parametrisation"] = json!("mean-field");
        let mean_field = check(fields);
        for (a, b) in scaled.rows.iter().zip(&mean_field.rows) {
            assert_eq!(a.claim, b.claim);
            let (a, b) = (a.exponent.unwrap(), b.exponent.unwrap());
            assert!((a - b).abs() < 1e-9, "{a} is not {b}");
        }
    }

    #[test]
    fn a_table_of_ones_own_is_a_parametrisation() {
        let table = serde_json::to_value(regime_models::Parametrisation::MU_P).unwrap();
        let own = spec(json!({"parametrisation": table})).unwrap();
        assert_eq!(own.limit, spec(json!({"parametrisation": "mu-p"})).unwrap().limit);
    }

    #[test]
    fn bad_input_is_one_line_that_names_the_field() {
        let resnet = json!({"architecture": "wide-resnet", "image": {"height": 8, "width": 8,
            "channels": 1}, "depth": 10, "base": 2, "mix_angle_deg": 45.0,
            "activation": {"kind": "relu"}, "bias": true});
        let cases = [
            (json!({"parametrisation": "pytorch"}), "choose ntk, code, standard"),
            (json!({"expect": {"input": {"a": 0}}}), "expect"),
            (json!({"network": {"architecture": "dense", "width": 3}}), "`widths`"),
            (json!({"network": resnet}), "wide-resnet"),
            (json!({"widths": [16]}), "widths"),
            (json!({"widths": [16, 16]}), "widths"),
            (json!({"widths": [0, 16]}), "width is 0"),
            (json!({"widths": [16, 1000000]}), "memory"),
            (json!({"seeds": 0}), "seeds"),
            (json!({"rate": -1}), "rate is -1"),
            (json!({"margin": 0}), "margin is 0"),
            (json!({"stepz": 3}), "stepz"),
            (json!({"data": {"n_kernel": 0}}), "n_kernel"),
        ];
        for (fields, part) in cases {
            let error = spec(fields.clone()).map(drop).unwrap_err();
            let message = format!("{error:#}");
            assert!(message.contains(part), "{fields}: {message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
}
