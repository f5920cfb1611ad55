//! Sweeps: products of axes in files.

use regime_lab::{Grid, Sweep, SweepError};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flow {
    #[serde(default)]
    net: Net,
    alpha: f64,
    seed: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Net {
    width: usize,
    tag: Option<String>,
}

fn sweep(value: Value) -> Sweep {
    serde_json::from_value(value).unwrap()
}

fn error_of(value: Value) -> String {
    let error: SweepError = sweep(value).specs::<Flow>().unwrap_err();
    let line = error.to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

#[test]
fn a_sweep_is_the_grid_of_its_axes() {
    let base = Flow { net: Net { width: 3, tag: Some("t".into()) }, alpha: 0.0, seed: 1 };
    let grid = Grid::from_base(base)
        .axis("width and alpha", [(10, 0.1), (40, 0.05)], |spec, (width, alpha)| {
            spec.net.width = width;
            spec.alpha = alpha;
        })
        .axis("seed", 0..3, |spec, seed| spec.seed = seed);
    let sweep = sweep(json!({
        "base": {"net": {"width": 3, "tag": "t"}, "seed": 1},
        "axes": [{"net.width": [10, 40], "alpha": [0.1, 0.05]}, {"seed": [0, 1, 2]}],
    }));
    assert_eq!(sweep.specs::<Flow>().unwrap(), grid.specs());
    assert_eq!(sweep.place(4), "alpha = 0.05, net.width = 40, seed = 1");
}

#[test]
fn a_base_without_axes_is_one_spec_and_missing_objects_are_created() {
    let one = sweep(json!({"base": {"alpha": 1, "seed": 2}, "axes": []}));
    let flow = Flow { net: Net::default(), alpha: 1.0, seed: 2 };
    assert_eq!(one.specs::<Flow>().unwrap(), std::slice::from_ref(&flow));
    let made = sweep(json!({"base": {"alpha": 1, "seed": 2}, "axes": [{"net.width": [5]}]}));
    let net = Net { width: 5, tag: None };
    assert_eq!(made.specs::<Flow>().unwrap(), [Flow { net, ..flow }]);
}

#[test]
fn errors_are_one_line_that_names_the_place() {
    let base = json!({"alpha": 1, "seed": 2});
    let axes = |axes: Value| json!({"base": base, "axes": axes});
    assert_eq!(error_of(axes(json!([{"seed": [1]}, {}]))), "axis 2 names no field");
    let empty = error_of(axes(json!([{"seed": [], "alpha": [1]}])));
    assert_eq!(empty, "axis 1: seed has no values");
    assert!(error_of(json!({"base": {}, "axes": []})).starts_with("missing field"));
    let uneven = error_of(axes(json!([{"seed": [1, 2], "alpha": [1]}])));
    assert!(uneven.starts_with("axis 1: seed has 2 values and alpha 1"), "{uneven}");
    for other in ["net", "net.width", "net.width.x"] {
        let twice = error_of(axes(json!([{"net.width": [1]}, {other: [1]}])));
        let expected =
            format!("net.width and {other} would overwrite each other: leave one of them out");
        assert_eq!(twice, expected);
    }
    // Names that only have a common beginning are two fields.
    let alike = error_of(axes(json!([{"net": [{}]}, {"network": [{}]}])));
    assert!(alike.contains("unknown field `network`"), "{alike}");
    let inside = error_of(axes(json!([{"alpha.x": [1]}])));
    assert_eq!(inside, "there is no field alpha.x: alpha is not an object");
    let misspelt = error_of(axes(json!([{"net.widht": [1, 2]}])));
    assert!(misspelt.starts_with("net.widht = 1: unknown field `widht`"), "{misspelt}");
    let kind = error_of(axes(json!([{"seed": [0, -1]}])));
    assert!(kind.starts_with("seed = -1: invalid value"), "{kind}");
    let many: Vec<u64> = (0..1001).collect();
    let many = error_of(axes(json!([{"seed": many}, {"alpha": many}])));
    assert_eq!(
        many,
        "the axes have more than 100000 combinations: shorten one, or use several files"
    );
    let misspelt = serde_json::from_value::<Sweep>(json!({"base": {}, "axis": []})).unwrap_err();
    assert!(misspelt.to_string().contains("unknown field `axis`"), "{misspelt}");
}
