//! The HTTP server: connections, limits, the `Date` header, and connections that a fault closes without an answer.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::{BODY_MAX, Encoded, Gateway, encode, json, lock, route, too_large};
use crate::control;
use crate::faults::Fate;

/// A gateway that listens. Dropping it ends the listener and every connection.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    accepting: AbortHandle,
}

impl Server {
    /// `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("a fault closes the connection")]
    ByFault,
    #[error("the request could not be read")]
    Unread(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Gateway {
    /// Listens on loopback; port 0 takes a free one.
    pub async fn bind(self, port: u16) -> std::io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(self.accept(listener)).abort_handle();
        Ok(Server { address, accepting })
    }

    async fn accept(self, listener: TcpListener) -> Infallible {
        // The set ends its connections when the server is dropped.
        let mut connections = JoinSet::new();
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                connections.spawn(self.clone().serve(stream));
            }
            while connections.try_join_next().is_some() {}
        }
    }

    async fn serve(self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| {
            let gateway = self.clone();
            async move { gateway.respond(request).await }
        });
        // An error here is a client that went away or a connection that a fault closed; neither is news.
        let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Closed> {
        let (parts, body) = request.into_parts();
        let body = match Limited::new(body, BODY_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let refused = encode::error(None, route::protocol(&parts, b""), &too_large(), "");
                return Ok(self.dated(refused));
            }
            Err(error) => return Err(Closed::Unread(error)),
        };
        if parts.uri.path() == control::ROOT || parts.uri.path().starts_with(control::PREFIX) {
            let reply = control::handle(self, &parts, &body).await;
            return Ok(self.dated(Encoded::new(reply.status, reply.content_type, reply.body.into_bytes())));
        }
        let (response, fate) = self.exchange(&parts, &body);
        match fate {
            Fate::Answer => {}
            Fate::Late { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
            Fate::Close | Fate::Kill { .. } => return Err(Closed::ByFault),
        }
        Ok(response)
    }

    /// One request of AWS's protocols to its answer, and what becomes of that.
    pub fn exchange(&self, parts: &Parts, body: &[u8]) -> (Response<Full<Bytes>>, Fate) {
        let (encoded, fate) = self.answer(parts, body);
        (self.dated(encoded), fate)
    }

    /// The answer with the cloud's date: clients learn the time from it.
    fn dated(&self, encoded: Encoded) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(encoded.body)));
        *response.status_mut() = StatusCode::from_u16(encoded.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in &encoded.headers {
            let name = hyper::header::HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        if let Ok(date) = HeaderValue::from_str(&json::imf_fixdate(lock(&self.world).now)) {
            response.headers_mut().insert(hyper::header::DATE, date);
        }
        response
    }
}
