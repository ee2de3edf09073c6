//! The SDK for Rust against the local cloud over loopback: one conversation a service, in the protocol that the SDK chose.
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test at once")]

use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_smithy_types::DateTime;
use pitcrew_cloud::call::Place;
use pitcrew_cloud::gateway::{Gateway, OPERATOR_KEY, Server};
use pitcrew_cloud::serve::Bare;
use pitcrew_cloud::services;
use pitcrew_cloud::switches::Switches;

const NOW: &str = "2026-11-21T08:00:00Z";
const NOW_SECS: i64 = 1_795_248_000;

/// A fresh cloud at [`NOW`], and the operator's configuration for it.
async fn cloud() -> (Server, SdkConfig) {
    let place = Place { partition: "aws".into(), region: "eu-west-1".into(), account: "123456789012".into() };
    let world = Arc::new(Mutex::new(services::world(place, NOW.parse().unwrap(), Switches::default())));
    let server = Gateway::new(world.clone(), Arc::new(Bare::new(world))).bind(0).await.unwrap();
    let keys = Credentials::new(OPERATOR_KEY, "not checked", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(server.endpoint())
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .retry_config(RetryConfig::disabled())
        .build();
    (server, config)
}

#[tokio::test]
async fn app_runner_speaks_json() {
    let (_server, config) = cloud().await;
    let client = aws_sdk_apprunner::Client::new(&config);
    let group = client.create_auto_scaling_configuration().auto_scaling_configuration_name("small").max_size(2);
    let made = group.send().await.unwrap().auto_scaling_configuration.unwrap();
    assert_eq!(made.max_size(), Some(2));
    assert_eq!(made.created_at().map(DateTime::secs), Some(NOW_SECS));
    let arn = "arn:aws:apprunner:eu-west-1:123456789012:service/shop/0123456789abcdef0123456789abcdef";
    let error = client.describe_service().service_arn(arn).send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
    assert!(error.message().is_some_and(|message| message.contains(arn)), "{error:?}");
    let error = client.describe_service().service_arn("nonsense").send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_request_exception(), "{error:?}");
}

#[tokio::test]
async fn sns_speaks_query_and_xml() {
    let (_server, config) = cloud().await;
    let client = aws_sdk_sns::Client::new(&config);
    let name = "On <call> & \"co\"";
    let topic = client.create_topic().name("alerts").attributes("DisplayName", name).send().await.unwrap();
    let arn = topic.topic_arn().unwrap();
    let attributes = client.get_topic_attributes().topic_arn(arn).send().await.unwrap();
    assert_eq!(attributes.attributes().unwrap()["DisplayName"], name);
    let gone = format!("{arn}-gone");
    let error = client.publish().topic_arn(gone).message("m").send().await.unwrap_err().into_service_error();
    assert!(error.is_not_found_exception(), "{error:?}");
}

#[tokio::test]
async fn sqs_errors_are_known_by_their_old_codes() {
    let (_server, config) = cloud().await;
    let client = aws_sdk_sqs::Client::new(&config);
    let url = client.create_queue().queue_name("wake").send().await.unwrap().queue_url.unwrap();
    client.send_message().queue_url(&url).message_body("m").send().await.unwrap();
    let got = client.receive_message().queue_url(&url).send().await.unwrap();
    assert_eq!(got.messages()[0].body(), Some("m"));
    let error = client.get_queue_url().queue_name("none").send().await.unwrap_err().into_service_error();
    assert!(error.is_queue_does_not_exist(), "{error:?}");
}

#[tokio::test]
async fn cloudwatch_speaks_cbor_and_gzip() {
    use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricDatum, Statistic};
    let (_server, config) = cloud().await;
    let client = aws_sdk_cloudwatch::Client::new(&config);
    // So many that the SDK compresses the request (from 10 KiB on).
    let datum = MetricDatum::builder().metric_name("Holds").value(2.5).timestamp(DateTime::from_secs(NOW_SECS)).build();
    let data = vec![datum; 600];
    client.put_metric_data().namespace("pitcrew").set_metric_data(Some(data)).send().await.unwrap();
    let points = client.get_metric_statistics().namespace("pitcrew").metric_name("Holds").period(60);
    let points = points.start_time(DateTime::from_secs(NOW_SECS - 60)).end_time(DateTime::from_secs(NOW_SECS + 60));
    let points = points.statistics(Statistic::Sum).send().await.unwrap();
    assert_eq!(points.datapoints()[0].sum(), Some(1500.0));
    assert_eq!(points.datapoints()[0].timestamp().map(DateTime::secs), Some(NOW_SECS));
    let alarm = client.put_metric_alarm().alarm_name("hot").metric_name("Holds").namespace("pitcrew").period(60);
    let alarm = alarm.evaluation_periods(1).threshold(1.0).statistic(Statistic::Sum);
    alarm.comparison_operator(ComparisonOperator::GreaterThanThreshold).send().await.unwrap();
    let alarms = client.describe_alarms().send().await.unwrap();
    assert_eq!(alarms.metric_alarms()[0].threshold(), Some(1.0));
    let state = client.set_alarm_state().alarm_name("none").state_value("OK".into()).state_reason("r");
    let error = state.send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found(), "{error:?}");
}

