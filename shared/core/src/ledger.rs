//! The ledger: which release runs, which were good, which was bad. App Runner itself remembers none of this.
//!
//! A release is what one operation brought into service. Its verdict moves one way:
//!
//! | from | to | when |
//! |---|---|---|
//! | (new) | `Baking` | the operation `SUCCEEDED` |
//! | `Baking` | `Good` | the bake window ended, an alarm watches the service and none fired |
//! | `Baking` | `Unproven` | the bake window ended and no alarm watches the service |
//! | `Unproven` | counts as good | it has served for 24 hours |
//!
//! Beside the releases stand the bad digests: what was reverted, or what set off an alarm inside its bake window. A digest
//! equal to the last good one's is never marked bad, and a release that our own rollback made keeps its earlier verdict.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{Digest, ImageRef, OperationId};
use crate::service::{Fingerprint, Source};

/// How many good releases are kept. Ten is a week of daily deployments and far below an item's 400 KB.
const GOOD_KEPT: usize = 10;
/// How many others are kept, so that a flapping pipeline cannot push the good ones out.
const OTHERS_KEPT: usize = 10;
/// How many bad digests are remembered.
const BAD_KEPT: usize = 50;
/// How long an unproven release must have served before it counts as good.
pub const UNPROVEN_COUNTS_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// What is held of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Verdict {
    Baking { until: Timestamp },
    Good { since: Timestamp },
    Unproven,
}

/// A digest that failed, and why. It may never have served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadDigest {
    pub digest: Digest,
    pub since: Timestamp,
    pub operation: OperationId,
    pub reason: String,
}

/// What one operation brought, or tried to bring, into service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub operation: OperationId,
    pub source: Source,
    /// `None`: the tag moved while the operation ran, or nothing could be resolved. Then it cannot be a target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    pub fingerprint: Fingerprint,
    /// When the operation began; alarms that were firing then say nothing about this release.
    pub started_at: Timestamp,
    /// When it came into service.
    pub released_at: Timestamp,
    pub verdict: Verdict,
}

impl Release {
    /// Whether an automatic rollback may go to it.
    pub fn counts_as_good(&self, now: Timestamp) -> bool {
        match self.verdict {
            Verdict::Good { .. } => true,
            Verdict::Unproven => now.duration_since(self.released_at) >= UNPROVEN_COUNTS_AFTER,
            Verdict::Baking { .. } => false,
        }
    }

    /// The image pinned to this release's digest: what a rollback deploys.
    pub fn pinned_image(&self) -> Option<ImageRef> {
        Some(self.source.image()?.pinned_to(self.digest.as_ref()?))
    }
}

/// What is remembered of an operation while it runs: after a native rollback nothing else knows what failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub operation: OperationId,
    pub source: Source,
    /// The digest that the source named when the operation was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    pub fingerprint: Fingerprint,
    pub seen_at: Timestamp,
}

/// A service that a rollback took off its tag: what to give back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    pub since: Timestamp,
    pub incident: String,
    /// What the service is pinned to.
    pub image: ImageRef,
    /// What `pitcrew unpin` gives back.
    pub image_before: ImageRef,
    pub auto_deploy_before: bool,
}

/// All releases that are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// What served, newest first. The first is what serves now.
    pub releases: Vec<Release>,
    /// What failed, newest first.
    #[serde(default)]
    pub bad: Vec<BadDigest>,
}

