//! STS: who a caller is, and keys for a role.
//!
//! It keeps nothing. Keys that `AssumeRole` gives are answered only; who later calls with them is the gateway's to remember.
//! Whether the role's trust policy lets the caller in is the gateway's policy check: here the call's need is the role itself.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Caller, Ctx, Need, Place, Service};

/// How long keys live where the call does not say, and how long they may, in seconds.
const DURATION_SECS: i64 = 3600;
const DURATION_SECS_MIN: i64 = 900;
const DURATION_SECS_MAX: i64 = 43_200;

/// The emulated service.
#[derive(Debug, Default)]
pub struct Sts;

impl Sts {
    pub fn new() -> Self {
        Self
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

/// The id that AWS gives a role: stable for a name, 21 characters that begin with `AROA`.
fn role_id(name: &str) -> String {
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
    format!("AROA{tail}")
}

/// The ARN of a role while somebody acts in it.
pub fn assumed_role_arn(place: &Place, role_arn: &str, session: &str) -> String {
    let name = role_name(role_arn).unwrap_or(role_arn);
    format!("arn:{}:sts::{}:assumed-role/{name}/{session}", place.partition, place.account)
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
            "Account": place.account,
            "Arn": assumed_role_arn(place, role_arn, actor),
        }),
        Caller::Aws(service) => json!({"UserId": service, "Account": place.account, "Arn": service}),
    }
}

fn assume_role(ctx: &mut Ctx<'_>, call: &Call) -> Answer {
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

impl Service for Sts {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "GetCallerIdentity" => Ok(identity(ctx.place, &call.caller)),
            "AssumeRole" => assume_role(ctx, call),
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
}
