//! Certificates: what is served, how long it lasts, and whether it should have been renewed by now.

pub mod acm;
mod assess;

pub use assess::{Assessment, Health, Page, assess, covers, remember};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a TLS handshake showed, valid or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The issuer's common name and organisation.
    pub issuer: String,
    /// The names that the certificate is for, as it spells them.
    pub names: Vec<String>,
    /// Hex digits.
    pub serial: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// What is remembered of the certificate of one domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateMemory {
    /// The certificate that was seen last.
    pub served: Served,
    pub seen_at: Timestamp,
    /// The lowest number of days for which this certificate was paged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paged_days: Option<i64>,
    /// What else than its age was told about this certificate ([`Health::as_str`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub troubled: Option<String>,
    /// Since when no handshake has come about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind_since: Option<Timestamp>,
    /// Other certificates that were seen before, the last one first: two servers may show one each in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherCertificate>,
}

/// What is remembered of a certificate that was served before another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherCertificate {
    pub serial: String,
    pub not_after: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paged_days: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub troubled: Option<String>,
}
