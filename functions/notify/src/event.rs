//! What woke the function: new rows of the outbox, the schedule, or something that nobody planned.
//!
//! Of a stream record only the key, the sequence number and the time are read: what is sent comes from the claimed row.

use jiff::Timestamp;
use pitcrew_aws::outbox::Key;
use serde_json::Value;

/// Records of one batch that are looked at. Lambda sends at most 10,000; the template asks for far fewer.
const RECORDS_MAX: usize = 1_000;

/// What woke the function.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// New rows of the outbox.
    Inserted(Vec<Inserted>),
    /// The schedule.
    Sweep,
    /// Anything else, with the reason.
    Unknown(&'static str),
}

/// One record of the table's stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Inserted {
    /// What Lambda wants to hear where the record failed.
    pub sequence: String,
    /// The row, or nothing where the record does not name one.
    pub key: Option<Key>,
    /// When the row was written.
    pub at: Option<Timestamp>,
}

/// Reads an event. Records of a stream that are no new rows of the outbox are left out: the filter lets none through.
pub fn parse(event: &Value) -> Event {
    if let Some(records) = event.get("Records") {
        return match records.as_array() {
            Some(records) => Event::Inserted(records.iter().take(RECORDS_MAX).filter_map(inserted).collect()),
            None => Event::Unknown("Records is not a list"),
        };
    }
    let member = |name: &str| event.get(name).and_then(Value::as_str);
    match (member("source"), member("detail-type")) {
        (Some("pitcrew"), Some("Sweep")) => Event::Sweep,
        _ if event.is_object() => Event::Unknown("neither a stream batch nor the sweep"),
        _ => Event::Unknown("not an object"),
    }
}

fn inserted(record: &Value) -> Option<Inserted> {
    if record.get("eventName").and_then(Value::as_str).is_some_and(|name| name != "INSERT") {
        return None;
    }
    let change = record.get("dynamodb").unwrap_or(&Value::Null);
    let key = |name: &str| change.pointer(&format!("/Keys/{name}/S")).and_then(Value::as_str).map(str::to_owned);
    let key = match (key("pk"), key("sk")) {
        (Some(pk), Some(_)) if !pk.starts_with("OUTBOX#") => return None,
        (Some(pk), Some(sk)) => Some(Key { pk, sk }),
        _ => None,
    };
    let sequence = change.get("SequenceNumber").and_then(Value::as_str).unwrap_or_default().to_owned();
    #[expect(clippy::cast_possible_truncation, reason = "seconds since the epoch; the cast saturates")]
    let at =
        change.get("ApproximateCreationDateTime").and_then(Value::as_f64).map(|seconds| (seconds * 1_000.0) as i64);
    Some(Inserted { sequence, key, at: at.and_then(|ms| Timestamp::from_millisecond(ms).ok()) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_row_is_read_from_its_record() {
        let event = json!({"Records": [{"eventName": "INSERT", "dynamodb": {
            "ApproximateCreationDateTime": 1_760_000_000.5,
            "Keys": {"pk": {"S": "OUTBOX#4"}, "sk": {"S": "t#n"}},
            "SequenceNumber": "111",
        }}]});
        assert_eq!(
            parse(&event),
            Event::Inserted(vec![Inserted {
                sequence: "111".to_owned(),
                key: Some(Key { pk: "OUTBOX#4".to_owned(), sk: "t#n".to_owned() }),
                at: Some("2025-10-09T08:53:20.5Z".parse().unwrap()),
            }])
        );
    }

    #[test]
    fn changes_and_rows_of_other_kinds_are_left_out() {
        let record = |name: &str, pk: &str| json!({"eventName": name, "dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": "s"}}}});
        let event =
            json!({"Records": [record("MODIFY", "OUTBOX#1"), record("REMOVE", "OUTBOX#1"), record("INSERT", "SVC#a")]});
        assert_eq!(parse(&event), Event::Inserted(Vec::new()));
    }

    #[test]
    fn the_schedule_is_recognised() {
        assert_eq!(parse(&json!({"source": "pitcrew", "detail-type": "Sweep"})), Event::Sweep);
    }

    #[test]
    fn anything_else_is_unknown_and_never_a_panic() {
        for event in
            [json!(null), json!([]), json!("x"), json!({}), json!({"Records": 1}), json!({"source": "aws.apprunner"})]
        {
            assert!(matches!(parse(&event), Event::Unknown(_)), "{event}");
        }
        let Event::Inserted(records) =
            parse(&json!({"Records": [null, 1, {"dynamodb": {"Keys": {"pk": {"N": "1"}}}}]}))
        else {
            panic!("a batch");
        };
        assert!(records.iter().all(|record| record.key.is_none()));
    }
}
