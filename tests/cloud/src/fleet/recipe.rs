//! What a service is made from: a healthy one, which a fault changes before it is created.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Fleet, FleetError, Ground, Site};

/// Requests a minute of an ordinary service.
const TRAFFIC: f64 = 240.0;

/// One service before it is created.
pub(super) struct Recipe {
    pub name: &'static str,
    /// `CreateService`.
    pub input: Value,
    /// Requests a minute.
    pub traffic: f64,
    /// `_Usage`.
    pub usage: Value,
    /// Whether tags of its repository can be moved.
    pub is_mutable: bool,
    pub has_acl: bool,
}

/// The digest of a version of a service: made up, and the same in every run.
pub(super) fn digest(service: &str, version: &str) -> String {
    let hash = Sha256::digest(format!("{service}:{version}"));
    format!("sha256:{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// `<account>.dkr.ecr.<region>.amazonaws.com/<service>:<tag>`
pub(super) fn image(site: &Site<'_>, service: &str, tag: &str) -> String {
    let place = site.place();
    format!("{}.dkr.ecr.{}.amazonaws.com/{service}:{tag}", place.account, place.region)
}

impl Recipe {
    pub(super) fn healthy(site: &Site<'_>, ground: &Ground, name: &'static str) -> Self {
        let source = json!({
            "ImageRepository": {
                "ImageIdentifier": image(site, name, "v1"), "ImageRepositoryType": "ECR",
                "ImageConfiguration": {"Port": "8080", "RuntimeEnvironmentVariables": {"LOG_LEVEL": "info"}},
            },
            "AutoDeploymentsEnabled": false,
            "AuthenticationConfiguration": {"AccessRoleArn": ground.access_role},
        });
        let input = json!({
            "ServiceName": name,
            "Tags": [{"Key": "environment", "Value": "production"}],
            "SourceConfiguration": source,
            "InstanceConfiguration": {"Cpu": "1024", "Memory": "2048", "InstanceRoleArn": ground.instance_role},
            "HealthCheckConfiguration": {"Protocol": "HTTP", "Path": "/health", "Interval": 5, "Timeout": 2,
                "HealthyThreshold": 1, "UnhealthyThreshold": 5},
            "AutoScalingConfigurationArn": ground.scaling,
            "NetworkConfiguration": {
                "EgressConfiguration": {"EgressType": "VPC", "VpcConnectorArn": ground.connector},
                "IngressConfiguration": {"IsPubliclyAccessible": true}},
            "ObservabilityConfiguration": {"ObservabilityEnabled": true,
                "ObservabilityConfigurationArn": ground.tracing},
        });
        let usage = json!({"Service": name, "CpuPercent": 45.0, "MemoryPercent": 50.0, "Concurrency": 110.0});
        Self { name, input, traffic: TRAFFIC, usage, is_mutable: false, has_acl: true }
    }

    pub(super) fn create(self, site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
        let name = self.name;
        if self.input["SourceConfiguration"].get("ImageRepository").is_some() {
            let mutability = if self.is_mutable { "MUTABLE" } else { "IMMUTABLE" };
            site.call("ecr", "CreateRepository", json!({"repositoryName": name, "imageTagMutability": mutability}))?;
            push(site, name, "v1")?;
        }
        let made = site.call("apprunner", "CreateService", self.input)?;
        let arn = super::ground::id(&made["Service"]["ServiceArn"])?;
        site.traffic(name, self.traffic);
        site.internal("apprunner", "_Usage", self.usage)?;
        if self.has_acl {
            let input = json!({"WebACLArn": fleet.ground.acl, "ResourceArn": arn});
            site.call("wafv2", "AssociateWebACL", input)?;
        }
        fleet.services.insert(name.to_owned(), arn);
        Ok(())
    }
}

/// Pushes a version of a service under its own tag.
pub(super) fn push(site: &Site<'_>, service: &str, version: &str) -> Result<(), FleetError> {
    let input = json!({"Repository": service, "Tag": version, "Digest": digest(service, version)});
    site.internal("ecr", "_Push", input).map(|_| ())
}
