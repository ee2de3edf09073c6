//! IAM, read: a role, who may assume it, and every policy that grants it something.

use aws_sdk_iam::Client;
use pitcrew_aws::error::{AwsError, Kind};
use pitcrew_core::audit::facts::{PolicyDocument, RoleFacts};
use pitcrew_core::fact::Fact;
use serde_json::Value;

use crate::cache::{Cache, Read};
use crate::fact::{lasts, settled, shared};

/// Inline or attached policies of a role. IAM allows 20 attached ones; inline ones are bounded by their size.
const PAGES_MAX: usize = 10;

/// What IAM says of a role that a service names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Seen(Fact<RoleFacts>),
    /// IAM does not know it.
    Gone,
}

/// The roles of a run; managed policies are read once for all of them.
#[derive(Default)]
pub(crate) struct Roles {
    roles: Cache<Role>,
    managed: Cache<Fact<PolicyDocument>>,
}

impl Roles {
    /// A role by its ARN. `account`: ours, whose IAM is asked.
    pub(crate) async fn get(&self, client: &Client, account: &str, arn: &str) -> Role {
        let Some((at, name)) = parts(arn) else {
            return Role::Seen(Fact::Unavailable(format!("`{arn}` is not the ARN of a role")));
        };
        if at != account {
            return Role::Seen(Fact::Unavailable(format!("the role {name} lies in the account {at}")));
        }
        // Boxed, as it is part of a service's read: six calls, one in another.
        self.roles.get(arn, Box::pin(self.read(client, arn, name))).await.value
    }

    async fn read(&self, client: &Client, arn: &str, name: &str) -> Read<Role> {
        let answer = self.role(client, arn, name).await;
        let lasting = lasts(&answer);
        match answer {
            Ok(Some(Read { value, lasting })) => Read { value: Role::Seen(value), lasting },
            Ok(None) => Read { value: Role::Gone, lasting },
            Err(error) => Read { value: Role::Seen(settled(Err(error))), lasting },
        }
    }

    async fn role(&self, client: &Client, arn: &str, name: &str) -> Result<Option<Read<Fact<RoleFacts>>>, AwsError> {
        const GET: &str = "iam:GetRole";
        let answer = match client.get_role().role_name(name).send().await.map_err(|error| AwsError::sort(GET, error)) {
            Ok(answer) => answer,
            Err(error) if error.kind == Kind::Missing => return Ok(None),
            Err(error) => return Err(error),
        };
        let role = answer.role.ok_or_else(|| AwsError::broken(GET, "the answer holds no role"))?;
        if role.arn != arn {
            // A name stands once in an account, whatever its path: what the service names is not there, and this is another role.
            return Ok(None);
        }
        let mut policies = inline(client, name).await?;
        for policy in attached(client, name).await? {
            let Read { value, lasting } = self.managed.get(&policy, managed(client, &policy)).await;
            match value {
                Fact::Known(document) => policies.push(document),
                // A role that is known in part alone would pass for one that lacks a permission.
                missing => return Ok(Some(Read { value: crate::fact::likewise(&missing), lasting })),
            }
        }
        let facts = RoleFacts {
            arn: arn.to_owned(),
            trust: document(GET, role.assume_role_policy_document.as_deref().unwrap_or_default())?,
            policies,
            boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        };
        Ok(Some(Read { value: Fact::Known(facts), lasting: true }))
    }
}

/// The account and the name in `arn:aws:iam::123456789012:role/path/NAME`.
fn parts(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (scheme, service) = (parts.next()?, parts.nth(1)?);
    let (account, resource) = (parts.nth(1)?, parts.next()?);
    let path = resource.strip_prefix("role/")?;
    (scheme == "arn" && service == "iam").then(|| (account, path.rsplit('/').next().unwrap_or(path)))
}

async fn inline(client: &Client, role: &str) -> Result<Vec<PolicyDocument>, AwsError> {
    const LIST: &str = "iam:ListRolePolicies";
    const GET: &str = "iam:GetRolePolicy";
    let mut names = Vec::new();
    let mut marker = None;
    for _ in 0..PAGES_MAX {
        let call = client.list_role_policies().role_name(role).set_marker(marker.take());
        let page = call.send().await.map_err(|error| AwsError::sort(LIST, error))?;
        names.extend(page.policy_names);
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            break;
        }
    }
    complete(LIST, marker.as_deref())?;
    let mut policies = Vec::new();
    for name in names {
        let answer = client.get_role_policy().role_name(role).policy_name(&name).send().await;
        let answer = answer.map_err(|error| AwsError::sort(GET, error))?;
        policies.push(PolicyDocument { name, document: document(GET, &answer.policy_document)? });
    }
    Ok(policies)
}

