//! The resolver over real sockets on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::*;
use crate::call::{Answer, Call, Caller, Ctx, Need, Place, Service};
use crate::cloud::Cloud;
use crate::control::Driver;
use crate::effect::{Effect, Lookup};
use crate::gateway::{Shared, lock};
use crate::serve::Bare;
use crate::services;
use crate::switches::Switches;

async fn resolver() -> (Shared, Server) {
    let place = Place { partition: "aws".into(), region: "eu-west-1".into(), account: "123456789012".into() };
    let world = services::world(place, "2026-11-21T08:00:00Z".parse().unwrap(), Switches::default());
    let world = Arc::new(Mutex::new(world));
    let server = Server::bind(world.clone()).await.unwrap();
    (world, server)
}

fn call(world: &Shared, operation: &str, input: Value) -> Value {
    let request_id = "r".to_owned();
    let (service, operation) = ("route53".to_owned(), operation.to_owned());
    lock(world).call(&Call { service, operation, input, caller: Caller::Operator, request_id }).unwrap()
}

/// A zone with these record sets, in sync.
fn zone(world: &Shared, sets: &[(&str, &str, &[&str])]) {
    let made = call(world, "CreateHostedZone", json!({"Name": "octank.dev", "CallerReference": "r"}));
    let of = |(name, kind, values): &(&str, &str, &[&str])| {
        let values: Vec<Value> = values.iter().map(|value| json!({"Value": value})).collect();
        let set = json!({"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": values});
        json!({"Action": "CREATE", "ResourceRecordSet": set})
    };
    let changes: Vec<Value> = sets.iter().map(of).collect();
    let input = json!({"HostedZoneId": made["HostedZone"]["Id"], "ChangeBatch": {"Changes": changes}});
    call(world, "ChangeResourceRecordSets", input);
    let mut world = lock(world);
    let later = world.now.checked_add(SignedDuration::from_secs(60)).unwrap();
    world.advance_to(later);
}

fn lookup(name: &str, kind: &str) -> Lookup {
    let (service, token) = ("acm".to_owned(), "t".to_owned());
    Lookup { service, token, name: name.to_owned(), kind: kind.to_owned() }
}

fn reply(rcode: &'static str, answers: &[&str]) -> Reply {
    Reply { rcode, answers: answers.iter().map(|answer| (*answer).to_owned()).collect() }
}

#[tokio::test]
async fn the_clouds_own_client_is_answered_by_the_zone() {
    let (world, server) = resolver().await;
    zone(
        &world,
        &[("_x.octank.dev", "CNAME", &["_y.acm-validations.aws."]), ("octank.dev", "CAA", &["0 issue \";\""])],
    );
    let at = server.address();
    assert_eq!(ask(at, &lookup("_X.Octank.dev.", "CNAME")).await, reply("NOERROR", &["_y.acm-validations.aws."]));
    assert_eq!(ask(at, &lookup("octank.dev", "CAA")).await, reply("NOERROR", &["0 issue \";\""]));
    assert_eq!(ask(at, &lookup("none.octank.dev", "A")).await, reply("NXDOMAIN", &[]));
    assert_eq!(ask(at, &lookup("octank.dev", "TXT")).await, reply("NOERROR", &[]));
    assert_eq!(ask(at, &lookup("no..name", "A")).await, reply("SERVFAIL", &[]));
    let seen = lock(&world).history.entries().iter().filter(|entry| entry.kind == "lookup").count();
    assert_eq!(seen, 4);
}

#[tokio::test]
async fn questions_draw_no_ids() {
    let (world, server) = resolver().await;
    let before = format!("{:?}", lock(&world).ids);
    ask(server.address(), &lookup("octank.dev", "A")).await;
    assert_eq!(format!("{:?}", lock(&world).ids), before);
}

