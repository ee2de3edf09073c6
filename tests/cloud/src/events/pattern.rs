//! EventBridge event patterns: parsed once, with the place of every mistake, then matched without error.
//!
//! It owns the meaning of a pattern as AWS's own matching library has it (`tests/cloud/cases/event-patterns.jsonl` holds
//! the cases) and serves rules and the filters of event source mappings alike. It must never be more lenient than AWS: a
//! pattern that AWS refuses is an error here.

use serde_json::{Map, Value};

use super::leaf::{Leaf, flatten};
use super::operator::{Operator, parse_operator};

/// Field names that make an element of `$or` no alternative, but a misplaced operator.
const OPERATORS: [&str; 8] =
    ["prefix", "suffix", "exists", "anything-but", "numeric", "cidr", "wildcard", "equals-ignore-case"];

/// `$or` multiplies alternatives; AWS refuses a rule past this many combinations.
const ALTERNATIVES_MAX: usize = 1000;

/// Why a pattern is refused: the JSON pointer of the place, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event pattern is not valid at `{at}`: {reason}")]
pub struct PatternError {
    /// A JSON pointer into the pattern; `/` is the pattern itself.
    pub at: String,
    pub reason: String,
}

impl PatternError {
    pub(super) fn new(at: &str, reason: impl Into<String>) -> Self {
        Self { at: if at.is_empty() { "/".to_owned() } else { at.to_owned() }, reason: reason.into() }
    }
}

/// One field of a pattern and the operators of which one must hold.
#[derive(Clone, Debug, PartialEq)]
struct Condition {
    path: Vec<String>,
    any_of: Vec<Operator>,
}

/// A pattern, ready to match.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// `$or` written out: the pattern matches where all conditions of one alternative do.
    alternatives: Vec<Vec<Condition>>,
}

