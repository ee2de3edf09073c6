//! Security Hub: findings that a product of the account's own imports, and reads again.
//!
//! It owns the hub and its findings. It judges no resource itself, knows no standard and no other product than the
//! account's default one, and never lets one account write findings of another. A hub is off until somebody enables it.
//!
//! Reading order: [`finding`] (what is taken, and what the service adds), [`filter`] (what a query may ask).

mod filter;
mod finding;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Caller, Ctx, Need, Place, Service};
use crate::effect::Effect;
use crate::shape::{flag, integer, items, page, text, unknown_operation};
use crate::sts::assumed_role_arn;

/// Findings of a page where the call does not say: not documented, so the most that a call may ask for.
const PAGE_DEFAULT: i64 = 100;
/// Bytes of all findings of one call (partner guide).
const BATCH_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The hub of the account in the region.
#[derive(Clone, Debug)]
struct Hub {
    subscribed_at: Timestamp,
    auto_enable_controls: bool,
    generator: String,
}

/// The emulated service.
#[derive(Debug, Default)]
pub struct SecurityHub {
    hub: Option<Hub>,
    /// By id: there is one product.
    findings: BTreeMap<String, Value>,
}

/// A refusal; the service says its code in the body too.
fn refusal(code: &str, message: impl Into<String>) -> ApiError {
    let fields = json!({ "Code": code }).as_object().cloned().unwrap_or_default();
    ApiError { fields, ..ApiError::client(code, message) }
}

fn hub_arn(place: &Place) -> String {
    format!("arn:{}:securityhub:{}:{}:hub/default", place.partition, place.region, place.account)
}

/// The product that every account has for findings of its own.
fn product_arn(place: &Place) -> String {
    let Place { partition, region, account } = place;
    format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default")
}

/// The event of a finding that was imported or updated.
fn told(place: &Place, id: &str, finding: &Value) -> Effect {
    Effect::Event {
        source: "aws.securityhub".to_owned(),
        detail_type: "Security Hub Findings - Imported".to_owned(),
        resources: vec![format!("{}/{id}", product_arn(place))],
        detail: json!({ "findings": [finding] }),
    }
}

/// The caller as a refusal names it.
fn caller_arn(place: &Place, caller: &Caller) -> String {
    match caller {
        Caller::Role { role_arn, actor } => assumed_role_arn(place, role_arn, actor),
        _ => format!("arn:{}:iam::{}:user/operator", place.partition, place.account),
    }
}

impl SecurityHub {
    pub fn new() -> Self {
        Self::default()
    }

    fn hub(&self, place: &Place) -> Result<&Hub, ApiError> {
        let off = || {
            let message = format!("Account {} is not subscribed to AWS Security Hub", place.account);
            refusal("InvalidAccessException", message)
        };
        self.hub.as_ref().ok_or_else(off)
    }

    fn enable(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        if self.hub.is_some() {
            return Err(refusal("ResourceConflictException", "Account is already subscribed to Security Hub"));
        }
        let standards =
            call.input.get("EnableDefaultStandards").is_none_or(|_| flag(&call.input, "EnableDefaultStandards"));
        self.hub = Some(Hub {
            subscribed_at: ctx.now,
            auto_enable_controls: standards,
            generator: text(&call.input, "ControlFindingGenerator").unwrap_or("SECURITY_CONTROL").to_owned(),
        });
        Ok(json!({}))
    }

    /// Findings are gone with the hub.
    fn disable(&mut self, ctx: &Ctx<'_>) -> Answer {
        self.hub(ctx.place)?;
        *self = Self::default();
        Ok(json!({}))
    }

    fn describe(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let hub = self.hub(ctx.place)?;
        let arn = hub_arn(ctx.place);
        if let Some(other) = text(&call.input, "HubArn").filter(|asked| *asked != arn) {
            return Err(refusal("ResourceNotFoundException", format!("Hub {other} is not found")));
        }
        Ok(json!({
            "HubArn": arn, "SubscribedAt": finding::iso(hub.subscribed_at),
            "AutoEnableControls": hub.auto_enable_controls, "ControlFindingGenerator": hub.generator,
        }))
    }

    /// A finding of another account or product is nobody's to import here. The service refuses the whole call, as it would
    /// refuse a caller without the permission (reports of users: prowler 711 and 867).
    fn check_origin(ctx: &Ctx<'_>, call: &Call) -> Result<(), ApiError> {
        let own = product_arn(ctx.place);
        for finding in items(&call.input, "Findings") {
            let product = text(finding, "ProductArn").unwrap_or_default();
            if product != own || text(finding, "AwsAccountId") != Some(ctx.place.account.as_str()) {
                let message = format!(
                    "User: {} is not authorized to perform: securityhub:BatchImportFindings on resource: {product}",
                    caller_arn(ctx.place, &call.caller)
                );
                return Err(ApiError { status: 403, ..ApiError::client("AccessDeniedException", message) });
            }
        }
        Ok(())
    }

