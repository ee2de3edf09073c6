//! Every file under `events/samples`: what the bus does with it, by the patterns of `events/patterns` and the local cloud's
//! matching rules, and what the parser takes from it. A directory without a row in [`DIRECTORIES`] fails the test.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test at once")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pitcrew_cloud::events::pattern::Pattern;
use pitcrew_core::event::{Home, QueuedWake, Rejected, Subject, Wake, WakeKind, parse};
use serde_json::Value;

/// What the samples of a directory are to the functions.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Is {
    /// It comes through this door and names something to look at.
    Hint(WakeKind),
    /// CloudTrail tells of all kinds of calls. No rule brings these, and where one comes all the same it is refused.
    NotTaken,
    /// A hint through any door.
    Odd,
    Refused,
}

const DIRECTORIES: [(&str, Is); 12] = [
    ("acm-certificate", Is::Hint(WakeKind::Certificate)),
    ("alarm-state-change", Is::Hint(WakeKind::Alarm)),
    ("app-runner-domain-call", Is::Hint(WakeKind::DomainCall)),
    ("bad", Is::Refused),
    ("cloudtrail-api-call", Is::NotTaken),
    ("custom-domain-validation", Is::Hint(WakeKind::CustomDomain)),
    ("ecr-image-action", Is::Hint(WakeKind::Image)),
    ("odd", Is::Odd),
    ("operation-status-change", Is::Hint(WakeKind::OperationStatus)),
    ("service-status-change", Is::Hint(WakeKind::ServiceStatus)),
    ("sweep", Is::Hint(WakeKind::Sweep)),
    ("wake", Is::Hint(WakeKind::WakeQueue)),
];
/// The account of all samples.
const ACCOUNT: &str = "123456789012";

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The files of one directory of samples, by `directory/name`.
fn samples(directory: &str) -> BTreeMap<String, Vec<u8>> {
    let paths = entries(&events().join("samples").join(directory));
    let named = paths.iter().map(|path| (format!("{directory}/{}", stem(path)), fs::read(path).unwrap()));
    let samples: BTreeMap<_, _> = named.collect();
    assert!(!samples.is_empty(), "{directory} holds no sample");
    assert_eq!(samples.len(), paths.len(), "two samples of {directory} have one name");
    samples
}

/// The patterns as they are deployed, by the name of their file.
fn patterns() -> BTreeMap<String, Pattern> {
    let deployed = |path: &PathBuf| fs::read_to_string(path).unwrap().replace("${AWS::AccountId}", ACCOUNT);
    let paths = entries(&events().join("patterns"));
    paths.iter().map(|path| (stem(path), Pattern::from_text(&deployed(path)).unwrap())).collect()
}

/// The names of the patterns that match; what is no JSON never gets onto a bus.
fn matching(patterns: &BTreeMap<String, Pattern>, sample: &[u8]) -> Vec<String> {
    let Ok(event) = serde_json::from_slice(sample) else { return Vec::new() };
    patterns.iter().filter(|(_, pattern)| pattern.matches(&event)).map(|(name, _)| name.clone()).collect()
}

/// What the function makes of a sample, as its door does: first JSON, then [`parse`].
fn taken(sample: &[u8]) -> Result<Wake, Rejected> {
    let home = Home { partition: Some("aws".into()), account: ACCOUNT.into(), region: "eu-west-1".into() };
    let payload: Value = serde_json::from_slice(sample).map_err(|_| Rejected::not_json(sample))?;
    parse(&payload, &home)
}

/// What a rejected input leaves behind: enough to find it again, and nothing that harms who reads it.
fn assert_kept(name: &str, rejected: &Rejected) {
    assert!(rejected.id.starts_with("Q-") && rejected.id.len() == 26, "{name}: {}", rejected.id);
    assert!(!rejected.excerpt.chars().any(char::is_control), "{name}: {:?}", rejected.excerpt);
}

fn is_a_bad_record(subject: &Subject) -> bool {
    matches!(subject, Subject::Queued(QueuedWake { about: Err(_), .. }))
}

/// The three kinds that only one function takes, each with what it takes there.
fn is_about(kind: WakeKind, subject: &Subject) -> bool {
    match kind {
        WakeKind::CustomDomain | WakeKind::DomainCall => matches!(subject, Subject::Domains(_)),
        WakeKind::Certificate => matches!(subject, Subject::Certificate(_)),
        _ => !matches!(subject, Subject::Domains(_) | Subject::Certificate(_)),
    }
}

