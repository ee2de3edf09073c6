//! All that is left to chance in a run, from its seed alone.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What somebody else may do while a function works: it is asked before each call.
pub type Meddler = Box<dyn FnMut(&mut fastrand::Rng) + Send>;

/// The chance of one run. Clones are the same.
#[derive(Clone)]
pub struct Chance {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    rng: fastrand::Rng,
    meddler: Option<Meddler>,
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}

impl Chance {
    pub fn of(seed: u64) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { rng: fastrand::Rng::with_seed(seed), meddler: None })) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 0 to `end`, without it.
    pub fn below(&self, end: usize) -> usize {
        self.lock().rng.usize(0..end.max(1))
    }

    /// Whether something of this likelihood happens.
    pub fn happens(&self, likelihood: f64) -> bool {
        self.lock().rng.f64() < likelihood
    }

    /// A likelihood up to this one; one time in three none, so that runs without this trouble happen too.
    pub fn rate(&self, up_to: f64) -> f64 {
        let mut inner = self.lock();
        if inner.rng.u8(0..3) == 0 { 0.0 } else { inner.rng.f64() * up_to }
    }

    /// One of these.
    pub fn one_of<'a, T>(&self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// From now on this one meddles; nobody, for nothing.
    pub fn set_meddler(&self, meddler: Option<Meddler>) {
        self.lock().meddler = meddler;
    }

    /// Lets the meddler act. It must not come back here: it has the chance's own generator.
    pub fn meddle(&self) {
        let Inner { rng, meddler } = &mut *self.lock();
        if let Some(meddler) = meddler {
            meddler(rng);
        }
    }
}
