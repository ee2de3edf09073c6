//! One certificate: what it is for, how far its proof has come, what of it is issued, and how the API shows it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::Ctx;
use crate::shape::epoch;

use super::look::Look;
use super::names::{Record, base};

/// Whose certificate it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Account,
    /// AWS's own, for a custom domain of App Runner. `reference` is what App Runner knows it by.
    AppRunner {
        reference: String,
        service: String,
        serving: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    PendingValidation,
    Issued,
    Expired,
    ValidationTimedOut,
    Revoked,
    Failed,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::PendingValidation => "PENDING_VALIDATION",
            Self::Issued => "ISSUED",
            Self::Expired => "EXPIRED",
            Self::ValidationTimedOut => "VALIDATION_TIMED_OUT",
            Self::Revoked => "REVOKED",
            Self::Failed => "FAILED",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    AmazonIssued,
    Imported,
    Private,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AmazonIssued => "AMAZON_ISSUED",
            Self::Imported => "IMPORTED",
            Self::Private => "PRIVATE",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Dns,
    Email,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Email => "EMAIL",
        }
    }
}

/// What is signed and served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issue {
    /// 16 bytes in hex, with colons between them.
    pub(super) serial: String,
    pub(super) issuer: String,
    pub(super) at: Timestamp,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

/// The proof of control of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    pub(super) name: String,
    /// The CNAME that has to be there; none where a mail has to be answered.
    pub(super) record: Option<Record>,
    /// Where the mails go to.
    pub(super) mail_domain: String,
    pub(super) is_proven: bool,
}

impl Proof {
    fn shown(&self, is_failed: bool) -> Value {
        let status = match (self.is_proven, is_failed) {
            (true, _) => "SUCCESS",
            (false, true) => "FAILED",
            (false, false) => "PENDING_VALIDATION",
        };
        let mut shown =
            json!({ "DomainName": self.name, "ValidationDomain": self.mail_domain, "ValidationStatus": status });
        match &self.record {
            Some(record) => {
                shown["ResourceRecord"] = json!({ "Name": record.name, "Type": "CNAME", "Value": record.value });
                shown["ValidationMethod"] = json!(Method::Dns.as_str());
            }
            None => {
                let boxes = ["admin", "administrator", "hostmaster", "postmaster", "webmaster"];
                let mails: Vec<String> = boxes.iter().map(|name| format!("{name}@{}", self.mail_domain)).collect();
                shown["ValidationEmails"] = json!(mails);
                shown["ValidationMethod"] = json!(Method::Email.as_str());
            }
        }
        shown
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RenewalStatus {
    PendingAutoRenewal,
    PendingValidation,
    Success,
    Failed,
}

impl RenewalStatus {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::PendingAutoRenewal => "PENDING_AUTO_RENEWAL",
            Self::PendingValidation => "PENDING_VALIDATION",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
        }
    }
}

/// The newest renewal, under way or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Renewal {
    pub(super) status: RenewalStatus,
    pub(super) reason: Option<&'static str>,
    pub(super) proofs: Vec<Proof>,
    pub(super) begun_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Certificate {
    pub(super) arn: String,
    /// The how-manyeth certificate it is: the order of lists.
    pub(super) number: u64,
    pub(super) owner: Owner,
    /// The first is the common name. Lower case.
    pub(super) names: Vec<String>,
    pub(super) kind: Kind,
    pub(super) method: Method,
    pub(super) status: Status,
    pub(super) failure: Option<&'static str>,
    pub(super) key_algorithm: String,
    pub(super) created_at: Timestamp,
    pub(super) issue: Option<Issue>,
    pub(super) revoked: Option<(Timestamp, String)>,
    /// The proofs of the first issuance, one a name.
    pub(super) proofs: Vec<Proof>,
    pub(super) renewal: Option<Renewal>,
    /// The questions that are on their way to the DNS.
    pub(super) look: Option<Look>,
    /// When it is looked again: for the first proof, or for the renewal.
    pub(super) due: Option<Timestamp>,
    /// Notices for so many days before the end, and more, are past.
    pub(super) told_days: i64,
    pub(super) in_use_by: BTreeSet<String>,
    pub(super) is_exported: bool,
    pub(super) is_exportable: bool,
    /// The private authority's ARN.
    pub(super) authority: Option<String>,
    /// The idempotency token of the request.
    pub(super) token: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
}

