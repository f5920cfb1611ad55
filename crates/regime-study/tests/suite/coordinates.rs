//! Coordinate checks of parametrisations whose limits are known.

use burn_flex::{Flex, FlexDevice};
use regime_data::{default_cache_dir, prepare};
use regime_scaling::{CheckedExponent, ExponentCheck, Outcome};
use regime_study::{CoordinateCheck, CoordinateSpec, StudyError};
use serde_json::{Value, json};

fn spec(fields: Value) -> Result<CoordinateCheck, StudyError> {
    let mut spec = json!({"widths": [32, 64, 128, 256]});
    let Value::Object(fields) = fields else { panic!("fields must be an object") };
    spec.as_object_mut().unwrap().extend(fields);
    // The parser reports fields that do not exist.
    let spec: CoordinateSpec = serde_json::from_value(spec)
        .map_err(|e| StudyError::Parse { place: "spec".into(), reason: e.to_string() })?;
    CoordinateCheck::new(spec)
}

fn run(check: &CoordinateCheck) -> ExponentCheck {
    let data = prepare(&check.spec().data, &default_cache_dir()).unwrap();
    check.run::<Flex>(&data, &FlexDevice, &|| ()).unwrap()
}

fn check(fields: Value) -> ExponentCheck {
    run(&spec(fields).unwrap())
}

fn row<'a>(check: &'a ExponentCheck, quantity: &str, step: usize) -> &'a CheckedExponent {
    let is = |row: &&CheckedExponent| row.claim.quantity == quantity && row.claim.step == step;
    check.rows.iter().find(is).expect("the table has this row")
}

#[test]
fn the_ntk_and_mu_p_pass_their_own_check_and_fail_that_of_the_other() {
    for (own, other) in [("ntk", "mu-p"), ("mu-p", "ntk")] {
        let right = check(json!({"parametrisation": own}));
        assert_eq!(right.outcome(), Outcome::Pass, "{own}:\n{right}");
        // At the start: three preactivations, output and kernel. Later their changes, too.
        assert_eq!(right.rows.len(), 5 + 8 + 9);
        let wrong = check(json!({"parametrisation": own, "expect": other}));
        assert_eq!(wrong.outcome(), Outcome::Fail, "{own}:\n{wrong}");
        for quantity in ["Δ preactivations 1", "Δ kernel"] {
            assert_eq!(row(&wrong, quantity, 6).outcome, Outcome::Fail, "{wrong}");
        }
        assert_eq!(row(&wrong, "Δ output", 1).outcome, Outcome::Pass, "{wrong}");
    }
}

#[test]
fn the_standard_parametrisation_with_one_rate_fails() {
    let standard = spec(json!({"parametrisation": "standard", "steps": 1, "seeds": 4}));
    let standard = standard.unwrap();
    assert!(standard.limit.is_err());
    let found = run(&standard);
    assert_eq!(found.outcome(), Outcome::Fail, "{found}");
    // The kernel is a sum of n terms of order one.
    let kernel = row(&found, "kernel", 0);
    assert_eq!(kernel.outcome, Outcome::Fail);
    assert!((kernel.exponent.unwrap() - 1.0).abs() < 0.2, "{found}");
    assert_eq!(row(&found, "preactivations 3", 0).outcome, Outcome::Pass, "{found}");
}

#[test]
fn one_seed_is_undecided() {
    let found = check(json!({"seeds": 1, "steps": 1, "widths": [8, 16]}));
    assert_eq!(found.outcome(), Outcome::Undecided);
    assert_eq!(found.count(Outcome::Undecided), found.rows.len());
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
fn a_parametrisation_can_be_a_table() {
    let table = serde_json::to_value(regime_models::Parametrisation::MU_P).unwrap();
    let own = spec(json!({"parametrisation": table})).unwrap();
    assert_eq!(own.limit, spec(json!({"parametrisation": "mu-p"})).unwrap().limit);
}

#[test]
fn errors_are_one_line_that_names_the_field() {
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
        (json!({"widths": [16, 1000000]}), "parameters"),
        (json!({"seeds": 0}), "seeds"),
        (json!({"rate": -1}), "rate is -1"),
        (json!({"margin": 0}), "margin is 0"),
        (json!({"stepz": 3}), "stepz"),
        (json!({"data": {"n_kernel": 0}}), "n_kernel"),
    ];
    for (fields, part) in cases {
        let error = spec(fields.clone()).map(drop).unwrap_err();
        let message = format!("{error}");
        assert!(message.contains(part), "{fields}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
