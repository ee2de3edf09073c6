//! Custom domains from the association to their end (facts/app-runner.md, section 3).

use serde_json::{Value, json};

use super::Cloud;

pub(super) fn domains(cloud: &mut Cloud, arn: &str) -> Vec<Value> {
    let answer = cloud.ok("DescribeCustomDomains", json!({ "ServiceArn": arn }));
    answer["CustomDomains"].as_array().unwrap().clone()
}

pub(super) fn associate(cloud: &mut Cloud, arn: &str, domain: &str) -> Value {
    cloud.ok("AssociateCustomDomain", json!({ "ServiceArn": arn, "DomainName": domain }))
}

#[test]
fn records_appear_some_seconds_after_the_association() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let answer = associate(&mut cloud, &arn, "a.shop.dev");
    let wanted = json!({
        "DomainName": "a.shop.dev", "EnableWWWSubdomain": true, "CertificateValidationRecords": [], "Status": "creating",
    });
    assert_eq!(answer["CustomDomain"], wanted);
    let service = cloud.describe(&arn);
    assert_eq!(answer["DNSTarget"], service["ServiceUrl"]);
    assert_eq!((&answer["ServiceArn"], &answer["VpcDNSTargets"]), (&json!(arn), &json!([])));
    cloud.pass(5);
    assert_eq!(domains(&mut cloud, &arn)[0]["Status"], "creating");
    cloud.pass(5);
    let domain = domains(&mut cloud, &arn).remove(0);
    assert_eq!(domain["Status"], "pending_certificate_dns_validation");
    let records = domain["CertificateValidationRecords"].as_array().unwrap();
    assert_eq!(records.len(), 3, "with www there are three");
    let name = |n: usize| records[n]["Name"].as_str().unwrap();
    assert!(name(0).starts_with('_') && name(0).ends_with(".a.shop.dev."));
    assert!(name(1).ends_with(".www.a.shop.dev."));
    assert!(name(2).contains(".2a57j7"));
    for record in records {
        assert_eq!((&record["Type"], &record["Status"]), (&json!("CNAME"), &json!("PENDING_VALIDATION")));
        assert!(record["Value"].as_str().unwrap().ends_with(".acm-validations.aws."));
    }
    assert!(!cloud.jump(), "only ACM can go on from here");
}

#[test]
fn without_www_there_are_two_records_and_a_wildcard_never_has_it() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    cloud.ok(
        "AssociateCustomDomain",
        json!({ "ServiceArn": arn, "DomainName": "b.shop.dev", "EnableWWWSubdomain": false }),
    );
    let wildcard = associate(&mut cloud, &arn, "*.shop.dev");
    assert_eq!(wildcard["CustomDomain"]["EnableWWWSubdomain"], false);
    cloud.settle();
    for domain in domains(&mut cloud, &arn) {
        let records = domain["CertificateValidationRecords"].as_array().unwrap();
        assert_eq!(records.len(), 2);
        assert!(records.iter().all(|record| !record["Name"].as_str().unwrap().contains('*')));
    }
    let with_www = json!({ "ServiceArn": arn, "DomainName": "*.b.dev", "EnableWWWSubdomain": true });
    assert_eq!(cloud.refused("AssociateCustomDomain", with_www).0, "InvalidRequestException");
}

#[test]
fn a_domain_is_associated_once_and_with_one_service() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let other = cloud.running("shop-web");
    associate(&mut cloud, &arn, "A.Shop.dev");
    for service in [&arn, &other] {
        let again = json!({ "ServiceArn": service, "DomainName": "a.shop.dev" });
        let (code, message) = cloud.refused("AssociateCustomDomain", again);
        assert_eq!(code, "InvalidRequestException");
        assert_eq!(message, format!("a.shop.dev is already associated with {arn}"));
    }
}

#[test]
fn a_service_has_at_most_five_domains() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    for n in 0..5 {
        associate(&mut cloud, &arn, &format!("d{n}.shop.dev"));
    }
    let sixth = json!({ "ServiceArn": arn, "DomainName": "d5.shop.dev" });
    assert_eq!(cloud.refused("AssociateCustomDomain", sixth.clone()).0, "InvalidRequestException");
    cloud.ok("DisassociateCustomDomain", json!({ "ServiceArn": arn, "DomainName": "d0.shop.dev" }));
    cloud.settle();
    cloud.ok("AssociateCustomDomain", sixth);
}