impl Certificate {
    /// A certificate that is asked for and has nothing yet.
    pub(super) fn new(ctx: &mut Ctx<'_>, number: u64, owner: Owner, kind: Kind, names: Vec<String>) -> Self {
        let place = ctx.place;
        let id = ctx.ids.uuid();
        Self {
            arn: format!("arn:{}:acm:{}:{}:certificate/{id}", place.partition, place.region, place.account),
            number,
            owner,
            names,
            kind,
            method: Method::Dns,
            status: Status::PendingValidation,
            failure: None,
            key_algorithm: "RSA_2048".to_owned(),
            created_at: ctx.now,
            issue: None,
            revoked: None,
            proofs: Vec::new(),
            renewal: None,
            look: None,
            due: None,
            told_days: 0,
            in_use_by: BTreeSet::new(),
            is_exported: false,
            is_exportable: false,
            authority: None,
            token: None,
            tags: BTreeMap::new(),
        }
    }

    pub(super) fn common_name(&self) -> &str {
        self.names.first().map(String::as_str).unwrap_or_default()
    }

    pub(super) fn is_in_use(&self) -> bool {
        !self.in_use_by.is_empty()
    }

    /// Whether ACM renews it by itself: issued by AWS, not over, and somebody has it (facts, section 6).
    pub(super) fn is_eligible(&self) -> bool {
        self.kind != Kind::Imported && self.status == Status::Issued && (self.is_in_use() || self.is_exported)
    }

    /// The proofs that are worked on now: the renewal's while one is under way, else those of the first issuance.
    pub(super) fn proofs_under_way(&mut self) -> &mut Vec<Proof> {
        match &mut self.renewal {
            Some(renewal) if self.issue.is_some() => &mut renewal.proofs,
            _ => &mut self.proofs,
        }
    }

    /// `CertificateDetail`.
    pub(super) fn detail(&self) -> Value {
        let mut shown = self.common();
        shown.extend(some([
            ("SubjectAlternativeNames", Some(json!(self.names))),
            ("DomainValidationOptions", self.shown_proofs()),
            ("Subject", Some(json!(format!("CN={}", self.common_name())))),
            ("Serial", self.issue.as_ref().map(|issue| json!(issue.serial))),
            ("Issuer", self.issue.as_ref().map(|issue| json!(issue.issuer))),
            ("RevocationReason", self.revoked.as_ref().map(|(_, reason)| json!(reason))),
            ("SignatureAlgorithm", self.issue.as_ref().map(|_| json!(self.signature_algorithm()))),
            ("InUseBy", Some(json!(self.in_use_by))),
            ("FailureReason", self.failure.map(|reason| json!(reason))),
            ("RenewalSummary", self.shown_renewal()),
            ("KeyUsages", self.issue.as_ref().map(|_| key_usages().map(|name| json!({ "Name": name })).collect())),
            ("ExtendedKeyUsages", self.issue.as_ref().map(|_| extended_key_usages())),
            ("CertificateAuthorityArn", self.authority.as_ref().map(|arn| json!(arn))),
            ("Options", Some(self.options())),
        ]));
        Value::Object(shown)
    }

    /// `CertificateSummary`.
    pub(super) fn summary(&self) -> Value {
        let mut shown = self.common();
        shown.extend(some([
            ("SubjectAlternativeNameSummaries", Some(json!(self.names))),
            ("HasAdditionalSubjectAlternativeNames", Some(json!(false))),
            ("KeyUsages", self.issue.as_ref().map(|_| key_usages().map(Value::from).collect())),
            ("ExtendedKeyUsages", self.issue.as_ref().map(|_| json!(EXTENDED.map(|(name, _)| name)))),
            ("ExportOption", Some(json!(export_word(self.is_exportable)))),
            ("InUse", Some(json!(self.is_in_use()))),
            ("Exported", Some(json!(self.is_exported))),
        ]));
        Value::Object(shown)
    }

