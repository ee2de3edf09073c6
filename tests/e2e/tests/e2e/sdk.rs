//! App Runner's own Rust client drives all 37 operations through the gateway: its answers deserialise, its modelled errors decode.

use std::collections::BTreeSet;

use aws_config::retry::RetryConfig;
use aws_sdk_apprunner::Client;
use aws_sdk_apprunner::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_apprunner::types::{
    ImageRepository, ImageRepositoryType, IngressVpcConfiguration, ProviderType, ServiceStatus, SourceConfiguration,
    Tag, TraceConfiguration, TracingVendor, VpcIngressConnectionStatus,
};
use pitcrew_e2e::Scene;
use pitcrew_e2e::scene::ACCESS_ROLE;
use serde_json::json;

const OPERATIONS: usize = 37;

fn client(scene: &Scene) -> Client {
    let (endpoint, key) = scene.stage.endpoint();
    let config = aws_sdk_apprunner::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(key, "not checked", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

fn source(reference: &str) -> SourceConfiguration {
    let image = ImageRepository::builder()
        .image_identifier(format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop-api{reference}"))
        .image_repository_type(ImageRepositoryType::Ecr)
        .build()
        .unwrap();
    let access = aws_sdk_apprunner::types::AuthenticationConfiguration::builder().access_role_arn(ACCESS_ROLE).build();
    SourceConfiguration::builder()
        .image_repository(image)
        .auto_deployments_enabled(false)
        .authentication_configuration(access)
        .build()
}

/// The operations that the operator called with success.
fn succeeded(scene: &Scene) -> BTreeSet<String> {
    let calls = scene.history().into_iter().filter(|entry| {
        entry.kind == "call"
            && entry.who == "operator"
            && entry.what["service"] == "apprunner"
            && entry.what["outcome"]["ok"].is_object()
    });
    calls.map(|entry| entry.what["operation"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn the_rust_client_drives_all_operations() {
    let scene = Scene::set().await;
    scene.push("shop-api", "v1", Default::default());
    scene.push("shop-api", "v2", Default::default());
    let client = client(&scene);
    let arn = services(&scene, &client).await;
    domains(&scene, &client, &arn).await;
    scaling(&client).await;
    observability(&client).await;
    connections(&client).await;
    network(&scene, &client, &arn).await;
    let gone = client.delete_service().service_arn(&arn).send().await.unwrap();
    assert!(!gone.operation_id().is_empty());
    scene.minutes(5).await;
    let service = client.describe_service().service_arn(&arn).send().await.unwrap().service.unwrap();
    assert_eq!(service.status(), &ServiceStatus::Deleted);
    assert!(service.deleted_at().is_some());
    let called = succeeded(&scene);
    assert_eq!(called.len(), OPERATIONS, "{called:?}");
    scene.check_clean();
    scene.strike().await;
}

async fn services(scene: &Scene, client: &Client) -> String {
    let tag = Tag::builder().key("team").value("shop").build();
    let made = client
        .create_service()
        .service_name("shop-api")
        .source_configuration(source(":v1"))
        .tags(tag)
        .send()
        .await
        .unwrap();
    assert!(!made.operation_id().is_empty());
    let arn = made.service().unwrap().service_arn().to_owned();
    // What App Runner refuses while it is busy, by the two types that the model has for it.
    let busy = client
        .update_service()
        .service_arn(&arn)
        .source_configuration(source(":v2"))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(busy.is_invalid_state_exception(), "{busy:?}");
    let busy = client.start_deployment().service_arn(&arn).send().await.unwrap_err().into_service_error();
    assert!(busy.is_invalid_request_exception(), "{busy:?}");
    scene.minutes(6).await;
    client.update_service().service_arn(&arn).source_configuration(source(":v2")).send().await.unwrap();
    scene.minutes(6).await;
    client.start_deployment().service_arn(&arn).send().await.unwrap();
    scene.minutes(6).await;
    client.pause_service().service_arn(&arn).send().await.unwrap();
    scene.minutes(6).await;
    client.resume_service().service_arn(&arn).send().await.unwrap();
    scene.minutes(6).await;
    let service = client.describe_service().service_arn(&arn).send().await.unwrap().service.unwrap();
    assert_eq!((service.status(), service.service_name()), (&ServiceStatus::Running, "shop-api"));
    let listed = client.list_services().send().await.unwrap();
    assert_eq!(listed.service_summary_list().len(), 1);
    let operations = client.list_operations().service_arn(&arn).max_results(2).send().await.unwrap();
    assert_eq!(operations.operation_summary_list().len(), 2);
    let rest = client.list_operations().service_arn(&arn).set_next_token(operations.next_token).send().await.unwrap();
    assert_eq!(rest.operation_summary_list().len(), 3, "create, update, deploy, pause and resume in two pages");
    client.tag_resource().resource_arn(&arn).tags(Tag::builder().key("a").value("b").build()).send().await.unwrap();
    client.untag_resource().resource_arn(&arn).tag_keys("team").send().await.unwrap();
    let tags = client.list_tags_for_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(tags.tags().iter().map(|tag| tag.key().unwrap_or_default()).collect::<Vec<_>>(), ["a"]);
    arn
}

async fn domains(scene: &Scene, client: &Client, arn: &str) {
    client.associate_custom_domain().service_arn(arn).domain_name("shop.pitcrew-shop.net").send().await.unwrap();
    scene.minutes(1).await;
    let shown = client.describe_custom_domains().service_arn(arn).send().await.unwrap();
    assert!(!shown.custom_domains()[0].certificate_validation_records().is_empty());
    // The wire says `active` in lower case (facts, section 3): the client must not choke on what its enum does not know.
    scene.internal("acm", "_Prove", json!({"DomainName": "shop.pitcrew-shop.net"}));
    scene.minutes(10).await;
    let shown = client.describe_custom_domains().service_arn(arn).send().await.unwrap();
    assert!(shown.custom_domains()[0].status().as_str().eq_ignore_ascii_case("active"), "{shown:?}");
    client.disassociate_custom_domain().service_arn(arn).domain_name("shop.pitcrew-shop.net").send().await.unwrap();
    let none = client.disassociate_custom_domain().service_arn(arn).domain_name("other.pitcrew-shop.net").send().await;
    let none = none.unwrap_err().into_service_error();
    assert!(none.is_resource_not_found_exception(), "{none:?}");
    scene.minutes(2).await;
}

async fn scaling(client: &Client) {
    let made = client
        .create_auto_scaling_configuration()
        .auto_scaling_configuration_name("small")
        .max_size(2)
        .send()
        .await
        .unwrap();
    let arn = made.auto_scaling_configuration().unwrap().auto_scaling_configuration_arn().unwrap().to_owned();
    client.describe_auto_scaling_configuration().auto_scaling_configuration_arn(&arn).send().await.unwrap();
    let listed = client.list_auto_scaling_configurations().send().await.unwrap();
    assert!(listed.auto_scaling_configuration_summary_list().len() >= 2, "ours and the provided one");
    client.list_services_for_auto_scaling_configuration().auto_scaling_configuration_arn(&arn).send().await.unwrap();
    client.update_default_auto_scaling_configuration().auto_scaling_configuration_arn(&arn).send().await.unwrap();
    let other =
        client.create_auto_scaling_configuration().auto_scaling_configuration_name("other").send().await.unwrap();
    let other = other.auto_scaling_configuration().unwrap().auto_scaling_configuration_arn().unwrap().to_owned();
    client.delete_auto_scaling_configuration().auto_scaling_configuration_arn(&other).send().await.unwrap();
    let gone =
        client.describe_auto_scaling_configuration().auto_scaling_configuration_arn(format!("{other}0")).send().await;
    assert!(gone.unwrap_err().into_service_error().is_resource_not_found_exception());
}

async fn observability(client: &Client) {
    let trace = TraceConfiguration::builder().vendor(TracingVendor::Awsxray).build().unwrap();
    let call = client.create_observability_configuration().observability_configuration_name("tracing");
    let made = call.trace_configuration(trace).send().await.unwrap();
    let arn = made.observability_configuration().unwrap().observability_configuration_arn().unwrap().to_owned();
    client.describe_observability_configuration().observability_configuration_arn(&arn).send().await.unwrap();
    client.list_observability_configurations().send().await.unwrap();
    client.delete_observability_configuration().observability_configuration_arn(&arn).send().await.unwrap();
}

async fn connections(client: &Client) {
    let made =
        client.create_connection().connection_name("github").provider_type(ProviderType::Github).send().await.unwrap();
    let arn = made.connection().unwrap().connection_arn().unwrap().to_owned();
    let listed = client.list_connections().send().await.unwrap();
    assert_eq!(listed.connection_summary_list().len(), 1);
    client.delete_connection().connection_arn(&arn).send().await.unwrap();
}

async fn network(scene: &Scene, client: &Client, service: &str) {
    let call = client.create_vpc_connector().vpc_connector_name("inside").subnets("subnet-0123456789abcdef0");
    let made = call.security_groups("sg-0123456789abcdef0").send().await.unwrap();
    let arn = made.vpc_connector().unwrap().vpc_connector_arn().unwrap().to_owned();
    client.describe_vpc_connector().vpc_connector_arn(&arn).send().await.unwrap();
    client.list_vpc_connectors().send().await.unwrap();
    client.delete_vpc_connector().vpc_connector_arn(&arn).send().await.unwrap();

    let vpc = |endpoint: &str| {
        IngressVpcConfiguration::builder().vpc_id("vpc-0123456789abcdef0").vpc_endpoint_id(endpoint).build()
    };
    let private = json!({"IngressConfiguration": {"IsPubliclyAccessible": false}});
    scene.call("apprunner", "UpdateService", json!({"ServiceArn": service, "NetworkConfiguration": private}));
    scene.minutes(6).await;
    let call = client.create_vpc_ingress_connection().service_arn(service).vpc_ingress_connection_name("inside");
    let made = call.ingress_vpc_configuration(vpc("vpce-0123456789abcdef0")).send().await.unwrap();
    let arn = made.vpc_ingress_connection().unwrap().vpc_ingress_connection_arn().unwrap().to_owned();
    scene.minutes(10).await;
    let shown = client.describe_vpc_ingress_connection().vpc_ingress_connection_arn(&arn).send().await.unwrap();
    assert_eq!(shown.vpc_ingress_connection().unwrap().status(), Some(&VpcIngressConnectionStatus::Available));
    client.list_vpc_ingress_connections().send().await.unwrap();
    let call = client.update_vpc_ingress_connection().vpc_ingress_connection_arn(&arn);
    call.ingress_vpc_configuration(vpc("vpce-0123456789abcdef1")).send().await.unwrap();
    scene.minutes(10).await;
    client.delete_vpc_ingress_connection().vpc_ingress_connection_arn(&arn).send().await.unwrap();
    scene.minutes(10).await;
}
