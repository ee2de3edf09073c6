//! STS: who a caller is, and keys for a role, of this account or of another one.
//!
//! It owns which principals each role trusts (`_Trust`), and refuses whoever is not trusted or brings the wrong external id.
//! Keys that `AssumeRole` gives are answered only; who later calls with them is the gateway's to remember. That the caller's
//! own policies allow the call is the gateway's check: here the call's need is the role itself.
//!
//! | Internal operation | Input | What it does |
//! |---|---|---|
//! | `_Trust` | `RoleArn`, `Principal`, `ExternalId`? | the role trusts the principal: `*`, an account, its root, a role or a user |
//! | `_Distrust` | `RoleArn` | the role trusts nobody any more |

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Caller, Ctx, Need, Place, Service};
use crate::shape::text;

/// How long keys live where the call does not say, and how long they may, in seconds.
const DURATION_SECS: i64 = 3600;
const DURATION_SECS_MIN: i64 = 900;
const DURATION_SECS_MAX: i64 = 43_200;

/// One statement of a role's trust policy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trust {
    principal: String,
    external_id: Option<String>,
}

impl Trust {
    /// Whether it lets this principal in: by name, by its account, or as anybody.
    fn admits(&self, principal: &str, external_id: Option<&str>) -> bool {
        let account = account_in(principal).unwrap_or_default();
        let is_account = self.principal == account
            || (account_in(&self.principal) == Some(account) && self.principal.ends_with(":root"));
        let is_principal = self.principal == "*" || self.principal == principal || is_account;
        is_principal && (self.external_id.is_none() || self.external_id.as_deref() == external_id)
    }
}

/// The emulated service.
#[derive(Debug, Default)]
pub struct Sts {
    /// By the role's ARN.
    trusts: BTreeMap<String, Vec<Trust>>,
}

impl Sts {
    pub fn new() -> Self {
        Self::default()
    }
}

/// The account in an IAM ARN.
fn account_in(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// The ARN by which policies know a caller; none for AWS itself, whom nobody has to trust.
fn principal(place: &Place, caller: &Caller) -> Option<String> {
    match caller {
        Caller::Operator => Some(format!("arn:{}:iam::{}:user/operator", place.partition, place.account)),
        Caller::Role { role_arn, .. } => Some(role_arn.clone()),
        Caller::Aws(_) => None,
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationError", message)
}

/// The name of the role at the end of a role's ARN; none where it is no role's ARN.
fn role_name(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, "iam", "", account, resource] = parts.as_slice() else { return None };
    let digits = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
    (digits && !name.is_empty()).then_some(name)
}

/// The id that AWS gives a role.
pub fn role_id(name: &str) -> String {
    entity_id("AROA", name)
}

/// An id of IAM's: stable for a name, 21 characters that begin with the prefix of the entity's kind.
pub fn entity_id(prefix: &str, name: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut state = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let tail: String = (0..17)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(LETTERS[(state >> 59) as usize])
        })
        .collect();
    format!("{prefix}{tail}")
}

/// The account that a role is of: the one in its ARN.
pub fn account_of_role<'a>(place: &'a Place, role_arn: &'a str) -> &'a str {
    account_in(role_arn).unwrap_or(&place.account)
}

/// The ARN of a role while somebody acts in it.
pub fn assumed_role_arn(place: &Place, role_arn: &str, session: &str) -> String {
    let name = role_name(role_arn).unwrap_or(role_arn);
    format!("arn:{}:sts::{}:assumed-role/{name}/{session}", place.partition, account_of_role(place, role_arn))
}

fn identity(place: &Place, caller: &Caller) -> Value {
    match caller {
        Caller::Operator => json!({
            "UserId": "AIDAOPERATOROFTHISCLD",
            "Account": place.account,
            "Arn": format!("arn:{}:iam::{}:user/operator", place.partition, place.account),
        }),
        Caller::Role { role_arn, actor } => json!({
            "UserId": format!("{}:{actor}", role_id(role_name(role_arn).unwrap_or(role_arn))),
            "Account": account_of_role(place, role_arn),
            "Arn": assumed_role_arn(place, role_arn, actor),
        }),
        Caller::Aws(service) => json!({"UserId": service, "Account": place.account, "Arn": service}),
    }
}

