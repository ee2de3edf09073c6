//! The resolver against a name server on loopback that answers what each test tells it to.

use std::net::Ipv4Addr;
use std::sync::Arc;

use hickory_resolver::proto::op::{Message, MessageType};
use hickory_resolver::proto::rr::rdata::{CAA, CNAME, NS, SOA};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn wire(text: &str) -> WireName {
    WireName::from_ascii(text).unwrap()
}

type Say = Arc<dyn Fn(&mut Message) + Send + Sync>;

fn reply(question: &[u8], say: &Say) -> Vec<u8> {
    let question = Message::from_vec(question).unwrap();
    let mut answer = question.clone();
    answer.metadata.message_type = MessageType::Response;
    say(&mut answer);
    answer.to_vec().unwrap()
}

/// A name server on one port, over UDP and TCP. Over UDP it says `truncated` where the test wants TCP to be asked.
async fn server(udp_truncates: bool, say: impl Fn(&mut Message) + Send + Sync + 'static) -> Resolver {
    let say: Say = Arc::new(say);
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = udp.local_addr().unwrap();
    let tcp = TcpListener::bind(at).await.unwrap();
    let over_udp: Say = if udp_truncates { Arc::new(|answer| answer.metadata.truncation = true) } else { say.clone() };
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
            udp.send_to(&reply(&buffer[..length], &over_udp), from).await.unwrap();
        }
    });
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let length = stream.read_u16().await.unwrap();
            let mut question = vec![0; length.into()];
            stream.read_exact(&mut question).await.unwrap();
            let answer = reply(&question, &say);
            stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    Resolver::new(Some(at))
}

fn record(at: &str, data: RData) -> Record {
    Record::from_rdata(wire(at), 60, data)
}

fn cname(target: &str) -> RData {
    RData::CNAME(CNAME(wire(target)))
}

#[tokio::test]
async fn a_cname_is_answered_itself_and_not_followed() {
    let resolver = server(false, |answer| {
        answer.add_answer(record("_A.example.com.", cname("_B.acm-validations.AWS.")));
        answer.add_answer(record("_b.acm-validations.aws.", cname("elsewhere.example.")));
    });
    let answer = resolver.await.ask(&name("_a.example.com"), &RecordType::Cname).await.unwrap();
    assert_eq!(answer, Answer::Found(vec!["_b.acm-validations.aws".to_owned()]));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_into_udp_is_fetched_over_tcp() {
    let resolver = server(true, |answer| {
        answer.add_answer(record("example.com.", RData::NS(NS(wire("ns-2.awsdns.org.")))));
        answer.add_answer(record("example.com.", RData::NS(NS(wire("ns-1.awsdns.com.")))));
    });
    let answer = resolver.await.ask(&name("example.com"), &RecordType::Ns).await.unwrap();
    assert_eq!(answer, Answer::Found(vec!["ns-1.awsdns.com".to_owned(), "ns-2.awsdns.org".to_owned()]));
}

#[tokio::test]
async fn caa_is_told_as_flags_tag_and_value_behind_a_cname_too() {
    let resolver = server(false, |answer| {
        answer.add_answer(record("www.example.com.", cname("example.net.")));
        let caa = CAA::new_issue(true, Some(wire("amazon.com")), Vec::new());
        answer.add_answer(record("example.net.", RData::CAA(caa)));
    });
    let answer = resolver.await.ask(&name("www.example.com"), &RecordType::Caa).await.unwrap();
    assert_eq!(answer, Answer::Found(vec!["128 issue amazon.com".to_owned()]));
}

#[tokio::test]
async fn no_such_name_and_no_such_record_are_answers() {
    for code in [ResponseCode::NXDomain, ResponseCode::NoError] {
        let resolver = server(false, move |answer| {
            let soa = SOA::new(wire("ns.example.com."), wire("admin.example.com."), 1, 2, 3, 4, 5);
            answer.metadata.response_code = code;
            answer.add_authority(record("example.com.", RData::SOA(soa)));
        });
        let answer = resolver.await.ask(&name("a.example.com"), &RecordType::Cname).await;
        assert_eq!(answer, Ok(Answer::Nothing), "{code}");
    }
}

#[tokio::test]
async fn a_failing_server_and_one_that_points_elsewhere_are_no_answers() {
    for code in [ResponseCode::ServFail, ResponseCode::Refused] {
        let resolver = server(false, move |answer| answer.metadata.response_code = code);
        let error = resolver.await.ask(&name("a.example.com"), &RecordType::A).await.unwrap_err();
        assert!(error.to_string().starts_with("the DNS does not answer for A a.example.com: "), "{error}");
    }
    let resolver = server(false, |answer| {
        answer.add_authority(record("example.com.", RData::NS(NS(wire("ns.example.net.")))));
    });
    assert!(resolver.await.ask(&name("a.example.com"), &RecordType::Cname).await.is_err());
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    assert!(Resolver::new(Some(free)).ask(&name("example.com"), &RecordType::Ns).await.is_err());
}