    fn import(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        self.hub(ctx.place)?;
        Self::check_origin(ctx, call)?;
        if call.input["Findings"].to_string().len() > BATCH_BYTES_MAX {
            return Err(refusal("InvalidInputException", "The batch of findings is larger than 6 MB"));
        }
        let (mut imported, mut failed) = (0, Vec::new());
        for finding in items(&call.input, "Findings") {
            match finding::check(finding) {
                Ok(()) => {
                    imported += 1;
                    self.take(ctx, finding);
                }
                Err(message) => {
                    failed.push(json!({"Id": finding["Id"], "ErrorCode": "InvalidInput", "ErrorMessage": message}));
                }
            }
        }
        Ok(json!({"FailedCount": failed.len(), "SuccessCount": imported, "FailedFindings": failed}))
    }

    /// Makes or updates a finding. An update that is not later than what is there changes nothing (user guide,
    /// "Determining whether to create or update a finding").
    fn take(&mut self, ctx: &mut Ctx<'_>, given: &Value) {
        let id = text(given, "Id").unwrap_or_default();
        let before = self.findings.get(id);
        if before.is_some_and(|before| !finding::is_later(given, before)) {
            return;
        }
        let whole = finding::completed(ctx.place, ctx.now, given, before);
        ctx.effects.push(told(ctx.place, id, &whole));
        self.findings.insert(id.to_owned(), whole);
    }

    /// What those who work on findings say of them. `UpdatedAt` stays: it is the provider's (API reference).
    fn update(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        self.hub(ctx.place)?;
        let members = ["FindingIdentifiers", "Workflow", "Note", "VerificationState", "UserDefinedFields"];
        if let Some(other) =
            call.input.as_object().into_iter().flatten().find(|(key, _)| !members.contains(&key.as_str()))
        {
            return Err(refusal("InvalidInputException", format!("{} is not modelled here", other.0)));
        }
        let (mut processed, mut unprocessed) = (Vec::new(), Vec::new());
        for identifier in items(&call.input, "FindingIdentifiers") {
            let ours = text(identifier, "ProductArn") == Some(product_arn(ctx.place).as_str());
            let id = text(identifier, "Id").filter(|_| ours).unwrap_or_default();
            let Some(found) = self.findings.get_mut(id) else {
                unprocessed.push(json!({
                    "FindingIdentifier": identifier, "ErrorCode": "FindingNotFound", "ErrorMessage": "Finding Not Found",
                }));
                continue;
            };
            for member in members.into_iter().skip(1) {
                if let Some(given) = call.input.get(member) {
                    found[member] = given.clone();
                }
            }
            if call.input.get("Note").is_some() {
                found["Note"]["UpdatedAt"] = json!(finding::iso(ctx.now));
            }
            processed.push(identifier.clone());
            ctx.effects.push(told(ctx.place, id, found));
        }
        Ok(json!({"ProcessedFindings": processed, "UnprocessedFindings": unprocessed}))
    }

    fn find(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        self.hub(ctx.place)?;
        let filters = filter::parse(&call.input["Filters"])?;
        let order = filter::order(&call.input)?;
        let mut rows: Vec<(String, Value)> = Vec::new();
        for (id, finding) in &self.findings {
            if filters.iter().all(|filter| filter.admits(finding)) {
                rows.push((format!("{}\u{1f}{id}", order.key(finding)), finding.clone()));
            }
        }
        rows.sort_by(|a, b| if order.descending { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
        let size = usize::try_from(integer(&call.input, "MaxResults").unwrap_or(PAGE_DEFAULT)).unwrap_or(1);
        let (list, next) = page(rows, text(&call.input, "NextToken"), size, order.descending)
            .map_err(|error| refusal("InvalidInputException", format!("NextToken: {error}")))?;
        let mut answer = json!({ "Findings": list });
        if let Some(token) = next {
            answer["NextToken"] = json!(token);
        }
        Ok(answer)
    }
}

impl Service for SecurityHub {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "EnableSecurityHub" => self.enable(ctx, call),
            "DisableSecurityHub" => self.disable(ctx),
            "DescribeHub" => self.describe(ctx, call),
            "BatchImportFindings" => self.import(ctx, call),
            "BatchUpdateFindings" => self.update(ctx, call),
            "GetFindings" => self.find(ctx, call),
            _ => Err(unknown_operation(call)),
        }
    }

    /// An import needs each product that it imports for; all else needs the hub (service authorization reference).
    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let action = format!("securityhub:{}", call.operation);
        if call.operation != "BatchImportFindings" {
            return vec![Need::new(action, hub_arn(place))];
        }
        let mut needs: Vec<Need> = Vec::new();
        for finding in items(&call.input, "Findings") {
            let account = text(finding, "AwsAccountId").unwrap_or_default().to_owned();
            let conditions = vec![("securityhub:TargetAccount".to_owned(), vec![account])];
            let need = Need { conditions, ..Need::new(&action, text(finding, "ProductArn").unwrap_or("*")) };
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
        needs
    }
}
