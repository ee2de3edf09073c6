//! The account's rows of the state table, and what the operator's command reads: pauses, the breaker, incidents, receipts,
//! refused inputs.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use pitcrew_core::breaker::Breaker;
use pitcrew_core::id::ServiceArn;
use pitcrew_core::incident::Incident;
use pitcrew_core::ledger::Pin;
use pitcrew_core::memory::Pause;
use pitcrew_core::receipt::Receipt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{AwsError, Kind};
use crate::table::{IncidentPointer, Item, Table, conditioned, item, key, read, service_key};

/// How long a refused input is kept: longer than any redelivery (R15).
const KEEP_QUARANTINE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Pages that one listing reads at the most.
const PAGES_MAX: usize = 50;

/// The sweeps, each of which goes on by itself where it was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    Deployments,
    Domains,
    /// Over the domains, by the function that shakes hands with them.
    Certificates,
    /// Over the account's own certificates.
    Acm,
}

impl Sweep {
    fn row(self) -> &'static str {
        match self {
            Self::Deployments => "SWEEP",
            Self::Domains => "SWEEP-DOMAINS",
            Self::Certificates => "SWEEP-CERTIFICATES",
            Self::Acm => "SWEEP-ACM",
        }
    }
}

/// An input that was refused: kept once, counted every time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    pub reason: String,
    /// The beginning of the input, without control characters.
    pub excerpt: String,
    pub at: Timestamp,
}

/// The service of a row, by its key.
fn service_of(row: &Item) -> Option<ServiceArn> {
    let pk = row.get("pk").and_then(|pk| pk.as_s().ok()).and_then(|pk| pk.strip_prefix("SVC#"));
    pk.and_then(|arn| ServiceArn::parse(arn).ok())
}

