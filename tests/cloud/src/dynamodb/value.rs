//! Attribute values and items: read from and written to the wire's JSON, measured as the service measures them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use crate::call::ApiError;

use super::bad;
use super::number::Number;

/// One item: attribute names to values.
pub type Item = BTreeMap<String, Attr>;

/// How deep documents may nest.
const DEPTH_MAX: usize = 32;

/// One attribute value. The order of scalars of one type is the order of sort keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attr {
    S(String),
    N(Number),
    B(Vec<u8>),
    Bool(bool),
    Null,
    Ss(BTreeSet<String>),
    Ns(BTreeSet<Number>),
    Bs(BTreeSet<Vec<u8>>),
    L(Vec<Attr>),
    M(Item),
}

impl Attr {
    /// The name of its type on the wire.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
            Self::L(_) => "L",
            Self::M(_) => "M",
        }
    }

    /// Reads `{"S": "..."}` and its siblings.
    pub fn read(value: &Value) -> Result<Self, ApiError> {
        Self::read_at(value, 0)
    }

    fn read_at(value: &Value, depth: usize) -> Result<Self, ApiError> {
        if depth > DEPTH_MAX {
            return Err(bad("Nesting Levels have exceeded supported limits"));
        }
        let mut members = value.as_object().into_iter().flatten().filter(|(_, inner)| !inner.is_null());
        let (Some((kind, inner)), None) = (members.next(), members.next()) else {
            return Err(bad(
                "Supplied AttributeValue is empty or has more than one datatype, must contain exactly one of the \
                 supported datatypes",
            ));
        };
        let wrong = || bad(format!("the value of an attribute of type {kind} has the wrong JSON type"));
        match kind.as_str() {
            "S" => inner.as_str().map(|s| Self::S(s.to_owned())).ok_or_else(wrong),
            "N" => Ok(Self::N(Number::parse(inner.as_str().ok_or_else(wrong)?)?)),
            "B" => Ok(Self::B(bytes(inner).ok_or_else(wrong)?)),
            "BOOL" => inner.as_bool().map(Self::Bool).ok_or_else(wrong),
            "NULL" if inner == &Value::Bool(true) => Ok(Self::Null),
            "NULL" => Err(bad(
                "One or more parameter values were invalid: Null attribute value types must have the value of true",
            )),
            "SS" => Ok(Self::Ss(set(inner, |v| v.as_str().map(str::to_owned).ok_or_else(wrong))?)),
            "NS" => Ok(Self::Ns(set(inner, |v| Number::parse(v.as_str().ok_or_else(wrong)?))?)),
            "BS" => Ok(Self::Bs(set(inner, |v| bytes(v).ok_or_else(wrong))?)),
            "L" => {
                let parts = inner.as_array().ok_or_else(wrong)?;
                Ok(Self::L(parts.iter().map(|part| Self::read_at(part, depth + 1)).collect::<Result<_, _>>()?))
            }
            "M" => Ok(Self::M(read_members(inner.as_object().ok_or_else(wrong)?, depth + 1)?)),
            other => Err(bad(format!("unknown attribute type {other}"))),
        }
    }

    /// The value as the wire shows it.
    pub fn write(&self) -> Value {
        match self {
            Self::S(s) => json!({ "S": s }),
            Self::N(n) => json!({ "N": n.to_string() }),
            Self::B(b) => json!({ "B": BASE64.encode(b) }),
            Self::Bool(b) => json!({ "BOOL": b }),
            Self::Null => json!({ "NULL": true }),
            Self::Ss(s) => json!({ "SS": s }),
            Self::Ns(n) => json!({ "NS": n.iter().map(Number::to_string).collect::<Vec<_>>() }),
            Self::Bs(b) => json!({ "BS": b.iter().map(|b| BASE64.encode(b)).collect::<Vec<_>>() }),
            Self::L(parts) => json!({ "L": parts.iter().map(Self::write).collect::<Vec<_>>() }),
            Self::M(members) => json!({ "M": write_item(members) }),
        }
    }

    /// A key's value as a policy's condition key shows it.
    pub fn as_plain_text(&self) -> String {
        match self {
            Self::S(s) => s.clone(),
            Self::N(n) => n.to_string(),
            Self::B(b) => BASE64.encode(b),
            other => other.write().to_string(),
        }
    }

    /// Bytes that the value counts for, by the rules of the developer guide.
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::S(s) => s.len(),
            Self::N(n) => number_bytes(n),
            Self::B(b) => b.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::Ss(s) => s.iter().map(String::len).sum(),
            Self::Ns(n) => n.iter().map(number_bytes).sum(),
            Self::Bs(b) => b.iter().map(Vec::len).sum(),
            Self::L(parts) => 3 + parts.iter().map(|part| 1 + part.size_bytes()).sum::<usize>(),
            Self::M(members) => {
                3 + members.iter().map(|(name, part)| 1 + name.len() + part.size_bytes()).sum::<usize>()
            }
        }
    }

    /// What `size()` of an expression gives: characters, bytes or elements; none for numbers, booleans and null.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::S(s) => Some(s.chars().count()),
            Self::B(b) => Some(b.len()),
            Self::Ss(s) => Some(s.len()),
            Self::Ns(n) => Some(n.len()),
            Self::Bs(b) => Some(b.len()),
            Self::L(parts) => Some(parts.len()),
            Self::M(members) => Some(members.len()),
            Self::N(_) | Self::Bool(_) | Self::Null => None,
        }
    }
}

