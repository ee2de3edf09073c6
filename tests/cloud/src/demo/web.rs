//! A visitor: an HTTPS request to a domain by its name, who trusts the local authority alone and lives by the cloud's clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a visitor waits, in real time.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that is read of an answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// What a visitor got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub status: u16,
    pub body: String,
    /// The certificate that the server showed, and that was found valid for the name at that time.
    pub certificate: Vec<u8>,
}

#[derive(Debug)]
struct At(Timestamp);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Visits `https://<name>/` at `server`; the error is what a browser would complain of.
///
/// # Errors
/// Where no connection comes about, the certificate is not valid for the name now, or the answer is none.
pub async fn visit(server: SocketAddr, authority_pem: &str, name: &str, now: Timestamp) -> Result<Page, String> {
    let visited = timeout(PATIENCE, visit_patiently(server, authority_pem, name, now)).await;
    visited.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
}

async fn visit_patiently(server: SocketAddr, pem: &str, name: &str, now: Timestamp) -> Result<Page, String> {
    let connector = TlsConnector::from(Arc::new(client(pem, now)?));
    let host = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
    let stream = TcpStream::connect(server).await.map_err(|error| error.to_string())?;
    let mut stream = connector.connect(host, stream).await.map_err(|error| error.to_string())?;
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|leaf| leaf.to_vec());
    let mut answer = Vec::new();
    // A server that ends without a farewell has still answered.
    let read = (&mut stream).take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await;
    if answer.is_empty() {
        return Err(read.err().map_or_else(|| "an empty answer".to_owned(), |error| error.to_string()));
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| "no HTTP answer".to_owned())?;
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.trim().to_owned()).unwrap_or_default();
    Ok(Page { status, body, certificate: shown.unwrap_or_default() })
}

fn client(pem: &str, now: Timestamp) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let root = root.map_err(|error| error.to_string())?;
        roots.add(root).map_err(|error| error.to_string())?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(At(now)))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
