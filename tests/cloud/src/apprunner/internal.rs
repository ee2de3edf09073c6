//! What the world, the control API and the stories do to App Runner from inside. The names start with `_`: the gateway
//! lets none of them in.
//!
//! | Operation | Input | What it does |
//! |---|---|---|
//! | `_ImagePushed` | `Repository`, `Tag`, `Digest` | auto-deploys the services that follow the tag |
//! | `_Maintenance` | `ServiceName`, `Minutes` | AWS works on the service: busy, no operation |
//! | `_Stick` | `ServiceName`, `Minutes` | the running operation hangs that much longer |
//! | `_CodeBehaviour` | `ServiceName`, `Behaviour` | how the source code behaves when it is built next |
//! | `_FailNext` | `ServiceName`, `OperationType` | the next `PAUSE_`, `RESUME_` or `DELETE_SERVICE` fails |
//! | `_Usage` | `Service` (name), `CpuPercent`, `MemoryPercent`, `Concurrency` | what the instances use from now on; what is left out is unknown, and nothing is reported of it |
//! | `_Running` | `ServiceName` | tells what really serves |
//! | `_Quota` | `Services` | raises (or lowers) the quota of services |
//! | `_AgeBy` | `ServiceName`, `Days` | makes `CreatedAt` older |
//! | `_AgeOperations` | `ServiceName`, `Days` | makes all of its operations older |
//! | `_ConnectionAvailable` | `ConnectionName` | completes the handshake |
//! | `_IngressFails` | `VpcIngressConnectionArn` | the change under way, or the next one, fails |
//! | `_CertificateChanged` | `Reference`, `Status`, `Records` | ACM tells how the certificate of a domain stands |
//! | `_Routed` | `Host` | tells which service answers a request for that host |
//! | `_DomainFails` | `DomainName` | the next disassociation fails |

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Answer, ApiError, Ctx};
use crate::outside::Behaviour;

use super::AppRunner;
use super::errors::{invalid_request, missing, no_custom_domain, wrong_state};
use super::image::{Artifact, ImageName, Registry};
use super::machine::{AUTO_DEPLOY_SECS, later};
use super::operations::{OperationType, Status};
use super::services::Service;
use super::traffic::Usage;

fn member<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    input.get(name).and_then(Value::as_str).ok_or_else(|| invalid_request(format!("{name} is missing.")))
}

fn amount(input: &Value, name: &str) -> Result<i64, ApiError> {
    match input.get(name).and_then(Value::as_f64) {
        // Up to ten years in minutes: beyond that a number is a mistake.
        Some(n) if (0.0..5_256_000.0).contains(&n) => Ok((n * 60.0) as i64),
        _ => Err(invalid_request(format!("{name} must be a positive number."))),
    }
}

fn days(input: &Value) -> Result<SignedDuration, ApiError> {
    let days = input.get("Days").and_then(Value::as_i64).filter(|days| (0..=36_500).contains(days));
    let days = days.ok_or_else(|| invalid_request("Days must be a whole number from 0 to 36500."))?;
    Ok(SignedDuration::from_hours(24 * days))
}

fn older(at: Timestamp, by: SignedDuration) -> Result<Timestamp, ApiError> {
    at.checked_sub(by).map_err(|error| invalid_request(format!("Days is too much: {error}.")))
}

impl AppRunner {
    pub(super) fn internal(&mut self, ctx: &mut Ctx<'_>, operation: &str, input: &Value) -> Answer {
        match operation {
            "_ImagePushed" => self.image_pushed(ctx, input),
            "_Maintenance" => self.maintenance(ctx, input),
            "_Stick" => self.stick(ctx, input),
            "_CodeBehaviour" => self.code_behaviour(input),
            "_FailNext" => self.fail_next(input),
            "_Usage" => self.usage(input),
            "_Running" => self.running(ctx, input),
            "_Quota" => self.quota(input),
            "_AgeBy" => self.age_by(input),
            "_AgeOperations" => self.age_operations(input),
            "_ConnectionAvailable" => self.connection_available(input),
            "_IngressFails" => self.ingress_fails(input),
            "_CertificateChanged" => self.certificate_changed(ctx, input),
            "_Routed" => self.routed(input),
            "_DomainFails" => self.domain_fails(input),
            other => Err(invalid_request(format!("App Runner has no internal operation {other}."))),
        }
    }

    /// The service with that name that is not deleted.
    fn named(&mut self, operation: &str, input: &Value) -> Result<&mut Service, ApiError> {
        let name = member(input, "ServiceName")?;
        self.services
            .find_mut(|service| service.ident.name == name && !service.is_deleted())
            .ok_or_else(|| missing(operation, "Service", name))
    }