impl Table {
    /// Keeps a refused input; says whether it is new.
    pub async fn quarantine(&self, id: &str, input: &Quarantined) -> Result<bool, AwsError> {
        let mut row = item(input)?;
        row.extend(key(&self.door_key(), &format!("QUARANTINE#{id}")));
        let expires = (input.at + KEEP_QUARANTINE).as_second();
        row.insert("expires_at".to_owned(), AttributeValue::N(expires.to_string()));
        let call = self.client.put_item().table_name(&self.name).set_item(Some(row));
        let call = call.condition_expression("attribute_not_exists(pk)");
        match call.send().await.map_err(|error| AwsError::sort("dynamodb:PutItem", error)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Remembers how many services the sweep counted, where that changed.
    pub async fn set_fleet(&self, fleet: usize) -> Result<(), AwsError> {
        let breaker = self.load_account().await?.breaker;
        if breaker.fleet == fleet {
            return Ok(());
        }
        match self.put_breaker(&Breaker { version: breaker.version + 1, fleet, ..breaker }).await {
            // A rollback was counted meanwhile: the next sweep writes the number.
            Err(error) if error.kind == Kind::Conflict => Ok(()),
            outcome => outcome,
        }
    }

    /// Closes the breaker.
    pub async fn clear_breaker(&self) -> Result<Breaker, AwsError> {
        let mut breaker = self.load_account().await?.breaker;
        breaker.clear();
        self.put_breaker(&breaker).await?;
        Ok(breaker)
    }

    async fn put_breaker(&self, breaker: &Breaker) -> Result<(), AwsError> {
        let mut row = item(breaker)?;
        row.extend(key(&self.account_key(), "BREAKER"));
        let (condition, seen) = conditioned(breaker.version - 1);
        let call = self.client.put_item().table_name(&self.name).set_item(Some(row)).condition_expression(condition);
        let call = match seen {
            Some(seen) => call.expression_attribute_names("#v", "version").expression_attribute_values(":seen", seen),
            None => call,
        };
        call.send().await.map(|_| ()).map_err(|error| AwsError::sort("dynamodb:PutItem", error))
    }

    /// Stops all writes of pitcrew in this account and region.
    pub async fn pause(&self, pause: &Pause) -> Result<(), AwsError> {
        let mut row = item(pause)?;
        row.extend(key(&self.account_key(), "PAUSE"));
        let call = self.client.put_item().table_name(&self.name).set_item(Some(row));
        call.send().await.map(|_| ()).map_err(|error| AwsError::sort("dynamodb:PutItem", error))
    }

    /// Ends a pause; says whether there was one.
    pub async fn resume(&self) -> Result<bool, AwsError> {
        let call = self.client.delete_item().table_name(&self.name).set_key(Some(key(&self.account_key(), "PAUSE")));
        let call = call.return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld);
        let answer = call.send().await.map_err(|error| AwsError::sort("dynamodb:DeleteItem", error))?;
        Ok(answer.attributes.is_some_and(|old| !old.is_empty()))
    }

    /// The incidents that are open, oldest first, at most `limit`.
    pub async fn open_incidents(&self, limit: i32) -> Result<Vec<Incident>, AwsError> {
        let call = self.client.query().table_name(&self.name).index_name("open").limit(limit);
        let call = call.key_condition_expression("open_pk = :open");
        let call = call.expression_attribute_values(":open", AttributeValue::S("INCIDENT".to_owned()));
        let answer = call.send().await.map_err(|error| AwsError::sort("dynamodb:Query", error))?;
        answer.items.unwrap_or_default().iter().map(read).collect()
    }

    /// The services that an open incident or a pin hangs on. Only the keys are read: one row that cannot be read must not hide
    /// the others.
    pub async fn services_in_hand(&self) -> Result<Vec<ServiceArn>, AwsError> {
        let mut services = Vec::new();
        for what in ["INCIDENT", "PIN"] {
            let call = self.client.query().table_name(&self.name).index_name("open");
            let call = call.key_condition_expression("open_pk = :what");
            let call = call.expression_attribute_values(":what", AttributeValue::S(what.to_owned()));
            let answer = call.send().await.map_err(|error| AwsError::sort("dynamodb:Query", error))?;
            services.extend(answer.items.unwrap_or_default().iter().filter_map(service_of));
        }
        Ok(services)
    }

    /// The services that a rollback pinned, with what they are to get back.
    pub async fn pinned_services(&self) -> Result<Vec<(ServiceArn, Pin)>, AwsError> {
        let call = self.client.query().table_name(&self.name).index_name("open");
        let call = call.key_condition_expression("open_pk = :pin");
        let call = call.expression_attribute_values(":pin", AttributeValue::S("PIN".to_owned()));
        let answer = call.send().await.map_err(|error| AwsError::sort("dynamodb:Query", error))?;
        let pinned = |row: &Item| {
            let arn = service_of(row).ok_or_else(|| AwsError::broken("dynamodb:row", "a PIN row names no service"))?;
            Ok((arn, read::<Pin>(row)?))
        };
        answer.items.unwrap_or_default().iter().map(pinned).collect()
    }

    /// Where the last sweep of this kind was cut; `None` where it came to its end.
    pub async fn sweep_cursor(&self, sweep: Sweep) -> Result<Option<String>, AwsError> {
        let key = key(&self.door_key(), sweep.row());
        let call = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        let answer = call.send().await.map_err(|error| AwsError::sort("dynamodb:GetItem", error))?;
        Ok(answer.item.and_then(|item| item.get("next")?.as_s().ok().cloned()))
    }

    /// Remembers where the next sweep begins.
    pub async fn set_sweep_cursor(&self, sweep: Sweep, next: Option<&str>) -> Result<(), AwsError> {
        let mut row = key(&self.door_key(), sweep.row());
        let Some(next) = next else {
            let call = self.client.delete_item().table_name(&self.name).set_key(Some(row));
            return call.send().await.map(|_| ()).map_err(|error| AwsError::sort("dynamodb:DeleteItem", error));
        };
        row.insert("next".to_owned(), AttributeValue::S(next.to_owned()));
        let call = self.client.put_item().table_name(&self.name).set_item(Some(row));
        call.send().await.map(|_| ()).map_err(|error| AwsError::sort("dynamodb:PutItem", error))
    }

    /// The incidents of the account and region, newest first, at most `limit`.
    pub async fn incidents(&self, limit: usize) -> Result<Vec<IncidentPointer>, AwsError> {
        self.query(&self.account_key(), "INCIDENT#", limit).await
    }

    /// Where an incident is to be found.
    pub async fn find_incident(&self, id: &str) -> Result<Option<IncidentPointer>, AwsError> {
        let key = key(&self.account_key(), &format!("INCIDENT#{id}"));
        let call = self.client.get_item().table_name(&self.name).set_key(Some(key)).consistent_read(true);
        let answer = call.send().await.map_err(|error| AwsError::sort("dynamodb:GetItem", error))?;
        answer.item.as_ref().map(read).transpose()
    }

    /// The receipts of a service, newest first, at most `limit`.
    pub async fn receipts(&self, arn: &ServiceArn, limit: usize) -> Result<Vec<Receipt>, AwsError> {
        self.query(&service_key(arn), "RECEIPT#", limit).await
    }

    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        pk: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<T>, AwsError> {
        let mut rows: Vec<T> = Vec::new();
        let mut start: Option<Item> = None;
        for _ in 0..PAGES_MAX {
            let call = self.client.query().table_name(&self.name).consistent_read(true).scan_index_forward(false);
            let call = call.key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
            let call = call.expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
            let call = call.expression_attribute_values(":sk", AttributeValue::S(prefix.to_owned()));
            let call = call.limit(i32::try_from(limit).unwrap_or(i32::MAX)).set_exclusive_start_key(start.take());
            let page = call.send().await.map_err(|error| AwsError::sort("dynamodb:Query", error))?;
            for row in page.items.unwrap_or_default() {
                rows.push(read(&row)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() || rows.len() >= limit {
                break;
            }
        }
        rows.truncate(limit);
        Ok(rows)
    }
}
