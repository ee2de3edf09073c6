//! Tests of what a function with a bucket and a daily schedule needs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::tests::inputs;
use super::*;
use crate::deploy::{Deployment, deploy};
use crate::gateway::Keys;
use crate::lambda::host::tests::stand_in;
use crate::lambda::trial::{EPOCH, place};
use crate::services;
use crate::switches::Switches;
use crate::world::World;

const STORE: &str = r#"
Resources:
  Reports:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      BucketName: !Sub "${AWS::StackName}-reports-${AWS::AccountId}"
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - BucketKeyEnabled: true
            ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: "arn:aws:kms:eu-west-1:123456789012:key/1" }
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true }
      VersioningConfiguration: { Status: Enabled }
      OwnershipControls: { Rules: [{ ObjectOwnership: BucketOwnerEnforced }] }
      LifecycleConfiguration:
        Rules:
          - { Id: old, Status: Enabled, Prefix: reports/, ExpirationInDays: 90, NoncurrentVersionExpiration: { NoncurrentDays: 7 } }
          - { Id: parts, Status: Enabled, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }
  Unnamed:
    Type: AWS::S3::Bucket
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Reports
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - { Effect: Deny, Principal: "*", Action: "s3:*", Resource: !Sub "${Reports.Arn}/*", Condition: { Bool: { "aws:SecureTransport": "false" } } }
  Daily:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: cron(30 2 * * ? *)
      ScheduleExpressionTimezone: Europe/Berlin
      FlexibleTimeWindow: { Mode: "OFF" }
      Target: { Arn: "arn:aws:lambda:eu-west-1:123456789012:function:audit", RoleArn: "arn:aws:iam::123456789012:role/r" }
Outputs:
  Name: { Value: !Ref Reports }
  Arn: { Value: !GetAtt Reports.Arn }
  Domain: { Value: !GetAtt Reports.DomainName }
  Regional: { Value: !GetAtt Reports.RegionalDomainName }
  Unnamed: { Value: !Ref Unnamed }
"#;

#[test]
fn a_bucket_has_the_names_that_cloudformation_gives_it() {
    let stack = interpret(STORE, &inputs(&[])).unwrap();
    let name = "s-reports-123456789012";
    let shown = [
        ("Name", name.to_owned()),
        ("Arn", format!("arn:aws:s3:::{name}")),
        ("Domain", format!("{name}.s3.amazonaws.com")),
        ("Regional", format!("{name}.s3.eu-west-1.amazonaws.com")),
    ];
    for (output, wanted) in shown {
        assert_eq!(stack.outputs[output], wanted);
    }
    let made = &stack.outputs["Unnamed"];
    assert!(
        made.starts_with("s-unnamed-") && *made == made.to_lowercase(),
        "{made}: capitals are no part of a bucket's name"
    );
    assert_eq!((stack.buckets[0].name.as_str(), stack.bucket_policies[0].bucket.as_str()), (name, name));
    assert_eq!(stack.bucket_policies[0].document["Statement"][0]["Resource"], format!("arn:aws:s3:::{name}/*"));
}

#[test]
fn a_schedule_names_its_time_zone() {
    let stack = interpret(STORE, &inputs(&[])).unwrap();
    assert_eq!(
        (stack.schedules[0].expression.as_str(), stack.schedules[0].time_zone.as_str()),
        ("cron(30 2 * * ? *)", "Europe/Berlin")
    );
    let text = STORE.replace("      ScheduleExpressionTimezone: Europe/Berlin\n", "");
    assert_eq!(interpret(&text, &inputs(&[])).unwrap().schedules[0].time_zone, "UTC");
}

