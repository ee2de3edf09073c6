//! What would be done about the domains of a service that somebody has read already: an audit looks at a fleet, and makes no
//! call twice. Nothing is written, and what was read of the DNS is handed over with the plan.

use pitcrew_core::autonomy::Tags;
use pitcrew_core::certificate::Served;
use pitcrew_core::dns::facts::{DnsFacts, DnsLook};
use pitcrew_core::dns::name::Name;
use pitcrew_core::dns::record::RecordType;
use pitcrew_core::domain::{DomainMemory, Preview, ServiceFacts, Trigger, preview};
use pitcrew_core::fact::Fact;
use pitcrew_core::id::ServiceArn;
use pitcrew_core::memory::Pause;

use super::{DomainEngine, DomainSubject, EngineError, OfService, Run, STEPS_MAX, Which};
use crate::dns::{DnsReads, Reading};
use crate::domains::Associations;
use crate::error::AwsError;

/// What was read of a service.
#[derive(Clone, Debug)]
pub struct Known {
    pub service: ServiceArn,
    pub about: ServiceFacts,
    pub tags: Fact<Tags>,
    pub shown: Associations,
    pub pause: Option<Pause>,
}

/// What one domain would come to.
pub struct Surveyed {
    pub preview: Result<Preview, EngineError>,
    /// The certificate that a handshake showed; `Unread` where none was made.
    pub served: Fact<Served>,
    /// What was read for it.
    pub dns: DnsFacts,
}

impl DomainEngine<'_> {
    /// The plan for one domain of the service. What an earlier domain of this engine saw of zones and DNS may be used.
    pub async fn survey(&self, known: &Known, name: &Name, memory: DomainMemory) -> Surveyed {
        let subject = DomainSubject {
            service: known.service.clone(),
            which: Which::These(vec![name.clone()]),
            cause: "audit".to_owned(),
            trigger: Trigger::Sweep,
        };
        let mut of_service = OfService {
            shown: Some(known.shown.clone()),
            pause: known.pause.clone(),
            about: Fact::Known(Some(known.about.clone())),
            tags: known.tags.clone(),
        };
        match self.begin(&subject, &mut of_service, name, memory) {
            Ok(mut run) => {
                let preview = run.foretell().await;
                Surveyed { preview, served: run.seen.served, dns: run.seen.dns }
            }
            Err(error) => Surveyed { preview: Err(error), served: Fact::Unread, dns: DnsFacts::default() },
        }
    }

    /// What the DNS answers, into `facts`, unless it stands there already.
    pub async fn ask(&self, name: &Name, kind: &RecordType, facts: &mut DnsFacts) -> Result<(), AwsError> {
        if facts.ask(name, kind).is_ok() {
            return Ok(());
        }
        self.dns.look(DnsLook::Ask { name: name.clone(), kind: kind.clone() }, None, Reading::Shared, facts).await
    }

    /// What this invocation reads of zones and the DNS.
    pub fn dns(&self) -> &DnsReads<'_> {
        &self.dns
    }
}

impl Run<'_> {
    pub(super) async fn foretell(&mut self) -> Result<Preview, EngineError> {
        for _ in 0..STEPS_MAX {
            match preview(&self.seen, &self.engine.settings) {
                Ok(preview) => return Ok(preview),
                Err(look) => self.look(look).await?,
            }
        }
        Err(EngineError::Endless)
    }
}
