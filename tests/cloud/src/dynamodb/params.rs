//! The names and values that a request gives its expressions, and the check that each of them is used.
//! A value that no expression uses is a bug of the caller, and the service refuses it; so do we.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::call::ApiError;

use super::bad;
use super::condition::Condition;
use super::lexer::tokens;
use super::parser::Parser;
use super::update::Update;
use super::value::Attr;

/// A step into a document: a member of a map or an element of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Member(String),
    Element(usize),
}

/// A document path; its first step is always a member.
pub type Path = Vec<Step>;

/// The path as messages of the service show it: `[a, b, [0]]`.
pub fn shown(path: &[Step]) -> String {
    let steps: Vec<String> = path
        .iter()
        .map(|step| match step {
            Step::Member(name) => name.clone(),
            Step::Element(index) => format!("[{index}]"),
        })
        .collect();
    format!("[{}]", steps.join(", "))
}

/// Members of older API versions. A call that carries one would be misread, so it is refused by name.
const LEGACY: [&str; 8] = [
    "Expected",
    "AttributeUpdates",
    "AttributesToGet",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
    "ConditionalOperator",
    "PutRequests",
];

/// The expression members of one request.
pub struct Params<'a> {
    input: &'a Value,
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Attr>,
    used_names: BTreeSet<String>,
    used_values: BTreeSet<String>,
    expressions: usize,
}

impl<'a> Params<'a> {
    /// Reads `ExpressionAttributeNames` and `ExpressionAttributeValues` of a request or of one action of a transaction.
    pub fn read(input: &'a Value) -> Result<Self, ApiError> {
        if let Some(member) = LEGACY.iter().find(|member| input.get(**member).is_some_and(|v| !v.is_null())) {
            return Err(bad(format!(
                "the local cloud does not serve the legacy parameter {member}: use an expression"
            )));
        }
        let mut names = BTreeMap::new();
        for (key, name) in input.get("ExpressionAttributeNames").and_then(Value::as_object).into_iter().flatten() {
            check_alias(key, '#', "ExpressionAttributeNames")?;
            names.insert(key.clone(), name.as_str().unwrap_or_default().to_owned());
        }
        let mut values = BTreeMap::new();
        for (key, value) in input.get("ExpressionAttributeValues").and_then(Value::as_object).into_iter().flatten() {
            check_alias(key, ':', "ExpressionAttributeValues")?;
            values.insert(key.clone(), Attr::read(value)?);
        }
        for member in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
            if input.get(member).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
                return Err(bad(format!("{member} must not be empty")));
            }
        }
        Ok(Self { input, names, values, used_names: BTreeSet::new(), used_values: BTreeSet::new(), expressions: 0 })
    }

    fn parser(&mut self, member: &'static str) -> Result<Option<Parser<'_, 'a>>, ApiError> {
        let Some(text) = self.input.get(member).and_then(Value::as_str) else { return Ok(None) };
        if text.trim().is_empty() {
            return Err(bad(format!("Invalid {member}: The expression can not be empty;")));
        }
        self.expressions += 1;
        Ok(Some(Parser::new(member, tokens(member, text)?, self)))
    }

    /// The condition that a member of the request holds, if it has one.
    pub fn condition(&mut self, member: &'static str) -> Result<Option<Condition>, ApiError> {
        self.parser(member)?.map(|mut parser| parser.whole_condition()).transpose()
    }

    /// The request's update; an absent one changes nothing but the key's presence.
    pub fn update(&mut self) -> Result<Update, ApiError> {
        self.parser("UpdateExpression")?.map_or_else(|| Ok(Update::default()), |mut parser| parser.whole_update())
    }

    /// The request's projection, if it has one.
    pub fn projection(&mut self) -> Result<Option<Vec<Path>>, ApiError> {
        self.parser("ProjectionExpression")?.map(|mut parser| parser.whole_projection()).transpose()
    }

    /// The attribute name behind `#alias`.
    pub fn name(&mut self, member: &str, alias: &str) -> Result<String, ApiError> {
        self.used_names.insert(alias.to_owned());
        self.names.get(alias).cloned().ok_or_else(|| {
            bad(format!(
                "Invalid {member}: An expression attribute name used in the document path is not defined; \
                 attribute name: {alias}"
            ))
        })
    }

    /// The value behind `:alias`.
    pub fn value(&mut self, member: &str, alias: &str) -> Result<Attr, ApiError> {
        self.used_values.insert(alias.to_owned());
        self.values.get(alias).cloned().ok_or_else(|| {
            bad(format!(
                "Invalid {member}: An expression attribute value used in expression is not defined; \
                 attribute value: {alias}"
            ))
        })
    }

    /// To be called once all expressions are read: every name and value must have been used.
    pub fn check_all_used(&self) -> Result<(), ApiError> {
        for (member, all, used) in [
            ("ExpressionAttributeNames", self.names.keys().collect::<Vec<_>>(), &self.used_names),
            ("ExpressionAttributeValues", self.values.keys().collect::<Vec<_>>(), &self.used_values),
        ] {
            let unused: Vec<&str> = all.into_iter().filter(|key| !used.contains(*key)).map(String::as_str).collect();
            if unused.is_empty() {
                continue;
            }
            if self.expressions == 0 {
                return Err(bad(format!("{member} can only be specified when using expressions")));
            }
            return Err(bad(format!(
                "Value provided in {member} unused in expressions: keys: {{{}}}",
                unused.join(", ")
            )));
        }
        Ok(())
    }
}

fn check_alias(key: &str, sign: char, member: &str) -> Result<(), ApiError> {
    let word = key.strip_prefix(sign).unwrap_or_default();
    if word.is_empty() || !word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(bad(format!("{member} contains invalid key: Syntax error; key: \"{key}\"")));
    }
    Ok(())
}
