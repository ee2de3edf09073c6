//! Slack as a client over HTTP sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::workspace::Hook;
use super::{Scripted, Serving, Slack, Workspace, as_coloured_text, as_text, serve};

const HOOK: &str = "/services/T01/B01/secret";

struct Office {
    slack: Slack,
    serving: Serving,
    now: Arc<AtomicI64>,
}

/// What a call got.
#[derive(Debug, PartialEq)]
struct Got {
    status: u16,
    retry_after: Option<String>,
    body: String,
}

impl Office {
    async fn open() -> Self {
        let mut workspace = Workspace::new();
        workspace.add_channel("C01", "deploys");
        workspace.add_channel("C02", "old");
        workspace.archive("C02");
        workspace.add_token("xoxb-1");
        workspace.set_hook(HOOK, "C01", Hook::Active);
        workspace.set_hook("/services/T01/B02/secret", "C02", Hook::Active);
        workspace.set_hook("/services/T01/B03/secret", "C01", Hook::Revoked);
        workspace.set_hook("/services/T01/B04/secret", "C01", Hook::Prohibited);
        workspace.set_hook("/services/T01/B05/secret", "C99", Hook::Active);
        let now = Arc::new(AtomicI64::new(1_767_603_600));
        let clock = Arc::clone(&now);
        let slack =
            Slack::new(workspace, Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap()));
        let serving = serve(slack.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        Self { slack, serving, now }
    }

    fn pass(&self, secs: i64) {
        self.now.fetch_add(secs, Ordering::SeqCst);
    }

    async fn send(&self, path: &str, token: Option<&str>, body: String) -> Result<Got, String> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.serving.url()))
            .header("content-type", "application/json; charset=utf-8");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let answer = client
            .request(request.body(Full::new(Bytes::from(body))).unwrap())
            .await
            .map_err(|error| error.to_string())?;
        let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Got { status, retry_after, body: String::from_utf8(body.to_vec()).unwrap() })
    }

    async fn hook(&self, path: &str, payload: Value) -> Got {
        self.send(path, None, payload.to_string()).await.unwrap()
    }

    /// A call of the Web API that answers 200.
    async fn api(&self, method: &str, payload: Value) -> Value {
        let got = self.send(&format!("/api/{method}"), Some("xoxb-1"), payload.to_string()).await.unwrap();
        assert_eq!(got.status, 200, "{got:?}");
        serde_json::from_str(&got.body).unwrap()
    }
}

fn got(status: u16, body: &str) -> Got {
    Got { status, retry_after: None, body: body.to_owned() }
}

#[tokio::test]
async fn a_webhook_posts_and_says_ok() {
    let office = Office::open().await;
    assert_eq!(office.hook(HOOK, json!({"text": "hello"})).await, got(200, "ok"));
    let messages = office.slack.messages();
    assert_eq!(
        (messages[0].text.as_str(), messages[0].channel.as_str(), messages[0].by_webhook),
        ("hello", "C01", true)
    );
}

#[tokio::test]
async fn a_webhook_refuses_in_the_words_of_slack() {
    let office = Office::open().await;
    let hello = json!({"text": "hello"});
    for (path, status, word) in [
        ("/services/T01/B01/wrong", 403, "invalid_token"),
        ("/services/T01/B09/secret", 404, "no_service"),
        ("/services/T09/B01/secret", 404, "no_team"),
        ("/services/T01/B02/secret", 410, "channel_is_archived"),
        ("/services/T01/B03/secret", 404, "no_service"),
        ("/services/T01/B04/secret", 403, "action_prohibited"),
        ("/services/T01/B05/secret", 404, "channel_not_found"),
    ] {
        assert_eq!(office.hook(path, hello.clone()).await, got(status, word), "{path}");
    }
    for (payload, word) in [
        (json!({}), "no_text"),
        (json!({"text": " ", "blocks": []}), "no_text"),
        (json!({"blocks": [{"type": "nope"}]}), "invalid_blocks"),
        (json!([1]), "invalid_payload"),
    ] {
        assert_eq!(office.hook(HOOK, payload).await, got(400, word));
    }
    assert_eq!(office.send(HOOK, None, "{".to_owned()).await.unwrap(), got(400, "invalid_payload"));
    assert!(office.slack.messages().is_empty());
    assert_eq!(office.slack.workspace().refusals().len(), 12);
}

