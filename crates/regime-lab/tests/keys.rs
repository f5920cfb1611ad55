//! Keys: a run always has the same key, and different runs have different keys.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use regime_lab::{RunKey, Spec, Unencodable, canonical_form};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Dynamics {
    Flow,
    Momentum { tau: f64 },
    Stochastic(u32, f32),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Full {
    alpha: f64,
    width: u32,
    seed: u64,
    shift: i64,
    name: String,
    stop: Option<f64>,
    layers: Vec<u16>,
    extra: BTreeMap<String, f64>,
    dynamics: Dynamics,
}

impl Spec for Full {
    const KIND: &'static str = "full";
    const VERSION: u32 = 3;
}

fn sample() -> Full {
    Full {
        alpha: 0.1,
        width: 100,
        seed: u64::MAX,
        shift: -7,
        name: "Größe \"é\"\n\u{1}".into(),
        stop: None,
        layers: vec![3, 1, 2],
        extra: BTreeMap::from([("b".into(), 1e-300), ("a".into(), -0.0)]),
        dynamics: Dynamics::Momentum { tau: 1.0 },
    }
}

fn key<S: Spec>(spec: &S) -> RunKey {
    RunKey::of(spec).unwrap()
}

/// The text was written by hand and hashed by `sha256sum`. If this test fails,
/// every stored run is lost: change the code, not the test.
#[test]
fn golden() {
    let text = concat!(
        r#"{"kind":"full","spec":{"alpha":1e-1,"dynamics":{"Momentum":{"tau":1e0}},"#,
        r#""extra":{"a":0e0,"b":1e-300},"layers":[3,1,2],"name":"Größe \"é\"\n\u0001","#,
        r#""seed":18446744073709551615,"shift":-7,"stop":null,"width":100},"version":3}"#,
    );
    assert_eq!(canonical_form(&sample()).unwrap(), text);
    assert_eq!(
        key(&sample()).to_string(),
        "e13560a1fe59cde59b8d3f713ac8a012456fc784bb4575f2478d89d1183e0035"
    );
}

