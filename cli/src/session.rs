//! One run of the command: how AWS is reached, where the stack keeps its state, and who asks.
//!
//! The stack's settings come from flags and the environment, else from the function itself: a person's action must judge
//! what it finds unjudged by the same settings as the function does.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _};

use jiff::{SignedDuration, Timestamp};
use pitcrew_aws::clients::{Clients, Places};
use pitcrew_aws::error::{AwsError, Kind};
use pitcrew_aws::operator::{self, Reach, SdkConfig};
use pitcrew_core::autonomy::Autonomy;
use pitcrew_core::rollback::Settings;

use crate::args::Global;
use crate::failure::{Exit, Failure};

/// The bake window where nobody says another: the template's.
const BAKE_MINUTES: i64 = 30;
/// Characters of a name that a receipt keeps.
const WHO_CHARS_MAX: usize = 64;

/// What a command needs to know of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The table: to read, and for the account's switches.
    State,
    /// The settings too: the engine runs.
    Engine,
    /// The settings of custom domains: their engine runs, or foretells.
    Domains,
}

impl Needs {
    /// The function whose environment holds it.
    fn role(self) -> &'static str {
        match self {
            Self::State | Self::Engine => "rollback",
            Self::Domains => "domains",
        }
    }
}

/// How AWS is reached, before anything is known of the stack.
pub struct Account {
    pub config: SdkConfig,
    pub region: String,
}

impl Account {
    /// Reads profile and environment, and finds out whether there are a region and credentials.
    pub async fn open(global: &Global) -> Result<Self, Failure> {
        let reach = Reach {
            region: global.region.clone(),
            profile: global.profile.clone(),
            endpoint_url: global.endpoint_url.clone(),
        };
        let config = operator::operator_config(&reach).await;
        let region = operator::region(&config).ok_or_else(|| {
            Failure::new(Exit::Usage, "no AWS region is known")
                .mend("add --region, set AWS_REGION, or give the profile a region")
        })?;
        operator::observe_credentials(&config).await?;
        Ok(Self { config, region })
    }
}

/// Where the stack keeps its state, and its settings as far as they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    pub table: Option<String>,
    pub fingerprint_secret: Option<String>,
    pub wake_queue_url: Option<String>,
    pub autonomy: Option<String>,
    pub bake_minutes: Option<String>,
    pub zones: Option<String>,
    pub zone_roles: Option<String>,
    pub zone_external_id: Option<String>,
    pub remove_records: Option<String>,
    pub resolver: Option<String>,
    pub tls_port: Option<String>,
}

impl Stack {
    /// What flags and environment say.
    pub fn given(global: &Global) -> Self {
        let dns = &global.dns;
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Self {
            table: global.table.clone(),
            fingerprint_secret: global.fingerprint_secret.clone(),
            wake_queue_url: global.wake_queue_url.clone(),
            autonomy: global.autonomy.clone(),
            bake_minutes: global.bake_minutes.map(|minutes| minutes.to_string()),
            zones: said(&dns.zones),
            zone_roles: said(&Some(dns.zone_roles.join(","))),
            zone_external_id: said(&dns.zone_external_id),
            remove_records: dns.remove_records.map(|remove| remove.to_string()),
            resolver: said(&dns.resolver),
            tls_port: dns.tls_port.map(|port| port.to_string()),
        }
    }

    /// Whether the function need not be asked.
    fn suffices(&self, needs: Needs) -> bool {
        match needs {
            Needs::State => self.table.is_some(),
            Needs::Engine => self.table.is_some() && self.autonomy.is_some(),
            Needs::Domains => self.table.is_some() && self.autonomy.is_some() && self.zones.is_some(),
        }
    }

