//! Amazon CloudWatch Logs: groups, streams, events, retention, and the metrics embedded in lines.
//!
//! It owns every log line of the cloud. It never invents one, and it never deletes on a timer: retention is applied
//! when somebody looks.

mod embedded;
mod pattern;
mod read;
mod store;
mod write;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::shape::{BadToken, integer, listing, page, text, texts, unknown_operation};
use store::{Group, group_arn};

/// What each event adds to its message's size (botocore's model, `PutLogEvents`).
const EVENT_OVERHEAD_BYTES: usize = 26;

/// `limit` of the describing operations where the call says nothing, and at most (botocore's model).
const DESCRIBE_MAX: i64 = 50;

/// The days that `PutRetentionPolicy` takes (botocore's model).
const RETENTION_DAYS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// The service.
#[derive(Debug, Default)]
pub struct Logs {
    groups: BTreeMap<String, Group>,
    /// Numbers the events in the order of their arrival.
    arrivals: u64,
}

impl Logs {
    pub fn new() -> Self {
        Self::default()
    }

    /// The group that a call names, by name or by ARN, without what has expired.
    fn group(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<(String, &mut Group), ApiError> {
        let name = match (text(input, "logGroupName"), text(input, "logGroupIdentifier")) {
            (Some(name), None) => name.to_owned(),
            (None, Some(identifier)) => group_name(identifier).to_owned(),
            _ => return Err(invalid("Exactly one of logGroupName and logGroupIdentifier must be given")),
        };
        let group = self.groups.get_mut(&name).ok_or_else(no_group)?;
        group.expire(ctx.now.as_millisecond());
        Ok((name, group))
    }

    fn create_log_group(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = text(input, "logGroupName").unwrap_or_default();
        if self.groups.contains_key(name) {
            return Err(ApiError::client("ResourceAlreadyExistsException", "The specified log group already exists"));
        }
        let mut group = Group::new(ctx.now.as_millisecond());
        if let Some(class) = text(input, "logGroupClass") {
            class.clone_into(&mut group.class);
        }
        group.tags = read_tags(input);
        self.groups.insert(name.to_owned(), group);
        Ok(json!({}))
    }

    fn describe_log_groups(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (prefix, part) = (text(input, "logGroupNamePrefix"), text(input, "logGroupNamePattern"));
        if prefix.is_some() && part.is_some() {
            return Err(invalid("logGroupNamePrefix and logGroupNamePattern are mutually exclusive"));
        }
        let named: Vec<String> =
            texts(input, "logGroupIdentifiers").iter().map(|given| group_name(given).to_owned()).collect();
        let wanted = |name: &String| {
            prefix.is_none_or(|prefix| name.starts_with(prefix))
                && part.is_none_or(|part| name.to_lowercase().contains(&part.to_lowercase()))
                && (named.is_empty() || named.contains(name))
        };
        let mut shown = Vec::new();
        for (name, group) in self.groups.iter_mut().filter(|(name, _)| wanted(name)) {
            group.expire(ctx.now.as_millisecond());
            shown.push((name.clone(), group.describe(ctx.place, name)));
        }
        let size = integer(input, "limit").unwrap_or(DESCRIBE_MAX) as usize;
        let (list, next) = page(shown, text(input, "nextToken"), size, false).map_err(bad_token)?;
        Ok(listing("logGroups", list, "nextToken", next))
    }

    fn put_retention_policy(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let days = integer(input, "retentionInDays").unwrap_or_default();
        if !RETENTION_DAYS.contains(&days) {
            return Err(invalid(format!(
                "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member \
                 must satisfy enum value set: {:?}",
                RETENTION_DAYS
            )));
        }
        self.group(ctx, input)?.1.retention_days = Some(days);
        Ok(json!({}))
    }

    fn by_arn(&mut self, ctx: &Ctx<'_>, input: &Value) -> Result<&mut Group, ApiError> {
        let given = text(input, "resourceArn").unwrap_or_default();
        let name = given.strip_prefix(&group_arn(ctx.place, "")).unwrap_or_default();
        self.groups.get_mut(name).ok_or_else(|| {
            ApiError::client(
                "ResourceNotFoundException",
                format!("The specified resource does not exist: {given} (a log group's ARN without a trailing :*)"),
            )
        })
    }

    fn untag(&mut self, ctx: &Ctx<'_>, input: &Value) -> Answer {
        let group = self.by_arn(ctx, input)?;
        for key in texts(input, "tagKeys") {
            group.tags.remove(&key);
        }
        Ok(json!({}))
    }
}

impl Service for Logs {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let input = &call.input;
        match call.operation.as_str() {
            "CreateLogGroup" => self.create_log_group(ctx, input),
            "DeleteLogGroup" => {
                let (name, _) = self.group(ctx, input)?;
                self.groups.remove(&name);
                Ok(json!({}))
            }
            "DescribeLogGroups" => self.describe_log_groups(ctx, input),
            "PutRetentionPolicy" => self.put_retention_policy(ctx, input),
            "DeleteRetentionPolicy" => {
                self.group(ctx, input)?.1.retention_days = None;
                Ok(json!({}))
            }
            "CreateLogStream" => self.create_log_stream(ctx, input),
            "DeleteLogStream" => self.delete_log_stream(ctx, input),
            "DescribeLogStreams" => self.describe_log_streams(ctx, input),
            "PutLogEvents" => self.put_log_events(ctx, input),
            "GetLogEvents" => self.get_log_events(ctx, input),
            "FilterLogEvents" => self.filter_log_events(ctx, input),
            "TagResource" => {
                self.by_arn(ctx, input)?.tags.extend(read_tags(input));
                Ok(json!({}))
            }
            "UntagResource" => self.untag(ctx, input),
            "ListTagsForResource" => Ok(json!({"tags": self.by_arn(ctx, input)?.tags})),
            "_Append" => self.append(ctx, input),
            _ => Err(unknown_operation(call)),
        }
    }

