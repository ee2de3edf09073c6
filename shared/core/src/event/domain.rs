//! What wakes the functions of custom domains: calls that CloudTrail tells of, and App Runner's own event.

use serde_json::{Map, Value};

use super::{Home, Reason, detail, first_resource, member, own_service, text, word};
use crate::id::ServiceArn;

/// The calls that change which domains a service has.
const CALLS: [&str; 3] = ["AssociateCustomDomain", "DisassociateCustomDomain", "DeleteService"];

/// A service whose custom domains are to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainHint {
    pub service: ServiceArn,
    /// The domain that the event names, for the log and for nothing else.
    pub said: Option<String>,
}

/// `AppRunner Custom Domain Validation Status Update`: its detail is documented nowhere, so only the resource counts.
pub(super) fn validation(event: &Map<String, Value>, home: &Home) -> Result<DomainHint, Reason> {
    let service = own_service(first_resource(event)?, home)?;
    let said = event.get("detail").and_then(Value::as_object).and_then(|detail| text(detail, &["domainname"]));
    Ok(DomainHint { service, said: said.map(word) })
}

/// `AWS API Call via CloudTrail`. A refused call is a hint too, for it may have been refused for a reason that we can mend;
/// one that was refused before its parameters were read names no service, and is no hint.
pub(super) fn call(event: &Map<String, Value>, home: &Home) -> Result<Option<DomainHint>, Reason> {
    let detail = detail(event)?;
    if !text(detail, &["eventname"]).is_some_and(|name| CALLS.contains(&name)) {
        return Err(Reason::UnknownShape);
    }
    let parameters = member(detail, &["requestparameters"]).and_then(Value::as_object);
    let Some(arn) = parameters.and_then(|parameters| text(parameters, &["servicearn"])) else {
        let refused = member(detail, &["errorcode"]).is_some_and(Value::is_string);
        return if refused { Ok(None) } else { Err(Reason::UnknownShape) };
    };
    let said = parameters.and_then(|parameters| text(parameters, &["domainname"])).map(word);
    Ok(Some(DomainHint { service: own_service(arn, home)?, said }))
}
