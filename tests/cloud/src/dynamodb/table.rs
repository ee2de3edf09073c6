//! Tables: their schema, their settings, their items by key, and the operations on tables.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Ctx};

use super::value::{Attr, Item, item_bytes};
use super::{DynamoDb, bad, table_name};

/// A primary key: the partition key's value, and the sort key's where the table has one.
pub type Key = (Attr, Option<Attr>);

/// The names of a key's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySchema {
    pub hash: String,
    pub sort: Option<String>,
}

impl KeySchema {
    /// The names, partition key first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.hash.as_str()).chain(self.sort.as_deref())
    }

    fn read(schema: &Value) -> Result<Self, ApiError> {
        let parts = schema.as_array().map(Vec::as_slice).unwrap_or_default();
        let name = |index: usize, kind: &str| {
            let part = parts.get(index)?;
            (part.get("KeyType")?.as_str()? == kind).then(|| part.get("AttributeName")?.as_str().map(str::to_owned))?
        };
        let invalid = || bad("Invalid KeySchema: the first element must be the HASH key, a second one the RANGE key");
        let hash = name(0, "HASH").ok_or_else(invalid)?;
        let sort = match parts.len() {
            1 => None,
            2 => Some(name(1, "RANGE").ok_or_else(invalid)?),
            _ => return Err(invalid()),
        };
        Ok(Self { hash, sort })
    }
}

/// A secondary index. It holds nothing: a read of it reads the table.
#[derive(Clone, Debug)]
pub struct Index {
    pub name: String,
    pub keys: KeySchema,
    pub global: bool,
    /// As it was given: `KeySchema`, `Projection`, ...
    spec: Value,
}

