//! JSON keys in any case.
//!
//! Go's `encoding/json` matches a key to a field without regard to case, and every runtime and reference
//! plugin is written in Go; containerd marshals structures without tags and so sends `HostPort` where the
//! convention says `hostPort`. [`from_value`] reads a [`Value`] the same way: a key that fits a field
//! exactly wins, else one that fits it when case is ignored; `null` means the key is not there.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, Unexpected,
    VariantAccess, Visitor,
};
use serde_json::{Error, Map, Value};

/// Reads `value` as a `T`. Does not reach through `#[serde(flatten)]`, which hides the fields' names.
///
/// # Errors
/// Those of the type: a missing field, a wrong type, an unknown variant.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(AnyCase(value))
}

/// The value of the key `name` in any case, an exact one first.
pub fn get<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| {
        object
            .iter()
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    })
}

struct AnyCase(Value);

impl<'de> IntoDeserializer<'de, Error> for AnyCase {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn visit_object<'de, V: Visitor<'de>>(
    object: Map<String, Value>,
    visitor: V,
) -> Result<V::Value, Error> {
    let mut entries =
        MapDeserializer::new(object.into_iter().map(|(key, value)| (key, AnyCase(value))));
    let value = visitor.visit_map(&mut entries)?;
    entries.end()?;
    Ok(value)
}

fn visit_array<'de, V: Visitor<'de>>(array: Vec<Value>, visitor: V) -> Result<V::Value, Error> {
    let mut elements = SeqDeserializer::new(array.into_iter().map(AnyCase));
    let value = visitor.visit_seq(&mut elements)?;
    elements.end()?;
    Ok(value)
}

/// Renames keys to the field they fit; drops nulls and the losers of a tie.
fn fit(object: Map<String, Value>, fields: &[&str]) -> Map<String, Value> {
    let exact = |name: &str| object.get(name).is_some_and(|value| !value.is_null());
    let taken: Vec<&str> = fields
        .iter()
        .copied()
        .filter(|field| exact(field))
        .collect();
    let mut fitted = Map::with_capacity(object.len());
    for (key, value) in object {
        if value.is_null() {
            continue;
        }
        let field = fields
            .iter()
            .copied()
            .find(|field| *field == key)
            .or_else(|| {
                fields
                    .iter()
                    .copied()
                    .find(|field| field.eq_ignore_ascii_case(&key))
            });
        match field {
            Some(field) if field == key => {
                fitted.insert(key, value);
            }
            Some(field) if taken.contains(&field) => {}
            Some(field) => {
                fitted.insert(field.to_owned(), value);
            }
            None => {
                fitted.insert(key, value);
            }
        }
    }
    fitted
}

macro_rules! forward {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.0.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for AnyCase {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(array) => visit_array(array, visitor),
            Value::Object(object) => visit_object(object, visitor),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(object) => visit_object(fit(object, fields), visitor),
            // Serde would read an array as a structure's fields in order; a configuration never means that.
            Value::Array(_) => Err(serde::de::Error::invalid_type(Unexpected::Seq, &visitor)),
            other => Self(other).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(Self(value)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(object) if object.len() == 1 => match object.into_iter().next() {
                Some((variant, value)) => visitor.visit_enum(Tagged { variant, value }),
                None => Value::Null.deserialize_enum(name, variants, visitor),
            },
            other => other.deserialize_enum(name, variants, visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_unit_struct(name, visitor)
    }

    forward! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_unit deserialize_identifier deserialize_ignored_any
    }
}

/// An externally tagged enum variant that carries data.
struct Tagged {
    variant: String,
    value: Value,
}

impl<'de> EnumAccess<'de> for Tagged {
    type Error = Error;
    type Variant = AnyCase;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, AnyCase), Error> {
        let variant =
            seed.deserialize(IntoDeserializer::<Error>::into_deserializer(self.variant))?;
        Ok((variant, AnyCase(self.value)))
    }
}

impl<'de> VariantAccess<'de> for AnyCase {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        serde::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Inner {
        host_port: u16,
        #[serde(default)]
        protocol: String,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Outer {
        port_mappings: Vec<Inner>,
        #[serde(default)]
        labels: BTreeMap<String, Inner>,
        #[serde(default)]
        mode: Option<Mode>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Mode {
        Never,
        Of(u8),
    }

    #[test]
    fn keys_fit_at_any_depth() {
        let read: Outer = from_value(json!({
            "PortMappings": [{"HostPort": 80, "PROTOCOL": "tcp"}, {"hostport": 81, "protocol": null}],
            "LABELS": {"Kept": {"hostPort": 1}},
            "mode": "never",
            "unknown": 1,
        }))
        .unwrap();
        let inner = |host_port, protocol: &str| Inner {
            host_port,
            protocol: protocol.into(),
        };
        assert_eq!(
            read,
            Outer {
                port_mappings: vec![inner(80, "tcp"), inner(81, "")],
                labels: BTreeMap::from([("Kept".into(), inner(1, ""))]),
                mode: Some(Mode::Never),
            }
        );
        let read: Outer = from_value(json!({"portMappings": [], "mode": {"of": 3}})).unwrap();
        assert_eq!(read.mode, Some(Mode::Of(3)));
    }

    #[test]
    fn an_exact_key_wins_wherever_it_stands() {
        for text in [
            r#"{"HostPort":1,"hostPort":2}"#,
            r#"{"hostPort":2,"HOSTPORT":1}"#,
        ] {
            let inner: Inner = from_value(serde_json::from_str(text).unwrap()).unwrap();
            assert_eq!(inner.host_port, 2);
        }
    }

    #[test]
    fn wrong_types_are_still_errors() {
        assert!(from_value::<Inner>(json!({"HostPort": "80"})).is_err());
        assert!(from_value::<Inner>(json!({"HostPort": 65536})).is_err());
        assert!(from_value::<Outer>(json!({"portMappings": {}})).is_err());
    }
}
