//! YAML with CloudFormation's tags to JSON with `Fn::` objects: one form for the rest of the interpreter.

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

use super::TemplateError;

/// Reads a template's text.
pub(super) fn read(text: &str) -> Result<Value, TemplateError> {
    let yaml: Yaml =
        serde_yaml_ng::from_str(text).map_err(|error| TemplateError::new("/", format!("not YAML: {error}")))?;
    plain(&yaml, "")
}

fn plain(yaml: &Yaml, at: &str) -> Result<Value, TemplateError> {
    match yaml {
        Yaml::Null => Ok(Value::Null),
        Yaml::Bool(truth) => Ok(json!(truth)),
        Yaml::String(text) => Ok(json!(text)),
        Yaml::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(json!(whole)),
            (None, Some(broken)) => Ok(json!(broken)),
            (None, None) => Err(TemplateError::new(at, "this number cannot be read")),
        },
        Yaml::Sequence(items) => {
            let items = items.iter().enumerate().map(|(index, item)| plain(item, &format!("{at}[{index}]")));
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        Yaml::Mapping(fields) => {
            let mut all = Map::new();
            for (name, value) in fields {
                let name = match name {
                    Yaml::String(name) => name.clone(),
                    Yaml::Number(number) => number.to_string(),
                    Yaml::Bool(truth) => truth.to_string(),
                    _ => return Err(TemplateError::new(at, "a key is a text")),
                };
                let inner = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                all.insert(name, plain(value, &inner)?);
            }
            Ok(Value::Object(all))
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let value = plain(&tagged.value, at)?;
            untag(tag.trim_start_matches('!'), value, at)
        }
    }
}

fn untag(tag: &str, value: Value, at: &str) -> Result<Value, TemplateError> {
    match tag {
        "Ref" | "Condition" => Ok(json!({tag: value})),
        "GetAtt" => match &value {
            Value::String(text) => {
                let (id, attribute) =
                    text.split_once('.').ok_or_else(|| TemplateError::new(at, "!GetAtt is LogicalId.Attribute"))?;
                Ok(json!({"Fn::GetAtt": [id, attribute]}))
            }
            _ => Ok(json!({"Fn::GetAtt": value})),
        },
        other => Ok(json!({format!("Fn::{other}"): value})),
    }
}
