//! Reading: streams in order, one stream forwards and backwards, many streams through a filter.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::pattern::Pattern;
use super::store::{Event, Key, Stream};
use super::{DESCRIBE_MAX, Logs, bad_token, invalid, no_stream};
use crate::call::{Answer, ApiError, Ctx};
use crate::shape::{flag, integer, listing, page, text, texts};

/// A page holds at most this many events, and at most this many bytes of messages (botocore's model).
const EVENTS_MAX: i64 = 10_000;
const PAGE_BYTES_MAX: usize = 1_048_576;

impl Logs {
    pub(super) fn describe_log_streams(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let by_time = text(input, "orderBy") == Some("LastEventTime");
        let prefix = text(input, "logStreamNamePrefix");
        if by_time && prefix.is_some() {
            return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        let (group_name, group) = self.group(ctx, input)?;
        let mut shown: Vec<(String, Value)> = group
            .streams
            .iter()
            .filter(|(name, _)| prefix.is_none_or(|prefix| name.starts_with(prefix)))
            .map(|(name, stream)| {
                let key = if by_time {
                    format!("{:020}/{name}", stream.last_time().unwrap_or_default())
                } else {
                    name.clone()
                };
                (key, stream.describe(ctx.place, &group_name, name))
            })
            .collect();
        let descending = flag(input, "descending");
        shown.sort_by(|one, other| if descending { other.0.cmp(&one.0) } else { one.0.cmp(&other.0) });
        let size = integer(input, "limit").unwrap_or(DESCRIBE_MAX) as usize;
        let (list, next) = page(shown, text(input, "nextToken"), size, descending).map_err(bad_token)?;
        Ok(listing("logStreams", list, "nextToken", next))
    }

    /// One stream. A token names the event at the edge of the page that gave it; at either end of the stream the token
    /// that comes back is the one that was sent, as the model says.
    pub(super) fn get_log_events(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (_, group) = self.group(ctx, input)?;
        let stream = group.streams.get(text(input, "logStreamName").unwrap_or_default()).ok_or_else(no_stream)?;
        let token = text(input, "nextToken").map(parse_token).transpose()?;
        let (start, end) = (integer(input, "startTime").unwrap_or(0), integer(input, "endTime").unwrap_or(i64::MAX));
        let limit = integer(input, "limit").unwrap_or(EVENTS_MAX) as usize;
        let within = stream.between(start, end);
        let shown: Vec<(&Key, &Event)> = match token {
            Some((Direction::Forward, last)) => take(within.filter(|(key, _)| **key > last), limit),
            Some((Direction::Backward, first)) => take_last(within.rev().filter(|(key, _)| **key < first), limit),
            None if flag(input, "startFromHead") => take(within, limit),
            None => take_last(within.rev(), limit),
        };
        let edge = token.map_or((start, 0), |(_, key)| key);
        let first = shown.first().map_or(edge, |(key, _)| **key);
        let last = shown.last().map_or(edge, |(key, _)| **key);
        let events: Vec<Value> = shown
            .iter()
            .map(|((at, _), event)| json!({"timestamp": at, "message": event.message, "ingestionTime": event.ingested}))
            .collect();
        Ok(json!({
            "events": events,
            "nextForwardToken": render_token('f', last),
            "nextBackwardToken": render_token('b', first),
        }))
    }

    pub(super) fn filter_log_events(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (names, prefix) = (texts(input, "logStreamNames"), text(input, "logStreamNamePrefix"));
        if !names.is_empty() && prefix.is_some() {
            return Err(invalid("logStreamNamePrefix and logStreamNames are mutually exclusive."));
        }
        let pattern = Pattern::parse(text(input, "filterPattern").unwrap_or_default())
            .map_err(|error| invalid(format!("Invalid filter pattern: {error}")))?;
        let (_, group) = self.group(ctx, input)?;
        if names.iter().any(|name| !group.streams.contains_key(name)) {
            return Err(no_stream());
        }
        let wanted = |name: &str| {
            prefix.is_none_or(|prefix| name.starts_with(prefix))
                && (names.is_empty() || names.iter().any(|listed| listed == name))
        };
        let start = integer(input, "startTime").unwrap_or(0);
        let end = integer(input, "endTime").unwrap_or(i64::MAX - 1);
        let streams: Vec<(&String, &Stream)> = group.streams.iter().filter(|(name, _)| wanted(name)).collect();
        let mut found: BTreeMap<String, Value> = BTreeMap::new();
        for (name, stream) in streams {
            // The end is included here, unlike in GetLogEvents.
            for ((at, arrival), event) in
                stream.between(start, end + 1).filter(|(_, event)| pattern.matches(&event.message))
            {
                let key = event_id(*at, *arrival);
                let shown = json!({
                    "logStreamName": name,
                    "timestamp": at,
                    "message": event.message,
                    "ingestionTime": event.ingested,
                    "eventId": key,
                });
                found.insert(key, shown);
            }
        }
        let limit = integer(input, "limit").unwrap_or(EVENTS_MAX) as usize;
        let (list, next) =
            page(found.into_iter().collect(), text(input, "nextToken"), limit, false).map_err(bad_token)?;
        let mut answer = listing("events", list, "nextToken", next);
        // CloudWatch Logs answers an empty list since 2019.
        answer["searchedLogStreams"] = json!([]);
        Ok(answer)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

/// 56 digits that sort like the events.
fn event_id(at: i64, arrival: u64) -> String {
    format!("{at:020}{arrival:036}")
}

fn render_token(direction: char, (at, arrival): Key) -> String {
    format!("{direction}/{}/s", event_id(at, arrival))
}

fn parse_token(token: &str) -> Result<(Direction, Key), ApiError> {
    let parsed = token.strip_suffix("/s").and_then(|token| {
        let (direction, id) = token.split_once('/')?;
        let direction = match direction {
            "f" => Direction::Forward,
            "b" => Direction::Backward,
            _ => return None,
        };
        let (at, arrival) = (id.get(..20)?, id.get(20..)?);
        Some((direction, (at.parse().ok()?, arrival.parse().ok()?)))
    });
    parsed.ok_or_else(|| invalid("The specified nextToken is invalid."))
}

/// As many as fit into one page; never none where there is one.
fn take<'e>(events: impl Iterator<Item = (&'e Key, &'e Event)>, limit: usize) -> Vec<(&'e Key, &'e Event)> {
    let mut bytes = 0;
    let mut fits = |(_, event): &(&Key, &Event)| {
        let room = bytes == 0 || bytes + event.message.len() <= PAGE_BYTES_MAX;
        bytes += event.message.len();
        room
    };
    events.take(limit.max(1)).take_while(move |pair| fits(pair)).collect()
}

/// The same from the end, put back into the order of time.
fn take_last<'e>(newest_first: impl Iterator<Item = (&'e Key, &'e Event)>, limit: usize) -> Vec<(&'e Key, &'e Event)> {
    let mut events = take(newest_first, limit);
    events.reverse();
    events
}
