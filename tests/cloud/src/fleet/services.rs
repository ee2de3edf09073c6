//! The services, and what is wrong with some of them from the beginning: each fault changes one thing of a healthy one.

use serde_json::{Value, json};

use super::ground::{BUILD, TASKS, role, scaling};
use super::recipe::Recipe;
use super::{Fleet, FleetError, Site, images};

/// Changes one thing of a healthy service.
type Fault = fn(&Site<'_>, &Fleet, &mut Recipe) -> Result<(), FleetError>;

/// Every service, with what is planted in it before it is created. What other files plant in it comes later.
const SERVICES: [(&str, &[Fault]); 40] = [
    ("tracking", &[]),
    ("parcels", &[]),
    ("storefront", &[]),
    ("brands", &[]),
    ("campaigns", &[]),
    ("label-printer", &[tcp_check]),
    ("address-book", &[slow_check]),
    ("postcodes", &[overlapping_check]),
    ("pickups", &[nervous_check]),
    ("routes", &[fixed_size]),
    ("customs", &[single_instance]),
    ("quotes", &[ceiling]),
    ("thumbnails", &[limit_never_reached]),
    ("webhooks", &[limit_too_low]),
    ("reports", &[minimum_unneeded]),
    ("search", &[memory_full]),
    ("archive", &[oversized]),
    ("checkout", &[secret_in_environment]),
    ("invoices", &[no_instance_role]),
    ("back-office", &[instance_admin]),
    ("batch-export", &[instance_trust]),
    ("partner-feed", &[instance_untrusted]),
    ("intranet", &[role_gone]),
    ("drivers", &[access_wide]),
    ("status-page", &[no_firewall]),
    ("handbook", &[ended_runtime]),
    ("payments", &[customer_key]),
    ("feedback", &[start_command]),
    ("newsletter", &[movable_tag]),
    ("telemetry", &[tracing_off]),
    ("scans", &[tracing_denied]),
    ("couriers", &[create_failed]),
    ("depot", &[private]),
    ("depot-cameras", &[private]),
    ("depot-desk", &[private]),
    ("messages", &[through_the_cellar]),
    ("seasonal", &[]),
    ("scheduler", &[]),
    ("sorting", &[]),
    ("faxes", &[access_untrusted]),
];

/// Services that stand in a network of their own, by the name of the connector.
const CONNECTORS: [(&str, &str); 7] = [
    ("label-printer", "small"),
    ("address-book", "through-igw"),
    ("postcodes", "uneven"),
    ("pickups", "blackhole"),
    ("routes", "afternoon"),
    ("customs", "cleaned-up"),
    ("reports", "closed"),
];

/// Creates all of them.
pub(super) fn create(site: &Site<'_>, fleet: &mut Fleet) -> Result<(), FleetError> {
    for (name, faults) in SERVICES {
        let mut recipe = Recipe::healthy(site, &fleet.ground, name);
        if let Some((_, connector)) = CONNECTORS.iter().find(|(service, _)| *service == name) {
            leave_by(&mut recipe, fleet.resource(connector));
        }
        for fault in faults {
            fault(site, fleet, &mut recipe)?;
        }
        recipe.create(site, fleet)?;
    }
    images::before(site)
}

fn leave_by(recipe: &mut Recipe, connector: &str) {
    recipe.input["NetworkConfiguration"]["EgressConfiguration"]["VpcConnectorArn"] = json!(connector);
}

fn health(recipe: &mut Recipe, member: &str, value: Value) {
    recipe.input["HealthCheckConfiguration"][member] = value;
}

fn tcp_check(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    health(recipe, "Protocol", json!("TCP"));
    Ok(())
}

fn slow_check(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    health(recipe, "Interval", json!(20));
    Ok(())
}

fn overlapping_check(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    health(recipe, "Timeout", json!(5));
    Ok(())
}

fn nervous_check(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    health(recipe, "UnhealthyThreshold", json!(1));
    Ok(())
}

/// Gives the service a scaling configuration of its own name.
fn scale(site: &Site<'_>, recipe: &mut Recipe, sizes: (u32, u32), each: u32) -> Result<(), FleetError> {
    recipe.input["AutoScalingConfigurationArn"] = json!(scaling(site, recipe.name, sizes.0, sizes.1, each)?);
    Ok(())
}

fn fixed_size(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    scale(site, recipe, (2, 2), 100)
}

fn single_instance(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    scale(site, recipe, (1, 10), 100)
}

/// All three instances are active, and as many requests are there as they take.
fn ceiling(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    recipe.traffic = 60_000.0;
    recipe.usage["Concurrency"] = json!(29.0);
    scale(site, recipe, (2, 3), 10)
}

fn limit_never_reached(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    recipe.usage["CpuPercent"] = json!(92.0);
    recipe.usage["Concurrency"] = json!(20.0);
    Ok(())
}

/// A third instance is active, and none has anything to do.
fn limit_too_low(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    recipe.traffic = 18_000.0;
    recipe.usage["CpuPercent"] = json!(10.0);
    recipe.usage["Concurrency"] = json!(12.0);
    scale(site, recipe, (2, 10), 5)
}

fn minimum_unneeded(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    scale(site, recipe, (6, 10), 100)
}

fn memory_full(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    recipe.usage["MemoryPercent"] = json!(95.0);
    Ok(())
}

/// Found once it is a week old.
fn oversized(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    recipe.usage["CpuPercent"] = json!(5.0);
    recipe.usage["MemoryPercent"] = json!(10.0);
    Ok(())
}

fn configuration<'r>(recipe: &'r mut Recipe, member: &str) -> &'r mut Value {
    &mut recipe.input["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"][member]
}

