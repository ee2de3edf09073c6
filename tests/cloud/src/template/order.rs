//! The order in which resources can be made: each after those it refers to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::intrinsic::{Resolver, only_function};
use super::{RESOURCE_KEYS, TemplateError, resource};

/// Logical ids of the resources that are made, in an order in which they can be.
pub(super) fn order(document: &Value, resolver: &Resolver<'_>) -> Result<Vec<String>, TemplateError> {
    let resources = document["Resources"].as_object();
    let resources = resources.ok_or_else(|| TemplateError::new("Resources", "a template has resources"))?;
    let mut needs: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (id, found) in resources {
        let keys = found.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        if let Some(unknown) = keys.iter().find(|key| !RESOURCE_KEYS.contains(&key.as_str())) {
            return Err(TemplateError::new(
                format!("Resources.{id}.{unknown}"),
                "this key of a resource is not modelled",
            ));
        }
        if resolver.exists(id, found)? {
            let mut found_ids = BTreeSet::new();
            references(&found["Properties"], document, &mut found_ids);
            references(&depends_on(&found["DependsOn"]), document, &mut found_ids);
            found_ids.retain(|other| {
                resource(document, other).is_some_and(|other_one| resolver.exists(other, other_one).unwrap_or(true))
            });
            needs.insert(id, found_ids);
        }
    }
    let mut order: Vec<String> = Vec::new();
    while order.len() < needs.len() {
        let free = resources.keys().find(|id| {
            !order.contains(id)
                && needs.get(id.as_str()).is_some_and(|needs| needs.iter().all(|need| order.contains(need)))
        });
        let Some(free) = free else {
            let stuck: Vec<&str> = needs.keys().copied().filter(|id| !order.iter().any(|done| done == id)).collect();
            return Err(TemplateError::new(
                "Resources",
                format!("these refer to each other in a circle: {}", stuck.join(", ")),
            ));
        };
        order.push(free.clone());
    }
    Ok(order)
}

/// `DependsOn` in the form of references.
fn depends_on(value: &Value) -> Value {
    let ids: Vec<&str> = match value {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    ids.into_iter().map(|id| serde_json::json!({"Ref": id})).collect()
}

fn references(value: &Value, document: &Value, found: &mut BTreeSet<String>) {
    let mut note = |id: &str| {
        if resource(document, id).is_some() {
            found.insert(id.to_owned());
        }
    };
    match value {
        Value::Object(fields) => {
            match only_function(fields) {
                Some(("Ref", Value::String(id))) => note(id),
                Some(("Fn::GetAtt", Value::Array(parts))) => {
                    note(parts.first().and_then(Value::as_str).unwrap_or_default())
                }
                Some(("Fn::Sub", Value::String(text))) => names_in(text).for_each(note),
                Some(("Fn::Sub", Value::Array(parts))) => {
                    names_in(parts.first().and_then(Value::as_str).unwrap_or_default()).for_each(note);
                }
                _ => {}
            }
            fields.values().for_each(|inner| references(inner, document, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, document, found)),
        _ => {}
    }
}

/// The logical ids that a text of Fn::Sub names.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split("${").skip(1).filter_map(|part| part.split('}').next());
    inside.map(|name| name.split('.').next().unwrap_or_default())
}