#[tokio::test]
async fn the_second_post_within_a_second_is_told_to_wait() {
    let office = Office::open().await;
    let payload = json!({"text": "hello"});
    assert_eq!(office.hook(HOOK, payload.clone()).await.status, 200);
    let limited = Got { status: 429, retry_after: Some("1".to_owned()), body: "rate_limited".to_owned() };
    assert_eq!(office.hook(HOOK, payload.clone()).await, limited);
    office.pass(1);
    assert_eq!(office.hook(HOOK, payload.clone()).await.status, 200);
    let limited =
        office.send("/api/chat.postMessage", Some("xoxb-1"), json!({"channel": "C01", "text": "x"}).to_string()).await;
    assert_eq!(limited.unwrap().body, "{\"ok\":false,\"error\":\"ratelimited\"}");
    office.slack.workspace().set_burst(2);
    assert_eq!(office.hook(HOOK, payload).await.status, 200);
    assert_eq!(office.slack.messages().len(), 3);
}

#[tokio::test]
async fn a_bot_opens_a_thread_and_updates_its_message() {
    let office = Office::open().await;
    let opened = office.api("chat.postMessage", json!({"channel": "#deploys", "text": "failed"})).await;
    assert_eq!((&opened["ok"], &opened["channel"]), (&json!(true), &json!("C01")));
    office.pass(1);
    let reply =
        office.api("chat.postMessage", json!({"channel": "C01", "text": "why", "thread_ts": opened["ts"]})).await;
    assert_ne!(reply["ts"], opened["ts"]);
    let updated = office.api("chat.update", json!({"channel": "C01", "ts": opened["ts"], "text": "mended"})).await;
    assert_eq!(updated["ts"], opened["ts"]);
    let messages = office.slack.messages();
    assert_eq!((messages[0].text.as_str(), messages[0].edited_at.is_some()), ("mended", true));
    assert_eq!(messages[1].thread_ts.as_deref(), opened["ts"].as_str());
}

#[tokio::test]
async fn the_web_api_refuses_in_the_words_of_slack() {
    let office = Office::open().await;
    office.hook(HOOK, json!({"text": "by hook"})).await;
    let by_hook = office.slack.messages()[0].ts.clone();
    office.pass(1);
    for (method, payload, error) in [
        ("chat.postMessage", json!({"channel": "C77", "text": "x"}), "channel_not_found"),
        ("chat.postMessage", json!({"channel": "C02", "text": "x"}), "is_archived"),
        ("chat.postMessage", json!({"channel": "C01"}), "no_text"),
        ("chat.postMessage", json!({"channel": "C01", "text": "x".repeat(40_001)}), "msg_too_long"),
        ("chat.postMessage", json!({"channel": "C01", "blocks": "{"}), "invalid_blocks_format"),
        (
            "chat.postMessage",
            json!({"channel": "C01", "text": "x", "thread_ts": "1.000001"}),
            "cannot_reply_to_message",
        ),
        ("chat.update", json!({"channel": "C01", "ts": "1.000001", "text": "x"}), "message_not_found"),
        ("chat.update", json!({"channel": "C01", "ts": by_hook, "text": "x"}), "cant_update_message"),
        ("chat.nothing", json!({"text": "x"}), "unknown_method"),
    ] {
        assert_eq!(office.api(method, payload).await["error"], error);
    }
    let refused = office
        .api(
            "chat.postMessage",
            json!({"channel": "C01", "blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]}),
        )
        .await;
    assert_eq!(refused["error"], "invalid_blocks");
    assert_eq!(
        refused["response_metadata"]["messages"][0],
        "[ERROR] unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"
    );
    for (token, error) in [(None, "not_authed"), (Some("xoxb-2"), "invalid_auth")] {
        let got = office
            .send("/api/chat.postMessage", token, json!({"channel": "C01", "text": "x"}).to_string())
            .await
            .unwrap();
        assert!(got.body.contains(error), "{got:?}");
    }
    assert_eq!(office.slack.messages().len(), 1);
}

#[tokio::test]
async fn mentions_and_links_that_come_through_are_recorded_and_escaped_ones_are_not() {
    let office = Office::open().await;
    office.hook(HOOK, json!({
        "text": "&lt;!channel&gt; is quiet",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "&lt;@U1&gt; https://quiet.example", "verbatim": true}},
            {"type": "section", "text": {"type": "plain_text", "text": "<!here> <https://x.example|y>"}},
        ],
    })).await;
    office.pass(1);
    office.hook(HOOK, json!({
        "text": "<!channel> wakes <@U1>", "link_names": true,
        "blocks": [
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "@here see https://bare.example <https://x.example|y>"}]},
            {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Logs"}, "url": "https://b.example"}]},
        ],
    })).await;
    let messages = office.slack.messages();
    assert!(messages[0].mentions.is_empty() && messages[0].links.is_empty(), "{:?}", messages[0]);
    assert_eq!(messages[1].mentions, ["channel", "@U1", "here"]);
    let urls: Vec<&str> = messages[1].links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(urls, ["https://bare.example", "https://x.example", "https://b.example"]);
}

