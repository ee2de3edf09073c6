use aws_smithy_types::DateTime;
use pitcrew_core::audit::facts::Suspicion;

use super::*;

fn arn() -> ServiceArn {
    ServiceArn::parse("arn:aws:apprunner:eu-west-1:123456789012:service/shop/0a1b").unwrap()
}

fn described() -> sdk::builders::ServiceBuilder {
    sdk::Service::builder()
        .service_name("shop")
        .service_id("0a1b")
        .service_arn(arn().to_string())
        .service_url("x.eu-west-1.awsapprunner.com")
        .created_at(DateTime::from_secs(1))
        .updated_at(DateTime::from_secs(2))
        .status(sdk::ServiceStatus::Running)
        .network_configuration(sdk::NetworkConfiguration::builder().build())
        .auto_scaling_configuration_summary(sdk::AutoScalingConfigurationSummary::builder().build())
}

fn image(configuration: sdk::ImageConfiguration) -> sdk::SourceConfiguration {
    let repository = sdk::ImageRepository::builder()
        .image_identifier("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:latest")
        .image_repository_type(sdk::ImageRepositoryType::Ecr)
        .image_configuration(configuration)
        .build()
        .unwrap();
    sdk::SourceConfiguration::builder().image_repository(repository).build()
}

#[test]
fn the_name_and_the_suspicion_of_a_variable_go_on_and_its_value_does_not() {
    let value = "postgres://shop:wr0ng-h0rse-7battery@db.internal/shop";
    let run = sdk::ImageConfiguration::builder()
        .runtime_environment_variables("STORE", value)
        .runtime_environment_variables("LANG", "en")
        .runtime_environment_secrets("DB", "arn:aws:ssm:eu-west-1:123456789012:parameter/db")
        .port("8080")
        .build();
    let facts = service(&arn(), &described().source_configuration(image(run)).build().unwrap());
    let variable = |name: &str, suspicion| Variable { name: name.to_owned(), suspicion };
    assert_eq!(facts.environment, [variable("LANG", None), variable("STORE", Some(Suspicion::Url))]);
    assert_eq!(facts.secrets["DB"], "arn:aws:ssm:eu-west-1:123456789012:parameter/db");
    assert_eq!(facts.port.as_deref(), Some("8080"));
    assert!(!format!("{facts:?}").contains(value));
}

#[test]
fn what_the_api_leaves_out_is_the_default_of_the_guide() {
    let facts = service(&arn(), &described().build().unwrap());
    assert_eq!((facts.cpu, facts.memory_mb), (1024, 2048));
    assert_eq!(facts.health, HealthCheck::default());
    assert_eq!((facts.egress, facts.public, facts.tracing), (Egress::Default, true, Tracing::Off));
    assert_eq!(facts.host.as_deref(), Some("x.eu-west-1.awsapprunner.com"));
    assert_eq!(facts.code, None);
}

#[test]
fn what_a_service_shares_stands_in_its_line_of_the_list() {
    let out = sdk::EgressConfiguration::builder().egress_type(sdk::EgressType::Vpc).vpc_connector_arn("arn:c").build();
    let inward = sdk::IngressConfiguration::builder().is_publicly_accessible(false).build();
    let network = sdk::NetworkConfiguration::builder().egress_configuration(out).ingress_configuration(inward).build();
    let trace = sdk::ServiceObservabilityConfiguration::builder().observability_enabled(true);
    let trace = trace.observability_configuration_arn("arn:o").build();
    let seen = described().network_configuration(network).observability_configuration(trace).build().unwrap();
    let line = listed(&service(&arn(), &seen), Some("arn:s".to_owned()));
    assert_eq!(
        (line.connector.as_deref(), line.tracing.as_deref(), line.public),
        (Some("arn:c"), Some("arn:o"), false)
    );
    assert_eq!(line.scaling.as_deref(), Some("arn:s"));
}

#[test]
fn code_that_its_repository_configures_names_no_runtime() {
    let code_of = |source| {
        let values =
            sdk::CodeConfigurationValues::builder().runtime(sdk::Runtime::Python3).port("8000").build().unwrap();
        let configured =
            sdk::CodeConfiguration::builder().configuration_source(source).code_configuration_values(values);
        let version = sdk::SourceCodeVersion::builder().r#type(sdk::SourceCodeVersionType::Branch).value("main");
        let repository = sdk::CodeRepository::builder()
            .repository_url("https://github.com/example/shop")
            .source_code_version(version.build().unwrap())
            .code_configuration(configured.build().unwrap());
        code(&repository.build().unwrap())
    };
    let python = Some("PYTHON_3".to_owned());
    assert_eq!(code_of(sdk::ConfigurationSource::Api), CodeFacts { runtime: python, from_repository: false });
    assert_eq!(code_of(sdk::ConfigurationSource::Repository), CodeFacts { runtime: None, from_repository: true });
}

#[test]
fn sizes_are_read_in_both_spellings() {
    for (text, expected) in
        [("1024", Some(1024)), ("1 vCPU", Some(1024)), ("0.25 vCPU", Some(256)), ("12 GB", Some(12_288)), ("x", None)]
    {
        assert_eq!(units(text, 1024), expected, "{text}");
    }
}
