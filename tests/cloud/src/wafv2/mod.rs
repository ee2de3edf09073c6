//! AWS WAF (v2): web ACLs, and which App Runner services have one, as an audit reads them.
//!
//! It owns web ACLs and associations. It inspects no request and judges no rule: rules are kept as they were given, and no
//! capacity is computed from them. Whether an App Runner service exists is App Runner's to know; here an ARN of the right form is
//! enough.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::shape::{copy, integer, listing, page, text, unknown_operation};

/// Rows of a page where the call does not say: not documented, so the most that a call may ask for.
const PAGE_DEFAULT: i64 = 100;

/// What an ACL keeps of the call that made it.
const KEPT: [&str; 11] = [
    "Name",
    "Description",
    "DefaultAction",
    "VisibilityConfig",
    "DataProtectionConfig",
    "CustomResponseBodies",
    "CaptchaConfig",
    "ChallengeConfig",
    "TokenDomains",
    "AssociationConfig",
    "OnSourceDDoSProtectionConfig",
];

#[derive(Clone, Debug)]
struct Acl {
    name: String,
    id: String,
    scope: String,
    lock_token: String,
    /// As `GetWebACL` shows it.
    shown: Map<String, Value>,
}

impl Acl {
    fn summary(&self, arn: &str) -> Value {
        let mut row = json!({"Name": self.name, "Id": self.id, "ARN": arn, "LockToken": self.lock_token});
        if let Some(description) = self.shown.get("Description") {
            row["Description"] = description.clone();
        }
        row
    }
}

/// The emulated service.
#[derive(Debug, Default)]
pub struct Wafv2 {
    /// By ARN.
    acls: BTreeMap<String, Acl>,
    /// The ARN of its ACL, by the resource's ARN: a resource has one ACL at most.
    associations: BTreeMap<String, String>,
}

fn nonexistent() -> ApiError {
    ApiError::client(
        "WAFNonexistentItemException",
        "AWS WAF couldn’t perform the operation because your resource doesn’t exist.",
    )
}

/// A refused parameter, with the members in which the service says the same again.
fn invalid(field: &str, parameter: &str, reason: &str) -> ApiError {
    let message = format!("Error reason: {reason}, field: {field}, parameter: {parameter}");
    let fields = json!({"Field": field, "Parameter": parameter, "Reason": reason});
    let fields = fields.as_object().cloned().unwrap_or_default();
    ApiError { fields, ..ApiError::client("WAFInvalidParameterException", message) }
}

fn bad_arn(arn: &str) -> ApiError {
    let reason = "The ARN isn't valid. A valid ARN begins with arn: and includes other information separated by colons or slashes.";
    invalid("RESOURCE_ARN", arn, reason)
}

/// The ARN of an App Runner service of this account and region.
fn checked_resource<'a>(place: &Place, arn: &'a str) -> Result<&'a str, ApiError> {
    let prefix = format!("arn:{}:apprunner:{}:{}:service/", place.partition, place.region, place.account);
    let path = arn.strip_prefix(&prefix).ok_or_else(|| bad_arn(arn))?;
    let whole = path.split_once('/').is_some_and(|(name, id)| !name.is_empty() && id.len() == 32);
    if whole { Ok(arn) } else { Err(bad_arn(arn)) }
}

/// CloudFront's ACLs live in one region.
fn check_scope(place: &Place, scope: &str) -> Result<(), ApiError> {
    if scope == "CLOUDFRONT" && place.region != "us-east-1" {
        return Err(invalid("SCOPE_VALUE", scope, "The scope is not valid."));
    }
    Ok(())
}

impl Wafv2 {
    pub fn new() -> Self {
        Self::default()
    }