async fn attached(client: &Client, role: &str) -> Result<Vec<String>, AwsError> {
    const LIST: &str = "iam:ListAttachedRolePolicies";
    let mut arns = Vec::new();
    let mut marker = None;
    for _ in 0..PAGES_MAX {
        let call = client.list_attached_role_policies().role_name(role).set_marker(marker.take());
        let page = call.send().await.map_err(|error| AwsError::sort(LIST, error))?;
        arns.extend(page.attached_policies.unwrap_or_default().into_iter().filter_map(|policy| policy.policy_arn));
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            break;
        }
    }
    complete(LIST, marker.as_deref())?;
    Ok(arns)
}

fn complete(operation: &'static str, marker: Option<&str>) -> Result<(), AwsError> {
    match marker {
        None => Ok(()),
        Some(_) => Err(AwsError::broken(operation, format!("there are more than {PAGES_MAX} pages of policies"))),
    }
}

async fn managed(client: &Client, arn: &str) -> Read<Fact<PolicyDocument>> {
    shared(read_managed(client, arn).await)
}

async fn read_managed(client: &Client, arn: &str) -> Result<PolicyDocument, AwsError> {
    const POLICY: &str = "iam:GetPolicy";
    const VERSION: &str = "iam:GetPolicyVersion";
    let answer = client.get_policy().policy_arn(arn).send().await.map_err(|error| AwsError::sort(POLICY, error))?;
    let version = answer.policy.and_then(|policy| policy.default_version_id);
    let version = version.ok_or_else(|| AwsError::broken(POLICY, "the policy names no default version"))?;
    let answer = client.get_policy_version().policy_arn(arn).version_id(version).send().await;
    let answer = answer.map_err(|error| AwsError::sort(VERSION, error))?;
    let text = answer.policy_version.and_then(|version| version.document).unwrap_or_default();
    Ok(PolicyDocument { name: arn.to_owned(), document: document(VERSION, &text)? })
}

/// IAM writes documents URL-encoded (RFC 3986), as its API reference says of each of them.
fn document(operation: &'static str, text: &str) -> Result<Value, AwsError> {
    let wrong = |why: String| AwsError::broken(operation, format!("a policy document cannot be read: {why}"));
    let text = decoded(text).ok_or_else(|| wrong("it is not URL-encoded text".to_owned()))?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (char::from(rest.next()?).to_digit(16)?, char::from(rest.next()?).to_digit(16)?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_decoded_and_a_plus_stays_a_plus() {
        let text = "%7B%22Action%22%3A%22s3%3A%2A%22%2C%22Sid%22%3A%22a+%C3%BC%22%7D";
        assert_eq!(document("iam:GetRole", text).unwrap(), json!({"Action": "s3:*", "Sid": "a+ü"}));
        assert_eq!(document("iam:GetRole", r#"{"Action":"s3:*"}"#).unwrap(), json!({"Action": "s3:*"}));
        for wrong in ["%7", "%zz", "%ff", ""] {
            assert!(document("iam:GetRole", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_role_is_asked_for_by_its_name_behind_any_path() {
        assert_eq!(parts("arn:aws:iam::123456789012:role/apps/eu/shop"), Some(("123456789012", "shop")));
        assert_eq!(parts("arn:aws-cn:iam::123456789012:role/shop"), Some(("123456789012", "shop")));
        assert_eq!(parts("arn:aws:iam::123456789012:user/shop"), None);
        assert_eq!(parts("shop"), None);
    }

    #[tokio::test]
    async fn a_role_of_another_account_is_not_looked_up_in_ours() {
        // Nothing listens there: a call would be answered with a failure of another kind.
        let config = pitcrew_aws::connect::sdk_config_at("http://127.0.0.1:1", "eu-west-1", "AKIDEXAMPLE", "secret");
        let (roles, client) = (Roles::default(), Client::new(&config));
        let seen = roles.get(&client, "123456789012", "arn:aws:iam::210987654321:role/shop").await;
        assert_eq!(seen, Role::Seen(Fact::Unavailable("the role shop lies in the account 210987654321".to_owned())));
    }
}
