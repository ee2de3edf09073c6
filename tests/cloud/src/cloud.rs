//! The driver: a world, the functions' processes and the gateway, with a clock that jumps only when nothing is in flight.
//!
//! It owns the order of real time: work runs at once and in parallel, the clock stands until all of it has ended, then jumps
//! to the next timer. It must never hold the world while it waits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::control::{Driver, Later};
use crate::dns::Dns;
use crate::gateway::{Gateway, Keys, Server, Shared, lock};
use crate::lambda::host::{Host, Runner};
use crate::lambda::{Invocation, InvokeError, Outcome, finish, step};
use crate::serve::deliver;
use crate::world::{Work, World};

/// Pieces of work at one moment of the cloud's time; more is a circle that never ends.
const WORK_AT_ONCE_MAX: usize = 10_000;

/// Rounds in which something is due now and nothing comes of it.
const IDLE_ROUNDS_MAX: usize = 1_000;

/// How often the clock follows the real one.
const TICK: Duration = Duration::from_millis(100);

/// Why time cannot move on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stuck {
    #[error(
        "at {at} more than {WORK_AT_ONCE_MAX} pieces of work followed each other without time passing; the last was {last}"
    )]
    Circle { at: Timestamp, last: String },
    #[error("at {at} something stays due and does nothing")]
    StillDue { at: Timestamp },
}

/// A running local cloud. Clones are the same cloud.
#[derive(Clone)]
pub struct Cloud {
    inner: Arc<Inner>,
}

struct Inner {
    ordered: bool,
    world: Shared,
    host: Host,
    /// The host, unless the functions run within this process.
    runner: Arc<dyn Runner>,
    dns: Dns,
    in_flight: Arc<AtomicUsize>,
    ended: Arc<Notify>,
    /// Held by whoever moves the clock, so that two never do.
    moving: AsyncMutex<()>,
}

/// Counts one piece of work as in flight until it is dropped, even where its task panics.
struct InFlight {
    count: Arc<AtomicUsize>,
    ended: Arc<Notify>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
        self.ended.notify_one();
    }
}

impl Cloud {
    pub fn new(world: World) -> Self {
        Self::made(world, false, None)
    }

    /// A cloud that runs one piece of work after the other, so that two runs of the same story are the same.
    pub fn in_order(world: World) -> Self {
        Self::made(world, true, None)
    }

    /// A cloud whose functions somebody else runs, within this process.
    pub fn run_by(world: World, runner: Arc<dyn Runner>) -> Self {
        Self::made(world, false, Some(runner))
    }