    fn create(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        let (name, scope) = (call.text("Name"), call.text("Scope"));
        check_scope(ctx.place, scope)?;
        if self.acls.values().any(|acl| acl.name == name && acl.scope == scope) {
            return Err(ApiError::client(
                "WAFDuplicateItemException",
                "AWS WAF couldn’t perform the operation because some resource in your request is a duplicate of an existing one.",
            ));
        }
        let id = ctx.ids.uuid();
        let Place { partition, region, account } = ctx.place;
        let reach = if scope == "CLOUDFRONT" { "global" } else { "regional" };
        let arn = format!("arn:{partition}:wafv2:{region}:{account}:{reach}/webacl/{name}/{id}");
        let mut shown = copy(&call.input, &KEPT);
        let own = json!({
            "Id": id, "ARN": arn, "Rules": call.input.get("Rules").cloned().unwrap_or_else(|| json!([])),
            "ManagedByFirewallManager": false, "LabelNamespace": format!("awswaf:{account}:webacl:{name}:"),
        });
        shown.extend(own.as_object().cloned().unwrap_or_default());
        let acl = Acl { name: name.to_owned(), id, scope: scope.to_owned(), lock_token: ctx.ids.uuid(), shown };
        let summary = acl.summary(&arn);
        self.acls.insert(arn, acl);
        Ok(json!({ "Summary": summary }))
    }

    /// The ACL that a call names, by ARN or by name, scope and id.
    fn named(&self, place: &Place, call: &Call) -> Result<(&String, &Acl), ApiError> {
        if let Some(arn) = text(&call.input, "ARN") {
            return self.acls.get_key_value(arn).ok_or_else(nonexistent);
        }
        check_scope(place, call.text("Scope"))?;
        let same =
            |acl: &Acl| acl.name == call.text("Name") && acl.scope == call.text("Scope") && acl.id == call.text("Id");
        self.acls.iter().find(|(_, acl)| same(acl)).ok_or_else(nonexistent)
    }

    fn get(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let (_, acl) = self.named(ctx.place, call)?;
        Ok(json!({"WebACL": acl.shown, "LockToken": acl.lock_token}))
    }

    fn list(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let scope = call.text("Scope");
        check_scope(ctx.place, scope)?;
        let rows = self.acls.iter().filter(|(_, acl)| acl.scope == scope);
        let rows = rows.map(|(arn, acl)| (arn.clone(), acl.summary(arn))).collect();
        let size = usize::try_from(integer(&call.input, "Limit").unwrap_or(PAGE_DEFAULT)).unwrap_or(1);
        let token = text(&call.input, "NextMarker");
        let (rows, next) = page(rows, token, size, false)
            .map_err(|_| invalid("NEXT_MARKER", token.unwrap_or_default(), "The next marker is not valid."))?;
        Ok(listing("WebACLs", rows, "NextMarker", next))
    }

    fn delete(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let (arn, acl) = self.named(ctx.place, call)?;
        if acl.lock_token != call.text("LockToken") {
            return Err(ApiError::client(
                "WAFOptimisticLockException",
                "AWS WAF couldn’t save your changes because someone changed the resource after you started to edit it. Reapply \
                 your changes.",
            ));
        }
        if self.associations.values().any(|used| used == arn) {
            return Err(ApiError::client(
                "WAFAssociatedItemException",
                "AWS WAF couldn’t perform the operation because your resource is being used by another resource or it’s \
                 associated with another resource.",
            ));
        }
        let arn = arn.clone();
        self.acls.remove(&arn);
        Ok(json!({}))
    }

    fn associate(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let acl = call.text("WebACLArn");
        let resource = checked_resource(ctx.place, call.text("ResourceArn"))?;
        let known = self.acls.get(acl).ok_or_else(nonexistent)?;
        if known.scope != "REGIONAL" {
            return Err(bad_arn(acl));
        }
        self.associations.insert(resource.to_owned(), acl.to_owned());
        Ok(json!({}))
    }

    fn disassociate(&mut self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        self.associations.remove(checked_resource(ctx.place, call.text("ResourceArn"))?);
        Ok(json!({}))
    }

