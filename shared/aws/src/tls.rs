//! The TLS probe: which certificate a domain really serves.
//!
//! It finds the domain through the DNS, shakes hands under the domain's name, keeps the leaf certificate and closes. Whether
//! the certificate is trusted, expired or for another name is not its question: it must see all of them, so every
//! certificate is accepted. What is checked is that the server holds its key, for else the certificate would say nothing
//! about the server. No request is sent after the handshake, so there is nothing to redirect it and nothing it could trust.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use pitcrew_core::certificate::Served;
use pitcrew_core::dns::facts::Answer;
use pitcrew_core::dns::name::Name;
use pitcrew_core::dns::record::RecordType;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

use crate::resolve::Resolver;

/// The whole probe: the DNS, the connection, the handshake.
const LIMIT: Duration = Duration::from_secs(5);
/// Names of a certificate that are kept.
const NAMES_MAX: usize = 100;
/// Stands for the asterisk of a wildcard: nobody has such a host.
const MADE_UP_LABEL: &str = "pitcrew-probe";
/// Where HTTPS is served.
pub const HTTPS_PORT: u16 = 443;

/// Why no certificate was seen.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("{0}")]
    Dns(#[from] crate::resolve::Unanswered),
    #[error("the DNS has no address for {0}")]
    NoAddress(Name),
    #[error("{name} could not be probed within {} seconds", LIMIT.as_secs())]
    TimeUp { name: Name },
    #[error("no connection to {name} at {at}: {source}")]
    Connect { name: Name, at: SocketAddr, source: std::io::Error },
    #[error("the TLS handshake with {name} failed: {source}")]
    Handshake { name: Name, source: std::io::Error },
    #[error("{name} showed no certificate that can be read: {why}")]
    Unreadable { name: Name, why: String },
    #[error("TLS could not be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// Takes every certificate, and still lets nobody in who does not hold its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The name that is shaken hands with for a domain.
fn probed(domain: &Name) -> Name {
    if !domain.is_wildcard() {
        return domain.clone();
    }
    // A base so long that no label fits before it has no host that could be asked either.
    domain.base().below(MADE_UP_LABEL).unwrap_or_else(|_| domain.base())
}

/// The certificate that a domain serves at `port`.
///
/// # Errors
/// See [`ProbeError`].
pub async fn probe(resolver: &Resolver, domain: &Name, port: u16) -> Result<Served, ProbeError> {
    let name = probed(domain);
    match tokio::time::timeout(LIMIT, shake(resolver, &name, port)).await {
        Ok(served) => served,
        Err(_) => Err(ProbeError::TimeUp { name }),
    }
}

async fn shake(resolver: &Resolver, name: &Name, port: u16) -> Result<Served, ProbeError> {
    let unreadable = |why: String| ProbeError::Unreadable { name: name.clone(), why };
    let stream = connect(resolver, name, port).await?;
    let host = ServerName::try_from(name.as_str().to_owned()).map_err(|error| unreadable(error.to_string()))?;
    let shaken = connector()?.connect(host, stream).await;
    let shaken = shaken.map_err(|source| ProbeError::Handshake { name: name.clone(), source })?;
    let (_, connection) = shaken.get_ref();
    let leaf = connection.peer_certificates().and_then(<[_]>::first);
    served(leaf.ok_or_else(|| unreadable("there is none".to_owned()))?).map_err(unreadable)
}

/// The first address that takes the connection.
async fn connect(resolver: &Resolver, name: &Name, port: u16) -> Result<TcpStream, ProbeError> {
    let Answer::Found(addresses) = resolver.ask(name, &RecordType::A).await? else {
        return Err(ProbeError::NoAddress(name.clone()));
    };
    let mut failed = ProbeError::NoAddress(name.clone());
    for ip in addresses.iter().filter_map(|address| address.parse::<IpAddr>().ok()) {
        let at = SocketAddr::new(ip, port);
        match TcpStream::connect(at).await {
            Ok(stream) => return Ok(stream),
            Err(source) => failed = ProbeError::Connect { name: name.clone(), at, source },
        }
    }
    Err(failed)
}

fn connector() -> Result<TlsConnector, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// What a certificate says, valid or not.
fn served(leaf: &CertificateDer<'_>) -> Result<Served, String> {
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|error| error.to_string())?;
    let time = |at: x509_parser::time::ASN1Time| {
        Timestamp::from_second(at.timestamp()).map_err(|_| "its validity is no time".to_owned())
    };
    let validity = certificate.validity();
    Ok(Served {
        issuer: words(certificate.issuer()),
        names: names(&certificate),
        serial: certificate.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect(),
        not_before: time(validity.not_before)?,
        not_after: time(validity.not_after)?,
    })
}

/// Common name and organisation; else the whole name.
fn words(name: &X509Name<'_>) -> String {
    let parts = name.iter_common_name().chain(name.iter_organization());
    let parts: Vec<&str> = parts.filter_map(|part| part.as_str().ok()).collect();
    if parts.is_empty() { name.to_string() } else { parts.join(", ") }
}

/// The alternative names; a certificate without any, as only an old one is, has its common name.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let alternative = alternative.iter().flat_map(|extension| extension.value.general_names.iter());
    let dns = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    };
    let names: Vec<String> = alternative.filter_map(dns).take(NAMES_MAX).collect();
    if !names.is_empty() {
        return names;
    }
    certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok()).map(str::to_owned).collect()
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
