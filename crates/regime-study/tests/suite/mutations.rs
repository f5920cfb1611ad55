//! Every field of a spec with a wrong value: the message is one line that names the field.

use std::panic::{AssertUnwindSafe, catch_unwind};

use regime_study::{PlacedSpec, read_specs};
use serde_json::{Value, json};

/// Specs that have, among them, every kind of network, dynamics, loss and source.
fn specs() -> Vec<Value> {
    let dense = json!({"architecture": "dense", "inputs": 10, "width": 9, "hidden_layers": 2,
        "activation": {"kind": "softplus", "beta": 5.0}, "bias": true});
    let image = json!({"height": 28, "width": 28, "channels": 1});
    let convolutional = json!({"architecture": "convolutional", "image": image, "width": 4,
        "blocks": 1, "convolutions": 1, "window": 5, "padding": 1,
        "activation": {"kind": "relu"}, "bias": true});
    let resnet = json!({"architecture": "wide-resnet", "image": image, "width": 1, "depth": 10,
        "base": 2, "mix_angle_deg": 45.0, "activation": {"kind": "relu"}, "bias": true});
    let rule = json!({"rule": "output-change", "undo_above": 0.1, "grow_below": 0.01});
    let explicit = json!({"scheme": "explicit", "rule": rule});
    vec![
        json!({"network": dense, "alpha": 0.5, "seed": 1, "precision": "f64", "frozen": ["end"],
            "loss": {"kind": "soft-hinge", "beta": 20.0}, "budget": {"max_wall_s": 60.0},
            "outputs_kept": 3, "gram_kept": 3, "kernel_path": true, "backend": "flex", "device": "cpu",
            "data": {"source": {"kind": "mnist-t10k"}, "task": {"kind": "one-vs-rest", "class": 3},
                "balance": true, "fit": "train", "n_train": 20, "n_test": 30, "n_kernel": 10, "seed": 4,
                "training_set": {"index": 0, "of": 2},
                "inputs": {"centre": true, "sphere": true,
                    "pca": {"components": 10, "scaling": "whitened"}}},
            "dynamics": {"kind": "flow", "scheme": {"scheme": "adaptive", "tolerance": 0.1},
                "momentum": {"inertia": "constant", "tau": 2.0}, "observations_per_decade": 4,
                "stop": {"margin": 1.0, "max_steps": 10, "max_time": 5.0, "at_half_loss": false}}}),
        json!({"network": convolutional, "alpha": 1.0,
            "dynamics": {"kind": "stochastic", "temperature": 0.1, "largest_batch": 4,
                "undo_above": 0.1, "grow_below": 0.01, "sampling": "violators"},
            "loss": {"kind": "hinge"}}),
        json!({"network": resnet, "alpha": 1.0, "dynamics": {"kind": "flow", "scheme": explicit}}),
        json!({"network": dense, "alpha": 1.0, "data": {"task": {"kind": "own"},
            "source": {"kind": "cylinder", "dim": 10, "round": 3, "stretch": 2.0}}}),
    ]
}

/// Wrong values for any field, whatever its type; some are right for some fields.
fn wrong_values() -> Vec<Value> {
    let huge = u64::MAX;
    vec![
        json!("what"),
        json!(true),
        json!(-1),
        json!(-0.5),
        json!(1e300),
        json!(huge),
        json!(null),
        json!([]),
        json!([1, "a"]),
        json!({}),
        json!({"kind": "x"}),
        json!(0),
        json!(1_000_000_000u64),
    ]
}

/// The paths of all values in a spec.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    if let Value::Object(fields) = value {
        for (name, inner) in fields {
            let path = format!("{path}/{name}");
            found.push(path.clone());
            paths(inner, &path, found);
        }
    }
}

#[test]
fn a_wrong_value_is_refused_in_one_line_that_names_its_field() {
    let (mut refused, mut accepted) = (0, 0);
    for spec in specs() {
        let mut fields = Vec::new();
        paths(&spec, "", &mut fields);
        for (pointer, value) in
            fields.iter().flat_map(|pointer| wrong_values().into_iter().map(move |v| (pointer, v)))
        {
            let mut mutated = spec.clone();
            *mutated.pointer_mut(pointer).unwrap() = value.clone();
            let text = mutated.to_string();
            let checked = catch_unwind(AssertUnwindSafe(|| -> Result<(), String> {
                for PlacedSpec { spec, .. } in
                    read_specs("x.json", &text, &[]).map_err(|e| e.to_string())?
                {
                    spec.check().map_err(|e| e.to_string())?;
                }
                Ok(())
            }));
            let place = format!("{pointer} = {value}");
            match checked.unwrap_or_else(|_| panic!("{place} panics")) {
                Ok(()) => accepted += 1,
                Err(message) => {
                    refused += 1;
                    let name = pointer.rsplit('/').next().unwrap();
                    // A value of another variant may make another field of the same object wrong.
                    let parent = pointer.rsplit('/').nth(1).unwrap_or_default();
                    let named =
                        message.contains(name) || (!parent.is_empty() && message.contains(parent));
                    assert!(named, "{place}: {message}");
                    assert_eq!(message.lines().count(), 1, "{place}: {message}");
                }
            }
            // A field that does not exist, beside it.
            if value == json!("what") {
                let mut mutated = spec.clone();
                let (parent, name) = pointer.rsplit_once('/').unwrap();
                let object = mutated.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
                object.insert(format!("{name}x"), 1.into());
                let message =
                    read_specs("x.json", &mutated.to_string(), &[]).unwrap_err().to_string();
                assert!(message.contains(&format!("{name}x is not a field")), "{message}");
            }
        }
    }
    assert!(refused > 600 && accepted > 50, "{refused} refused, {accepted} accepted");
}
