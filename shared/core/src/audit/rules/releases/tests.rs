use std::sync::Arc;

use serde_json::{Value, json};

use super::super::super::facts::ImageFacts;
use super::super::super::samples::{ACCOUNT, REGION, days_ago, digest, fleet, image, look, operation, service};
use super::super::super::{Findings, Grade, ServiceFacts};
use crate::fact::Fact;
use crate::id::ImageRef;
use crate::ledger::BadDigest;
use crate::memory::Memory;
use crate::service::Source;

fn check(id: &str, change: impl FnOnce(&mut ServiceFacts)) -> Findings {
    let mut service = service("shop-api");
    change(&mut service);
    look(id, &fleet(), &service)
}

fn facts(service: &mut ServiceFacts) -> &mut ImageFacts {
    let Fact::Known(Some(image)) = &mut service.image else { panic!() };
    image
}

fn memory(service: &mut ServiceFacts) -> &mut Memory {
    let Fact::Known(memory) = &mut service.memory else { panic!() };
    memory
}

fn follow(service: &mut ServiceFacts, tag: &str, auto_deploy: Option<bool>) {
    service.source = Source::Image { image: image(tag), auto_deploy };
}

/// The newest image under `latest`, the older ones without a tag, as a repository of a moving tag looks.
fn moving_tag(service: &mut ServiceFacts) {
    follow(service, "latest", Some(true));
    let image = facts(service);
    image.mutable = true;
    image.images = [
        (digest(3), vec!["latest".to_owned()], days_ago(2)),
        (digest(2), vec![], days_ago(9)),
        (digest(1), vec![], days_ago(16)),
    ]
    .into();
}

fn lifecycle(service: &mut ServiceFacts, rules: Value) {
    facts(service).lifecycle = Some(json!({ "rules": rules }).to_string());
}

