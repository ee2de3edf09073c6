//! A loopback server that stands for DynamoDB, SNS, Secrets Manager and Slack, as far as this function uses them.
//!
//! The table keeps items and knows exactly the conditions that `pitcrew-aws` writes; any other is an error, so that a new
//! expression cannot pass unseen. How real DynamoDB answers is tested on the local cloud.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use pitcrew_aws::connect::sdk_config_at;
use pitcrew_aws::https::Https;
use pitcrew_aws::outbox::Outbox;
use pitcrew_aws::publish::Publisher;
use pitcrew_aws::secret::Secrets;
use pitcrew_core::outbox::OutboxRow;
use serde_json::{Map, Value, json};

use crate::app::Notify;
use crate::settings::{Settings, SlackSettings};
use crate::slack::Slack;
use crate::slack::http::Http;

/// What Slack does with a request.
pub enum SlackDoes {
    Answers(u16, &'static str),
    AsksToWait(&'static str),
    Hangs,
    BreaksOff,
}

#[derive(Default)]
pub struct Cloud {
    pub items: BTreeMap<(String, String), Map<String, Value>>,
    pub secret: Option<(String, String)>,
    pub secret_reads: usize,
    pub sns_is_down: bool,
    /// Calls of `Publish`, whatever came of them.
    pub sns_tries: usize,
    /// The secret may not be read.
    pub secret_is_denied: bool,
    pub table_is_down: bool,
    /// The publications: topic and message.
    pub published: Vec<(String, String)>,
    /// The requests to Slack: path, token, body.
    pub posted: Vec<(String, Option<String>, Value)>,
    /// What Slack does next; with an empty list it says yes.
    pub slack: VecDeque<SlackDoes>,
    /// The cloud's clock, as seconds after 2025-10-09T09:00:00Z.
    pub second: i64,
}

pub struct World {
    pub cloud: Arc<Mutex<Cloud>>,
    pub notify: Notify,
    pub address: String,
}

impl World {
    /// A world with a table, a topic, and Slack by the secret's text.
    pub async fn new(secret: Option<&str>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let cloud = Arc::new(Mutex::new(Cloud::default()));
        let secret = secret.map(|text| text.replace("SLACK", &address));
        cloud.lock().unwrap().secret = secret.map(|text| (text, "v1".to_owned()));
        tokio::spawn(serve(listener, Arc::clone(&cloud)));
        let slack = SlackSettings::new("arn:secret".to_owned(), "127.0.0.1", &format!("{address}/api")).unwrap();
        let settings = Settings {
            table: "pitcrew".to_owned(),
            topic_arn: "arn:aws:sns:eu-west-1:123456789012:notices".to_owned(),
            chat_topic_arn: None,
            slack: Some(slack.clone()),
        };
        let config = sdk_config_at(&address, "eu-west-1", "AKIDEXAMPLE", "secret");
        let http = Http::new(&Https::new()).with_limit(Duration::from_millis(300));
        let notify = Notify {
            outbox: Outbox::new(&config, &settings.table),
            publisher: Publisher::new(&config),
            slack: Some(Slack::new(slack, Secrets::new(&config), http)),
            settings,
        };
        Self { cloud, notify, address }
    }

    pub fn cloud(&self) -> MutexGuard<'_, Cloud> {
        self.cloud.lock().unwrap()
    }

    /// How many publications and posts there were.
    pub fn sent(&self) -> (usize, usize) {
        let cloud = self.cloud();
        (cloud.published.len(), cloud.posted.len())
    }

    /// Writes rows and returns the stream batch that follows.
    pub fn written(&self, rows: &[OutboxRow]) -> Value {
        let mut records = Vec::new();
        for row in rows {
            let key = (row.pk.clone(), row.sk.clone());
            self.cloud().items.insert(key, to_item(&serde_json::to_value(row).unwrap()));
            records.push(json!({"eventName": "INSERT", "dynamodb": {
                "ApproximateCreationDateTime": 1_760_000_400,
                "Keys": {"pk": {"S": row.pk}, "sk": {"S": row.sk}},
                "SequenceNumber": format!("seq-{}", records.len()),
            }}));
        }
        json!({ "Records": records })
    }

    pub async fn handle(&self, event: Value) -> Value {
        self.handle_within(event, Duration::from_secs(30)).await
    }

    /// Handles an event with so much time left.
    pub async fn handle_within(&self, event: Value, left: Duration) -> Value {
        self.notify.handle(event, SystemTime::now() + left).await.unwrap()
    }

    pub async fn sweep(&self) -> Value {
        self.handle(json!({"source": "pitcrew", "detail-type": "Sweep"})).await
    }

    /// The row as the table holds it now.
    pub fn row(&self, row: &OutboxRow) -> OutboxRow {
        let item = self.cloud().items[&(row.pk.clone(), row.sk.clone())].clone();
        serde_json::from_value(Value::Object(item.iter().map(|(name, value)| (name.clone(), from_av(value))).collect()))
            .unwrap()
    }
}

fn to_av(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(b) => json!({"BOOL": b}),
        Value::Number(n) => json!({"N": n.to_string()}),
        Value::String(s) => json!({"S": s}),
        Value::Array(items) => json!({"L": items.iter().map(to_av).collect::<Vec<_>>()}),
        Value::Object(_) => json!({"M": to_item(value)}),
    }
}