#[tokio::test]
async fn dynamodb_gives_the_old_item_and_the_reasons() {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put,
        ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TransactWriteItem,
    };
    let (_server, config) = cloud().await;
    let client = aws_sdk_dynamodb::Client::new(&config);
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build().unwrap();
    let definition = AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::S);
    let table = client.create_table().table_name("pitcrew").billing_mode(BillingMode::PayPerRequest).key_schema(key);
    table.attribute_definitions(definition.build().unwrap()).send().await.unwrap();
    let pk = AttributeValue::S("a".to_owned());
    client.put_item().table_name("pitcrew").item("pk", pk.clone()).send().await.unwrap();
    let once = "attribute_not_exists(pk)";
    let again = client.put_item().table_name("pitcrew").item("pk", pk.clone()).condition_expression(once);
    let again = again.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let error = again.send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) = error else {
        panic!("{error:?}");
    };
    assert_eq!(failed.item().unwrap()["pk"], pk);
    let put = Put::builder().table_name("pitcrew").item("pk", pk).condition_expression(once).build().unwrap();
    let write = client.transact_write_items().transact_items(TransactWriteItem::builder().put(put).build());
    let error = write.send().await.unwrap_err().into_service_error();
    let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
        cancelled,
    ) = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(cancelled.cancellation_reasons()[0].code(), Some("ConditionalCheckFailed"));
}

#[tokio::test]
async fn logs_ecr_and_secrets_answer_and_refuse() {
    let (_server, config) = cloud().await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&config);
    logs.create_log_group().log_group_name("/shop").send().await.unwrap();
    assert_eq!(logs.describe_log_groups().send().await.unwrap().log_groups()[0].log_group_name(), Some("/shop"));
    let error = logs.create_log_group().log_group_name("/shop").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_already_exists_exception(), "{error:?}");
    let ecr = aws_sdk_ecr::Client::new(&config);
    let made = ecr.create_repository().repository_name("shop").send().await.unwrap().repository.unwrap();
    assert_eq!(made.created_at().map(|at| at.secs()), Some(NOW_SECS));
    let error = ecr.describe_images().repository_name("none").send().await.unwrap_err().into_service_error();
    assert!(error.is_repository_not_found_exception(), "{error:?}");
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    secrets.create_secret().name("slack").secret_string("s").send().await.unwrap();
    let got = secrets.get_secret_value().secret_id("slack").send().await.unwrap();
    assert_eq!(got.secret_string(), Some("s"));
    let error = secrets.get_secret_value().secret_id("none").send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception(), "{error:?}");
}

#[tokio::test]
async fn route_53_speaks_rest_and_xml() {
    use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType};
    let (_server, config) = cloud().await;
    let client = aws_sdk_route53::Client::new(&config);
    let made = client.create_hosted_zone().name("Octank.dev").caller_reference("r").send().await.unwrap();
    assert!(made.location().ends_with(made.hosted_zone().unwrap().id()));
    assert_eq!(made.delegation_set().unwrap().name_servers().len(), 4);
    assert_eq!(made.change_info().unwrap().submitted_at().secs(), NOW_SECS);
    let id = made.hosted_zone().unwrap().id();
    let value = ResourceRecord::builder().value("_y.acm-validations.aws.").build().unwrap();
    let set = ResourceRecordSet::builder().name("*.octank.dev").r#type(RrType::Cname).ttl(60).resource_records(value);
    let set = set.build().unwrap();
    let change = Change::builder().action(ChangeAction::Create).resource_record_set(set.clone()).build().unwrap();
    let batch = ChangeBatch::builder().comment("a <b> & c").changes(change).build().unwrap();
    let again = client.change_resource_record_sets().hosted_zone_id(id).change_batch(batch);
    let change_id = again.clone().send().await.unwrap().change_info.unwrap().id;
    let change = client.get_change().id(change_id).send().await.unwrap().change_info.unwrap();
    assert_eq!((change.status().as_str(), change.comment()), ("PENDING", Some("a <b> & c")));
    let error = again.send().await.unwrap_err().into_service_error();
    assert!(error.is_invalid_change_batch(), "{error:?}");
    let told = "[Tried to create resource record set [name='\\052.octank.dev.', type='CNAME'] but it already exists]";
    assert_eq!(error.message(), Some(told));
    let listed = client.list_resource_record_sets().hosted_zone_id(id).send().await.unwrap();
    assert_eq!(listed.resource_record_sets()[2].name(), "\\052.octank.dev.");
    assert_eq!(listed.resource_record_sets()[2].resource_records(), set.resource_records());
    let error = client.get_hosted_zone().id("ZNONE").send().await.unwrap_err().into_service_error();
    assert!(error.is_no_such_hosted_zone(), "{error:?}");
}
