//! Conversion of any `Serialize` to [`Json`]; values that JSON cannot hold are errors.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::Json;

/// A value that cannot be written as JSON and read back unchanged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}: {reason}", if path.is_empty() { "the value" } else { path })]
pub struct EncodeError {
    /// The path of the value, such as `model.widths[3]`; empty for the whole value.
    pub path: String,
    /// What is wrong with the value.
    pub reason: Unencodable,
}

/// Why a value cannot be written; [`EncodeError::path`] says where.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unencodable {
    /// NaN or an infinity. Use an `Option` or an enum for a quantity that can be
    /// undefined.
    #[error("{0} is not a finite number and has no JSON form")]
    NonFinite(f64),
    /// A map with keys that are neither text, integers, booleans nor unit
    /// variants.
    #[error("a map whose keys are not text")]
    KeyNotText,
    /// Two entries of one map share a key (as `#[serde(flatten)]` can do).
    #[error("the key `{0}` occurs twice")]
    DuplicateKey(String),
    /// The `Serialize` implementation of the value returned this error.
    #[error("{0}")]
    Refused(String),
}

impl EncodeError {
    fn here(reason: Unencodable) -> Self {
        let path = String::new();
        EncodeError { path, reason }
    }

    /// The same error with `segment` in front of the path.
    fn under(self, segment: &str) -> Self {
        let joint = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        EncodeError { path: format!("{segment}{joint}{}", self.path), ..self }
    }
}

impl ser::Error for EncodeError {
    fn custom<T: Display>(message: T) -> Self {
        EncodeError::here(Unencodable::Refused(message.to_string()))
    }
}

/// Encodes `value`; an `f32` becomes the `f64` of the same value.
///
/// # Errors
/// [`EncodeError`] with the path of the first part that JSON cannot hold.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Json, EncodeError> {
    value.serialize(Encoder)
}

struct Encoder;

/// Makes the externally tagged form of an enum's variant.
fn tagged(variant: Option<&'static str>, content: Json) -> Json {
    match variant {
        None => content,
        Some(name) => Json::Map(BTreeMap::from([(name.to_owned(), content)])),
    }
}

/// Integers of every width differ in type only.
macro_rules! integers {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, v: $type) -> Result<Json, EncodeError> {
            Ok(Json::Integer(v.to_string()))
        })*
    };
}

impl Serializer for Encoder {
    type Ok = Json;
    type Error = EncodeError;
    type SerializeSeq = ListEncoder;
    type SerializeTuple = ListEncoder;
    type SerializeTupleStruct = ListEncoder;
    type SerializeTupleVariant = ListEncoder;
    type SerializeMap = MapEncoder;
    type SerializeStruct = MapEncoder;
    type SerializeStructVariant = MapEncoder;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_bool(self, v: bool) -> Result<Json, EncodeError> {
        Ok(Json::Bool(v))
    }

    fn serialize_f32(self, v: f32) -> Result<Json, EncodeError> {
        self.serialize_f64(f64::from(v))
    }

    fn serialize_f64(self, v: f64) -> Result<Json, EncodeError> {
        if v.is_finite() {
            Ok(Json::Float(v))
        } else {
            Err(EncodeError::here(Unencodable::NonFinite(v)))
        }
    }

    fn serialize_char(self, v: char) -> Result<Json, EncodeError> {
        Ok(Json::Text(v.to_string()))
    }

