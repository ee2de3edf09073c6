//! One service, read: eight calls at the most that are its own, and what it shares with others from caches.

use pitcrew_aws::apprunner::{describe_service, observe_operations, observe_tags};
use pitcrew_aws::configurations::observe_scaling;
use pitcrew_aws::describe;
use pitcrew_aws::domain_engine::DomainEngine;
use pitcrew_aws::domain_engine::survey::Known;
use pitcrew_aws::domains::{Associations, observe_domains};
use pitcrew_aws::error::AwsError;
use pitcrew_aws::table::domains::Domains;
use pitcrew_core::audit::doubled_names;
use pitcrew_core::audit::facts::{DomainFacts, Listed, Scaling, ServiceFacts};
use pitcrew_core::autonomy::Tags;
use pitcrew_core::dns::facts::DnsFacts;
use pitcrew_core::dns::name::Name;
use pitcrew_core::dns::record::RecordType;
use pitcrew_core::domain::{Association, DomainMemory};
use pitcrew_core::fact::Fact;
use pitcrew_core::id::{Digest, ServiceArn};
use pitcrew_core::memory::{Judged, Memory, Pause};
use pitcrew_core::service::ServiceStatus;

use crate::cache::Cache;
use crate::clients::FleetClients;
use crate::fact::{likewise, settled, shared};
use crate::images::Images;
use crate::pointers::log_groups_of;
use crate::roles::{Role, Roles};
use crate::surroundings::Surroundings;

/// Why nothing is remembered where there is no stack.
const NO_TABLE: &str = "there is no state table: pitcrew is not installed here, or it was not named";

/// Reads services, one after the other or several at the same time.
pub(crate) struct Reader<'a> {
    pub clients: &'a FleetClients,
    pub domains: &'a DomainEngine<'a>,
    pub shared: &'a Surroundings,
    roles: Roles,
    images: Images,
    scalings: Cache<Fact<Scaling>>,
}

/// What was read of a service. Its usage is asked for by the hundred, afterwards.
pub(crate) struct Seen {
    pub listed: Listed,
    pub facts: ServiceFacts,
    pub roles: Vec<(String, Role)>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(clients: &'a FleetClients, domains: &'a DomainEngine<'a>, shared: &'a Surroundings) -> Self {
        let (roles, images, scalings) = (Roles::default(), Images::default(), Cache::default());
        Self { clients, domains, shared, roles, images, scalings }
    }

    /// Everything of one service; `None` where it was deleted since it was listed.
    ///
    /// # Errors
    /// The service itself cannot be described. Everything else is a fact that is missing.
    pub(crate) async fn read(&self, arn: &ServiceArn) -> Result<Option<Seen>, AwsError> {
        let Some((mut facts, scaling)) = self.describe(arn).await? else { return Ok(None) };
        let apprunner = &self.clients.domains.apprunner;
        let judged = Judged::default();
        let (operations, tags, shown, memory, firewall, roles, configuration) = tokio::join!(
            // Nothing was judged: the first page alone is read.
            observe_operations(apprunner, arn, &judged),
            observe_tags(apprunner, arn),
            observe_domains(apprunner, arn),
            self.memory(arn),
            self.shared.firewalls.of(&self.clients.waf, arn),
            self.roles(&facts),
            self.scaling(scaling.as_deref()),
        );
        facts.operations = match settled(operations) {
            Fact::Known(None) => return Ok(None),
            Fact::Known(Some(operations)) => Fact::Known(operations),
            missing => likewise(&missing),
        };
        facts.tags = settled(tags);
        facts.memory = memory;
        facts.firewall = firewall;
        facts.scaling = configuration;
        facts.log_groups = log_groups_of(&self.shared.log_groups, arn);
        facts.image = self.image(&facts).await;
        facts.domains = match settled(shown) {
            Fact::Known(None) => return Ok(None),
            Fact::Known(Some(shown)) => Fact::Known(self.domains(&facts, shown).await),
            missing => likewise(&missing),
        };
        let listed = describe::listed(&facts, scaling);
        Ok(Some(Seen { listed, facts, roles }))
    }

    async fn describe(&self, arn: &ServiceArn) -> Result<Option<(ServiceFacts, Option<String>)>, AwsError> {
        let Some(seen) = describe_service(&self.clients.domains.apprunner, arn).await? else { return Ok(None) };
        let facts = describe::service(arn, &seen);
        let scaling = seen.auto_scaling_configuration_summary.and_then(|it| it.auto_scaling_configuration_arn);
        Ok((facts.status != ServiceStatus::Deleted).then_some((facts, scaling)))
    }