#[test]
fn a_bucket_that_s3_here_cannot_be_is_refused_with_its_path() {
    let bucket = "Resources.Reports.Properties";
    let rule = format!("{bucket}.LifecycleConfiguration.Rules[0]");
    let default = "ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault";
    let cases = [
        (
            "Status: Enabled }\n      Owner",
            "Status: On }\n      Owner",
            format!("{bucket}.VersioningConfiguration.Status"),
        ),
        (
            "SSEAlgorithm: \"aws:kms\"",
            "SSEAlgorithm: \"aws:kms:dsse\"",
            format!("{bucket}.BucketEncryption.{default}.SSEAlgorithm"),
        ),
        (
            "SSEAlgorithm: \"aws:kms\"",
            "SSEAlgorithm: AES256",
            format!("{bucket}.BucketEncryption.{default}.KMSMasterKeyID"),
        ),
        ("BucketOwnerEnforced", "ObjectWriter", format!("{bucket}.OwnershipControls.Rules[0].ObjectOwnership")),
        (
            "BlockPublicAcls: true",
            "BlockPublicAcls: maybe",
            format!("{bucket}.PublicAccessBlockConfiguration.BlockPublicAcls"),
        ),
        ("Status: Enabled, Prefix", "Status: On, Prefix", format!("{rule}.Status")),
        ("ExpirationInDays: 90", "ExpirationInDays: 0", format!("{rule}.ExpirationInDays")),
        (", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }", "", rule.replace("[0]", "[1]")),
        ("ExpirationInDays: 90", "TransitionInDays: 90", format!("{rule}.TransitionInDays")),
        (
            "      VersioningC",
            "      WebsiteConfiguration: { IndexDocument: a }\n      VersioningC",
            format!("{bucket}.WebsiteConfiguration"),
        ),
        ("Reports.DomainName", "Reports.WebsiteURL", "Outputs.Domain.Value".to_owned()),
    ];
    for (from, to, at) in cases {
        let text = STORE.replacen(from, to, 1);
        assert_ne!(text, STORE, "{from} is not in the template");
        let error = interpret(&text, &inputs(&[])).unwrap_err();
        assert_eq!(error.at, at, "{to}: {error}");
    }
}

#[test]
fn a_bucket_policy_that_would_change_who_may_do_what_is_refused() {
    for (from, to) in [
        ("Effect: Deny", "Effect: Allow"),
        (", Condition: { Bool: { \"aws:SecureTransport\": \"false\" } }", ""),
        ("\"false\" } }", "\"true\" } }"),
        ("\"false\" } }", "\"false\" }, StringEquals: { \"aws:PrincipalAccount\": \"1\" } }"),
    ] {
        let text = STORE.replace(from, to);
        assert_ne!(text, STORE, "{from} is not in the template");
        let error = interpret(&text, &inputs(&[])).unwrap_err();
        assert_eq!(error.at, "Resources.Policy.Properties.PolicyDocument.Statement[0]", "{to}: {error}");
        assert!(error.reason.contains("only a Deny of requests without TLS"), "{error}");
    }
    let flag = STORE.replace("\"aws:SecureTransport\": \"false\"", "\"aws:SecureTransport\": false");
    assert_eq!(interpret(&flag, &inputs(&[])).unwrap().bucket_policies.len(), 1);
}

#[test]
fn a_bucket_keeps_what_its_template_says_about_it() {
    let stack = interpret(STORE, &inputs(&[])).unwrap();
    let days = &stack.buckets[0].properties["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"];
    assert_eq!((days, &stack.buckets[1].properties), (&json!(90), &json!({})));
}

fn world() -> World {
    services::world(place(), EPOCH.parse().unwrap(), Switches::default())
}

fn deployment(template: &str, binaries: &std::path::Path) -> Deployment {
    Deployment {
        template: template.to_owned(),
        inputs: inputs(&[]),
        binaries: Some(binaries.to_owned()),
        environment: BTreeMap::new(),
        function_environment: BTreeMap::new(),
        left_out: BTreeSet::new(),
    }
}

