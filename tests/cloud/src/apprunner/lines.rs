//! The log lines of App Runner, in the groups, streams and wordings of facts/app-runner.md, section 8.
//!
//! What the sheet has no text for (a build's happy path) is said in our own words and listed in the README.

use crate::call::Ctx;
use crate::effect::Effect;
use crate::outside::Behaviour;

use super::config::{Config, text};
use super::ids::without_hyphens;
use super::image::ImageName;
use super::operations::Operation;
use super::services::Identity;

fn push(ctx: &mut Ctx<'_>, who: &Identity, group: &str, stream: String, message: String) {
    let group = format!("/aws/apprunner/{}/{}/{group}", who.name, who.id);
    ctx.effects.push(Effect::Log { group, stream, message });
}

/// A line of the lifecycle, which mirrors an event.
pub(super) fn event(ctx: &mut Ctx<'_>, who: &Identity, message: &str) {
    push(ctx, who, "service", "events".to_owned(), format!("[AppRunner] {message}"));
}

/// A line of one deployment.
pub(super) fn deployment(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation, message: &str) {
    let stream = format!("deployment/{}", without_hyphens(&operation.id));
    push(ctx, who, "service", stream, format!("[AppRunner] {message}"));
}

fn build(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation, message: &str) {
    let stream = format!("deployment/{}", without_hyphens(&operation.id));
    push(ctx, who, "service", stream, format!("[Build] {message}"));
}

fn application(ctx: &mut Ctx<'_>, who: &Identity, instance: &str, message: &str) {
    push(ctx, who, "application", format!("instance/{instance}"), message.to_owned());
}

pub(super) fn deployment_started(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation, config: &Config) {
    let id = without_hyphens(&operation.id);
    let trigger = operation.kind.trigger();
    deployment(ctx, who, operation, &format!("Deployment with ID : {id} started. Triggering event : {trigger}"));
    deployment(ctx, who, operation, &artifact_line(config));
}

fn artifact_line(config: &Config) -> String {
    let Some(identifier) = config.image_identifier() else {
        let url = text(&config.source, "/CodeRepository/RepositoryUrl").unwrap_or_default();
        let branch = config.branch().unwrap_or_default();
        return format!("Deployment Artifact: [Repo Type: Github], [Repo URL: {url}], [Branch: {branch}]");
    };
    let kind = text(&config.source, "/ImageRepository/ImageRepositoryType").unwrap_or_default();
    let (path, tag) = match ImageName::parse(identifier) {
        Some(image) => {
            let end = identifier.len() - reference_len(identifier);
            (identifier.get(..end).unwrap_or(identifier), image.digest.or(image.tag).unwrap_or_default())
        }
        None => (identifier, String::new()),
    };
    format!("Deployment Artifact: [Repo Type: {kind}], [Image URL: {path}], [Image Tag: {tag}]")
}

/// How long the tag or digest at the end of an identifier is, with its separator.
fn reference_len(identifier: &str) -> usize {
    let slash = identifier.find('/').unwrap_or_default();
    identifier.get(slash..).and_then(|rest| rest.find([':', '@']).map(|at| rest.len() - at)).unwrap_or_default()
}

pub(super) fn fetch_started(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation, config: &Config) {
    if config.is_code() {
        deployment(ctx, who, operation, "Starting source code build.");
    } else {
        deployment(ctx, who, operation, "Starting to pull your application image.");
    }
}

pub(super) fn fetch_succeeded(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation, config: &Config) {
    if config.is_code() {
        build(ctx, who, operation, "Successfully built source code.");
    } else {
        deployment(ctx, who, operation, "Successfully pulled your application image from ECR.");
    }
}

pub(super) fn fetch_failed(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation, config: &Config) {
    if config.is_code() {
        let line = "Failed to build your application source code. Reason: Failed to execute 'build' command.";
        build(ctx, who, operation, line);
    } else {
        let line = "Deployment failed. Failure reason: Failed to copy the image from ECR.";
        deployment(ctx, who, operation, line);
    }
}

pub(super) fn pipeline_created(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation) {
    deployment(ctx, who, operation, "Creating pipeline for automatic deployments.");
}

pub(super) fn provisioning(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation, config: &Config) {
    let access = if config.is_public() { "publicly" } else { "privately" };
    let line = format!("Provisioning instances and deploying image for {access} accessible service.");
    deployment(ctx, who, operation, &line);
}

/// What the application itself writes as it starts. A wrong architecture cannot even say hello.
pub(super) fn instance_started(ctx: &mut Ctx<'_>, who: &Identity, instance: &str, behaviour: &Behaviour) {
    if behaviour.wrong_architecture {
        application(ctx, who, instance, "exec /bin/sh: exec format error");
        return;
    }
    for line in &behaviour.log_lines {
        application(ctx, who, instance, line);
    }
}

pub(super) fn health_check_started(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation, config: &Config) {
    let port = config.port();
    let line = match config.health_path() {
        Some(path) => format!("Performing health check on protocol `HTTP` [Path: '{path}'], [Port: '{port}']."),
        None => format!("Performing health check on protocol `TCP` [Port: '{port}']."),
    };
    deployment(ctx, who, operation, &line);
}

pub(super) fn health_check_succeeded(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation) {
    deployment(ctx, who, operation, "Health check is successful. Routing traffic to application.");
}

pub(super) fn routed(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation) {
    deployment(ctx, who, operation, "Successfully routed incoming traffic to application.");
}

pub(super) fn health_check_failed(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation, config: &Config) {
    let port = config.port();
    let line = match config.health_path() {
        Some(path) => format!(
            "Health check failed on protocol `HTTP`[Path: '{path}'], [Port: '{port}']. Check your configured port number. \
             For more information, see the application logs."
        ),
        None => format!("Health check failed on protocol `TCP` [Port: '{port}']."),
    };
    deployment(ctx, who, operation, &line);
    let id = without_hyphens(&operation.id);
    deployment(
        ctx,
        who,
        operation,
        &format!("Deployment with ID : {id} failed. Failure reason : Health check failed."),
    );
}

pub(super) fn crashed(ctx: &mut Ctx<'_>, who: &Identity, operation: &Operation, exit_code: i32) {
    deployment(ctx, who, operation, "Failed to deploy your application image.");
    let line = format!(
        "Your application stopped or failed to start. See logs for more information.  Container exit code: {exit_code}"
    );
    deployment(ctx, who, operation, &line);
}
