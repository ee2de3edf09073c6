//! Parameters, conditions and intrinsic functions.

use std::cell::RefCell;
use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{Inputs, TemplateError, physical, resource};

/// Resolves values of one template with one set of inputs.
pub(super) struct Resolver<'d> {
    pub document: &'d Value,
    pub inputs: &'d Inputs,
    parameters: BTreeMap<String, Value>,
    /// Resources and conditions that are being resolved, to see a circle.
    open: RefCell<Vec<String>>,
}

/// A resolved value, or `AWS::NoValue`, which takes its place away.
type Resolved = Result<Option<Value>, TemplateError>;

impl<'d> Resolver<'d> {
    pub fn new(document: &'d Value, inputs: &'d Inputs) -> Result<Self, TemplateError> {
        let parameters = parameters(document, inputs)?;
        Ok(Self { document, inputs, parameters, open: RefCell::new(Vec::new()) })
    }

    /// Resolves a value that must be there.
    pub fn resolve(&self, value: &Value, at: &str) -> Result<Value, TemplateError> {
        self.maybe(value, at)?.ok_or_else(|| TemplateError::new(at, "AWS::NoValue cannot stand here"))
    }

    /// Resolves to a text; numbers and truth values become what CloudFormation makes of them.
    pub fn text(&self, value: &Value, at: &str) -> Result<String, TemplateError> {
        match self.resolve(value, at)? {
            Value::String(text) => Ok(text),
            scalar @ (Value::Number(_) | Value::Bool(_)) => Ok(scalar.to_string()),
            _ => Err(TemplateError::new(at, "a text is needed here")),
        }
    }

