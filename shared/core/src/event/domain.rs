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

/// `AWS API Call via CloudTrail`. A refused call is a hint as any other, for it may have been refused for a reason that we can
/// mend. The service stands in the request or, where that is hidden, in the answer; a call that names none is kept as unknown.
pub(super) fn call(event: &Map<String, Value>, home: &Home) -> Result<DomainHint, Reason> {
    let detail = detail(event)?;
    if !text(detail, &["eventname"]).is_some_and(|name| CALLS.contains(&name)) {
        return Err(Reason::UnknownShape);
    }
    let request = part(detail, "requestparameters");
    let answer = part(detail, "responseelements");
    // `DeleteService` answers with the service as a whole.
    let deleted = answer.and_then(|answer| part(answer, "service"));
    let places = [request, answer, deleted];
    let arn = places.into_iter().flatten().find_map(|place| text(place, &["servicearn"]));
    let said = request.and_then(|request| text(request, &["domainname"])).map(word);
    Ok(DomainHint { service: own_service(arn.ok_or(Reason::UnknownShape)?, home)?, said })
}

fn part<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    member(object, &[name])?.as_object()
}