    /// What both show.
    fn common(&self) -> Map<String, Value> {
        let of_issue = |at: fn(&Issue) -> Timestamp| self.issue.as_ref().map(|issue| epoch(at(issue)));
        let is_imported = self.kind == Kind::Imported;
        let origin = if is_imported { "CUSTOMER_PROVIDED" } else { "AWS_MANAGED" };
        some([
            ("CertificateArn", Some(json!(self.arn))),
            ("DomainName", Some(json!(self.common_name()))),
            ("Status", Some(json!(self.status.as_str()))),
            ("Type", Some(json!(self.kind.as_str()))),
            ("KeyAlgorithm", Some(json!(self.key_algorithm))),
            ("CreatedAt", Some(epoch(self.created_at))),
            ("IssuedAt", of_issue(|issue| issue.at).filter(|_| !is_imported)),
            ("ImportedAt", of_issue(|issue| issue.at).filter(|_| is_imported)),
            ("NotBefore", of_issue(|issue| issue.not_before)),
            ("NotAfter", of_issue(|issue| issue.not_after)),
            ("RevokedAt", self.revoked.as_ref().map(|(at, _)| epoch(*at))),
            ("RenewalEligibility", Some(json!(if self.is_eligible() { "ELIGIBLE" } else { "INELIGIBLE" }))),
            ("CertificateKeyPairOrigin", Some(json!(origin))),
        ])
    }

    fn shown_proofs(&self) -> Option<Value> {
        let is_failed = matches!(self.status, Status::ValidationTimedOut | Status::Failed);
        (self.kind == Kind::AmazonIssued).then(|| self.proofs.iter().map(|proof| proof.shown(is_failed)).collect())
    }

    fn shown_renewal(&self) -> Option<Value> {
        let renewal = self.renewal.as_ref()?;
        let is_failed = renewal.status == RenewalStatus::Failed;
        let proofs: Value = renewal.proofs.iter().map(|proof| proof.shown(is_failed)).collect();
        let mut shown = json!({
            "RenewalStatus": renewal.status.as_str(), "DomainValidationOptions": proofs,
            "UpdatedAt": epoch(renewal.updated_at),
        });
        if let Some(reason) = renewal.reason {
            shown["RenewalStatusReason"] = json!(reason);
        }
        Some(shown)
    }

    fn options(&self) -> Value {
        let mut options = json!({
            "CertificateTransparencyLoggingPreference": "ENABLED", "Export": export_word(self.is_exportable),
        });
        if self.kind == Kind::AmazonIssued {
            options["ValidationMethod"] = json!(self.method.as_str());
        }
        options
    }

    fn signature_algorithm(&self) -> &'static str {
        if self.key_algorithm.starts_with("EC_") { "SHA256WITHECDSA" } else { "SHA256WITHRSA" }
    }

    /// The records and how far each is, as App Runner is told: one a record, in the order of the names.
    pub(super) fn record_rows(&self) -> Value {
        let renewing = self.renewal.as_ref().filter(|renewal| renewal.status != RenewalStatus::Success);
        let renewed = |name: &str| renewing.and_then(|r| r.proofs.iter().find(|proof| proof.name == name));
        let mut rows: Vec<Value> = Vec::new();
        for proof in &self.proofs {
            let Some(record) = &proof.record else { continue };
            if rows.iter().any(|row| row["Name"] == record.name.as_str()) {
                continue;
            }
            rows.push(json!({
                "Name": record.name, "Value": record.value, "Proven": proof.is_proven,
                "RenewalPending": renewed(&proof.name).is_some_and(|proof| !proof.is_proven),
            }));
        }
        json!(rows)
    }

    /// The domain that a name's mails go to where the request does not say.
    pub(super) fn mail_domain_of(name: &str) -> String {
        base(name).to_owned()
    }
}

pub(super) const KEY_USAGES: [&str; 2] = ["DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"];
pub(super) const EXTENDED: [(&str, &str); 2] =
    [("TLS_WEB_SERVER_AUTHENTICATION", "1.3.6.1.5.5.7.3.1"), ("TLS_WEB_CLIENT_AUTHENTICATION", "1.3.6.1.5.5.7.3.2")];

fn key_usages() -> impl Iterator<Item = &'static str> {
    KEY_USAGES.into_iter()
}

fn extended_key_usages() -> Value {
    EXTENDED.iter().map(|(name, oid)| json!({ "Name": name, "OID": oid })).collect()
}

fn export_word(is_exportable: bool) -> &'static str {
    if is_exportable { "ENABLED" } else { "DISABLED" }
}

fn some<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
