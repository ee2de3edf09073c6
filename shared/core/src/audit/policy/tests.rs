use proptest::prelude::*;
use serde_json::json;

use super::*;

fn role(documents: &[Value]) -> RoleFacts {
    let policy = |(i, document): (usize, &Value)| PolicyDocument { name: format!("p{i}"), document: document.clone() };
    RoleFacts {
        arn: "arn:aws:iam::123456789012:role/web".to_owned(),
        trust: json!({}),
        policies: documents.iter().enumerate().map(policy).collect(),
        boundary: None,
    }
}

fn one(effect: &str, action: Value, resource: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": { "Effect": effect, "Action": action, "Resource": resource } })
}

fn bound(effect: &str, action: &str) -> Value {
    let condition = json!({ "StringEquals": { "aws:RequestedRegion": "eu-west-1" } });
    json!({ "Statement": [{ "Effect": effect, "Action": action, "Resource": "*", "Condition": condition }] })
}

#[test]
fn a_role_without_policies_may_nothing() {
    assert_eq!(allows(&role(&[]), "s3:GetObject"), Permit::No);
}

#[test]
fn what_policies_say_of_an_action() {
    let narrow = json!("arn:aws:s3:::bucket/*");
    let not = |effect: &str, actions: Value| json!({ "Statement": [{ "Effect": effect, "NotAction": actions, "Resource": "*" }] });
    let cases = [
        ("exact", vec![one("Allow", json!("s3:GetObject"), json!("*"))], Permit::Yes),
        ("without case", vec![one("Allow", json!("S3:getobject"), json!("*"))], Permit::Yes),
        ("a star", vec![one("Allow", json!(["ec2:*", "s3:Get*"]), json!("*"))], Permit::Yes),
        ("a question mark", vec![one("Allow", json!("s3:GetObjec?"), json!("*"))], Permit::Yes),
        ("another", vec![one("Allow", json!("s3:PutObject"), json!("*"))], Permit::No),
        ("a narrow resource", vec![one("Allow", json!("s3:*"), narrow.clone())], Permit::Yes),
        ("all but others", vec![not("Allow", json!("iam:*"))], Permit::Yes),
        ("all but this", vec![not("Allow", json!(["s3:*"]))], Permit::No),
        ("a condition", vec![bound("Allow", "s3:*")], Permit::Unsure),
        (
            "a condition beside a plain one",
            vec![bound("Allow", "s3:*"), one("Allow", json!("s3:*"), json!("*"))],
            Permit::Yes,
        ),
        ("denied", vec![one("Allow", json!("*"), json!("*")), one("Deny", json!("s3:Get*"), json!("*"))], Permit::No),
        (
            "denied first",
            vec![one("Deny", json!("s3:*"), json!("*")), one("Allow", json!("*"), json!("*"))],
            Permit::No,
        ),
        (
            "something else denied",
            vec![one("Allow", json!("*"), json!("*")), one("Deny", json!("ec2:*"), json!("*"))],
            Permit::Yes,
        ),
        ("denied under a condition", vec![one("Allow", json!("*"), json!("*")), bound("Deny", "s3:*")], Permit::Unsure),
        (
            "a part denied of all",
            vec![one("Allow", json!("*"), json!("*")), one("Deny", json!("s3:*"), narrow.clone())],
            Permit::Yes,
        ),
        (
            "a part denied of a part",
            vec![one("Allow", json!("s3:*"), narrow.clone()), one("Deny", json!("s3:*"), narrow)],
            Permit::Unsure,
        ),
        ("denied but for others", vec![one("Allow", json!("*"), json!("*")), not("Deny", json!("iam:*"))], Permit::No),
        ("not a document", vec![json!("{}")], Permit::Unsure),
        ("not a document beside one", vec![json!(null), one("Allow", json!("s3:*"), json!("*"))], Permit::Unsure),
        ("no effect", vec![json!({ "Statement": [{ "Action": "s3:*", "Resource": "*" }] })], Permit::Unsure),
    ];
    for (what, documents, expected) in cases {
        assert_eq!(allows(&role(&documents), "s3:GetObject"), expected, "{what}");
    }
}

#[test]
fn a_boundary_makes_a_yes_unsure_and_leaves_a_no() {
    let mut with = role(&[one("Allow", json!("s3:*"), json!("*"))]);
    with.boundary = Some("arn:aws:iam::123456789012:policy/edge".to_owned());
    assert_eq!(allows(&with, "s3:GetObject"), Permit::Unsure);
    assert_eq!(allows(&with, "ec2:RunInstances"), Permit::No);
}

