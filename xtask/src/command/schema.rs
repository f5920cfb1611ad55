//! `schema`: the JSON Schemas of the files that people write.

use regime_study::{CoordinateSpec, file_schema};

use crate::cli::SchemaOf;

pub(super) fn run(of: SchemaOf) {
    let schema = match of {
        SchemaOf::Run => file_schema(),
        SchemaOf::CoordCheck => CoordinateSpec::schema(),
    };
    out!("{schema:#}");
}

#[cfg(test)]
mod tests {
    use regime_study::RunSpec;

    use super::*;

    /// Every field of a spec that is written out has its description.
    #[test]
    fn fields_have_descriptions() {
        for (schema, examples) in [
            (RunSpec::schema(), [include_str!("../../../docs/examples/diagnose.json")]),
            (
                CoordinateSpec::schema(),
                [include_str!("../../../docs/examples/coord-check-mu-p.json")],
            ),
        ] {
            let properties = schema["properties"].as_object().unwrap();
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{name}: {property}");
            }
            for example in examples {
                let example: serde_json::Value = serde_json::from_str(example).unwrap();
                for field in example.as_object().unwrap().keys() {
                    assert!(properties.contains_key(field), "{field}");
                }
            }
        }
        assert_eq!(RunSpec::schema()["required"], serde_json::json!(["network", "alpha"]));
        let file = file_schema();
        assert_eq!(file["$defs"]["RunSpec"]["properties"], RunSpec::schema()["properties"]);
        assert!(
            file["$defs"]["Source"].is_object() && file["anyOf"].as_array().unwrap().len() == 3
        );
    }
}
