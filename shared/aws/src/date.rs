//! AWS's clock, read from the `Date` of its answers. Decisions take the time from here, never from the machine, so a test
//! moves time by moving the cloud's clock. How far the machine is from it is kept beside: nothing hangs on that, and people
//! are told of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use jiff::{SignedDuration, Timestamp};

/// No answer has been seen.
const NEVER: i64 = i64::MIN;

/// A machine whose clock is further from AWS's is told of. AWS takes a signature that is five minutes off; the SDK, which
/// corrects a wrong clock by itself, takes an `AccessDenied` for one from four minutes on, and tries it again.
const AWAY_MAX: SignedDuration = SignedDuration::from_mins(4);

/// The newest `Date` that an answer carried. Clones share it; give one to each client as an interceptor.
#[derive(Clone, Debug)]
pub struct ServerDate(Arc<Seen>);

#[derive(Debug)]
struct Seen {
    newest: AtomicI64,
    /// AWS's clock less the machine's, in seconds, at the last answer.
    ahead: AtomicI64,
}

impl Default for ServerDate {
    fn default() -> Self {
        Self(Arc::new(Seen { newest: AtomicI64::new(NEVER), ahead: AtomicI64::new(0) }))
    }
}

impl ServerDate {
    /// The time of the newest answer, in whole seconds; nothing before the first one.
    pub fn now(&self) -> Option<Timestamp> {
        match self.0.newest.load(Ordering::Relaxed) {
            NEVER => None,
            seconds => Timestamp::from_second(seconds).ok(),
        }
    }

    /// Takes a time from elsewhere, such as the creation time of a stream record. An older one changes nothing.
    pub fn at_least(&self, at: Timestamp) {
        self.0.newest.fetch_max(at.as_second(), Ordering::Relaxed);
    }

    /// How far AWS's clock is ahead of the machine's (behind it: negative), where that is more than minutes.
    pub fn machine_is_off(&self) -> Option<SignedDuration> {
        let ahead = SignedDuration::from_secs(self.0.ahead.load(Ordering::Relaxed));
        (ahead.abs() > AWAY_MAX).then_some(ahead)
    }

    /// `machine`: its time as the answer came.
    fn see(&self, header: &str, machine: Timestamp) {
        if let Some(at) =
            DateTime::from_str(header, Format::HttpDate).ok().and_then(|at| Timestamp::from_second(at.secs()).ok())
        {
            self.at_least(at);
            self.0.ahead.store(at.as_second() - machine.as_second(), Ordering::Relaxed);
        }
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(header) = context.response().headers().get("date") {
            // The clock that signs, which is the machine's.
            let machine = components.time_source().and_then(|clock| Timestamp::try_from(clock.now()).ok());
            self.see(header, machine.unwrap_or_else(Timestamp::now));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_answer_counts() {
        let date = ServerDate::default();
        assert_eq!(date.now(), None);
        let machine = "2025-10-09T08:54:45Z".parse().unwrap();
        date.see("Thu, 09 Oct 2025 08:54:50 GMT", machine);
        date.see("Thu, 09 Oct 2025 08:54:40 GMT", machine);
        date.see("yesterday", machine);
        assert_eq!(date.now(), Some("2025-10-09T08:54:50Z".parse().unwrap()));
        assert_eq!(date.clone().now(), date.now());
    }

    #[test]
    fn a_machine_is_off_by_what_the_last_answer_says() {
        let (date, machine) = (ServerDate::default(), |at: &str| at.parse::<Timestamp>().unwrap());
        assert_eq!(date.machine_is_off(), None, "before an answer nobody knows");
        date.see("Thu, 09 Oct 2025 08:54:50 GMT", machine("2025-10-09T08:50:50Z"));
        assert_eq!(date.machine_is_off(), None, "the answer was on its way, and clocks differ");
        date.see("Thu, 09 Oct 2025 08:54:50 GMT", machine("2025-10-09T08:50:49Z"));
        assert_eq!(date.machine_is_off(), Some(SignedDuration::from_secs(241)));
        date.see("Thu, 09 Oct 2025 08:54:50 GMT", machine("2025-10-09T11:54:50Z"));
        assert_eq!(date.machine_is_off(), Some(SignedDuration::from_hours(-3)));
        date.see("Thu, 09 Oct 2025 08:54:51 GMT", machine("2025-10-09T08:54:51Z"));
        assert_eq!(date.machine_is_off(), None, "somebody has set it meanwhile");
    }
}
