//! Security: secrets in the open, roles that can too much or cannot be assumed, keys, firewalls, old runtimes.
//!
//! | rule | finds | grade |
//! |---|---|---|
//! | `security-secret-in-environment` | a plain variable that looks like a secret | high; by its name alone medium, by its randomness alone low |
//! | `security-no-instance-role` | no instance role, where something needs one | low; with secrets high, with keys in variables medium |
//! | `security-instance-admin` | an instance role that can do everything | high |
//! | `security-instance-trust` | an instance role that others may assume too | medium |
//! | `security-instance-untrusted` | an instance role that App Runner may not assume | high |
//! | `security-role-gone` | a role that IAM does not know | high |
//! | `security-access-wide` | an access role that can do more than read images | medium |
//! | `security-access-untrusted` | an access role that App Runner may not assume | high |
//! | `security-no-customer-key` | no customer key, where the house asks for one | medium |
//! | `security-no-firewall` | a public service without a web ACL, where the house asks for one | medium |
//! | `security-runtime-ended` | a managed runtime that is supported no more | high |
//!
//! An instance role is optional: code that calls nothing of AWS needs none. It matters where App Runner fetches
//! secrets with it,
//! where traces are sent with it, and where keys in variables stand in for it.

mod roles;
mod service;

use super::super::{Chapter, Check, Grade, Group, Rule};
use super::subject::{guide, sheet};

/// Who runs the instances.
const TASKS: &str = "tasks.apprunner.amazonaws.com";
/// Who pulls the images.
const BUILD: &str = "build.apprunner.amazonaws.com";

const fn rule(
    id: &'static str,
    grade: Grade,
    title: &'static str,
    why: &'static str,
    chapter: Chapter,
    check: Check,
) -> Rule {
    Rule { id, group: Group::Security, grade, title, why, chapter, check }
}

pub(super) const RULES: &[Rule] = &[
    rule(
        "security-secret-in-environment",
        Grade::High,
        "A plain environment variable looks like a secret",
        "Everybody who may describe the service reads it, and it stands in every template and log that shows the \
         service.",
        sheet("2. Source configuration and UpdateService semantics"),
        Check::Service(service::secret_in_environment),
    ),
    rule(
        "security-no-instance-role",
        Grade::Low,
        "A service that needs an instance role has none",
        "Without it nothing of AWS can be called but with keys that somebody must keep and change.",
        guide("Instance role"),
        Check::Service(roles::no_instance_role),
    ),
    rule(
        "security-instance-admin",
        Grade::High,
        "An instance role can do everything in the account",
        "Whoever finds a hole in the application owns the account.",
        guide("Implement least privilege access"),
        Check::Service(roles::instance_admin),
    ),
    rule(
        "security-instance-trust",
        Grade::Medium,
        "An instance role can be assumed by others than App Runner",
        "What it may do, others may do too, and nobody sees from the service who did.",
        guide("Trust policy for an instance role"),
        Check::Service(roles::instance_trust),
    ),
    rule(
        "security-instance-untrusted",
        Grade::High,
        "App Runner may not assume an instance role",
        "The next deployment fails: App Runner cannot start instances with it.",
        guide("Trust policy for an instance role"),
        Check::Service(roles::instance_untrusted),
    ),
    rule(
        "security-role-gone",
        Grade::High,
        "A service names a role that does not exist",
        "The next deployment fails, and what the application does with the role fails now.",
        guide("Service roles"),
        Check::Service(roles::gone),
    ),
    rule(
        "security-access-wide",
        Grade::Medium,
        "An access role can do more than read images",
        "App Runner needs five reading actions of ECR; the rest helps only somebody who takes the role over.",
        guide("Access role"),
        Check::Service(roles::access_wide),
    ),
    rule(
        "security-access-untrusted",
        Grade::High,
        "App Runner may not assume an access role",
        "The next deployment fails: App Runner cannot pull the image.",
        guide("Trust policy for an access role"),
        Check::Service(roles::access_untrusted),
    ),
    rule(
        "security-no-customer-key",
        Grade::Medium,
        "A service is not encrypted with a customer key",
        "The house asks for one; with a key of AWS nobody here can take it back or see its use.",
        guide("Encryption at rest and key management"),
        Check::Service(service::no_customer_key),
    ),
    rule(
        "security-no-firewall",
        Grade::Medium,
        "A public service has no firewall",
        "Every request from the internet reaches the application.",
        sheet("10. What users asked for (aws/apprunner-roadmap; reaction counts are not in the stored copy)"),
        Check::Service(service::no_firewall),
    ),
    rule(
        "security-runtime-ended",
        Grade::High,
        "A managed runtime is supported no more",
        "Security updates of the language and its packages do not reach it any more.",
        guide("App Runner managed platforms"),
        Check::Service(service::runtime_ended),
    ),
];
