//! The settings of this function, read once at the start.

use std::net::SocketAddr;

use jiff::SignedDuration;
use pitcrew_core::audit::facts::{Place, Policy};
use pitcrew_lambda::settings::{SettingsError, optional, parsed, required};

/// A year: longer than this nobody means.
const HOURS_MAX: u32 = 24 * 366;

/// What the environment says.
#[derive(Clone, Debug)]
pub struct Settings {
    pub place: Place,
    /// `PITCREW_TABLE`
    pub table: String,
    /// `PITCREW_AUDIT_BUCKET`
    pub bucket: String,
    /// `PITCREW_AUDIT_EVERY_HOURS`
    pub every: SignedDuration,
    /// `PITCREW_AUDIT_POLICY`: thresholds as one JSON object; what it leaves out keeps its default.
    pub policy: Policy,
    /// `PITCREW_AUDIT_RULES`: the names of the stack's event rules.
    pub rules: Vec<String>,
    /// `PITCREW_SECURITY_HUB`
    pub security_hub: bool,
    /// `PITCREW_AUDIT_CALLS`: what services may cost in one invocation; without it the time alone ends it.
    pub calls_max: Option<u64>,
    /// `PITCREW_RESOLVER`: another name server than Lambda's.
    pub resolver: Option<SocketAddr>,
}

impl Settings {
    /// # Errors
    /// A required variable is missing, or one is not what it should be; the error says which, and how to mend it.
    pub fn from_env() -> Result<Self, SettingsError> {
        let place = Place {
            partition: optional("PITCREW_PARTITION")?.unwrap_or_else(|| "aws".to_owned()),
            account: required("PITCREW_ACCOUNT")?,
            region: required("AWS_REGION")?,
        };
        Ok(Self {
            place,
            table: required("PITCREW_TABLE")?,
            bucket: required("PITCREW_AUDIT_BUCKET")?,
            every: every(parsed("PITCREW_AUDIT_EVERY_HOURS", 24)?)?,
            policy: policy(optional("PITCREW_AUDIT_POLICY")?.as_deref().unwrap_or("{}"))?,
            rules: names(&optional("PITCREW_AUDIT_RULES")?.unwrap_or_default()),
            security_hub: parsed("PITCREW_SECURITY_HUB", false)
                .map_err(|error| error.mend("set the stack parameter SecurityHub to true or false"))?,
            calls_max: calls(parsed("PITCREW_AUDIT_CALLS", 0)?),
            resolver: optional("PITCREW_RESOLVER")?.map(|text| resolver(&text)).transpose()?,
        })
    }

    /// Where the page is seen by whoever may read the bucket: its object in the console of S3.
    pub fn page(&self, key: &str) -> String {
        let Place { partition, region, .. } = &self.place;
        let host = match partition.as_str() {
            "aws-cn" => "console.amazonaws.cn".to_owned(),
            "aws-us-gov" => "console.amazonaws-us-gov.com".to_owned(),
            _ => format!("{region}.console.aws.amazon.com"),
        };
        format!("https://{host}/s3/object/{}?region={region}&prefix={key}", self.bucket)
    }
}

fn every(hours: u32) -> Result<SignedDuration, SettingsError> {
    match hours {
        1..=HOURS_MAX => Ok(SignedDuration::from_hours(hours.into())),
        _ => Err(SettingsError::wrong("PITCREW_AUDIT_EVERY_HOURS", format!("must be 1 to {HOURS_MAX} hours"))
            .mend("set the stack parameter AuditEveryHours")),
    }
}

/// An unknown name is refused: a threshold that was misspelt would be the default, and nobody would notice.
fn policy(text: &str) -> Result<Policy, SettingsError> {
    serde_json::from_str(text).map_err(|error| {
        let expected = format!("must be a JSON object of thresholds, such as {{\"idle_days\": 60}}: {error}");
        SettingsError::wrong("PITCREW_AUDIT_POLICY", expected).mend("set the stack parameter AuditPolicy")
    })
}

fn names(text: &str) -> Vec<String> {
    text.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn calls(max: u64) -> Option<u64> {
    (max > 0).then_some(max)
}

fn resolver(text: &str) -> Result<SocketAddr, SettingsError> {
    let expected = "must be the address and port of a name server, such as 10.0.0.2:53";
    text.parse().map_err(|_| SettingsError::wrong("PITCREW_RESOLVER", expected))
}

#[cfg(test)]
mod tests {
    use pitcrew_core::render::clean::link_url;

    use super::*;

    #[test]
    fn thresholds_are_taken_one_by_one_and_a_misspelt_one_is_refused() {
        let chosen = policy(r#"{"idle_days": 60, "quotas": {"services": 50}}"#).unwrap();
        assert_eq!((chosen.idle_days, chosen.paused_days), (60, Policy::default().paused_days));
        assert_eq!(policy("{}"), Ok(Policy::default()));
        for wrong in [r#"{"idle_day": 60}"#, r#"{"idle_days": "60"}"#, "60 days", "[]x"] {
            let text = policy(wrong).unwrap_err().to_string();
            assert!(text.contains("PITCREW_AUDIT_POLICY must be a JSON object"), "{text}");
            assert!(text.ends_with("set the stack parameter AuditPolicy"), "{text}");
        }
    }

    #[test]
    fn an_audit_every_hour_to_every_year() {
        assert_eq!(every(24), Ok(SignedDuration::from_hours(24)));
        assert!(every(0).is_err() && every(HOURS_MAX + 1).is_err());
    }

    #[test]
    fn the_link_to_the_page_is_one_that_notices_may_carry() {
        for (partition, region) in [("aws", "eu-west-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")] {
            let place = Place {
                partition: partition.to_owned(),
                account: "123456789012".to_owned(),
                region: region.to_owned(),
            };
            let settings = Settings {
                place,
                table: "t".to_owned(),
                bucket: "pitcrew-audit-1".to_owned(),
                every: SignedDuration::from_hours(24),
                policy: Policy::default(),
                rules: names("a, b,"),
                security_hub: false,
                calls_max: calls(0),
                resolver: None,
            };
            let page = settings.page("index.html");
            assert_eq!(link_url(&page), Some(page.as_str()));
            assert_eq!((settings.rules.len(), settings.calls_max), (2, None));
        }
    }
}
