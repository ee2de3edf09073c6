use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::lambda::trial::{EPOCH, function};

/// A function in a few lines of Python: it does what its event says.
const STAND_IN: &str = r#"
import json, os, sys, time, urllib.request
api = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '/2018-06-01/runtime/'
def post(path, body):
    urllib.request.urlopen(urllib.request.Request(api + path, body.encode(), method='POST')).read()
if os.environ.get('FAIL_INIT') == 'error':
    post('init/error', json.dumps({'errorType': 'NoTable', 'errorMessage': 'PITCREW_TABLE is not set'})); sys.exit(1)
if os.environ.get('FAIL_INIT') == 'exit':
    print('going'); sys.stdout.flush(); os._exit(3)
count = 0
while True:
    got = urllib.request.urlopen(api + 'invocation/next')
    event, id = json.load(got), got.headers['Lambda-Runtime-Aws-Request-Id']
    count += 1
    do = event['do']
    if do == 'print': print('one'); print('two', file=sys.stderr); sys.stdout.flush()
    if do == 'exit': print('last words'); sys.stdout.flush(); os._exit(event['code'])
    if do == 'hang': time.sleep(60)
    if do == 'call':
        body = json.dumps(event['input']).encode()
        scope = 'AWS4-HMAC-SHA256 Credential=%s/20260101/eu-west-1/%s/aws4_request, SignedHeaders=host, Signature=0' % (os.environ['AWS_ACCESS_KEY_ID'], event['service'])
        request = urllib.request.Request(os.environ['AWS_ENDPOINT_URL'], body, {'Authorization': scope, 'X-Amz-Target': event['target'], 'Content-Type': 'application/x-amz-json-1.0'})
        try: print(urllib.request.urlopen(request).read().decode())
        except urllib.error.HTTPError as error: print(error.code, error.read().decode())
        sys.stdout.flush()
    if do == 'fail': post('invocation/%s/error' % id, json.dumps({'errorType': 'Busy', 'errorMessage': 'later'})); continue
    try:
        if do == 'large': post('invocation/%s/response' % id, json.dumps('x' * (6 * 1024 * 1024))); continue
        answer = {'count': count, 'env': dict(os.environ), 'headers': {k.lower(): v for k, v in got.headers.items()}}
        post('invocation/%s/response' % id, json.dumps(answer))
    except urllib.error.HTTPError as error:
        assert error.code == 413
"#;