impl Pattern {
    /// Reads a pattern from its JSON text.
    ///
    /// # Errors
    /// Where the text is no JSON, or no pattern that AWS would take.
    pub fn from_text(text: &str) -> Result<Self, PatternError> {
        let value = serde_json::from_str(text).map_err(|error| PatternError::new("", format!("not JSON: {error}")))?;
        Self::parse(&value)
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// Where AWS would refuse it; the error names the place.
    pub fn parse(pattern: &Value) -> Result<Self, PatternError> {
        let Value::Object(fields) = pattern else {
            return Err(PatternError::new("", "a pattern is a JSON object"));
        };
        let alternatives = parse_object(fields, &[], "", vec![Vec::new()])?;
        Ok(Self { alternatives })
    }

    /// Whether the event matches.
    pub fn matches(&self, event: &Value) -> bool {
        let leaves = flatten(event);
        self.alternatives.iter().any(|conditions| holds(conditions, &leaves, &mut Vec::new()))
    }
}

/// Adds the conditions of one object to each alternative found so far.
fn parse_object(
    fields: &Map<String, Value>,
    path: &[String],
    at: &str,
    mut alternatives: Vec<Vec<Condition>>,
) -> Result<Vec<Vec<Condition>>, PatternError> {
    if fields.is_empty() {
        return Err(PatternError::new(at, "an object without fields matches nothing and is refused"));
    }
    for (name, value) in fields {
        let here = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        if name == "$or"
            && let Some(branches) = alternatives_of_or(value)
        {
            alternatives = parse_or(&branches, path, &here, &alternatives)?;
            continue;
        }
        let mut inner = path.to_vec();
        inner.push(name.clone());
        alternatives = match value {
            Value::Object(nested) => parse_object(nested, &inner, &here, alternatives)?,
            Value::Array(values) => {
                let any_of = parse_values(values, &here)?;
                with_condition(alternatives, &Condition { path: inner, any_of })
            }
            _ => return Err(PatternError::new(&here, "a field is matched against an object or an array of values")),
        };
    }
    Ok(alternatives)
}

/// The branches of a real `$or`; otherwise the name is an ordinary field, as in AWS's library.
fn alternatives_of_or(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    let elements = value.as_array().filter(|elements| elements.len() >= 2)?;
    let objects: Option<Vec<&Map<String, Value>>> = elements.iter().map(Value::as_object).collect();
    objects.filter(|objects| objects.iter().all(|fields| !fields.keys().any(|name| OPERATORS.contains(&name.as_str()))))
}

fn parse_or(
    branches: &[&Map<String, Value>],
    path: &[String],
    at: &str,
    alternatives: &[Vec<Condition>],
) -> Result<Vec<Vec<Condition>>, PatternError> {
    let mut all = Vec::new();
    for (index, branch) in branches.iter().enumerate() {
        all.extend(parse_object(branch, path, &format!("{at}/{index}"), alternatives.to_vec())?);
        if all.len() > ALTERNATIVES_MAX {
            return Err(PatternError::new(at, format!("`$or` makes more than {ALTERNATIVES_MAX} combinations")));
        }
    }
    Ok(all)
}

fn parse_values(values: &[Value], at: &str) -> Result<Vec<Operator>, PatternError> {
    if values.is_empty() {
        return Err(PatternError::new(at, "an empty array matches nothing and is refused"));
    }
    values.iter().enumerate().map(|(index, value)| parse_operator(value, &format!("{at}/{index}"))).collect()
}

/// A field that is named again replaces the earlier condition: the last in document order wins.
fn with_condition(mut alternatives: Vec<Vec<Condition>>, condition: &Condition) -> Vec<Vec<Condition>> {
    for conditions in &mut alternatives {
        conditions.retain(|earlier| earlier.path != condition.path);
        conditions.push(condition.clone());
    }
    alternatives
}

/// Chooses one leaf for each condition so that no two of them lie in different elements of one array.
fn holds<'l>(conditions: &[Condition], leaves: &'l [Leaf<'l>], chosen: &mut Vec<&'l Leaf<'l>>) -> bool {
    let Some((condition, rest)) = conditions.split_first() else {
        return true;
    };
    let at_path =
        || leaves.iter().filter(|leaf| leaf.path.iter().copied().eq(condition.path.iter().map(String::as_str)));
    if condition.any_of.contains(&Operator::Absent) && at_path().next().is_none() && holds(rest, leaves, chosen) {
        return true;
    }
    for leaf in at_path() {
        let fits = condition.any_of.iter().any(|operator| operator.accepts(leaf.value));
        if fits && chosen.iter().all(|other| leaf.shares_elements_with(other)) {
            chosen.push(leaf);
            let found = holds(rest, leaves, chosen);
            chosen.pop();
            if found {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_case_of_the_case_file_agrees() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/event-patterns.jsonl");
        let text = std::fs::read_to_string(file).unwrap();
        let mut seen = 0;
        for (index, line) in text.lines().enumerate() {
            let case: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}", index + 1));
            let verdict = match Pattern::parse(&case["pattern"]) {
                Ok(pattern) => json!(pattern.matches(&case["event"])),
                Err(error) => json!({"invalid_at": error.at}),
            };
            assert_eq!(verdict, case["want"], "line {}: {}", index + 1, case["name"]);
            seen += 1;
        }
        assert!(seen >= 60, "the case file lost its cases: {seen}");
    }

    #[test]
    fn text_that_is_no_json_is_refused_with_a_reason() {
        let error = Pattern::from_text("{").unwrap_err();
        assert_eq!(error.at, "/");
        assert!(error.to_string().contains("not JSON"), "{error}");
    }

    #[test]
    fn too_many_combinations_are_refused() {
        let branch = |n: usize| json!((0..11).map(|i| json!({format!("f{n}"): [i]})).collect::<Vec<_>>());
        let pattern = json!({"a": {"$or": branch(1)}, "b": {"$or": branch(2)}, "c": {"$or": branch(3)}});
        assert!(Pattern::parse(&pattern).unwrap_err().reason.contains("1000 combinations"));
    }
}