    fn maybe(&self, value: &Value, at: &str) -> Resolved {
        match value {
            Value::Object(fields) => match only_function(fields) {
                Some((name, argument)) => self.function(name, argument, at),
                None => {
                    let mut all = Map::new();
                    for (name, inner) in fields {
                        if let Some(resolved) = self.maybe(inner, &format!("{at}.{name}"))? {
                            all.insert(name.clone(), resolved);
                        }
                    }
                    Ok(Some(Value::Object(all)))
                }
            },
            Value::Array(items) => {
                let mut all = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    all.extend(self.maybe(item, &format!("{at}[{index}]"))?);
                }
                Ok(Some(Value::Array(all)))
            }
            scalar => Ok(Some(scalar.clone())),
        }
    }

    fn function(&self, name: &str, argument: &Value, at: &str) -> Resolved {
        match name {
            "Ref" => self.reference(argument.as_str().unwrap_or_default(), at),
            "Fn::GetAtt" => {
                let parts = self.strings(argument, at)?;
                let [id, attribute] = parts.as_slice() else {
                    return Err(TemplateError::new(at, "Fn::GetAtt is [LogicalId, Attribute]"));
                };
                self.attribute(id, Some(attribute), at).map(Some)
            }
            "Fn::Sub" => self.substitute(argument, at).map(|text| Some(json!(text))),
            "Fn::If" => match argument.as_array().map(Vec::as_slice) {
                Some([condition, yes, no]) => {
                    let chosen = if self.condition(condition.as_str().unwrap_or_default(), at)? { yes } else { no };
                    self.maybe(chosen, at)
                }
                _ => Err(TemplateError::new(at, "Fn::If is [Condition, then, else]")),
            },
            "Fn::Join" => match argument.as_array().map(Vec::as_slice) {
                Some([by, items]) => Ok(Some(json!(self.strings(items, at)?.join(by.as_str().unwrap_or_default())))),
                _ => Err(TemplateError::new(at, "Fn::Join is [delimiter, [values]]")),
            },
            "Fn::Split" => match argument.as_array().map(Vec::as_slice) {
                Some([by, text]) => {
                    let text = self.text(text, at)?;
                    Ok(Some(json!(text.split(by.as_str().unwrap_or_default()).collect::<Vec<_>>())))
                }
                _ => Err(TemplateError::new(at, "Fn::Split is [delimiter, text]")),
            },
            "Fn::Select" => self.select(argument, at).map(Some),
            "Fn::FindInMap" => {
                let keys = self.strings(argument, at)?;
                let [map, first, second] = keys.as_slice() else {
                    return Err(TemplateError::new(at, "Fn::FindInMap is [map, key, key]"));
                };
                let found = self.document["Mappings"].get(map).and_then(|map| map.get(first)?.get(second));
                found
                    .cloned()
                    .map(Some)
                    .ok_or_else(|| TemplateError::new(at, format!("no {map}.{first}.{second} in Mappings")))
            }
            "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" | "Condition" => {
                self.judge(&json!({name: argument}), at).map(|truth| Some(json!(truth)))
            }
            _ => Err(TemplateError::new(at, format!("the function {name} is not modelled"))),
        }
    }

    fn select(&self, argument: &Value, at: &str) -> Result<Value, TemplateError> {
        let wrong = || TemplateError::new(at, "Fn::Select is [index, [values]] with an index inside the list");
        let Some([index, items]) = argument.as_array().map(Vec::as_slice) else { return Err(wrong()) };
        let index: usize = self.text(index, at)?.parse().map_err(|_| wrong())?;
        let items = self.resolve(items, at)?;
        items.get(index).cloned().ok_or_else(wrong)
    }

    fn strings(&self, value: &Value, at: &str) -> Result<Vec<String>, TemplateError> {
        let resolved = self.resolve(value, at)?;
        let items = resolved.as_array().ok_or_else(|| TemplateError::new(at, "a list is needed here"))?;
        items.iter().map(|item| self.text(item, at)).collect()
    }

    fn reference(&self, name: &str, at: &str) -> Resolved {
        let place = &self.inputs.place;
        let suffix = match place.partition.as_str() {
            "aws-cn" => "amazonaws.com.cn",
            _ => "amazonaws.com",
        };
        let pseudo = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::AccountId" => Some(place.account.clone()),
            "AWS::Region" => Some(place.region.clone()),
            "AWS::Partition" => Some(place.partition.clone()),
            "AWS::URLSuffix" => Some(suffix.to_owned()),
            "AWS::StackName" => Some(self.inputs.stack_name.clone()),
            "AWS::StackId" => Some(format!(
                "arn:{}:cloudformation:{}:{}:stack/{}/local",
                place.partition, place.region, place.account, self.inputs.stack_name
            )),
            _ => None,
        };
        if let Some(pseudo) = pseudo {
            return Ok(Some(json!(pseudo)));
        }
        if let Some(parameter) = self.parameters.get(name) {
            return Ok(Some(parameter.clone()));
        }
        self.attribute(name, None, at).map(Some)
    }

    /// `Ref` (no attribute) or `GetAtt` of a resource.
    pub fn attribute(&self, id: &str, attribute: Option<&str>, at: &str) -> Result<Value, TemplateError> {
        let shown = attribute.map_or_else(|| id.to_owned(), |attribute| format!("{id}.{attribute}"));
        let found = resource(self.document, id)
            .ok_or_else(|| TemplateError::new(at, format!("`{id}` is neither a parameter nor a resource")))?;
        if !self.exists(id, found)? {
            return Err(TemplateError::new(at, format!("`{id}` is not made under these conditions")));
        }
        if let Some(known) = self.inputs.physical.get(&shown) {
            return Ok(json!(known));
        }
        if self.open.borrow().contains(&shown) {
            return Err(TemplateError::new(at, format!("`{shown}` refers to itself in a circle")));
        }
        self.open.borrow_mut().push(shown);
        let value = physical::attribute(self, id, found, attribute, at);
        self.open.borrow_mut().pop();
        value.map(Value::String)
    }

    /// Whether a resource's condition holds.
    pub fn exists(&self, id: &str, resource: &Value) -> Result<bool, TemplateError> {
        match resource.get("Condition").and_then(Value::as_str) {
            Some(condition) => self.condition(condition, &format!("Resources.{id}.Condition")),
            None => Ok(true),
        }
    }

    pub fn condition(&self, name: &str, at: &str) -> Result<bool, TemplateError> {
        let found = self.document["Conditions"].get(name);
        let found = found.ok_or_else(|| TemplateError::new(at, format!("there is no condition `{name}`")))?;
        let shown = format!("Conditions.{name}");
        if self.open.borrow().contains(&shown) {
            return Err(TemplateError::new(at, format!("condition `{name}` refers to itself in a circle")));
        }
        self.open.borrow_mut().push(shown.clone());
        let truth = self.judge(found, &shown);
        self.open.borrow_mut().pop();
        truth
    }

    fn judge(&self, expression: &Value, at: &str) -> Result<bool, TemplateError> {
        let wrong = || TemplateError::new(at, "a condition is Fn::Equals, Fn::Not, Fn::And, Fn::Or or Condition");
        let (name, argument) = expression.as_object().and_then(only_function).ok_or_else(wrong)?;
        if name == "Condition" {
            return self.condition(argument.as_str().unwrap_or_default(), at);
        }
        let items = argument.as_array().ok_or_else(wrong)?;
        match (name, items.as_slice()) {
            ("Fn::Equals", [left, right]) => Ok(self.text(left, at)? == self.text(right, at)?),
            ("Fn::Not", [inner]) => Ok(!self.judge(inner, at)?),
            ("Fn::And", inner) => inner.iter().try_fold(true, |all, one| Ok(all & self.judge(one, at)?)),
            ("Fn::Or", inner) => inner.iter().try_fold(false, |any, one| Ok(any | self.judge(one, at)?)),
            _ => Err(wrong()),
        }
    }

    fn substitute(&self, argument: &Value, at: &str) -> Result<String, TemplateError> {
        let (text, own) = match argument {
            Value::String(text) => (text, None),
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(text), Value::Object(own)] => (text, Some(own)),
                _ => return Err(TemplateError::new(at, "Fn::Sub is a text or [text, {names}]")),
            },
            _ => return Err(TemplateError::new(at, "Fn::Sub is a text or [text, {names}]")),
        };
        let mut result = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            result.push_str(before);
            let (name, after) =
                after.split_once('}').ok_or_else(|| TemplateError::new(at, "a `${` in Fn::Sub has no `}`"))?;
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                result.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = own.and_then(|own| own.get(name)) {
                result.push_str(&self.text(value, at)?);
            } else if let Some((id, attribute)) = name.split_once('.') {
                result.push_str(&self.text(&self.attribute(id, Some(attribute), at)?, at)?);
            } else {
                result.push_str(&self.text(&json!({"Ref": name}), at)?);
            }
        }
        result.push_str(rest);
        Ok(result)
    }
}