fn number_bytes(number: &Number) -> usize {
    let digits = number.to_string().bytes().filter(u8::is_ascii_digit).count();
    (digits.div_ceil(2) + 1).min(21)
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    BASE64.decode(value.as_str()?).ok()
}

fn set<T: Ord>(value: &Value, read: impl Fn(&Value) -> Result<T, ApiError>) -> Result<BTreeSet<T>, ApiError> {
    let parts = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if parts.is_empty() {
        return Err(bad("One or more parameter values were invalid: An number, string or binary set may not be empty"));
    }
    let read: BTreeSet<T> = parts.iter().map(read).collect::<Result<_, _>>()?;
    if read.len() < parts.len() {
        return Err(bad(format!(
            "One or more parameter values were invalid: Input collection {value} contains duplicates."
        )));
    }
    Ok(read)
}

fn read_members(members: &Map<String, Value>, depth: usize) -> Result<Item, ApiError> {
    members.iter().map(|(name, value)| Ok((name.clone(), Attr::read_at(value, depth)?))).collect()
}

/// Reads an item or a key; absent is an empty one.
pub fn read_item(value: &Value) -> Result<Item, ApiError> {
    value.as_object().map_or_else(|| Ok(Item::new()), |members| read_members(members, 0))
}

/// An item as the wire shows it.
pub fn write_item(item: &Item) -> Value {
    item.iter().map(|(name, value)| (name.clone(), value.write())).collect::<Map<_, _>>().into()
}

/// Bytes that an item counts for: names and values.
pub fn item_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size_bytes()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_comes_back_as_it_went_in() {
        let wire = json!({
            "s": {"S": "x"}, "n": {"N": "12.5"}, "b": {"B": "AQI="}, "t": {"BOOL": true}, "z": {"NULL": true},
            "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "bs": {"BS": ["AQ=="]},
            "l": {"L": [{"S": "x"}, {"N": "1"}]}, "m": {"M": {"k": {"S": "v"}}},
        });
        let item = read_item(&wire).unwrap();
        assert_eq!(write_item(&item), wire);
    }

    #[test]
    fn empty_and_doubled_sets_and_two_types_are_refused() {
        for wire in [
            json!({"SS": []}),
            json!({"NS": ["1", "1.0"]}),
            json!({"S": "a", "N": "1"}),
            json!({}),
            json!({"NULL": false}),
        ] {
            assert!(Attr::read(&wire).is_err(), "{wire}");
        }
    }

    #[test]
    fn documents_nest_to_32_levels() {
        let nest = |levels| (0..levels).fold(json!({"S": "x"}), |inner, _| json!({"L": [inner]}));
        assert!(Attr::read(&nest(32)).is_ok());
        assert!(Attr::read(&nest(33)).is_err());
    }
}