impl Index {
    /// The item as the index shows it, by its projection.
    pub fn projected(&self, table: &KeySchema, item: &Item) -> Item {
        let projection = &self.spec["Projection"];
        if projection["ProjectionType"] == "ALL" {
            return item.clone();
        }
        let included = projection["NonKeyAttributes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let keys: Vec<&str> = self.keys.names().chain(table.names()).collect();
        let shown = |name: &str| keys.contains(&name) || included.iter().any(|one| one == name);
        item.iter().filter(|(name, _)| shown(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// A stream that is on.
#[derive(Clone, Debug)]
pub struct Stream {
    /// `KEYS_ONLY`, `NEW_IMAGE`, `OLD_IMAGE` or `NEW_AND_OLD_IMAGES`.
    pub view: String,
    pub arn: String,
    label: String,
}

/// One table.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub arn: String,
    pub keys: KeySchema,
    /// The types of key attributes: `S`, `N` or `B`.
    pub types: BTreeMap<String, String>,
    pub indexes: Vec<Index>,
    pub items: BTreeMap<Key, Item>,
    pub stream: Option<Stream>,
    /// The attribute that holds the time of expiry, in epoch seconds.
    pub ttl_attribute: Option<String>,
    pub created_at: Timestamp,
    id: String,
    tags: BTreeMap<String, String>,
    deletion_protected: bool,
    /// Since when point-in-time recovery is on.
    recoverable_since: Option<Timestamp>,
    /// The request that made it, for what is only shown again.
    spec: Value,
}

impl Table {
    /// The index that a request names; none where it names none.
    pub fn index(&self, input: &Value) -> Result<Option<&Index>, ApiError> {
        let Some(name) = input.get("IndexName").and_then(Value::as_str) else { return Ok(None) };
        let found = self.indexes.iter().find(|index| index.name == name);
        found.map(Some).ok_or_else(|| bad(format!("The table does not have the specified index: {name}")))
    }

    /// `TableDescription`.
    fn describe(&self, status: &str) -> Value {
        let mut shown = json!({
            "TableName": self.name,
            "TableArn": self.arn,
            "TableId": self.id,
            "TableStatus": status,
            "CreationDateTime": self.created_at.as_second(),
            "KeySchema": self.spec["KeySchema"],
            "AttributeDefinitions": self.spec["AttributeDefinitions"],
            "ItemCount": self.items.len(),
            "TableSizeBytes": self.items.values().map(item_bytes).sum::<usize>(),
            "DeletionProtectionEnabled": self.deletion_protected,
            "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        });
        if let Some(given) = self.spec["ProvisionedThroughput"].as_object() {
            for (name, value) in given {
                shown["ProvisionedThroughput"][name] = value.clone();
            }
        }
        if self.spec["BillingMode"] == "PAY_PER_REQUEST" {
            shown["BillingModeSummary"] = json!({
                "BillingMode": "PAY_PER_REQUEST",
                "LastUpdateToPayPerRequestDateTime": self.created_at.as_second(),
            });
        }
        if self.spec["SSESpecification"]["Enabled"] == true {
            shown["SSEDescription"] = json!({"Status": "ENABLED", "SSEType": "KMS"});
        }
        for (member, global) in [("GlobalSecondaryIndexes", true), ("LocalSecondaryIndexes", false)] {
            let indexes: Vec<Value> = self
                .indexes
                .iter()
                .filter(|index| index.global == global)
                .map(|index| self.describe_index(index))
                .collect();
            if !indexes.is_empty() {
                shown[member] = Value::Array(indexes);
            }
        }
        if let Some(stream) = &self.stream {
            shown["StreamSpecification"] = json!({"StreamEnabled": true, "StreamViewType": stream.view});
            shown["LatestStreamArn"] = json!(stream.arn);
            shown["LatestStreamLabel"] = json!(stream.label);
        }
        shown
    }

    fn describe_index(&self, index: &Index) -> Value {
        let inside = |item: &&Item| index.keys.names().all(|name| item.contains_key(name));
        let mut shown = json!({
            "IndexName": index.name,
            "KeySchema": index.spec["KeySchema"],
            "Projection": index.spec["Projection"],
            "IndexArn": format!("{}/index/{}", self.arn, index.name),
            "ItemCount": self.items.values().filter(inside).count(),
            "IndexSizeBytes": self.items.values().filter(inside).map(|item| item_bytes(&index.projected(&self.keys, item))).sum::<usize>(),
        });
        if index.global {
            shown["IndexStatus"] = json!("ACTIVE");
            shown["ProvisionedThroughput"] =
                json!({"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0});
        }
        shown
    }

    /// Switches the stream on or off as a `StreamSpecification` says.
    fn set_stream(&mut self, now: Timestamp, spec: &Value) -> Result<(), ApiError> {
        if spec["StreamEnabled"] != true {
            self.stream = None;
            return Ok(());
        }
        let view = spec["StreamViewType"].as_str().unwrap_or_default().to_owned();
        if !["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"].contains(&view.as_str()) {
            return Err(bad(
                "One or more parameter values were invalid: StreamViewType is required when StreamEnabled is true",
            ));
        }
        let label = jiff::tz::TimeZone::UTC.to_datetime(now).strftime("%Y-%m-%dT%H:%M:%S.000").to_string();
        self.stream = Some(Stream { view, arn: format!("{}/stream/{label}", self.arn), label });
        Ok(())
    }
}

fn read_indexes(input: &Value) -> Result<Vec<Index>, ApiError> {
    let mut found = Vec::new();
    for (member, global) in [("GlobalSecondaryIndexes", true), ("LocalSecondaryIndexes", false)] {
        for spec in input[member].as_array().into_iter().flatten() {
            let name = spec["IndexName"].as_str().unwrap_or_default().to_owned();
            found.push(Index { name, keys: KeySchema::read(&spec["KeySchema"])?, global, spec: spec.clone() });
        }
    }
    Ok(found)
}

/// The types of the key attributes; every key needs a definition and every definition a key.
fn read_types(input: &Value, keys: &KeySchema, indexes: &[Index]) -> Result<BTreeMap<String, String>, ApiError> {
    let mut types = BTreeMap::new();
    for definition in input["AttributeDefinitions"].as_array().into_iter().flatten() {
        let name = definition["AttributeName"].as_str().unwrap_or_default().to_owned();
        types.insert(name, definition["AttributeType"].as_str().unwrap_or_default().to_owned());
    }
    let wanted: std::collections::BTreeSet<&str> =
        keys.names().chain(indexes.iter().flat_map(|index| index.keys.names())).collect();
    if let Some(name) = wanted.iter().find(|name| !types.contains_key(**name)) {
        return Err(bad(format!(
            "One or more parameter values were invalid: Some index key attributes are not defined in \
             AttributeDefinitions. Keys: [{name}], AttributeDefinitions: {:?}",
            types.keys().collect::<Vec<_>>()
        )));
    }
    if wanted.len() != types.len() {
        return Err(bad(
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of \
             attributes defined in AttributeDefinitions",
        ));
    }
    Ok(types)
}

fn not_found(name: &str) -> ApiError {
    ApiError::client("ResourceNotFoundException", format!("Requested resource not found: Table: {name} not found"))
}

impl DynamoDb {
    pub(super) fn create_table(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let name = table_name(input).to_owned();
        if self.tables.contains_key(&name) {
            return Err(ApiError::client("ResourceInUseException", format!("Table already exists: {name}")));
        }
        let provisioned = input["BillingMode"].as_str().unwrap_or("PROVISIONED") == "PROVISIONED";
        if provisioned && !input["ProvisionedThroughput"].is_object() {
            return Err(bad(
                "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified \
                 when BillingMode is PROVISIONED",
            ));
        }
        let keys = KeySchema::read(&input["KeySchema"])?;
        let indexes = read_indexes(input)?;
        let types = read_types(input, &keys, &indexes)?;
        let place = ctx.place;
        let mut table = Table {
            arn: format!("arn:{}:dynamodb:{}:{}:table/{name}", place.partition, place.region, place.account),
            name: name.clone(),
            keys,
            types,
            indexes,
            items: BTreeMap::new(),
            stream: None,
            ttl_attribute: None,
            created_at: ctx.now,
            id: ctx.ids.uuid(),
            tags: read_tags(&input["Tags"]),
            deletion_protected: input["DeletionProtectionEnabled"] == true,
            recoverable_since: None,
            spec: input.clone(),
        };
        table.set_stream(ctx.now, &input["StreamSpecification"])?;
        let shown = table.describe("CREATING");
        self.tables.insert(name, table);
        Ok(json!({"TableDescription": shown}))
    }

    pub(super) fn describe_table(&self, input: &Value) -> Answer {
        let name = table_name(input);
        let table = self.tables.get(name).ok_or_else(|| not_found(name))?;
        Ok(json!({"Table": table.describe("ACTIVE")}))
    }

    pub(super) fn delete_table(&mut self, input: &Value) -> Answer {
        let name = table_name(input);
        let table = self.tables.get(name).ok_or_else(|| not_found(name))?;
        if table.deletion_protected {
            return Err(bad(format!(
                "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection \
                 first. Table: {name}"
            )));
        }
        let shown = table.describe("DELETING");
        self.tables.remove(name);
        Ok(json!({"TableDescription": shown}))
    }

    pub(super) fn list_tables(&self, input: &Value) -> Answer {
        let limit = input["Limit"].as_u64().unwrap_or(100) as usize;
        let after = input["ExclusiveStartTableName"].as_str().unwrap_or_default();
        let mut names: Vec<&String> = self.tables.keys().filter(|name| name.as_str() > after).collect();
        let more = names.len() > limit;
        names.truncate(limit);
        let mut shown = json!({"TableNames": names});
        if more {
            shown["LastEvaluatedTableName"] = json!(names.last());
        }
        Ok(shown)
    }

    pub(super) fn update_table(&mut self, ctx: &Ctx<'_>, input: &Value) -> Answer {
        let name = table_name(input).to_owned();
        let table = self.tables.get_mut(&name).ok_or_else(|| not_found(&name))?;
        if let Some(member) = ["GlobalSecondaryIndexUpdates", "ReplicaUpdates"].iter().find(|m| !input[**m].is_null()) {
            return Err(bad(format!("the local cloud does not serve {member}: create the table with what it needs")));
        }
        if let Some(protect) = input["DeletionProtectionEnabled"].as_bool() {
            table.deletion_protected = protect;
        }
        for member in ["BillingMode", "ProvisionedThroughput", "SSESpecification"] {
            if !input[member].is_null() {
                table.spec[member] = input[member].clone();
            }
        }
        let stream = &input["StreamSpecification"];
        if stream.is_object() {
            if stream["StreamEnabled"] == true && table.stream.is_some() {
                return Err(bad("Table already has an enabled stream"));
            }
            table.set_stream(ctx.now, stream)?;
        }
        Ok(json!({"TableDescription": table.describe("UPDATING")}))
    }

    pub(super) fn update_continuous_backups(&mut self, ctx: &Ctx<'_>, input: &Value) -> Answer {
        let table = self.table_mut(table_name(input))?;
        let on = input["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] == true;
        table.recoverable_since = on.then(|| table.recoverable_since.unwrap_or(ctx.now));
        self.describe_continuous_backups(input)
    }

    pub(super) fn describe_continuous_backups(&self, input: &Value) -> Answer {
        let recovery = match self.table(input)?.recoverable_since {
            None => json!({"PointInTimeRecoveryStatus": "DISABLED"}),
            Some(since) => json!({
                "PointInTimeRecoveryStatus": "ENABLED",
                "EarliestRestorableDateTime": since.as_second(),
                "RecoveryPeriodInDays": 35,
            }),
        };
        Ok(json!({"ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": recovery,
        }}))
    }

    fn tagged(&mut self, input: &Value) -> Result<&mut Table, ApiError> {
        let arn = input["ResourceArn"].as_str().unwrap_or_default();
        let missing = || {
            ApiError::client(
                "ResourceNotFoundException",
                format!("Requested resource not found: ResourceArn: {arn} not found"),
            )
        };
        self.tables.values_mut().find(|table| table.arn == arn).ok_or_else(missing)
    }

    pub(super) fn tag_resource(&mut self, input: &Value) -> Answer {
        self.tagged(input)?.tags.extend(read_tags(&input["Tags"]));
        Ok(json!({}))
    }

    pub(super) fn untag_resource(&mut self, input: &Value) -> Answer {
        let table = self.tagged(input)?;
        for key in input["TagKeys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            table.tags.remove(key);
        }
        Ok(json!({}))
    }

    pub(super) fn list_tags_of_resource(&mut self, input: &Value) -> Answer {
        let tags: Vec<Value> =
            self.tagged(input)?.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        Ok(json!({"Tags": tags}))
    }
}

fn read_tags(tags: &Value) -> BTreeMap<String, String> {
    let text = |tag: &Value, member: &str| tag[member].as_str().unwrap_or_default().to_owned();
    tags.as_array().into_iter().flatten().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect()
}
