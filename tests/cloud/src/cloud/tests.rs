use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::call::{Answer, Call, Ctx, Need, Place, Service};
use crate::deploy::{Deployment, deploy};
use crate::effect::Effect;
use crate::lambda::host::tests::{Folder, stand_in};
use crate::lambda::trial::{EPOCH, place};
use crate::services;
use crate::switches::Switches;
use crate::template::Inputs;

const TEMPLATE: &str = r#"
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: bootstrap } }
    Properties:
      FunctionName: fn
      Handler: bootstrap
      Runtime: provided.al2023
      Timeout: 30
      Role: !GetAtt Role.Arn
      LoggingConfig: { LogFormat: JSON, LogGroup: !Ref Log }
      Environment: { Variables: { QUEUE: !Ref Queue } }
  Log: { Type: AWS::Logs::LogGroup, Properties: { LogGroupName: /aws/lambda/fn, RetentionInDays: 7 } }
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: fn
      AssumeRolePolicyDocument: { Version: "2012-10-17" }
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - { Effect: Allow, Action: "sqs:*", Resource: [!GetAtt Queue.Arn, !GetAtt Failures.Arn] }
              - { Effect: Allow, Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource: !GetAtt Log.Arn }
              - { Effect: Allow, Action: "lambda:InvokeFunction", Resource: "*" }
  Queue: { Type: AWS::SQS::Queue, Properties: { QueueName: wake, VisibilityTimeout: 60 } }
  Failures: { Type: AWS::SQS::Queue, Properties: { QueueName: failures } }
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: !Ref Fn
      MaximumRetryAttempts: 1
      DestinationConfig: { OnFailure: { Destination: !GetAtt Failures.Arn } }
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: r
      EventPattern: { source: [test] }
      Targets: [{ Id: t, Arn: !GetAtt Fn.Arn, Input: '{"do":"exit","code":1}' }]
  Permission:
    Type: AWS::Lambda::Permission
    Properties: { Action: lambda:InvokeFunction, FunctionName: !Ref Fn, Principal: events.amazonaws.com, SourceArn: !GetAtt Rule.Arn }
  Sweep:
    Type: AWS::Scheduler::Schedule
    Properties:
      Name: sweep
      State: DISABLED
      ScheduleExpression: rate(5 minutes)
      FlexibleTimeWindow: { Mode: "OFF" }
      Target: { Arn: !GetAtt Fn.Arn, RoleArn: !GetAtt Role.Arn, Input: '{"do":"print"}' }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: { FunctionName: !Ref Fn, EventSourceArn: !GetAtt Queue.Arn }
"#;

fn deployment(template: &str, binaries: &Path, endpoint: &str) -> Deployment {
    Deployment {
        template: template.to_owned(),
        inputs: Inputs {
            stack_name: "s".into(),
            place: place(),
            parameters: BTreeMap::new(),
            physical: BTreeMap::new(),
        },
        binaries: Some(binaries.to_owned()),
        environment: BTreeMap::from([("AWS_ENDPOINT_URL".to_owned(), endpoint.to_owned())]),
        function_environment: BTreeMap::new(),
        left_out: BTreeSet::new(),
    }
}

async fn cloud(name: &str) -> (Cloud, Server, Folder) {
    let (folder, _) = stand_in(name);
    let cloud = Cloud::new(services::world(place(), EPOCH.parse().unwrap(), Switches::default()));
    let (server, keys) = cloud.listen(0).await.unwrap();
    deploy(&mut lock(cloud.world()), &keys, &deployment(TEMPLATE, &folder.0, &server.endpoint())).unwrap();
    (cloud, server, folder)
}

fn invocations(cloud: &Cloud) -> Vec<(i64, String)> {
    let world = lock(cloud.world());
    let start: Timestamp = EPOCH.parse().unwrap();
    let entries = world.history.entries().iter().filter(|entry| entry.kind == "invocation");
    entries
        .map(|entry| (entry.at.duration_since(start).as_secs(), entry.what["cause"].as_str().unwrap().to_owned()))
        .collect()
}

