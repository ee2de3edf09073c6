//! A client that trusts the authority's root and reads the time from the cloud, against the front end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{FrontEnd, serve};
use crate::call::{Call, Caller, Place};
use crate::cloud::Cloud;
use crate::gateway::{Shared, lock};
use crate::outside::Image;
use crate::services;
use crate::switches::Switches;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The cloud's clock, for the client that checks dates.
#[derive(Debug)]
struct CloudTime(u64);

impl TimeProvider for CloudTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}

/// A cloud with a running service, and its front end.
struct Street {
    cloud: Cloud,
    front: FrontEnd,
    arn: String,
}

fn operator(world: &Shared, service: &str, operation: &str, input: Value) -> Value {
    let call = Call {
        service: service.to_owned(),
        operation: operation.to_owned(),
        input,
        caller: Caller::Operator,
        request_id: "r".to_owned(),
    };
    lock(world).call(&call).unwrap_or_else(|error| panic!("{operation}: {error:?}"))
}

impl Street {
    async fn new() -> Self {
        let place = Place { partition: "aws".into(), region: "eu-west-1".into(), account: "123456789012".into() };
        let mut world = services::world(place, "2026-11-02T09:00:00Z".parse().unwrap(), Switches::default());
        let image = Image { digest: "sha256:good".into(), tags: vec!["latest".into()], pushed_at: 0, size_bytes: 1 };
        world.outside.repositories.entry("shop".into()).or_default().images.push(image);
        let cloud = Cloud::new(world);
        let front = serve(cloud.world().clone(), 0).await.unwrap();
        let source = json!({
            "ImageRepository": {
                "ImageIdentifier": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:latest",
                "ImageRepositoryType": "ECR",
            },
            "AuthenticationConfiguration": { "AccessRoleArn": "arn:aws:iam::123456789012:role/access" },
        });
        let made = operator(
            cloud.world(),
            "apprunner",
            "CreateService",
            json!({ "ServiceName": "shop-api", "SourceConfiguration": source }),
        );
        cloud.advance(Duration::from_secs(3600)).await.unwrap();
        Self { cloud, front, arn: made["Service"]["ServiceArn"].as_str().unwrap().to_owned() }
    }

    fn inside(&self, service: &str, operation: &str, input: Value) -> Value {
        lock(self.cloud.world()).internal(service, operation, input).unwrap()
    }

    async fn link(&self, domain: &str) {
        let input = json!({ "ServiceArn": self.arn, "DomainName": domain });
        operator(self.cloud.world(), "apprunner", "AssociateCustomDomain", input);
        self.cloud.advance(Duration::from_secs(20)).await.unwrap();
        self.inside("acm", "_Prove", json!({ "DomainName": domain }));
        self.cloud.advance(Duration::from_secs(600)).await.unwrap();
    }

    fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.front.root_pem.as_bytes()).unwrap()).unwrap();
        let now = lock(self.cloud.world()).now.as_second() as u64;
        let provider = Arc::new(aws_lc_rs::default_provider());
        ClientConfig::builder_with_details(provider, Arc::new(CloudTime(now)))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    async fn get(&self, name: &str) -> std::io::Result<Seen> {
        get(self.front.address, self.client(), name).await
    }
}

/// What a client saw of the front end.
#[derive(Debug)]
struct Seen {
    leaf: Vec<u8>,
    answer: String,
}

impl Seen {
    fn serial(&self) -> String {
        X509Certificate::from_der(&self.leaf).unwrap().1.raw_serial_as_string()
    }
}

async fn get(address: SocketAddr, config: ClientConfig, name: &str) -> std::io::Result<Seen> {
    let stream = TcpStream::connect(address).await?;
    let server = ServerName::try_from(name.to_owned()).unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(server, stream).await?;
    let leaf = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(Seen { leaf, answer })
}

/// Takes whatever certificate it is shown, as the probe does.
#[derive(Debug)]
struct TakesAnything;

impl ServerCertVerifier for TakesAnything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn trusting() -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TakesAnything))
        .with_no_client_auth()
}

#[tokio::test]
async fn a_client_that_trusts_the_root_reaches_the_service_by_its_domain() {
    let street = Street::new().await;
    assert!(street.get("shop.dev").await.is_err(), "the default certificate is for other names");
    street.link("shop.dev").await;
    for name in ["shop.dev", "www.shop.dev"] {
        let seen = street.get(name).await.unwrap();
        assert!(seen.answer.starts_with("HTTP/1.1 200"), "{}", seen.answer);
        assert!(seen.answer.ends_with("shop-api\n"), "{}", seen.answer);
    }
    assert!(street.get("other.dev").await.is_err());
}

