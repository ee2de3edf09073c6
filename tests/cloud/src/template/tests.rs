use serde_json::json;

use super::*;
use crate::lambda::trial::place;

const SMALL: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Mode: { Type: String, AllowedValues: [a, b] }
  Minutes: { Type: Number, Default: 5, MinValue: 1, MaxValue: 60 }
  Host: { Type: String, Default: x.example, AllowedPattern: "[a-z.]+", MinLength: 3 }
Conditions:
  IsA: !Equals [!Ref Mode, a]
  IsNotA: !Not [!Condition IsA]
  Both: !And [!Condition IsA, !Equals [1, "1"]]
Resources:
  Fn:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: my-binary } }
    Properties:
      FunctionName: !Sub "${AWS::StackName}-fn"
      Handler: bootstrap
      Runtime: provided.al2023
      Role: !GetAtt Role.Arn
      ReservedConcurrentExecutions: !If [Both, 5, !Ref AWS::NoValue]
      Environment:
        Variables:
          MINUTES: !Ref Minutes
          QUEUE: !Ref Queue
          HOST: !Join ["/", [!Select [0, !Split [".", !Ref Host]], !Sub ["${Part}-${AWS::Region}-${!Kept}", { Part: !Ref Mode }]]]
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: { Version: "2012-10-17" }
      Policies:
        - PolicyName: p
          PolicyDocument:
            Statement:
              - { Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn }
              - !If [IsNotA, { Effect: Deny, Action: "*", Resource: "*" }, !Ref AWS::NoValue]
  Queue:
    Type: AWS::SQS::Queue
    Properties: { QueueName: !Sub "${AWS::StackName}-q", VisibilityTimeout: 30 }
  OnlyB:
    Type: AWS::SNS::Topic
    Condition: IsNotA
Outputs:
  QueueUrl: { Value: { Ref: Queue } }
"#;

pub(super) fn inputs(parameters: &[(&str, &str)]) -> Inputs {
    Inputs {
        stack_name: "s".into(),
        place: place(),
        parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        physical: BTreeMap::new(),
    }
}

#[test]
fn references_conditions_and_functions_are_resolved() {
    let stack = interpret(SMALL, &inputs(&[("Mode", "a")])).unwrap();
    let function = &stack.functions[0];
    assert_eq!((function.name.as_str(), function.binary.as_str()), ("s-fn", "my-binary"));
    assert_eq!(function.arn, "arn:aws:lambda:eu-west-1:123456789012:function:s-fn");
    assert_eq!(function.role_arn, stack.roles[0].arn);
    assert_eq!(function.reserved_concurrency, Some(5));
    assert_eq!(
        json!(function.environment),
        json!({
            "MINUTES": "5", "QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/s-q", "HOST": "x/a-eu-west-1-${Kept}",
        })
    );
    let statements = &stack.roles[0].policies["p"]["Statement"];
    assert_eq!(statements.as_array().unwrap().len(), 1, "AWS::NoValue takes the statement away");
    assert_eq!(statements[0]["Resource"], "arn:aws:sqs:eu-west-1:123456789012:s-q");
    assert_eq!(stack.queues[0].attributes, BTreeMap::from([("VisibilityTimeout".to_owned(), "30".to_owned())]));
    assert!(stack.topics.is_empty());
    assert_eq!(stack.outputs["QueueUrl"], function.environment["QUEUE"]);
}

#[test]
fn the_other_side_of_a_condition_is_taken_too() {
    let stack = interpret(SMALL, &inputs(&[("Mode", "b")])).unwrap();
    assert_eq!(stack.functions[0].reserved_concurrency, None);
    assert_eq!(stack.roles[0].policies["p"]["Statement"].as_array().unwrap().len(), 2);
    assert_eq!(stack.topics.len(), 1);
}

#[test]
fn what_aws_chose_wins_over_what_was_foreseen() {
    let mut inputs = inputs(&[("Mode", "a")]);
    inputs.physical.insert("Queue".into(), "http://127.0.0.1/q".into());
    let stack = interpret(SMALL, &inputs).unwrap();
    assert_eq!(stack.functions[0].environment["QUEUE"], "http://127.0.0.1/q");
}