    async fn memory(&self, arn: &ServiceArn) -> Fact<Memory> {
        match &self.clients.table {
            Some(table) => settled(table.load(arn).await.map(|(memory, _)| memory)),
            None => Fact::Unavailable(NO_TABLE.to_owned()),
        }
    }

    async fn roles(&self, facts: &ServiceFacts) -> Vec<(String, Role)> {
        let mut roles = Vec::new();
        for arn in [&facts.instance_role, &facts.access_role].into_iter().flatten() {
            roles.push((arn.clone(), self.roles.get(&self.clients.iam, &self.clients.place.account, arn).await));
        }
        roles
    }

    async fn scaling(&self, arn: Option<&str>) -> Fact<Scaling> {
        let Some(arn) = arn else {
            return Fact::Unavailable("the service names no automatic scaling configuration".to_owned());
        };
        self.scalings
            .get(arn, async { shared(observe_scaling(&self.clients.domains.apprunner, arn).await) })
            .await
            .value
    }

    async fn image(&self, facts: &ServiceFacts) -> Fact<Option<pitcrew_core::audit::facts::ImageFacts>> {
        let Some(image) = facts.source.image() else { return Fact::Known(None) };
        let known: Vec<Digest> = match &facts.memory {
            Fact::Known(memory) => memory.ledger.releases.iter().filter_map(|one| one.digest.clone()).collect(),
            Fact::Unavailable(_) | Fact::Unread => Vec::new(),
        };
        self.images.get(&self.clients.ecr, &self.clients.place, image, &known).await
    }

    /// The domains, with the plan that the domains function would make. Without a table the plan is that of an account where
    /// pitcrew remembers nothing, which is then so.
    async fn domains(&self, facts: &ServiceFacts, shown: Associations) -> Vec<DomainFacts> {
        let names: Vec<Name> = shown.keys().cloned().collect();
        let (mut memories, pause) = match (&self.clients.table, names.is_empty()) {
            (_, true) => return Vec::new(),
            (Some(table), false) => match settled(table.load_domains(&names).await) {
                Fact::Known((memories, pause)) => (Ok(memories), pause),
                missing => (Err(missing), None),
            },
            (None, false) => (Err(Fact::Unavailable(NO_TABLE.to_owned())), None),
        };
        let known = known(facts, shown.clone(), pause);
        let mut domains = Vec::new();
        for (name, association) in shown {
            let memory = match &mut memories {
                Ok(memories) => of_domain(memories, &name),
                Err(missing) => likewise(missing),
            };
            domains.push(self.domain(&known, name, association, memory).await);
        }
        domains
    }

    async fn domain(
        &self,
        known: &Known,
        name: Name,
        association: Association,
        memory: Fact<DomainMemory>,
    ) -> DomainFacts {
        let (preview, served, mut dns) = match (&memory, &self.clients.table) {
            // A memory that could not be read is not an empty one.
            (Fact::Unavailable(why), Some(_)) => (Fact::Unavailable(why.clone()), Fact::Unread, DnsFacts::default()),
            _ => {
                let remembered = memory.get().and_then(Result::ok).cloned().unwrap_or_default();
                let surveyed = self.domains.survey(known, &name, remembered).await;
                let preview = surveyed.preview.map(Fact::Known);
                let preview = preview.unwrap_or_else(|error| Fact::Unavailable(error.to_string()));
                (preview, surveyed.served, surveyed.dns)
            }
        };
        self.ask(&association, &mut dns).await;
        DomainFacts { name, association, memory, preview, served, dns }
    }

    /// What the plan does not ask: the validation records as the world sees them, and where a panel that adds the zone's name
    /// once more would have put them.
    async fn ask(&self, association: &Association, dns: &mut DnsFacts) {
        for record in &association.records {
            let doubled = doubled_names(&record.name);
            for name in std::iter::once(&record.name).chain(&doubled) {
                if let Err(error) = self.domains.ask(name, &RecordType::Cname, dns).await {
                    dns.answers.push((name.clone(), RecordType::Cname, Fact::Unavailable(error.line())));
                }
            }
        }
    }
}

fn known(facts: &ServiceFacts, shown: Associations, pause: Option<Pause>) -> Known {
    let about = pitcrew_core::domain::ServiceFacts {
        status: facts.status.clone(),
        created_at: facts.created_at,
        public: facts.public,
    };
    let tags: Fact<Tags> = facts.tags.clone();
    Known { service: facts.arn.clone(), about, tags, shown, pause }
}

fn of_domain(memories: &mut Domains, name: &Name) -> Fact<DomainMemory> {
    match memories.remove(name) {
        Some(memory) => settled(memory),
        None => Fact::Unavailable("the table gave no answer for the domain".to_owned()),
    }
}