#[test]
fn a_deployed_bucket_is_what_its_template_says() {
    let mut world = world();
    let nowhere = std::path::Path::new("/nowhere");
    let stack = deploy(&mut world, &Keys::default(), &deployment(STORE, nowhere)).unwrap();
    let at = json!({"Bucket": stack.buckets[0].name});
    let mut ask = |operation: &str, at: &Value| world.internal("s3", operation, at.clone()).unwrap();
    let rules = &ask("GetBucketEncryption", &at)["ServerSideEncryptionConfiguration"]["Rules"][0];
    assert_eq!(rules["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "aws:kms");
    assert_eq!(rules["BucketKeyEnabled"], true);
    assert_eq!(ask("GetBucketVersioning", &at)["Status"], "Enabled");
    let block = &ask("GetPublicAccessBlock", &at)["PublicAccessBlockConfiguration"];
    assert_eq!((&block["BlockPublicAcls"], &block["RestrictPublicBuckets"]), (&json!(true), &json!(false)));
    let plain = json!({"Bucket": stack.buckets[1].name});
    let block = &ask("GetPublicAccessBlock", &plain)["PublicAccessBlockConfiguration"];
    assert_eq!(block["RestrictPublicBuckets"], true, "a bucket of which nothing is said is closed");
    let next = world.bus.next_due().unwrap().to_string();
    assert!(next.ends_with("T01:30:00Z") || next.ends_with("T00:30:00Z"), "half past two in Berlin, not {next}");
}

#[test]
fn a_policy_for_a_bucket_of_another_stack_is_refused() {
    let text = STORE.replace("Bucket: !Ref Reports", "Bucket: elsewhere");
    let nowhere = std::path::Path::new("/nowhere");
    let error = deploy(&mut world(), &Keys::default(), &deployment(&text, nowhere)).unwrap_err();
    assert_eq!(error.to_string(), "Policy refers to `elsewhere`, which this stack does not make");
}

const WORKER: &str = r#"
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: bootstrap } }
    Properties:
      Handler: bootstrap
      Runtime: provided.al2023
      MemorySize: 512
      Timeout: 900
      ReservedConcurrentExecutions: 1
      Role: arn:aws:iam::123456789012:role/fn
  Wake: { Type: AWS::SQS::Queue, Properties: { QueueName: wake, VisibilityTimeout: 900 } }
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties: { FunctionName: !Ref Fn, Qualifier: $LATEST, MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 21600 }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: { FunctionName: !Ref Fn, EventSourceArn: !GetAtt Wake.Arn, BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } }
"#;

#[test]
fn a_function_of_a_quarter_of_an_hour_can_wake_itself() {
    let stack = interpret(WORKER, &inputs(&[])).unwrap();
    let function = &stack.functions[0];
    assert_eq!((function.memory_mb, function.timeout_secs, function.reserved_concurrency), (512, 900, Some(1)));
    assert_eq!((stack.invoke_configs[0].retries_max, stack.mappings[0].concurrency_max), (0, Some(2)));
    let folder = stand_in("worker").0;
    deploy(&mut world(), &Keys::default(), &deployment(WORKER, &folder.0)).unwrap();
    for (text, visibility) in [("VisibilityTimeout: 899", 899), ("DelaySeconds: 0", 30)] {
        let text = WORKER.replace("VisibilityTimeout: 900", text);
        let error = deploy(&mut world(), &Keys::default(), &deployment(&text, &folder.0)).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("Mapping: the queue's VisibilityTimeout of {visibility} s is less")),
            "{error}"
        );
    }
}

#[test]
fn what_lambda_would_refuse_is_refused_with_its_path() {
    for (from, to, at) in [
        ("Timeout: 900\n", "Timeout: 901\n", "Resources.Fn.Properties.Timeout"),
        ("MemorySize: 512", "MemorySize: 64", "Resources.Fn.Properties.MemorySize"),
        (
            "MaximumConcurrency: 2",
            "MaximumConcurrency: 1",
            "Resources.Mapping.Properties.ScalingConfig.MaximumConcurrency",
        ),
    ] {
        let text = WORKER.replacen(from, to, 1);
        assert_ne!(text, WORKER, "{from} is not in the template");
        let error = interpret(&text, &inputs(&[])).unwrap_err();
        assert_eq!(error.at, at, "{error}");
        assert!(error.reason.contains("is outside"), "{error}");
    }
}
