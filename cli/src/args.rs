//! What may be asked of `pitcrew`: commands, flags and their environment variables.

pub mod audit;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// The part of `--help` that says how a command ends.
const EXIT_CODES: &str = "\
Exit codes:
  0  done, or there was nothing to do
  1  AWS or the way to it failed
  2  the command line is wrong
  3  refused: paused, held, busy, nothing good known, something in the way, or you said no; or the audit found something
  4  App Runner's operation failed; a person is needed
  5  no such service, domain, incident, digest or stack
  6  the audit could not look at everything; what it saw is printed

Without --table pitcrew reads its settings from the stack's function (lambda:GetFunctionConfiguration of STACK-rollback,
for domains of STACK-domains).";

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
    #[command(flatten)]
    pub dns: Dns,
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

/// What only `domains` and `doctor` ask for. What is not given is read from the function STACK-domains.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct Dns {
    /// The hosted zones that may be written to: ARNs or ids with commas between them, `*` for any [default: read from the
    /// stack's function]
    #[arg(long, global = true, env = "PITCREW_ZONES", value_name = "LIST", help_heading = "Where")]
    pub zones: Option<String>,
    /// A role of another account whose hosted zones are looked at too; once for each [default: read from the stack's function]
    #[arg(
        long = "zone-role",
        global = true,
        env = "PITCREW_ZONE_ROLES",
        value_name = "ARN",
        value_delimiter = ',',
        help_heading = "Where"
    )]
    pub zone_roles: Vec<String>,
    /// What those roles ask for [default: read from the stack's function]
    #[arg(long, global = true, env = "PITCREW_ZONE_EXTERNAL_ID", value_name = "ID", help_heading = "Where")]
    pub zone_external_id: Option<String>,
    /// Whether the stack takes records away by itself; it never binds you, only what `domains plan` foretells [default: read
    /// from the stack's function, else false]
    #[arg(long, global = true, env = "PITCREW_REMOVE_RECORDS", value_name = "true|false", help_heading = "Where")]
    pub remove_records: Option<bool>,
    /// The name server that is asked, such as 10.0.0.2 or 127.0.0.1:5353 [default: the system's]
    #[arg(long, global = true, env = "PITCREW_RESOLVER", value_name = "ADDRESS", help_heading = "Where")]
    pub resolver: Option<String>,
    /// Where domains serve TLS [default: 443]
    #[arg(long, global = true, env = "PITCREW_TLS_PORT", value_name = "PORT", help_heading = "Where",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub tls_port: Option<u16>,
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
    /// The custom domains: their status, their records and whose they are, what is missing, how long the certificate lasts
    #[command(args_conflicts_with_subcommands = true)]
    Domains {
        /// The service's name or ARN; without it every service of the region
        service: Option<String>,
        #[command(subcommand)]
        action: Option<DomainsAction>,
    },
    /// The receipts of an incident, a domain or a certificate: what was seen, decided and done, by which rule
    Explain {
        /// An incident (`pitcrew incidents --all` lists them), a custom domain, a certificate's ARN, or the id of a notice about one
        #[arg(required_unless_present = "service", conflicts_with = "service")]
        subject: Option<String>,
        /// The newest receipts of this service (a name or an ARN) instead
        #[arg(long, value_name = "SERVICE")]
        service: Option<String>,
        /// How many receipts at the most; not for an incident [default: 20]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: Option<u16>,
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
    /// Plan the way of a service to ECS Express Mode: the request, what it does not bring along, the steps; changes nothing
    ExitPlan {
        /// The service's name or ARN
        service: String,
        /// Write the request there, for `aws ecs create-express-gateway-service --cli-input-json file://FILE`; it holds the
        /// values of the environment and the whole start command. Nothing else shows these values, nor what looks like a
        /// secret in the command
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Look for what is known to go wrong in the region's App Runner services, before it does; changes nothing
    #[command(after_help = audit::EXIT_CODES)]
    Audit(audit::AuditArgs),
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

/// What can be asked about one custom domain.
#[derive(Clone, Debug, Subcommand)]
pub enum DomainsAction {
    /// What pitcrew would do about the domain, and what stands in the way; writes nothing
    Plan {
        /// The service's name or ARN
        service: String,
        /// The custom domain (quote a wildcard: '*.example.com')
        domain: String,
    },
    /// Do what is proposed, and wait until the domain is active or something stands in the way
    Apply {
        /// The service's name or ARN
        service: String,
        /// The custom domain (quote a wildcard: '*.example.com')
        domain: String,
        /// Do not wait for the DNS and App Runner
        #[arg(long)]
        no_wait: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Give records that stand as they are wanted into pitcrew's hands: it may replace and remove them later
    Adopt {
        /// The service's name or ARN
        service: String,
        /// The custom domain (quote a wildcard: '*.example.com')
        domain: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Disassociate the domain and associate it again, for a new certificate; TLS for the name is interrupted meanwhile
    Relink {
        /// The service's name or ARN
        service: String,
        /// The custom domain (quote a wildcard: '*.example.com')
        domain: String,
        /// Do not wait for the DNS and App Runner
        #[arg(long)]
        no_wait: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Remove the records that pitcrew made for a domain that App Runner does not show any more
    Remove {
        /// The custom domain (quote a wildcard: '*.example.com')
        domain: String,
        /// The service it was linked to, which may be gone [default: the one that is remembered]
        #[arg(long, value_name = "ARN")]
        service: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
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
        assert!(parse("pitcrew explain shop.example.com --limit 3").is_ok());
    }

    #[test]
    fn domains_takes_a_service_or_a_request() {
        assert!(matches!(parse("pitcrew domains").unwrap().command, Command::Domains { service: None, action: None }));
        let Command::Domains { service, action: None } = parse("pitcrew domains shop").unwrap().command else {
            panic!("a service alone is no request")
        };
        assert_eq!(service.as_deref(), Some("shop"));
        let args = parse("pitcrew domains apply shop *.example.com -y --no-wait").unwrap();
        let Command::Domains { service: None, action: Some(DomainsAction::Apply { domain, no_wait, yes, .. }) } =
            args.command
        else {
            panic!("{:?}", args.command)
        };
        assert_eq!((domain.as_str(), no_wait, yes), ("*.example.com", true, true));
        for wrong in ["pitcrew domains plan shop", "pitcrew domains shop shop.example.com", "pitcrew domains remove"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn zone_roles_are_given_one_by_one_or_as_a_list() {
        let args = parse("pitcrew domains --zone-role a --zone-role b,c --tls-port 8443").unwrap();
        assert_eq!(
            (args.global.dns.zone_roles, args.global.dns.tls_port),
            (["a", "b", "c"].map(str::to_owned).into(), Some(8443))
        );
        assert!(parse("pitcrew domains --tls-port 0").is_err());
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
