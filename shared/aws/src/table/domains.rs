//! The rows of custom domains and of certificates: one row a subject, which is its own fence.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `DOM#<name>` | `DOMAIN` | the memory with its `version`; stands in the index `open` under `DOMAIN`, by service and name |
//! | `CERT#<arn>` | `CERTIFICATE` | the memory with its `version` |
//! | either | `RECEIPT#<time>#<fence>#<id>` | receipts, 400 days |

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use pitcrew_core::certificate::acm::{self, AcmMemory};
use pitcrew_core::dns::name::Name;
use pitcrew_core::domain::{self, DomainMemory};
use pitcrew_core::id::ServiceArn;
use pitcrew_core::memory::Pause;
use pitcrew_core::notice::Notice;
use pitcrew_core::outbox::OutboxRow;
use pitcrew_core::receipt::Receipt;
use serde::Serialize;

use super::{Item, KEEP_INCIDENTS, Rows, Table, conditioned, conditioned_put, find, item, key, part, read, token_of};
use crate::error::AwsError;

const DOMAIN: &str = "DOMAIN";
const CERTIFICATE: &str = "CERTIFICATE";
/// The most that DynamoDB takes in one call. A service has five domains; one that is gone may have left more.
const BATCH_KEYS_MAX: usize = 100;
/// Pages of the index: about 500 domains each.
const REMEMBERED_PAGES_MAX: usize = 100;

/// A domain that has a memory, and the service it is, or was, linked to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remembered {
    pub service: ServiceArn,
    pub name: Name,
}

/// What is remembered of each domain that was asked for. One row that cannot be read does not hide the others.
pub type Domains = BTreeMap<Name, Result<DomainMemory, AwsError>>;

/// One write of a subject under its fence.
struct Fenced<'a> {
    pk: &'a str,
    sk: &'a str,
    /// The version that was read; 0: no row.
    seen: u64,
    /// The row as it is to be; `None`: it goes.
    row: Option<Item>,
    receipt: Option<&'a Receipt>,
    notices: &'a [Notice],
}

