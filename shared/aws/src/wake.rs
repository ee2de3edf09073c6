//! The wake queue: how a function that must never sleep looks again soon.

use pitcrew_core::id::ServiceArn;
use serde_json::json;

use crate::connect::no_retry;
use crate::error::AwsError;
use crate::lazy::Lazy;

/// The longest delay of a message in SQS.
const DELAY_SECS_MAX: u32 = 900;
/// Wakes that may follow one another before the next sweep takes over. Every sweep may begin a chain anew, so a chain without
/// an end would pile up on its service for as long as that waits; and Lambda itself cuts a chain of about 16 invocations
/// through SQS off as a recursive loop, as a failure of ours (Lambda guide, "Recursive loop detection").
pub const WAKE_HOPS_MAX: u32 = 4;

/// What a wake is about.
#[derive(Clone, Copy, Debug)]
pub enum About<'a> {
    Service(&'a ServiceArn),
    /// The ARN of a certificate of ACM.
    Certificate(&'a str),
}

/// The queue of one function. Clones share its client.
#[derive(Clone)]
pub struct WakeQueue {
    client: Lazy<aws_sdk_sqs::Client>,
    /// Without one only events and the sweep look again.
    url: Option<String>,
}

impl WakeQueue {
    pub fn new(client: Lazy<aws_sdk_sqs::Client>, url: Option<String>) -> Self {
        Self { client, url }
    }

    /// Sees to it that the function is woken for this after so many seconds. `hops`: the wakes that led to this run; a chain
    /// that has come to its end sends nothing.
    ///
    /// # Errors
    /// The message may be lost. The sweep looks in any case: that costs minutes, not correctness.
    pub async fn wake(&self, about: About<'_>, hops: u32, after_secs: u32) -> Result<(), AwsError> {
        let (Some(url), Some(body)) = (&self.url, message(about, hops)) else { return Ok(()) };
        let delay = i32::try_from(after_secs.min(DELAY_SECS_MAX)).unwrap_or(0);
        let call = self.client.send_message().queue_url(url).delay_seconds(delay).message_body(body);
        let once = aws_sdk_sqs::config::Config::builder().retry_config(no_retry());
        let answer = call.customize().config_override(once).send().await;
        answer.map(|_| ()).map_err(|error| AwsError::sort("sqs:SendMessage", error))
    }
}

/// The message of a wake; none where the chain of wakes has come to its end.
pub fn message(about: About<'_>, hops: u32) -> Option<String> {
    let body = match about {
        About::Service(arn) => json!({"service": arn, "hops": hops.saturating_add(1)}),
        About::Certificate(arn) => json!({"certificate": arn, "hops": hops.saturating_add(1)}),
    };
    (hops < WAKE_HOPS_MAX).then(|| body.to_string())
}

#[cfg(test)]
mod tests {
    use pitcrew_core::event::{self, Home, Queued, QueuedWake};

    use super::*;

    const ARN: &str = "arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123456789abcdef";
    const CERTIFICATE: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/0123456789abcdef";

    /// A message as it comes back as a record of the queue.
    fn delivered(body: &str) -> QueuedWake {
        let home = Home { partition: None, account: "123456789012".to_owned(), region: "eu-west-1".to_owned() };
        let queue = "arn:aws:sqs:eu-west-1:123456789012:pitcrew-wake";
        let record = json!({"messageId": "m", "eventSource": "aws:sqs", "eventSourceARN": queue, "body": body});
        let wake = event::parse(&json!({"Records": [record]}), &home).unwrap();
        match wake.subjects.into_iter().next() {
            Some(event::Subject::Queued(queued)) => queued,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_chain_of_wakes_comes_to_an_end() {
        let arn = ServiceArn::parse(ARN).unwrap();
        for (about, queued) in [
            (About::Service(&arn), Queued::Service(arn.clone())),
            (About::Certificate(CERTIFICATE), Queued::Certificate(CERTIFICATE.to_owned())),
        ] {
            let (mut hops, mut wakes) = (0, 0);
            while let Some(body) = message(about, hops) {
                let wake = delivered(&body);
                assert_eq!(wake.about, Ok(queued.clone()));
                hops = wake.hops;
                wakes += 1;
                assert!(wakes < 16, "Lambda calls this a recursive loop");
            }
            assert_eq!(wakes, WAKE_HOPS_MAX);
        }
    }

    #[test]
    fn a_message_that_counts_wrongly_begins_no_chain() {
        for hops in ["-1", "1e99", "\"1\"", "99999999999"] {
            let wake = delivered(&format!(r#"{{"service":"{ARN}","hops":{hops}}}"#));
            assert_eq!(wake.hops, u32::MAX, "{hops}");
        }
        assert_eq!(delivered(&format!(r#"{{"service":"{ARN}"}}"#)).hops, 0);
    }
}