/// A directory of its own, removed at the end.
pub(crate) struct Folder(pub PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn stand_in(name: &str) -> (Folder, Function) {
    let folder = std::env::temp_dir().join(format!("pitcrew-host-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let asked = std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let python = String::from_utf8(asked.expect("python3 is needed for this test").stdout).unwrap();
    let binary = folder.join("bootstrap");
    std::fs::write(&binary, format!("#!{}\n{STAND_IN}", python.trim())).unwrap();
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut function = function(name);
    function.binary = binary;
    function.timeout_secs = 30;
    (Folder(folder), function)
}

fn event(id: &str, function: &Function, payload: Value) -> Invocation {
    Invocation { id: id.into(), function: function.name.clone(), payload }
}

fn now() -> Timestamp {
    EPOCH.parse().unwrap()
}

fn alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test]
async fn a_warm_sandbox_is_used_again_and_sees_only_its_own_environment() {
    let (_folder, mut function) = stand_in("warm");
    function.environment.insert("PITCREW_TABLE".into(), "t".into());
    let host = Host::default();
    let first = host.run(&function, &event("id-1", &function, json!({"do": "env"})), now()).await;
    let second = host.run(&function, &event("id-2", &function, json!({"do": "env"})), now()).await;
    assert!(first.init_ms.is_some() && second.init_ms.is_none());
    let answer = second.result.unwrap();
    assert_eq!(answer["count"], 2);
    assert_eq!(answer["headers"]["lambda-runtime-aws-request-id"], "id-2");
    assert_eq!(answer["headers"]["lambda-runtime-invoked-function-arn"], function.arn.as_str());
    let env = &answer["env"];
    assert_eq!(env["PITCREW_TABLE"], "t");
    assert_eq!(env["AWS_REGION"], "eu-west-1");
    assert_eq!(env["AWS_ACCESS_KEY_ID"], "AKIATEST");
    assert_eq!(env["AWS_LAMBDA_LOG_STREAM_NAME"], "2026/01/01/[$LATEST]00000000000000000000000000000001");
    assert_eq!(env.get("HOME"), None, "nothing of the host's own environment but PATH");
    assert_eq!(env.get("CARGO_MANIFEST_DIR"), None);
    assert!(first.memory_mb.unwrap() > 0);
}

#[tokio::test]
async fn what_the_process_wrote_before_its_answer_is_in_its_lines() {
    let (_folder, function) = stand_in("lines");
    let host = Host::default();
    for id in ["1", "2"] {
        let outcome = host.run(&function, &event(id, &function, json!({"do": "print"})), now()).await;
        assert_eq!(outcome.lines, ["two", "one"], "standard error is not buffered, so it comes first");
    }
}

#[tokio::test]
async fn an_error_that_the_function_reports_keeps_the_sandbox_warm() {
    let (_folder, function) = stand_in("fails");
    let host = Host::default();
    let outcome = host.run(&function, &event("1", &function, json!({"do": "fail"})), now()).await;
    let error = outcome.result.unwrap_err();
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("Busy", "later"));
    assert!(!outcome.sandbox_lost);
    let next = host.run(&function, &event("2", &function, json!({"do": "env"})), now()).await;
    assert_eq!(next.result.unwrap()["count"], 2);
}

#[tokio::test]
async fn a_process_that_exits_gives_an_exit_error_with_its_last_words() {
    let (_folder, function) = stand_in("exits");
    let host = Host::default();
    let outcome = host.run(&function, &event("1", &function, json!({"do": "exit", "code": 7})), now()).await;
    let error = outcome.result.unwrap_err();
    assert_eq!(error.kind, "Runtime.ExitError");
    assert_eq!(error.message, "RequestId: 1 Error: Runtime exited with error: exit status 7");
    assert_eq!(outcome.lines, ["last words"]);
    let next = host.run(&function, &event("2", &function, json!({"do": "env"})), now()).await;
    assert_eq!(next.result.unwrap()["count"], 1, "a new sandbox");
}

#[tokio::test]
async fn a_process_that_takes_too_long_is_killed_at_its_time_limit() {
    let (_folder, mut function) = stand_in("slow");
    let host = Host::default();
    host.run(&function, &event("1", &function, json!({"do": "env"})), now()).await;
    let pid = host.idle_pids("slow")[0];
    function.timeout_secs = 1;
    let outcome = host.run(&function, &event("2", &function, json!({"do": "hang"})), now()).await;
    let error = outcome.result.unwrap_err();
    assert_eq!(error.kind, "Sandbox.Timedout");
    assert_eq!(error.message, "RequestId: 2 Error: Task timed out after 1.00 seconds");
    assert!(!alive(pid));
}

#[tokio::test]
async fn a_kill_ends_the_running_invocation_only() {
    let (_folder, function) = stand_in("killed");
    let host = Host::default();
    host.run(&function, &event("1", &function, json!({"do": "env"})), now()).await;
    assert_eq!(host.kill("killed"), 0, "an idle sandbox is no victim");
    let (running, other, payload) = (host.clone(), function.clone(), json!({"do": "hang"}));
    let run = tokio::spawn(async move { running.run(&other, &event("2", &other, payload), now()).await });
    while host.kill("killed") == 0 {
        tokio::task::yield_now().await;
    }
    let error = run.await.unwrap().result.unwrap_err();
    assert_eq!(error.message, "RequestId: 2 Error: Runtime exited with error: signal: killed");
}

#[tokio::test]
async fn an_answer_past_six_megabytes_is_refused() {
    let (_folder, function) = stand_in("large");
    let host = Host::default();
    let outcome = host.run(&function, &event("1", &function, json!({"do": "large"})), now()).await;
    assert_eq!(outcome.result.unwrap_err().kind, "Function.ResponseSizeTooLarge");
}

#[tokio::test]
async fn a_failed_start_says_why() {
    let (_folder, mut function) = stand_in("starts");
    let host = Host::default();
    function.environment.insert("FAIL_INIT".into(), "error".into());
    let outcome = host.run(&function, &event("1", &function, json!({"do": "env"})), now()).await;
    assert_eq!(outcome.result.unwrap_err().kind, "NoTable");
    function.environment.insert("FAIL_INIT".into(), "exit".into());
    let outcome = host.run(&function, &event("2", &function, json!({"do": "env"})), now()).await;
    assert_eq!(outcome.lines, ["going"]);
    assert!(outcome.result.unwrap_err().message.contains("exit status 3"));
    function.binary = "/nonexistent/bootstrap".into();
    let outcome = host.run(&function, &event("3", &function, json!({"do": "env"})), now()).await;
    assert!(outcome.result.unwrap_err().message.contains("/nonexistent/bootstrap"));
}

#[tokio::test]
async fn a_shutdown_leaves_no_process_behind() {
    let (_folder, function) = stand_in("stopped");
    let host = Host::default();
    host.run(&function, &event("1", &function, json!({"do": "env"})), now()).await;
    let pid = host.idle_pids("stopped")[0];
    host.shutdown().await;
    assert!(!alive(pid));
    let late = host.run(&function, &event("2", &function, json!({"do": "env"})), now()).await;
    assert_eq!(late.result.unwrap_err().kind, "Sandbox.Closed");
}
