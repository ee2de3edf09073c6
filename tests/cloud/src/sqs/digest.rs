//! The MD5 sums that SQS answers with, so that a client can see that nothing was lost on the way.
//!
//! Not for security. The sum over attributes is defined in the SQS developer guide, "Calculating the MD5 message
//! digest for message attributes": name, type and value of each attribute in the order of the names, each with its
//! length before it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use serde_json::{Map, Value};

use crate::shape::text;

const STRING: u8 = 1;
const BINARY: u8 = 2;

pub fn body(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// None where there are no attributes.
pub fn attributes(attributes: &Map<String, Value>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut names: Vec<&String> = attributes.keys().collect();
    names.sort();
    let mut hash = Md5::new();
    for name in names {
        let attribute = &attributes[name];
        part(&mut hash, name.as_bytes());
        part(&mut hash, text(attribute, "DataType").unwrap_or_default().as_bytes());
        let (kind, value) = value(attribute);
        hash.update([kind]);
        part(&mut hash, &value);
    }
    Some(hex(&hash.finalize()))
}

/// The bytes of an attribute's value, and which of the two it is.
pub fn value(attribute: &Value) -> (u8, Vec<u8>) {
    match text(attribute, "BinaryValue") {
        Some(encoded) => (BINARY, BASE64_STANDARD.decode(encoded).unwrap_or_default()),
        None => (STRING, text(attribute, "StringValue").unwrap_or_default().as_bytes().to_vec()),
    }
}

fn part(hash: &mut Md5, bytes: &[u8]) {
    hash.update((bytes.len() as u32).to_be_bytes());
    hash.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_sum_of_a_body_is_its_md5() {
        assert_eq!(body("hello"), "5d41402abc4b2a76b9719d911017c592");
    }

    #[test]
    fn no_attributes_have_no_sum() {
        assert_eq!(attributes(&Map::new()), None);
    }

    /// The expected sum was computed by another implementation of the published algorithm.
    #[test]
    fn the_sum_of_attributes_covers_name_type_and_value_in_the_order_of_names() {
        let both = json!({
            "b": {"DataType": "Binary", "BinaryValue": "AQI="},
            "a": {"DataType": "String", "StringValue": "x"},
        });
        assert_eq!(attributes(both.as_object().unwrap()).unwrap(), "3e9b4c785db2deb306cf4009ae214dab");
    }
}
