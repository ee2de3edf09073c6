//! What may be asked of `pitcrew`: commands, flags and their environment variables.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// The part of `--help` that says how a command ends.
const EXIT_CODES: &str = "\
Exit codes:
  0  done, or there was nothing to do
  1  AWS or the way to it failed
  2  the command line is wrong
  3  refused: paused, held, busy, nothing good known, or you said no; nothing was done
  4  App Runner's operation failed; a person is needed
  5  no such service, incident, digest or stack

Without --table pitcrew reads its settings from the stack's function (lambda:GetFunctionConfiguration of STACK-rollback).";

/// The operator's command of pitcrew, the on-call crew for AWS App Runner.
#[derive(Clone, Debug, Parser)]
#[command(name = "pitcrew", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Where the account and the stack are, and how to print.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct Global {
    /// The AWS region [default: AWS_REGION, then the profile's]
    #[arg(long, global = true, value_name = "REGION", help_heading = "Where")]
    pub region: Option<String>,
    /// The profile of the AWS configuration files [default: AWS_PROFILE]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Where")]
    pub profile: Option<String>,
    /// One address for all of AWS, such as the local cloud's [default: AWS_ENDPOINT_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Where")]
    pub endpoint_url: Option<String>,
    /// The CloudFormation stack that pitcrew was deployed as
    #[arg(
        long,
        global = true,
        env = "PITCREW_STACK",
        value_name = "NAME",
        default_value = "pitcrew",
        help_heading = "Where"
    )]
    pub stack: String,
    /// The stack's table [default: read from the stack's function]
    #[arg(long, global = true, env = "PITCREW_TABLE", value_name = "NAME", help_heading = "Where")]
    pub table: Option<String>,
    /// The secret with the key of the configuration fingerprints [default: read from the stack's function]
    #[arg(long, global = true, env = "PITCREW_FINGERPRINT_SECRET_ARN", value_name = "ARN", help_heading = "Where")]
    pub fingerprint_secret: Option<String>,
    /// The queue that wakes the function; only `doctor` asks for it [default: read from the stack's function]
    #[arg(long, global = true, env = "PITCREW_WAKE_QUEUE_URL", value_name = "URL", help_heading = "Where")]
    pub wake_queue_url: Option<String>,
    /// The stack's autonomy; it never binds you, only what an action of yours finds unjudged [default: read from the
    /// stack's function]
    #[arg(long, global = true, env = "PITCREW_AUTONOMY", value_name = "observe|propose|act", help_heading = "Where")]
    pub autonomy: Option<String>,
    /// The stack's bake window in minutes [default: read from the stack's function, else 30]
    #[arg(long, global = true, env = "PITCREW_BAKE_MINUTES", value_name = "MINUTES", help_heading = "Where",
          value_parser = clap::value_parser!(u16).range(1..=1440))]
    pub bake_minutes: Option<u16>,
    /// Who the receipts say asked [default: AWS_PROFILE, then USER]
    #[arg(long = "as", global = true, value_name = "NAME", help_heading = "Where")]
    pub who: Option<String>,
    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Colours: auto means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN", help_heading = "Output")]
    pub color: Color,
}

/// When to print colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// What served, what was good, what was bad, and what the service is pinned to
    #[command(args_conflicts_with_subcommands = false)]
    Releases {
        /// The service's name or ARN
        service: String,
        #[command(subcommand)]
        action: Option<ReleasesAction>,
    },
    /// Take a service back to its last good release, pin it there and wait for App Runner
    Rollback {
        /// The service's name or ARN
        service: String,
        /// Go to this digest instead (sha256:..., or enough of it to be found in the ledger)
        #[arg(long, value_name = "DIGEST")]
        to: Option<String>,
        /// Do not wait for App Runner's operation to end
        #[arg(long)]
        no_wait: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Give a pinned service its tag and automatic deployment back, and wait for App Runner
    Unpin {
        /// The service's name or ARN
        service: String,
        /// Do not wait for App Runner's operation to end
        #[arg(long)]
        no_wait: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// The open incidents
    Incidents {
        /// The closed ones too, newest first
        #[arg(long)]
        all: bool,
        /// How many at the most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// The receipts of an incident in their order: what was seen, decided and done, by which rule
    Explain {
        /// The incident's id (`pitcrew incidents --all` lists them)
        #[arg(required_unless_present = "service", conflicts_with = "service")]
        incident: Option<String>,
        /// The newest receipts of this service (a name or an ARN) instead
        #[arg(long, value_name = "SERVICE")]
        service: Option<String>,
        /// How many of a service's receipts at the most
        #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "incident",
              value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Stop every write of pitcrew in this account and region
    Pause {
        /// Why, for whoever finds it paused
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// End a pause
    Resume,
    /// Whether the breaker is open, and what it counted
    Breaker {
        #[command(subcommand)]
        action: Option<BreakerAction>,
    },
    /// Check that everything pitcrew needs can be reached; changes nothing
    Doctor,
}

/// What can be done to a release.
#[derive(Clone, Debug, Subcommand)]
pub enum ReleasesAction {
    /// Say that a release is good: a rollback may go to it, and it is no longer held to be bad
    MarkGood {
        /// The release's digest (sha256:..., or enough of it to be found in the ledger)
        digest: String,
    },
}

/// What can be done to the breaker.
#[derive(Clone, Debug, Subcommand)]
pub enum BreakerAction {
    /// Close the breaker and forget what it counted
    Clear,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn releases_and_mark_good_share_the_service() {
        let args = parse("pitcrew releases shop mark-good sha256:ab --json").unwrap();
        let Command::Releases { service, action: Some(ReleasesAction::MarkGood { digest }) } = args.command else {
            panic!("{:?}", args.command)
        };
        assert_eq!((service.as_str(), digest.as_str(), args.global.json), ("shop", "sha256:ab", true));
        assert!(matches!(parse("pitcrew releases shop").unwrap().command, Command::Releases { action: None, .. }));
    }

    #[test]
    fn flags_of_the_account_stand_before_or_after_the_command() {
        for line in ["pitcrew --region eu-west-1 unpin shop -y", "pitcrew unpin shop --yes --region eu-west-1"] {
            let args = parse(line).unwrap();
            assert_eq!(args.global.region.as_deref(), Some("eu-west-1"));
            assert!(matches!(args.command, Command::Unpin { yes: true, no_wait: false, .. }));
        }
    }

    #[test]
    fn explain_wants_an_incident_or_a_service_and_not_both() {
        assert!(parse("pitcrew explain I-1").is_ok());
        assert!(parse("pitcrew explain --service shop --limit 3").is_ok());
        assert!(parse("pitcrew explain").is_err());
        assert!(parse("pitcrew explain I-1 --service shop").is_err());
        assert!(parse("pitcrew explain I-1 --limit 3").is_err());
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        assert!(parse("pitcrew incidents --limit 0").is_err());
        assert!(parse("pitcrew incidents --limit 1001").is_err());
        assert!(parse("pitcrew doctor --bake-minutes 0").is_err());
    }

    #[test]
    fn a_wrong_command_line_ends_with_code_two() {
        assert_eq!(parse("pitcrew rollbck shop").unwrap_err().exit_code(), 2);
        assert_eq!(parse("pitcrew rollback").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn help_tells_every_exit_code() {
        let help = Args::command().render_long_help().to_string();
        for code in 0..=5 {
            assert!(help.contains(&format!("\n  {code}  ")), "{code} is missing in {help}");
        }
    }
}
