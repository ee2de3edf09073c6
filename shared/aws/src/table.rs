//! The state table: what is remembered of a service, read in one call and written in one transaction under its fence.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `SVC#<arn>` | `LEASE` | the fence (`version`), and who wrote last |
//! | | `RELEASES` `CANDIDATE` `INCIDENT` `PIN` `JUDGED` | the memory; `INCIDENT` and `PIN` stand in the index `open` |
//! | | `RECEIPT#<time>#<fence>#<id>` `CLOSED#<incident>` | receipts and closed incidents, 400 days |
//! | `ACCT#<region>` | `PAUSE` `BREAKER` | what holds for the account |
//! | | `INCIDENT#<id>` | where an incident's service is, 400 days |
//! | `DOOR#<region>` | `SWEEP` `SWEEP-DOMAINS` `SWEEP-CERTIFICATES` `SWEEP-ACM` | where a sweep that was cut goes on |
//! | | `QUARANTINE#<id>` | an input that was refused, 30 days |
//! | `DOM#<name>` `CERT#<arn>` | | custom domains and certificates: see [`domains`] |
//! | `OUTBOX#<shard>` | `<time>#<notice>` | one row a notice: see [`pitcrew_core::outbox`] |

pub mod domains;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use pitcrew_core::breaker::Breaker;
use pitcrew_core::id::ServiceArn;
use pitcrew_core::incident::Incident;
use pitcrew_core::ledger::{Candidate, Ledger, Pin};
use pitcrew_core::memory::{AccountState, Judged, Memory, Pause};
use pitcrew_core::outbox::OutboxRow;
use pitcrew_core::receipt::Receipt;
use pitcrew_core::rollback::Record;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::AwsError;

/// How long receipts and closed incidents are kept (R15).
const KEEP_INCIDENTS: SignedDuration = SignedDuration::from_hours(400 * 24);
/// The memory's rows, beside the lease.
const PARTS: [&str; 5] = ["RELEASES", "CANDIDATE", "INCIDENT", "PIN", "JUDGED"];

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The fence of one service, and who wrote last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    version: u64,
    #[serde(default)]
    holder: String,
}

/// Where an incident is to be found, for `pitcrew incidents` and `explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentPointer {
    pub id: String,
    pub service: ServiceArn,
    pub summary: String,
    pub state: String,
    pub opened_at: Timestamp,
}

/// The table and the account and region it is used for.
#[derive(Clone, Debug)]
pub struct Table {
    pub(crate) client: Client,
    pub(crate) name: String,
    region: String,
}

impl Table {
    pub fn new(client: Client, name: impl Into<String>, region: impl Into<String>) -> Self {
        Self { client, name: name.into(), region: region.into() }
    }

    pub(crate) fn account_key(&self) -> String {
        format!("ACCT#{}", self.region)
    }

    /// What every function writes, whatever its subject: apart from the account's rows, so that a role may write here and
    /// cannot pause, or end a pause.
    pub(crate) fn door_key(&self) -> String {
        format!("DOOR#{}", self.region)
    }

    /// What is remembered of a service, and what holds for the account: one strongly consistent call.
    pub async fn load(&self, arn: &ServiceArn) -> Result<(Memory, AccountState), AwsError> {
        let service = service_key(arn);
        let account = self.account_key();
        let of_service = PARTS.into_iter().chain(["LEASE"]).map(|sk| key(&service, sk));
        let of_account = ["PAUSE", "BREAKER"].into_iter().map(|sk| key(&account, sk));
        let items = self.get(of_service.chain(of_account).collect()).await?;
        let lease: Lease = part(&items, &service, "LEASE")?.unwrap_or_default();
        let memory = Memory {
            version: lease.version,
            ledger: part::<Ledger>(&items, &service, "RELEASES")?.unwrap_or_default(),
            candidate: part::<Candidate>(&items, &service, "CANDIDATE")?,
            incident: part::<Incident>(&items, &service, "INCIDENT")?,
            pin: part::<Pin>(&items, &service, "PIN")?,
            judged: part::<Judged>(&items, &service, "JUDGED")?.unwrap_or_default(),
        };
        Ok((memory, account_state(&items, &account)?))
    }