#[tokio::test]
async fn an_answer_that_is_too_long_for_a_datagram_comes_by_stream() {
    let (world, server) = resolver().await;
    let texts: Vec<String> = (0..20).map(|at| format!("\"{at:02}{}\"", "x".repeat(200))).collect();
    let values: Vec<&str> = texts.iter().map(String::as_str).collect();
    zone(&world, &[("octank.dev", "TXT", &values)]);
    let cut = by_datagram(server.address(), &question("octank.dev", RecordType::TXT)).await;
    assert!(cut.metadata.truncation && cut.answers.is_empty());
    assert_eq!(ask(server.address(), &lookup("octank.dev", "TXT")).await, reply("NOERROR", &values));
}

#[tokio::test]
async fn a_resolver_that_is_down_says_nothing() {
    let (world, server) = resolver().await;
    call(&world, "_Names", json!({"Resolver": "down"}));
    assert_eq!(ask(server.address(), &lookup("octank.dev", "A")).await, reply("TIMEOUT", &[]));
}

#[tokio::test]
async fn a_stream_takes_one_question_after_the_other() {
    let (world, server) = resolver().await;
    zone(&world, &[("a.octank.dev", "A", &["192.0.2.1"])]);
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    for name in ["a.octank.dev", "b.octank.dev"] {
        let octets = question(name, RecordType::A).to_vec().unwrap();
        stream.write_u16(u16::try_from(octets.len()).unwrap()).await.unwrap();
        stream.write_all(&octets).await.unwrap();
        let mut answer = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut answer).await.unwrap();
        let answer = Message::from_vec(&answer).unwrap();
        assert_eq!(answer.answers.len(), usize::from(name.starts_with('a')));
        assert!(answer.metadata.recursion_available && answer.metadata.recursion_desired);
    }
}

#[tokio::test]
async fn what_is_no_question_is_refused_by_its_kind() {
    let (_world, server) = resolver().await;
    let mut chaos = question("octank.dev", RecordType::TXT);
    chaos.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(by_datagram(server.address(), &chaos).await.metadata.response_code, ResponseCode::Refused);
    let mut none = question("octank.dev", RecordType::A);
    none.queries.clear();
    assert_eq!(by_datagram(server.address(), &none).await.metadata.response_code, ResponseCode::FormErr);
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(b"\x12\x34nonsense", server.address()).await.unwrap();
    let mut buffer = [0; 512];
    let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
    let refused = Message::from_vec(&buffer[..length]).unwrap();
    assert_eq!((refused.metadata.id, refused.metadata.response_code), (0x1234, ResponseCode::FormErr));
}

/// A service that asks the DNS what it is told to ask, and keeps what it is answered.
#[derive(Default)]
struct Asker(Arc<Mutex<Vec<Value>>>);

impl Service for Asker {
    fn call(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        if call.operation == "_Resolved" {
            self.0.lock().unwrap().push(call.input.clone());
        } else {
            let (service, token) = ("asker".to_owned(), "t".to_owned());
            let (name, kind) = (call.text("Name").to_owned(), call.text("Type").to_owned());
            ctx.effects.push(Effect::Resolve(Lookup { service, token, name, kind }));
        }
        Ok(json!({}))
    }

    fn needs(&self, _place: &Place, _call: &Call) -> Vec<Need> {
        Vec::new()
    }
}

fn world_with_asker() -> (crate::world::World, Arc<Mutex<Vec<Value>>>) {
    let place = Place { partition: "aws".into(), region: "eu-west-1".into(), account: "123456789012".into() };
    let told = Arc::<Mutex<Vec<Value>>>::default();
    let world = services::world(place, "2026-11-21T08:00:00Z".parse().unwrap(), Switches::default());
    (world.with("asker", Asker(told.clone())), told)
}

const VALIDATION: (&str, &str, &[&str]) = ("_x.octank.dev", "CNAME", &["_y.acm-validations.aws."]);