    /// What was not given, from the function's environment.
    #[must_use]
    pub fn or(self, environment: &BTreeMap<String, String>) -> Self {
        let from = |given: Option<String>, name: &str| {
            given.or_else(|| environment.get(name).filter(|value| !value.is_empty()).cloned())
        };
        Self {
            table: from(self.table, "PITCREW_TABLE"),
            fingerprint_secret: from(self.fingerprint_secret, "PITCREW_FINGERPRINT_SECRET_ARN"),
            wake_queue_url: from(self.wake_queue_url, "PITCREW_WAKE_QUEUE_URL"),
            autonomy: from(self.autonomy, "PITCREW_AUTONOMY"),
            bake_minutes: from(self.bake_minutes, "PITCREW_BAKE_MINUTES"),
            zones: from(self.zones, "PITCREW_ZONES"),
            zone_roles: from(self.zone_roles, "PITCREW_ZONE_ROLES"),
            zone_external_id: from(self.zone_external_id, "PITCREW_ZONE_EXTERNAL_ID"),
            remove_records: from(self.remove_records, "PITCREW_REMOVE_RECORDS"),
            resolver: from(self.resolver, "PITCREW_RESOLVER"),
            tls_port: from(self.tls_port, "PITCREW_TLS_PORT"),
        }
    }

    /// The stack's autonomy, where somebody says it.
    pub fn autonomy(&self) -> Result<Option<Autonomy>, Failure> {
        let parsed = self.autonomy.as_ref().map(|autonomy| autonomy.parse::<Autonomy>());
        parsed.transpose().map_err(|why| {
            Failure::new(Exit::Usage, format!("the stack's autonomy: {why}"))
                .mend("check --autonomy and PITCREW_AUTONOMY")
        })
    }

    fn settings(&self) -> Result<Option<Settings>, Failure> {
        let Some(autonomy) = self.autonomy()? else { return Ok(None) };
        let minutes = match &self.bake_minutes {
            None => BAKE_MINUTES,
            Some(minutes) => minutes.parse().map_err(|_| {
                Failure::new(Exit::Usage, format!("the stack's bake window `{minutes}` is no number of minutes"))
                    .mend("check PITCREW_BAKE_MINUTES")
            })?,
        };
        Ok(Some(Settings { autonomy, bake: SignedDuration::from_mins(minutes) }))
    }
}

/// The name of a function of the stack. The environment of `rollback` holds the stack's settings, that of `domains` those of
/// custom domains too.
pub fn function_name(stack: &str, role: &str) -> String {
    format!("{stack}-{role}")
}

/// Why the stack is not found, and how to name it.
pub fn no_stack(global: &Global, region: &str, role: &str, error: AwsError) -> Failure {
    let function = function_name(&global.stack, role);
    let mend = "check --stack and --region, or give what it would tell: --table (and --autonomy for an action, \
                and --zones for domains)";
    if error.kind == Kind::Missing {
        let what =
            format!("there is no pitcrew stack `{}` in {region}: the function {function} does not exist", global.stack);
        return Failure::new(Exit::NotFound, what).mend(mend);
    }
    let what = format!("the settings of the stack `{}` cannot be read from its function {function}", global.stack);
    let said = Failure::new(Exit::Failed, error.line());
    Failure::new(Exit::Failed, what).mend(mend).cause(if error.message.is_empty() { said.cause(error) } else { said })
}

/// The clients of one command, and who asks.
pub struct Session {
    pub clients: Clients,
    settings: Option<Settings>,
    who: String,
    stack: String,
    role: &'static str,
}

impl Session {
    /// Reaches AWS and finds the stack.
    pub async fn open(global: &Global, needs: Needs) -> Result<Self, Failure> {
        Self::reach(global, needs).await.map(|(session, _, _)| session)
    }

    /// The same, with what a session of another kind is built from.
    pub async fn reach(global: &Global, needs: Needs) -> Result<(Self, SdkConfig, Stack), Failure> {
        let account = Account::open(global).await?;
        let role = needs.role();
        let mut stack = Stack::given(global);
        if !stack.suffices(needs) {
            let environment = operator::observe_function(&account.config, &function_name(&global.stack, role)).await;
            stack = stack.or(&environment.map_err(|error| no_stack(global, &account.region, role, error))?);
        }
        let settings = if needs == Needs::Engine { stack.settings()? } else { None };
        let Some(table) = stack.table.clone() else {
            let what = format!("the function {} does not say which table it uses", function_name(&global.stack, role));
            return Err(Failure::new(Exit::Failed, what).mend("add --table"));
        };
        let places = Places {
            table,
            region: account.region,
            fingerprint_secret: stack.fingerprint_secret.clone(),
            wake_queue_url: stack.wake_queue_url.clone(),
        };
        let clients = Clients::new(&account.config, places);
        let session = Self { clients, settings, who: who(global), stack: global.stack.clone(), role };
        Ok((session, account.config, stack))
    }