    /// The account's switches alone: read once more between an intent and its call.
    pub async fn load_account(&self) -> Result<AccountState, AwsError> {
        let account = self.account_key();
        let items = self.get(["PAUSE", "BREAKER"].into_iter().map(|sk| key(&account, sk)).collect()).await?;
        account_state(&items, &account)
    }

    async fn get(&self, keys: Vec<Item>) -> Result<Vec<Item>, AwsError> {
        const OPERATION: &str = "dynamodb:BatchGetItem";
        let broken = |error: aws_sdk_dynamodb::error::BuildError| AwsError::broken(OPERATION, error.to_string());
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build().map_err(broken)?;
        let answer = self.client.batch_get_item().request_items(&self.name, wanted).send().await;
        let mut answer = answer.map_err(|error| AwsError::sort(OPERATION, error))?;
        if answer.unprocessed_keys.as_ref().is_some_and(|left| !left.is_empty()) {
            return Err(AwsError::again(OPERATION, "the table is throttled and left rows unread"));
        }
        Ok(answer.responses.as_mut().and_then(|tables| tables.remove(&self.name)).unwrap_or_default())
    }

    /// Writes a record under the fence, in one transaction: the memory's changed rows, the receipt, the outbox. A conflict
    /// means that somebody else wrote meanwhile; nothing was written then.
    pub async fn record(&self, before: &Memory, record: &Record, holder: &str) -> Result<(), AwsError> {
        const OPERATION: &str = "dynamodb:TransactWriteItems";
        let writes = self.writes(before, record, holder)?;
        let token = token(&record.receipt, holder)?;
        let call = self.client.transact_write_items().set_transact_items(Some(writes)).client_request_token(token);
        call.send().await.map(|_| ()).map_err(|error| AwsError::sort(OPERATION, error))
    }

    fn writes(&self, before: &Memory, record: &Record, holder: &str) -> Result<Vec<TransactWriteItem>, AwsError> {
        let after = &record.memory;
        let receipt = &record.receipt;
        let service = receipt.service.as_ref().map(service_key);
        let service =
            service.ok_or_else(|| AwsError::broken("dynamodb:row", "a receipt of a deployment names no service"))?;
        let mut rows = Rows { table: self, writes: Vec::new() };
        rows.fence(&service, before.version, &Lease { version: after.version, holder: holder.to_owned() })?;
        rows.changed(&service, "RELEASES", Some(&before.ledger), Some(&after.ledger))?;
        rows.changed(&service, "CANDIDATE", before.candidate.as_ref(), after.candidate.as_ref())?;
        let since = after.pin.as_ref().map(|pin| format!("{}#{service}", pin.since));
        rows.indexed(&service, "PIN", before.pin.as_ref(), after.pin.as_ref(), since)?;
        rows.changed(&service, "JUDGED", Some(&before.judged), Some(&after.judged))?;
        let opened = after.incident.as_ref().map(|incident| format!("{}#{}", incident.opened_at, incident.id));
        rows.indexed(&service, "INCIDENT", before.incident.as_ref(), after.incident.as_ref(), opened)?;
        let expires = receipt.at + KEEP_INCIDENTS;
        let order = format!("RECEIPT#{}#{:010}#{}", receipt.at, receipt.fence, receipt.id);
        rows.put(&service, &order, receipt, Some(expires))?;
        for incident in [after.incident.as_ref(), record.closed.as_ref()].into_iter().flatten() {
            let pointer = pointer(incident);
            rows.put(&self.account_key(), &format!("INCIDENT#{}", incident.id), &pointer, Some(expires))?;
        }
        if let Some(closed) = &record.closed {
            rows.put(&service, &format!("CLOSED#{}", closed.id), closed, Some(expires))?;
        }
        if let Some(breaker) = &record.breaker {
            rows.breaker(&self.account_key(), breaker)?;
        }
        for notice in &record.notices {
            let row = OutboxRow::new(notice, []);
            rows.item(item(&row)?)?;
        }
        Ok(rows.writes)
    }
}

