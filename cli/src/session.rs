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
}

impl Stack {
    /// What flags and environment say.
    pub fn given(global: &Global) -> Self {
        Self {
            table: global.table.clone(),
            fingerprint_secret: global.fingerprint_secret.clone(),
            wake_queue_url: global.wake_queue_url.clone(),
            autonomy: global.autonomy.clone(),
            bake_minutes: global.bake_minutes.map(|minutes| minutes.to_string()),
        }
    }

    /// Whether the function need not be asked.
    fn suffices(&self, needs: Needs) -> bool {
        match needs {
            Needs::State => self.table.is_some(),
            Needs::Engine => self.table.is_some() && self.autonomy.is_some(),
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
        }
    }

    fn settings(&self) -> Result<Option<Settings>, Failure> {
        let Some(autonomy) = &self.autonomy else { return Ok(None) };
        let autonomy: Autonomy = autonomy.parse().map_err(|why: String| {
            Failure::new(Exit::Usage, format!("the stack's autonomy: {why}"))
                .mend("check --autonomy and PITCREW_AUTONOMY")
        })?;
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

/// The name of the function whose environment holds the stack's settings.
pub fn function_name(stack: &str) -> String {
    format!("{stack}-rollback")
}

/// Why the stack is not found, and how to name it.
pub fn no_stack(global: &Global, region: &str, error: AwsError) -> Failure {
    let function = function_name(&global.stack);
    let mend = "check --stack and --region, or give what it would tell: --table (and --autonomy for an action)";
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
}

impl Session {
    /// Reaches AWS and finds the stack.
    pub async fn open(global: &Global, needs: Needs) -> Result<Self, Failure> {
        let account = Account::open(global).await?;
        let mut stack = Stack::given(global);
        if !stack.suffices(needs) {
            let environment = operator::observe_function(&account.config, &function_name(&global.stack)).await;
            stack = stack.or(&environment.map_err(|error| no_stack(global, &account.region, error))?);
        }
        let settings = if needs == Needs::Engine { stack.settings()? } else { None };
        let Some(table) = stack.table else {
            let what = format!("the function {} does not say which table it uses", function_name(&global.stack));
            return Err(Failure::new(Exit::Failed, what).mend("add --table"));
        };
        let places = Places {
            table,
            region: account.region,
            fingerprint_secret: stack.fingerprint_secret,
            wake_queue_url: stack.wake_queue_url,
        };
        let clients = Clients::new(&account.config, places);
        Ok(Self { clients, settings, who: who(global), stack: global.stack.clone() })
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
        self.settings.ok_or_else(|| {
            Failure::new(Exit::Failed, format!("the function {} does not say its autonomy", function_name(&self.stack)))
                .mend("add --autonomy with the stack's parameter Autonomy")
        })
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
        let failure = no_stack(&global, "eu-west-1", AwsError::broken("lambda:GetFunctionConfiguration", "?"));
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
