//! What the owner of a shop with a domain does in the stories: links it, looks at it, and gets in his own way.

use std::time::Duration;

use serde_json::{Value, json};

use super::DemoError;
use super::play::Play;
use super::web::{Page, visit};
use crate::faults::Faults;
use crate::gateway::lock;
use crate::history::Entry;
use crate::outside::Behaviour;
use crate::stage::Stage;
use crate::world::World;

/// Minutes that the first deployment of a service may take.
const RUNNING_WITHIN_MINUTES: u64 = 30;
/// How far time moves between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Record sets of a zone, as Route 53 lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records(Vec<Value>);

impl Records {
    /// The set of one name and type.
    pub fn at(stage: &Stage, zone: &str, name: &str, kind: &str) -> Result<Self, DemoError> {
        Self::that(stage, zone, |at, record| at == name && record["Type"] == kind)
    }

    /// Every set at the name or below it.
    pub fn below(stage: &Stage, zone: &str, name: &str) -> Result<Self, DemoError> {
        Self::that(stage, zone, |at, _| at == name || at.ends_with(&format!(".{name}")))
    }

    /// The CNAME that proves exactly this name to the authority.
    pub fn validation_of(stage: &Stage, zone: &str, name: &str) -> Result<Self, DemoError> {
        Self::that(stage, zone, |at, record| {
            record["Type"] == "CNAME" && at.starts_with('_') && at.split_once('.').is_some_and(|(_, of)| of == name)
        })
    }

