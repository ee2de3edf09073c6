//! Images: what became of them in ECR, what the deployments of some came to, and what pitcrew remembers of releases.

use serde_json::{Value, json};

use super::recipe::{digest, image, push};
use super::{Fleet, FleetError, Site};
use crate::gateway::lock;
use crate::outside::Behaviour;

/// Services that a remembered earlier release is still in ECR for.
const WITH_EARLIER_IMAGE: [&str; 2] = ["telemetry", "payments"];
/// Hours since the release that serves came into service, and the one before it.
const SERVES_HOURS: i64 = 48;
const EARLIER_HOURS: i64 = 200;

/// A version that answers no health check.
pub(super) fn unhealthy(site: &Site<'_>, service: &str, version: &str) {
    let behaviour = Behaviour { healthy: false, ..Behaviour::default() };
    lock(site.cloud.world()).outside.behaviours.insert(digest(service, version), behaviour);
}

/// Images of earlier releases.
pub(super) fn before(site: &Site<'_>) -> Result<(), FleetError> {
    WITH_EARLIER_IMAGE.into_iter().try_for_each(|service| push(site, service, "v0"))
}

/// What is changed while the services run.
pub(super) fn change(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    last_failed(site, fleet)?;
    tag_gone(site)?;
    target_expires(site)
}

/// A second version that fails: App Runner goes back.
fn last_failed(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    unhealthy(site, "sorting", "v2");
    push(site, "sorting", "v2")?;
    let source = json!({"ImageRepository": {"ImageIdentifier": image(site, "sorting", "v2"),
        "ImageRepositoryType": "ECR"}});
    let input = json!({"ServiceArn": fleet.service("sorting")?, "SourceConfiguration": source});
    site.call("apprunner", "UpdateService", input).map(|_| ())
}

/// Somebody deleted the tag that the next deployment needs.
fn tag_gone(site: &Site<'_>) -> Result<(), FleetError> {
    let input = json!({"repositoryName": "scans", "imageIds": [{"imageTag": "v1"}]});
    site.call("ecr", "BatchDeleteImage", input).map(|_| ())
}

/// A lifecycle policy that keeps two images: the next push takes the earlier release away.
fn target_expires(site: &Site<'_>) -> Result<(), FleetError> {
    let policy = json!({"rules": [{"rulePriority": 1, "description": "keep two",
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2},
        "action": {"type": "expire"}}]});
    let input = json!({"repositoryName": "payments", "lifecyclePolicyText": policy.to_string()});
    site.call("ecr", "PutLifecyclePolicy", input).map(|_| ())
}

/// A release, as the ledger holds it.
fn release(site: &Site<'_>, service: &str, version: &str, hours: i64) -> Value {
    let at = site.hours_ago(hours);
    json!({
        "operation": format!("{service}-{version}"), "digest": digest(service, version), "fingerprint": {},
        "source": {"image": {"image": image(site, service, "v1"), "auto_deploy": false}},
        "started_at": at, "released_at": at, "verdict": {"is": "good", "since": at},
    })
}

fn ledger(site: &Site<'_>, fleet: &Fleet, service: &str, ledger: Value) -> Result<(), FleetError> {
    let mut row = ledger;
    row["pk"] = json!(format!("SVC#{}", fleet.service(service)?));
    row["sk"] = json!("RELEASES");
    site.row(&row)
}

/// What pitcrew remembers of the releases of some services.
pub(super) fn remember(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    // Old services with a release that has proven itself.
    for service in ["archive", "intranet"] {
        ledger(site, fleet, service, json!({"releases": [release(site, service, "v1", SERVES_HOURS)]}))?;
    }
    no_good_release(site, fleet)?;
    let refused = json!({"releases": [], "bad": [bad(site, "couriers")]});
    ledger(site, fleet, "couriers", refused)?;
    armed(site, fleet)?;
    // The release before is gone from ECR (feedback), or will be (payments).
    for service in ["feedback", "payments"] {
        let mut earlier = release(site, service, "v0", EARLIER_HOURS);
        earlier["replaced_at"] = json!(site.hours_ago(SERVES_HOURS));
        let releases = json!({"releases": [release(site, service, "v1", SERVES_HOURS), earlier]});
        ledger(site, fleet, service, releases)?;
    }
    Ok(())
}

/// Three days old, and its only release was never judged.
fn no_good_release(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    let mut only = release(site, "drivers", "v1", 1);
    only["verdict"] = json!({"is": "unproven"});
    ledger(site, fleet, "drivers", json!({"releases": [only]}))
}

/// What the tag names was found bad, and an earlier release serves.
fn armed(site: &Site<'_>, fleet: &Fleet) -> Result<(), FleetError> {
    let earlier = release(site, "telemetry", "v0", EARLIER_HOURS);
    ledger(site, fleet, "telemetry", json!({"releases": [earlier], "bad": [bad(site, "telemetry")]}))
}

/// The first digest of a service, as the ledger holds it once it failed.
fn bad(site: &Site<'_>, service: &str) -> Value {
    json!({"digest": digest(service, "v1"), "since": site.hours_ago(1), "operation": format!("{service}-v1"),
        "reason": "it answered no health check"})
}
