//! What the statements of `infra/template.yaml` and `infra/zone-role.yaml` on hosted zones come to, by the evaluator that the
//! local cloud holds every call against. `tests/template` checks how they are written; here they are asked.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Inputs, interpret};
use crate::call::{Caller, Need};
use crate::lambda::trial::place;
use crate::policy::Policies;

const TEMPLATE: &str = include_str!("../../../../infra/template.yaml");
const ZONE_ROLE: &str = include_str!("../../../../infra/zone-role.yaml");
const WRITERS: [&str; 2] = ["DomainsRole", "CertificatesRole"];
const CHANGE: &str = "route53:ChangeResourceRecordSets";
const ACTIONS: &str = "route53:ChangeResourceRecordSetsActions";
const TYPES: &str = "route53:ChangeResourceRecordSetsRecordTypes";
const OURS: &str = "arn:aws:route53:::hostedzone/Z0000000000000000001";
const ANOTHER: &str = "arn:aws:route53:::hostedzone/Z0000000000000000002";
const ENTERED: &str = "arn:aws:iam::210987654321:role/pitcrew-zones-eu-west-1";

/// One role under these parameters, with the text of a template changed first where a test breaks it.
struct Role {
    policies: Policies,
    caller: Caller,
}

impl Role {
    fn of(template: &str, id: &str, given: &[(&str, &str)]) -> Self {
        let parameters: BTreeMap<String, String> =
            given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let inputs = Inputs { stack_name: "pitcrew".into(), place: place(), parameters, physical: BTreeMap::new() };
        let role = interpret(template, &inputs).unwrap().roles.into_iter().find(|role| role.logical_id == id).unwrap();
        let mut policies = Policies::default();
        let documents: Vec<(String, Value)> = role.policies.into_iter().collect();
        for (name, document) in documents {
            policies.set(&role.arn, &name, vec![document]).unwrap();
        }
        Self { policies, caller: Caller::Role { role_arn: role.arn, actor: id.to_owned() } }
    }

    /// Of pitcrew's own stack.
    fn own(id: &str, given: &[(&str, &str)]) -> Self {
        Self::of(TEMPLATE, id, &[&[("Autonomy", "act")], given].concat())
    }

    /// Of the account that holds the zones.
    fn of_zones(given: &[(&str, &str)]) -> Self {
        let always =
            [("PitcrewAccountId", "123456789012"), ("StackRegion", "eu-west-1"), ("ExternalId", "a-long-word")];
        Self::of(ZONE_ROLE, "ZoneRole", &[&always, given].concat())
    }

    /// Every role that writes records, by its name.
    fn writers(given: &[(&str, &str)]) -> Vec<(&'static str, Self)> {
        let own = WRITERS.map(|id| (id, Self::own(id, given)));
        own.into_iter().chain([("ZoneRole", Self::of_zones(given))]).collect()
    }

    fn may(&mut self, action: &str, resource: &str, conditions: &[(&str, &[&str])]) -> bool {
        let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let conditions = conditions.iter().map(|(key, values)| ((*key).to_owned(), texts(values))).collect();
        self.policies.check(&self.caller, &[Need { conditions, ..Need::new(action, resource) }]).is_ok()
    }

    fn change(&mut self, zone: &str, actions: &[&str], types: &[&str]) -> bool {
        self.may(CHANGE, zone, &[(ACTIONS, actions), (TYPES, types)])
    }
}

/// A batch of a change request: its actions, its types, and whether it passes without and with `RemoveRecords`.
const BATCHES: [(&[&str], &[&str], bool, bool); 12] = [
    (&["CREATE"], &["CNAME"], true, true),
    (&["CREATE"], &["A"], true, true),
    (&["CREATE"], &["A", "CNAME"], true, true),
    (&["DELETE"], &["CNAME"], false, true),
    (&["CREATE", "DELETE"], &["A", "CNAME"], false, true),
    (&["UPSERT"], &["CNAME"], false, false),
    (&["CREATE", "UPSERT"], &["CNAME"], false, false),
    (&["CREATE", "DELETE", "UPSERT"], &["A"], false, false),
    (&["CREATE"], &["MX"], false, false),
    (&["CREATE"], &["CNAME", "TXT"], false, false),
    (&["DELETE"], &["NS"], false, false),
    (&["CREATE", "DELETE"], &["A", "SOA"], false, false),
];