#[test]
fn parameters_are_checked_as_the_template_says() {
    type Given<'g> = &'g [(&'g str, &'g str)];
    let cases: [(Given<'_>, &str, &str); 7] = [
        (&[], "Parameters.Mode", "no default"),
        (&[("Mode", "c")], "Parameters.Mode", "not one of a, b"),
        (&[("Mode", "a"), ("Minutes", "61")], "Parameters.Minutes", "outside"),
        (&[("Mode", "a"), ("Minutes", "x")], "Parameters.Minutes", "no number"),
        (&[("Mode", "a"), ("Host", "UPPER")], "Parameters.Host", "does not match"),
        (&[("Mode", "a"), ("Host", "xy")], "Parameters.Host", "2 characters"),
        (&[("Mode", "a"), ("Typo", "x")], "Parameters.Typo", "no such parameter"),
    ];
    for (given, at, reason) in cases {
        let error = interpret(SMALL, &inputs(given)).unwrap_err();
        assert_eq!(error.at, at, "{error}");
        assert!(error.reason.contains(reason), "{error}");
    }
}

const LISTS: &str = r#"
Parameters:
  Zones: { Type: CommaDelimitedList, Default: "zone/*", AllowedPattern: "zone/([*]|[a-z]+)" }
  Roles: { Type: CommaDelimitedList, Default: "", AllowedPattern: "([a-z]+)?", MaxLength: 5 }
Conditions:
  HasRoles: !Not [!Equals [!Join ["", !Ref Roles], ""]]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Join ["+", !Ref Zones]
      AssumeRolePolicyDocument: { Version: "2012-10-17" }
      Policies:
        - PolicyName: p
          PolicyDocument:
            Statement:
              - { Effect: Allow, Action: "route53:GetHostedZone", Resource: !Ref Zones }
              - !If [HasRoles, { Effect: Allow, Action: "sts:AssumeRole", Resource: !Ref Roles }, !Ref AWS::NoValue]
"#;

#[test]
fn a_list_is_a_list_where_it_is_referred_to_and_a_text_where_it_is_joined() {
    let role = |given: &[(&str, &str)]| interpret(LISTS, &inputs(given)).unwrap().roles.remove(0);
    let usual = role(&[]);
    assert_eq!(usual.name, "zone/*");
    let reading = |zones: &[&str]| json!({"Effect": "Allow", "Action": "route53:GetHostedZone", "Resource": zones});
    assert_eq!(usual.policies["p"]["Statement"], json!([reading(&["zone/*"])]), "an empty list is no role");
    let given = role(&[("Zones", "zone/a, zone/b"), ("Roles", "x,y")]);
    assert_eq!(given.name, "zone/a+zone/b", "the blank is no part of a member");
    let entering = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ["x", "y"]});
    assert_eq!(given.policies["p"]["Statement"], json!([reading(&["zone/a", "zone/b"]), entering]));
}

#[test]
fn each_member_of_a_list_is_checked_and_not_their_text() {
    for (given, reason) in [
        (("Zones", "zone/a,other"), "`other` does not match"),
        (("Zones", "zone/a,,zone/b"), "`` does not match"),
        (("Zones", "zone/a zone/b"), "does not match"),
        (("Roles", "abc,abcdef"), "`abcdef` has 6 characters"),
    ] {
        let error = interpret(LISTS, &inputs(&[given])).unwrap_err();
        assert_eq!(error.at, format!("Parameters.{}", given.0), "{error}");
        assert!(error.reason.contains(reason), "{error}");
    }
    assert!(
        interpret(LISTS, &inputs(&[("Roles", "abc,abcde")])).is_ok(),
        "nine characters, but no member has more than five"
    );
}

#[test]
fn what_is_not_modelled_is_refused_with_its_path() {
    let cases = [
        ("VisibilityTimeout: 30", "VisibilityTimeuot: 30", "Resources.Queue.Properties.VisibilityTimeuot"),
        ("AWS::SQS::Queue", "AWS::Kinesis::Stream", "Resources.Queue.Type"),
        ("Type: AWS::SNS::Topic", "Type: AWS::SNS::Topic\n    Wish: 1", "Resources.OnlyB.Wish"),
        ("Handler: bootstrap", "Handler: !Base64 x", "Resources.Fn.Properties.Handler"),
        ("Outputs:", "Rules: {}\nOutputs:", "Rules"),
        ("!Ref Queue\n", "!Ref Qeueu\n", "Resources.Fn.Properties.Environment.Variables.QUEUE"),
        (
            "!GetAtt Queue.Arn",
            "!GetAtt Queue.Speed",
            "Resources.Role.Properties.Policies[0].PolicyDocument.Statement[0].Resource",
        ),
        (
            "!GetAtt Queue.Arn",
            "!GetAtt OnlyB.TopicArn",
            "Resources.Role.Properties.Policies[0].PolicyDocument.Statement[0].Resource",
        ),
        ("{ Version: \"2012-10-17\" }", "{ Version: !GetAtt Fn.Arn }", "Resources"),
        ("{ BuildProperties: { Binary: my-binary } }", "{}", "Resources.Fn.Metadata.BuildProperties.Binary"),
    ];
    for (from, to, at) in cases {
        let text = SMALL.replace(from, to);
        assert_ne!(text, SMALL, "{from} is not in the template");
        let error = interpret(&text, &inputs(&[("Mode", "a")])).unwrap_err();
        assert_eq!(error.at, at, "{to}: {error}");
    }
}