impl Table {
    /// What is remembered of these domains, and whether the account is paused, strongly consistent: one call for up to
    /// 99 domains.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn load_domains(&self, names: &[Name]) -> Result<(Domains, Option<Pause>), AwsError> {
        let account = self.account_key();
        let keys = names.iter().map(|name| key(&domain_key(name), DOMAIN)).chain([key(&account, "PAUSE")]);
        let keys: Vec<Item> = keys.collect();
        let mut items = Vec::new();
        for keys in keys.chunks(BATCH_KEYS_MAX) {
            items.extend(self.get(keys.to_vec()).await?);
        }
        let memory =
            |name: &Name| part::<DomainMemory>(&items, &domain_key(name), DOMAIN).map(Option::unwrap_or_default);
        let domains = names.iter().map(|name| (name.clone(), memory(name))).collect();
        Ok((domains, part(&items, &account, "PAUSE")?))
    }

    /// Whether the account is paused: read once more between an intent and its call.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn load_pause(&self) -> Result<Option<Pause>, AwsError> {
        let account = self.account_key();
        part(&self.get(vec![key(&account, "PAUSE")]).await?, &account, "PAUSE")
    }

    /// Writes a record of a domain under its fence, in one transaction: the row, the receipt, the outbox. Gives the memory as
    /// it stands then. A conflict means that somebody else wrote meanwhile; nothing was written then.
    ///
    /// # Errors
    /// The table refuses, or its answer was lost.
    pub async fn record_domain(
        &self,
        at: &Remembered,
        before: &DomainMemory,
        record: &domain::Record,
        holder: &str,
    ) -> Result<DomainMemory, AwsError> {
        let after = record.memory.clone().map(|memory| DomainMemory { version: before.version + 1, ..memory });
        let row = after.as_ref().map(|memory| {
            let mut row = item(memory)?;
            let service = memory.link.as_ref().map_or(&at.service, |link| &link.service);
            row.insert("open_pk".to_owned(), AttributeValue::S(DOMAIN.to_owned()));
            row.insert("open_sk".to_owned(), AttributeValue::S(format!("{service}#{}", at.name)));
            Ok::<_, AwsError>(row)
        });
        let pk = domain_key(&at.name);
        let (receipt, notices) = (record.receipt.as_ref(), record.notices.as_slice());
        let write = Fenced { pk: &pk, sk: DOMAIN, seen: before.version, row: row.transpose()?, receipt, notices };
        self.write(write, &after, holder).await?;
        Ok(after.unwrap_or_default())
    }

    /// The domains that have a memory: all, or those of one service. By the index, so a row of a moment ago may be missing.
    ///
    /// # Errors
    /// The index cannot be read.
    pub async fn remembered_domains(&self, service: Option<&ServiceArn>) -> Result<Vec<Remembered>, AwsError> {
        let mut found = Vec::new();
        let mut start: Option<Item> = None;
        for _ in 0..REMEMBERED_PAGES_MAX {
            let call =
                self.client.query().table_name(&self.name).index_name("open").set_exclusive_start_key(start.take());
            let call = call.expression_attribute_values(":domain", AttributeValue::S(DOMAIN.to_owned()));
            let call = match service {
                Some(service) => call
                    .key_condition_expression("open_pk = :domain AND begins_with(open_sk, :service)")
                    .expression_attribute_values(":service", AttributeValue::S(format!("{service}#"))),
                None => call.key_condition_expression("open_pk = :domain"),
            };
            let page = call.send().await.map_err(|error| AwsError::sort("dynamodb:Query", error))?;
            found.extend(page.items.unwrap_or_default().iter().filter_map(remembered));
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
        Err(AwsError::broken("dynamodb:Query", format!("more than {REMEMBERED_PAGES_MAX} pages of domains")))
    }

    /// The receipts of a domain, newest first, at most `limit`.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn domain_receipts(&self, name: &Name, limit: usize) -> Result<Vec<Receipt>, AwsError> {
        self.query(&domain_key(name), "RECEIPT#", limit).await
    }

    /// What is remembered of a certificate of ACM, and whether the account is paused.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn load_certificate(&self, arn: &str) -> Result<(AcmMemory, Option<Pause>), AwsError> {
        let (certificate, account) = (certificate_key(arn), self.account_key());
        let items = self.get(vec![key(&certificate, CERTIFICATE), key(&account, "PAUSE")]).await?;
        let memory = find(&items, &certificate, CERTIFICATE).map(read).transpose()?.unwrap_or_default();
        Ok((memory, part(&items, &account, "PAUSE")?))
    }

    /// Writes a record of a certificate, as [`Table::record_domain`] does for a domain.
    ///
    /// # Errors
    /// The table refuses, or its answer was lost.
    pub async fn record_certificate(
        &self,
        arn: &str,
        before: &AcmMemory,
        record: &acm::Record,
        holder: &str,
    ) -> Result<AcmMemory, AwsError> {
        let after = record.memory.clone().map(|memory| AcmMemory { version: before.version + 1, ..memory });
        let (pk, row) = (certificate_key(arn), after.as_ref().map(item).transpose()?);
        let (receipt, notices) = (record.receipt.as_ref(), record.notices.as_slice());
        let write = Fenced { pk: &pk, sk: CERTIFICATE, seen: before.version, row, receipt, notices };
        self.write(write, &after, holder).await?;
        Ok(after.unwrap_or_default())
    }

    /// The receipts of a certificate of ACM, newest first, at most `limit`.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn certificate_receipts(&self, arn: &str, limit: usize) -> Result<Vec<Receipt>, AwsError> {
        self.query(&certificate_key(arn), "RECEIPT#", limit).await
    }

    async fn write(&self, write: Fenced<'_>, after: &impl Serialize, holder: &str) -> Result<(), AwsError> {
        const OPERATION: &str = "dynamodb:TransactWriteItems";
        // Without a receipt the row itself says which decision it is: see `token_of`.
        let token = token_of(&(write.pk, write.receipt, after), holder)?;
        let writes = self.fenced(write)?;
        if writes.is_empty() {
            return Ok(());
        }
        let call = self.client.transact_write_items().set_transact_items(Some(writes)).client_request_token(token);
        call.send().await.map(|_| ()).map_err(|error| AwsError::sort(OPERATION, error))
    }

    fn fenced(&self, write: Fenced<'_>) -> Result<Vec<TransactWriteItem>, AwsError> {
        let mut rows = Rows { table: self, writes: Vec::new() };
        match write.row {
            Some(mut row) => {
                row.extend(key(write.pk, write.sk));
                rows.push_put(conditioned_put(row, write.seen))?;
            }
            None if write.seen > 0 => rows.delete_fenced(write.pk, write.sk, write.seen)?,
            // There was no row and there is none.
            None => {}
        }
        if let Some(receipt) = write.receipt {
            let order = format!("RECEIPT#{}#{:010}#{}", receipt.at, receipt.fence, receipt.id);
            rows.put(write.pk, &order, receipt, Some(receipt.at + KEEP_INCIDENTS))?;
        }
        for notice in write.notices {
            rows.item(item(&OutboxRow::new(notice, []))?)?;
        }
        Ok(rows.writes)
    }
}

