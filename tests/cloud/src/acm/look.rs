//! One look at the DNS: are the validation CNAMEs there, and does CAA let Amazon issue?
//!
//! A look asks for the CNAME of every name that is not proven yet. Once all are proven it asks for CAA, up the tree, and
//! then issues. Whatever is not answered leaves things as they are: the next look is already on the clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::call::Ctx;
use crate::effect::{Effect, Lookup};
use crate::shape::texts;

use super::caa::{Property, Verdict, judge};
use super::certificate::{Certificate, Kind, Method, Status};
use super::names::{is_reserved, plain};
use super::{DAY_SECS, later, notice, renewal};

/// The first look comes soon after the request, then one a minute, and after an hour one in ten minutes.
const FIRST_LOOK_SECS: i64 = 10;
const EAGER_SECS: i64 = 3600;
const EAGER_STEP_SECS: i64 = 60;
const PATIENT_STEP_SECS: i64 = 600;
/// ACM stops looking after 72 hours (facts, section 3).
const VALIDATION_SECS: i64 = 3 * DAY_SECS;
/// A name that nobody certifies fails after so long.
const RESERVED_SECS: i64 = 240;

/// How long after the request the first look is.
pub(super) fn first_look_secs(names: &[String]) -> i64 {
    if names.iter().any(|name| is_reserved(name)) { RESERVED_SECS } else { FIRST_LOOK_SECS }
}

/// Questions that are on their way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    begun_at: Timestamp,
    phase: Phase,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    /// Record names without an answer.
    Records { waiting: BTreeSet<String> },
    /// CAA answers by name, and the names that were asked for.
    Caa { known: BTreeMap<String, Vec<Property>>, asked: BTreeSet<String> },
}

/// An answer of the DNS.
pub(super) struct Resolved<'a> {
    pub(super) token: &'a str,
    pub(super) name: String,
    pub(super) kind: &'a str,
    pub(super) rcode: &'a str,
    pub(super) answers: Vec<String>,
}

impl<'a> Resolved<'a> {
    pub(super) fn read(input: &'a Value) -> Self {
        let text = |member: &str| input.get(member).and_then(Value::as_str).unwrap_or_default();
        Self {
            token: text("Token"),
            name: plain(text("Name")),
            kind: text("Type"),
            rcode: text("Rcode"),
            answers: texts(input, "Answers"),
        }
    }

    /// The ARN of the certificate that asked.
    pub(super) fn arn(&self) -> &'a str {
        self.token.split_once(' ').map_or(self.token, |(arn, _)| arn)
    }

    /// Whether the DNS gave an answer at all, be it that there is nothing.
    fn is_known(&self) -> bool {
        matches!(self.rcode, "NOERROR" | "NXDOMAIN")
    }
}

fn token(certificate: &Certificate, look: &Look) -> String {
    format!("{} {}", certificate.arn, look.begun_at.as_second())
}

fn ask(ctx: &mut Ctx<'_>, token: &str, name: &str, kind: &str) {
    ctx.effects.push(Effect::Resolve(Lookup {
        service: "acm".to_owned(),
        token: token.to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
    }));
}

/// The certificate's time to look has come.
pub(super) fn due(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    certificate.due = None;
    match certificate.status {
        Status::PendingValidation => look_for_issuance(ctx, certificate),
        Status::Issued => renewal::due(ctx, certificate),
        Status::Expired | Status::ValidationTimedOut | Status::Revoked | Status::Failed => {}
    }
}

fn look_for_issuance(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    if certificate.kind == Kind::Private {
        return renewal::issue(ctx, certificate);
    }
    let age = ctx.now.duration_since(certificate.created_at).as_secs();
    if certificate.names.iter().any(|name| is_reserved(name)) {
        return fail(ctx, certificate, "DOMAIN_NOT_ALLOWED");
    }
    if age >= VALIDATION_SECS {
        certificate.look = None;
        certificate.status = Status::ValidationTimedOut;
        return notice::changed(ctx, certificate, "was not validated within 72 hours");
    }
    let step = if age < EAGER_SECS { EAGER_STEP_SECS } else { PATIENT_STEP_SECS };
    certificate.due = Some(later(ctx.now, step).min(later(certificate.created_at, VALIDATION_SECS)));
    begin(ctx, certificate);
}

/// Asks for what is not proven, or for CAA where all is. Names that are proven by mail have no record to ask for.
pub(super) fn begin(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    let proofs = certificate.proofs_under_way();
    let open = proofs.iter().filter(|proof| !proof.is_proven);
    let waiting: BTreeSet<String> =
        open.clone().filter_map(|proof| Some(plain(&proof.record.as_ref()?.name))).collect();
    if waiting.is_empty() && open.count() > 0 {
        return renewal::held_up(ctx, certificate, None);
    }
    let names = waiting.clone();
    let look = Look { begun_at: ctx.now, phase: Phase::Records { waiting } };
    let token = token(certificate, &look);
    certificate.look = Some(look);
    for name in &names {
        ask(ctx, &token, name, "CNAME");
    }
    if names.is_empty() {
        records_done(ctx, certificate);
    }
}