    fn made(world: World, ordered: bool, runner: Option<Arc<dyn Runner>>) -> Self {
        let world = Arc::new(std::sync::Mutex::new(world));
        let host = Host::default();
        let inner = Inner {
            ordered,
            dns: Dns::new(world.clone()),
            world,
            runner: runner.unwrap_or_else(|| Arc::new(host.clone())),
            host,
            in_flight: Arc::default(),
            ended: Arc::default(),
            moving: AsyncMutex::new(()),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The world; lock it with [`lock`], and never across an await.
    pub fn world(&self) -> &Shared {
        &self.inner.world
    }

    /// The functions' processes.
    pub fn host(&self) -> &Host {
        &self.inner.host
    }

    /// Starts the gateway on loopback; port 0 takes a free one. It ends when the server is dropped. A deployment adds the
    /// functions' access keys to the keys.
    ///
    /// # Errors
    /// Where the port is taken.
    pub async fn listen(&self, port: u16) -> std::io::Result<(Server, Keys)> {
        let gateway = self.gateway();
        let keys = gateway.keys();
        Ok((gateway.bind(port).await?, keys))
    }

    /// The gateway without a port, for whoever calls it within this process.
    pub fn gateway(&self) -> Gateway {
        let host = self.inner.host.clone();
        let kill = Arc::new(move |function: &str| {
            host.kill(function);
        });
        Gateway::new(self.inner.world.clone(), Arc::new(self.clone())).on_kill(kill)
    }

    /// Where the resolver of the cloud's world answers, by UDP and by TCP; it starts with the first who asks.
    ///
    /// # Errors
    /// Where loopback cannot be listened on.
    pub async fn dns(&self) -> std::io::Result<SocketAddr> {
        self.inner.dns.address().await
    }

    /// Runs what is due now, and what that causes, until nothing is in flight.
    ///
    /// # Errors
    /// Where the work never ends.
    pub async fn settle(&self) -> Result<Timestamp, Stuck> {
        let _moving = self.inner.moving.lock().await;
        self.finish_work().await
    }

    /// Lets this much of the cloud's time pass, timer by timer.
    ///
    /// # Errors
    /// Where the work never ends.
    pub async fn advance(&self, by: Duration) -> Result<Timestamp, Stuck> {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let until = lock(&self.inner.world).now.checked_add(by).unwrap_or(Timestamp::MAX);
        self.run(until, |_| false).await?;
        Ok(until)
    }

    /// Lets time pass until the world is as wanted, for at most `limit` of its time; tells whether it came to be so.
    ///
    /// # Errors
    /// Where the work never ends.
    pub async fn run_until(&self, wanted: impl FnMut(&World) -> bool, limit: Duration) -> Result<bool, Stuck> {
        let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
        let until = lock(&self.inner.world).now.checked_add(limit).unwrap_or(Timestamp::MAX);
        self.run(until, wanted).await
    }

    async fn run(&self, until: Timestamp, mut wanted: impl FnMut(&World) -> bool) -> Result<bool, Stuck> {
        let _moving = self.inner.moving.lock().await;
        let mut idle = 0;
        loop {
            let at = self.finish_work().await?;
            let mut world = lock(&self.inner.world);
            if wanted(&world) {
                return Ok(true);
            }
            match world.next_due().filter(|due| *due <= until) {
                Some(due) => {
                    idle = if due > at { 0 } else { idle + 1 };
                    if idle > IDLE_ROUNDS_MAX {
                        return Err(Stuck::StillDue { at });
                    }
                    world.advance_to(due);
                }
                None if at < until => world.advance_to(until),
                None => return Ok(false),
            }
        }
    }

    async fn finish_work(&self) -> Result<Timestamp, Stuck> {
        let mut done = 0;
        loop {
            // Counted before the step: what ends during it may have caused something that the step did not see.
            let before = self.inner.in_flight.load(Ordering::SeqCst);
            let (at, work) = {
                let mut world = lock(&self.inner.world);
                (world.now, step(&mut world))
            };
            if work.is_empty() && before == 0 {
                return Ok(at);
            }
            done += work.len();
            if done > WORK_AT_ONCE_MAX {
                let last = work.last().map(describe).unwrap_or_default();
                return Err(Stuck::Circle { at, last });
            }
            for one in work {
                self.start(one, at);
                while self.inner.ordered && self.inner.in_flight.load(Ordering::SeqCst) > 0 {
                    self.inner.ended.notified().await;
                }
            }
            if self.inner.in_flight.load(Ordering::SeqCst) > 0 {
                self.inner.ended.notified().await;
            }
        }
    }

    /// Runs one piece of work in a task of its own.
    fn start(&self, work: Work, now: Timestamp) {
        let in_flight = self.in_flight();
        let cloud = self.clone();
        tokio::spawn(async move {
            match work {
                Work::Invoke(invocation) => {
                    cloud.invoke_now(&invocation, now).await;
                }
                Work::Post(post) => {
                    let to = post.url.clone();
                    let outcome = deliver(post).await;
                    let mut world = lock(&cloud.inner.world);
                    let at = world.now;
                    world.history.record(at, "delivery", "world", json!({"to": to, "outcome": outcome}));
                }
                Work::Resolve(lookup) => cloud.inner.dns.look_up(&lookup).await,
            }
            drop(in_flight);
        });
    }

    fn in_flight(&self) -> InFlight {
        self.inner.in_flight.fetch_add(1, Ordering::SeqCst);
        InFlight { count: self.inner.in_flight.clone(), ended: self.inner.ended.clone() }
    }

    async fn invoke_now(&self, invocation: &Invocation, now: Timestamp) -> Option<Outcome> {
        let function = lock(&self.inner.world).lambda.function(&invocation.function).cloned()?;
        let outcome = self.inner.runner.run(&function, invocation, now).await;
        finish::finish(&mut lock(&self.inner.world), invocation, outcome.clone());
        Some(outcome)
    }

    /// Invokes a function and waits for its answer, as `Invoke` with `RequestResponse` does.
    ///
    /// # Errors
    /// Where the function does not exist or has no concurrency left.
    pub async fn invoke(&self, function: &str, payload: Value) -> Result<Outcome, InvokeError> {
        let (invocation, now) = {
            let mut world = lock(&self.inner.world);
            let World { lambda, ids, now, .. } = &mut *world;
            (lambda.begin_direct(function, payload, ids)?, *now)
        };
        let _in_flight = self.in_flight();
        let outcome = self.invoke_now(&invocation, now).await;
        outcome.ok_or_else(|| InvokeError::NoFunction(function.to_owned()))
    }

    /// Lets the cloud's clock run at the pace of the real one, from where it stands. Never ends by itself.
    pub async fn follow_real_time(&self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Instant::now();
        loop {
            let at = ticks.tick().await;
            let passed = self.advance(at.saturating_duration_since(last)).await;
            last = at;
            self.note(&passed);
        }
    }

    /// Ends every process that the cloud has started.
    pub async fn shutdown(&self) {
        self.inner.host.shutdown().await;
    }

    /// A clock that is stuck stands in the history: the control API has no other way to say so.
    fn note(&self, passed: &Result<Timestamp, Stuck>) -> Timestamp {
        let mut world = lock(&self.inner.world);
        let now = world.now;
        match passed {
            Ok(at) => *at,
            Err(stuck) => {
                world.history.record(now, "fault", "clock", json!({"stuck": stuck.to_string()}));
                now
            }
        }
    }
}

impl Driver for Cloud {
    fn advance(&self, by: Duration) -> Later<'_> {
        Box::pin(async move {
            let passed = Cloud::advance(self, by).await;
            self.note(&passed)
        })
    }

    fn settle(&self) -> Later<'_> {
        Box::pin(async move {
            let passed = Cloud::settle(self).await;
            self.note(&passed)
        })
    }
}

fn describe(work: &Work) -> String {
    match work {
        Work::Invoke(invocation) => format!("an invocation of {}", invocation.function),
        Work::Post(post) => format!("a delivery to {}", post.url),
        Work::Resolve(lookup) => format!("a lookup of {} {}", lookup.name, lookup.kind),
    }
}

#[cfg(test)]
mod tests;
