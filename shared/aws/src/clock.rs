//! AWS's time: the `Date` header of its answers. No decision hangs on this machine's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use jiff::Timestamp;

/// The newest `Date` that any client of one [`crate::Clients`] has seen. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct AwsClock(Arc<AtomicI64>);

impl AwsClock {
    /// The newest time that AWS has told; `None` before its first answer. Its resolution is one second.
    pub fn now(&self) -> Option<Timestamp> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            seconds => Timestamp::from_second(seconds).ok(),
        }
    }

    fn saw(&self, date: &str) {
        if let Ok(date) = DateTime::from_str(date, Format::HttpDate) {
            self.0.fetch_max(date.secs(), Ordering::Relaxed);
        }
    }
}

impl Intercept for AwsClock {
    fn name(&self) -> &'static str {
        "AwsClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.saw(date);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_date_wins_and_nonsense_is_passed_over() {
        let clock = AwsClock::default();
        assert_eq!(clock.now(), None);
        clock.saw("Sat, 21 Nov 2026 08:00:10 GMT");
        clock.saw("Sat, 21 Nov 2026 08:00:05 GMT");
        clock.saw("yesterday");
        assert_eq!(clock.now().unwrap().to_string(), "2026-11-21T08:00:10Z");
    }
}