#[test]
fn a_disassociated_domain_vanishes() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    associate(&mut cloud, &arn, "a.shop.dev");
    cloud.settle();
    let input = json!({ "ServiceArn": arn, "DomainName": "a.shop.dev" });
    let answer = cloud.ok("DisassociateCustomDomain", input.clone());
    assert_eq!(answer["CustomDomain"]["Status"], "deleting");
    let records = answer["CustomDomain"]["CertificateValidationRecords"].as_array().unwrap();
    assert_eq!(records.len(), 3, "the answer says which records to delete");
    assert_eq!(cloud.refused("DisassociateCustomDomain", input.clone()).0, "InvalidStateException");
    cloud.settle();
    assert_eq!(domains(&mut cloud, &arn), Vec::<Value>::new());
    let (code, message) = cloud.refused("DisassociateCustomDomain", input);
    assert_eq!(code, "ResourceNotFoundException");
    assert_eq!(message, "No custom domain a.shop.dev found for the provided service");
}

#[test]
fn a_disassociation_can_fail_and_be_tried_again() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    associate(&mut cloud, &arn, "a.shop.dev");
    cloud.settle();
    cloud.ok("_DomainFails", json!({ "DomainName": "a.shop.dev" }));
    let input = json!({ "ServiceArn": arn, "DomainName": "a.shop.dev" });
    cloud.ok("DisassociateCustomDomain", input.clone());
    cloud.settle();
    assert_eq!(domains(&mut cloud, &arn)[0]["Status"], "delete_failed");
    cloud.ok("DisassociateCustomDomain", input);
    cloud.settle();
    assert_eq!(domains(&mut cloud, &arn), Vec::<Value>::new());
}

#[test]
fn a_reserved_name_fails_after_some_minutes() {
    for name in ["shop.test", "www.example.com", "example.com"] {
        let mut cloud = Cloud::new();
        let arn = cloud.running("shop-api");
        associate(&mut cloud, &arn, name);
        cloud.pass(120);
        assert_eq!(domains(&mut cloud, &arn)[0]["Status"], "pending_certificate_dns_validation", "{name}");
        cloud.pass(240);
        assert_eq!(domains(&mut cloud, &arn)[0]["Status"], "create_failed", "{name}");
    }
}

#[test]
fn a_paused_or_busy_service_links_and_unlinks_no_domain() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    associate(&mut cloud, &arn, "a.shop.dev");
    cloud.settle();
    cloud.ok("PauseService", json!({ "ServiceArn": arn }));
    for _ in ["busy", "paused"] {
        for (operation, domain) in [("AssociateCustomDomain", "b.shop.dev"), ("DisassociateCustomDomain", "a.shop.dev")]
        {
            let input = json!({ "ServiceArn": arn, "DomainName": domain });
            assert_eq!(cloud.refused(operation, input).0, "InvalidStateException");
        }
        cloud.settle();
    }
}

#[test]
fn a_name_that_is_no_domain_is_refused() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    for name in ["localhost", "a.*.dev", "*"] {
        let input = json!({ "ServiceArn": arn, "DomainName": name });
        assert_eq!(cloud.refused("AssociateCustomDomain", input).0, "InvalidRequestException", "{name}");
    }
}

#[test]
fn a_private_service_shows_one_target_for_each_ingress_connection() {
    let mut cloud = Cloud::new();
    let arn = cloud.running("shop-api");
    let private = json!({ "IngressConfiguration": { "IsPubliclyAccessible": false } });
    cloud.ok("UpdateService", json!({ "ServiceArn": arn, "NetworkConfiguration": private }));
    cloud.settle();
    let made = cloud.ok(
        "CreateVpcIngressConnection",
        json!({
            "ServiceArn": arn, "VpcIngressConnectionName": "door",
            "IngressVpcConfiguration": { "VpcId": "vpc-1", "VpcEndpointId": "vpce-1" },
        }),
    );
    cloud.settle();
    let ingress = &made["VpcIngressConnection"];
    let wanted = json!([{
        "VpcIngressConnectionArn": ingress["VpcIngressConnectionArn"], "VpcId": "vpc-1",
        "DomainName": ingress["DomainName"],
    }]);
    let shown = cloud.ok("DescribeCustomDomains", json!({ "ServiceArn": arn }));
    assert_eq!(shown["VpcDNSTargets"], wanted);
    assert!(shown["DNSTarget"].is_string());
}