#[tokio::test]
async fn a_domain_becomes_active_by_the_records_that_route_53_serves_over_the_wire() {
    let street = Street::new().await;
    let zone = street.inside("route53", "_CreateZone", json!({ "Name": "octank.dev", "Delegate": true }));
    let input = json!({ "ServiceArn": street.arn, "DomainName": "shop.octank.dev" });
    operator(street.cloud.world(), "apprunner", "AssociateCustomDomain", input);
    let domain = |street: &Street| {
        let input = json!({ "ServiceArn": street.arn });
        operator(street.cloud.world(), "apprunner", "DescribeCustomDomains", input)["CustomDomains"][0].clone()
    };
    street.cloud.advance(Duration::from_secs(3600)).await.unwrap();
    let pending = domain(&street);
    assert_eq!(pending["Status"], "pending_certificate_dns_validation");
    let changes: Vec<Value> = pending["CertificateValidationRecords"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| {
            json!({ "Action": "CREATE", "ResourceRecordSet": {
                "Name": record["Name"], "Type": "CNAME", "TTL": 300, "ResourceRecords": [{ "Value": record["Value"] }],
            } })
        })
        .collect();
    let input = json!({ "HostedZoneId": zone["HostedZoneId"], "ChangeBatch": { "Changes": changes } });
    operator(street.cloud.world(), "route53", "ChangeResourceRecordSets", input);
    street.cloud.advance(Duration::from_secs(1200)).await.unwrap();
    assert_eq!(domain(&street)["Status"], "active");
    let first = street.get("shop.octank.dev").await.unwrap();
    assert!(first.answer.ends_with("shop-api\n"), "{}", first.answer);
    street.cloud.advance(DAY * 154).await.unwrap();
    let second = street.get("shop.octank.dev").await.unwrap();
    assert_ne!(second.serial(), first.serial(), "the records are still there, so it has renewed");
}

#[tokio::test]
async fn the_leaf_is_what_the_world_says_and_reads_like_amazons() {
    let street = Street::new().await;
    street.link("shop.dev").await;
    let served = street.inside("acm", "_Served", json!({ "ServerName": "shop.dev" }));
    let seen = street.get("shop.dev").await.unwrap();
    assert_eq!(seen.serial(), served["Serial"]);
    let leaf = X509Certificate::from_der(&seen.leaf).unwrap().1;
    assert_eq!(leaf.validity().not_before.timestamp(), served["NotBefore"].as_i64().unwrap());
    assert_eq!(leaf.validity().not_after.timestamp(), served["NotAfter"].as_i64().unwrap());
    assert!(leaf.issuer().to_string().contains("CN=Amazon RSA 2048 M02 (Local)"), "{}", leaf.issuer());
    let names = leaf.subject_alternative_name().unwrap().unwrap().value.general_names.len();
    assert_eq!(names, served["Names"].as_array().unwrap().len());
    assert_eq!(street.get("shop.dev").await.unwrap().leaf, seen.leaf, "it is made once");
}

#[tokio::test]
async fn after_a_renewal_another_serial_is_served() {
    let street = Street::new().await;
    street.link("shop.dev").await;
    let before = street.get("shop.dev").await.unwrap();
    street.cloud.advance(DAY * 154).await.unwrap();
    // No zone holds these records: they are vouched for.
    street.inside("acm", "_Prove", json!({ "DomainName": "shop.dev" }));
    let after = street.get("shop.dev").await.unwrap();
    assert_ne!(after.serial(), before.serial());
    assert!(after.answer.ends_with("shop-api\n"));
}

#[tokio::test]
async fn an_expired_certificate_is_served_and_a_client_that_looks_at_dates_refuses_it() {
    let street = Street::new().await;
    street.link("shop.dev").await;
    let before = street.get("shop.dev").await.unwrap();
    street.cloud.advance(DAY * 199).await.unwrap();
    let refused = street.get("shop.dev").await.unwrap_err();
    assert!(refused.to_string().contains("certificate expired"), "{refused}");
    let seen = get(street.front.address, trusting(), "shop.dev").await.unwrap();
    assert_eq!(seen.serial(), before.serial());
    assert!(seen.answer.starts_with("HTTP/1.1 200"), "App Runner goes on answering: {}", seen.answer);
}

#[tokio::test]
async fn app_runners_own_hosts_have_a_certificate_of_their_own() {
    let street = Street::new().await;
    let service = operator(street.cloud.world(), "apprunner", "DescribeService", json!({ "ServiceArn": street.arn }));
    let host = service["Service"]["ServiceUrl"].as_str().unwrap().to_owned();
    let seen = street.get(&host).await.unwrap();
    assert!(seen.answer.ends_with("shop-api\n"), "{}", seen.answer);
    let seen = street.get("nobody.eu-west-1.awsapprunner.com").await.unwrap();
    assert!(seen.answer.starts_with("HTTP/1.1 404"), "{}", seen.answer);
}

#[tokio::test]
async fn a_handshake_draws_no_id_so_that_a_story_stays_the_same() {
    let street = Street::new().await;
    let drawn = |street: &Street| lock(street.cloud.world()).ids.clone().uuid();
    let before = drawn(&street);
    get(street.front.address, trusting(), "shop.dev").await.unwrap();
    assert_eq!(drawn(&street), before);
}

#[tokio::test]
async fn who_speaks_no_tls_is_hung_up_on() {
    let street = Street::new().await;
    let mut stream = TcpStream::connect(street.front.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: shop.dev\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
}
