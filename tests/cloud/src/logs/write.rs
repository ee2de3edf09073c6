//! Writing: streams come and go, events arrive, and the metrics in them leave as effects.

use serde_json::{Map, Value, json};

use super::store::{Event, Group, Stream};
use super::{EVENT_OVERHEAD_BYTES, Logs, embedded, invalid, no_stream};
use crate::call::{Answer, ApiError, Ctx};
use crate::effect::Effect;
use crate::shape::{integer, items, text};

/// Limits of `PutLogEvents` (botocore's model).
const BATCH_BYTES_MAX: usize = 1_048_576;
const HOUR_MILLIS: i64 = 3_600_000;
const SPAN_MILLIS_MAX: i64 = 24 * HOUR_MILLIS;
const FUTURE_MILLIS_MAX: i64 = 2 * HOUR_MILLIS;
const PAST_MILLIS_MAX: i64 = 14 * 24 * HOUR_MILLIS;

/// The token means nothing since 2023, but the model still has it.
const SEQUENCE_TOKEN: &str = "49590302179120386800000000000000000000000000000000000001";

impl Logs {
    pub(super) fn create_log_stream(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (_, group) = self.group(ctx, input)?;
        let name = text(input, "logStreamName").unwrap_or_default();
        if group.streams.contains_key(name) {
            return Err(ApiError::client("ResourceAlreadyExistsException", "The specified log stream already exists"));
        }
        group.streams.insert(name.to_owned(), Stream::new(ctx.now.as_millisecond()));
        Ok(json!({}))
    }

    pub(super) fn delete_log_stream(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (_, group) = self.group(ctx, input)?;
        group.streams.remove(text(input, "logStreamName").unwrap_or_default()).ok_or_else(no_stream)?;
        Ok(json!({}))
    }

    pub(super) fn put_log_events(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let now = ctx.now.as_millisecond();
        let first_arrival = self.arrivals;
        let (_, group) = self.group(ctx, input)?;
        let horizon = group.horizon(now);
        let stream = group.streams.get_mut(text(input, "logStreamName").unwrap_or_default()).ok_or_else(no_stream)?;
        let batch: Vec<(i64, &str)> = items(input, "logEvents")
            .map(|event| (integer(event, "timestamp").unwrap_or_default(), text(event, "message").unwrap_or_default()))
            .collect();
        check_batch(&batch)?;
        let mut rejected = Rejected::default();
        let mut arrivals = first_arrival;
        for (index, (at, message)) in batch.iter().enumerate() {
            if rejected.takes(index, *at, now, horizon) {
                continue;
            }
            arrivals += 1;
            let event = Event { message: (*message).to_owned(), ingested: now };
            stream.events.insert((*at, arrivals), event);
            ctx.effects.extend(embedded::datapoints(message).into_iter().map(Effect::Metric));
        }
        self.arrivals = arrivals;
        let mut answer = json!({"nextSequenceToken": SEQUENCE_TOKEN});
        if let Some(info) = rejected.info() {
            answer["rejectedLogEventsInfo"] = info;
        }
        Ok(answer)
    }

    /// The world's own line: `{group, stream, message}`, dated now; group and stream are created where they are
    /// missing.
    pub(super) fn append(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (Some(group), Some(stream), Some(message)) =
            (text(input, "group"), text(input, "stream"), text(input, "message"))
        else {
            return Err(invalid("_Append takes group, stream and message, none of them empty"));
        };
        let now = ctx.now.as_millisecond();
        self.arrivals += 1;
        let group = self.groups.entry(group.to_owned()).or_insert_with(|| Group::new(now));
        let stream = group.streams.entry(stream.to_owned()).or_insert_with(|| Stream::new(now));
        stream.events.insert((now, self.arrivals), Event { message: message.to_owned(), ingested: now });
        ctx.effects.extend(embedded::datapoints(message).into_iter().map(Effect::Metric));
        Ok(json!({}))
    }
}

fn check_batch(batch: &[(i64, &str)]) -> Result<(), ApiError> {
    if batch.windows(2).any(|pair| pair[1].0 < pair[0].0) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    if let (Some(first), Some(last)) = (batch.first(), batch.last())
        && last.0 - first.0 > SPAN_MILLIS_MAX
    {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    let bytes: usize = batch.iter().map(|(_, message)| message.len() + EVENT_OVERHEAD_BYTES).sum();
    if bytes > BATCH_BYTES_MAX {
        return Err(invalid(format!(
            "Upload too large: {bytes} bytes exceeds limit of {BATCH_BYTES_MAX} bytes (each event counts \
             {EVENT_OVERHEAD_BYTES} bytes more than its message)"
        )));
    }
    Ok(())
}

/// Which events of a batch, which is in the order of time, were not taken.
#[derive(Default)]
struct Rejected {
    too_old_end: Option<usize>,
    expired_end: Option<usize>,
    too_new_start: Option<usize>,
}

impl Rejected {
    fn takes(&mut self, index: usize, at: i64, now: i64, horizon: i64) -> bool {
        if at < now - PAST_MILLIS_MAX {
            self.too_old_end = Some(index + 1);
        } else if at < horizon {
            self.expired_end = Some(index + 1);
        } else if at > now + FUTURE_MILLIS_MAX {
            self.too_new_start.get_or_insert(index);
        } else {
            return false;
        }
        true
    }

    fn info(&self) -> Option<Value> {
        let named = [
            ("tooOldLogEventEndIndex", self.too_old_end),
            ("expiredLogEventEndIndex", self.expired_end),
            ("tooNewLogEventStartIndex", self.too_new_start),
        ];
        let info: Map<String, Value> =
            named.into_iter().filter_map(|(name, index)| Some((name.to_owned(), json!(index?)))).collect();
        (!info.is_empty()).then_some(Value::Object(info))
    }
}
