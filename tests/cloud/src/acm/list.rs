//! `ListCertificates`: statuses, filters, order and pages.

use serde_json::Value;

use crate::call::{Answer, ApiError, Call};
use crate::shape::{integer, listing, page, text, texts};

use super::certificate::{Certificate, EXTENDED, KEY_USAGES, Owner};
use super::{Acm, invalid};

const PAGE: i64 = 100;
/// Without a filter for it, certificates with other keys are left out (model).
const KEYS_BY_DEFAULT: [&str; 2] = ["RSA_1024", "RSA_2048"];

fn arguments(message: &str) -> ApiError {
    ApiError::client("InvalidArgsException", message)
}

impl Acm {
    pub(super) fn list(&self, call: &Call) -> Answer {
        let input = &call.input;
        let (by, order) = (text(input, "SortBy"), text(input, "SortOrder"));
        if by.is_some() != order.is_some() {
            return Err(invalid("SortBy and SortOrder must be given together."));
        }
        let statuses = texts(input, "CertificateStatuses");
        let wanted = self.certificates.values().filter(|certificate| {
            certificate.owner == Owner::Account
                && (statuses.is_empty() || statuses.iter().any(|status| status == certificate.status.as_str()))
                && is_included(certificate, input)
        });
        let mut rows: Vec<(String, Value)> =
            wanted.map(|certificate| (format!("{:020}", certificate.number), certificate.summary())).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let is_descending = order == Some("DESCENDING");
        if is_descending {
            rows.reverse();
        }
        let size = integer(input, "MaxItems").unwrap_or(PAGE).max(1) as usize;
        let (shown, next) =
            page(rows, text(input, "NextToken"), size, is_descending).map_err(|error| arguments(&error.to_string()))?;
        Ok(listing("CertificateSummaryList", shown, "NextToken", next))
    }
}

fn is_included(certificate: &Certificate, input: &Value) -> bool {
    let none = Value::Null;
    let includes = input.get("Includes").unwrap_or(&none);
    let keys = texts(includes, "keyTypes");
    let has_key = match keys.is_empty() {
        true => KEYS_BY_DEFAULT.contains(&certificate.key_algorithm.as_str()),
        false => keys.contains(&certificate.key_algorithm),
    };
    let is_issued = certificate.issue.is_some();
    let has = |member: &str, own: &[&str]| {
        let wanted = texts(includes, member);
        wanted.is_empty() || (is_issued && wanted.iter().all(|usage| own.contains(&usage.as_str())))
    };
    let export = text(includes, "exportOption").is_none_or(|word| (word == "ENABLED") == certificate.is_exportable);
    let origins = texts(input, "CertificateKeyPairOrigins");
    let origin = &certificate.summary()["CertificateKeyPairOrigin"];
    has_key
        && export
        && has("keyUsage", &KEY_USAGES)
        && has("extendedKeyUsage", &EXTENDED.map(|(name, _)| name))
        && text(includes, "managedBy").is_none()
        && (origins.is_empty() || origins.iter().any(|wanted| origin == wanted.as_str()))
}
