//! What Security Hub is told of a report, cut into requests, one built at a time.
//!
//! | told | by |
//! |---|---|
//! | every finding of the report, and those that have gone, to be archived | `BatchImportFindings` |
//! | what was waived, opened again, or has gone since Security Hub was told last | `BatchUpdateFindings` |
//!
//! Their order hangs on the report and on what was sent before alone, so a sending that was cut goes on at a number.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{arn, imported, product};
use crate::audit::{Before, Finding, Report};

/// Findings that one call of `BatchImportFindings` or `BatchUpdateFindings` takes.
pub const CHUNK_MAX: usize = 100;
/// Security Hub takes 240 KB a finding and says nothing of a request; requests stay below the same number.
const BYTES_MAX: usize = 240_000;

/// What has changed since Security Hub was told last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    gone: BTreeMap<String, Finding>,
    waived: BTreeSet<String>,
    reopened: BTreeSet<String>,
}

impl Since {
    /// Where the report before this one is what Security Hub was told last.
    pub fn previous(report: &Report) -> Self {
        let changes = &report.changes;
        // One that was waived when it came may have been there in earlier days: Security Hub then has it open again.
        let came = |finding: &&Finding| !finding.open() && finding.first_seen >= report.started;
        let came = report.findings.iter().filter(came).map(|finding| finding.id.clone());
        Self {
            gone: changes.gone.iter().map(|finding| (finding.id.clone(), finding.clone())).collect(),
            waived: changes.waived.iter().cloned().chain(came).collect(),
            reopened: changes.reopened.iter().cloned().collect(),
        }
    }

    /// Where Security Hub may hold the findings of these reports, each in full or in part. None: it was told nothing.
    pub fn held(report: &Report, held: Vec<Before>) -> Self {
        let mut since = Self::default();
        for finding in &report.findings {
            let mut waivers = held.iter().filter_map(|before| before.known.get(&finding.id)).map(|known| &known.waiver);
            if finding.open() {
                if waivers.any(Option::is_some) {
                    since.reopened.insert(finding.id.clone());
                }
            } else if held.iter().any(|before| before.known.get(&finding.id).is_none_or(|known| known.waiver.is_none()))
            {
                since.waived.insert(finding.id.clone());
            }
        }
        let gone = held.into_iter().flat_map(|before| before.missing);
        since.gone.extend(gone.map(|finding| (finding.id.clone(), finding)));
        since
    }
}

/// Which call takes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Import,
    Update,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub call: Call,
    /// JSON.
    pub body: String,
    /// What it holds of all that is told: the number to go on at is the sum of these.
    pub items: usize,
}

/// One thing that is told.
enum Item<'r> {
    Finding(&'r Finding, bool),
    Workflow(&'r str, &'static str),
}

/// The requests, from an item on: findings are imported first, then the workflow of some is set.
pub fn requests<'r>(
    report: &'r Report,
    since: &'r Since,
    page: Option<&'r str>,
    from: usize,
) -> impl Iterator<Item = Request> + Send + 'r {
    let kept = report.findings.iter().map(|finding| Item::Finding(finding, false));
    let gone = since.gone.values().map(|finding| Item::Finding(finding, true));
    let set = |ids: &'r BTreeSet<String>, status| ids.iter().map(move |id| Item::Workflow(id, status));
    let resolved = since.gone.keys().map(|id| Item::Workflow(id, "RESOLVED"));
    let workflows = set(&since.waived, "SUPPRESSED").chain(set(&since.reopened, "NEW")).chain(resolved);
    let mut items = kept.chain(gone).chain(workflows).skip(from).peekable();
    std::iter::from_fn(move || {
        let request = match items.peek()? {
            Item::Finding(..) => import(report, page, &mut items),
            Item::Workflow(_, status) => update(report, status, &mut items),
        };
        Some(request)
    })
}

/// Findings, cut by number and by length. One that is too long by itself goes alone: Security Hub says so.
fn import<'r>(
    report: &Report,
    page: Option<&str>,
    items: &mut std::iter::Peekable<impl Iterator<Item = Item<'r>>>,
) -> Request {
    let mut body = "{\"Findings\":[".to_owned();
    let mut count = 0;
    while let Some(Item::Finding(finding, gone)) = items.peek() {
        let text = imported(report, finding, page, *gone).to_string();
        if count > 0 {
            if count == CHUNK_MAX || body.len() + text.len() > BYTES_MAX {
                break;
            }
            body.push(',');
        }
        body.push_str(&text);
        count += 1;
        items.next();
    }
    body.push_str("]}");
    Request { call: Call::Import, body, items: count }
}

fn update<'r>(
    report: &Report,
    status: &'static str,
    items: &mut std::iter::Peekable<impl Iterator<Item = Item<'r>>>,
) -> Request {
    let mut identifiers: Vec<Value> = Vec::new();
    while let Some(Item::Workflow(id, _)) =
        items.next_if(|item| matches!(item, Item::Workflow(_, other) if *other == status))
    {
        identifiers.push(json!({"Id": arn(report, id), "ProductArn": product(report)}));
        if identifiers.len() == CHUNK_MAX {
            break;
        }
    }
    let items = identifiers.len();
    let body = json!({"FindingIdentifiers": identifiers, "Workflow": {"Status": status}});
    Request { call: Call::Update, body: body.to_string(), items }
}