/// The function of an object that is one.
pub(super) fn only_function(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = fields.iter().next().filter(|_| fields.len() == 1)?;
    // An IAM policy's `Condition` holds an object; the intrinsic one names a condition.
    let intrinsic = name == "Ref" || name.starts_with("Fn::") || (name == "Condition" && argument.is_string());
    intrinsic.then_some((name, argument))
}

fn parameters(document: &Value, inputs: &Inputs) -> Result<BTreeMap<String, Value>, TemplateError> {
    let none = Map::new();
    let declared = document.get("Parameters").and_then(Value::as_object).unwrap_or(&none);
    if let Some(unknown) = inputs.parameters.keys().find(|name| !declared.contains_key(*name)) {
        return Err(TemplateError::new(format!("Parameters.{unknown}"), "the template has no such parameter"));
    }
    let mut values = BTreeMap::new();
    for (name, declaration) in declared {
        let at = format!("Parameters.{name}");
        let given = inputs.parameters.get(name).cloned().or_else(|| declaration.get("Default").map(plain_text));
        let Some(given) = given else {
            return Err(TemplateError::new(at, "it has no default and was not given a value"));
        };
        let value = match declaration["Type"].as_str() {
            Some("CommaDelimitedList") => {
                let members: Vec<&str> = given.split(',').map(str::trim).collect();
                // CloudFormation holds each member against the declaration, not the text as a whole.
                members.iter().try_for_each(|member| check_parameter(declaration, member, &at))?;
                json!(members)
            }
            Some("String" | "Number") => {
                check_parameter(declaration, &given, &at)?;
                json!(given)
            }
            _ => return Err(TemplateError::new(at, "the types String, Number and CommaDelimitedList are modelled")),
        };
        values.insert(name.clone(), value);
    }
    Ok(values)
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn check_parameter(declaration: &Value, given: &str, at: &str) -> Result<(), TemplateError> {
    let wrong = |reason: String| Err(TemplateError::new(at, reason));
    let number = |name: &str| declaration.get(name).map(plain_text).and_then(|limit| limit.parse::<f64>().ok());
    if let Some(allowed) = declaration.get("AllowedValues").and_then(Value::as_array) {
        let allowed: Vec<String> = allowed.iter().map(plain_text).collect();
        if !allowed.iter().any(|value| value == given) {
            return wrong(format!("`{given}` is not one of {}", allowed.join(", ")));
        }
    }
    if let Some(pattern) = declaration.get("AllowedPattern").and_then(Value::as_str) {
        // CloudFormation reads patterns as Java does, where these classes are ASCII.
        let ascii = [(r"\w", "[0-9A-Za-z_]"), (r"\d", "[0-9]"), (r"\s", r"[ \t\n\r\f\x0B]")];
        let pattern = ascii.iter().fold(pattern.to_owned(), |pattern, (class, plain)| pattern.replace(class, plain));
        let whole = Regex::new(&format!("^(?:{pattern})$"))
            .map_err(|error| TemplateError::new(at, format!("AllowedPattern cannot be read: {error}")))?;
        if !whole.is_match(given) {
            return wrong(format!("`{given}` does not match {pattern}"));
        }
    }
    let length = given.chars().count() as f64;
    if number("MinLength").is_some_and(|least| length < least) || number("MaxLength").is_some_and(|most| length > most)
    {
        return wrong(format!("`{given}` has {length} characters, outside MinLength and MaxLength"));
    }
    if declaration["Type"] == "Number" {
        let Ok(value) = given.parse::<f64>() else { return wrong(format!("`{given}` is no number")) };
        if number("MinValue").is_some_and(|least| value < least) || number("MaxValue").is_some_and(|most| value > most)
        {
            return wrong(format!("{given} is outside MinValue and MaxValue"));
        }
    }
    Ok(())
}