    fn serialize_str(self, v: &str) -> Result<Json, EncodeError> {
        Ok(Json::Text(v.to_owned()))
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<Json, EncodeError> {
        v.serialize(self)
    }

    fn serialize_none(self) -> Result<Json, EncodeError> {
        Ok(Json::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Json, EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Json, EncodeError> {
        Ok(Json::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Json, EncodeError> {
        Ok(Json::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Json, EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Json, EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Json, EncodeError> {
        let content = value.serialize(self).map_err(|e| e.under(variant))?;
        Ok(tagged(Some(variant), content))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<ListEncoder, EncodeError> {
        // The length is only a hint. The limit keeps a wrong hint from exhausting the memory.
        let items = Vec::with_capacity(len.unwrap_or(0).min(1 << 16));
        Ok(ListEncoder { variant: None, items })
    }

    fn serialize_tuple(self, len: usize) -> Result<ListEncoder, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<ListEncoder, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<ListEncoder, EncodeError> {
        Ok(ListEncoder { variant: Some(variant), items: Vec::new() })
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<MapEncoder, EncodeError> {
        Ok(MapEncoder::default())
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<MapEncoder, EncodeError> {
        Ok(MapEncoder::default())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<MapEncoder, EncodeError> {
        Ok(MapEncoder { variant: Some(variant), ..MapEncoder::default() })
    }
}

struct ListEncoder {
    variant: Option<&'static str>,
    items: Vec<Json>,
}

impl ListEncoder {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let place = self.items.len();
        let item = encode(value).map_err(|e| match self.variant {
            None => e.under(&format!("[{place}]")),
            Some(variant) => e.under(&format!("{variant}[{place}]")),
        })?;
        self.items.push(item);
        Ok(())
    }

    fn finish(self) -> Result<Json, EncodeError> {
        Ok(tagged(self.variant, Json::List(self.items)))
    }
}

#[derive(Default)]
struct MapEncoder {
    variant: Option<&'static str>,
    entries: BTreeMap<String, Json>,
    /// The key of the next value (maps serialise keys and values one by one).
    pending: Option<String>,
}

impl MapEncoder {
    fn insert<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), EncodeError> {
        let value = encode(value).map_err(|e| self.locate(e.under(key)))?;
        match self.entries.insert(key.to_owned(), value) {
            None => Ok(()),
            Some(_) => {
                let twice = Unencodable::DuplicateKey(key.to_owned());
                Err(self.locate(EncodeError::here(twice)))
            }
        }
    }

    fn locate(&self, error: EncodeError) -> EncodeError {
        match self.variant {
            None => error,
            Some(variant) => error.under(variant),
        }
    }

    fn finish(self) -> Result<Json, EncodeError> {
        Ok(tagged(self.variant, Json::Map(self.entries)))
    }
}

impl ser::SerializeMap for MapEncoder {
    type Ok = Json;
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.pending = Some(match encode(key)? {
            Json::Text(text) | Json::Integer(text) => text,
            Json::Bool(truth) => truth.to_string(),
            Json::Null | Json::Float(_) | Json::List(_) | Json::Map(_) => {
                return Err(EncodeError::here(Unencodable::KeyNotText));
            }
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        match self.pending.take() {
            Some(key) => self.insert(&key, value),
            None => Err(ser::Error::custom("a map serialised a value before its key")),
        }
    }

    fn end(self) -> Result<Json, EncodeError> {
        self.finish()
    }
}

/// The traits of the list-like and of the struct-like forms differ in name only.
macro_rules! lists {
    ($($form:ident::$method:ident),* $(,)?) => {
        $(impl ser::$form for ListEncoder {
            type Ok = Json;
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.push(value)
            }

            fn end(self) -> Result<Json, EncodeError> {
                self.finish()
            }
        })*
    };
}

macro_rules! structs {
    ($($form:ident),* $(,)?) => {
        $(impl ser::$form for MapEncoder {
            type Ok = Json;
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), EncodeError> {
                self.insert(key, value)
            }

            fn end(self) -> Result<Json, EncodeError> {
                self.finish()
            }
        })*
    };
}

lists! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

structs! { SerializeStruct, SerializeStructVariant }

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Unit,
        Newtype(f64),
        Tuple(u8, f64),
        Struct { widths: Vec<f64> },
    }

    #[derive(Serialize)]
    struct Outer {
        shape: Shape,
        label: Option<char>,
    }

    fn outer(shape: Shape) -> Outer {
        Outer { shape, label: Some('x') }
    }

    #[test]
    fn agrees_with_serde_json_on_every_form() {
        for shape in [
            Shape::Unit,
            Shape::Newtype(-0.5),
            Shape::Tuple(7, 1e300),
            Shape::Struct { widths: vec![0.1, 1.0] },
        ] {
            let value = outer(shape);
            let ours = encode(&value).unwrap().canonical();
            let read: serde_json::Value = serde_json::from_str(&ours).unwrap();
            assert_eq!(read, serde_json::to_value(&value).unwrap());
        }
    }

    #[test]
    fn a_float_that_is_not_finite_is_an_error_with_its_path() {
        let cases = [
            (Shape::Newtype(f64::NAN), "shape.Newtype"),
            (Shape::Tuple(0, f64::INFINITY), "shape.Tuple[1]"),
            (Shape::Struct { widths: vec![0.0, f64::NEG_INFINITY] }, "shape.Struct.widths[1]"),
        ];
        for (shape, path) in cases {
            let error = encode(&outer(shape)).unwrap_err();
            assert_eq!(error.path, path);
            assert!(matches!(error.reason, Unencodable::NonFinite(v) if !v.is_finite()));
        }
        assert_eq!(
            encode(&f32::NAN).unwrap_err().to_string(),
            "the value: NaN is not a finite number and has no JSON form"
        );
    }

    #[test]
    fn map_keys_are_text_and_unique() {
        let numbered = BTreeMap::from([(10_u32, true), (9, false)]);
        assert_eq!(encode(&numbered).unwrap().canonical(), r#"{"10":true,"9":false}"#);

        let paired = BTreeMap::from([((1, 2), 3)]);
        assert_eq!(encode(&paired).unwrap_err().reason, Unencodable::KeyNotText);

        #[derive(Serialize)]
        struct Twice {
            a: u8,
            #[serde(flatten)]
            rest: BTreeMap<&'static str, u8>,
        }
        let twice = Twice { a: 1, rest: BTreeMap::from([("a", 2)]) };
        assert_eq!(encode(&twice).unwrap_err().reason, Unencodable::DuplicateKey("a".into()));
    }
}