    fn that(stage: &Stage, zone: &str, is: impl Fn(&str, &Value) -> bool) -> Result<Self, DemoError> {
        let name = |record: &Value| record["Name"].as_str().unwrap_or_default().trim_end_matches('.').to_owned();
        Ok(Self(standing(stage, zone)?.into_iter().filter(|record| is(&name(record), record)).collect()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is one set with this one value.
    pub fn is_value(&self, value: &str) -> bool {
        matches!(self.0.as_slice(), [one] if one["ResourceRecords"] == json!([{"Value": value}]))
    }
}

/// Everything that stands in a zone.
///
/// # Errors
/// What Route 53 answers.
pub fn standing(stage: &Stage, zone: &str) -> Result<Vec<Value>, DemoError> {
    let answer = stage.internal("route53", "ListResourceRecordSets", json!({"HostedZoneId": zone}))?;
    Ok(answer["ResourceRecordSets"].as_array().cloned().unwrap_or_default())
}

impl Play {
    /// Creates the service and waits until it runs.
    ///
    /// # Errors
    /// Where that does not come about.
    pub async fn service(&mut self) -> Result<(), DemoError> {
        self.push("v1", Behaviour::default())?;
        self.create_service()?;
        let arn = self.arn().to_owned();
        for _ in 0..RUNNING_WITHIN_MINUTES {
            self.minutes(1).await?;
            let described = self.stage().internal("apprunner", "DescribeService", json!({"ServiceArn": arn}))?;
            if described["Service"]["Status"] == "RUNNING" {
                return Ok(());
            }
        }
        Err(DemoError::NeverRunning)
    }

    /// Creates a hosted zone that the DNS leads to, with these records of its owner's.
    ///
    /// # Errors
    /// What Route 53 answers.
    pub fn zone(&self, name: &str, records: &[Value]) -> Result<String, DemoError> {
        let made = self.call("route53", "CreateHostedZone", json!({"Name": name, "CallerReference": name}))?;
        let id = made["HostedZone"]["Id"].as_str().unwrap_or_default().trim_start_matches("/hostedzone/").to_owned();
        let changes: Vec<Value> =
            records.iter().map(|record| json!({"Action": "CREATE", "ResourceRecordSet": record})).collect();
        if !changes.is_empty() {
            self.change(&id, changes)?;
        }
        Ok(id)
    }

    fn change(&self, zone: &str, changes: Vec<Value>) -> Result<(), DemoError> {
        let input = json!({"HostedZoneId": zone, "ChangeBatch": {"Changes": changes}});
        self.call("route53", "ChangeResourceRecordSets", input).map(|_| ())
    }

    /// The owner gives a record another value.
    ///
    /// # Errors
    /// What Route 53 answers.
    pub fn replace(&self, zone: &str, record: &Value, value: &str) -> Result<(), DemoError> {
        let mut changed = record.clone();
        changed["ResourceRecords"] = json!([{"Value": value}]);
        self.change(zone, vec![json!({"Action": "UPSERT", "ResourceRecordSet": changed})])
    }

    /// Somebody deletes records.
    ///
    /// # Errors
    /// What Route 53 answers.
    pub fn delete_records(&self, zone: &str, records: &Records) -> Result<(), DemoError> {
        let changes = records.0.iter().map(|record| json!({"Action": "DELETE", "ResourceRecordSet": record}));
        self.change(zone, changes.collect())
    }

    /// Links a domain, as any client would.
    ///
    /// # Errors
    /// What App Runner answers.
    pub fn associate(&self, domain: &str, www: bool) -> Result<(), DemoError> {
        let input = json!({"ServiceArn": self.arn(), "DomainName": domain, "EnableWWWSubdomain": www});
        self.call("apprunner", "AssociateCustomDomain", input).map(|_| ())
    }

    /// Unlinks a domain.
    ///
    /// # Errors
    /// What App Runner answers.
    pub fn disassociate(&self, domain: &str) -> Result<(), DemoError> {
        let input = json!({"ServiceArn": self.arn(), "DomainName": domain});
        self.call("apprunner", "DisassociateCustomDomain", input).map(|_| ())
    }

    /// Deletes the service.
    ///
    /// # Errors
    /// What App Runner answers.
    pub fn delete_service(&self) -> Result<(), DemoError> {
        self.call("apprunner", "DeleteService", json!({"ServiceArn": self.arn()})).map(|_| ())
    }

    /// Gives the service tags.
    ///
    /// # Errors
    /// What App Runner answers.
    pub fn tag(&self, tags: &Value) -> Result<(), DemoError> {
        self.call("apprunner", "TagResource", json!({"ResourceArn": self.arn(), "Tags": tags})).map(|_| ())
    }

    /// From now on every event about a domain gets lost on its way.
    ///
    /// # Errors
    /// Where the fault is none.
    pub fn lose_events(&self) -> Result<(), DemoError> {
        for lost in ["AWS API Call via CloudTrail", "AppRunner Custom Domain Validation Status Update"] {
            let lost = json!({"event": lost, "times": 1_000_000, "do": {"kind": "drop"}});
            let fault = serde_json::from_value(lost).map_err(DemoError::Fault)?;
            lock(self.stage().cloud.world()).faults.order(fault);
        }
        Ok(())
    }

    /// Events arrive again.
    pub fn let_events_through(&self) {
        lock(self.stage().cloud.world()).faults = Faults::default();
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// Where the clock is stuck.
    pub async fn minutes(&self, minutes: u64) -> Result<(), DemoError> {
        self.stage().cloud.advance(Duration::from_secs(minutes * 60)).await?;
        Ok(())
    }

    /// What App Runner says of a domain; `None` where it does not show it.
    ///
    /// # Errors
    /// What App Runner answers.
    pub fn status_of(&self, domain: &str) -> Result<Option<String>, DemoError> {
        let answer = self.stage().internal("apprunner", "DescribeCustomDomains", json!({"ServiceArn": self.arn()}))?;
        let shown = answer["CustomDomains"].as_array().into_iter().flatten().find(|one| one["DomainName"] == domain);
        Ok(shown.and_then(|one| one["Status"].as_str()).map(str::to_owned))
    }

    /// Lets time pass until the domain is active, at most so many minutes.
    ///
    /// # Errors
    /// Where the clock is stuck.
    pub async fn until_active(&self, domain: &str, minutes: u64) -> Result<bool, DemoError> {
        self.until(minutes, async || Ok(self.status_of(domain)?.as_deref() == Some("active"))).await
    }

    /// Lets time pass until a visitor is answered under another certificate than before, at most so many minutes.
    ///
    /// # Errors
    /// Where the clock is stuck.
    pub async fn until_renewed(&self, domain: &str, before: &Page, minutes: u64) -> Result<bool, DemoError> {
        let renewed = async || {
            let now = self.visit(domain).await;
            Ok(now.is_ok_and(|now| now.certificate != before.certificate))
        };
        self.until(minutes, renewed).await
    }

    /// Lets time pass until a visitor is answered, at most so many minutes.
    ///
    /// # Errors
    /// Where the clock is stuck.
    pub async fn until_visited(&self, domain: &str, minutes: u64) -> Result<bool, DemoError> {
        self.until(minutes, async || Ok(self.visit(domain).await.is_ok())).await
    }

    async fn until(&self, minutes: u64, so: impl AsyncFn() -> Result<bool, DemoError>) -> Result<bool, DemoError> {
        for _ in 0..=minutes * 60 / LOOK_EVERY.as_secs() {
            if so().await? {
                return Ok(true);
            }
            self.stage().cloud.advance(LOOK_EVERY).await?;
        }
        Ok(false)
    }

    /// Lets time pass until something with these words was told, at most so many minutes.
    ///
    /// # Errors
    /// Where the clock is stuck.
    pub async fn until_said(&self, words: &str, minutes: u64) -> Result<bool, DemoError> {
        let from = self.from();
        let said = |world: &World| {
            world.history.since(from).iter().any(|entry| {
                let subject = entry.what["input"]["Subject"].as_str().unwrap_or_default();
                entry.what["operation"] == "Publish" && subject.contains(words)
            })
        };
        Ok(self.stage().cloud.run_until(said, Duration::from_secs(minutes * 60)).await?)
    }

    /// A visitor types the domain's name.
    pub async fn visit(&self, domain: &str) -> Result<Page, String> {
        let now = lock(self.stage().cloud.world()).now;
        visit(self.stage().tls, self.stage().tls_root, domain, now).await
    }

    /// The certificate of a domain grows so many days older.
    ///
    /// # Errors
    /// Where there is none.
    pub fn age_certificate(&self, domain: &str, days: i64) -> Result<(), DemoError> {
        self.stage().internal("acm", "_AgeCertificate", json!({"DomainName": domain, "Days": days}))?;
        Ok(())
    }

    /// The certificate of a domain ends now.
    ///
    /// # Errors
    /// Where there is none.
    pub fn expire_certificate(&self, domain: &str) -> Result<(), DemoError> {
        self.stage().internal("acm", "_Expire", json!({"DomainName": domain}))?;
        Ok(())
    }

    /// The history of the story so far.
    pub fn history(&self) -> Vec<Entry> {
        lock(self.stage().cloud.world()).history.since(self.from()).to_vec()
    }
}
