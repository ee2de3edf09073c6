//! Tags of every kind of resource that App Runner has.

use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Ctx};

use super::AppRunner;
use super::errors::{invalid_state, missing};

const WHAT: &str = "Resource";

fn arn_of(input: &Value) -> &str {
    input.get("ResourceArn").and_then(Value::as_str).unwrap_or_default()
}

impl AppRunner {
    /// Adds the `Tags` of an input to a resource; a key that is there takes the new value.
    pub(super) fn put_tags(&mut self, arn: &str, input: &Value) {
        let sent = input.get("Tags").and_then(Value::as_array).into_iter().flatten();
        let tags = self.tags.entry(arn.to_owned()).or_default();
        for tag in sent {
            let text = |member: &str| tag.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
            tags.insert(text("Key"), text("Value"));
        }
    }

    pub(super) fn tag_resource(&mut self, ctx: &Ctx<'_>, input: &Value) -> Answer {
        self.check_taggable("TagResource", ctx, arn_of(input))?;
        self.put_tags(arn_of(input), input);
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&mut self, ctx: &Ctx<'_>, input: &Value) -> Answer {
        let arn = arn_of(input);
        self.check_taggable("UntagResource", ctx, arn)?;
        let keys = input.get("TagKeys").and_then(Value::as_array).into_iter().flatten();
        for key in keys.filter_map(Value::as_str) {
            self.tags.get_mut(arn).and_then(|tags| tags.remove(key));
        }
        Ok(json!({}))
    }

    pub(super) fn list_tags(&mut self, ctx: &Ctx<'_>, input: &Value) -> Answer {
        let arn = arn_of(input);
        self.check_taggable("ListTagsForResource", ctx, arn)?;
        let tags = self.tags.get(arn).into_iter().flatten();
        let tags: Vec<Value> = tags.map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        Ok(json!({ "Tags": tags }))
    }

    /// A resource that exists has tags; a deleted one is in the wrong state.
    fn check_taggable(&self, operation: &str, ctx: &Ctx<'_>, arn: &str) -> Result<(), ApiError> {
        if let Some(service) = self.services.get(arn) {
            return if service.is_deleted() {
                Err(invalid_state(format!("The service is deleted: {arn}.")))
            } else {
                Ok(())
            };
        }
        let exists = self.connections.iter().any(|connection| connection.arn == arn)
            || self.connectors.iter().any(|connector| connector.arn == arn && connector.deleted_at.is_none())
            || self.ingresses.iter().any(|ingress| ingress.arn == arn && !ingress.is_deleted())
            || self.scaling.active_rows().any(|row| row.arn(ctx.place) == arn)
            || self.observability.active_rows().any(|row| row.arn(ctx.place) == arn);
        if exists { Ok(()) } else { Err(missing(operation, WHAT, arn)) }
    }
}
