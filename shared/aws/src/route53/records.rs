//! Record sets, by greedy paging: a page begins at the first wanted name that is not known yet and covers up to 300 sets, and
//! everything inside what it covers is known from then on, whether it was wanted or not. Names that stand close together, as
//! the records of one domain and of its neighbours do, are mostly known before they are asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_route53::Client;
use aws_sdk_route53::types as sdk;
use pitcrew_core::dns::name::Name;
use pitcrew_core::dns::record::{Data, RecordSet, RecordType};

use super::Pace;
use crate::error::AwsError;

const OPERATION: &str = "route53:ListResourceRecordSets";
/// The most that Route 53 gives in one page.
const PAGE_SETS: i32 = 300;
/// Pages of one look. A domain has about ten names, each in one page; more are only needed where hundreds of weighted
/// records stand at one name.
const PAGES_MAX: usize = 20;

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Start {
    /// As Route 53 writes it: `*` as `\052`.
    name: String,
    kind: Option<String>,
    id: Option<String>,
}

impl Start {
    fn at(name: &Name) -> Self {
        Self { name: name.fqdn().replace('*', "\\052"), kind: None, id: None }
    }
}

/// One page of a listing.
#[derive(Clone, Debug, Default)]
struct Page {
    /// Sets whose names can be read. No wanted name equals the others'.
    sets: Vec<RecordSet>,
    next: Option<Start>,
}

/// A run of names of which everything is known.
#[derive(Clone, Debug)]
struct Range {
    from: Name,
    /// The first name that is not known any more; `None`: known to the end of the zone.
    to: Option<Name>,
}

/// What has been read of one zone.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    known: Vec<Range>,
    sets: BTreeMap<Name, Vec<RecordSet>>,
    /// How fast the next ones are read.
    pace: Option<Arc<Pace>>,
}

impl Pages {
    /// For a sweep.
    pub fn paced(pace: Arc<Pace>) -> Self {
        Self { pace: Some(pace), ..Self::default() }
    }

    /// All record sets at a name; `None` where they have not been read.
    pub fn at(&self, name: &Name) -> Option<Vec<RecordSet>> {
        self.knows(name).then(|| self.sets.get(name).cloned().unwrap_or_default())
    }

    fn knows(&self, name: &Name) -> bool {
        self.known.iter().any(|range| range.from <= *name && range.to.as_ref().is_none_or(|to| name < to))
    }

    /// The first name in Route 53's order, from `from` on, that is not known.
    fn first_unknown(&self, wanted: &[Name], from: Option<&Name>) -> Option<Name> {
        let after = wanted.iter().filter(|name| from.is_none_or(|from| *name >= from));
        after.filter(|name| !self.knows(name)).min().cloned()
    }

    /// What was read from `from` on, up to `to`, replaces what was known there.
    fn learn(&mut self, from: Name, to: Option<Name>, sets: Vec<RecordSet>) {
        let mut replaced = self.sets.split_off(&from);
        if let Some(to) = &to {
            self.sets.append(&mut replaced.split_off(to));
        }
        for set in sets {
            if set.name >= from && to.as_ref().is_none_or(|to| set.name < *to) {
                self.sets.entry(set.name.clone()).or_default().push(set);
            }
        }
        self.known.push(Range { from, to });
    }
}

/// The way through a listing: where the next page begins, and what the pages since `from` held.
struct Walk {
    from: Name,
    start: Start,
    sets: Vec<RecordSet>,
}

impl Walk {
    fn at(from: Name) -> Self {
        Self { start: Start::at(&from), from, sets: Vec::new() }
    }

    /// Takes a page; the walk goes on where there is one.
    fn take(mut self, page: Page, wanted: &[Name], pages: &mut Pages) -> Result<Option<Self>, String> {
        let last = self.sets.last().map_or(&self.from, |set| &set.name);
        let names = std::iter::once(last).chain(page.sets.iter().map(|set| &set.name));
        if !names.is_sorted() {
            // What is missing can then not be told from what comes later, so nothing of it is believed.
            return Err(format!("the record sets from {} on are not in Route 53's order", self.from));
        }
        self.sets.extend(page.sets);
        let Some(next) = page.next else {
            pages.learn(self.from, None, self.sets);
            return Ok(None);
        };
        match Name::parse(&next.name) {
            // The name at which a page breaks off may be known in part alone: what is known ends before it.
            Ok(to) if to > self.from => {
                pages.learn(self.from, Some(to.clone()), self.sets);
                Ok(pages.first_unknown(wanted, Some(&to)).map(Self::at))
            }
            // Still at the first name, or at one that cannot be read: on, set by set.
            _ => Ok(Some(Self { start: next, ..self })),
        }
    }
}

