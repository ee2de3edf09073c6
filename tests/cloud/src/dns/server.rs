//! The name server: datagrams and streams on one port of 127.0.0.1, each question answered by the world as it is now.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::DNSClass;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::wire;
use crate::gateway::{Shared, lock};

/// A port is free for datagrams and not for streams; so many are tried.
const PORTS_TRIED_MAX: usize = 32;

/// A datagram's payload that needs no agreement (RFC 1035), and the most that is sent (RFC 9715 advises 1,400).
const DATAGRAM_MIN: usize = 512;
const DATAGRAM_MAX: usize = 1_400;

/// A stream that asks nothing for so long is closed.
const STREAM_IDLE: Duration = Duration::from_secs(5);

/// A resolver that listens. Dropping it ends its listeners and their connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    tasks: [AbortHandle; 2],
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Server {
    /// Listens on a free port of loopback, UDP and TCP.
    ///
    /// # Errors
    /// Where no port is free for both.
    pub async fn bind(world: Shared) -> io::Result<Self> {
        let mut last = None;
        for _ in 0..PORTS_TRIED_MAX {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let address = socket.local_addr()?;
            match TcpListener::bind(address).await {
                Ok(listener) => {
                    let datagrams = tokio::spawn(answer_datagrams(world.clone(), socket)).abort_handle();
                    let streams = tokio::spawn(accept(world, listener)).abort_handle();
                    return Ok(Self { address, tasks: [datagrams, streams] });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrInUse)))
    }

    /// Where to ask, by UDP or TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn answer_datagrams(world: Shared, socket: UdpSocket) -> Infallible {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        // An error here is one client's, which has closed its port.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
        let Some(question) = buffer.get(..length) else { continue };
        if let Some(reply) = reply(&world, question, true) {
            let _ = socket.send_to(&reply, client).await;
        }
    }
}

async fn accept(world: Shared, listener: TcpListener) -> Infallible {
    // The set ends its connections when the server is dropped.
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(answer_stream(world.clone(), stream));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Questions on one stream, each after two octets of length, until the client goes.
async fn answer_stream(world: Shared, mut stream: TcpStream) {
    while let Ok(Ok(length)) = timeout(STREAM_IDLE, stream.read_u16()).await {
        let mut question = vec![0; usize::from(length)];
        if !matches!(timeout(STREAM_IDLE, stream.read_exact(&mut question)).await, Ok(Ok(_))) {
            return;
        }
        let Some(reply) = reply(&world, &question, false) else { return };
        let Ok(length) = u16::try_from(reply.len()) else { return };
        let framed = [length.to_be_bytes().as_slice(), &reply].concat();
        if stream.write_all(&framed).await.is_err() {
            return;
        }
    }
}

/// The answer to one message; none where there is nothing to answer, or where the resolver is down.
fn reply(world: &Shared, question: &[u8], is_datagram: bool) -> Option<Vec<u8>> {
    let asked = match Message::from_vec(question) {
        Ok(asked) if asked.metadata.message_type == MessageType::Query => asked,
        Ok(_) => return None,
        Err(_) => {
            let id = u16::from_be_bytes([*question.first()?, *question.get(1)?]);
            return Message::error_msg(id, OpCode::Query, ResponseCode::FormErr).to_vec().ok();
        }
    };
    let answered = answer(world, &asked)?;
    let octets = answered.to_vec().ok()?;
    let payload = asked.edns.as_ref().map_or(DATAGRAM_MIN, |edns| usize::from(edns.max_payload()));
    if is_datagram && octets.len() > payload.clamp(DATAGRAM_MIN, DATAGRAM_MAX) {
        return answered.truncate().to_vec().ok();
    }
    Some(octets)
}

fn answer(world: &Shared, asked: &Message) -> Option<Message> {
    let mut reply = Message::response(asked.metadata.id, asked.metadata.op_code);
    reply.metadata.recursion_desired = asked.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    reply.add_queries(asked.queries.iter().cloned());
    if asked.edns.is_some() {
        reply.set_edns(Edns::new());
    }
    reply.metadata.response_code = match asked.queries.as_slice() {
        _ if asked.metadata.op_code != OpCode::Query => ResponseCode::NotImp,
        [one] if one.query_class() != DNSClass::IN => ResponseCode::Refused,
        [one] => {
            let found = match wire::read_name(one.name()) {
                Some(name) => resolve(world, &name.to_string(), &one.query_type().to_string()),
                None => json!({"Rcode": "FORMERR"}),
            };
            let records = |section: &str| found[section].as_array().into_iter().flatten().filter_map(wire::record);
            reply.add_answers(records("Answers"));
            reply.add_authorities(records("Authority"));
            match found["Rcode"].as_str() {
                Some("TIMEOUT") => return None,
                Some("NOERROR") => ResponseCode::NoError,
                Some("NXDOMAIN") => ResponseCode::NXDomain,
                Some("FORMERR") => ResponseCode::FormErr,
                _ => ResponseCode::ServFail,
            }
        }
        _ => ResponseCode::FormErr,
    };
    Some(reply)
}

/// Asks Route 53 and puts question and answer on record.
fn resolve(world: &Shared, name: &str, kind: &str) -> Value {
    let mut world = lock(world);
    // A question that is repeated because a datagram was lost must not change the ids of what follows.
    let ids = world.ids.clone();
    let found = world.internal("route53", "_Query", json!({"Name": name, "Type": kind}));
    world.ids = ids;
    let found = found.unwrap_or_else(|error| json!({"Rcode": "SERVFAIL", "Error": error.message}));
    let now = world.now;
    world.history.record(now, "lookup", "dns", json!({"name": name, "type": kind, "found": found}));
    found
}
