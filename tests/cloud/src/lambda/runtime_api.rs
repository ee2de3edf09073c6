//! The Lambda Runtime API of one sandbox, on a loopback port of its own.
//!
//! It passes messages between the function's process and the host and knows no queue, no clock and no log.
//! Source: Developer Guide, "Using the Lambda runtime API" (2018-06-01).

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// The most that a function may answer, in bytes.
pub const RESPONSE_BYTES_MAX: usize = 6 * 1024 * 1024;

const PREFIX: &str = "/2018-06-01/runtime/";

/// One event for the process.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub request_id: String,
    pub deadline_ms: u128,
    pub function_arn: String,
    pub trace_id: String,
    pub body: String,
}

/// What the process said.
#[derive(Debug)]
pub(super) enum Said {
    /// It asks for the next event.
    Ready,
    Answer {
        request_id: String,
        body: Bytes,
    },
    Failed {
        request_id: String,
        payload: Value,
    },
    TooLarge {
        request_id: String,
    },
    InitFailed {
        payload: Value,
    },
}

/// The API of one sandbox; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    pub address: SocketAddr,
    pub jobs: mpsc::Sender<Job>,
    pub said: mpsc::UnboundedReceiver<Said>,
    server: JoinHandle<()>,
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Debug)]
struct Shared {
    jobs: Mutex<mpsc::Receiver<Job>>,
    said: mpsc::UnboundedSender<Said>,
}

impl RuntimeApi {
    /// Listens on a free loopback port.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (jobs, job_receiver) = mpsc::channel(1);
        let (sender, said) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { jobs: Mutex::new(job_receiver), said: sender });
        let server = tokio::spawn(serve(listener, shared));
        Ok(Self { address, jobs, said, server })
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Connections belong to this task: they end with it.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { Ok::<_, Infallible>(handle(&shared, request).await) }
            });
            // A process that ends in the middle of a request is seen by the host, not here.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn handle(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let Some(route) = path.strip_prefix(PREFIX) else {
        return answer(StatusCode::NOT_FOUND, &json!({"errorType": "NotFound", "errorMessage": path}));
    };
    let parts: Vec<&str> = route.split('/').collect();
    match (request.method(), parts.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(shared).await,
        (&Method::POST, ["invocation", id, "response"]) => {
            let request_id = (*id).to_owned();
            let body = Limited::new(request.into_body(), RESPONSE_BYTES_MAX).collect().await;
            match body {
                Ok(body) => accept(shared, Said::Answer { request_id, body: body.to_bytes() }),
                Err(error) if error.is::<LengthLimitError>() => {
                    let _ = shared.said.send(Said::TooLarge { request_id });
                    let what = json!({"errorType": "RequestEntityTooLarge", "errorMessage": "Exceeded maximum allowed payload size (6291556 bytes)."});
                    answer(StatusCode::PAYLOAD_TOO_LARGE, &what)
                }
                Err(error) => unreadable(&error.to_string()),
            }
        }
        (&Method::POST, ["invocation", id, "error"]) => {
            let request_id = (*id).to_owned();
            match error_payload(request).await {
                Ok(payload) => accept(shared, Said::Failed { request_id, payload }),
                Err(reason) => unreadable(&reason),
            }
        }
        (&Method::POST, ["init", "error"]) => match error_payload(request).await {
            Ok(payload) => accept(shared, Said::InitFailed { payload }),
            Err(reason) => unreadable(&reason),
        },
        _ => answer(StatusCode::NOT_FOUND, &json!({"errorType": "NotFound", "errorMessage": path})),
    }
}

async fn next(shared: &Shared) -> Response<Full<Bytes>> {
    let _ = shared.said.send(Said::Ready);
    let Some(job) = shared.jobs.lock().await.recv().await else {
        return answer(
            StatusCode::GONE,
            &json!({"errorType": "SandboxClosed", "errorMessage": "the sandbox is closed"}),
        );
    };
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &job.request_id)
        .header("lambda-runtime-deadline-ms", job.deadline_ms.to_string())
        .header("lambda-runtime-invoked-function-arn", &job.function_arn)
        .header("lambda-runtime-trace-id", &job.trace_id)
        .body(Full::from(job.body));
    response.unwrap_or_else(|error| unreadable(&error.to_string()))
}

async fn error_payload(request: Request<Incoming>) -> Result<Value, String> {
    let kind = request.headers().get("lambda-runtime-function-error-type");
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("Unhandled").to_owned();
    let body =
        Limited::new(request.into_body(), RESPONSE_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
    let bytes = body.to_bytes();
    let told = serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object);
    Ok(told.unwrap_or_else(|| json!({"errorType": kind, "errorMessage": String::from_utf8_lossy(&bytes)})))
}

fn accept(shared: &Shared, said: Said) -> Response<Full<Bytes>> {
    let _ = shared.said.send(said);
    answer(StatusCode::ACCEPTED, &json!({"status": "OK"}))
}

fn unreadable(reason: &str) -> Response<Full<Bytes>> {
    answer(StatusCode::BAD_REQUEST, &json!({"errorType": "InvalidRequest", "errorMessage": reason}))
}

fn answer(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response
}
