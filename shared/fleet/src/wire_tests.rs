use std::collections::VecDeque;

use aws_smithy_runtime_api::http::StatusCode;
use futures_util::future::join_all;

use super::*;

/// A clock that stands still but for those who wait by it: one waits after the other.
#[derive(Default)]
struct Waits(Mutex<Vec<Duration>>);

impl Clock for Waits {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push(time);
        Box::pin(std::future::ready(()))
    }
}

/// What the other side answers, in this order; then 200.
#[derive(Debug, Default)]
struct Answers(Mutex<VecDeque<(u16, &'static str)>>);

impl HttpConnector for Answers {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.0.lock().unwrap().pop_front().unwrap_or((200, "{}"));
        HttpConnectorFuture::ready(Ok(HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body))))
    }
}

const REFUSAL: (u16, &str) = (400, r#"{"__type":"ThrottlingException","Message":"Rate exceeded"}"#);

/// A wire to these answers, its connector, and the waits in its lines.
fn wire(answers: &[(u16, &'static str)]) -> (Wire, Paced, Arc<Waits>) {
    let inner = SharedHttpConnector::new(Answers(Mutex::new(answers.to_vec().into())));
    let (waits, client) = (Arc::new(Waits::default()), inner.clone());
    let inner_client = aws_smithy_runtime_api::client::http::http_client_fn(move |_, _| client.clone());
    let wire = Wire { inner: inner_client, clock: waits.clone(), lanes: Arc::default() };
    (wire.clone(), Paced { inner, wire }, waits)
}

/// So many requests to a service at once; the statuses of their answers.
async fn ask(paced: &Paced, service: &str, times: usize) -> Vec<u16> {
    let asked = (0..times).map(|_| {
        let mut request = HttpRequest::empty();
        let scope =
            format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/eu-west-1/{service}/aws4_request, Signature=0a");
        request.headers_mut().insert("authorization", scope);
        paced.call(request)
    });
    join_all(asked).await.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect()
}

fn taken(waits: &Waits) -> Vec<u64> {
    waits.0.lock().unwrap().drain(..).map(|wait| u64::try_from(wait.as_millis()).unwrap()).collect()
}

fn rate(wire: &Wire, service: &str) -> f64 {
    wire.with(|lanes| lanes[service].pace.rate())
}

#[tokio::test]
async fn requests_of_a_service_wait_in_its_line_and_are_counted() {
    let (wire, paced, waits) = wire(&[]);
    ask(&paced, "route53", 4).await;
    let first = taken(&waits);
    assert_eq!(first.len(), 3, "the first goes at once: {first:?}");
    assert!(first.is_sorted() && first[0] > 0, "each waits for those before it: {first:?}");
    ask(&paced, "ec2", 1).await;
    assert_eq!(taken(&waits), [] as [u64; 0], "another service has a line of its own");
    let count = |calls| Count { calls, throttled: 0 };
    assert_eq!(wire.counts(), [("ec2".to_owned(), count(1)), ("route53".to_owned(), count(4))].into());
    assert_eq!((wire.calls(), wire.throttled()), (5, 0));
}

#[tokio::test]
async fn a_refusal_slows_the_line_down_and_answers_make_it_faster() {
    let (wire, paced, _) = wire(&[(200, "{}"), REFUSAL]);
    ask(&paced, "apprunner", 1).await;
    let before = rate(&wire, "apprunner");
    assert!(before > 10.0, "it begins at half of 20, and an answer adds to it: {before}");
    assert_eq!(ask(&paced, "apprunner", 1).await, [400], "the refusal is the caller's to see");
    assert!(rate(&wire, "apprunner") <= before / 2.0, "{}", rate(&wire, "apprunner"));
    assert_eq!((wire.calls(), wire.throttled()), (2, 1));
    let slow = rate(&wire, "apprunner");
    ask(&paced, "apprunner", 50).await;
    assert!(rate(&wire, "apprunner") > slow);
}

#[tokio::test]
async fn a_retry_of_the_sdk_is_a_request_too() {
    let (wire, _, waits) = wire(&[REFUSAL]);
    let config = pitcrew_aws::connect::sdk_config_at("http://127.0.0.1:1", "eu-west-1", "AKIDEXAMPLE", "secret");
    let client = aws_sdk_apprunner::Client::new(&wire.clone().into_config(&config));
    let error = client.list_connections().send().await.map(|_| ()).err();
    assert!(error.is_none(), "{error:?}");
    assert_eq!(wire.counts(), [("apprunner".to_owned(), Count { calls: 2, throttled: 1 })].into());
    assert_eq!(taken(&waits).len(), 1, "and waits in the line");
}

#[test]
fn a_request_belongs_to_the_service_that_it_is_signed_for() {
    let signed = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/eu-west-1/apprunner/aws4_request, \
                  SignedHeaders=host;x-amz-date, Signature=0a";
    assert_eq!(service_of(signed), "apprunner");
    assert_eq!((service_of(""), service_of("Bearer token")), ("unsigned", "unsigned"));
}

#[tokio::test]
async fn each_protocols_refusal_for_too_many_is_known_and_its_body_stays_whole() {
    for (status, body, expected) in [
        (400, r#"{"__type":"com.amazonaws.apprunner#ThrottlingException","Message":"Rate exceeded"}"#, true),
        (503, "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>", true),
        (400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", true),
        (503, "<Error><Code>SlowDown</Code></Error>", true),
        (429, "", true),
        (400, r#"{"__type":"InvalidRequestException","Message":"no"}"#, false),
        (403, "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>", false),
        (200, "Throttling", false),
    ] {
        let answer = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
        let (answer, throttled) = seen(answer).await.unwrap();
        assert_eq!(throttled, expected, "{status} {body}");
        assert_eq!(answer.body().bytes(), Some(body.as_bytes()), "{status}");
    }
}