/// Whether the role lets the caller in. AWS words both refusals alike, so that nobody learns which roles there are.
fn check_trust(trusts: &BTreeMap<String, Vec<Trust>>, place: &Place, call: &Call) -> Result<(), ApiError> {
    let Some(principal) = principal(place, &call.caller) else { return Ok(()) };
    let role = call.text("RoleArn");
    let external_id = text(&call.input, "ExternalId");
    if trusts.get(role).is_some_and(|trusts| trusts.iter().any(|trust| trust.admits(&principal, external_id))) {
        return Ok(());
    }
    let who = identity(place, &call.caller)["Arn"].as_str().unwrap_or_default().to_owned();
    let message = format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {role}");
    Err(ApiError { status: 403, ..ApiError::client("AccessDenied", message) })
}

fn assume_role(trusts: &BTreeMap<String, Vec<Trust>>, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
    let (arn, session) = (call.text("RoleArn"), call.text("RoleSessionName"));
    let name = role_name(arn).ok_or_else(|| invalid(format!("{arn} is invalid")))?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&session.len()) || !session.chars().all(fits) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{session}' at 'roleSessionName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\w+=,.@-]{{2,64}}"
        )));
    }
    let seconds = call.input["DurationSeconds"].as_i64().unwrap_or(DURATION_SECS);
    if !(DURATION_SECS_MIN..=DURATION_SECS_MAX).contains(&seconds) {
        return Err(invalid(format!(
            "The requested DurationSeconds must lie between {DURATION_SECS_MIN} and {DURATION_SECS_MAX}"
        )));
    }
    check_trust(trusts, ctx.place, call)?;
    let expires =
        ctx.now.checked_add(SignedDuration::from_secs(seconds)).map_err(|error| invalid(error.to_string()))?;
    let key = format!("ASIA{}", ctx.ids.label(16).to_uppercase());
    Ok(json!({
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": ctx.ids.label(40),
            "SessionToken": ctx.ids.label(120),
            "Expiration": expires.as_second(),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{}:{session}", role_id(name)),
            "Arn": assumed_role_arn(ctx.place, arn, session),
        },
    }))
}

impl Sts {
    fn trust(&mut self, call: &Call) -> Answer {
        let (role, principal) = (call.text("RoleArn"), call.text("Principal"));
        if role_name(role).is_none() || principal.is_empty() {
            return Err(invalid("RoleArn must be the ARN of a role, and Principal must not be empty"));
        }
        let external_id = text(&call.input, "ExternalId").map(str::to_owned);
        let trust = Trust { principal: principal.to_owned(), external_id };
        let trusts = self.trusts.entry(role.to_owned()).or_default();
        if !trusts.contains(&trust) {
            trusts.push(trust);
        }
        Ok(json!({}))
    }
}