fn to_item(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), to_av(value))).collect()
}

fn from_av(value: &Value) -> Value {
    let (kind, inner) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "N" => serde_json::from_str(inner.as_str().unwrap()).unwrap(),
        "L" => inner.as_array().unwrap().iter().map(from_av).collect(),
        "M" => Value::Object(
            inner.as_object().unwrap().iter().map(|(name, value)| (name.clone(), from_av(value))).collect(),
        ),
        "NULL" => Value::Null,
        _ => inner.clone(),
    }
}

/// A body that ends as it should, or breaks off.
enum Reply {
    Whole(Option<Bytes>),
    Broken(u8),
}

impl Body for Reply {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(match self.get_mut() {
            Self::Whole(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            // The first part is on the wire before the connection is cut.
            Self::Broken(polls) => {
                *polls += 1;
                match polls {
                    1 => Some(Ok(Frame::data(Bytes::from_static(b"{\"ok\":")))),
                    2 => {
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    _ => Some(Err(std::io::Error::other("cut"))),
                }
            }
        })
    }
}

async fn serve(listener: tokio::net::TcpListener, cloud: Arc<Mutex<Cloud>>) {
    while let Ok((socket, _)) = listener.accept().await {
        let cloud = Arc::clone(&cloud);
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(request, Arc::clone(&cloud)));
            let _closed =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer).await;
        });
    }
}

fn whole(status: u16, body: impl Into<Bytes>) -> Response<Reply> {
    Response::builder().status(status).body(Reply::Whole(Some(body.into()))).unwrap()
}

async fn answer(request: Request<Incoming>, cloud: Arc<Mutex<Cloud>>) -> Result<Response<Reply>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header =
        |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let target = header("x-amz-target");
    let path = head.uri.path().to_owned();
    let mut response = if path.starts_with("/api/") || path.starts_with("/services/") {
        let token = head.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let does = {
            let mut cloud = cloud.lock().unwrap();
            cloud.posted.push((path.clone(), token, serde_json::from_slice(&body).unwrap()));
            cloud.slack.pop_front()
        };
        match does {
            None if path.starts_with("/services/") => whole(200, "ok"),
            None => {
                let ts = cloud.lock().unwrap().posted.len();
                whole(200, json!({"ok": true, "channel": "C1", "ts": format!("1760000000.{ts:06}")}).to_string())
            }
            Some(SlackDoes::Answers(status, body)) => whole(status, body),
            Some(SlackDoes::AsksToWait(secs)) => {
                let mut response = whole(429, "");
                response.headers_mut().insert("retry-after", secs.parse().unwrap());
                response
            }
            Some(SlackDoes::Hangs) => std::future::pending().await,
            Some(SlackDoes::BreaksOff) => Response::new(Reply::Broken(0)),
        }
    } else if let Some(operation) = target.strip_prefix("DynamoDB_20120810.") {
        let call: Value = serde_json::from_slice(&body).unwrap();
        let (status, answer) = dynamodb(&mut cloud.lock().unwrap(), operation, &call);
        whole(status, answer.to_string())
    } else if target == "secretsmanager.GetSecretValue" {
        secret(&mut cloud.lock().unwrap())
    } else {
        sns(&mut cloud.lock().unwrap(), &body)
    };
    let second = cloud.lock().unwrap().second;
    let (minute, second) = (second / 60, second % 60);
    let date = format!("Thu, 09 Oct 2025 {:02}:{:02}:{second:02} GMT", 9 + minute / 60, minute % 60);
    response.headers_mut().insert("date", date.parse().unwrap());
    Ok(response)
}

fn secret(cloud: &mut Cloud) -> Response<Reply> {
    cloud.secret_reads += 1;
    if cloud.secret_is_denied {
        return whole(400, json!({"__type": "AccessDeniedException", "Message": "no"}).to_string());
    }
    match &cloud.secret {
        Some((text, version)) => {
            whole(200, json!({"ARN": "arn:secret", "Name": "slack", "SecretString": text, "VersionId": version}).to_string())
        }
        None => whole(
            400,
            json!({"__type": "ResourceNotFoundException", "message": "Secrets Manager can't find the specified secret."}).to_string(),
        ),
    }
}