#[test]
fn only_creating_passes_and_deleting_where_the_owner_chose_it() {
    for (remove, removes) in [("false", false), ("true", true)] {
        for (id, mut role) in Role::writers(&[("HostedZoneArns", OURS), ("RemoveRecords", remove)]) {
            for (actions, types, without, with) in BATCHES {
                let wanted = if removes { with } else { without };
                let passes = role.change(OURS, actions, types);
                assert_eq!(passes, wanted, "{id}, RemoveRecords {remove}: {actions:?} {types:?}");
                assert!(!role.change(ANOTHER, actions, types), "{id}: a zone that nobody chose: {actions:?} {types:?}");
            }
        }
    }
}

#[test]
fn a_change_whose_actions_or_types_are_not_told_is_refused() {
    for remove in ["false", "true"] {
        for (id, mut role) in Role::writers(&[("RemoveRecords", remove)]) {
            for conditions in [
                &[][..],
                &[(ACTIONS, &["CREATE"][..])],
                &[(TYPES, &["CNAME"][..])],
                &[(ACTIONS, &["CREATE"][..]), (TYPES, &[][..])],
            ] {
                assert!(!role.may(CHANGE, OURS, conditions), "{id}, RemoveRecords {remove}: {conditions:?}");
            }
        }
    }
}

/// What a later edit might add: every change to every zone, to each role that sees zones (the audit's is no writer).
const GENEROUS: &str = r#"
              - { Sid: Generous, Effect: Allow, Action: "route53:*", Resource: "*" }
              - Sid: ListZones
"#;

#[test]
fn even_a_role_that_is_granted_everything_overwrites_nothing() {
    let (template, zone_role) = (
        TEMPLATE.replace("\n              - Sid: ListZones\n", GENEROUS),
        ZONE_ROLE.replace("\n              - Sid: ListZones\n", GENEROUS),
    );
    assert!(template.matches("Generous").count() == 3 && zone_role.matches("Generous").count() == 1);
    let always = [("PitcrewAccountId", "123456789012"), ("StackRegion", "eu-west-1"), ("ExternalId", "a-long-word")];
    for (remove, removes) in [("false", false), ("true", true)] {
        let chosen = ("RemoveRecords", remove);
        let own = WRITERS.map(|id| Role::of(&template, id, &[("Autonomy", "act"), chosen]));
        let there = Role::of(&zone_role, "ZoneRole", &[&always[..], &[chosen]].concat());
        for mut role in own.into_iter().chain([there]) {
            assert!(role.change(ANOTHER, &["CREATE"], &["CNAME"]), "the grant is what it says");
            assert_eq!(role.change(OURS, &["CREATE", "DELETE"], &["A"]), removes);
            assert!(!role.change(OURS, &["CREATE", "UPSERT"], &["CNAME"]));
            assert!(!role.change(OURS, &["CREATE"], &["CNAME", "NS"]));
            for action in ["route53:DeleteHostedZone", "route53:CreateHostedZone", "route53:AssociateVPCWithHostedZone"]
            {
                assert!(!role.may(action, OURS, &[]), "{action}");
            }
        }
    }
}

#[test]
fn every_zone_is_read_so_that_a_zone_that_was_not_chosen_can_be_named() {
    for (id, mut role) in Role::writers(&[("HostedZoneArns", &format!("{OURS}, {OURS}A"))]) {
        for action in ["route53:GetHostedZone", "route53:ListResourceRecordSets"] {
            assert!(role.may(action, OURS, &[]) && role.may(action, ANOTHER, &[]), "{id}: {action}");
        }
        assert!(role.may("route53:ListHostedZones", "*", &[]), "{id}");
        assert!(role.may("route53:GetChange", "arn:aws:route53:::change/C0000000001", &[]), "{id}");
    }
}