    /// The streams' actions are on `...:log-group:NAME:log-stream:STREAM`. Those of a group are on
    /// `...:log-group:NAME:` and an empty stream, because IAM wants the group's ARN with `:*` for all but the three
    /// tagging actions (botocore's model, `LogGroup$arn`).
    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let action = format!("logs:{}", call.operation);
        let name = text(&call.input, "logGroupName")
            .or_else(|| text(&call.input, "logGroupIdentifier").map(group_name))
            .unwrap_or_default();
        let resource = match call.operation.as_str() {
            "TagResource" | "UntagResource" | "ListTagsForResource" => call.text("resourceArn").to_owned(),
            "DescribeLogGroups" => group_arn(place, "*"),
            "PutLogEvents" | "GetLogEvents" | "DeleteLogStream" => {
                format!("{}:log-stream:{}", group_arn(place, name), call.text("logStreamName"))
            }
            _ => format!("{}:log-stream:", group_arn(place, name)),
        };
        vec![Need::new(action, resource)]
    }
}

/// The name in an identifier that is a name or an ARN.
fn group_name(identifier: &str) -> &str {
    identifier.split_once(":log-group:").map_or(identifier, |(_, rest)| rest.strip_suffix(":*").unwrap_or(rest))
}

fn read_tags(input: &Value) -> BTreeMap<String, String> {
    let tags = input.get("tags").and_then(Value::as_object).into_iter().flatten();
    tags.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("InvalidParameterException", message)
}

fn bad_token(error: BadToken) -> ApiError {
    invalid(format!("The specified nextToken is invalid: {error}"))
}

fn no_group() -> ApiError {
    ApiError::client("ResourceNotFoundException", "The specified log group does not exist.")
}

fn no_stream() -> ApiError {
    ApiError::client("ResourceNotFoundException", "The specified log stream does not exist.")
}

#[cfg(test)]
mod tests;