fn asks(world: &Shared) {
    lock(world).internal("asker", "_Ask", json!({"Name": "_x.octank.dev.", "Type": "CNAME"})).unwrap();
}

#[tokio::test]
async fn either_driver_brings_a_service_the_answer_of_the_dns() {
    let answered = json!({
        "Token": "t", "Name": "_x.octank.dev.", "Type": "CNAME", "Rcode": "NOERROR",
        "Answers": ["_y.acm-validations.aws."],
    });
    let (world, told) = world_with_asker();
    let cloud = Cloud::new(world);
    zone(cloud.world(), &[VALIDATION]);
    asks(cloud.world());
    cloud.settle().await.unwrap();
    assert_eq!(*told.lock().unwrap(), std::slice::from_ref(&answered));
    let (world, told) = world_with_asker();
    let world = Arc::new(Mutex::new(world));
    zone(&world, &[VALIDATION]);
    asks(&world);
    Bare::new(world.clone()).settle().await;
    assert_eq!(*told.lock().unwrap(), [answered]);
    let seen = lock(&world).history.entries().iter().filter(|entry| entry.kind == "lookup").count();
    assert_eq!(seen, 1, "it went over the wire");
}

#[tokio::test]
async fn a_service_learns_at_once_that_the_resolver_is_down() {
    let (world, told) = world_with_asker();
    let cloud = Cloud::new(world);
    call(cloud.world(), "_Names", json!({"Resolver": "down"}));
    asks(cloud.world());
    cloud.settle().await.unwrap();
    assert_eq!(told.lock().unwrap()[0]["Rcode"], "TIMEOUT");
}

#[tokio::test]
async fn a_public_service_of_app_runner_resolves_to_loopback() {
    let (world, server) = resolver().await;
    let source = json!({"ImageRepository": {
        "ImageIdentifier": "public.ecr.aws/shop/api:v1", "ImageRepositoryType": "ECR_PUBLIC",
    }});
    let input = json!({"ServiceName": "shop", "SourceConfiguration": source});
    let made = lock(&world).internal("apprunner", "CreateService", input).unwrap();
    let host = made["Service"]["ServiceUrl"].as_str().unwrap();
    assert_eq!(ask(server.address(), &lookup(host, "A")).await, reply("NOERROR", &["127.0.0.1"]));
}

#[tokio::test]
async fn a_resolver_library_by_others_understands_every_answer() {
    use hickory_resolver::TokioResolver;
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;

    let (world, server) = resolver().await;
    zone(
        &world,
        &[VALIDATION, ("octank.dev", "CAA", &["0 issue \"amazon.com\""]), ("*.octank.dev", "A", &["192.0.2.1"])],
    );
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    connections.iter_mut().for_each(|connection| connection.port = server.address().port());
    let config = NameServerConfig::new(server.address().ip(), true, connections);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![config]);
    let library = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build().unwrap();
    for (name, kind, wanted) in [
        ("_x.octank.dev.", RecordType::CNAME, "_y.acm-validations.aws."),
        ("octank.dev.", RecordType::CAA, "0 issue \"amazon.com\""),
        ("shop.octank.dev.", RecordType::A, "192.0.2.1"),
    ] {
        let found = library.lookup(name, kind).await.unwrap();
        assert_eq!(wire::value(&found.answers()[0].data), wanted, "{name}");
    }
    let missing = library.lookup("a._x.octank.dev.", RecordType::A).await.unwrap_err();
    assert!(missing.is_nx_domain(), "{missing}");
    let nothing = library.lookup("octank.dev.", RecordType::TXT).await.unwrap_err();
    assert!(nothing.is_no_records_found() && !nothing.is_nx_domain(), "{nothing}");
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

async fn by_datagram(server: SocketAddr, question: &Message) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&question.to_vec().unwrap(), server).await.unwrap();
    let mut buffer = [0; 4096];
    let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
    Message::from_vec(&buffer[..length]).unwrap()
}