#[test]
fn other_accounts_are_entered_by_the_roles_given_and_no_other() {
    let stranger = "arn:aws:iam::210987654321:role/admin";
    for id in WRITERS {
        let mut alone = Role::own(id, &[]);
        assert!(!alone.may("sts:AssumeRole", ENTERED, &[]) && !alone.may("sts:AssumeRole", stranger, &[]), "{id}");
        let mut role = Role::own(id, &[("ZoneRoleArns", ENTERED)]);
        assert!(role.may("sts:AssumeRole", ENTERED, &[]), "{id}");
        assert!(!role.may("sts:AssumeRole", stranger, &[]), "{id}");
        assert!(role.policies.denied()[0].explicit, "{id}: a later Allow would not help");
    }
}

#[test]
fn a_held_service_keeps_its_domains() {
    let service = "arn:aws:apprunner:eu-west-1:123456789012:service/shop-api/8f3c1d0e5b7a4c2f9e6d1a0b3c4d5e6f";
    let mut role = Role::own("CertificatesRole", &[]);
    let (relink, hold): (Key, Key) =
        (("aws:ResourceTag/pitcrew:relink", &["true"]), ("aws:ResourceTag/pitcrew:hold", &["true"]));
    for action in ["apprunner:AssociateCustomDomain", "apprunner:DisassociateCustomDomain"] {
        assert!(role.may(action, service, &[relink]), "{action}");
        assert!(!role.may(action, service, &[relink, hold]), "{action}");
        assert!(!Role::own("DomainsRole", &[]).may(action, service, &[]), "{action} is not the domains function's");
    }
}

/// A condition key and its values.
type Key = (&'static str, &'static [&'static str]);

#[test]
fn a_domain_is_unlinked_only_where_its_service_says_so() {
    let service = "arn:aws:apprunner:eu-west-1:123456789012:service/shop-api/8f3c1d0e5b7a4c2f9e6d1a0b3c4d5e6f";
    let (unlink, link) = ("apprunner:DisassociateCustomDomain", "apprunner:AssociateCustomDomain");
    let mut role = Role::own("CertificatesRole", &[]);
    let others: [&[Key]; 3] =
        [&[], &[("aws:ResourceTag/pitcrew:relink", &["false"])], &[("aws:ResourceTag/pitcrew:domains", &["true"])]];
    for tags in others {
        assert!(!role.may(unlink, service, tags), "{tags:?}");
        assert!(role.may(link, service, tags), "a domain that was unlinked is linked again: {tags:?}");
    }
    assert!(role.may(unlink, service, &[("aws:ResourceTag/pitcrew:relink", &["true"])]));
}

/// The table's ARN, whose name CloudFormation makes up: as a statement of the template names it.
fn table() -> String {
    let parameters = BTreeMap::from([("Autonomy".to_owned(), "act".to_owned())]);
    let inputs = Inputs { stack_name: "pitcrew".into(), place: place(), parameters, physical: BTreeMap::new() };
    let role =
        interpret(TEMPLATE, &inputs).unwrap().roles.into_iter().find(|role| role.logical_id == WRITERS[0]).unwrap();
    let documents: Vec<Value> = role.policies.into_values().collect();
    let mut statements = documents.iter().flat_map(|document| document["Statement"].as_array().unwrap());
    statements.find(|statement| statement["Sid"] == "ReadState").unwrap()["Resource"].as_str().unwrap().to_owned()
}

#[test]
fn no_function_for_domains_begins_or_ends_a_pause() {
    let table = table();
    let table = table.as_str();
    let account: Key = ("dynamodb:LeadingKeys", &["ACCT#eu-west-1"]);
    let door: Key = ("dynamodb:LeadingKeys", &["DOOR#eu-west-1"]);
    for id in WRITERS {
        let mut role = Role::own(id, &[]);
        assert!(role.may("dynamodb:GetItem", table, &[account]), "{id} reads it");
        for action in ["dynamodb:PutItem", "dynamodb:DeleteItem"] {
            assert!(!role.may(action, table, &[account]), "{id}: {action}");
            assert!(role.may(action, table, &[door]), "{id}: {action}");
        }
        assert!(!role.may(
            "dynamodb:PutItem",
            table,
            &[("dynamodb:LeadingKeys", &["DOOR#eu-west-1", "ACCT#eu-west-1"])]
        ));
    }
}