/// What DynamoDB knows a repeat of the same transaction by, for ten minutes. It is made of what the receipt says, not of its id
/// alone: Lambda tries an event again under the same request id, and by then the decision under the same fence may be another
/// one. The old token with other content would be refused (`IdempotentParameterMismatchException`).
fn token(receipt: &Receipt, holder: &str) -> Result<String, AwsError> {
    token_of(receipt, holder)
}

fn token_of(said: &impl Serialize, holder: &str) -> Result<String, AwsError> {
    let said = serde_json::to_string(said).map_err(|error| AwsError::broken("dynamodb:row", error.to_string()))?;
    let hash = Sha256::new().chain_update(holder).chain_update([0]).chain_update(said).finalize();
    Ok(hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

fn pointer(incident: &Incident) -> IncidentPointer {
    IncidentPointer {
        id: incident.id.clone(),
        service: incident.service.clone(),
        summary: incident.summary.clone(),
        state: incident.state.name().to_owned(),
        opened_at: incident.opened_at,
    }
}

pub(crate) fn service_key(arn: &ServiceArn) -> String {
    format!("SVC#{arn}")
}

pub(crate) fn key(pk: &str, sk: &str) -> Item {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

pub(crate) fn item(value: &impl Serialize) -> Result<Item, AwsError> {
    serde_dynamo::to_item(value).map_err(|error| AwsError::broken("dynamodb:row", error.to_string()))
}

pub(crate) fn read<T: DeserializeOwned>(item: &Item) -> Result<T, AwsError> {
    serde_dynamo::from_item(item.clone()).map_err(|error| {
        let name = |attribute: &str| item.get(attribute).and_then(|v| v.as_s().ok()).cloned().unwrap_or_default();
        AwsError::broken("dynamodb:row", format!("the row {} {} cannot be read: {error}", name("pk"), name("sk")))
    })
}

fn find<'a>(items: &'a [Item], pk: &str, sk: &str) -> Option<&'a Item> {
    let is = |item: &Item, attribute: &str, value: &str| {
        item.get(attribute).and_then(|found| found.as_s().ok()).is_some_and(|found| found == value)
    };
    items.iter().find(|item| is(item, "pk", pk) && is(item, "sk", sk))
}

fn part<T: DeserializeOwned>(items: &[Item], pk: &str, sk: &str) -> Result<Option<T>, AwsError> {
    find(items, pk, sk).map(read).transpose()
}

fn account_state(items: &[Item], account: &str) -> Result<AccountState, AwsError> {
    Ok(AccountState {
        pause: part::<Pause>(items, account, "PAUSE")?,
        breaker: part::<Breaker>(items, account, "BREAKER")?.unwrap_or_default(),
    })
}

/// The writes of one transaction.
struct Rows<'a> {
    table: &'a Table,
    writes: Vec<TransactWriteItem>,
}