impl Rows<'_> {
    fn delete_fenced(&mut self, pk: &str, sk: &str, seen: u64) -> Result<(), AwsError> {
        let (condition, value) = conditioned(seen);
        let delete = Delete::builder().table_name(&self.table.name).set_key(Some(key(pk, sk)));
        let delete = delete.condition_expression(condition).expression_attribute_names("#v", "version");
        let delete = delete.set_expression_attribute_values(value.map(|value| [(":seen".to_owned(), value)].into()));
        let delete = delete.build().map_err(|error| AwsError::broken("dynamodb:row", error.to_string()))?;
        self.writes.push(TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }
}

fn domain_key(name: &Name) -> String {
    format!("DOM#{name}")
}

fn certificate_key(arn: &str) -> String {
    format!("CERT#{arn}")
}

/// The domain of a row, by its keys alone.
fn remembered(row: &Item) -> Option<Remembered> {
    let (service, name) = row.get("open_sk")?.as_s().ok()?.split_once('#')?;
    Some(Remembered { service: ServiceArn::parse(service).ok()?, name: Name::parse(name).ok()? })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Client;
    use pitcrew_core::step::Then;

    use super::*;

    const ARN: &str = "arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123";

    fn table() -> Table {
        let config = crate::connect::sdk_config_at("http://127.0.0.1:1", "eu-west-1", "key", "secret");
        Table::new(Client::new(&config), "pitcrew", "eu-west-1")
    }

    fn writes(seen: u64, row: Option<DomainMemory>) -> Vec<TransactWriteItem> {
        let row = row.map(|row| item(&row).unwrap());
        let write = Fenced { pk: "DOM#shop.example.com", sk: DOMAIN, seen, row, receipt: None, notices: &[] };
        table().fenced(write).unwrap()
    }

    #[test]
    fn a_row_is_written_over_the_version_that_was_read_and_no_other() {
        let first = writes(0, Some(DomainMemory::default()));
        assert_eq!(first[0].put().unwrap().condition_expression(), Some("attribute_not_exists(pk)"));
        let later = writes(7, Some(DomainMemory::default()));
        let put = later[0].put().unwrap();
        assert_eq!(put.condition_expression(), Some("#v = :seen"));
        assert_eq!(put.expression_attribute_values().unwrap()[":seen"], AttributeValue::N("7".to_owned()));
    }

    #[test]
    fn a_row_goes_under_its_fence_and_where_there_is_none_nothing_is_written() {
        let writes_of_seven = writes(7, None);
        let delete = writes_of_seven[0].delete().unwrap();
        assert_eq!(delete.condition_expression(), Some("#v = :seen"));
        assert_eq!(delete.expression_attribute_values().unwrap()[":seen"], AttributeValue::N("7".to_owned()));
        assert_eq!(delete.key(), &key("DOM#shop.example.com", DOMAIN));
        assert!(writes(0, None).is_empty());
    }

    #[tokio::test]
    async fn a_decision_that_changes_no_row_needs_no_call() {
        let at =
            Remembered { service: ServiceArn::parse(ARN).unwrap(), name: Name::parse("shop.example.com").unwrap() };
        let then = Then::Stop { wake_after_secs: None };
        let record = domain::Record { memory: None, notices: Vec::new(), receipt: None, then };
        let after = table().record_domain(&at, &DomainMemory::default(), &record, "me").await;
        assert_eq!(after.unwrap(), DomainMemory::default(), "nobody listens at the table's address");
    }

    #[test]
    fn a_row_of_the_index_names_service_and_domain() {
        let row = |sk: &str| Item::from([("open_sk".to_owned(), AttributeValue::S(sk.to_owned()))]);
        let expected =
            Remembered { service: ServiceArn::parse(ARN).unwrap(), name: Name::parse("*.example.com").unwrap() };
        assert_eq!(remembered(&row(&format!("{ARN}#*.example.com"))), Some(expected));
        assert_eq!((remembered(&row("shop#a.example.com")), remembered(&row(ARN))), (None, None));
    }

    #[test]
    fn a_memory_comes_back_from_its_row_as_it_went_in() {
        let memory =
            DomainMemory { version: 3, told: [("zone".to_owned(), "none".to_owned())].into(), ..Default::default() };
        let mut row = item(&memory).unwrap();
        row.extend(key("DOM#a", DOMAIN));
        row.insert("open_pk".to_owned(), AttributeValue::S(DOMAIN.to_owned()));
        assert_eq!(read::<DomainMemory>(&row).unwrap(), memory);
    }
}