fn untagged_after(days: u32) -> Value {
    json!({ "rulePriority": 1, "action": { "type": "expire" }, "selection":
        { "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days } })
}

fn bad(service: &mut ServiceFacts) {
    let (operation, reason) = (operation(4, 1).id, "alarm shop-api-errors".to_owned());
    memory(service).ledger.bad.push(BadDigest { digest: digest(4), since: days_ago(1), operation, reason });
    facts(service).digest = Some(digest(4));
}

#[test]
fn a_tag_that_names_a_bad_release_is_found_and_moved_back_where_it_can_be_moved() {
    let id = "deployments-armed";
    let pinned = check(id, bad).found;
    assert!(pinned[0].seen.contains("alarm shop-api-errors"), "{}", pinned[0].seen);
    assert!(pinned[0].fix.command.as_ref().unwrap().contains(&format!("shop/api@{}", digest(3))));
    let moved = check(id, |service| {
        bad(service);
        facts(service).mutable = true;
    });
    let command = moved.found[0].fix.command.clone().unwrap();
    assert!(command.starts_with("aws ecr put-image --repository-name shop/api --image-tag v3 "), "{command}");
    assert!(command.contains(&format!("imageDigest={}", digest(3))), "{command}");
}

#[test]
fn a_bad_release_that_the_source_does_not_name_is_past() {
    let past = check("deployments-armed", |service| {
        bad(service);
        facts(service).digest = Some(digest(3));
    });
    assert_eq!(past.found, []);
}

#[test]
fn automatic_deployment_of_a_movable_tag_is_found_said_or_left_out() {
    let id = "deployments-movable-tag";
    let with = |mutable: bool, auto_deploy: Option<bool>| {
        check(id, |service| {
            follow(service, "latest", auto_deploy);
            facts(service).mutable = mutable;
        })
    };
    assert_eq!(with(true, Some(true)).found.len(), 1);
    assert_eq!(with(true, None).found.len(), 1, "on is the default");
    assert_eq!(with(true, Some(false)).found, []);
    assert_eq!(with(false, Some(true)).found, []);
}

#[test]
fn an_image_that_left_ecr_is_found_with_the_pin_that_deploys() {
    let id = "deployments-tag-gone";
    let gone = check(id, |service| facts(service).digest = None).found;
    assert_eq!(gone[0].seen, "ECR has no shop/api:v3.");
    assert!(gone[0].fix.command.as_ref().unwrap().contains(&digest(3).to_string()));
    let nothing_left = check(id, |service| {
        facts(service).digest = None;
        facts(service).gone = vec![digest(3)];
    });
    assert_eq!(nothing_left.found[0].fix.command, None, "a digest that is gone is no way out");
    let elsewhere = check(id, |service| {
        let image = ImageRef::parse("210987654321.dkr.ecr.eu-west-2.amazonaws.com/shop/api:v3").unwrap();
        service.source = Source::Image { image, auto_deploy: None };
        service.image = Fact::Known(None);
    });
    assert_eq!(elsewhere.found, []);
    assert_eq!(elsewhere.unchecked[0].why, "its image is of account 210987654321 in eu-west-2, which is not read");
}

#[test]
fn a_target_that_left_ecr_is_worse_where_no_other_is_left() {
    let id = "deployments-target-gone";
    let one = check(id, |service| facts(service).gone = vec![digest(2)]).found;
    assert_eq!(one[0].grade, Some(Grade::Medium));
    assert!(one[0].seen.contains("would go to 010101010101 instead"), "{}", one[0].seen);
    let both = check(id, |service| facts(service).gone = vec![digest(2), digest(1)]).found;
    assert_eq!(both[0].grade, None);
    let older = check(id, |service| facts(service).gone = vec![digest(1)]);
    assert_eq!(older.found, [], "the first choice is there");
}

#[test]
fn an_untagged_target_is_found_before_its_age_takes_it_and_so_is_the_release_that_the_next_push_untags() {
    let id = "deployments-target-expires";
    let with = |days: u32| {
        check(id, |service| {
            moving_tag(service);
            lifecycle(service, json!([untagged_after(days)]));
        })
    };
    // The target was pushed 9 days ago, what serves 2 days ago.
    let keys = |findings: &Findings| findings.found.iter().map(|found| found.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&with(30)), Vec::<String>::new());
    assert_eq!(keys(&with(16)), ["previous"]);
    assert_eq!(keys(&with(9)), ["previous", "current"]);
    assert!(with(9).found[0].seen.contains("is due by its age"), "{}", with(9).found[0].seen);
    assert!(with(16).found[0].seen.contains("2026-11-27T12:00:00Z"), "{}", with(16).found[0].seen);
}

#[test]
fn a_tag_that_stays_keeps_the_release_that_serves() {
    let found = check("deployments-target-expires", |service| {
        moving_tag(service);
        follow(service, "v3", Some(false));
        let images = Arc::get_mut(&mut facts(service).images).unwrap();
        images[0].1 = vec!["v3".to_owned(), "latest".to_owned()];
        images[1].1 = vec!["v2".to_owned()];
        facts(service).mutable = false;
        lifecycle(service, json!([untagged_after(1)]));
    });
    assert_eq!(found.found, []);
}

#[test]
fn a_target_that_the_next_pushes_push_out_is_found() {
    let with = |number: u32| {
        check("deployments-target-expires", |service| {
            let selection = json!({ "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": number });
            lifecycle(service, json!([{ "rulePriority": 1, "action": { "type": "expire" }, "selection": selection }]));
        })
    };
    // One image is younger than the target, none than what serves.
    assert_eq!(with(7).found, []);
    assert!(with(6).found[0].seen.contains("the 5. push"), "{}", with(6).found[0].seen);
    assert_eq!(with(6).found.len(), 1);
    assert_eq!(with(5).found.len(), 2);
}

#[test]
fn a_lifecycle_policy_that_cannot_be_evaluated_is_not_checked_and_none_at_all_keeps_everything() {
    let id = "deployments-target-expires";
    let odd = check(id, |service| facts(service).lifecycle = Some("{\"rules\": 7}".to_owned()));
    assert_eq!(odd.found, []);
    assert!(odd.unchecked[0].why.contains("lifecycle policy"), "{}", odd.unchecked[0].why);
    let none = check(id, |service| facts(service).lifecycle = None);
    assert_eq!((none.found, none.unchecked), (vec![], vec![]));
}

#[test]
fn a_movable_tag_that_nothing_deploys_by_itself_is_not_looked_at() {
    let id = "deployments-movable-tag";
    for (registry, auto_deploy, expected) in [
        (format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"), Some(false), (0, 0)),
        (format!("210987654321.dkr.ecr.{REGION}.amazonaws.com"), None, (0, 0)),
        (format!("210987654321.dkr.ecr.{REGION}.amazonaws.com"), Some(true), (0, 1)),
    ] {
        let image = ImageRef::parse(&format!("{registry}/shop/api:v3")).unwrap();
        let findings = check(id, |service| {
            (service.source, service.image) = (Source::Image { image, auto_deploy }, Fact::Known(None));
        });
        assert_eq!((findings.found.len(), findings.unchecked.len()), expected, "{registry} {auto_deploy:?}");
    }
}

#[test]
fn automatic_deployment_is_found_where_app_runner_has_none() {
    let id = "deployments-automatic-elsewhere";
    let from = |image: String, auto_deploy: Option<bool>| {
        let image = ImageRef::parse(&image).unwrap();
        check(id, |service| service.source = Source::Image { image, auto_deploy }).found.len()
    };
    let public = || "public.ecr.aws/shop/api:1".to_owned();
    assert_eq!(from(public(), Some(true)), 1);
    assert_eq!(from(public(), None), 0, "off is the default there");
    assert_eq!(from(format!("210987654321.dkr.ecr.{REGION}.amazonaws.com/shop/api:1"), Some(true)), 1);
    assert_eq!(from(format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/shop/api:1"), Some(true)), 0);
}

#[test]
fn what_could_not_be_read_is_not_checked() {
    let why = || "AccessDenied: DescribeImages".to_owned();
    for id in [
        "deployments-armed",
        "deployments-movable-tag",
        "deployments-tag-gone",
        "deployments-target-gone",
        "deployments-target-expires",
    ] {
        let on = || Source::Image { image: image("v3"), auto_deploy: Some(true) };
        let findings = check(id, |service| (service.source, service.image) = (on(), Fact::Unavailable(why())));
        assert_eq!((findings.found.len(), findings.unchecked[0].why.clone()), (0, why()), "{id}");
    }
    for id in ["deployments-armed", "deployments-target-gone", "deployments-target-expires"] {
        let findings = check(id, |service| service.memory = Fact::Unavailable(why()));
        assert_eq!((findings.found.len(), findings.unchecked.len()), (0, 1), "{id}");
    }
}
