//! What the plan of an exit needs of one service. It only reads. The values of the environment go on from here into the request
//! of the plan, and into nothing else.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_apprunner::Client;
use pitcrew_core::audit::facts::{DomainFacts, Egress, Tracing};
use pitcrew_core::audit::{Outside, ServiceFacts};
use pitcrew_core::dns::facts::{DnsFacts, ZoneRef, Zones};
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::Association;
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;

use crate::apprunner::{describe_service, observe_tags};
use crate::configurations::{observe_connector, observe_scaling};
use crate::date::ServerDate;
use crate::describe;
use crate::domains::observe_domains;
use crate::engine::fact;
use crate::error::AwsError;
use crate::route53::{Pages, Route53, ZoneSettings};

/// A service as the plan of an exit sees it. Facts that the plan does not use are not read.
pub struct Leaving {
    pub facts: ServiceFacts,
    pub outside: Outside,
}

/// Reads everything; `None` where App Runner does not know the service. What may not be read is a fact too, and the plan says so.
///
/// # Errors
/// The service cannot be read, or something failed that may pass by itself.
pub async fn observe_leaving(
    config: &SdkConfig,
    client: &Client,
    arn: &ServiceArn,
    date: &ServerDate,
) -> Result<Option<Leaving>, AwsError> {
    let Some(service) = describe_service(client, arn).await? else { return Ok(None) };
    let mut facts = describe::service(arn, &service);
    let mut outside = Outside { environment: describe::values(&service), ..Outside::default() };
    if let Some(summary) = &service.auto_scaling_configuration_summary
        && let Some(scaling) = summary.auto_scaling_configuration_arn.as_deref()
    {
        facts.scaling = fact(observe_scaling(client, scaling).await)?;
    }
    if let Egress::Vpc { connector } = &facts.egress {
        outside.connector = fact(observe_connector(client, connector).await)?;
    }
    if let Tracing::On { configuration } = &facts.tracing {
        outside.tracing_vendor = fact(observe_vendor(client, configuration).await)?;
    }
    facts.tags = fact(observe_tags(client, arn).await)?;
    facts.domains = match fact(observe_domains(client, arn).await)? {
        Fact::Known(Some(domains)) => Fact::Known(observe_records(config, date, domains.into_iter().collect()).await?),
        // It was deleted since it was described.
        Fact::Known(None) => return Ok(None),
        Fact::Unavailable(why) => Fact::Unavailable(why),
        Fact::Unread => Fact::Unread,
    };
    Ok(Some(Leaving { facts, outside }))
}

/// Where traces go; `None` where the configuration names no vendor.
async fn observe_vendor(client: &Client, arn: &str) -> Result<Option<String>, AwsError> {
    let answer = client.describe_observability_configuration().observability_configuration_arn(arn).send().await;
    let answer = answer.map_err(|error| AwsError::sort("apprunner:DescribeObservabilityConfiguration", error))?;
    let trace = answer.observability_configuration.and_then(|seen| seen.trace_configuration);
    Ok(trace.map(|trace| trace.vendor.as_str().to_owned()))
}

/// The hosted zones of this account and what stands in them at the names of the domains.
async fn observe_records(
    config: &SdkConfig,
    date: &ServerDate,
    domains: Vec<(Name, Association)>,
) -> Result<Vec<DomainFacts>, AwsError> {
    if domains.is_empty() {
        return Ok(Vec::new());
    }
    let route53 = Route53::new(config, date, ZoneSettings::default());
    let zones = fact(route53.observe_zones().await)?;
    let mut pages: BTreeMap<String, Pages> = BTreeMap::new();
    let mut read = Vec::new();
    for (name, association) in domains {
        let mut dns = DnsFacts { zones: zones.clone(), ..DnsFacts::default() };
        let mut names = vec![name.clone()];
        names.extend(association.www.then(|| name.below("www").ok()).flatten());
        for zone in above(&zones, &name) {
            let pages = pages.entry(zone.id.clone()).or_default();
            let answer = fact(route53.observe_records(&zone, &names, pages).await)?;
            for at in &names {
                let unread = || Fact::Unavailable("the record sets were not read".to_owned());
                let sets = match &answer {
                    Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
                    _ => pages.at(at).map_or_else(unread, Fact::Known),
                };
                dns.standing.push((zone.id.clone(), at.clone(), sets));
            }
        }
        read.push(DomainFacts {
            name,
            association,
            memory: Fact::Unread,
            preview: Fact::Unread,
            served: Fact::Unread,
            dns,
        });
    }
    Ok(read)
}

/// The public zones that can hold the records of a name or of its `www`.
fn above(zones: &Fact<Zones>, name: &Name) -> Vec<ZoneRef> {
    let Fact::Known(zones) = zones else { return Vec::new() };
    let www = name.below("www").ok();
    let holds = |zone: &Name| name.is_at_or_below(zone) || www.as_ref().is_some_and(|www| www.is_at_or_below(zone));
    zones.all.iter().filter(|zone| !zone.private && holds(&zone.at.name)).map(|zone| zone.at.clone()).collect()
}
