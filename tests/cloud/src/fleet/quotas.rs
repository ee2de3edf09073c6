//! What is nearly used up, and a connection whose handshake nobody completed.

use serde_json::{Value, json};

use super::ground::{scaling, tracing};
use super::{Fleet, FleetError, Site};

/// Four fifths of ten: what is near.
const NEAR: usize = 8;

pub(super) fn plant(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    connections(site)?;
    broken_connection(site, fleet)?;
    scaling_revisions(site)?;
    scaling_names(site)?;
    tracing_revisions(site)?;
    tracing_names(site)
}

fn count(site: &Site<'_>, operation: &str, list: &str) -> Result<usize, FleetError> {
    let answer = site.call("apprunner", operation, json!({"LatestOnly": true}))?;
    let names = answer[list].as_array().into_iter().flatten();
    let own = |row: &&Value| row["AutoScalingConfigurationName"] != "DefaultConfiguration";
    Ok(names.filter(own).count())
}

/// With the one that a service is built through: seven more.
fn connections(site: &Site<'_>) -> Result<(), FleetError> {
    for n in 2..NEAR {
        let name = format!("team-{n}");
        site.call("apprunner", "CreateConnection", json!({"ConnectionName": name, "ProviderType": "GITHUB"}))?;
        site.internal("apprunner", "_ConnectionAvailable", json!({"ConnectionName": name}))?;
    }
    Ok(())
}

fn broken_connection(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    let input = json!({"ConnectionName": "forgotten", "ProviderType": "GITHUB"});
    let made = site.call("apprunner", "CreateConnection", input)?;
    fleet.keep("forgotten", &made["Connection"]["ConnectionArn"]).map(|_| ())
}

fn scaling_revisions(site: &Site<'_>) -> Result<(), FleetError> {
    (0..NEAR).try_for_each(|_| scaling(site, "larkspur-trials", 2, 10, 100).map(|_| ()))
}

fn scaling_names(site: &Site<'_>) -> Result<(), FleetError> {
    let there = count(site, "ListAutoScalingConfigurations", "AutoScalingConfigurationSummaryList")?;
    (there..NEAR).try_for_each(|n| scaling(site, &format!("larkspur-{n}"), 2, 10, 100).map(|_| ()))
}

fn tracing_revisions(site: &Site<'_>) -> Result<(), FleetError> {
    (0..NEAR).try_for_each(|_| tracing(site, "larkspur-trials").map(|_| ()))
}

fn tracing_names(site: &Site<'_>) -> Result<(), FleetError> {
    let there = count(site, "ListObservabilityConfigurations", "ObservabilityConfigurationSummaryList")?;
    (there..NEAR).try_for_each(|n| tracing(site, &format!("larkspur-{n}")).map(|_| ()))
}