    fn usage(&mut self, input: &Value) -> Answer {
        let number = |name: &str| match input.get(name).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(n) if n >= 0.0 => Ok(Some(n)),
                _ => Err(invalid_request(format!("_Usage: {name} must be a number of at least 0, not {value}."))),
            },
        };
        let usage = Usage {
            cpu_percent: number("CpuPercent")?,
            memory_percent: number("MemoryPercent")?,
            concurrency: number("Concurrency")?,
        };
        let name = member(input, "Service")?;
        self.named("_Usage", &json!({ "ServiceName": name }))?.traffic.usage = usage;
        Ok(json!({}))
    }

    fn image_pushed(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let (repository, tag) = (member(input, "Repository")?, member(input, "Tag")?);
        let place = ctx.place;
        let mut woken = Vec::new();
        for service in self.services.values_mut() {
            let follows = service.shown.auto_deploys()
                && service.shown.image_identifier().and_then(ImageName::parse).is_some_and(|image| {
                    let here = Registry::Private { account: place.account.clone(), region: place.region.clone() };
                    image.registry == here
                        && image.repository == repository
                        && image.digest.is_none()
                        && image.tag.as_deref() == Some(tag)
                });
            match service.status {
                Status::Running if follows => {
                    service.push_due.get_or_insert(later(ctx.now, AUTO_DEPLOY_SECS));
                }
                Status::OperationInProgress if follows => service.pushed_while_busy = true,
                _ => continue,
            }
            woken.push(json!(service.ident.arn));
        }
        Ok(json!({ "ServiceArns": woken }))
    }

    fn maintenance(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let secs = amount(input, "Minutes")?;
        let service = self.named("_Maintenance", input)?;
        if service.status != Status::Running {
            return Err(wrong_state("maintained", service.status.as_str()));
        }
        service.begin_maintenance(ctx, secs);
        Ok(json!({}))
    }

    fn stick(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let secs = amount(input, "Minutes")?;
        let service = self.named("_Stick", input)?;
        let Some(job) = service.job.as_mut() else {
            return Err(invalid_request("The service has no operation that could hang."));
        };
        job.due = later(job.due.max(ctx.now), secs);
        Ok(json!({}))
    }

    fn code_behaviour(&mut self, input: &Value) -> Answer {
        let name = member(input, "ServiceName")?.to_owned();
        let behaviour = input.get("Behaviour").cloned().unwrap_or_else(|| json!({}));
        let behaviour: Behaviour = serde_json::from_value(behaviour)
            .map_err(|error| invalid_request(format!("Behaviour is not understood: {error}.")))?;
        for service in self.services.values_mut().filter(|service| service.ident.name == name) {
            service.code = behaviour.clone();
        }
        self.code_behaviours.insert(name, behaviour);
        Ok(json!({}))
    }

    fn fail_next(&mut self, input: &Value) -> Answer {
        let wanted = member(input, "OperationType")?;
        let kinds = [OperationType::PauseService, OperationType::ResumeService, OperationType::DeleteService];
        let Some(kind) = kinds.into_iter().find(|kind| kind.as_str() == wanted) else {
            return Err(invalid_request(format!("{wanted} can't be made to fail; deployments fail by their image.")));
        };
        self.named("_FailNext", input)?.fail_next.insert(kind);
        Ok(json!({}))
    }

    fn running(&mut self, ctx: &mut Ctx<'_>, input: &Value) -> Answer {
        let service = self.named("_Running", input)?;
        let running = service.running.as_ref();
        let artifact = running.map(|running| &running.artifact);
        let branch = match artifact {
            Some(Artifact::Build { branch, .. }) => Some(branch),
            _ => None,
        };
        Ok(json!({
            "ServiceArn": service.ident.arn,
            "Status": service.status.as_str(),
            "Serving": service.serving,
            "Digest": artifact.and_then(Artifact::digest),
            "Branch": branch,
            "Behaviour": artifact.map(|artifact| json!(artifact.behaviour(ctx.outside))),
            "SourceConfiguration": running.map(|running| &running.config.source),
            "InstanceConfiguration": running.map(|running| &running.config.instance),
            "HealthCheckConfiguration": running.map(|running| &running.config.health),
            "NetworkConfiguration": running.map(|running| &running.config.network),
        }))
    }

    fn quota(&mut self, input: &Value) -> Answer {
        if input.get("Services").or(input.get("Others")).is_none() {
            return Err(invalid_request("_Quota needs Services, Others or both."));
        }
        for (name, most) in [("Services", &mut self.services_max), ("Others", &mut self.others_max)] {
            let Some(given) = input.get(name) else { continue };
            let given = given.as_u64().and_then(|given| usize::try_from(given).ok());
            *most = given.ok_or_else(|| invalid_request(format!("{name} must be a whole number.")))?;
        }
        Ok(json!({}))
    }

    fn age_by(&mut self, input: &Value) -> Answer {
        let by = days(input)?;
        let service = self.named("_AgeBy", input)?;
        service.created_at = older(service.created_at, by)?;
        Ok(json!({}))
    }

    /// Their order stays: all of them grow older by the same.
    fn age_operations(&mut self, input: &Value) -> Answer {
        let by = days(input)?;
        for operation in &mut self.named("_AgeOperations", input)?.operations {
            operation.started_at = older(operation.started_at, by)?;
            operation.updated_at = older(operation.updated_at, by)?;
            operation.ended_at = operation.ended_at.map(|at| older(at, by)).transpose()?;
        }
        Ok(json!({}))
    }

    fn connection_available(&mut self, input: &Value) -> Answer {
        let name = member(input, "ConnectionName")?;
        let connection = self.connections.iter_mut().find(|connection| connection.name == name);
        connection
            .map(|connection| connection.available = true)
            .map_or_else(|| Err(missing("_ConnectionAvailable", "Connection", name)), |()| Ok(json!({})))
    }

    fn ingress_fails(&mut self, input: &Value) -> Answer {
        let arn = member(input, "VpcIngressConnectionArn")?;
        match self.ingresses.iter_mut().find(|ingress| ingress.arn == arn && !ingress.is_deleted()) {
            Some(ingress) => ingress.fails = true,
            None => return Err(missing("_IngressFails", "VPC ingress connection", arn)),
        }
        Ok(json!({}))
    }

    fn with_domain(&mut self, name: &str) -> Result<&mut Service, ApiError> {
        let found = self.services.find_mut(|service| service.domains.iter().any(|d| d.name == name));
        found.ok_or_else(|| no_custom_domain(name))
    }

    fn domain_fails(&mut self, input: &Value) -> Answer {
        let name = member(input, "DomainName")?.to_ascii_lowercase();
        self.with_domain(&name)?.break_domain(&name)?;
        Ok(json!({}))
    }
}
