//! JSON objects in which no member is repeated, at any depth.
//!
//! Two readers of one document may disagree about which of two equal members counts. What decides who somebody is must
//! not be open to that.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The object that these bytes spell, or nothing: not JSON, not UTF-8, another kind of value, or a repeated member.
pub(super) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice::<Strict>(bytes) {
        Ok(Strict(Value::Object(members))) => Some(members),
        _ => None,
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON without repeated members")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Strict(value))) = object.next_entry::<String, Strict>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a repeated member"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_object_is_read_whole() {
        let text = r#"{"a":[1,-2,1.5,"x",true,null],"b":{"c":{}}}"#;
        let expected: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(object(text.as_bytes()).map(Value::Object), Some(expected));
    }

    #[test]
    fn a_repeated_member_is_refused_at_every_depth() {
        assert_eq!(object(br#"{"a":1,"a":1}"#), None);
        assert_eq!(object(br#"{"a":{"b":1,"b":2}}"#), None);
        assert_eq!(object(br#"{"a":[{"b":1,"b":2}]}"#), None);
        assert_eq!(object(br#"{"a":1,"\u0061":2}"#), None);
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for bytes in [
            &b""[..],
            b"[]",
            b"1",
            b"null",
            b"{} {}",
            b"{\"a\":1e999}",
            b"{\"a\":NaN}",
            b"\xff",
            b"{\"a\":\"\xff\"}",
        ] {
            assert_eq!(object(bytes), None, "{bytes:?}");
        }
        assert_eq!(object("[".repeat(100_000).as_bytes()), None);
    }
}