/// Takes in an answer. One that belongs to an earlier look is late and counts for nothing.
pub(super) fn resolved(ctx: &mut Ctx<'_>, certificate: &mut Certificate, answer: &Resolved<'_>) {
    let Some(look) = &mut certificate.look else { return };
    if answer.token.rsplit(' ').next() != Some(look.begun_at.as_second().to_string().as_str()) {
        return;
    }
    match &mut look.phase {
        Phase::Records { waiting } if answer.kind == "CNAME" && waiting.contains(&answer.name) => {
            waiting.remove(&answer.name);
            let is_last = waiting.is_empty();
            take_record(ctx, certificate, answer);
            if is_last {
                records_done(ctx, certificate);
            }
        }
        Phase::Caa { known, .. } if answer.kind == "CAA" && answer.is_known() => {
            let properties = answer.answers.iter().filter_map(|text| Property::parse(text)).collect();
            known.insert(answer.name.clone(), properties);
            judge_caa(ctx, certificate);
        }
        // Who cannot be told whether it may issue does not issue (RFC 8659, section 3).
        Phase::Caa { .. } if answer.kind == "CAA" => {
            certificate.look = None;
            renewal::held_up(ctx, certificate, None);
        }
        Phase::Records { .. } | Phase::Caa { .. } => {}
    }
}

fn take_record(ctx: &mut Ctx<'_>, certificate: &mut Certificate, answer: &Resolved<'_>) {
    let mut is_new = false;
    for proof in certificate.proofs_under_way() {
        let Some(record) = proof.record.as_ref().filter(|record| plain(&record.name) == answer.name) else { continue };
        let is_there = answer.answers.iter().any(|value| plain(value) == plain(&record.value));
        if is_there && !proof.is_proven {
            proof.is_proven = true;
            is_new = true;
        }
    }
    if is_new {
        notice::tell_app_runner(ctx, certificate);
    }
}

fn records_done(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    if certificate.proofs_under_way().iter().any(|proof| !proof.is_proven) {
        certificate.look = None;
        return renewal::held_up(ctx, certificate, None);
    }
    if let Some(look) = &mut certificate.look {
        look.phase = Phase::Caa { known: BTreeMap::new(), asked: BTreeSet::new() };
    }
    judge_caa(ctx, certificate);
}

fn judge_caa(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    let Some(Look { begun_at, phase: Phase::Caa { known, asked } }) = &mut certificate.look else { return };
    let verdicts: Vec<Verdict> = certificate.names.iter().map(|name| judge(name, known)).collect();
    if verdicts.contains(&Verdict::Forbidden) {
        certificate.look = None;
        return match certificate.status {
            Status::PendingValidation => fail(ctx, certificate, CAA_ERROR),
            _ => renewal::held_up(ctx, certificate, Some(CAA_ERROR)),
        };
    }
    let token = format!("{} {}", certificate.arn, begun_at.as_second());
    let open = verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Ask(name) => Some(name),
        Verdict::Allowed | Verdict::Forbidden => None,
    });
    let mut is_open = false;
    for name in open {
        is_open = true;
        if asked.insert(name.clone()) {
            ask(ctx, &token, name, "CAA");
        }
    }
    if !is_open {
        certificate.look = None;
        renewal::issue(ctx, certificate);
    }
}

const CAA_ERROR: &str = "CAA_ERROR";

fn fail(ctx: &mut Ctx<'_>, certificate: &mut Certificate, reason: &'static str) {
    certificate.look = None;
    certificate.due = None;
    certificate.status = Status::Failed;
    certificate.failure = Some(reason);
    notice::changed(ctx, certificate, &format!("failed: {reason}"));
}

/// Somebody answered the mails: all names are proven at once.
pub(super) fn approve(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    let is_open = certificate.status == Status::PendingValidation || renewal::is_under_way(certificate);
    if certificate.kind != Kind::AmazonIssued || certificate.method != Method::Email || !is_open {
        return;
    }
    for proof in certificate.proofs_under_way() {
        proof.is_proven = true;
    }
    begin(ctx, certificate);
}

/// What waits for the DNS is proven and issued without a look at it.
pub(super) fn prove(ctx: &mut Ctx<'_>, certificate: &mut Certificate) {
    if certificate.status != Status::PendingValidation && !renewal::is_under_way(certificate) {
        return;
    }
    for proof in certificate.proofs_under_way() {
        proof.is_proven = true;
    }
    certificate.look = None;
    renewal::issue(ctx, certificate);
}
