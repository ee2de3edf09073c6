//! The one place where the services of the local cloud are put together, each under its signing name.

use jiff::Timestamp;

use crate::acm::Acm;
use crate::apprunner::AppRunner;
use crate::call::Place;
use crate::cloudwatch::CloudWatch;
use crate::dynamodb::DynamoDb;
use crate::ec2::Ec2;
use crate::ecr::{Ecr, EcrPublic};
use crate::logs::Logs;
use crate::route53::Route53;
use crate::secrets::SecretsManager;
use crate::sns::Sns;
use crate::sqs::Sqs;
use crate::sts::Sts;
use crate::switches::Switches;
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
        .with("logs", Logs::new())
        .with("monitoring", CloudWatch::new())
        .with("route53", Route53::new())
        .with("secretsmanager", SecretsManager::new())
        .with("sns", Sns::new())
        .with("sqs", Sqs::new())
        .with("sts", Sts::new())
}
