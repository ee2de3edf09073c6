//! What a service causes outside itself. The world carries effects out in the order in which they were caused.

use jiff::Timestamp;
use serde_json::Value;

/// One metric datapoint, as `PutMetricData` or App Runner itself would report it.
#[derive(Clone, Debug, PartialEq)]
pub struct Datapoint {
    pub namespace: String,
    pub name: String,
    /// Sorted by name.
    pub dimensions: Vec<(String, String)>,
    pub at: Timestamp,
    /// The samples' sum, their count, the least and the greatest.
    pub sum: f64,
    pub count: f64,
    pub min: f64,
    pub max: f64,
    pub unit: String,
}

/// A question for the DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The signing name of the service that asks.
    pub service: String,
    /// What the service knows the question by.
    pub token: String,
    pub name: String,
    /// `A`, `CNAME`, `NS`, `CAA`, ...
    pub kind: String,
}

/// What a service causes in another one.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// An event on the account's default bus. The world completes the envelope (`version`, `id`, `account`, `time`, `region`).
    Event {
        source: String,
        detail_type: String,
        resources: Vec<String>,
        detail: Value,
    },
    /// A line in CloudWatch Logs; group and stream are created where they are missing.
    Log {
        group: String,
        stream: String,
        message: String,
    },
    Metric(Datapoint),
    /// A message into a queue (SNS to SQS, dead letters, the wake queue's redrive). `attributes` are message attributes.
    Send {
        queue_arn: String,
        body: String,
        attributes: Vec<(String, String)>,
    },
    /// A publication to a topic by AWS itself (an alarm's action).
    Publish {
        topic_arn: String,
        subject: String,
        message: String,
    },
    /// An asynchronous invocation of a function.
    Invoke {
        function_arn: String,
        payload: Value,
        cause: String,
    },
    /// An HTTP POST to an address on loopback (SNS delivery by http).
    Post {
        url: String,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// A change of an item of a table whose stream is on: the record as `GetRecords` would show it.
    StreamRecord {
        table: String,
        record: Value,
    },
    /// A call of AWS's own to another service: an internal operation, such as App Runner asking ACM for a certificate.
    Tell {
        service: String,
        operation: String,
        input: Value,
    },
    /// A question that a service asks the DNS over the wire. The driver asks it, and the answer comes back to the service as
    /// its internal operation `_Resolved`: `{Token, Name, Type, Rcode, Answers: [..]}`.
    Resolve(Lookup),
    /// Something a person following the story wants to see: a line of the history of kind `story`.
    Story {
        who: String,
        text: String,
    },
}
