//! A report as findings of Security Hub, in the AWS Security Finding Format 2018-10-08.
//!
//! | finding of the report | finding of Security Hub |
//! |---|---|
//! | open | `ACTIVE`, compliance `FAILED`, workflow `NEW` |
//! | waived | `ACTIVE`, compliance `FAILED`, workflow `SUPPRESSED` |
//! | gone since the run before | `ARCHIVED`, compliance `PASSED`, workflow `RESOLVED` |
//!
//! `BatchImportFindings` sets the workflow of a finding that it creates and never changes it afterwards: that belongs to those
//! who work on findings (API reference of `BatchImportFindings`). So what was waived, opened again or has gone since needs
//! `BatchUpdateFindings` too: [`requests()`] gives both, one at a time. The format names no type of resource for App Runner, so every
//! resource is an `Other` with its kind among the details.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Finding, Grade, Report, Resource};
use crate::render::clean::clip;

mod requests;

pub use requests::{CHUNK_MAX, Call, Request, Since, requests};

const TITLE_CHARS_MAX: usize = 256;
const DESCRIPTION_CHARS_MAX: usize = 1_024;
const RECOMMENDATION_CHARS_MAX: usize = 512;
const ID_CHARS_MAX: usize = 512;
/// Values of `Details.Other` must have fewer than 1,024 characters.
const DETAIL_CHARS_MAX: usize = 1_000;
const NOTE_CHARS_MAX: usize = 512;

/// Stable from run to run, and unlike the findings of another account, region or product.
fn arn(report: &Report, id: &str) -> String {
    let place = &report.place;
    clip(&format!("arn:{}:pitcrew:{}:{}:finding/{id}", place.partition, place.region, place.account), ID_CHARS_MAX)
}

/// The product that every account has for findings of its own.
fn product(report: &Report) -> String {
    let place = &report.place;
    format!("arn:{}:securityhub:{}:{}:product/{}/default", place.partition, place.region, place.account, place.account)
}

fn imported(report: &Report, finding: &Finding, page: Option<&str>, gone: bool) -> Value {
    let place = &report.place;
    let types = json!(["Software and Configuration Checks/pitcrew"]);
    let severity = json!({"Label": label(finding.grade), "Original": finding.grade.as_str()});
    let (record, compliance) = if gone { ("ARCHIVED", "PASSED") } else { ("ACTIVE", "FAILED") };
    let workflow = match (gone, finding.open()) {
        (true, _) => "RESOLVED",
        (false, true) => "NEW",
        (false, false) => "SUPPRESSED",
    };
    // Where nobody could look, it was observed last by an earlier run; Security Hub then keeps the time that it has.
    let observed = (finding.checked && !gone).then_some(report.finished);
    let mut value = json!({
        "SchemaVersion": "2018-10-08",
        "Id": arn(report, &finding.id),
        "ProductArn": product(report),
        "ProductName": "pitcrew",
        "GeneratorId": format!("pitcrew/{}", finding.rule),
        "AwsAccountId": place.account,
        "Region": place.region,
        "Types": types,
        "FirstObservedAt": time(finding.first_seen),
        "CreatedAt": time(finding.first_seen),
        "UpdatedAt": time(report.finished),
        "Severity": severity,
        "FindingProviderFields": {"Severity": severity, "Types": types},
        "Title": clip(&title(finding), TITLE_CHARS_MAX),
        "Description": clip(filled(&finding.seen, &finding.title), DESCRIPTION_CHARS_MAX),
        "Remediation": {"Recommendation": recommendation(finding, page)},
        "ProductFields": product_fields(report, finding),
        "Resources": [resource(report, finding)],
        "Compliance": {"Status": compliance},
        "Workflow": {"Status": workflow},
        "RecordState": record,
    });
    if let Some(observed) = observed {
        value["LastObservedAt"] = json!(time(observed));
    }
    if let Some(waived) = finding.waiver.as_ref().filter(|_| !gone) {
        let text = format!("Waived until {}: {}", waived.until, waived.reason);
        value["Note"] =
            json!({"Text": clip(&text, NOTE_CHARS_MAX), "UpdatedBy": "pitcrew", "UpdatedAt": time(report.finished)});
    }
    value
}

fn label(grade: Grade) -> &'static str {
    match grade {
        Grade::Critical => "CRITICAL",
        Grade::High => "HIGH",
        Grade::Medium => "MEDIUM",
        Grade::Low => "LOW",
    }
}

fn title(finding: &Finding) -> String {
    format!("{}: {}", clip(finding.resource.name(), TITLE_CHARS_MAX / 2), finding.title)
}

/// An empty text is refused.
fn filled<'t>(text: &'t str, otherwise: &'t str) -> &'t str {
    if text.trim().is_empty() { otherwise } else { text }
}

/// The words, with the command where both fit; a command that would have to be cut stays in the report.
fn recommendation(finding: &Finding, page: Option<&str>) -> Value {
    let words = filled(&finding.fix.text, &finding.title);
    let whole = finding.fix.command.as_ref().map(|command| format!("{words} {command}"));
    let fits = whole.filter(|whole| whole.chars().count() <= RECOMMENDATION_CHARS_MAX);
    let mut value = json!({"Text": fits.unwrap_or_else(|| clip(words, RECOMMENDATION_CHARS_MAX))});
    if let Some(page) = page {
        value["Url"] = json!(page);
    }
    value
}

fn product_fields(report: &Report, finding: &Finding) -> Value {
    let mut fields = json!({
        "pitcrew/rule": finding.rule,
        "pitcrew/run": clip(&report.run, DETAIL_CHARS_MAX),
        "pitcrew/chapter": clip(&format!("{}: {}", finding.chapter.work, finding.chapter.heading), DETAIL_CHARS_MAX),
        "pitcrew/checked": if finding.checked { "true" } else { "false" },
    });
    if !finding.key.is_empty() {
        fields["pitcrew/key"] = json!(clip(&finding.key, DETAIL_CHARS_MAX));
    }
    fields
}

fn resource(report: &Report, finding: &Finding) -> Value {
    let place = &report.place;
    let (id, kind) = match &finding.resource {
        Resource::Service { arn } => (arn.to_string(), "App Runner service"),
        Resource::Other { kind, id } => (filled(id, "unnamed").to_owned(), kind.as_str()),
        Resource::Account => (format!("AWS::::Account:{}", place.account), "account"),
    };
    json!({
        "Type": if finding.resource == Resource::Account { "AwsAccount" } else { "Other" },
        "Id": clip(&id, ID_CHARS_MAX),
        "Partition": place.partition,
        "Region": place.region,
        "Details": {"Other": {
            "Kind": clip(filled(kind, "unknown"), DETAIL_CHARS_MAX),
            "Name": clip(filled(finding.resource.name(), "unnamed"), DETAIL_CHARS_MAX),
        }},
    })
}

/// With milliseconds, as the format's examples have it.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests;
