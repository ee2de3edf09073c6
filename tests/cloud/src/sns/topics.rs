//! Topics, their attributes and their tags.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Place};

use super::{Sns, invalid, no_topic};

/// Attributes of a topic that may be set.
const SETTABLE: [&str; 7] = [
    "DeliveryPolicy",
    "DisplayName",
    "Policy",
    "KmsMasterKeyId",
    "SignatureVersion",
    "TracingConfig",
    "DataProtectionPolicy",
];

/// One topic.
#[derive(Clone, Debug, Default)]
pub struct Topic {
    attributes: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    /// Subscriptions that were deleted, for the count.
    pub unsubscribed: usize,
}

/// The ARN of the topic with this name.
pub fn arn_of(place: &Place, name: &str) -> String {
    format!("arn:{}:sns:{}:{}:{name}", place.partition, place.region, place.account)
}

/// The default policy: the owner alone.
fn default_policy(arn: &str, owner: &str) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
                "SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
            ],
            "Resource": arn,
            "Condition": {"StringEquals": {"AWS:SourceOwner": owner}},
        }],
    })
    .to_string()
}

fn read_tags(tags: &Value) -> BTreeMap<String, String> {
    let text = |tag: &Value, member: &str| tag[member].as_str().unwrap_or_default().to_owned();
    tags.as_array().into_iter().flatten().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect()
}

/// Checks a topic's attribute and its value.
fn check(name: &str, value: &str) -> Result<(), ApiError> {
    if !SETTABLE.contains(&name) {
        return Err(invalid("AttributeName"));
    }
    let is_json = matches!(name, "DeliveryPolicy" | "Policy" | "DataProtectionPolicy");
    if is_json && !value.is_empty() && serde_json::from_str::<Value>(value).is_err() {
        return Err(invalid(format!("{name} is no JSON")));
    }
    Ok(())
}

impl Sns {
    pub(super) fn create_topic(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let name = call.text("Name");
        if name.ends_with(".fifo") {
            return Err(invalid("Topic Name: the local cloud serves no FIFO topics"));
        }
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if name.is_empty() || name.len() > 256 || !name.bytes().all(fits) {
            return Err(invalid("Topic Name"));
        }
        let mut attributes = BTreeMap::new();
        for (key, value) in call.input["Attributes"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            check(key, value)?;
            attributes.insert(key.clone(), value.to_owned());
        }
        let tags = read_tags(&call.input["Tags"]);
        let arn = arn_of(ctx.place, name);
        if let Some(there) = self.topics.get(&arn) {
            let same = attributes.iter().all(|(key, value)| there.attributes.get(key) == Some(value));
            if !same {
                return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
            }
            if !tags.is_empty() && tags != there.tags {
                return Err(invalid("Tags Reason: Topic already exists with different tags"));
            }
        } else {
            self.topics.insert(arn.clone(), Topic { attributes, tags, unsubscribed: 0 });
        }
        Ok(json!({"TopicArn": arn}))
    }

    /// Deletes a topic and its subscriptions; a topic that is not there is as good as deleted.
    pub(super) fn delete_topic(&mut self, call: &Call) -> Answer {
        let arn = call.text("TopicArn");
        self.topics.remove(arn);
        self.subscriptions.retain(|subscription| subscription.topic_arn != arn);
        Ok(json!({}))
    }

    pub(super) fn get_topic_attributes(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let arn = call.text("TopicArn");
        let topic = self.topic(arn)?;
        let count = |confirmed: bool| {
            let own = self.subscriptions.iter().filter(|one| one.topic_arn == arn && one.is_confirmed() == confirmed);
            own.count().to_string()
        };
        let mut shown = json!({
            "TopicArn": arn,
            "Owner": ctx.place.account,
            "Policy": default_policy(arn, &ctx.place.account),
            "DisplayName": "",
            "SubscriptionsConfirmed": count(true),
            "SubscriptionsPending": count(false),
            "SubscriptionsDeleted": topic.unsubscribed.to_string(),
        });
        for (name, value) in &topic.attributes {
            shown[name] = json!(value);
        }
        Ok(json!({"Attributes": shown}))
    }

    pub(super) fn set_topic_attributes(&mut self, call: &Call) -> Answer {
        let (name, value) = (call.text("AttributeName"), call.text("AttributeValue"));
        let topic = self.topics.get_mut(call.text("TopicArn")).ok_or_else(no_topic)?;
        check(name, value)?;
        if value.is_empty() {
            topic.attributes.remove(name);
        } else {
            topic.attributes.insert(name.to_owned(), value.to_owned());
        }
        Ok(json!({}))
    }

    fn tagged(&mut self, call: &Call) -> Result<&mut Topic, ApiError> {
        self.topics
            .get_mut(call.text("ResourceArn"))
            .ok_or_else(|| ApiError { status: 404, ..ApiError::client("ResourceNotFound", "Resource does not exist") })
    }

    pub(super) fn tag_resource(&mut self, call: &Call) -> Answer {
        let tags = read_tags(&call.input["Tags"]);
        self.tagged(call)?.tags.extend(tags);
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&mut self, call: &Call) -> Answer {
        let topic = self.tagged(call)?;
        for key in call.input["TagKeys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            topic.tags.remove(key);
        }
        Ok(json!({}))
    }

    pub(super) fn list_tags(&mut self, call: &Call) -> Answer {
        let tags: Vec<Value> =
            self.tagged(call)?.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        Ok(json!({"Tags": tags}))
    }
}
