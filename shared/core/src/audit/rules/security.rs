//! Security: secrets in the open, roles that can too much or cannot be assumed, keys, firewalls, old runtimes.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `security-secret-in-environment` | a plain variable that looks like a secret | high; by its name alone medium, by its randomness alone low |
//! | `security-secret-in-tag` | a tag whose value has the form of a secret | high |
//! | `security-no-instance-role` | no instance role, where something needs one | low; with secrets high, with keys in variables medium |
//! | `security-instance-admin` | an instance role that can do everything | high |
//! | `security-instance-trust` | an instance role that others may assume too | medium |
//! | `security-instance-untrusted` | an instance role that App Runner may not assume | high |
//! | `security-role-gone` | a role that IAM does not know | high |
//! | `security-access-wide` | an access role that can do more than read images | medium |
//! | `security-access-untrusted` | an access role that App Runner may not assume | high |
//! | `security-access-denied` | an access role that does not allow what pulls an image | high |
//! | `security-secrets-denied` | secrets, and an instance role that does not allow to read them | high |
//! | `security-no-customer-key` | no customer key, where the house asks for one | medium |
//! | `security-no-firewall` | a public service without a web ACL, where the house asks for one | medium |
//! | `security-runtime-ended` | a managed runtime that is supported no more | high |
//!
//! An instance role is optional: code that calls nothing of AWS needs none. It matters where App Runner fetches
//! secrets with it,
//! where traces are sent with it, and where keys in variables stand in for it.

mod denied;
mod roles;
mod service;

use super::super::{Check, Grade, Group, Rule};
use super::subject::guide;

/// Who runs the instances.
const TASKS: &str = "tasks.apprunner.amazonaws.com";
/// Who pulls the images.
const BUILD: &str = "build.apprunner.amazonaws.com";

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Group::Security,
        "security-secret-in-environment",
        Grade::High,
        "A plain environment variable looks like a secret",
        "Everybody who may describe the service reads it, and it stands in every template and log that shows the \
         service.",
        guide("Referencing environment variables"),
        Check::Service(service::secret_in_environment),
    ),
    Rule::new(
        Group::Security,
        "security-secret-in-tag",
        Grade::High,
        "A tag holds a secret",
        "Whoever may list resources reads tags, and they stand in bills and logs.",
        guide("Data protection in App Runner"),
        Check::Service(service::secret_in_tag),
    ),
    Rule::new(
        Group::Security,
        "security-no-instance-role",
        Grade::Low,
        "A service that needs an instance role has none",
        "Without it nothing of AWS can be called but with keys that somebody must keep and change.",
        guide("Instance role"),
        Check::Service(roles::no_instance_role),
    ),
    Rule::new(
        Group::Security,
        "security-instance-admin",
        Grade::High,
        "An instance role can do everything in the account",
        "Whoever finds a hole in the application owns the account.",
        guide("Implement least privilege access"),
        Check::Service(roles::instance_admin),
    ),
    Rule::new(
        Group::Security,
        "security-instance-trust",
        Grade::Medium,
        "An instance role can be assumed by others than App Runner",
        "What it may do, others may do too, and nobody sees from the service who did.",
        guide("Trust policy for an instance role"),
        Check::Service(roles::instance_trust),
    ),
    Rule::new(
        Group::Security,
        "security-instance-untrusted",
        Grade::High,
        "App Runner may not assume an instance role",
        "The next deployment fails: App Runner cannot start instances with it.",
        guide("Trust policy for an instance role"),
        Check::Service(roles::instance_untrusted),
    ),
    Rule::new(
        Group::Security,
        "security-role-gone",
        Grade::High,
        "A service names a role that does not exist",
        "The next deployment fails, and what the application does with the role fails now.",
        guide("Service roles"),
        Check::Service(roles::gone),
    ),
    Rule::new(
        Group::Security,
        "security-access-wide",
        Grade::Medium,
        "An access role can do more than read images",
        "App Runner needs five reading actions of ECR; the rest helps only somebody who takes the role over.",
        guide("Access role"),
        Check::Service(roles::access_wide),
    ),
    Rule::new(
        Group::Security,
        "security-access-untrusted",
        Grade::High,
        "App Runner may not assume an access role",
        "The next deployment fails: App Runner cannot pull the image.",
        guide("Trust policy for an access role"),
        Check::Service(roles::access_untrusted),
    ),
    Rule::new(
        Group::Security,
        "security-access-denied",
        Grade::High,
        "An access role may not pull the image",
        "The next deployment fails. What serves now was pulled when the role still could.",
        guide("Access role"),
        Check::Service(denied::access),
    ),
    Rule::new(
        Group::Security,
        "security-secrets-denied",
        Grade::High,
        "An instance role may not read the secrets of its service",
        "App Runner reads them at each deployment: the next one fails.",
        guide("Instance role"),
        Check::Service(denied::secrets),
    ),
    Rule::new(
        Group::Security,
        "security-no-customer-key",
        Grade::Medium,
        "A service is not encrypted with a customer key",
        "The house asks for one; with a key of AWS nobody here can take it back or see its use.",
        guide("Encryption at rest and key management"),
        Check::Service(service::no_customer_key),
    ),
    Rule::new(
        Group::Security,
        "security-no-firewall",
        Grade::Medium,
        "A public service has no firewall",
        "Every request from the internet reaches the application.",
        guide("Associating an AWS WAF web ACL with your service"),
        Check::Service(service::no_firewall),
    ),
    Rule::new(
        Group::Security,
        "security-runtime-ended",
        Grade::High,
        "A managed runtime is supported no more",
        "Security updates of the language and its packages do not reach it any more.",
        guide("App Runner managed platforms"),
        Check::Service(service::runtime_ended),
    ),
];
