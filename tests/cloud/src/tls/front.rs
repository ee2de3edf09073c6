//! The HTTPS server: each handshake asks the world which certificate is served for the name in it, each request who answers.
//!
//! A name that App Runner does not know, and a handshake without a name, gets the certificate of App Runner's own hosts, as
//! load balancers give their default: the client then sees a certificate for other names.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::Acceptor;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;

use super::authority::{Authority, Served, TlsError};
use crate::gateway::{Shared, lock};
use crate::shape::text;

/// A handshake and the requests after it take at most so long.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
const CONNECTION_MAX: Duration = Duration::from_secs(60);
/// Certificates that are kept ready; with more they are made anew.
const READY_MAX: usize = 4096;

/// A front end that listens. Dropping it ends the listener and every connection.
#[derive(Debug)]
pub struct FrontEnd {
    /// On loopback.
    pub address: SocketAddr,
    /// What clients have to trust, in PEM.
    pub root_pem: &'static str,
    accepting: AbortHandle,
}

impl Drop for FrontEnd {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// What has to be the same for a certificate to be the same: a story may move the dates under a serial.
type Key = (Vec<u8>, u64, u64);

#[derive(Clone)]
struct Front {
    world: Shared,
    authority: &'static Authority,
    ready: Arc<Mutex<BTreeMap<Key, Arc<ServerConfig>>>>,
}

/// Serves on loopback; port 0 takes a free one.
///
/// # Errors
/// Where the port is taken, or the authority cannot be made.
pub async fn serve(world: Shared, port: u16) -> io::Result<FrontEnd> {
    let authority = Authority::of_process().map_err(io::Error::other)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = listener.local_addr()?;
    let front = Front { world, authority, ready: Arc::default() };
    let accepting = tokio::spawn(front.accept(listener)).abort_handle();
    Ok(FrontEnd { address, root_pem: authority.root_pem(), accepting })
}

impl Front {
    async fn accept(self, listener: TcpListener) {
        // The set ends its connections when the front end is dropped.
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            let front = self.clone();
            connections.spawn(async move {
                // Who hangs up, or speaks no TLS, is no concern of the front end.
                let _ = timeout(CONNECTION_MAX, front.connection(stream)).await;
            });
        }
    }

    async fn connection(self, stream: TcpStream) -> io::Result<()> {
        let handshake = async {
            let started = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
            let name = started.client_hello().server_name().unwrap_or_default().to_owned();
            let config = self.config(&name).map_err(|error| self.note(&name, &error))?;
            started.into_stream(config).await
        };
        let stream = timeout(HANDSHAKE_MAX, handshake).await??;
        let service = service_fn(move |request| {
            let answer = self.answer(&request);
            async move { Ok::<_, Infallible>(answer) }
        });
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.map_err(io::Error::other)
    }

    /// A certificate that cannot be served stands in the history: the client sees a broken connection only.
    fn note(&self, name: &str, error: &TlsError) -> io::Error {
        let what = json!({"tls": name, "error": error.to_string()});
        let mut world = lock(&self.world);
        let now = world.now;
        world.history.record(now, "fault", "front-end", what);
        io::Error::other(error.to_string())
    }

    /// Asks the world something that changes nothing. It draws no id for it: a handshake more or less must not change a story.
    fn ask(&self, service: &str, operation: &str, input: Value) -> Result<Value, TlsError> {
        let mut world = lock(&self.world);
        let ids = world.ids.clone();
        let answer = world.internal(service, operation, input);
        world.ids = ids;
        answer.map_err(|error| TlsError::Refused(error.message))
    }

    fn config(&self, name: &str) -> Result<Arc<ServerConfig>, TlsError> {
        // ACM wants a name; one that cannot exist gets the default.
        let name = if name.is_empty() { "." } else { name };
        let served = Served::read(&self.ask("acm", "_Served", json!({"ServerName": name}))?)?;
        let key: Key = (served.serial.clone(), served.not_before, served.not_after);
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = ready.get(&key) {
            return Ok(config.clone());
        }
        let leaf = self.authority.leaf(&served)?;
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_single_cert(leaf.chain, leaf.key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let config = Arc::new(config);
        if ready.len() >= READY_MAX {
            ready.clear();
        }
        ready.insert(key, config.clone());
        Ok(config)
    }

    /// The name of the service that the host leads to, or 404 as App Runner has it for what it does not serve.
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = header.or_else(|| request.uri().host()).unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let routed = self.ask("apprunner", "_Routed", json!({"Host": host}));
        let name = routed.ok().and_then(|answer| text(&answer, "ServiceName").map(str::to_owned));
        let (status, body) = match name {
            Some(name) => (StatusCode::OK, format!("{name}\n")),
            None => (StatusCode::NOT_FOUND, format!("no service answers for {host}\n")),
        };
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}
