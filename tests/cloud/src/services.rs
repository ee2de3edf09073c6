//! The one place where the services of the local cloud are put together, each under its signing name.

use jiff::Timestamp;

use crate::acm::Acm;
use crate::apprunner::AppRunner;
use crate::call::Place;
use crate::cloudwatch::CloudWatch;
use crate::dynamodb::DynamoDb;
use crate::ec2::Ec2;
use crate::ecr::{Ecr, EcrPublic};
use crate::iam::Iam;
use crate::logs::Logs;
use crate::route53::Route53;
use crate::s3::S3;
use crate::secrets::SecretsManager;
use crate::securityhub::SecurityHub;
use crate::sns::Sns;
use crate::sqs::Sqs;
use crate::sts::Sts;
use crate::switches::Switches;
use crate::wafv2::Wafv2;
use crate::world::World;

/// A cloud with every service and nothing in it.
pub fn world(place: Place, now: Timestamp, switches: Switches) -> World {
    World::new(place, now, switches)
        .with("acm", Acm::new())
        .with("apprunner", AppRunner::new())
        .with("dynamodb", DynamoDb::new())
        .with("ec2", Ec2::new())
        .with("ecr", Ecr::new())
        .with("ecr-public", EcrPublic::new())
        .with("iam", Iam::new())
        .with("logs", Logs::new())
        .with("monitoring", CloudWatch::new())
        .with("route53", Route53::new())
        .with("s3", S3::new())
        .with("secretsmanager", SecretsManager::new())
        .with("securityhub", SecurityHub::new())
        .with("sns", Sns::new())
        .with("sqs", Sqs::new())
        .with("sts", Sts::new())
        .with("wafv2", Wafv2::new())
}
