//! AWS's clock, read from the `Date` of its answers. Decisions take the time from here, never from the machine, so a test
//! moves time by moving the cloud's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use jiff::Timestamp;

/// No answer has been seen.
const NEVER: i64 = i64::MIN;

/// The newest `Date` that an answer carried. Clones share it; give one to each client as an interceptor.
#[derive(Clone, Debug)]
pub struct ServerDate(Arc<AtomicI64>);

impl Default for ServerDate {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(NEVER)))
    }
}

impl ServerDate {
    /// The time of the newest answer, in whole seconds; nothing before the first one.
    pub fn now(&self) -> Option<Timestamp> {
        match self.0.load(Ordering::Relaxed) {
            NEVER => None,
            seconds => Timestamp::from_second(seconds).ok(),
        }
    }

    /// Takes a time from elsewhere, such as the creation time of a stream record. An older one changes nothing.
    pub fn at_least(&self, at: Timestamp) {
        self.0.fetch_max(at.as_second(), Ordering::Relaxed);
    }

    fn see(&self, header: &str) {
        if let Some(at) =
            DateTime::from_str(header, Format::HttpDate).ok().and_then(|at| Timestamp::from_second(at.secs()).ok())
        {
            self.at_least(at);
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
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(header) = context.response().headers().get("date") {
            self.see(header);
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
        date.see("Thu, 09 Oct 2025 08:54:50 GMT");
        date.see("Thu, 09 Oct 2025 08:54:40 GMT");
        date.see("yesterday");
        assert_eq!(date.now(), Some("2025-10-09T08:54:50Z".parse().unwrap()));
        assert_eq!(date.clone().now(), date.now());
    }
}
