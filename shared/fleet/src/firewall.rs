//! AWS WAF, read: which service has a web ACL.

use std::collections::BTreeMap;

use aws_sdk_wafv2::Client;
use aws_sdk_wafv2::types::{ResourceType, Scope};
use pitcrew_aws::error::{AwsError, Kind};
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;

use crate::fact::settled;

/// The most that AWS WAF gives in one page.
const PAGE: i32 = 100;
const PAGES_MAX: usize = 100;

/// The web ACLs of a fleet, read the cheaper way.
#[derive(Clone, Debug)]
pub(crate) enum Firewalls {
    /// By service: one call an ACL was made, for there are fewer ACLs than services.
    Read(Fact<BTreeMap<String, String>>),
    /// Each service is asked about itself.
    Each,
}

pub(crate) async fn observe(client: &Client, services: usize) -> Firewalls {
    let acls = match list(client).await {
        Ok(acls) => acls,
        Err(error) => return Firewalls::Read(settled(Err(error))),
    };
    match acls.len() < services.max(1) {
        true => Firewalls::Read(settled(by_service(client, acls).await)),
        false => Firewalls::Each,
    }
}

async fn list(client: &Client) -> Result<Vec<String>, AwsError> {
    const OPERATION: &str = "wafv2:ListWebACLs";
    let mut acls = Vec::new();
    let mut marker = None;
    for _ in 0..PAGES_MAX {
        let call = client.list_web_acls().scope(Scope::Regional).limit(PAGE).set_next_marker(marker.take());
        let page = call.send().await.map_err(|error| AwsError::sort(OPERATION, error))?;
        let found: Vec<String> = page.web_acls.unwrap_or_default().into_iter().filter_map(|acl| acl.arn).collect();
        // AWS WAF gives a marker with a last full page too; the page after it is empty.
        marker = page.next_marker.filter(|_| !found.is_empty());
        acls.extend(found);
        if marker.is_none() {
            return Ok(acls);
        }
    }
    Err(AwsError::broken(OPERATION, format!("there are more than {PAGES_MAX} pages of web ACLs")))
}

async fn by_service(client: &Client, acls: Vec<String>) -> Result<BTreeMap<String, String>, AwsError> {
    let mut services = BTreeMap::new();
    for acl in acls {
        let call = client.list_resources_for_web_acl().web_acl_arn(&acl);
        let answer = call.resource_type(ResourceType::AppRunnerService).send().await;
        match answer.map_err(|error| AwsError::sort("wafv2:ListResourcesForWebACL", error)) {
            Ok(answer) => {
                services.extend(answer.resource_arns.unwrap_or_default().into_iter().map(|arn| (arn, acl.clone())));
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(services)
}

impl Firewalls {
    /// The ARN of the service's web ACL.
    pub(crate) async fn of(&self, client: &Client, service: &ServiceArn) -> Fact<Option<String>> {
        match self {
            Self::Read(Fact::Known(services)) => Fact::Known(services.get(&service.to_string()).cloned()),
            Self::Read(missing) => crate::fact::likewise(missing),
            Self::Each => settled(of(client, service).await),
        }
    }
}

async fn of(client: &Client, service: &ServiceArn) -> Result<Option<String>, AwsError> {
    let answer = client.get_web_acl_for_resource().resource_arn(service.to_string()).send().await;
    match answer.map_err(|error| AwsError::sort("wafv2:GetWebACLForResource", error)) {
        Ok(answer) => Ok(answer.web_acl.map(|acl| acl.arn)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deleted since it was listed.
fn is_gone(error: &AwsError) -> bool {
    error.kind == Kind::Missing || error.code == "WAFNonexistentItemException"
}