#[tokio::test]
async fn a_script_decides_the_next_answers() {
    let office = Office::open().await;
    office.slack.workspace().script([
        Scripted::Status(404, "no_service".to_owned()),
        Scripted::Status(500, "rollup_error".to_owned()),
        Scripted::Limited(30),
    ]);
    let payload = json!({"text": "hello"});
    assert_eq!(office.hook(HOOK, payload.clone()).await, got(404, "no_service"));
    assert_eq!(office.hook(HOOK, payload.clone()).await, got(500, "rollup_error"));
    assert_eq!(office.hook(HOOK, payload.clone()).await.retry_after.as_deref(), Some("30"));
    assert!(office.slack.messages().is_empty());
    assert_eq!(office.hook(HOOK, payload).await, got(200, "ok"));
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_after_the_message_was_taken() {
    let office = Office::open().await;
    office.slack.workspace().script([Scripted::Truncated]);
    let got = office.send(HOOK, None, json!({"text": "hello"}).to_string()).await;
    assert!(got.is_err(), "{got:?}");
    assert_eq!(office.slack.messages().len(), 1);
}

#[tokio::test]
async fn a_slow_answer_waits_until_it_is_released() {
    let office = Office::open().await;
    office.slack.workspace().script([Scripted::Slow]);
    let mut call = Box::pin(office.hook(HOOK, json!({"text": "hello"})));
    // The message is taken while the answer is still held back.
    while office.slack.messages().is_empty() {
        tokio::select! {
            biased;
            early = &mut call => panic!("answered too early: {early:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    office.slack.release();
    assert_eq!(call.await, got(200, "ok"));
}

#[tokio::test]
async fn only_loopback_and_only_posts_are_served() {
    let slack = Office::open().await.slack;
    assert!(serve(slack, "0.0.0.0:0".parse().unwrap()).await.is_err());
    let office = Office::open().await;
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(format!("{}{HOOK}", office.serving.url()).parse().unwrap()).await.unwrap();
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn a_message_is_drawn_as_a_person_would_see_it() {
    let office = Office::open().await;
    office.hook(HOOK, json!({
        "text": "fallback",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": ":rotating_light: shop-api: deployment reverted"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*Why:* `health check` failed &amp; App Runner restored the previous release, which serves the same image digest as yesterday evening.\n```\nlisten tcp :8080 &lt;nil&gt;\n```"},
             "fields": [{"type": "mrkdwn", "text": "Receipt <https://x.example/r|r-1>"}]},
            {"type": "divider"},
            {"type": "actions", "elements": [{"type": "button", "style": "danger", "text": {"type": "plain_text", "text": "Logs"}, "url": "https://b.example"}]},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "eu-west-1"}]},
        ],
    })).await;
    let message = &office.slack.messages()[0];
    insta::assert_snapshot!(as_text(message), @"
    ╭─ #deploys  pitcrew  09:00:00
    │  🚨 shop-api: deployment reverted
    │
    │  Why: `health check` failed & App Runner restored the previous release, which serves the
    │  same image digest as yesterday evening.
    │    listen tcp :8080 <nil>
    │  Receipt r-1 (https://x.example/r)
    │
    │  ──────────────────────────────────────────────
    │  [ Logs ] https://b.example
    │  eu-west-1
    ╰─
    ");
    let coloured = as_coloured_text(message);
    assert!(coloured.contains("\u{1b}[1m"), "{coloured}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), as_text(message));
}