/// Where a rollback could go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A release that counts as good.
    Good(&'a Release),
    /// Only an unproven one is known: it may be proposed.
    Unproven(&'a Release),
    None,
}

impl Ledger {
    /// What serves now, as far as we know.
    pub fn current(&self) -> Option<&Release> {
        self.releases.first()
    }

    /// The last release that counts as good.
    pub fn last_good(&self, now: Timestamp) -> Option<&Release> {
        self.releases.iter().find(|release| release.counts_as_good(now) && !self.is_bad_release(release))
    }

    fn is_bad_release(&self, release: &Release) -> bool {
        release.digest.as_ref().is_some_and(|digest| self.is_bad(digest))
    }

    /// Adds a release as the newest. One of the same operation is replaced: an operation brings one release.
    pub fn add(&mut self, release: Release) {
        self.releases.retain(|known| known.operation != release.operation);
        self.releases.insert(0, release);
        let (mut good, mut others) = (0, 0);
        self.releases.retain(|release| {
            let (count, kept) = match release.verdict {
                Verdict::Good { .. } => (&mut good, GOOD_KEPT),
                Verdict::Baking { .. } | Verdict::Unproven => (&mut others, OTHERS_KEPT),
            };
            *count += 1;
            *count <= kept
        });
    }

    /// Whether this digest was found bad.
    pub fn is_bad(&self, digest: &Digest) -> bool {
        self.bad.iter().any(|bad| &bad.digest == digest)
    }

    /// Marks a digest bad, unless it is the last good one's: then the image is proven and the configuration is the suspect.
    /// Says whether it is marked now.
    pub fn mark_bad(&mut self, digest: &Digest, operation: &OperationId, now: Timestamp, reason: &str) -> bool {
        if self.last_good(now).is_some_and(|good| good.digest.as_ref() == Some(digest)) {
            return false;
        }
        if !self.is_bad(digest) {
            let (digest, operation) = (digest.clone(), operation.clone());
            self.bad.insert(0, BadDigest { digest, since: now, operation, reason: reason.to_owned() });
            self.bad.truncate(BAD_KEPT);
        }
        true
    }

    /// The operator's word: the newest release of this digest is good. `false` where no release of it is known.
    pub fn mark_good(&mut self, digest: &Digest, now: Timestamp) -> bool {
        let Some(newest) = self.releases.iter_mut().find(|release| release.digest.as_ref() == Some(digest)) else {
            return false;
        };
        newest.verdict = Verdict::Good { since: now };
        self.bad.retain(|bad| &bad.digest != digest);
        true
    }

    /// Where to roll back to: the newest release that counts as good, whose digest is known, is not `failing`, was never
    /// found bad and is not in `gone` (no longer in ECR); else the newest unproven one under the same conditions.
    pub fn target(&self, failing: Option<&Digest>, gone: &[Digest], now: Timestamp) -> Target<'_> {
        let fits = |release: &&Release| {
            release.digest.as_ref().is_some_and(|digest| {
                Some(digest) != failing
                    && !gone.contains(digest)
                    && !self.is_bad(digest)
                    && release.source.image().is_some()
            })
        };
        if let Some(good) = self.releases.iter().filter(fits).find(|release| release.counts_as_good(now)) {
            return Target::Good(good);
        }
        let unproven = |release: &&Release| matches!(release.verdict, Verdict::Unproven);
        self.releases.iter().filter(fits).find(unproven).map_or(Target::None, Target::Unproven)
    }

    /// The release that this operation brought.
    pub fn of_operation(&self, operation: &OperationId) -> Option<&Release> {
        self.releases.iter().find(|release| &release.operation == operation)
    }

    pub fn of_operation_mut(&mut self, operation: &OperationId) -> Option<&mut Release> {
        self.releases.iter_mut().find(|release| &release.operation == operation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minute * 60).unwrap()
    }

    fn digest(n: u8) -> Digest {
        Digest::parse(&format!("sha256:{}", format!("{n:02x}").repeat(32))).unwrap()
    }

    fn release(n: u8, minute: i64, verdict: Verdict) -> Release {
        let image = ImageRef::parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:latest").unwrap();
        Release {
            operation: OperationId::new(&format!("op{n}-{minute}")),
            source: Source::Image { image, auto_deploy: Some(true) },
            digest: Some(digest(n)),
            fingerprint: Fingerprint::default(),
            started_at: at(minute - 4),
            released_at: at(minute),
            verdict,
        }
    }

    fn ledger(releases: Vec<Release>) -> Ledger {
        Ledger { releases, bad: Vec::new() }
    }

    fn good(n: u8, minute: i64) -> Release {
        release(n, minute, Verdict::Good { since: at(minute + 30) })
    }

    #[test]
    fn the_newest_good_release_is_the_target() {
        let ledger = ledger(vec![release(3, 90, Verdict::Baking { until: at(120) }), good(2, 40), good(1, 0)]);
        assert_eq!(ledger.target(Some(&digest(3)), &[], at(95)), Target::Good(&ledger.releases[1]));
    }

    #[test]
    fn a_target_that_left_ecr_is_passed_over_for_the_next_older_good_one() {
        let ledger = ledger(vec![release(3, 90, Verdict::Baking { until: at(120) }), good(2, 40), good(1, 0)]);
        assert_eq!(ledger.target(Some(&digest(3)), &[digest(2)], at(95)), Target::Good(&ledger.releases[2]));
        assert_eq!(ledger.target(Some(&digest(3)), &[digest(2), digest(1)], at(95)), Target::None);
    }

    #[test]
    fn an_unproven_release_counts_as_good_after_a_day_and_is_only_proposed_before() {
        let ledger = ledger(vec![release(2, 90, Verdict::Baking { until: at(120) }), release(1, 0, Verdict::Unproven)]);
        assert!(matches!(ledger.target(Some(&digest(2)), &[], at(100)), Target::Unproven(_)));
        assert!(matches!(ledger.target(Some(&digest(2)), &[], at(24 * 60)), Target::Good(_)));
    }

    #[test]
    fn a_digest_that_was_found_bad_is_never_a_target_again() {
        let mut ledger = ledger(vec![release(3, 90, Verdict::Unproven), release(2, 0, Verdict::Unproven)]);
        assert!(ledger.mark_bad(&digest(2), &OperationId::new("x"), at(50), "alarm"));
        assert_eq!(ledger.target(Some(&digest(3)), &[], at(9999)), Target::None);
    }

    #[test]
    fn the_last_good_digest_is_never_marked_bad() {
        let mut ledger = ledger(vec![release(1, 90, Verdict::Baking { until: at(120) }), good(1, 0)]);
        assert!(!ledger.mark_bad(&digest(1), &OperationId::new("x"), at(95), "alarm"));
        assert!(!ledger.is_bad(&digest(1)));
    }

    #[test]
    fn a_flood_of_failed_releases_never_pushes_a_good_one_out() {
        let mut ledger = ledger(vec![good(1, 0)]);
        for n in 2..60 {
            ledger.add(release(n, i64::from(n) * 10, Verdict::Unproven));
        }
        assert!(ledger.releases.iter().any(|release| release.digest == Some(digest(1))));
        assert_eq!(ledger.releases.len(), OTHERS_KEPT + 1);
    }

    #[test]
    fn the_operators_word_overrules_an_earlier_bad_verdict() {
        let mut ledger = ledger(vec![release(2, 40, Verdict::Unproven)]);
        assert!(ledger.mark_bad(&digest(2), &OperationId::new("x"), at(50), "alarm"));
        assert!(ledger.mark_good(&digest(2), at(60)));
        assert!(!ledger.is_bad(&digest(2)));
        assert!(!ledger.mark_good(&digest(9), at(60)));
    }
}
