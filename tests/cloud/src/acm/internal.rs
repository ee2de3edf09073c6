//! What the world, App Runner, the control API and the stories do to ACM from inside. The names start with `_`: the gateway
//! lets none of them in.
//!
//! Where an operation takes `Which`, that is either `CertificateArn` or `DomainName`; the latter means every certificate
//! with that common name, App Runner's too.
//!
//! | Operation | Input | What it does |
//! |---|---|---|
//! | `_Resolved` | `Token`, `Name`, `Type`, `Rcode`, `Answers` | the DNS's answer to a question |
//! | `_Associate` | `Reference`, `Service`, `Names`, `Realm` | App Runner asks for a certificate of its own; its records depend on `Realm` |
//! | `_Use` | `Reference`, `InUse`, `Serving` | App Runner uses it (so it is renewed), and serves it |
//! | `_Discard` | `Reference` | App Runner throws it away |
//! | `_Served` | `ServerName` | the certificate that App Runner's front end serves for a name |
//! | `_InUse` | `CertificateArn`, `By`, `InUse` | a load balancer or the like takes the owner's certificate, or lets it go |
//! | `_Export` | `CertificateArn` | the owner exports it |
//! | `_Import` | `DomainName`, `Days`, `Names`? | imports a certificate with so many days left, without a PEM |
//! | `_Approve` | `Which` | somebody answers the validation mails |
//! | `_Prove` | `Which` | for clouds without a DNS: its records count as seen, and CAA as asked |
//! | `_AgeCertificate` | `Which`, `Days` | the dates of what is issued move so many days back |
//! | `_Expire` | `Which` | it ends now |
//! | `_Revoke` | `Which`, `Reason`?, `ByAuthority`? | it is revoked |

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::call::{Answer, ApiError, Ctx};
use crate::shape::{epoch, flag, integer, text, texts};

use super::certificate::{Certificate, Issue, Kind, Method, Owner, Status};
use super::look::Resolved;
use super::names::{covers, plain};
use super::renewal::{ISSUER, PUBLIC_DAYS};
use super::{Acm, DAY_SECS, expiry, invalid, later, look, not_found, notice, renewal, request};

fn member<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    text(input, name).ok_or_else(|| invalid(format!("{name} is missing.")))
}

fn days(input: &Value) -> Result<i64, ApiError> {
    let days = integer(input, "Days").filter(|days| (0..=36_500).contains(days));
    days.ok_or_else(|| invalid("Days must be a whole number from 0 to 36500."))
}

impl Acm {
    pub(super) fn internal(&mut self, ctx: &mut Ctx<'_>, operation: &str, input: &Value) -> Answer {
        match operation {
            "_Resolved" => Ok(self.resolved(ctx, input)),
            "_Associate" => self.associate(ctx, input),
            "_Use" => self.used(input),
            "_Discard" => self.discard(input),
            "_Served" => Ok(self.served(ctx, &plain(member(input, "ServerName")?))),
            "_InUse" => self.in_use(input),
            "_Export" => self.export(input),
            "_Import" => self.import_quickly(ctx, input),
            "_Approve" => self.each(input, |certificate| look::approve(ctx, certificate)),
            "_Prove" => self.each(input, |certificate| look::prove(ctx, certificate)),
            "_AgeCertificate" => {
                let days = days(input)?;
                self.each(input, |certificate| age(ctx.now, certificate, days * DAY_SECS))
            }
            "_Expire" => self.each(input, |certificate| end_now(ctx, certificate)),
            "_Revoke" => {
                let reason = text(input, "Reason").unwrap_or("UNSPECIFIED").to_owned();
                let is_by_authority = flag(input, "ByAuthority");
                self.each(input, |certificate| revoke(ctx, certificate, &reason, is_by_authority))
            }
            other => Err(invalid(format!("ACM has no internal operation {other}."))),
        }
    }