#[test]
fn every_directory_of_samples_has_a_row() {
    let found: BTreeSet<String> = entries(&events().join("samples")).iter().map(|path| stem(path)).collect();
    let known: BTreeSet<String> = DIRECTORIES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, known);
}

#[test]
fn a_sample_is_matched_by_the_pattern_of_its_directory_and_by_no_other() {
    let patterns = patterns();
    assert!(patterns.keys().all(|name| DIRECTORIES.iter().any(|(directory, _)| directory == name)));
    // The odd and the bad come through any door, or past all of them.
    for (directory, _) in DIRECTORIES.iter().filter(|(name, _)| !["odd", "bad"].contains(name)) {
        let own: Vec<String> = patterns.keys().filter(|name| name == directory).cloned().collect();
        for (name, sample) in samples(directory) {
            assert_eq!(matching(&patterns, &sample), own, "{name}");
        }
    }
}

#[test]
fn no_sample_is_matched_by_two_patterns() {
    let patterns = patterns();
    for (name, sample) in ["odd", "bad"].into_iter().flat_map(samples) {
        assert!(matching(&patterns, &sample).len() <= 1, "{name}");
    }
}

#[test]
fn events_of_others_pass_no_pattern() {
    let (patterns, bad) = (patterns(), samples("bad"));
    for name in ["account-missing", "an-empty-object", "another-account", "forged-command", "other-service"]
        .into_iter()
        .chain(["source-missing", "unknown-detail-type"])
    {
        assert_eq!(matching(&patterns, &bad[&format!("bad/{name}")]), [""; 0], "{name}");
    }
}

#[test]
fn an_alarm_without_data_and_a_refused_push_wake_nobody() {
    let patterns = patterns();
    for (directory, name, at, value) in [
        ("alarm-state-change", "plain-ok", "/detail/state/value", "INSUFFICIENT_DATA"),
        ("ecr-image-action", "push-tag", "/detail/result", "FAILURE"),
    ] {
        let mut event: Value = serde_json::from_slice(&samples(directory)[&format!("{directory}/{name}")]).unwrap();
        *event.pointer_mut(at).unwrap() = Value::from(value);
        assert_eq!(matching(&patterns, event.to_string().as_bytes()), [""; 0], "{name} with {value}");
    }
}

#[test]
fn a_good_sample_comes_through_its_door_and_names_what_to_look_at() {
    for (directory, is) in DIRECTORIES {
        for (name, sample) in samples(directory) {
            match is {
                Is::Hint(kind) => {
                    let wake = taken(&sample).unwrap_or_else(|error| panic!("{name}: {error}"));
                    assert_eq!(wake.kind, kind, "{name}");
                    assert!(!wake.subjects.is_empty() && !wake.subjects.iter().any(is_a_bad_record), "{name}");
                    assert!(wake.subjects.iter().all(|subject| is_about(kind, subject)), "{name}: {:?}", wake.subjects);
                }
                Is::NotTaken => assert_kept(&name, &taken(&sample).unwrap_err()),
                Is::Odd | Is::Refused => {}
            }
        }
    }
}

#[test]
fn an_odd_sample_is_the_hint_that_it_is() {
    for (name, sample) in samples("odd") {
        let wake = taken(&sample).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(wake.subjects.len(), 1, "{name}");
        assert!(!wake.cause.text.chars().any(char::is_control), "{name}: {:?}", wake.cause.text);
        let expected = match name.strip_prefix("odd/").unwrap_or_default() {
            of if of.starts_with("acm-") => WakeKind::Certificate,
            of if of.starts_with("domain-call-") => WakeKind::DomainCall,
            _ => continue,
        };
        assert_eq!(wake.kind, expected, "{name}");
        assert!(is_about(expected, &wake.subjects[0]), "{name}: {:?}", wake.subjects);
    }
}

#[test]
fn a_bad_sample_is_refused_and_in_a_batch_only_the_bad_record() {
    for (name, sample) in samples("bad") {
        match taken(&sample) {
            Err(rejected) => assert_kept(&name, &rejected),
            Ok(wake) => {
                let (bad, good): (Vec<_>, Vec<_>) = wake.subjects.iter().partition(|subject| is_a_bad_record(subject));
                assert!(!bad.is_empty(), "{name} was taken");
                assert_eq!(good.len(), usize::from(name == "bad/wake-one-good-one-bad"), "{name}");
            }
        }
    }
}

#[test]
fn no_two_bad_samples_are_kept_under_one_id() {
    let refused = samples("bad").into_values().filter_map(|sample| taken(&sample).err());
    let ids: Vec<String> = refused.map(|rejected| rejected.id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}