fn secret_in_environment(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    let variables = configuration(recipe, "RuntimeEnvironmentVariables");
    variables["DATABASE_URL"] = json!("postgres://checkout:made-up-4711@db.larkspur-post.net/checkout");
    Ok(())
}

fn without_role(recipe: &mut Recipe) {
    if let Some(instance) = recipe.input["InstanceConfiguration"].as_object_mut() {
        instance.remove("InstanceRoleArn");
    }
}

/// Secrets, and no role that App Runner could fetch them with; traces go nowhere either.
fn no_instance_role(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    let made = site.call(
        "secretsmanager",
        "CreateSecret",
        json!({"Name": "invoices/token", "SecretString": "made-up", "ClientRequestToken": "1".repeat(32)}),
    )?;
    *configuration(recipe, "RuntimeEnvironmentSecrets") = json!({"BANK_TOKEN": made["ARN"]});
    without_role(recipe);
    Ok(())
}

/// Gives the service an instance role of its own.
fn with_role(site: &Site<'_>, recipe: &mut Recipe, trusted: &[&str], managed: &[&str]) -> Result<(), FleetError> {
    let role = role(site, &format!("{}-instance", recipe.name), trusted, managed)?;
    recipe.input["InstanceConfiguration"]["InstanceRoleArn"] = json!(role);
    Ok(())
}

fn instance_admin(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    with_role(site, recipe, &[TASKS], &["AdministratorAccess"])
}

fn instance_trust(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    with_role(site, recipe, &[TASKS, "ec2.amazonaws.com"], &["AWSXRayDaemonWriteAccess"])
}

fn instance_untrusted(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    with_role(site, recipe, &["ecs-tasks.amazonaws.com"], &["AWSXRayDaemonWriteAccess"])
}

fn role_gone(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    let place = site.place();
    let role = format!("arn:{}:iam::{}:role/intranet-instance", place.partition, place.account);
    recipe.input["InstanceConfiguration"]["InstanceRoleArn"] = json!(role);
    Ok(())
}

fn tracing_denied(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    with_role(site, recipe, &[TASKS], &[])
}

/// Gives the service an access role of its own.
fn with_access(site: &Site<'_>, recipe: &mut Recipe, trusted: &str, policy: &str) -> Result<(), FleetError> {
    let role = role(site, &format!("{}-access", recipe.name), &[trusted], &[policy])?;
    recipe.input["SourceConfiguration"]["AuthenticationConfiguration"]["AccessRoleArn"] = json!(role);
    Ok(())
}

fn access_wide(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    with_access(site, recipe, BUILD, "PowerUserAccess")
}

fn access_untrusted(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    with_access(site, recipe, "ec2.amazonaws.com", "service-role/AWSAppRunnerServicePolicyForECRAccess")
}

fn no_firewall(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    recipe.has_acl = false;
    Ok(())
}

/// Built from code, by a runtime that ended.
fn ended_runtime(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    let made =
        site.call("apprunner", "CreateConnection", json!({"ConnectionName": "handbook", "ProviderType": "GITHUB"}))?;
    site.internal("apprunner", "_ConnectionAvailable", json!({"ConnectionName": "handbook"}))?;
    recipe.input["SourceConfiguration"] = json!({
        "CodeRepository": {
            "RepositoryUrl": "https://github.com/larkspur-post/handbook",
            "SourceCodeVersion": {"Type": "BRANCH", "Value": "main"},
            "CodeConfiguration": {"ConfigurationSource": "API", "CodeConfigurationValues": {
                "Runtime": "NODEJS_16", "BuildCommand": "npm ci", "StartCommand": "node server.js", "Port": "8080"}},
        },
        "AutoDeploymentsEnabled": false,
        "AuthenticationConfiguration": {"ConnectionArn": made["Connection"]["ConnectionArn"]},
    });
    Ok(())
}

fn customer_key(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    let place = site.place();
    let key = format!(
        "arn:{}:kms:{}:{}:key/5a1d0c2e-7d0b-4a53-9d21-0f6f6b1c8e11",
        place.partition, place.region, place.account
    );
    recipe.input["EncryptionConfiguration"] = json!({"KmsKey": key});
    Ok(())
}

fn start_command(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    *configuration(recipe, "StartCommand") = json!("node feedback.js --port 8080");
    Ok(())
}

fn movable_tag(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    recipe.is_mutable = true;
    recipe.input["SourceConfiguration"]["AutoDeploymentsEnabled"] = json!(true);
    Ok(())
}

fn tracing_off(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    recipe.input["ObservabilityConfiguration"] = json!({"ObservabilityEnabled": false});
    Ok(())
}

/// Its first image answers no health check.
fn create_failed(site: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    images::unhealthy(site, recipe.name, "v1");
    Ok(())
}

fn private(_: &Site<'_>, _: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    recipe.has_acl = false;
    recipe.input["NetworkConfiguration"]["IngressConfiguration"] = json!({"IsPubliclyAccessible": false});
    Ok(())
}

fn through_the_cellar(_: &Site<'_>, fleet: &Fleet, recipe: &mut Recipe) -> Result<(), FleetError> {
    leave_by(recipe, fleet.resource("cellar"));
    Ok(())
}
