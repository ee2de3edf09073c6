//! One finding: what the service takes, and what it makes of it.
//!
//! The words of a refusal are those that users report; which member it names is ours. Limits follow the user guide and the API
//! reference of `AwsSecurityFinding`; the model itself has none of them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::Place;
use crate::shape::{items, text};

use super::product_arn;

/// Bytes of one finding.
const BYTES_MAX: usize = 240 * 1024;
const RESOURCES_MAX: usize = 32;
const TYPES_MAX: usize = 50;
/// Characters, by the path of the member.
const LENGTHS_MAX: [(&str, usize); 9] = [
    ("/Id", 512),
    ("/GeneratorId", 512),
    ("/Title", 256),
    ("/Description", 1024),
    ("/ProductName", 128),
    ("/CompanyName", 128),
    ("/Remediation/Recommendation/Text", 512),
    ("/Severity/Original", 64),
    ("/Note/Text", 512),
];
const TIMES: [&str; 4] = ["CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt"];
/// What an update leaves as the customer set it.
const OF_THE_CUSTOMER: [&str; 5] = ["Note", "UserDefinedFields", "VerificationState", "Workflow", "WorkflowState"];

/// `2026-01-05T09:00:00.000Z`, the form of every time in a finding.
pub fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `/Remediation/Recommendation/Text` as a refusal writes it: `data.Remediation.Recommendation.Text`.
fn dotted(path: &str) -> String {
    format!("data{}", path.replace('/', "."))
}

fn wrong(what: impl AsRef<str>) -> String {
    format!("Finding does not adhere to Amazon Finding Format. {}.", what.as_ref())
}

/// Why the service does not take the finding. That the members which the model requires are there was checked before.
pub fn check(finding: &Value) -> Result<(), String> {
    if finding.to_string().len() > BYTES_MAX {
        return Err(wrong(format!("data should NOT be larger than {BYTES_MAX} bytes")));
    }
    if finding["SchemaVersion"] != "2018-10-08" {
        return Err(wrong("data.SchemaVersion should be equal to one of the allowed values"));
    }
    for (path, most) in LENGTHS_MAX {
        let length = finding.pointer(path).and_then(Value::as_str).map_or(0, |text| text.chars().count());
        if length > most {
            return Err(wrong(format!("{} should NOT be longer than {most} characters", dotted(path))));
        }
    }
    for member in TIMES {
        if let Some(given) = text(finding, member).filter(|given| given.parse::<Timestamp>().is_err()) {
            return Err(wrong(format!("data.{member} should match format \"date-time\", and `{given}` does not")));
        }
    }
    check_resources(finding)?;
    check_types(finding)?;
    check_severity(finding)
}

fn check_resources(finding: &Value) -> Result<(), String> {
    let resources: Vec<&Value> = items(finding, "Resources").collect();
    if resources.is_empty() {
        return Err(wrong("data.Resources should NOT have fewer than 1 items"));
    }
    if resources.len() > RESOURCES_MAX {
        return Err(wrong(format!("data.Resources should NOT have more than {RESOURCES_MAX} items")));
    }
    for (index, resource) in resources.into_iter().enumerate() {
        for (member, most) in [("Id", 512), ("Type", 256)] {
            let length = text(resource, member).map_or(0, |text| text.chars().count());
            if length > most {
                return Err(wrong(format!(
                    "data.Resources[{index}].{member} should NOT be longer than {most} characters"
                )));
            }
        }
    }
    Ok(())
}

/// `namespace/category/classifier`, of which the first is enough.
fn check_types(finding: &Value) -> Result<(), String> {
    let of_provider = finding.get("FindingProviderFields").unwrap_or(&Value::Null);
    for (place, holder) in [("data", finding), ("data.FindingProviderFields", of_provider)] {
        if items(holder, "Types").count() > TYPES_MAX {
            return Err(wrong(format!("{place}.Types should NOT have more than {TYPES_MAX} items")));
        }
        for (index, given) in items(holder, "Types").enumerate() {
            let parts: Vec<&str> = given.as_str().unwrap_or_default().split('/').collect();
            if parts.len() > 3 || parts.iter().any(|part| part.is_empty()) {
                let pattern = "^([^/]+)(/[^/]+){0,2}$";
                return Err(wrong(format!("{place}.Types[{index}] should match pattern \"{pattern}\"")));
            }
        }
    }
    Ok(())
}