fn sns(cloud: &mut Cloud, body: &[u8]) -> Response<Reply> {
    cloud.sns_tries += 1;
    if cloud.sns_is_down {
        return whole(
            500,
            "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalError</Code></Error></ErrorResponse>",
        );
    }
    let form = String::from_utf8(body.to_vec()).unwrap();
    let field = |name: &str| {
        form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default().to_owned()
    };
    cloud.published.push((field("TopicArn"), field("Message")));
    let id = cloud.published.len();
    whole(
        200,
        format!("<PublishResponse><PublishResult><MessageId>m-{id}</MessageId></PublishResult></PublishResponse>"),
    )
}

fn dynamodb(cloud: &mut Cloud, operation: &str, call: &Value) -> (u16, Value) {
    if cloud.table_is_down {
        return (
            400,
            json!({"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow down"}),
        );
    }
    let key_in = |of: &Value| (of["pk"]["S"].as_str().unwrap().to_owned(), of["sk"]["S"].as_str().unwrap().to_owned());
    let refused =
        (400, json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"}));
    match operation {
        "GetItem" => (200, cloud.items.get(&key_in(&call["Key"])).map_or(json!({}), |item| json!({ "Item": item }))),
        "PutItem" => {
            assert_eq!(call["ConditionExpression"], "attribute_not_exists(pk)");
            let key = key_in(&call["Item"]);
            if cloud.items.contains_key(&key) {
                return refused;
            }
            cloud.items.insert(key, call["Item"].as_object().unwrap().clone());
            (200, json!({}))
        }
        "Query" => {
            let order = |item: &Map<String, Value>| item["open_sk"]["S"].as_str().unwrap().to_owned();
            let mut unsent: Vec<_> =
                cloud.items.values().filter(|item| item.get("open_pk") == Some(&json!({"S": "UNSENT"}))).collect();
            unsent.sort_by_key(|item| order(item));
            if let Some(start) = call["ExclusiveStartKey"]["open_sk"]["S"].as_str() {
                unsent.retain(|item| order(item).as_str() > start);
            }
            let more = unsent.len() > usize::try_from(call["Limit"].as_u64().unwrap()).unwrap();
            unsent.truncate(usize::try_from(call["Limit"].as_u64().unwrap()).unwrap());
            let mut answer = json!({ "Items": unsent, "Count": unsent.len() });
            if let (true, Some(last)) = (more, unsent.last()) {
                answer["LastEvaluatedKey"] =
                    json!({"pk": last["pk"], "sk": last["sk"], "open_pk": last["open_pk"], "open_sk": last["open_sk"]});
            }
            (200, answer)
        }
        "UpdateItem" => {
            let Some(item) = cloud.items.get_mut(&key_in(&call["Key"])) else { return refused };
            if !holds(item, call) {
                return refused;
            }
            update(item, call);
            (200, json!({ "Attributes": item }))
        }
        other => panic!("{other}"),
    }
}

fn number(value: Option<&Value>) -> Option<i64> {
    value?.get("N")?.as_str()?.parse().ok()
}

fn holds(item: &Map<String, Value>, call: &Value) -> bool {
    let value = |name: &str| number(call["ExpressionAttributeValues"].get(name)).unwrap();
    let is_unsent = item.get("open_pk") == Some(&json!({"S": "UNSENT"}));
    match call["ConditionExpression"].as_str().unwrap() {
        "open_pk = :unsent AND (attribute_not_exists(not_before_ms) OR not_before_ms <= :now)" => {
            is_unsent && number(item.get("not_before_ms")).is_none_or(|at| at <= value(":now"))
        }
        "open_pk = :unsent" => is_unsent,
        "attempts = :mine" => number(item.get("attempts")) == Some(value(":mine")),
        "shown_at_ms < :shown" => number(item.get("shown_at_ms")).is_some_and(|at| at < value(":shown")),
        other => panic!("{other}"),
    }
}

/// `SET a = :a, b = :b REMOVE c, d ADD e :e`, the only form in use.
fn update(item: &mut Map<String, Value>, call: &Value) {
    let values = &call["ExpressionAttributeValues"];
    let expression = call["UpdateExpression"].as_str().unwrap();
    let (set, add) = expression.split_once(" ADD ").unwrap_or((expression, ""));
    let (set, remove) = set.split_once(" REMOVE ").unwrap_or((set, ""));
    for part in set.strip_prefix("SET ").unwrap().split(", ") {
        let (name, value) = part.split_once(" = ").unwrap();
        item.insert(name.to_owned(), values[value].clone());
    }
    for name in remove.split(", ").filter(|name| !name.is_empty()) {
        item.remove(name);
    }
    if let Some((name, value)) = add.split_once(' ') {
        let sum = number(item.get(name)).unwrap_or(0) + number(values.get(value)).unwrap();
        item.insert(name.to_owned(), json!({"N": sum.to_string()}));
    }
}
