//! Slack's HTTP: incoming webhooks and the two methods of the Web API that pitcrew calls.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http_body_util::{BodyExt as _, Full, Limited, combinators::BoxBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::workspace::{Message, Refusal, Scripted, Workspace};

/// The greatest request that is read.
const BODY_BYTES_MAX: usize = 1024 * 1024;

type Answer = Response<BoxBody<Bytes, io::Error>>;

/// The cloud's clock, as whoever starts the server gives it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A workspace that a server and its tests share.
#[derive(Clone)]
pub struct Slack {
    workspace: Arc<Mutex<Workspace>>,
    clock: Clock,
    /// Answers that are held back wait for a permit.
    released: Arc<Semaphore>,
}

impl Slack {
    pub fn new(workspace: Workspace, clock: Clock) -> Self {
        Self { workspace: Arc::new(Mutex::new(workspace)), clock, released: Arc::new(Semaphore::new(0)) }
    }

    /// The workspace, to read or to change. Not to be held while waiting for anything.
    pub fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.workspace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy of all messages, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.workspace().messages().to_vec()
    }

    /// Lets one answer go that a [`Scripted::Slow`] holds back.
    pub fn release(&self) {
        self.released.add_permits(1);
    }
}

/// A running server. Dropping it ends the server and its connections.
#[derive(Debug)]
pub struct Serving {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Serving {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves on a loopback address; port 0 takes a free one. Any other address is refused.
///
/// # Errors
/// When the address is not loopback or cannot be bound.
pub async fn serve(slack: Slack, address: SocketAddr) -> io::Result<Serving> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{address} is not on loopback")));
    }
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            let slack = slack.clone();
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let slack = slack.clone();
                    async move { Ok::<_, Infallible>(slack.answer(request).await) }
                });
                // A client that hangs up is no concern of the server.
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(Serving { address, task })
}

impl Slack {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path().to_owned();
        let is_hook = path.starts_with("/services/");
        if request.method() != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        }
        if !is_hook && !path.starts_with("/api/") {
            return text(StatusCode::NOT_FOUND, "Not Found");
        }
        let header =
            |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let (kind, authorization) = (header(CONTENT_TYPE), header(AUTHORIZATION));
        let Ok(body) = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await else {
            return text(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
        };
        let scripted = self.workspace().next_scripted();
        match &scripted {
            Some(Scripted::Status(status, body)) => {
                return text(StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body);
            }
            Some(Scripted::Limited(secs)) => return limited(is_hook, *secs),
            Some(Scripted::Slow | Scripted::Truncated) | None => {}
        }
        let payload =
            if kind.starts_with("application/json") { serde_json::from_slice(&body.to_bytes()).ok() } else { None };
        let answer = if is_hook {
            self.webhook(&path, payload.as_ref())
        } else {
            self.method(&path, &authorization, payload.as_ref())
        };
        match scripted {
            Some(Scripted::Slow) => {
                // The semaphore is never closed, so waiting ends with a permit only.
                if let Ok(permit) = self.released.acquire().await {
                    permit.forget();
                }
                answer
            }
            Some(Scripted::Truncated) => cut(answer),
            _ => answer,
        }
    }

    fn webhook(&self, path: &str, payload: Option<&Value>) -> Answer {
        let now = (self.clock)();
        let mut workspace = self.workspace();
        let posted = workspace.hook(path).and_then(|channel| match payload.filter(|payload| payload.is_object()) {
            Some(payload) => workspace.post(now, &channel, payload, true),
            None => Err(Refusal::of("invalid_payload")),
        });
        let Err(refusal) = posted else { return text(StatusCode::OK, "ok") };
        workspace.note_refusal(refusal.error);
        match (refusal.error, refusal.retry_after_secs) {
            (_, Some(secs)) => limited(true, secs),
            ("invalid_token" | "action_prohibited", _) => text(StatusCode::FORBIDDEN, refusal.error),
            ("no_service" | "no_team" | "channel_not_found", _) => text(StatusCode::NOT_FOUND, refusal.error),
            ("is_archived", _) => text(StatusCode::GONE, "channel_is_archived"),
            _ => text(StatusCode::BAD_REQUEST, refusal.error),
        }
    }

    fn method(&self, path: &str, authorization: &str, payload: Option<&Value>) -> Answer {
        let now = (self.clock)();
        let mut workspace = self.workspace();
        let done = match (authorization.strip_prefix("Bearer "), payload.filter(|payload| payload.is_object())) {
            (None, _) => Err(Refusal::of("not_authed")),
            (Some(token), _) if !workspace.has_token(token) => Err(Refusal::of("invalid_auth")),
            (Some(_), None) => Err(Refusal::of("invalid_json")),
            (Some(_), Some(payload)) => match path {
                "/api/chat.postMessage" => {
                    workspace.post(now, payload["channel"].as_str().unwrap_or_default(), payload, false)
                }
                "/api/chat.update" => workspace.update(now, payload),
                _ => Err(Refusal::of("unknown_method")),
            },
        };
        match done {
            Ok(message) => {
                let mut answer = json!({
                    "ok": true, "channel": message.channel, "ts": message.ts,
                    "message": {"type": "message", "text": message.text, "ts": message.ts, "thread_ts": message.thread_ts},
                });
                if !message.warnings.is_empty() {
                    answer["warning"] = json!(message.warnings.join(","));
                }
                api(&answer)
            }
            Err(refusal) => {
                workspace.note_refusal(refusal.error);
                if let Some(secs) = refusal.retry_after_secs {
                    return limited(false, secs);
                }
                let mut answer = json!({"ok": false, "error": refusal.error});
                if !refusal.details.is_empty() {
                    answer["errors"] = json!(refusal.details);
                    answer["response_metadata"] = json!({"messages": refusal.details});
                }
                api(&answer)
            }
        }
    }
}

fn whole(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    answer
}

fn text(status: StatusCode, body: &str) -> Answer {
    whole(status, "text/html", body.to_owned())
}

fn api(body: &Value) -> Answer {
    whole(StatusCode::OK, "application/json; charset=utf-8", body.to_string())
}

fn limited(is_hook: bool, secs: u64) -> Answer {
    let mut answer = if is_hook {
        text(StatusCode::TOO_MANY_REQUESTS, "rate_limited")
    } else {
        let body = json!({"ok": false, "error": "ratelimited"}).to_string();
        whole(StatusCode::TOO_MANY_REQUESTS, "application/json; charset=utf-8", body)
    };
    answer.headers_mut().insert(RETRY_AFTER, secs.into());
    answer
}

/// The same answer with a body that breaks off after its first byte.
fn cut(answer: Answer) -> Answer {
    answer.map(|_| Broken { sent: 0 }.boxed())
}

/// A body of one byte, then a pause, then an error: the pause lets the byte reach the wire.
struct Broken {
    sent: u8,
}

impl Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.sent += 1;
        match self.sent {
            1 => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{"))))),
            2 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut by the script")))),
        }
    }
}