fn lines(cloud: &Cloud) -> String {
    let mut world = lock(cloud.world());
    let answer = world.internal("logs", "FilterLogEvents", json!({"logGroupName": "/aws/lambda/fn"})).unwrap();
    answer["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| format!("{}\n", event["message"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_quiet_cloud_lets_any_time_pass_at_once() {
    let (cloud, _server, _folder) = cloud("quiet").await;
    let at = cloud.advance(Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(at.to_string(), "2026-01-02T00:00:00Z");
    assert_eq!(invocations(&cloud), []);
}

#[tokio::test]
async fn an_event_runs_the_binary_and_its_failure_ends_in_the_failure_queue() {
    let (cloud, _server, _folder) = cloud("event").await;
    let event = Effect::Event { source: "test".into(), detail_type: "x".into(), resources: vec![], detail: json!({}) };
    lock(cloud.world()).after_invocation(vec![event]);
    cloud.advance(Duration::from_secs(600)).await.unwrap();
    assert_eq!(invocations(&cloud), [(1, "r".to_owned()), (61, "r".to_owned())]);
    let told = lines(&cloud);
    assert!(
        told.contains("platform.start") && told.contains("last words") && told.contains(r#""status":"failure""#),
        "{told}"
    );
    let mut world = lock(cloud.world());
    let url = world.internal("sqs", "GetQueueUrl", json!({"QueueName": "failures"})).unwrap()["QueueUrl"].clone();
    let got = world.internal("sqs", "ReceiveMessage", json!({"QueueUrl": url})).unwrap();
    let record: Value = serde_json::from_str(got["Messages"][0]["Body"].as_str().unwrap()).unwrap();
    assert_eq!(record["responsePayload"]["errorType"], "Runtime.ExitError");
    assert_eq!(world.policies.denied(), []);
}

#[tokio::test]
async fn a_function_calls_the_cloud_with_its_own_role() {
    let (cloud, _server, _folder) = cloud("calls").await;
    let wake = |operation: &str, input: Value| {
        json!({
            "do": "call", "service": "sqs", "target": format!("AmazonSQS.{operation}"), "input": input,
        })
    };
    let url =
        lock(cloud.world()).internal("sqs", "GetQueueUrl", json!({"QueueName": "wake"})).unwrap()["QueueUrl"].clone();
    let body = r#"{"do":"print"}"#;
    let outcome = cloud
        .invoke("fn", wake("SendMessage", json!({"QueueUrl": url, "MessageBody": body, "DelaySeconds": 45})))
        .await;
    assert!(outcome.unwrap().lines.concat().contains("MessageId"));
    // The message wakes the function when its delay has passed: the mapping's batch follows, on the virtual clock.
    assert!(
        cloud
            .run_until(|world| world.history.to_json_lines().contains("mapping "), Duration::from_secs(600))
            .await
            .unwrap()
    );
    assert_eq!(invocations(&cloud)[1].0, 45);
    let denied = cloud
        .invoke(
            "fn",
            json!({
                "do": "call", "service": "apprunner", "target": "AppRunner.ListServices", "input": {},
            }),
        )
        .await
        .unwrap();
    assert!(denied.lines.concat().contains("AccessDenied"), "{:?}", denied.lines);
    assert_eq!(lock(cloud.world()).policies.denied()[0].action, "apprunner:ListServices");
}

#[tokio::test]
async fn a_disabled_schedule_sleeps_until_it_is_enabled() {
    let (cloud, _server, _folder) = cloud("schedule").await;
    cloud.advance(Duration::from_secs(600)).await.unwrap();
    assert_eq!(invocations(&cloud), []);
    {
        let mut world = lock(cloud.world());
        let now = world.now;
        assert!(world.bus.set_enabled("sweep", true, now));
    }
    cloud.advance(Duration::from_secs(600)).await.unwrap();
    assert_eq!(invocations(&cloud), [(900, "sweep".to_owned()), (1200, "sweep".to_owned())]);
}

/// A service that always has something due and never does it.
struct Restless;

impl Service for Restless {
    fn call(&mut self, _ctx: &mut Ctx<'_>, _call: &Call) -> Answer {
        Ok(json!({}))
    }

    fn needs(&self, _place: &Place, _call: &Call) -> Vec<Need> {
        Vec::new()
    }

    fn next_due(&self) -> Option<Timestamp> {
        EPOCH.parse().ok()
    }
}

#[tokio::test]
async fn a_clock_that_cannot_move_on_is_an_error_and_no_endless_loop() {
    let world = services::world(place(), EPOCH.parse().unwrap(), Switches::default()).with("restless", Restless);
    let stuck = Cloud::new(world).advance(Duration::from_secs(1)).await;
    assert_eq!(stuck, Err(Stuck::StillDue { at: EPOCH.parse().unwrap() }));
}

#[test]
fn a_missing_binary_is_named() {
    let mut world = services::world(place(), EPOCH.parse().unwrap(), Switches::default());
    let error = deploy(&mut world, &Keys::default(), &deployment(TEMPLATE, Path::new("/nowhere"), "x")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/bootstrap"), "{error}");
}

#[test]
fn the_projects_own_template_is_deployed_whole() {
    let template = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/template.yaml")).unwrap();
    let binaries = std::env::temp_dir().join(format!("pitcrew-deploy-{}", std::process::id()));
    std::fs::create_dir_all(&binaries).unwrap();
    for name in ["pitcrew-rollback", "pitcrew-domains", "pitcrew-certificates", "pitcrew-audit", "pitcrew-notify"] {
        std::fs::write(binaries.join(name), "").unwrap();
    }
    let mut world = services::world(place(), EPOCH.parse().unwrap(), Switches::default());
    let mut deployment = deployment(&template, &binaries, "http://127.0.0.1:1");
    deployment.inputs.parameters.insert("Autonomy".into(), "act".into());
    let stack = deploy(&mut world, &Keys::default(), &deployment).unwrap();
    std::fs::remove_dir_all(&binaries).unwrap();
    assert_eq!(stack.functions.len(), 5);
    assert_eq!(world.policies.denied(), [], "what Lambda needs to make the mappings is granted");
    let rollback = world.lambda.function("s-rollback").unwrap();
    assert_eq!(rollback.reserved_concurrency, Some(5));
    assert_eq!(rollback.environment["AWS_ENDPOINT_URL"], "http://127.0.0.1:1");
    let secret = &rollback.environment["PITCREW_FINGERPRINT_SECRET_ARN"];
    let value = world.internal("secretsmanager", "GetSecretValue", json!({"SecretId": secret})).unwrap();
    assert_eq!(value["SecretString"].as_str().unwrap().len(), 64);
    let event = json!({
        "source": "aws.apprunner", "detail-type": "AppRunner Service Operation Status Change", "account": "123456789012",
    });
    assert_eq!(world.bus.matching(&event), ["s-operation-status"]);
}
