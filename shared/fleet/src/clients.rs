//! The clients of an audit, built once, all on one [`Wire`].

use std::net::SocketAddr;

use aws_config::SdkConfig;
use pitcrew_aws::domain_clients::{DomainClients, DomainPlaces};
use pitcrew_aws::lazy::Lazy;
use pitcrew_aws::route53::ZoneSettings;
use pitcrew_aws::table::Table;
use pitcrew_core::audit::facts::Place;

use crate::wire::Wire;

/// Where things are: from the template's environment, or from the operator's flags.
#[derive(Clone, Debug)]
pub struct FleetPlaces {
    pub place: Place,
    /// The state table of the stack; without it nothing is remembered, and the rules that ask what was are not checked.
    pub table: Option<String>,
    pub zones: ZoneSettings,
    /// The name server that is asked; without it the system's.
    pub resolver: Option<SocketAddr>,
    /// The port of TLS handshakes, where it is not 443.
    pub tls_port: Option<u16>,
}

/// One client a service, sharing connections, limits, counts and AWS's clock.
#[derive(Clone)]
pub struct FleetClients {
    pub place: Place,
    pub wire: Wire,
    /// App Runner, Route 53, the resolver and the clock: what the engine of custom domains takes.
    pub domains: DomainClients,
    /// `None`: there is no stack whose memory could be read.
    pub table: Option<Table>,
    pub(crate) cloudwatch: Lazy<aws_sdk_cloudwatch::Client>,
    pub(crate) ec2: Lazy<aws_sdk_ec2::Client>,
    pub(crate) ecr: Lazy<aws_sdk_ecr::Client>,
    pub(crate) iam: Lazy<aws_sdk_iam::Client>,
    pub(crate) logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    pub(crate) waf: Lazy<aws_sdk_wafv2::Client>,
    pub(crate) s3: Lazy<aws_sdk_s3::Client>,
    pub(crate) securityhub: Lazy<aws_sdk_securityhub::Client>,
}

impl FleetClients {
    pub fn new(config: &SdkConfig, places: FleetPlaces) -> Self {
        let (config, wire) = Wire::around(config);
        let domains = DomainClients::new(
            &config,
            DomainPlaces {
                table: places.table.clone().unwrap_or_default(),
                region: places.place.region.clone(),
                wake_queue_url: None,
                zones: places.zones,
                resolver: places.resolver,
                tls_port: places.tls_port,
            },
        );
        let store = Wire::timeouts_of_a_store(&config);
        macro_rules! later {
            ($sdk:ident) => {
                later!($sdk, |builder, _timeouts| builder)
            };
            ($sdk:ident, |$builder:ident, $timeouts:ident| $with:expr) => {{
                let (config, date) = (config.clone(), domains.date.clone());
                let $timeouts = store.clone();
                Lazy::new(move || {
                    let $builder = $sdk::config::Builder::from(&config).interceptor(date);
                    $sdk::Client::from_conf($with.build())
                })
            }};
        }
        // An address of our own, such as the local cloud's, has no name in front of it for each bucket.
        let by_path = config.endpoint_url().is_some();
        Self {
            place: places.place,
            wire,
            table: places.table.map(|_| domains.table.clone()),
            cloudwatch: later!(aws_sdk_cloudwatch),
            ec2: later!(aws_sdk_ec2),
            ecr: later!(aws_sdk_ecr),
            iam: later!(aws_sdk_iam),
            logs: later!(aws_sdk_cloudwatchlogs),
            waf: later!(aws_sdk_wafv2),
            s3: later!(aws_sdk_s3, |builder, store| builder.force_path_style(by_path).timeout_config(store)),
            securityhub: later!(aws_sdk_securityhub, |builder, store| builder.timeout_config(store)),
            domains,
        }
    }
}