#[test]
fn the_order_of_fields_and_entries_does_not_matter() {
    #[derive(Clone, Serialize)]
    struct Ab(#[serde(serialize_with = "ab")] (f64, HashMap<u32, u32>));
    #[derive(Clone, Serialize)]
    struct Ba {
        b: HashMap<u32, u32>,
        a: f64,
    }
    fn ab<Z: serde::Serializer>(v: &(f64, HashMap<u32, u32>), z: Z) -> Result<Z::Ok, Z::Error> {
        use serde::ser::SerializeStruct;
        let mut s = z.serialize_struct("Ab", 2)?;
        s.serialize_field("a", &v.0)?;
        s.serialize_field("b", &v.1)?;
        s.end()
    }
    impl Spec for Ab {
        const KIND: &'static str = "order";
        const VERSION: u32 = 1;
    }
    impl Spec for Ba {
        const KIND: &'static str = "order";
        const VERSION: u32 = 1;
    }
    // Two maps with the same entries, of different iteration orders.
    let up: HashMap<u32, u32> = (0..100).map(|i| (i, i * i)).collect();
    let down: HashMap<u32, u32> = (0..100).rev().map(|i| (i, i * i)).collect();
    assert_eq!(key(&Ab((2.5, up))), key(&Ba { b: down, a: 2.5 }));
}

#[test]
fn kind_and_version_and_number_type_are_part_of_the_key() {
    macro_rules! number {
        ($name:ident, $type:ty, $kind:literal, $version:literal) => {
            #[derive(Clone, Serialize)]
            struct $name($type);
            impl Spec for $name {
                const KIND: &'static str = $kind;
                const VERSION: u32 = $version;
            }
        };
    }
    number!(Integer, u32, "number", 1);
    number!(Wide, i128, "number", 1);
    number!(Float, f64, "number", 1);
    number!(Newer, f64, "number", 2);
    number!(Other, f64, "numeral", 1);

    let float = key(&Float(1.0));
    assert_ne!(float, key(&Integer(1)));
    assert_ne!(float, key(&Newer(1.0)));
    assert_ne!(float, key(&Other(1.0)));
    assert_eq!(key(&Integer(1)), key(&Wide(1)));
    assert_eq!(key(&Float(0.0)), key(&Float(-0.0)));
}

#[test]
fn a_spec_with_a_number_that_is_not_finite_has_no_key() {
    let mut spec = sample();
    spec.dynamics = Dynamics::Stochastic(1, f32::NAN);
    let error = RunKey::of(&spec).unwrap_err();
    assert_eq!(error.path, "dynamics.Stochastic[1]");
    assert!(matches!(error.reason, Unencodable::NonFinite(v) if v.is_nan()));

    let mut spec = sample();
    spec.extra.insert("c".into(), f64::INFINITY);
    let error = RunKey::of(&spec).unwrap_err();
    assert_eq!(error.to_string(), "extra.c: inf is not a finite number and has no JSON form");
}

#[test]
fn keys_are_parsed_as_they_are_printed() {
    let key = key(&sample());
    assert_eq!(key.to_string().parse(), Ok(key));
    assert!(key.to_string().starts_with(&key.short()));
    let json = serde_json::to_string(&key).unwrap();
    assert_eq!(serde_json::from_str::<RunKey>(&json).unwrap(), key);

    for wrong in ["", "ab", &"G".repeat(64), &"A".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
        assert_eq!(wrong.parse::<RunKey>().unwrap_err().0, wrong);
    }
}

fn finite() -> impl Strategy<Value = f64> {
    prop::num::f64::ANY.prop_filter("finite", |v| v.is_finite())
}

fn dynamics() -> impl Strategy<Value = Dynamics> {
    let small = prop::num::f32::NORMAL;
    prop_oneof![
        Just(Dynamics::Flow),
        finite().prop_map(|tau| Dynamics::Momentum { tau }),
        (any::<u32>(), small).prop_map(|(batch, rate)| Dynamics::Stochastic(batch, rate)),
    ]
}

prop_compose! {
    fn any_spec()(
        alpha in finite(),
        width: u32,
        seed: u64,
        shift: i64,
        name: String,
        stop in prop::option::of(finite()),
        layers in prop::collection::vec(any::<u16>(), 0..4),
        extra in prop::collection::btree_map(any::<String>(), finite(), 0..4),
        dynamics in dynamics(),
    ) -> Full {
        Full { alpha, width, seed, shift, name, stop, layers, extra, dynamics }
    }
}

/// The smallest changes of one field each.
fn neighbours(spec: &Full) -> Vec<Full> {
    let change = |edit: &dyn Fn(&mut Full)| {
        let mut other = spec.clone();
        edit(&mut other);
        other
    };
    vec![
        change(&|s| s.alpha = if s.alpha == f64::MAX { 0.0 } else { s.alpha.next_up() }),
        change(&|s| s.width ^= 1),
        change(&|s| s.seed ^= 1),
        change(&|s| s.shift = !s.shift),
        change(&|s| s.name.push('\u{0}')),
        change(&|s| s.stop = if s.stop.is_none() { Some(0.0) } else { None }),
        change(&|s| s.layers.push(0)),
        change(&|s| s.extra.extend([(format!("{}x", s.name), 0.5)])),
    ]
}

proptest! {
    #[test]
    fn keys_are_equal_if_and_only_if_specs_are_equal(a in any_spec(), b in any_spec()) {
        prop_assert_eq!(key(&a) == key(&b), a == b);
        for c in neighbours(&a) {
            prop_assert_eq!(key(&a) == key(&c), a == c, "{:?}", c);
        }
    }

    #[test]
    fn keys_survive_serialisation(spec in any_spec()) {
        let compact: Full = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
        prop_assert_eq!(key(&compact), key(&spec));
        // Through an untyped value, whose fields come in another order.
        let value = serde_json::to_value(&spec).unwrap();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(key(&serde_json::from_str::<Full>(&pretty).unwrap()), key(&spec));
    }
}
