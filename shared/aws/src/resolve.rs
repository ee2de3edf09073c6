//! What the DNS really answers: one question, one answer, nothing kept.
//!
//! A `CNAME` is asked for itself and not followed, for it is the record that counts; the answers to `NS` and `CNAME` are
//! those of the name itself. `A` and `CAA` follow a CNAME, as a browser and an authority do (RFC 8659, section 3).

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError, NoRecords};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name as WireName, RData, Record, RecordType as WireType};
use pitcrew_core::dns::facts::Answer;
use pitcrew_core::dns::name::Name;
use pitcrew_core::dns::record::RecordType;

/// One try. The resolver of a VPC answers in milliseconds, or asks servers that are far away.
const TRY: Duration = Duration::from_secs(2);
const TRIES: usize = 2;

/// Why there is no answer: neither the record nor its absence is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the DNS does not answer for {kind} {name}: {why}")]
pub struct Unanswered {
    name: String,
    kind: String,
    why: String,
}

/// Asks one name server. Built when it is first needed.
pub struct Resolver {
    /// Or why there is none, such as an unreadable `/etc/resolv.conf`.
    inner: Result<TokioResolver, String>,
}

impl Resolver {
    /// `server` answers, over UDP and where that fails over TCP; without one, the system's.
    pub fn new(server: Option<SocketAddr>) -> Self {
        Self { inner: build(server).map_err(|error| format!("no resolver: {error}")) }
    }

    /// Asks for one name and type.
    ///
    /// # Errors
    /// Time is up, the server fails or refuses, or it only says where else to ask.
    pub async fn ask(&self, name: &Name, kind: &RecordType) -> Result<Answer, Unanswered> {
        let unanswered = |why: String| Unanswered { name: name.to_string(), kind: kind.to_string(), why };
        let resolver = self.inner.as_ref().map_err(|why| unanswered(why.clone()))?;
        let asked = WireName::from_ascii(name.fqdn()).map_err(|error| unanswered(error.to_string()))?;
        let wire = wire_type(kind).ok_or_else(|| unanswered("this type is never asked for".to_owned()))?;
        match resolver.lookup(asked, wire).await {
            Ok(found) => Ok(answer(found.answers(), name, kind, wire)),
            Err(error) => match absent(&error) {
                true => Ok(Answer::Nothing),
                false => Err(unanswered(words(&error))),
            },
        }
    }
}

fn build(server: Option<SocketAddr>) -> Result<TokioResolver, NetError> {
    let mut builder = match server {
        Some(server) => {
            let at = |mut connection: ConnectionConfig| {
                connection.port = server.port();
                connection
            };
            let connections = vec![at(ConnectionConfig::udp()), at(ConnectionConfig::tcp())];
            let servers = vec![NameServerConfig::new(server.ip(), true, connections)];
            let config = ResolverConfig::from_name_servers(servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
        None => TokioResolver::builder_tokio()?,
    };
    options(builder.options_mut());
    builder.build()
}

fn options(options: &mut ResolverOpts) {
    options.timeout = TRY;
    options.attempts = TRIES;
    options.try_tcp_on_error = true;
    // A record that was put right a second ago must be seen: nothing is remembered, and no file has a say.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
}

fn wire_type(kind: &RecordType) -> Option<WireType> {
    match kind {
        RecordType::A => Some(WireType::A),
        RecordType::Aaaa => Some(WireType::AAAA),
        RecordType::Caa => Some(WireType::CAA),
        RecordType::Cname => Some(WireType::CNAME),
        RecordType::Ds => Some(WireType::DS),
        RecordType::Mx => Some(WireType::MX),
        RecordType::Ns => Some(WireType::NS),
        RecordType::Soa => Some(WireType::SOA),
        RecordType::Txt => Some(WireType::TXT),
        RecordType::Other(_) => None,
    }
}

fn answer(records: &[Record], name: &Name, kind: &RecordType, wire: WireType) -> Answer {
    let literal = matches!(kind, RecordType::Cname | RecordType::Ns);
    let own = |record: &&Record| !literal || Name::parse(&record.name.to_ascii()).is_ok_and(|at| at == *name);
    let records = records.iter().filter(|record| record.record_type() == wire).filter(own);
    let mut values: Vec<String> = records.map(|record| data(&record.data)).collect();
    values.sort();
    if values.is_empty() { Answer::Nothing } else { Answer::Found(values) }
}

/// Record data as `core` compares it.
fn data(data: &RData) -> String {
    let folded = |name: &WireName| {
        let text = name.to_ascii();
        Name::parse(&text).map_or_else(|_| text.trim_end_matches('.').to_ascii_lowercase(), |name| name.to_string())
    };
    match data {
        RData::CNAME(target) => folded(&target.0),
        RData::NS(server) => folded(&server.0),
        RData::CAA(caa) => format!("{} {} {}", caa.flags(), caa.tag, String::from_utf8_lossy(&caa.value)),
        other => other.to_string(),
    }
}

/// Whether the server said that there is no such record. One that only names other servers has said nothing.
fn absent(error: &NetError) -> bool {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(NoRecords { response_code, soa, ns, .. })) => match response_code {
            ResponseCode::NXDomain => true,
            ResponseCode::NoError => soa.is_some() || ns.as_ref().is_none_or(|ns| ns.is_empty()),
            _ => false,
        },
        _ => false,
    }
}

fn words(error: &NetError) -> String {
    match error {
        NetError::Timeout => format!("no answer within {} tries of {} seconds", TRIES, TRY.as_secs()),
        NetError::Dns(DnsError::ResponseCode(code)) => code.to_string(),
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NoError => "the server only names other servers".to_owned(),
            code => code.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
