//! The probe against a TLS server on loopback whose certificates nobody should trust.

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// An expired certificate of nobody's, for these names.
fn expired(names: &[&str], key: &KeyPair) -> CertificateDer<'static> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "Nobody's CA");
    params.distinguished_name.push(DnType::OrganizationName, "Nobody");
    params.serial_number = Some(vec![0x0a, 0xff].into());
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 7, 1));
    params.self_signed(key).unwrap().der().clone()
}

/// Serves one handshake with this certificate and key; gives the port and the name that the client asked for.
async fn serve(leaf: CertificateDer<'static>, key: &KeyPair) -> (u16, tokio::task::JoinHandle<Option<String>>) {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let signer = provider.key_provider.load_private_key(key).unwrap();
    let certified = rustls::sign::CertifiedKey::new(vec![leaf], signer);
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.ok()?;
        stream.get_ref().1.server_name().map(str::to_owned)
    });
    (port, asked)
}

/// A name server that has one address for everything.
async fn everything_here() -> Resolver {
    use hickory_resolver::proto::op::{Message, MessageType};
    use hickory_resolver::proto::rr::rdata::A;
    use hickory_resolver::proto::rr::{RData, Record};
    let socket = tokio::net::UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    let at = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let mut message = Message::from_vec(&buffer[..length]).unwrap();
            message.metadata.message_type = MessageType::Response;
            let asked = message.queries[0].name().clone();
            message.add_answer(Record::from_rdata(asked, 60, RData::A(A::new(127, 0, 0, 1))));
            socket.send_to(&message.to_vec().unwrap(), from).await.unwrap();
        }
    });
    Resolver::new(Some(at))
}

#[tokio::test]
async fn an_expired_certificate_of_another_name_is_seen_as_it_is() {
    let key = KeyPair::generate().unwrap();
    let (port, asked) = serve(expired(&["other.example", "*.other.example"], &key), &key).await;
    let seen = probe(&everything_here().await, &name("shop.example.com"), port).await.unwrap();
    assert_eq!(
        seen,
        Served {
            issuer: "Nobody's CA, Nobody".to_owned(),
            names: vec!["other.example".to_owned(), "*.other.example".to_owned()],
            serial: "0aff".to_owned(),
            not_before: "2020-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2020-07-01T00:00:00Z".parse().unwrap(),
        }
    );
    assert_eq!(asked.await.unwrap().as_deref(), Some("shop.example.com"));
}

#[tokio::test]
async fn a_wildcard_is_probed_at_a_label_that_nobody_has() {
    let key = KeyPair::generate().unwrap();
    let (port, asked) = serve(expired(&["*.example.com"], &key), &key).await;
    probe(&everything_here().await, &name("*.example.com"), port).await.unwrap();
    assert_eq!(asked.await.unwrap().as_deref(), Some("pitcrew-probe.example.com"));
}

#[tokio::test]
async fn a_server_that_does_not_hold_the_key_of_what_it_shows_is_not_believed() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (port, _) = serve(expired(&["shop.example.com"], &key), &other).await;
    let error = probe(&everything_here().await, &name("shop.example.com"), port).await.unwrap_err();
    assert!(matches!(error, ProbeError::Handshake { .. }), "{error}");
}

#[tokio::test]
async fn nobody_at_the_port_is_said_with_the_address() {
    let free = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    let error = probe(&everything_here().await, &name("shop.example.com"), free.port()).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("no connection to shop.example.com at {free}: ")), "{error}");
}

#[tokio::test]
async fn a_server_that_takes_the_connection_and_says_nothing_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = tokio::spawn(async move {
        let held = listener.accept().await.unwrap();
        std::future::pending::<()>().await;
        drop(held);
    });
    let (resolver, domain) = (everything_here().await, name("shop.example.com"));
    // Far above the probe's own limit: this ends the test where the probe has none.
    let seen = tokio::time::timeout(12 * LIMIT, probe(&resolver, &domain, port)).await;
    let error = seen.expect("the probe ends by itself").unwrap_err();
    assert!(matches!(error, ProbeError::TimeUp { .. }), "{error}");
    assert!(!silent.is_finished(), "the server still holds the connection");
    silent.abort();
}

/// A certificate for this many names.
fn of_names(count: usize, key: &KeyPair) -> CertificateDer<'static> {
    let names: Vec<String> = (0..count).map(|n| format!("a-name-that-takes-its-place-{n:05}.example.com")).collect();
    expired(&names.iter().map(String::as_str).collect::<Vec<_>>(), key)
}

#[tokio::test]
async fn of_a_certificate_with_very_many_names_the_first_hundred_are_kept() {
    let key = KeyPair::generate().unwrap();
    let (port, _) = serve(of_names(150, &key), &key).await;
    let seen = probe(&everything_here().await, &name("shop.example.com"), port).await.unwrap();
    assert_eq!(seen.names.len(), NAMES_MAX);
    assert_eq!(seen.names[99], "a-name-that-takes-its-place-00099.example.com");
}

#[tokio::test]
async fn a_certificate_that_is_longer_than_any_is_not_read_to_its_end() {
    let key = KeyPair::generate().unwrap();
    let leaf = of_names(3_000, &key);
    assert!(leaf.len() > 128 * 1024, "{}", leaf.len());
    let (port, _) = serve(leaf, &key).await;
    let error = probe(&everything_here().await, &name("shop.example.com"), port).await.unwrap_err();
    assert!(matches!(error, ProbeError::Handshake { .. }), "{error}");
}
