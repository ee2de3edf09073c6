//! ACM of the local cloud: certificates that are issued, renewed and lost by what the DNS really shows.
//!
//! It owns the owner's certificates, and those that App Runner keeps in an account of AWS's own: the owner never sees the
//! latter, neither in a list nor in an event. It never resolves a name itself: it asks by [`Effect::Resolve`] and acts on
//! `_Resolved`; a question that nobody answers is a look that proved nothing. What it does follows facts/app-runner.md,
//! sections 5.5 and 6, and the model; the README beside App Runner lists what is our choice.
//!
//! [`Effect::Resolve`]: crate::effect::Effect::Resolve

mod caa;
mod certificate;
mod expiry;
mod import;
mod internal;
mod list;
mod look;
pub(crate) mod names;
mod notice;
mod renewal;
mod request;
mod tags;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Call, Ctx, Need, Place, Service};
use crate::shape::unknown_operation;

use certificate::{Certificate, Owner, Status};

pub(crate) use renewal::ISSUER;

/// ACM in one account and region.
#[derive(Clone, Debug, Default)]
pub struct Acm {
    /// By ARN, the owner's and App Runner's.
    certificates: BTreeMap<String, Certificate>,
    /// From `PutAccountConfiguration`; none while the defaults count.
    days_before_expiry: Option<i64>,
    /// How many certificates there have been: the order of lists.
    numbers: u64,
}

/// Something that is due. At the same moment notices come first: they tell how things stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Notice,
    Expiry,
    Look,
}

/// So many seconds later; a clock at the end of time stops.
fn later(at: Timestamp, secs: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
}

const DAY_SECS: i64 = 24 * 3600;

fn not_found(arn: &str) -> ApiError {
    ApiError::client("ResourceNotFoundException", format!("Could not find certificate {arn}."))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::client("ValidationException", message)
}

impl Acm {
    pub fn new() -> Self {
        Self::default()
    }

    /// The owner's certificate that the call names.
    fn named(&mut self, call: &Call) -> Result<&mut Certificate, ApiError> {
        let arn = call.text("CertificateArn");
        if !arn.split(':').nth(5).is_some_and(|resource| resource.starts_with("certificate/")) {
            return Err(ApiError::client("InvalidArnException", format!("{arn} is not the ARN of a certificate.")));
        }
        self.certificates
            .get_mut(arn)
            .filter(|certificate| certificate.owner == Owner::Account)
            .ok_or_else(|| not_found(arn))
    }

    fn add(&mut self, certificate: Certificate) -> String {
        let arn = certificate.arn.clone();
        self.certificates.insert(arn.clone(), certificate);
        arn
    }

    fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn describe(&mut self, call: &Call) -> Answer {
        Ok(json!({ "Certificate": self.named(call)?.detail() }))
    }

    fn delete(&mut self, call: &Call) -> Answer {
        let certificate = self.named(call)?;
        let arn = certificate.arn.clone();
        if let Some(user) = certificate.in_use_by.first() {
            return Err(ApiError::client(
                "ResourceInUseException",
                format!("Certificate {arn} is in use by {user}. Remove the association and try again."),
            ));
        }
        self.certificates.remove(&arn);
        Ok(json!({}))
    }

    fn timers(&self) -> impl Iterator<Item = (Timestamp, Timer, &str)> {
        self.certificates.values().flat_map(|certificate| {
            let expiry = certificate.issue.as_ref().filter(|_| certificate.status == Status::Issued);
            [
                (expiry::next_notice(certificate, self.days_before_expiry), Timer::Notice),
                (expiry.map(|issue| issue.not_after), Timer::Expiry),
                (certificate.due, Timer::Look),
            ]
            .into_iter()
            .filter_map(|(due, timer)| Some((due?, timer, certificate.arn.as_str())))
        })
    }

    fn fire(&mut self, ctx: &mut Ctx<'_>, timer: Timer, arn: &str) {
        let Some(certificate) = self.certificates.get_mut(arn) else { return };
        match timer {
            Timer::Notice => expiry::tell_days(ctx, certificate, self.days_before_expiry),
            Timer::Expiry => expiry::expire(ctx, certificate),
            Timer::Look => look::due(ctx, certificate),
        }
    }

    fn dispatch(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "AddTagsToCertificate" => self.add_tags(call),
            "DeleteCertificate" => self.delete(call),
            "DescribeCertificate" => self.describe(call),
            "GetAccountConfiguration" => Ok(self.account_configuration()),
            "ImportCertificate" => self.import(ctx, call),
            "ListCertificates" => self.list(call),
            "ListTagsForCertificate" => self.list_tags(call),
            "PutAccountConfiguration" => Ok(self.configure_account(ctx, call)),
            "RemoveTagsFromCertificate" => self.remove_tags(call),
            "RenewCertificate" => self.renew(ctx, call),
            "RequestCertificate" => self.request(ctx, call),
            internal if internal.starts_with('_') => self.internal(ctx, internal, &call.input),
            _ => Err(unknown_operation(call)),
        }
    }

    fn account_configuration(&self) -> Value {
        let days = self.days_before_expiry.unwrap_or(expiry::PRIVATE_NOTICE_DAYS);
        json!({ "ExpiryEvents": { "DaysBeforeExpiry": days } })
    }

    fn configure_account(&mut self, ctx: &Ctx<'_>, call: &Call) -> Value {
        if let Some(days) = call.input.pointer("/ExpiryEvents/DaysBeforeExpiry").and_then(Value::as_i64) {
            self.days_before_expiry = Some(days);
            // Days that are past are not made up for.
            for certificate in self.certificates.values_mut() {
                certificate.told_days = certificate.told_days.min(notice::days_left(certificate, ctx.now) + 1);
            }
        }
        json!({})
    }
}

impl Service for Acm {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        self.dispatch(ctx, call)
    }

    /// Certificates have ARNs; a request, a list and the account's configuration have none (service authorization reference).
    fn needs(&self, _place: &Place, call: &Call) -> Vec<Need> {
        let arn = call.text("CertificateArn");
        let resource = if arn.is_empty() { "*" } else { arn };
        let mut need = Need::new(format!("acm:{}", call.operation), resource);
        if let Some(certificate) = self.certificates.get(arn) {
            let tag = |(key, value): (&String, &String)| (format!("aws:ResourceTag/{key}"), vec![value.clone()]);
            need.conditions.extend(certificate.tags.iter().map(tag));
        }
        if call.operation == "RequestCertificate" {
            need.conditions.push(("acm:DomainNames".to_owned(), request::wanted_names(&call.input)));
            need.conditions.push(("acm:ValidationMethod".to_owned(), vec![request::method(&call.input).to_owned()]));
        }
        vec![need]
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.timers().map(|(due, ..)| due).min()
    }

    /// Does all that is due, each thing at its own moment.
    fn tick(&mut self, ctx: &mut Ctx<'_>) {
        while let Some((due, timer, arn)) = self.timers().filter(|(due, ..)| *due <= ctx.now).min() {
            let arn = arn.to_owned();
            let mut then = Ctx {
                now: due,
                place: ctx.place,
                ids: &mut *ctx.ids,
                effects: &mut *ctx.effects,
                outside: &mut *ctx.outside,
                switches: ctx.switches,
            };
            self.fire(&mut then, timer, &arn);
        }
    }
}
