//! The clients of what looks at custom domains and certificates, built once: apart from those of deployments, so that no
//! function links what it does not use.

use std::net::SocketAddr;

use aws_config::SdkConfig;

use crate::date::ServerDate;
use crate::lazy::Lazy;
use crate::resolve::Resolver;
use crate::route53::{Route53, ZoneSettings};
use crate::table::Table;
use crate::tls::HTTPS_PORT;
use crate::wake::WakeQueue;

/// Where things are: from the template's environment, or from the operator's flags.
#[derive(Clone, Debug, Default)]
pub struct DomainPlaces {
    pub table: String,
    pub region: String,
    pub wake_queue_url: Option<String>,
    pub zones: ZoneSettings,
    /// The name server that is asked; without it the system's.
    pub resolver: Option<SocketAddr>,
    /// Where domains serve TLS; without it 443.
    pub tls_port: Option<u16>,
}

/// One client a service, sharing connections, limits and AWS's clock.
#[derive(Clone)]
pub struct DomainClients {
    pub apprunner: aws_sdk_apprunner::Client,
    pub acm: Lazy<aws_sdk_acm::Client>,
    pub route53: Route53,
    pub resolver: Lazy<Resolver>,
    pub wakes: WakeQueue,
    pub table: Table,
    pub date: ServerDate,
    pub tls_port: u16,
}

impl DomainClients {
    pub fn new(config: &SdkConfig, places: DomainPlaces) -> Self {
        let date = ServerDate::default();
        macro_rules! client {
            ($sdk:ident) => {
                $sdk::Client::from_conf($sdk::config::Builder::from(config).interceptor(date.clone()).build())
            };
        }
        macro_rules! later {
            ($sdk:ident) => {{
                let (config, date) = (config.clone(), date.clone());
                Lazy::new(move || {
                    $sdk::Client::from_conf($sdk::config::Builder::from(&config).interceptor(date).build())
                })
            }};
        }
        Self {
            apprunner: client!(aws_sdk_apprunner),
            acm: later!(aws_sdk_acm),
            route53: Route53::new(config, &date, places.zones),
            resolver: Lazy::new(move || Resolver::new(places.resolver)),
            wakes: WakeQueue::new(later!(aws_sdk_sqs), places.wake_queue_url),
            table: Table::new(client!(aws_sdk_dynamodb), places.table, places.region),
            tls_port: places.tls_port.unwrap_or(HTTPS_PORT),
            date,
        }
    }
}