impl Rows<'_> {
    fn push_put(&mut self, put: aws_sdk_dynamodb::types::builders::PutBuilder) -> Result<(), AwsError> {
        let put = put.table_name(&self.table.name).build();
        let put = put.map_err(|error| AwsError::broken("dynamodb:row", error.to_string()))?;
        self.writes.push(TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    fn item(&mut self, item: Item) -> Result<(), AwsError> {
        self.push_put(Put::builder().set_item(Some(item)))
    }

    fn put(&mut self, pk: &str, sk: &str, row: &impl Serialize, expires: Option<Timestamp>) -> Result<(), AwsError> {
        let mut item = item(row)?;
        item.extend(key(pk, sk));
        if let Some(expires) = expires {
            item.insert("expires_at".to_owned(), AttributeValue::N(expires.as_second().to_string()));
        }
        self.item(item)
    }

    fn delete(&mut self, pk: &str, sk: &str) -> Result<(), AwsError> {
        let delete = Delete::builder().table_name(&self.table.name).set_key(Some(key(pk, sk))).build();
        let delete = delete.map_err(|error| AwsError::broken("dynamodb:row", error.to_string()))?;
        self.writes.push(TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    fn changed<T: Serialize + PartialEq>(
        &mut self,
        pk: &str,
        sk: &str,
        before: Option<&T>,
        after: Option<&T>,
    ) -> Result<(), AwsError> {
        match after {
            _ if before == after => Ok(()),
            Some(row) => self.put(pk, sk, row, None),
            None => self.delete(pk, sk),
        }
    }

    /// The open incident and the pin stand in the sparse index `open`, under their own name, as long as they are there.
    fn indexed<T: Serialize + PartialEq>(
        &mut self,
        pk: &str,
        sk: &str,
        before: Option<&T>,
        after: Option<&T>,
        order: Option<String>,
    ) -> Result<(), AwsError> {
        match after {
            _ if before == after => Ok(()),
            None => self.delete(pk, sk),
            Some(row) => {
                let mut item = item(row)?;
                item.extend(key(pk, sk));
                item.insert("open_pk".to_owned(), AttributeValue::S(sk.to_owned()));
                item.insert("open_sk".to_owned(), AttributeValue::S(order.unwrap_or_default()));
                self.item(item)
            }
        }
    }

    /// The condition of the whole transaction: the version that was read is still there.
    fn fence(&mut self, pk: &str, seen: u64, lease: &Lease) -> Result<(), AwsError> {
        let mut row = item(lease)?;
        row.extend(key(pk, "LEASE"));
        self.push_put(conditioned_put(row, seen))
    }

    fn breaker(&mut self, pk: &str, breaker: &Breaker) -> Result<(), AwsError> {
        let mut row = item(breaker)?;
        row.extend(key(pk, "BREAKER"));
        self.push_put(conditioned_put(row, breaker.version - 1))
    }
}

/// The condition of a row whose `version` must still be the one that was seen (0: no row), and the value that it compares.
pub(crate) fn conditioned(seen: u64) -> (&'static str, Option<AttributeValue>) {
    match seen {
        0 => ("attribute_not_exists(pk)", None),
        seen => ("#v = :seen", Some(AttributeValue::N(seen.to_string()))),
    }
}

fn conditioned_put(row: Item, seen: u64) -> aws_sdk_dynamodb::types::builders::PutBuilder {
    let (condition, seen) = conditioned(seen);
    let put = Put::builder().set_item(Some(row)).condition_expression(condition);
    match seen {
        Some(seen) => put.expression_attribute_names("#v", "version").expression_attribute_values(":seen", seen),
        None => put,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_has_the_same_token_and_another_decision_another() {
        let receipt = |second: i64| Receipt {
            id: "R-0123456789ab".to_owned(),
            fence: 7,
            at: Timestamp::from_second(1_790_000_000 + second).unwrap(),
            service: ServiceArn::parse("arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123").ok(),
            subject: None,
            operation: None,
            incident: None,
            cause: "sweep".to_owned(),
            saw: Vec::new(),
            rule: "routine".to_owned(),
            decision: "nothing to do".to_owned(),
            did: None,
        };
        let of = |receipt: &Receipt| token(receipt, "5f5ab1a6-2f3e-4f4e-8d0a-000000000001").unwrap();
        assert_eq!(of(&receipt(0)), of(&receipt(0)));
        assert_ne!(of(&receipt(0)), of(&receipt(60)), "Lambda's second try, under the same fence and request id");
        assert!(of(&receipt(0)).len() <= 36, "DynamoDB's longest");
    }
}
