//! Changes of record sets: one batch, sent once, and its way to all of Route 53's servers.

use aws_sdk_route53::Client;
use aws_sdk_route53::config::Config;
use aws_sdk_route53::error::SdkError;
use aws_sdk_route53::operation::change_resource_record_sets::ChangeResourceRecordSetsError;
use aws_sdk_route53::types as sdk;
use aws_smithy_types::error::operation::BuildError;
use pitcrew_core::dns::plan::Batch;
use pitcrew_core::dns::record::{Change, Data, RecordSet, RecordType};
use pitcrew_core::domain::CallAnswer;

use crate::connect::no_retry;
use crate::error::{AwsError, Kind};

const OPERATION: &str = "route53:ChangeResourceRecordSets";

/// Whether a change is `INSYNC`.
pub async fn in_sync(client: &Client, id: &str) -> Result<bool, AwsError> {
    let answer = client.get_change().id(id).send().await.map_err(|error| AwsError::sort("route53:GetChange", error));
    match answer {
        Ok(answer) => Ok(answer.change_info.is_some_and(|info| info.status == sdk::ChangeStatus::Insync)),
        Err(error) if error.kind == Kind::Missing => Ok(true),
        Err(error) => Err(error),
    }
}

/// Sends a batch. The comment shows people in Route 53 which receipt explains it.
pub async fn apply(client: &Client, batch: &Batch, intent: &str) -> CallAnswer {
    let changes = match written(batch) {
        Ok(changes) => changes,
        Err(message) => return CallAnswer::Refused { code: "not-sent".to_owned(), message },
    };
    let set = sdk::ChangeBatch::builder().set_changes(Some(changes)).comment(format!("pitcrew {intent}")).build();
    let set = match set {
        Ok(set) => set,
        Err(error) => return CallAnswer::Refused { code: "not-sent".to_owned(), message: error.to_string() },
    };
    let call = client.change_resource_record_sets().hosted_zone_id(&batch.zone.id).change_batch(set);
    let call = call.customize().config_override(Config::builder().retry_config(no_retry()));
    match call.send().await {
        Ok(answer) => match answer.change_info {
            Some(info) => CallAnswer::Changed { change: info.id.trim_start_matches("/change/").to_owned() },
            None => CallAnswer::Lost(format!("{OPERATION} was answered without a change")),
        },
        Err(error) => refusal(error),
    }
}

/// The answer to an intent that may have lost a race, until everything was read again: the refusal counts where the same is
/// decided once more.
#[derive(Debug, Default)]
pub struct Doubt(Option<(String, CallAnswer)>);

impl Doubt {
    /// The answer that was doubted, where the same intent is to be called again.
    pub fn confirmed(&mut self, intent: &str) -> Option<CallAnswer> {
        self.0.take_if(|(id, _)| id == intent).map(|(_, answer)| answer)
    }

    /// The answer, unless it is to be doubted: then it is kept, and everything must be read again.
    pub fn weighed(&mut self, intent: &str, answer: CallAnswer) -> Option<CallAnswer> {
        if !lost_race(&answer) {
            return Some(answer);
        }
        tracing::info!(intent, "a batch was refused as such: everything is read again");
        self.0 = Some((intent.to_owned(), answer));
        None
    }
}

/// Whether Route 53 refused a batch as such: what it creates stood already, or what it deletes stood otherwise. Somebody else,
/// often another invocation of ours for a name that shares a proof, may have been faster.
fn lost_race(answer: &CallAnswer) -> bool {
    matches!(answer, CallAnswer::Refused { code, .. } if code == "InvalidChangeBatch")
}

fn refusal(error: SdkError<ChangeResourceRecordSetsError>) -> CallAnswer {
    // Route 53 lists what it does not like of a batch one by one, and leaves the message itself empty.
    let listed = match error.as_service_error() {
        Some(ChangeResourceRecordSetsError::InvalidChangeBatch(invalid)) => invalid.messages().join("; "),
        _ => String::new(),
    };
    let mut error = AwsError::sort(OPERATION, error);
    if !listed.is_empty() {
        error.message = listed;
    }
    error.into_answer()
}

