//! Policies of AWS's own, as far as an audit of App Runner meets them: the default version of each, and no older one.
//!
//! The documents are AWS's, as the AWS managed policy reference and the public record of them (MAMIP) have them, read in
//! November 2026. When a policy was first made is only known here where the default version is its first.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::Place;

use super::policies::{Policy, Version};

/// Path and name, number and time of the default version.
const ALL: [(&str, &str, u32, &str); 6] = [
    ("/", "AdministratorAccess", 1, "2015-02-06T18:39:46Z"),
    ("/", "AmazonEC2ContainerRegistryReadOnly", 3, "2019-12-10T20:56:32Z"),
    ("/", "AmazonRDSDataFullAccess", 3, "2019-11-20T21:58:46Z"),
    ("/", "AWSXRayDaemonWriteAccess", 2, "2024-02-13T21:58:30Z"),
    ("/", "PowerUserAccess", 12, "2026-02-12T17:59:14Z"),
    ("/service-role/", "AWSAppRunnerServicePolicyForECRAccess", 1, "2021-05-14T19:17:21Z"),
];

/// All of them.
pub fn all(place: &Place) -> impl Iterator<Item = Policy> {
    ALL.iter().map(|(path, name, number, edited)| {
        let edited = edited.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let document = json!({"Version": "2012-10-17", "Statement": statements(name)}).to_string();
        Policy {
            name: (*name).to_owned(),
            path: (*path).to_owned(),
            arn: format!("arn:{}:iam::aws:policy{path}{name}", place.partition),
            description: None,
            created_at: (*number == 1).then_some(edited),
            updated_at: edited,
            versions: vec![Version { number: *number, document, created_at: edited }],
            default: *number,
            latest: *number,
        }
    })
}

/// The one with this ARN.
pub fn by_arn(place: &Place, arn: &str) -> Option<Policy> {
    all(place).find(|policy| policy.arn == arn)
}

fn statements(name: &str) -> Value {
    match name {
        "AdministratorAccess" => json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]),
        "AmazonEC2ContainerRegistryReadOnly" => json!([{
            "Effect": "Allow",
            "Action": [
                "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer",
                "ecr:GetRepositoryPolicy", "ecr:DescribeRepositories", "ecr:ListImages", "ecr:DescribeImages",
                "ecr:BatchGetImage", "ecr:GetLifecyclePolicy", "ecr:GetLifecyclePolicyPreview",
                "ecr:ListTagsForResource", "ecr:DescribeImageScanFindings",
            ],
            "Resource": "*",
        }]),
        "AmazonRDSDataFullAccess" => rds_data(),
        "AWSXRayDaemonWriteAccess" => json!([{
            "Sid": "AWSXRayDaemonWriteAccess",
            "Effect": "Allow",
            "Action": [
                "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets",
                "xray:GetSamplingStatisticSummaries",
            ],
            "Resource": ["*"],
        }]),
        "PowerUserAccess" => json!([
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": [
                    "account:GetAccountInformation", "account:GetGovCloudAccountInformation", "account:GetPrimaryEmail",
                    "account:ListRegions", "iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole",
                    "iam:ListRoles", "organizations:DescribeEffectivePolicy", "organizations:DescribeOrganization",
                ],
                "Resource": "*",
            },
        ]),
        "AWSAppRunnerServicePolicyForECRAccess" => json!([{
            "Effect": "Allow",
            "Action": [
                "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetAuthorizationToken",
                "ecr:BatchCheckLayerAvailability",
            ],
            "Resource": "*",
        }]),
        _ => json!([]),
    }
}

fn rds_data() -> Value {
    json!([
        {
            "Sid": "SecretsManagerDbCredentialsAccess",
            "Effect": "Allow",
            "Action": [
                "secretsmanager:GetSecretValue", "secretsmanager:PutResourcePolicy", "secretsmanager:PutSecretValue",
                "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret", "secretsmanager:TagResource",
            ],
            "Resource": "arn:aws:secretsmanager:*:*:secret:rds-db-credentials/*",
        },
        {
            "Sid": "RDSDataServiceAccess",
            "Effect": "Allow",
            "Action": [
                "dbqms:CreateFavoriteQuery", "dbqms:DescribeFavoriteQueries", "dbqms:UpdateFavoriteQuery",
                "dbqms:DeleteFavoriteQueries", "dbqms:GetQueryString", "dbqms:CreateQueryHistory",
                "dbqms:DescribeQueryHistory", "dbqms:UpdateQueryHistory", "dbqms:DeleteQueryHistory",
                "rds-data:ExecuteSql", "rds-data:ExecuteStatement", "rds-data:BatchExecuteStatement",
                "rds-data:BeginTransaction", "rds-data:CommitTransaction", "rds-data:RollbackTransaction",
                "secretsmanager:CreateSecret", "secretsmanager:ListSecrets", "secretsmanager:GetRandomPassword",
                "tag:GetResources",
            ],
            "Resource": "*",
        },
    ])
}
