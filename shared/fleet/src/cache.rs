//! What several services share and one read is enough for: roles, policies, repositories, scaling configurations.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

/// Entries of one cache. A fleet of ten thousand services with roles of their own must not pile up: a full cache begins anew.
const ENTRIES_MAX: usize = 1000;
/// Reads of one thing that fail by something that may pass. Then it stays as it is for the run: each costs up to five tries.
const FAILURES_MAX: u32 = 3;

/// What a read came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read<T> {
    pub value: T,
    /// Whether it would be the same the next time. What may pass by itself (a throttle, a timeout) must not make the thousands of
    /// services that come after it blind too.
    pub lasting: bool,
}

/// Values by name, each read once, also by readers at the same time.
pub(crate) struct Cache<T> {
    cells: Mutex<Cells<T>>,
    /// What all values together may weigh, and what one weighs.
    weight_max: usize,
    weigh: fn(&T) -> usize,
}

struct Cells<T> {
    by: BTreeMap<String, Arc<OnceCell<Read<T>>>>,
    failures: BTreeMap<String, u32>,
    weight: usize,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self::weighing(ENTRIES_MAX, |_| 1)
    }
}

impl<T> Cache<T> {
    /// A cache of values that differ in size.
    pub(crate) fn weighing(weight_max: usize, weigh: fn(&T) -> usize) -> Self {
        let cells = Cells { by: BTreeMap::new(), failures: BTreeMap::new(), weight: 0 };
        Self { cells: Mutex::new(cells), weight_max, weigh }
    }
}

impl<T: Clone> Cache<T> {
    pub(crate) async fn get(&self, key: &str, read: impl Future<Output = Read<T>>) -> Read<T> {
        let cell = {
            let mut cells = self.cells.lock().await;
            if cells.weight >= self.weight_max && !cells.by.contains_key(key) {
                (cells.weight, cells.by, cells.failures) = (0, BTreeMap::new(), BTreeMap::new());
            }
            cells.by.entry(key.to_owned()).or_default().clone()
        };
        let mut is_mine = false;
        let value = cell.get_or_init(|| async {
            is_mine = true;
            read.await
        });
        let value = value.await.clone();
        if is_mine {
            self.keep(key, &cell, &value).await;
        }
        value
    }

    /// Weighs what was read, or forgets it where it may be otherwise the next time.
    async fn keep(&self, key: &str, cell: &Arc<OnceCell<Read<T>>>, value: &Read<T>) {
        let mut cells = self.cells.lock().await;
        if !cells.by.get(key).is_some_and(|kept| Arc::ptr_eq(kept, cell)) {
            return;
        }
        if !value.lasting {
            let failures = cells.failures.entry(key.to_owned()).or_default();
            *failures += 1;
            if *failures < FAILURES_MAX {
                cells.by.remove(key);
                return;
            }
        }
        cells.weight += (self.weigh)(&value.value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A read that counts itself.
    async fn counted(reads: &AtomicU32, lasting: bool) -> Read<u32> {
        tokio::task::yield_now().await;
        Read { value: reads.fetch_add(1, Ordering::Relaxed), lasting }
    }

    #[tokio::test]
    async fn one_read_serves_all_that_ask_and_a_full_cache_begins_anew() {
        let (cache, reads) = (Cache::default(), AtomicU32::new(0));
        let (one, other) = tokio::join!(cache.get("a", counted(&reads, true)), cache.get("a", counted(&reads, true)));
        assert_eq!((one.value, other.value, reads.load(Ordering::Relaxed)), (0, 0, 1));
        for key in 1..=ENTRIES_MAX {
            cache.get(&key.to_string(), counted(&reads, true)).await;
        }
        assert_eq!(cache.get("a", counted(&reads, true)).await.value as usize, ENTRIES_MAX + 1, "it was read again");
    }

    #[tokio::test]
    async fn what_may_pass_is_asked_again_and_not_for_ever() {
        let (cache, reads) = (Cache::default(), AtomicU32::new(0));
        cache.get("a", counted(&reads, false)).await;
        let mended = cache.get("a", counted(&reads, true)).await;
        assert_eq!(mended, Read { value: 1, lasting: true }, "it was throttled, and is not any more");
        assert_eq!(cache.get("a", counted(&reads, true)).await, mended);
        for _ in 0..9 {
            cache.get("b", counted(&reads, false)).await;
        }
        assert_eq!(reads.load(Ordering::Relaxed), 2 + FAILURES_MAX, "who never answers is not asked for each service");
    }

    #[tokio::test]
    async fn a_cache_is_full_by_the_weight_of_what_it_holds() {
        let (cache, reads) = (Cache::weighing(10, |_| 4), AtomicU32::new(0));
        for key in ["a", "b", "a", "c", "a"] {
            cache.get(key, counted(&reads, true)).await;
        }
        assert_eq!(reads.load(Ordering::Relaxed), 3, "three of them fit");
        cache.get("d", counted(&reads, true)).await;
        assert_eq!(cache.get("a", counted(&reads, true)).await.value, 4, "it was full, and began anew");
    }
}
