//! App Runner's logs, read: the lines that say why an operation failed (the guide, "Monitoring: CloudWatch Logs").

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::OrderBy;
use jiff::{SignedDuration, Timestamp};
use pitcrew_core::diagnosis::{LogLine, LogSource};
use pitcrew_core::id::{OperationId, ServiceArn};

use crate::error::{AwsError, Kind};

/// Lines that are read from one stream.
const LINES_MAX: i32 = 100;
/// How long before the operation its lines may begin: clocks of two AWS services differ.
const SLACK: SignedDuration = SignedDuration::from_secs(30);

/// The lines of an operation (or of the service as it runs), at most four calls.
pub async fn observe_lines(
    client: &Client,
    arn: &ServiceArn,
    operation: Option<&OperationId>,
    since: Timestamp,
) -> Result<Vec<LogLine>, AwsError> {
    let (service, application) = (arn.log_group("service"), arn.log_group("application"));
    let mut lines = stream(client, &service, "events", LogSource::Events, since).await?;
    if let Some(operation) = operation {
        lines.extend(stream(client, &service, &operation.log_stream(), LogSource::Deployment, since).await?);
    }
    // No application stream at all is a finding of its own: the process never wrote.
    if let Some(newest) = newest_stream(client, &application).await? {
        lines.extend(stream(client, &application, &newest, LogSource::Application, since).await?);
    }
    Ok(lines)
}

async fn stream(
    client: &Client,
    group: &str,
    name: &str,
    source: LogSource,
    since: Timestamp,
) -> Result<Vec<LogLine>, AwsError> {
    let call = client.get_log_events().log_group_name(group).log_stream_name(name);
    let call = call.start_time((since - SLACK).as_millisecond()).limit(LINES_MAX).start_from_head(false);
    let answer = match call.send().await.map_err(|error| AwsError::sort("logs:GetLogEvents", error)) {
        Ok(answer) => answer,
        Err(error) if error.kind == Kind::Missing => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let line = |at: Option<i64>, text: Option<String>| {
        let at = Timestamp::from_millisecond(at.unwrap_or_default()).unwrap_or(Timestamp::UNIX_EPOCH);
        LogLine { source, at, text: text.unwrap_or_default() }
    };
    Ok(answer.events.unwrap_or_default().into_iter().map(|event| line(event.timestamp, event.message)).collect())
}

async fn newest_stream(client: &Client, group: &str) -> Result<Option<String>, AwsError> {
    let call = client.describe_log_streams().log_group_name(group).order_by(OrderBy::LastEventTime).descending(true);
    match call.limit(1).send().await.map_err(|error| AwsError::sort("logs:DescribeLogStreams", error)) {
        Ok(answer) => Ok(answer.log_streams.unwrap_or_default().into_iter().find_map(|stream| stream.log_stream_name)),
        Err(error) if error.kind == Kind::Missing => Ok(None),
        Err(error) => Err(error),
    }
}