#[test]
fn who_can_do_everything() {
    let all = |actions: Value| one("Allow", actions, json!("*"));
    let not_iam =
        json!({ "Statement": [{ "Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*" }] });
    let not_s3 = json!({ "Statement": [{ "Effect": "Allow", "NotAction": "s3:*", "Resource": "*" }] });
    let cases = [
        ("everything", vec![one("Allow", json!("s3:*"), json!("*")), all(json!("*"))], Some("p1")),
        ("everything in two words", vec![all(json!(["*:*"]))], Some("p0")),
        ("iam", vec![all(json!("iam:*"))], Some("p0")),
        ("gives itself more", vec![all(json!(["logs:*", "iam:AttachRolePolicy"]))], Some("p0")),
        ("all but s3", vec![not_s3], Some("p0")),
        ("passes and runs", vec![all(json!("lambda:*")), all(json!("iam:PassRole"))], Some("p1")),
        ("passes only", vec![all(json!("iam:PassRole"))], None),
        ("runs only", vec![all(json!("ec2:*"))], None),
        ("a power user", vec![not_iam], None),
        ("all of one bucket", vec![one("Allow", json!("*"), json!("arn:aws:s3:::b/*"))], None),
        ("everything denied", vec![all(json!("*")), one("Deny", json!("*"), json!("*"))], None),
        ("iam but denied", vec![all(json!("iam:*")), one("Deny", json!("iam:*"), json!("*"))], None),
        ("under a condition", vec![bound("Allow", "*")], None),
        ("reads", vec![all(json!(["s3:Get*", "iam:Get*", "iam:List*"]))], None),
    ];
    for (what, documents, expected) in cases {
        assert_eq!(administers(&role(&documents)).as_deref(), expected, "{what}");
    }
    let mut bounded = role(&[all(json!("*"))]);
    bounded.boundary = Some("edge".to_owned());
    assert_eq!(administers(&bounded), None);
    assert_eq!(grants_everything(&bounded).as_deref(), Some("p0"));
}

#[test]
fn who_is_trusted() {
    let trust = |statement: Value| RoleFacts { trust: json!({ "Statement": [statement] }), ..role(&[]) };
    let service =
        |service: Value| json!({ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" });
    let tasks = "tasks.apprunner.amazonaws.com";
    assert!(trusts(&trust(service(json!(tasks))), tasks));
    assert!(trusts(&trust(service(json!(["ecs-tasks.amazonaws.com", tasks]))), tasks));
    assert!(!trusts(&trust(service(json!("build.apprunner.amazonaws.com"))), tasks));
    assert!(!trusts(&role(&[]), tasks));
    let reads = json!({ "Effect": "Allow", "Principal": { "Service": tasks }, "Action": "sts:TagSession" });
    assert!(!trusts(&trust(reads), tasks));
    let sure = json!({ "Effect": "Allow", "Principal": { "Service": tasks }, "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "aws:SourceAccount": "123456789012" } } });
    assert!(trusts(&trust(sure), tasks));
    let both = RoleFacts {
        trust: json!({ "Statement": [service(json!(tasks)),
            { "Effect": "Deny", "Principal": { "Service": tasks }, "Action": "sts:*" }] }),
        ..role(&[])
    };
    assert!(!trusts(&both, tasks));
    let many = json!({ "Effect": "Allow", "Principal": { "Service": tasks, "AWS": ["arn:aws:iam::210987654321:root"] },
        "Action": ["sts:AssumeRole"] });
    assert_eq!(principals(&trust(many)), ["arn:aws:iam::210987654321:root", tasks]);
    let anybody = json!({ "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole" });
    assert_eq!(principals(&trust(anybody)), ["*"]);
}

#[test]
fn what_is_granted_is_listed_as_it_is_written() {
    let all_but = json!({ "Statement": { "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" } });
    let read = one("Allow", json!(["ecr:Get*", "ecr:BatchGetImage"]), json!("*"));
    let denied = one("Deny", json!("s3:*"), json!("*"));
    assert_eq!(granted(&role(&[read.clone(), denied])).unwrap(), ["ecr:BatchGetImage", "ecr:Get*"]);
    assert_eq!(granted(&role(&[all_but])).unwrap(), ["*"]);
    assert_eq!(granted(&role(&[read, json!(null)])), None);
}

proptest! {
    /// A star takes anything, and what is written out matches itself.
    #[test]
    fn patterns_match_as_policies_do(name in "[a-z]{1,6}:[A-Za-z]{1,12}", cut in 0_usize..16) {
        let start: String = name.chars().take(cut).collect();
        let prefix = format!("{start}*");
        let with_a_tail = format!("{name}x");
        prop_assert!(matches(&name, &name));
        prop_assert!(matches("*", &name));
        prop_assert!(matches(&prefix, &name));
        prop_assert!(!matches(&with_a_tail, &name));
    }

    /// Whatever stands in a document, there is an answer, and a denial of everything is a no.
    #[test]
    fn a_denial_of_everything_is_always_a_no(text in "\\PC{0,20}") {
        let odd = json!({ "Statement": [{ "Effect": text.clone(), "Action": text.clone(), "Resource": text }] });
        let deny = one("Deny", json!("*"), json!("*"));
        prop_assert_eq!(allows(&role(&[odd, deny]), "s3:GetObject"), Permit::No);
    }
}