    /// A resource without an ACL is answered with nothing, and not with an error.
    fn of_resource(&self, ctx: &Ctx<'_>, call: &Call) -> Answer {
        let resource = checked_resource(ctx.place, call.text("ResourceArn"))?;
        let acl = self.associations.get(resource).and_then(|arn| self.acls.get(arn));
        Ok(acl.map_or_else(|| json!({}), |acl| json!({ "WebACL": acl.shown })))
    }

    /// Whoever does not say which kind of resource is asked about load balancers (API reference), and there are none.
    fn resources(&self, call: &Call) -> Answer {
        let acl = call.text("WebACLArn");
        if acl.contains(":global/webacl/") {
            return Err(bad_arn(acl));
        }
        if !self.acls.contains_key(acl) {
            return Err(nonexistent());
        }
        let asked = text(&call.input, "ResourceType").unwrap_or("APPLICATION_LOAD_BALANCER");
        let wanted = self.associations.iter().filter(|(_, used)| asked == "APP_RUNNER_SERVICE" && *used == acl);
        Ok(json!({"ResourceArns": wanted.map(|(resource, _)| resource).collect::<Vec<_>>()}))
    }

    fn acl_of(&self, resource: &str) -> Option<&String> {
        self.associations.get(resource)
    }
}

impl Service for Wafv2 {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "CreateWebACL" => self.create(ctx, call),
            "GetWebACL" => self.get(ctx, call),
            "ListWebACLs" => self.list(ctx, call),
            "DeleteWebACL" => self.delete(ctx, call),
            "AssociateWebACL" => self.associate(ctx, call),
            "DisassociateWebACL" => self.disassociate(ctx, call),
            "GetWebACLForResource" => self.of_resource(ctx, call),
            "ListResourcesForWebACL" => self.resources(call),
            _ => Err(unknown_operation(call)),
        }
    }

    /// An association concerns the ACL, the service and App Runner itself: each has a say (App Runner guide, "Associating an AWS
    /// WAF web ACL with your service", Permissions).
    fn needs(&self, place: &Place, call: &Call) -> Vec<Need> {
        let action = format!("wafv2:{}", call.operation);
        let (acl, resource) = (call.text("WebACLArn"), call.text("ResourceArn"));
        let Place { partition, region, account } = place;
        let service = |action: &str, arn: &str| Need::new(format!("apprunner:{action}"), arn);
        match call.operation.as_str() {
            "AssociateWebACL" => vec![
                Need::new(&action, acl),
                Need::new(&action, resource),
                service("AssociateWebAcl", resource),
                service("AssociateWebAcl", acl),
            ],
            "DisassociateWebACL" => vec![Need::new(&action, resource), service("DisassociateWebAcl", resource)],
            "GetWebACLForResource" => {
                let mut needs = vec![Need::new(&action, resource), service("DescribeWebAclForService", resource)];
                needs.extend(self.acl_of(resource).map(|acl| Need::new(&action, acl)));
                needs
            }
            "ListResourcesForWebACL" => {
                let mut needs = vec![Need::new(&action, acl)];
                if call.text("ResourceType") == "APP_RUNNER_SERVICE" {
                    needs.push(service("ListAssociatedServicesForWebAcl", acl));
                }
                needs
            }
            "CreateWebACL" => {
                let any = format!("arn:{partition}:wafv2:{region}:{account}:regional/webacl/{}/*", call.text("Name"));
                vec![Need::new(action, any)]
            }
            "GetWebACL" | "DeleteWebACL" => {
                let found = self.named(place, call).map_or_else(
                    |_| format!("arn:{partition}:wafv2:{region}:{account}:regional/webacl/{}/*", call.text("Name")),
                    |(arn, _)| arn.clone(),
                );
                vec![Need::new(action, found)]
            }
            _ => vec![Need::new(action, "*")],
        }
    }
}
