//! The control API, over the same sockets.

use super::*;

#[tokio::test]
async fn the_control_api_moves_the_clock_that_every_answer_is_dated_from() {
    let rig = Rig::new("sqs", queue()).await;
    let got = rig.control("POST", "/_cloud/advance", r#"{"seconds":90}"#).await;
    assert_eq!(got.json()["now"], json!("2026-11-21T08:01:30Z".parse::<Timestamp>().unwrap()));
    let got = rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    assert_eq!(got.header("date"), "Sat, 21 Nov 2026 08:01:30 GMT");
}

#[tokio::test]
async fn settling_lets_time_pass_only_as_far_as_it_is_told() {
    let rig = Rig::new("sqs", queue()).await;
    let now = json!(NOW.parse::<Timestamp>().unwrap());
    assert_eq!(rig.control("POST", "/_cloud/settle", "").await.json(), json!({"now": now, "next_due": null}));
    let got = rig.control("POST", "/_cloud/settle", r#"{"up_to_seconds":3600}"#).await;
    assert_eq!(got.json(), json!({"now": now, "next_due": null}));
}

#[tokio::test]
async fn the_control_api_sets_the_outside_world() {
    let rig = Rig::new("ecr", Ok(json!({}))).await;
    let push = r#"{"repository":"shop","behaviour":{"exit_code":137}}"#;
    let digest = rig.control("POST", "/_cloud/images", push).await.json()["digest"].as_str().unwrap().to_owned();
    let behaviour = format!(r#"{{"digest":"{digest}","error_rate":0.5}}"#);
    assert_eq!(lock(&rig.world).outside.behaviour(&digest).exit_code, Some(137));
    assert_eq!(rig.control("PUT", "/_cloud/behaviour", &behaviour).await.status, 200);
    let traffic = r#"{"service":"shop","requests_per_minute":600}"#;
    assert_eq!(rig.control("PUT", "/_cloud/traffic", traffic).await.status, 200);
    assert_eq!(rig.control("PUT", "/_cloud/switches", r#"{"nested-update":"replace"}"#).await.status, 200);
    let state = rig.control("GET", "/_cloud/state", "").await.json();
    assert_eq!(state["behaviours"][&digest]["error_rate"], 0.5);
    assert_eq!(state["traffic"]["shop"], 600.0);
    assert_eq!(
        (&state["switches"]["nested-update"], &state["switches"]["event-keys"]),
        (&json!("replace"), &json!("lower-camel"))
    );
}

#[tokio::test]
async fn the_control_api_orders_and_forgets_faults() {
    let rig = Rig::new("sqs", queue()).await;
    for fault in [
        r#"{"on":"sqs:CreateQueue","do":{"kind":"throttle"}}"#,
        r#"{"event":"*","times":9,"do":{"kind":"delay","seconds":60}}"#,
    ] {
        assert_eq!(rig.control("POST", "/_cloud/faults", fault).await.status, 200);
    }
    assert_eq!(rig.control("GET", "/_cloud/faults", "").await.json()["faults"].as_array().unwrap().len(), 2);
    assert_eq!(rig.control("DELETE", "/_cloud/faults", "").await.status, 200);
    let got = rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": "q"})).await.unwrap();
    assert_eq!(got.status, 200);
}

#[tokio::test]
async fn the_history_is_given_from_a_number_on_and_by_kind() {
    let rig = Rig::new("sqs", queue()).await;
    for name in ["a", "b"] {
        rig.json(OPERATOR_KEY, "sqs", CREATE_QUEUE, json!({"QueueName": name})).await.unwrap();
    }
    let got = rig.control("GET", "/_cloud/history?since=1&kind=call", "").await;
    let lines: Vec<Value> = got.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["what"]["input"]["QueueName"]), (1, &json!("b")));
    assert_eq!(rig.control("GET", "/_cloud/history?kind=event", "").await.text(), "");
}

#[tokio::test]
async fn a_bad_control_request_says_what_where_and_how_to_mend_it() {
    let rig = Rig::new("sqs", queue()).await;
    for (method, path, body, status, part) in [
        ("POST", "/_cloud/advance", "soon", 400, "/_cloud/advance"),
        ("POST", "/_cloud/advance", r#"{"seconds":-1}"#, 400, "-1"),
        ("POST", "/_cloud/advance", r#"{"seconds":99999999999}"#, 400, "year"),
        ("POST", "/_cloud/advance", r#"{"minutes":1}"#, 400, "minutes"),
        ("PUT", "/_cloud/behaviour", r#"{"digest":"latest"}"#, 400, "`latest` is no digest"),
        ("PUT", "/_cloud/behaviour", r#"{"healthy":true}"#, 400, "`digest` is missing"),
        ("PUT", "/_cloud/traffic", r#"{"service":"s","requests_per_minute":-5}"#, 400, "-5"),
        ("PUT", "/_cloud/switches", r#"{"event-keys":"loud"}"#, 400, "`pascal`"),
        ("PUT", "/_cloud/switches", r#"{"colour":"red"}"#, 400, "colour"),
        ("POST", "/_cloud/faults", r#"{"on":"a:b","do":{"kind":"explode"}}"#, 400, "`throttle`"),
        ("POST", "/_cloud/faults", "{}", 400, "`event`"),
        ("POST", "/_cloud/internal", r#"{"service":"none","operation":"_X"}"#, 400, "no service `none`"),
        ("GET", "/_cloud/history?since=x", "", 400, "`since`"),
        ("GET", "/_cloud/history?form=x", "", 400, "`form`"),
        ("GET", "/_cloud/advance", "", 405, "POST"),
        ("GET", "/_cloud/nothing", "", 404, "/_cloud/nothing"),
    ] {
        let got = rig.control(method, path, body).await;
        assert_eq!(got.status, status, "{method} {path} {}", got.text());
        assert!(got.text().contains(part), "{part} in {}", got.text());
        assert!(!got.json()["mend"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_control_api_answers_to_loopback_names_only() {
    let rig = Rig::new("sqs", queue()).await;
    let request = Request::get(format!("{}/_cloud/state", rig.server.endpoint())).header("host", "example.org");
    let got = rig.send(request.body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(got.status, 403);
}
