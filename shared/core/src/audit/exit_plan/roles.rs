//! The roles that Express Mode needs: their trust, what they may do, and the commands that make them.
//!
//! Sources: the developer guide of ECS, "Amazon ECS task execution IAM role", "Amazon ECS infrastructure IAM role" and "Amazon
//! ECS task IAM role"; the managed policies' reference.

use serde::Serialize;
use serde_json::{Value, json};

use crate::audit::facts::ServiceFacts;
use crate::audit::policy::read_secrets;
use crate::dns::command::quote;

/// The name under which AWS's own console makes it: one serves all services of an account.
const INFRASTRUCTURE: &str = "ecsInfrastructureRoleForExpressServices";

/// A role of the new service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Role {
    /// The member of the request that names it.
    pub member: &'static str,
    pub arn: String,
    pub said: String,
    /// Who may take the role.
    pub trust: Value,
    pub commands: Vec<String>,
}

pub(super) fn execution_arn(service: &ServiceFacts) -> String {
    role_arn(service, &execution_name(service))
}

pub(super) fn infrastructure_arn(service: &ServiceFacts) -> String {
    role_arn(service, INFRASTRUCTURE)
}

fn execution_name(service: &ServiceFacts) -> String {
    format!("{}-ecs-execution", service.arn.name())
}

fn role_arn(service: &ServiceFacts, name: &str) -> String {
    format!("arn:{}:iam::{}:role/{name}", service.arn.partition(), service.arn.account())
}

fn managed(service: &ServiceFacts, name: &str) -> String {
    format!("arn:{}:iam::aws:policy/service-role/{name}", service.arn.partition())
}

fn trust(services: &[&str]) -> Value {
    let allowed =
        |service: &&str| json!({ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" });
    json!({ "Version": "2012-10-17", "Statement": services.iter().map(allowed).collect::<Vec<_>>() })
}

fn create(name: &str, trust: &Value) -> String {
    format!(
        "aws iam create-role --role-name {} --assume-role-policy-document {}",
        quote(name),
        quote(&trust.to_string())
    )
}

fn attach(name: &str, policy: &str) -> String {
    format!("aws iam attach-role-policy --role-name {} --policy-arn {}", quote(name), quote(policy))
}

/// The roles, in the order in which they are made.
pub(super) fn roles(service: &ServiceFacts) -> Vec<Role> {
    let mut roles = vec![execution(service), infrastructure(service)];
    roles.extend(service.instance_role.as_deref().map(task));
    roles
}

fn execution(service: &ServiceFacts) -> Role {
    let name = execution_name(service);
    let trust = trust(&["ecs-tasks.amazonaws.com"]);
    let mut commands =
        vec![create(&name, &trust), attach(&name, &managed(service, "AmazonECSTaskExecutionRolePolicy"))];
    if let Some(policy) = read_secrets(service) {
        commands.push(format!(
            "aws iam put-role-policy --role-name {} --policy-name read-secrets --policy-document {}",
            quote(&name),
            quote(&policy.document().to_string())
        ));
    }
    let reads = if service.secrets.is_empty() { "" } else { ", and reads the secrets" };
    Role {
        member: "executionRoleArn",
        arn: execution_arn(service),
        said: format!("pulls the image and writes the logs{reads}; it takes the place of the access role"),
        trust,
        commands,
    }
}

fn infrastructure(service: &ServiceFacts) -> Role {
    let trust = trust(&["ecs.amazonaws.com"]);
    let policy = managed(service, "AmazonECSInfrastructureRoleforExpressGatewayServices");
    Role {
        member: "infrastructureRoleArn",
        arn: infrastructure_arn(service),
        said: "makes the load balancer, the security groups, the certificate and the scaling; one serves all services of the \
               account, so its first command fails where it is there already"
            .to_owned(),
        commands: vec![create(INFRASTRUCTURE, &trust), attach(INFRASTRUCTURE, &policy)],
        trust,
    }
}

/// The instance role stays and is trusted by both: the old service runs on while the new one starts.
fn task(arn: &str) -> Role {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let trust = trust(&["tasks.apprunner.amazonaws.com", "ecs-tasks.amazonaws.com"]);
    Role {
        member: "taskRoleArn",
        arn: arn.to_owned(),
        said: "is the instance role, with one more trust; the second command replaces its whole trust, so add to the document \
               what the first one shows beside App Runner"
            .to_owned(),
        commands: vec![
            format!("aws iam get-role --role-name {} --query Role.AssumeRolePolicyDocument", quote(name)),
            format!(
                "aws iam update-assume-role-policy --role-name {} --policy-document {}",
                quote(name),
                quote(&trust.to_string())
            ),
        ],
        trust,
    }
}
