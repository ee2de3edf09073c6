//! A switch for each behaviour of AWS that the facts leave open. The defaults are what users observed most often.

use serde::{Deserialize, Serialize};

/// How the `detail` keys of App Runner's events are spelt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKeys {
    /// `operationStatus`, `serviceName`, `currentServiceStatus`: what working user code reads.
    #[default]
    LowerCamel,
    /// `Status`, `ServiceName`, `CurrentStatus`: the developer guide of 2022.
    Pascal,
    /// `operationStatus` beside Pascal-case keys: the guide's GitHub edition.
    Mixed,
}

/// Upper or lower case of `CustomDomain.Status` on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DomainStatus {
    #[default]
    Lower,
    Upper,
}

/// How a deployment ends that failed before any traffic was shifted (pull, build, role).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyFailure {
    #[default]
    Failed,
    RollbackSucceeded,
}

/// What `UpdateService` does with members that a given group leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NestedUpdate {
    /// Omitted siblings keep their value; maps are replaced.
    #[default]
    Merge,
    /// The group is replaced as a whole; omitted siblings fall back to their defaults.
    Replace,
}

/// When `...Failed` is sent: as the failure is seen, or once the rollback has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailedEvent {
    #[default]
    AtDetection,
    AfterRollback,
}

/// Whether a paused service takes `UpdateService`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdatePaused {
    #[default]
    Refuse,
    Allow,
}

/// Whether Route 53 holds each account to five requests a second. The cloud's clock stands still while a call is served, so
/// with this on a caller that does not wait is refused until time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route53Rate {
    #[default]
    Off,
    On,
}

/// What becomes of a custom domain whose records nobody showed within 72 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValidationTimeout {
    #[default]
    CreateFailed,
    StaysPending,
}

/// What a custom domain gets that was unlinked less than seven days ago.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reassociation {
    /// The certificate that App Runner kept, with the same records: straight on to binding.
    #[default]
    Cached,
    /// A new certificate with new records.
    Fresh,
}

/// What a validation record of an active domain shows while a renewal cannot prove it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RenewalRecord {
    /// Nothing of it: the status of the first validation stands.
    #[default]
    Success,
    PendingValidation,
}

/// Whether the date of a signature must be near the cloud's clock, as AWS asks. With this on, the clock of the caller's machine
/// counts: it is wrong wherever the cloud's is another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureDate {
    #[default]
    Unchecked,
    Checked,
}

/// All of them, settable at the start and through the control API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Switches {
    pub event_keys: EventKeys,
    pub domain_status: DomainStatus,
    pub early_failure: EarlyFailure,
    pub nested_update: NestedUpdate,
    pub failed_event: FailedEvent,
    pub update_paused: UpdatePaused,
    pub route53_rate: Route53Rate,
    pub validation_timeout: ValidationTimeout,
    pub reassociation: Reassociation,
    pub renewal_record: RenewalRecord,
    pub signature_date: SignatureDate,
}
