//! What several services share and one read is enough for: roles, policies, repositories, scaling configurations.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

/// Entries of one cache. A fleet of ten thousand services with roles of their own must not pile up: a full cache begins anew.
const ENTRIES_MAX: usize = 1000;

/// Values by name, each read once, also by readers at the same time.
pub(crate) struct Cache<T>(Mutex<BTreeMap<String, Arc<OnceCell<T>>>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Cache<T> {
    pub(crate) async fn get(&self, key: &str, read: impl Future<Output = T>) -> T {
        let cell = {
            let mut cells = self.0.lock().await;
            if cells.len() >= ENTRIES_MAX && !cells.contains_key(key) {
                cells.clear();
            }
            cells.entry(key.to_owned()).or_default().clone()
        };
        cell.get_or_init(|| read).await.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_read_serves_all_that_ask_and_a_full_cache_begins_anew() {
        let (cache, reads) = (Cache::default(), AtomicU32::new(0));
        let read = || async {
            tokio::task::yield_now().await;
            reads.fetch_add(1, Ordering::Relaxed)
        };
        let both = tokio::join!(cache.get("a", read()), cache.get("a", read()));
        assert_eq!((both, reads.load(Ordering::Relaxed)), ((0, 0), 1));
        for key in 1..=ENTRIES_MAX {
            cache.get(&key.to_string(), read()).await;
        }
        assert_eq!(cache.get("a", read()).await as usize, ENTRIES_MAX + 1, "it was read again");
    }
}