/// The changes as they go out; why not where one is none of those that pitcrew makes.
fn written(batch: &Batch) -> Result<Vec<sdk::Change>, String> {
    batch.changes.iter().map(one).collect()
}

fn one(change: &Change) -> Result<sdk::Change, String> {
    let (action, record) = match change {
        Change::Create(record) => (sdk::ChangeAction::Create, record),
        Change::Delete(record) => (sdk::ChangeAction::Delete, record),
    };
    if !matches!(record.kind, RecordType::A | RecordType::Cname) || record.policy.is_some() {
        return Err(format!("pitcrew changes plain A and CNAME records only, and this is {}", record.words()));
    }
    let set = set(record).map_err(|error| error.to_string())?;
    sdk::Change::builder().action(action).resource_record_set(set).build().map_err(|error| error.to_string())
}

fn set(record: &RecordSet) -> Result<sdk::ResourceRecordSet, BuildError> {
    let set = sdk::ResourceRecordSet::builder().name(record.name.fqdn()).r#type(record.kind.as_str().into());
    match &record.data {
        Data::Values { ttl_secs, values } => {
            let values = values.iter().map(|value| sdk::ResourceRecord::builder().value(value).build());
            let values = values.collect::<Result<_, _>>()?;
            set.ttl(i64::try_from(*ttl_secs).unwrap_or(i64::MAX)).set_resource_records(Some(values)).build()
        }
        Data::Alias { zone, target, evaluate_health } => {
            let alias = sdk::AliasTarget::builder().hosted_zone_id(zone).dns_name(target.fqdn());
            set.alias_target(alias.evaluate_target_health(*evaluate_health).build()?).build()
        }
    }
}

#[cfg(test)]
mod tests {
    use pitcrew_core::dns::facts::ZoneRef;
    use pitcrew_core::dns::name::Name;

    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn batch(changes: Vec<Change>) -> Batch {
        Batch { zone: ZoneRef { id: "Z1".into(), name: name("example.com"), role: None }, changes }
    }

    #[test]
    fn a_batch_goes_out_as_it_was_decided() {
        let cname = RecordSet::cname(name("_a.example.com"), &name("_b.acm-validations.aws"));
        let alias = RecordSet::alias(name("*.example.com"), "Z087", name("x.eu-west-1.awsapprunner.com"));
        let sent = written(&batch(vec![Change::Delete(cname), Change::Create(alias)])).unwrap();
        let sets: Vec<_> = sent.iter().map(|change| change.resource_record_set.clone().unwrap()).collect();
        assert_eq!(sent[0].action, sdk::ChangeAction::Delete);
        assert_eq!((sets[0].name.as_str(), sets[0].ttl), ("_a.example.com.", Some(300)));
        assert_eq!(sets[0].resource_records()[0].value, "_b.acm-validations.aws.");
        assert_eq!(sent[1].action, sdk::ChangeAction::Create);
        let target = sets[1].alias_target.as_ref().unwrap();
        assert_eq!((sets[1].name.as_str(), sets[1].ttl), ("*.example.com.", None));
        assert_eq!((target.dns_name.as_str(), target.evaluate_target_health), ("x.eu-west-1.awsapprunner.com.", true));
    }

    #[test]
    fn a_record_of_another_type_or_under_a_policy_is_never_sent() {
        let cname = RecordSet::cname(name("a.example.com"), &name("b.example.com"));
        let mail = RecordSet { kind: RecordType::Mx, ..cname.clone() };
        let weighted = RecordSet { policy: Some("blue".into()), ..cname };
        for record in [mail, weighted] {
            assert!(written(&batch(vec![Change::Delete(record)])).is_err());
        }
    }
}