impl Service for Sts {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "GetCallerIdentity" => Ok(identity(ctx.place, &call.caller)),
            "AssumeRole" => assume_role(&self.trusts, ctx, call),
            "_Trust" => self.trust(call),
            "_Distrust" => {
                self.trusts.remove(call.text("RoleArn"));
                Ok(json!({}))
            }
            other => Err(ApiError::client(
                "UnknownOperationException",
                format!("the local cloud's STS does not serve {other}"),
            )),
        }
    }

    /// `GetCallerIdentity` needs nothing on AWS, not even a policy that allows it; the contract wants a row, so it names the
    /// action, and whoever checks needs must let it pass.
    fn needs(&self, _place: &Place, call: &Call) -> Vec<Need> {
        let resource = if call.operation == "AssumeRole" { call.text("RoleArn") } else { "*" };
        vec![Need::new(format!("sts:{}", call.operation), resource)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    const ROLE: &str = "arn:aws:iam::123456789012:role/service/rollback";

    #[test]
    fn a_caller_is_told_who_it_is() {
        let mut rig = Rig::new(Sts::new());
        assert_eq!(rig.ok("GetCallerIdentity", json!({}))["Arn"], "arn:aws:iam::123456789012:user/operator");
        rig.caller = Caller::Role { role_arn: ROLE.to_owned(), actor: "rollback-fn".to_owned() };
        let shown = rig.ok("GetCallerIdentity", json!({}));
        assert_eq!(shown["Arn"], "arn:aws:sts::123456789012:assumed-role/rollback/rollback-fn");
        assert_eq!(shown["Account"], "123456789012");
        let id = shown["UserId"].as_str().unwrap();
        assert!(id.starts_with("AROA") && id.find(':') == Some(21), "{id}");
    }

    #[test]
    fn a_role_gives_new_keys_each_time() {
        let mut rig = Rig::new(Sts::new());
        rig.ok("_Trust", json!({"RoleArn": ROLE, "Principal": "123456789012"}));
        let input = json!({"RoleArn": ROLE, "RoleSessionName": "me", "DurationSeconds": 900});
        let first = rig.ok("AssumeRole", input.clone());
        let second = rig.ok("AssumeRole", input.clone());
        assert_ne!(first["Credentials"]["AccessKeyId"], second["Credentials"]["AccessKeyId"]);
        let key = first["Credentials"]["AccessKeyId"].as_str().unwrap();
        assert!(key.len() == 20 && key.starts_with("ASIA"), "{key}");
        assert_eq!(first["Credentials"]["Expiration"], rig.now.as_second() + 900);
        assert_eq!(first["AssumedRoleUser"]["Arn"], "arn:aws:sts::123456789012:assumed-role/rollback/me");
        assert_eq!(rig.needs("AssumeRole", input), [Need::new("sts:AssumeRole", ROLE)]);
    }

    #[test]
    fn what_is_no_role_no_session_or_no_duration_is_refused() {
        let mut rig = Rig::new(Sts::new());
        for (role, session, seconds) in [
            ("arn:aws:iam::123456789012:user/me", "me", 900),
            ("rollback", "me", 900),
            (ROLE, "m", 900),
            (ROLE, "with space", 900),
            (ROLE, "me", 899),
            (ROLE, "me", 43_201),
        ] {
            let input = json!({"RoleArn": role, "RoleSessionName": session, "DurationSeconds": seconds});
            rig.refused("AssumeRole", "ValidationError", input);
        }
    }

    const OTHER: &str = "arn:aws:iam::999988887777:role/dns/pitcrew-dns";

    fn domains() -> Caller {
        Caller::Role { role_arn: "arn:aws:iam::123456789012:role/domains".to_owned(), actor: "domains".to_owned() }
    }

    fn assume(external_id: Option<&str>) -> Value {
        let mut input = json!({"RoleArn": OTHER, "RoleSessionName": "domains"});
        if let Some(id) = external_id {
            input["ExternalId"] = json!(id);
        }
        input
    }

    #[test]
    fn a_role_that_trusts_nobody_lets_nobody_in() {
        let mut rig = Rig::new(Sts::new());
        for caller in [Caller::Operator, domains()] {
            rig.caller = caller;
            let error = rig.refused("AssumeRole", "AccessDenied", assume(None));
            assert_eq!(error.status, 403);
            assert!(error.message.ends_with(&format!("sts:AssumeRole on resource: {OTHER}")), "{}", error.message);
        }
    }

    #[test]
    fn a_role_of_another_account_wants_its_external_id() {
        let mut rig = Rig::new(Sts::new());
        let principal = "arn:aws:iam::123456789012:role/domains";
        rig.ok("_Trust", json!({"RoleArn": OTHER, "Principal": principal, "ExternalId": "pitcrew-7"}));
        rig.caller = domains();
        rig.refused("AssumeRole", "AccessDenied", assume(None));
        rig.refused("AssumeRole", "AccessDenied", assume(Some("pitcrew-8")));
        let answer = rig.ok("AssumeRole", assume(Some("pitcrew-7")));
        let arn = "arn:aws:sts::999988887777:assumed-role/pitcrew-dns/domains";
        assert_eq!(answer["AssumedRoleUser"]["Arn"], arn);
        rig.caller = Caller::Role { role_arn: OTHER.to_owned(), actor: "domains".to_owned() };
        let shown = rig.ok("GetCallerIdentity", json!({}));
        assert_eq!((&shown["Account"], &shown["Arn"]), (&json!("999988887777"), &json!(arn)));
        rig.ok("_Distrust", json!({"RoleArn": OTHER}));
        rig.caller = domains();
        rig.refused("AssumeRole", "AccessDenied", assume(Some("pitcrew-7")));
    }

    #[test]
    fn a_principal_is_trusted_by_name_by_account_or_as_anybody() {
        for (principal, wanted) in [
            ("arn:aws:iam::123456789012:role/domains", true),
            ("arn:aws:iam::123456789012:role/other", false),
            ("arn:aws:iam::123456789012:root", true),
            ("123456789012", true),
            ("arn:aws:iam::210987654321:root", false),
            ("210987654321", false),
            ("*", true),
        ] {
            let mut rig = Rig::new(Sts::new());
            rig.ok("_Trust", json!({"RoleArn": OTHER, "Principal": principal}));
            rig.caller = domains();
            assert_eq!(rig.call("AssumeRole", assume(None)).is_ok(), wanted, "{principal}");
        }
        Rig::new(Sts::new()).refused("_Trust", "ValidationError", json!({"RoleArn": "me", "Principal": "*"}));
    }
}
