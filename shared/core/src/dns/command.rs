//! The one command by which a person makes a batch of changes: `aws route53 change-resource-record-sets`, for a POSIX shell.

use serde_json::{Value, json};

use super::plan::Batch;
use super::record::{Change, Data, RecordSet};

/// The command. `None` where a set is under a routing policy: what was read of it is not enough to delete it exactly.
pub fn change_records(batch: &Batch) -> Option<String> {
    let changes: Option<Vec<Value>> = batch
        .changes
        .iter()
        .map(|change| {
            let action = match change {
                Change::Create(_) => "CREATE",
                Change::Delete(_) => "DELETE",
            };
            Some(json!({ "Action": action, "ResourceRecordSet": record_json(change.record())? }))
        })
        .collect();
    let batch_json = json!({ "Changes": changes? }).to_string();
    let zone = quote(&batch.zone.id);
    Some(format!(
        "aws route53 change-resource-record-sets --hosted-zone-id {zone} --change-batch {}",
        quote(&batch_json)
    ))
}

/// A record set as Route 53 takes it, exactly; `None` under a routing policy.
pub fn record_json(record: &RecordSet) -> Option<Value> {
    if record.policy.is_some() {
        return None;
    }
    let (name, kind) = (record.name.fqdn(), record.kind.as_str());
    Some(match &record.data {
        Data::Values { ttl_secs, values } => {
            let values: Vec<Value> = values.iter().map(|value| json!({ "Value": value })).collect();
            json!({ "Name": name, "Type": kind, "TTL": ttl_secs, "ResourceRecords": values })
        }
        Data::Alias { zone, target, evaluate_health } => {
            let target = target.fqdn();
            let alias = json!({ "HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": evaluate_health });
            json!({ "Name": name, "Type": kind, "AliasTarget": alias })
        }
    })
}

/// One word for a POSIX shell, whatever it holds.
pub fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::facts::ZoneRef;
    use crate::dns::model::{cname, name, values};
    use crate::dns::record::RecordType;

    fn batch(changes: Vec<Change>) -> Batch {
        Batch { zone: ZoneRef { id: "Z1".to_owned(), name: name("example.com"), role: None }, changes }
    }

    #[test]
    fn the_command_deletes_exactly_and_creates_in_one_batch() {
        let alias = RecordSet::alias(name("*.example.com"), "ZALIAS", name("abc.awsapprunner.com"));
        let command = change_records(&batch(vec![
            Change::Delete(cname("_a.example.com", "_old.acm-validations.aws")),
            Change::Create(alias),
        ]));
        let command = command.unwrap();
        let start = "aws route53 change-resource-record-sets --hosted-zone-id Z1 --change-batch '";
        let json: Value =
            serde_json::from_str(command.strip_prefix(start).unwrap().strip_suffix('\'').unwrap()).unwrap();
        let old = json!({ "Name": "_a.example.com.", "Type": "CNAME", "TTL": 300,
            "ResourceRecords": [{ "Value": "_old.acm-validations.aws." }] });
        let new = json!({ "Name": "*.example.com.", "Type": "A", "AliasTarget": {
            "HostedZoneId": "ZALIAS", "DNSName": "abc.awsapprunner.com.", "EvaluateTargetHealth": true } });
        let changes = [
            json!({ "Action": "DELETE", "ResourceRecordSet": old }),
            json!({ "Action": "CREATE", "ResourceRecordSet": new }),
        ];
        assert_eq!(json, json!({ "Changes": changes }));
    }

    #[test]
    fn a_set_under_a_routing_policy_has_no_command() {
        let weighted = RecordSet { policy: Some("blue".to_owned()), ..cname("a.example.com", "b.example.com") };
        assert_eq!(change_records(&batch(vec![Change::Delete(weighted)])), None);
    }

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        let txt = values("example.com", RecordType::Txt, &["\"it's $(rm -rf /) `x` \\\"\""]);
        let command = change_records(&batch(vec![Change::Delete(txt)])).unwrap();
        let word = command.split_once("--change-batch ").unwrap().1;
        let inside = word.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
        assert!(!inside.replace(r"'\''", "").contains('\''), "{command}");
        let json: Value = serde_json::from_str(&inside.replace(r"'\''", "'")).unwrap();
        let value = &json["Changes"][0]["ResourceRecordSet"]["ResourceRecords"][0]["Value"];
        assert_eq!(value, "\"it's $(rm -rf /) `x` \\\"\"");
    }

    #[test]
    fn a_plain_word_needs_no_quotes_and_an_empty_one_does() {
        assert_eq!(quote("arn:aws:acm:eu-west-1:1:certificate/a-b"), "arn:aws:acm:eu-west-1:1:certificate/a-b");
        assert_eq!([quote(""), quote("a b"), quote("a'b")], ["''", "'a b'", r"'a'\''b'"]);
    }
}