/// Reads until everything at the wanted names is known.
pub async fn read(client: &Client, zone: &str, wanted: &[Name], pages: &mut Pages) -> Result<(), AwsError> {
    let mut walk = pages.first_unknown(wanted, None).map(Walk::at);
    for _ in 0..PAGES_MAX {
        let Some(at) = walk.take() else { return Ok(()) };
        if let Some(pace) = &pages.pace {
            pace.turn().await;
        }
        let page = page(client, zone, Some(&at.start)).await?;
        walk = at.take(page, wanted, pages).map_err(|wrong| AwsError::broken(OPERATION, wrong))?;
    }
    match walk {
        None => Ok(()),
        Some(_) => Err(AwsError::broken(OPERATION, format!("more than {PAGES_MAX} pages for one look"))),
    }
}

/// Reads a whole zone, and keeps what leads to a name at or below `suffix`.
pub async fn leading(
    client: &Client,
    zone: &str,
    suffix: &Name,
    pages: &mut usize,
) -> Result<Vec<RecordSet>, AwsError> {
    let mut found = Vec::new();
    let mut start = None;
    loop {
        let Some(left) = pages.checked_sub(1) else {
            return Err(AwsError::broken(OPERATION, "there are more record sets than one audit reads"));
        };
        *pages = left;
        let page = page(client, zone, start.as_ref()).await?;
        found.extend(page.sets.into_iter().filter(|set| set.target().is_some_and(|to| to.is_at_or_below(suffix))));
        start = page.next;
        if start.is_none() {
            return Ok(found);
        }
    }
}

async fn page(client: &Client, zone: &str, start: Option<&Start>) -> Result<Page, AwsError> {
    let call = client.list_resource_record_sets().hosted_zone_id(zone).max_items(PAGE_SETS);
    let call = match start {
        Some(start) => call
            .start_record_name(&start.name)
            .set_start_record_identifier(start.id.clone())
            .set_start_record_type(start.kind.as_deref().map(sdk::RrType::from)),
        None => call,
    };
    let answer = call.send().await.map_err(|error| AwsError::sort(OPERATION, error))?;
    let (kind, id) = (answer.next_record_type, answer.next_record_identifier);
    let next = answer.next_record_name.filter(|_| answer.is_truncated);
    if answer.is_truncated && next.is_none() {
        return Err(AwsError::broken(OPERATION, "a page breaks off without saying where the next one begins"));
    }
    Ok(Page {
        sets: answer.resource_record_sets.iter().filter_map(record).collect(),
        next: next.map(|name| Start { name, kind: kind.map(|kind| kind.as_str().to_owned()), id }),
    })
}

/// A record set as we know it; `None` where its name is none that we could ask for.
fn record(set: &sdk::ResourceRecordSet) -> Option<RecordSet> {
    let name = Name::parse(&set.name).ok()?;
    let policy = set.set_identifier.clone();
    let policy = policy.or_else(|| set.health_check_id.as_ref().map(|_| "health-check".to_owned()));
    let policy = policy.or_else(|| set.traffic_policy_instance_id.as_ref().map(|_| "traffic-policy".to_owned()));
    let (data, policy) = match &set.alias_target {
        Some(alias) => match Name::parse(&alias.dns_name) {
            Ok(target) => {
                let (zone, evaluate_health) = (alias.hosted_zone_id.clone(), alias.evaluate_target_health);
                (Data::Alias { zone, target, evaluate_health }, policy)
            }
            // It stands there, whatever it says: what cannot be read is never ours.
            Err(_) => {
                let values = vec![alias.dns_name.clone()];
                (Data::Values { ttl_secs: 0, values }, Some(policy.unwrap_or_else(|| "unreadable".to_owned())))
            }
        },
        None => {
            let values = set.resource_records().iter().map(|record| record.value.clone()).collect();
            (Data::Values { ttl_secs: set.ttl.and_then(|ttl| ttl.try_into().ok()).unwrap_or(0), values }, policy)
        }
    };
    Some(RecordSet { name, kind: RecordType::parse(set.r#type.as_str()), data, policy })
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