    pub fn region(&self) -> &str {
        &self.clients.places.region
    }

    /// AWS's time. Only before the first answer it is the machine's.
    pub fn now(&self) -> Timestamp {
        self.clients.date.now().unwrap_or_else(Timestamp::now)
    }

    /// Who asks, for pauses.
    pub fn who(&self) -> &str {
        &self.who
    }

    /// What receipts name as the cause.
    pub fn cause(&self) -> String {
        format!("operator {}", self.who)
    }

    /// The settings by which what is found unjudged is judged.
    pub fn settings(&self) -> Result<Settings, Failure> {
        self.settings.ok_or_else(|| self.no_autonomy())
    }

    /// Autonomy has no default: it is never made up.
    pub fn no_autonomy(&self) -> Failure {
        let function = function_name(&self.stack, self.role);
        Failure::new(Exit::Failed, format!("the function {function} does not say its autonomy"))
            .mend("add --autonomy with the stack's parameter Autonomy")
    }
}

/// The name that receipts get: `--as`, else the profile, else the user.
fn who(global: &Global) -> String {
    let variable = |name: &str| std::env::var(name).ok();
    let named = [global.who.clone(), global.profile.clone(), variable("AWS_PROFILE"), variable("USER")];
    let named = named.into_iter().flatten().map(|name| pitcrew_core::render::clean::line(&name, WHO_CHARS_MAX));
    named.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

/// A holder that no other run has. DynamoDB's idempotency token keeps its first 21 characters, so what is unique comes first.
pub fn holder() -> String {
    // The keys of a `RandomState` come from the operating system's randomness.
    let unique = std::hash::RandomState::new().build_hasher().finish();
    format!("op-{unique:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> BTreeMap<String, String> {
        let pairs =
            [("PITCREW_TABLE", "t1"), ("PITCREW_AUTONOMY", "act"), ("PITCREW_BAKE_MINUTES", "45"), ("OTHER", "x")];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn what_is_given_wins_over_the_function() {
        let given = Stack { table: Some("mine".into()), ..Stack::default() };
        let stack = given.or(&environment());
        assert_eq!((stack.table.as_deref(), stack.autonomy.as_deref()), (Some("mine"), Some("act")));
        let settings = stack.settings().unwrap().unwrap();
        assert_eq!(settings, Settings { autonomy: Autonomy::Act, bake: SignedDuration::from_mins(45) });
    }

    #[test]
    fn a_table_suffices_to_read_and_not_to_act() {
        let stack = Stack { table: Some("t".into()), ..Stack::default() };
        assert!(stack.suffices(Needs::State) && !stack.suffices(Needs::Engine));
        let stack = Stack { autonomy: Some("act".into()), ..stack };
        assert!(stack.suffices(Needs::Engine) && !stack.suffices(Needs::Domains));
        assert!(Stack { zones: Some("*".into()), ..stack }.suffices(Needs::Domains));
    }

    #[test]
    fn no_autonomy_is_ever_made_up() {
        assert_eq!(Stack::default().settings().unwrap(), None);
        let wrong = Stack { autonomy: Some("acct".into()), ..Stack::default() };
        assert!(wrong.settings().unwrap_err().what.contains("`acct` is none of observe, propose, act, off"));
    }

    #[test]
    fn a_stack_that_is_not_there_is_not_found() {
        let global = Global { stack: "pitcrew".into(), ..Global::default() };
        let failure =
            no_stack(&global, "eu-west-1", "rollback", AwsError::broken("lambda:GetFunctionConfiguration", "?"));
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.mend.unwrap().contains("--table"));
    }

    #[test]
    fn holders_are_unique_and_fit_the_idempotency_token() {
        assert_ne!(holder(), holder());
        assert!(holder().len() <= 21);
    }

    #[test]
    fn the_receipts_name_who_was_given() {
        let global = Global { who: Some("ann\u{1b}[1m".into()), ..Global::default() };
        assert_eq!(who(&global), "ann[1m");
    }
}
