//! Short names for what is told apart by its parts: receipts, threads, fingerprints of what was said.

use sha2::{Digest as _, Sha256};

/// Twelve hex digits that stand for some parts, in their order.
pub(crate) fn short_hash<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