fn check_severity(finding: &Value) -> Result<(), String> {
    let given = finding.pointer("/FindingProviderFields/Severity").or_else(|| finding.get("Severity"));
    let Some(severity) = given.filter(|given| given.is_object()) else {
        return Err(wrong(
            "data should have required property 'FindingProviderFields', data should match some schema in anyOf",
        ));
    };
    let normalized = severity.get("Normalized").and_then(Value::as_i64);
    if normalized.is_some_and(|normalized| !(0..=100).contains(&normalized)) {
        return Err(wrong("data.Severity.Normalized should be <= 100"));
    }
    if text(severity, "Label").is_none() && normalized.is_none() {
        return Err(wrong(
            "data.Severity should have required property 'Label', data.Severity should match some schema in anyOf",
        ));
    }
    Ok(())
}

/// Whether the update's `UpdatedAt` is later than that of what is there.
pub fn is_later(update: &Value, before: &Value) -> bool {
    let at = |finding: &Value| text(finding, "UpdatedAt").and_then(|text| text.parse::<Timestamp>().ok());
    at(update) > at(before)
}

/// Label and number of a severity, each from the other (API reference, `Severity`).
fn both(severity: &Value) -> (String, i64) {
    match (text(severity, "Label"), severity.get("Normalized").and_then(Value::as_i64)) {
        (Some(label), _) => {
            let number = match label {
                "CRITICAL" => 90,
                "HIGH" => 70,
                "MEDIUM" => 40,
                "LOW" => 1,
                _ => 0,
            };
            (label.to_owned(), number)
        }
        (None, number) => {
            let number = number.unwrap_or_default();
            let label = match number {
                90.. => "CRITICAL",
                70..=89 => "HIGH",
                40..=69 => "MEDIUM",
                1..=39 => "LOW",
                _ => "INFORMATIONAL",
            };
            (label.to_owned(), number)
        }
    }
}

/// The finding as it is kept: with what the service adds, and with what a customer had set before.
pub fn completed(place: &Place, now: Timestamp, given: &Value, before: Option<&Value>) -> Value {
    let mut whole = given.as_object().cloned().unwrap_or_default();
    let of_provider = given.pointer("/FindingProviderFields/Severity").or_else(|| given.get("Severity"));
    let (label, number) = both(of_provider.unwrap_or(&Value::Null));
    let mut severity = Map::new();
    if let Some(original) = of_provider.and_then(|severity| text(severity, "Original")) {
        severity.insert("Original".to_owned(), json!(original));
    }
    severity.insert("Label".to_owned(), json!(label));
    let types = given.pointer("/FindingProviderFields/Types").or_else(|| given.get("Types")).cloned();
    let mut provider = given.get("FindingProviderFields").and_then(Value::as_object).cloned().unwrap_or_default();
    provider.insert("Severity".to_owned(), Value::Object(severity.clone()));
    severity.insert("Normalized".to_owned(), json!(number));
    if let Some(types) = types {
        provider.insert("Types".to_owned(), types.clone());
        whole.insert("Types".to_owned(), types);
    }
    whole.insert("Severity".to_owned(), Value::Object(severity));
    whole.insert("FindingProviderFields".to_owned(), Value::Object(provider));
    let names = [("ProductName", "Default"), ("CompanyName", "Personal")];
    let mut fields = given.get("ProductFields").and_then(Value::as_object).cloned().unwrap_or_default();
    for (member, default) in names {
        let name = whole.entry(member).or_insert_with(|| json!(default)).clone();
        fields.insert(format!("aws/securityhub/{member}"), name);
    }
    let id = format!("{}/{}", product_arn(place), text(given, "Id").unwrap_or_default());
    fields.insert("aws/securityhub/FindingId".to_owned(), json!(id));
    whole.insert("ProductFields".to_owned(), Value::Object(fields));
    whole.insert("ProcessedAt".to_owned(), json!(iso(now)));
    whole.entry("Region").or_insert_with(|| json!(place.region));
    whole.entry("RecordState").or_insert_with(|| json!("ACTIVE"));
    whole.entry("Workflow").or_insert_with(|| json!({"Status": "NEW"}));
    whole.entry("WorkflowState").or_insert_with(|| json!("NEW"));
    for member in OF_THE_CUSTOMER {
        if let Some(before) = before {
            match before.get(member) {
                Some(kept) => whole.insert(member.to_owned(), kept.clone()),
                None => whole.remove(member),
            };
        }
    }
    Value::Object(whole)
}
