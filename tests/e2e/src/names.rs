//! Custom domains on the stage: zones and what stands in them, links, visitors, and what pitcrew did about it.

use pitcrew_cloud::call::{Call, Caller};
use pitcrew_cloud::demo::web::{Page, visit};
use pitcrew_cloud::gateway::lock;
use pitcrew_cloud::history::Entry;
use serde_json::{Value, json};

use crate::scene::{CERTIFICATES, DOMAINS, Scene, Shop};
use crate::table;

/// A zone of our own invention: App Runner refuses names that are reserved for examples.
pub const ZONE: &str = "harbour-coffee.net";
/// Whose zones are not in pitcrew's account.
pub const OTHER_ACCOUNT: &str = "210987654321";
/// Who owns the other account.
const OTHER_OWNER: &str = "arn:aws:iam::210987654321:role/owner";
/// Minutes in which a domain whose way is free becomes active, by its event or by the sweep.
const ACTIVE_WITHIN_MINUTES: u64 = 30;

/// A record set with one value.
pub fn record(name: &str, kind: &str, value: &str) -> Value {
    json!({"Name": name, "Type": kind, "TTL": 300, "ResourceRecords": [{"Value": value}]})
}

/// The commands that a notice gives.
pub fn commands(notice: &Value) -> Vec<String> {
    let todo = notice["todo"].as_array().into_iter().flatten();
    todo.filter_map(|todo| todo["command"].as_str()).map(str::to_owned).collect()
}

impl Scene {
    /// A stage where pitcrew may take away what it made itself.
    pub async fn set_with_removal() -> Self {
        Self::set_with(|setting| drop(setting.parameters.insert("RemoveRecords".to_owned(), "true".to_owned()))).await
    }

    /// A service that runs, without traffic, alarm or a release that proves itself.
    pub async fn running(&self, name: &str) -> Shop {
        let shop = self.unwatched(name);
        self.until(30, "it runs", |scene| scene.described(&shop)["Status"] == "RUNNING").await;
        shop
    }

    /// A domain whose certificate has expired, with the owner's leave to link it again: its service, its zone, and what stood
    /// there before.
    pub async fn expired(&self, domain: &str) -> (Shop, String, Vec<Value>) {
        let zone = self.zone(ZONE, &[record(ZONE, "TXT", "\"v=spf1 -all\"")]);
        let before = self.records(&zone);
        let shop = self.running("shop-api").await;
        self.associate(&shop, domain, false);
        self.until_finished(&shop, domain).await;
        self.tag(&shop, "pitcrew:relink", "true");
        self.internal("acm", "_Expire", json!({"DomainName": domain}));
        (shop, zone, before)
    }

    /// A hosted zone of ours that the DNS leads to, with these records of its owner's.
    pub fn zone(&self, name: &str, records: &[Value]) -> String {
        let id = self.zone_of("", name, true);
        self.write(&id, "CREATE", records);
        id
    }

    /// A hosted zone of an account (empty: ours), which the DNS leads to or does not.
    pub fn zone_of(&self, account: &str, name: &str, delegate: bool) -> String {
        let input = json!({"Account": account, "Name": name, "Delegate": delegate});
        let made = self.internal("route53", "_CreateZone", input);
        if !account.is_empty() {
            let all = json!({"Statement": [{"Sid": "Own", "Effect": "Allow", "Action": "route53:*", "Resource": "*"}]});
            let set = lock(self.stage.cloud.world()).policies.set(OTHER_OWNER, "own", vec![all]);
            set.expect("a policy that the cloud knows");
        }
        made["HostedZoneId"].as_str().expect("a zone has an id").to_owned()
    }

