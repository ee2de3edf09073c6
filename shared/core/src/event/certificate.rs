//! What ACM says of the account's own certificates. All its events name the certificate as their resource.

use serde_json::{Map, Value};

use super::{Home, Reason, check_home, detail, first_resource};

/// The certificate of an event.
pub(super) fn parse(event: &Map<String, Value>, home: &Home) -> Result<String, Reason> {
    // Nothing is taken from the detail, but an event without one is no event of ACM's.
    detail(event)?;
    own(first_resource(event)?, home)
}

/// The ARN of a certificate of our own account and region.
pub(super) fn own(arn: &str, home: &Home) -> Result<String, Reason> {
    let ["arn", partition, service, region, account, resource] = arn.split(':').collect::<Vec<_>>()[..] else {
        return Err(Reason::NotAnArn);
    };
    if service != "acm" {
        return Err(Reason::OtherService);
    }
    let id = resource.strip_prefix("certificate/").ok_or(Reason::NotAnArn)?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(Reason::NotAnArn);
    }
    check_home(home, partition, account, region)?;
    Ok(arn.to_owned())
}