    fn resolved(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Value {
        let answer = Resolved::read(input);
        if let Some(certificate) = self.certificates.get_mut(answer.arn()) {
            look::resolved(ctx, certificate, &answer);
        }
        json!({})
    }

    /// Does something to every certificate that the input means; the answer names them.
    fn each(&mut self, input: &Value, mut act: impl FnMut(&mut Certificate)) -> Answer {
        let (arn, name) = (text(input, "CertificateArn"), text(input, "DomainName").map(plain));
        if arn.is_none() && name.is_none() {
            return Err(invalid("Give CertificateArn or DomainName."));
        }
        let mut done = Vec::new();
        for certificate in self.certificates.values_mut() {
            if arn == Some(certificate.arn.as_str()) || name.as_deref() == Some(certificate.common_name()) {
                act(certificate);
                done.push(json!(certificate.arn));
            }
        }
        if done.is_empty() {
            return Err(not_found(arn.or(name.as_deref()).unwrap_or_default()));
        }
        Ok(json!({ "CertificateArns": done }))
    }

    fn associate(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let owner = Owner::AppRunner {
            reference: member(input, "Reference")?.to_owned(),
            service: member(input, "Service")?.to_owned(),
            serving: false,
        };
        let number = self.next_number();
        let names = texts(input, "Names");
        let mut certificate = Certificate::new(ctx, number, owner, Kind::AmazonIssued, names);
        certificate.proofs =
            request::proofs(&certificate.names, Method::Dns, member(input, "Realm")?, &Default::default());
        certificate.due = Some(later(ctx.now, look::first_look_secs(&certificate.names)));
        notice::tell_app_runner(ctx, &certificate);
        Ok(json!({ "CertificateArn": self.add(certificate) }))
    }

    fn of_reference(&mut self, reference: &str) -> Result<&mut Certificate, ApiError> {
        let is_it = |certificate: &&mut Certificate| match &certificate.owner {
            Owner::AppRunner { reference: own, .. } => own == reference,
            Owner::Account => false,
        };
        self.certificates.values_mut().find(is_it).ok_or_else(|| not_found(reference))
    }

    fn used(&mut self, input: &Value) -> Answer {
        let certificate = self.of_reference(member(input, "Reference")?)?;
        if let Owner::AppRunner { service, serving, .. } = &mut certificate.owner {
            *serving = flag(input, "Serving");
            certificate.in_use_by.clear();
            if flag(input, "InUse") {
                certificate.in_use_by.insert(service.clone());
            }
        }
        Ok(json!({}))
    }

    fn discard(&mut self, input: &Value) -> Answer {
        let arn = self.of_reference(member(input, "Reference")?)?.arn.clone();
        self.certificates.remove(&arn);
        Ok(json!({}))
    }

    /// The exact name comes before a wildcard; an expired or revoked certificate is served like any other. What App Runner
    /// does not know gets its own certificate, as a front end gives its default to whoever asks for something else.
    fn served(&self, ctx: &Ctx<'_>, host: &str) -> Value {
        let mut found: Vec<(bool, &Certificate, &Issue)> = Vec::new();
        for certificate in self.certificates.values() {
            let is_serving = matches!(certificate.owner, Owner::AppRunner { serving: true, .. });
            let Some(issue) = certificate.issue.as_ref().filter(|_| is_serving) else { continue };
            if certificate.names.iter().any(|name| covers(name, host)) {
                found.push((certificate.names.iter().any(|name| name == host), certificate, issue));
            }
        }
        let best = found.into_iter().max_by_key(|(is_exact, certificate, _)| (*is_exact, certificate.number));
        match best {
            Some((_, certificate, issue)) => shown_served(&certificate.names, issue, false),
            None => default_served(ctx),
        }
    }

    fn in_use(&mut self, input: &Value) -> Answer {
        let (by, is_in_use) = (member(input, "By")?.to_owned(), flag(input, "InUse"));
        self.each(input, |certificate| {
            match is_in_use {
                true => certificate.in_use_by.insert(by.clone()),
                false => certificate.in_use_by.remove(&by),
            };
        })
    }

    fn export(&mut self, input: &Value) -> Answer {
        self.each(input, |certificate| certificate.is_exported = true)
    }

    fn import_quickly(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let mut names = vec![plain(member(input, "DomainName")?)];
        names.extend(texts(input, "Names").iter().map(|name| plain(name)));
        let not_after = later(ctx.now, days(input)? * DAY_SECS);
        Ok(json!({ "CertificateArn": self.import_unseen(ctx, names, not_after) }))
    }
}

fn shown_served(names: &[String], issue: &Issue, is_default: bool) -> Value {
    json!({
        "Serial": issue.serial, "Names": names, "Issuer": issue.issuer, "Default": is_default,
        "NotBefore": epoch(issue.not_before), "NotAfter": epoch(issue.not_after),
    })
}

/// App Runner's certificate for the hosts that it gives its services: a new one on the first of each month.
fn default_served(ctx: &Ctx<'_>) -> Value {
    let day = ctx.now.to_zoned(TimeZone::UTC).date();
    let first = Date::new(day.year(), day.month(), 1).and_then(|first| first.to_zoned(TimeZone::UTC));
    let not_before = first.map_or(ctx.now, |first| first.timestamp());
    let name = format!("*.{}.awsapprunner.com", ctx.place.region);
    let digest = Sha256::digest(format!("{name} {not_before}").as_bytes());
    let hex: Vec<String> = digest.iter().take(15).map(|byte| format!("{byte:02x}")).collect();
    let issue = Issue {
        serial: format!("0a:{}", hex.join(":")),
        issuer: ISSUER.to_owned(),
        at: not_before,
        not_before,
        not_after: later(not_before, PUBLIC_DAYS * DAY_SECS - 1),
    };
    shown_served(&[name], &issue, true)
}

/// Moves the dates of what is issued back. A renewal that is not under way begins when it would have begun.
fn age(now: Timestamp, certificate: &mut Certificate, secs: i64) {
    let Some(issue) = &mut certificate.issue else { return };
    for at in [&mut issue.at, &mut issue.not_before, &mut issue.not_after, &mut certificate.created_at] {
        *at = later(*at, -secs);
    }
    certificate.told_days = notice::days_left(certificate, now) + 1;
    if certificate.status == Status::Issued && !renewal::is_under_way(certificate) {
        certificate.due = renewal::begins_at(certificate).map(|at| at.max(now));
    }
}

fn end_now(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    let Some(issue) = certificate.issue.as_ref().filter(|_| certificate.status == Status::Issued) else { return };
    let left = issue.not_after.duration_since(ctx.now).as_secs();
    age(ctx.now, certificate, left);
    expiry::expire(ctx, certificate);
}

fn revoke(ctx: &mut Ctx<'_>, certificate: &mut Certificate, reason: &str, is_by_authority: bool) {
    if certificate.status != Status::Issued {
        return;
    }
    certificate.status = Status::Revoked;
    certificate.revoked = Some((ctx.now, reason.to_owned()));
    certificate.due = None;
    certificate.look = None;
    notice::changed(ctx, certificate, "is revoked");
    notice::revoked(ctx, certificate, is_by_authority);
}