    /// A role of another account lets pitcrew's two functions into its zones, for these actions on A and CNAME records.
    pub fn open_zones(&self, role: &str, external_id: &str, actions: &[&str]) {
        for function in [DOMAINS, CERTIFICATES] {
            let principal = format!("arn:aws:iam::123456789012:role/{function}-eu-west-1");
            self.internal("sts", "_Trust", json!({"RoleArn": role, "Principal": principal, "ExternalId": external_id}));
        }
        let only = json!({"ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsActions": actions,
            "route53:ChangeResourceRecordSetsRecordTypes": ["A", "CNAME"]}});
        let reads = ["GetHostedZone", "ListHostedZones", "ListResourceRecordSets", "GetChange"];
        let reads = reads.map(|action| format!("route53:{action}"));
        let document = json!({"Statement": [
            {"Sid": "ReadZones", "Effect": "Allow", "Action": reads, "Resource": "*"},
            {"Sid": "WriteRecords", "Effect": "Allow", "Action": "route53:ChangeResourceRecordSets", "Resource": "*",
                "Condition": only},
        ]});
        let set = lock(self.stage.cloud.world()).policies.set(role, "zones", vec![document]);
        set.expect("a policy that the cloud knows");
    }

    /// A call of Route 53 by whoever holds the zone: our account, or the other one.
    fn by_the_holder(&self, operation: &str, input: &Value) -> Value {
        let ours = self.stage.internal("route53", operation, input.clone());
        let answer = ours.or_else(|_| {
            let caller = Caller::Role { role_arn: OTHER_OWNER.to_owned(), actor: "owner".to_owned() };
            let (service, operation, request_id) = ("route53".to_owned(), operation.to_owned(), "owner".to_owned());
            let call = Call { service, operation, input: input.clone(), caller, request_id };
            lock(self.stage.cloud.world()).call(&call)
        });
        answer.expect("the holder's call is taken")
    }

    /// The owner creates, deletes or replaces (`UPSERT`) records.
    pub fn write(&self, zone: &str, action: &str, records: &[Value]) {
        let changes: Vec<Value> =
            records.iter().map(|record| json!({"Action": action, "ResourceRecordSet": record})).collect();
        // Route 53 takes a thousand changes at once.
        for changes in changes.chunks(500) {
            let input = json!({"HostedZoneId": zone, "ChangeBatch": {"Changes": changes}});
            self.by_the_holder("ChangeResourceRecordSets", &input);
        }
    }

    /// Everything that stands in a zone, as Route 53 lists it.
    pub fn records(&self, zone: &str) -> Vec<Value> {
        let (mut all, mut from) = (Vec::new(), json!({"HostedZoneId": zone}));
        loop {
            let page = self.by_the_holder("ListResourceRecordSets", &from);
            all.extend(page["ResourceRecordSets"].as_array().cloned().unwrap_or_default());
            if page["IsTruncated"] != true {
                return all;
            }
            from = json!({
                "HostedZoneId": zone, "StartRecordName": page["NextRecordName"], "StartRecordType": page["NextRecordType"],
            });
            if page["NextRecordIdentifier"].is_string() {
                from["StartRecordIdentifier"] = page["NextRecordIdentifier"].clone();
            }
        }
    }

    /// What stands in a zone now and did not before; fails where anything that stood before does not stand to the byte.
    pub fn added(&self, zone: &str, before: &[Value]) -> Vec<Value> {
        let (lost, added) = self.compared(zone, before);
        assert_eq!(lost, Vec::<Value>::new(), "somebody else's record changed\n{}", self.story());
        added
    }

    fn compared(&self, zone: &str, before: &[Value]) -> (Vec<Value>, Vec<Value>) {
        let now = self.records(zone);
        let lost = before.iter().filter(|record| !now.contains(record)).cloned().collect();
        (lost, now.into_iter().filter(|record| !before.contains(record)).collect())
    }

    /// Somebody asks ACM for a certificate that is proven by DNS; gives its ARN.
    pub fn request_certificate(&self, domain: &str) -> String {
        let made = self.call("acm", "RequestCertificate", json!({"DomainName": domain, "ValidationMethod": "DNS"}));
        made["CertificateArn"].as_str().expect("a certificate has an ARN").to_owned()
    }

    /// What `DescribeCertificate` shows.
    pub fn certificate(&self, arn: &str) -> Value {
        self.internal("acm", "DescribeCertificate", json!({"CertificateArn": arn}))["Certificate"].clone()
    }

    /// The owner of the zone proves a certificate by hand; gives the records.
    pub fn prove(&self, arn: &str, zone: &str) -> Vec<Value> {
        let shown = self.certificate(arn);
        let proofs = shown["DomainValidationOptions"].as_array().into_iter().flatten();
        let proof = |option: &Value| {
            let text =
                |member: &str| option["ResourceRecord"][member].as_str().expect("ACM shows the proof").to_owned();
            record(&text("Name"), "CNAME", &text("Value"))
        };
        let records: Vec<Value> = proofs.map(proof).collect();
        self.write(zone, "CREATE", &records);
        records
    }

    /// Links a domain, as any client would.
    pub fn associate(&self, shop: &Shop, domain: &str, www: bool) {
        let input = json!({"ServiceArn": shop.arn, "DomainName": domain, "EnableWWWSubdomain": www});
        self.call("apprunner", "AssociateCustomDomain", input);
    }

    /// Unlinks a domain.
    pub fn disassociate(&self, shop: &Shop, domain: &str) {
        let input = json!({"ServiceArn": shop.arn, "DomainName": domain});
        self.call("apprunner", "DisassociateCustomDomain", input);
    }

    /// What App Runner shows of a domain; null where it shows none of that name.
    pub fn linked(&self, shop: &Shop, domain: &str) -> Value {
        let answer = self.internal("apprunner", "DescribeCustomDomains", json!({"ServiceArn": shop.arn}));
        let shown = answer["CustomDomains"].as_array().into_iter().flatten();
        shown.into_iter().find(|one| one["DomainName"] == domain).cloned().unwrap_or_default()
    }

    /// The status that App Runner shows; empty where it does not show the domain.
    pub fn status_of(&self, shop: &Shop, domain: &str) -> String {
        self.linked(shop, domain)["Status"].as_str().unwrap_or_default().to_owned()
    }

    /// Lets time pass until the domain is active and pitcrew knows that it is finished.
    pub async fn until_finished(&self, shop: &Shop, domain: &str) {
        self.until(ACTIVE_WITHIN_MINUTES, &format!("{domain} is active"), |scene| {
            scene.status_of(shop, domain) == "active"
        })
        .await;
        self.until(ACTIVE_WITHIN_MINUTES, &format!("{domain} is finished"), |scene| {
            scene.remembered(domain)["finished_at"].is_string()
        })
        .await;
        // What is told goes through the outbox.
        self.minutes(1).await;
    }

    /// Lets time pass until a notice with these words in its headline was told.
    pub async fn until_said(&self, minutes: u64, words: &str) {
        self.until(minutes, &format!("`{words}` is said"), |scene| scene.said(words) > 0).await;
    }

    /// How many notices have these words in their headline.
    pub fn said(&self, words: &str) -> usize {
        let says = |notice: &&Value| notice["headline"].as_str().is_some_and(|headline| headline.contains(words));
        self.notices().iter().filter(says).count()
    }

    /// The only notice with these words in its headline.
    pub fn notice_saying(&self, words: &str) -> Value {
        let all = self.notices();
        let headline = |notice: &Value| notice["headline"].as_str().unwrap_or_default().to_owned();
        let found: Vec<&Value> = all.iter().filter(|notice| headline(notice).contains(words)).collect();
        let told: Vec<String> = all.iter().map(headline).collect();
        assert_eq!(found.len(), 1, "one notice says `{words}`, but these were told: {told:#?}\n{}", self.story());
        found[0].clone()
    }

    /// The headlines of all notices, oldest first.
    pub fn headlines(&self) -> Vec<String> {
        self.notices().iter().map(|notice| notice["headline"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What pitcrew remembers of a domain; null where it does not know it.
    pub fn remembered(&self, domain: &str) -> Value {
        let rows = table::rows(self, &format!("DOM#{domain}"));
        rows.into_iter().find(|row| row["sk"] == "DOMAIN").unwrap_or_default()
    }

    /// The rules of a domain's receipts, oldest first.
    pub fn domain_rules(&self, domain: &str) -> Vec<String> {
        let rows = table::rows(self, &format!("DOM#{domain}"));
        let receipts = rows.iter().filter(|row| row["sk"].as_str().is_some_and(|sk| sk.starts_with("RECEIPT#")));
        receipts.map(|row| row["rule"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The calls of pitcrew that would change records or links, with what came of each, oldest first.
    pub fn attempts(&self, operation: &str) -> Vec<Entry> {
        let is = |entry: &Entry| {
            let by_us = entry.who == DOMAINS || entry.who == CERTIFICATES;
            entry.kind == "call" && by_us && entry.what["operation"] == operation
        };
        self.history().into_iter().filter(is).collect()
    }

    /// Those of them that took effect, whether pitcrew heard of it or not.
    pub fn took_effect(&self, operation: &str) -> usize {
        let took = |entry: &&Entry| {
            entry.what["outcome"]["ok"].is_object() && entry.what["fate"]["kind"].as_str() != Some("kill-before")
        };
        self.attempts(operation).iter().filter(took).count()
    }

    /// How often pitcrew sent Route 53 a batch.
    pub fn batches_sent(&self) -> usize {
        self.attempts("ChangeResourceRecordSets").len()
    }

    /// How the resolver that everybody asks behaves from now on: `up`, `down`, `failing`, `denying`, `lying`.
    pub fn resolver(&self, mood: &str) {
        self.internal("route53", "_Names", json!({"Resolver": mood}));
    }

    /// From now on no event arrives.
    pub fn lose_events(&self) {
        self.fault(json!({"event": "*", "times": 1_000_000, "do": {"kind": "drop"}}));
    }

    /// A visitor types a name; the error is what a browser would complain of.
    pub async fn visit(&self, name: &str) -> Result<Page, String> {
        let now = lock(self.stage.cloud.world()).now;
        visit(self.stage.tls, self.stage.tls_root, name, now).await
    }

    /// A visitor is answered by the service, under a certificate that is valid for the name.
    pub async fn check_visited(&self, name: &str, shop: &Shop) {
        let page = self.visit(name).await.unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.story()));
        assert_eq!(page.status, 200, "{name}");
        assert!(page.body.contains(&shop.name), "{name}: {}", page.body);
    }
}
