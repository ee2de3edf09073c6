//! One question to a resolver, as the cloud's own services ask it: over UDP, and over TCP where the answer does not fit.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::wire;
use crate::effect::Lookup;
use crate::route53::DnsName;

/// How long an answer may take, in real time.
const LIMIT: Duration = Duration::from_secs(2);

/// What a service is told: the response code by its name, `TIMEOUT` where no answer came, and the values of the type asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub rcode: &'static str,
    pub answers: Vec<String>,
}

/// Why no answer was got, other than in time.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("no question for the DNS")]
    Question,
    #[error("no connection to the resolver")]
    Socket(#[from] std::io::Error),
    #[error("the message cannot be written")]
    Written(#[from] hickory_proto::ProtoError),
}

/// Asks the resolver at this address. It never fails: what goes wrong is `SERVFAIL`, and silence is `TIMEOUT`.
pub async fn ask(server: SocketAddr, lookup: &Lookup) -> Reply {
    let (rcode, answers) = match timeout(LIMIT, exchange(server, lookup)).await {
        Ok(Ok(reply)) => {
            let own = reply.answers.iter().filter(|record| record.record_type().to_string() == lookup.kind);
            (name_of(reply.metadata.response_code), own.map(|record| wire::value(&record.data)).collect())
        }
        Ok(Err(_)) => ("SERVFAIL", Vec::new()),
        Err(_) => ("TIMEOUT", Vec::new()),
    };
    Reply { rcode, answers }
}

fn name_of(code: ResponseCode) -> &'static str {
    match code {
        ResponseCode::NoError => "NOERROR",
        ResponseCode::NXDomain => "NXDOMAIN",
        ResponseCode::Refused => "REFUSED",
        ResponseCode::FormErr => "FORMERR",
        ResponseCode::NotImp => "NOTIMP",
        _ => "SERVFAIL",
    }
}

fn question(lookup: &Lookup) -> Option<Message> {
    let name = DnsName::parse(&lookup.name).ok()?;
    let name = Name::from_labels(name.labels().iter().map(Vec::as_slice)).ok()?;
    let kind = RecordType::from_str(&lookup.kind).ok()?;
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name, kind));
    message.set_edns(Edns::new());
    Some(message)
}

async fn exchange(server: SocketAddr, lookup: &Lookup) -> Result<Message, Failed> {
    let asked = question(lookup).ok_or(Failed::Question)?;
    let octets = asked.to_vec()?;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(server).await?;
    socket.send(&octets).await?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    let reply = loop {
        let length = socket.recv(&mut buffer).await?;
        let read = Message::from_vec(buffer.get(..length).unwrap_or_default());
        // Anything that is no answer to this question is not for us.
        if let Some(reply) = read.ok().filter(|reply| answers_to(reply, &asked)) {
            break reply;
        }
    };
    if reply.metadata.truncation { by_stream(server, &asked, &octets).await } else { Ok(reply) }
}

async fn by_stream(server: SocketAddr, asked: &Message, octets: &[u8]) -> Result<Message, Failed> {
    let length = u16::try_from(octets.len()).map_err(|_| Failed::Question)?;
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(&[length.to_be_bytes().as_slice(), octets].concat()).await?;
    let mut reply = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut reply).await?;
    let damaged = || Failed::Socket(std::io::Error::from(std::io::ErrorKind::InvalidData));
    Message::from_vec(&reply).ok().filter(|reply| answers_to(reply, asked)).ok_or_else(damaged)
}

fn answers_to(reply: &Message, asked: &Message) -> bool {
    reply.metadata.id == asked.metadata.id && reply.queries == asked.queries
}
