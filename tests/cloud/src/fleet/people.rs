//! What people did to services that run: alarms, retention, tags, pauses; and how old some services are.

use serde_json::json;

use super::{Fleet, FleetError, Site};

/// Services that people left without one of the two alarms, and one whose alarms tell nobody.
const NO_ERROR_ALARM: &str = "back-office";
const NO_LATENCY_ALARM: &str = "batch-export";
const SILENT_ALARM: &str = "partner-feed";
/// The service whose logs nobody thought about.
const LOGS_FOR_EVER: &str = "intranet";
/// How long an operation hangs: longer than anything here takes.
const STUCK_MINUTES: u32 = 100_000;
/// How old services are, in days. Before August 2022 App Runner took no alias.
const AGES: [(&str, u32); 4] = [("archive", 20), ("drivers", 3), ("intranet", 1600), ("seasonal", 200)];
/// How long ago operations were, in days.
const OPERATIONS: [(&str, u32); 2] = [("seasonal", 40), ("scheduler", 1)];

/// Two alarms a service, and the tags of those who waive something.
pub(super) fn watch(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    for (name, arn) in &fleet.services {
        let id = arn.rsplit('/').next().unwrap_or_default();
        let actions = if name == SILENT_ALARM { json!([]) } else { json!([site.topic]) };
        let dimensions = json!([{"Name": "ServiceName", "Value": name}, {"Name": "ServiceID", "Value": id}]);
        let alarm = |what: &str, metric: &str, threshold: f64| {
            json!({"AlarmName": format!("{name}-{what}"), "Namespace": "AWS/AppRunner", "MetricName": metric,
                "Dimensions": dimensions, "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 5,
                "Threshold": threshold, "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching", "AlarmActions": actions})
        };
        if name != NO_ERROR_ALARM {
            site.call("monitoring", "PutMetricAlarm", alarm("errors", "5xxStatusResponses", 20.0))?;
        }
        if name != NO_LATENCY_ALARM && name != SILENT_ALARM {
            site.call("monitoring", "PutMetricAlarm", alarm("latency", "RequestLatency", 5000.0))?;
        }
    }
    let mut audible = json!({"AlarmName": "partner-feed-latency", "Namespace": "AWS/AppRunner",
        "MetricName": "RequestLatency", "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 5,
        "Threshold": 5000.0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
        "AlarmActions": [site.topic]});
    let id = fleet.service(SILENT_ALARM)?.rsplit('/').next().unwrap_or_default();
    audible["Dimensions"] = json!([{"Name": "ServiceName", "Value": SILENT_ALARM}, {"Name": "ServiceID", "Value": id}]);
    site.call("monitoring", "PutMetricAlarm", audible)?;
    waive(site, fleet, "webhooks", "2026-01-31 we look at it in spring")?;
    waive(site, fleet, "search", "soon")
}

/// A waiver by tag that does not hold: the rule finds nothing there, so that the waiver alone is found.
fn waive(site: &Site<'_>, fleet: &Fleet, service: &str, value: &str) -> Result<(), FleetError> {
    let tags = json!([{"Key": "pitcrew:waive:scaling-idle", "Value": value}]);
    site.call("apprunner", "TagResource", json!({"ResourceArn": fleet.service(service)?, "Tags": tags})).map(|_| ())
}

/// What is done to services by hand.
pub(super) fn change(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    site.call("apprunner", "PauseService", json!({"ServiceArn": fleet.service("seasonal")?}))?;
    let delete = json!({"ServiceName": "faxes", "OperationType": "DELETE_SERVICE"});
    site.internal("apprunner", "_FailNext", delete)?;
    site.call("apprunner", "DeleteService", json!({"ServiceArn": fleet.service("faxes")?}))?;
    let update = json!({"ServiceArn": fleet.service("scheduler")?,
        "HealthCheckConfiguration": {"Protocol": "HTTP", "Path": "/ready", "Interval": 5, "Timeout": 2}});
    site.call("apprunner", "UpdateService", update)?;
    let stick = json!({"ServiceName": "scheduler", "Minutes": STUCK_MINUTES});
    site.internal("apprunner", "_Stick", stick).map(|_| ())
}

/// Says how long logs are kept, for every log group but those of one service.
pub(super) fn retain(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    retain_but(site, fleet.service(LOGS_FOR_EVER)?.rsplit('/').next())
}

/// The same, for every group whose name does not hold this id.
pub(super) fn retain_but(site: &Site<'_>, spared: Option<&str>) -> Result<(), FleetError> {
    let mut token = json!(null);
    loop {
        let mut input = json!({"logGroupNamePrefix": "/aws/apprunner/"});
        if !token.is_null() {
            input["nextToken"] = token;
        }
        let page = site.call("logs", "DescribeLogGroups", input)?;
        for group in page["logGroups"].as_array().into_iter().flatten() {
            let name = group["logGroupName"].as_str().unwrap_or_default();
            if spared.is_none_or(|spared| !name.contains(spared)) {
                let input = json!({"logGroupName": name, "retentionInDays": 30});
                site.call("logs", "PutRetentionPolicy", input)?;
            }
        }
        token = page["nextToken"].clone();
        if token.is_null() {
            return Ok(());
        }
    }
}

/// Makes services and operations as old as they are said to be.
pub(super) fn age(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    for (name, days) in AGES {
        fleet.service(name)?;
        site.internal("apprunner", "_AgeBy", json!({"ServiceName": name, "Days": days}))?;
    }
    for (name, days) in OPERATIONS {
        site.internal("apprunner", "_AgeOperations", json!({"ServiceName": name, "Days": days}))?;
    }
    Ok(())
}
