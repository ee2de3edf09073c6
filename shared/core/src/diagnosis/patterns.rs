//! The table of wordings, most specific first. Each row reads one line and says what it shows, or nothing.
//!
//! | # | what a line shows (after normalisation) | where | cause |
//! |---|---|---|---|
//! | 1 | `exec format error` | anywhere | wrong architecture |
//! | 2 | `exit code` 137 of the container | App Runner | out of memory |
//! | 3 | `heap out of memory`, `java.lang.outofmemoryerror`, `oomkilled` | application | out of memory |
//! | 4 | `error in assuming access role` or `instance role` | App Runner | role |
//! | 5 | `failed to build your application source code` | App Runner | build |
//! | 6 | `servicequotaexceeded`, `quota` with `exceeded` or `reached`, `limit exceeded` | App Runner | quota |
//! | 7 | `failed to copy`, `pull` ... `image` | App Runner | image pull |
//! | 8 | `subnet` with `availability zone` and a refusal | App Runner | network |
//! | 9 | `apprunner.yaml` with a complaint | App Runner | configuration |
//! | 10 | `cannot be updated in the current state`, `isn't in running state` | App Runner | platform (busy) |
//! | 11 | `econnrefused`, `etimedout`, `enotfound`, `connection timed out`, `no route to host`, ... | application | network |
//! | 12 | `exit code` of the container, any other | App Runner | crash |
//! | 13 | `your application stopped or failed to start` | App Runner | crash |
//! | 14 | `health check failed`, with port | App Runner | health check |
//! | 15 | `health check failed` | App Runner | health check |
//! | 16 | `internal service error` | App Runner | platform |
//! | 17 | `invalidrequestexception`, `validationexception` | the API | configuration |
//!
//! Wordings come from `facts/app-runner.md`, section 8; what no public text shows (a secret that is denied, a key, a lost
//! connection to GitHub) has no row. "App Runner" means every source but the application: what an application prints is its
//! own word, and it may quote anything. Generic lines (`Failed to deploy your application image.`, `Deployment failed.`)
//! name no cause and have no row either.

use super::wording;
use super::{Cause, Finding, LogSource, Read};

/// One row: its name for tests, and the reader.
pub(super) struct Pattern {
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests prove that each row is reached by name"))]
    pub name: &'static str,
    pub read: fn(&Read<'_>) -> Option<Finding>,
}

pub(super) const TABLE: &[Pattern] = &[
    Pattern { name: "exec format error", read: exec_format },
    Pattern { name: "exit code 137", read: killed },
    Pattern { name: "heap out of memory", read: heap },
    Pattern { name: "role", read: role },
    Pattern { name: "build", read: build },
    Pattern { name: "quota", read: quota },
    Pattern { name: "image pull", read: image_pull },
    Pattern { name: "subnet", read: subnet },
    Pattern { name: "apprunner.yaml", read: configuration_file },
    Pattern { name: "busy", read: busy },
    Pattern { name: "connection", read: connection },
    Pattern { name: "exit code", read: exit_code },
    Pattern { name: "stopped", read: stopped },
    Pattern { name: "health check with port", read: health_check_with_port },
    Pattern { name: "health check", read: health_check },
    Pattern { name: "internal error", read: internal },
    Pattern { name: "request", read: request },
];

/// The exit code that the kernel's out-of-memory killer leaves: 128 + SIGKILL.
const KILLED: i32 = 137;

fn finding(cause: Cause, summary: impl Into<String>, fix: &str) -> Option<Finding> {
    Some(Finding { cause, summary: summary.into(), fix: fix.to_owned() })
}

fn any(wording: &str, words: &[&str]) -> bool {
    words.iter().any(|word| wording.contains(word))
}

fn exec_format(read: &Read<'_>) -> Option<Finding> {
    read.wording.contains("exec format error").then_some(())?;
    finding(
        Cause::WrongArchitecture,
        "the image was built for another processor (exec format error); App Runner runs linux/amd64 only",
        "Build the image with `docker build --platform linux/amd64` and push it again.",
    )
}

/// The exit code of the container, where App Runner tells it. A build step's exit code is not one.
fn container_exit_code(read: &Read<'_>) -> Option<i32> {
    let ours = !read.is_application() && !read.wording.contains("[build]");
    let container = any(&read.wording, &["container", "application stopped", "failed to start"]);
    (ours && container).then(|| wording::exit_code(&read.wording)).flatten()
}

fn killed(read: &Read<'_>) -> Option<Finding> {
    container_exit_code(read).filter(|code| *code == KILLED)?;
    finding(
        Cause::OutOfMemory,
        "the container ended with exit code 137 (killed: out of memory)",
        "Give the service more memory, or make the application use less while it starts.",
    )
}

fn heap(read: &Read<'_>) -> Option<Finding> {
    let told = ["heap out of memory", "java.lang.outofmemoryerror", "oomkilled"];
    (read.is_application() && any(&read.wording, &told)).then_some(())?;
    finding(
        Cause::OutOfMemory,
        "the application's log says that it ran out of memory",
        "Give the service more memory, or raise the heap limit of the application's runtime.",
    )
}

fn role(read: &Read<'_>) -> Option<Finding> {
    (!read.is_application() && read.wording.contains("error in assuming")).then_some(())?;
    let (kind, principal) = if read.wording.contains("instance role") {
        ("instance role", "tasks.apprunner.amazonaws.com")
    } else if read.wording.contains("access role") {
        ("access role", "build.apprunner.amazonaws.com")
    } else {
        return None;
    };
    let named = wording::arn(&read.line.text).map(|arn| format!(" {arn}")).unwrap_or_default();
    finding(
        Cause::Role,
        format!("App Runner could not assume the {kind}{named}"),
        &format!(
            "Check that the role exists and that its trust policy names {principal}; a new role needs up to a minute to be known."
        ),
    )
}

fn build(read: &Read<'_>) -> Option<Finding> {
    (!read.is_application() && read.wording.contains("failed to build your application source code")).then_some(())?;
    let reason = wording::reason(&read.line.text).map(|reason| format!(": {reason}")).unwrap_or_default();
    finding(
        Cause::Build,
        format!("the source code could not be built{reason}"),
        "Read the [Build] lines of the deployment log and run the same command on the same commit.",
    )
}

fn quota(read: &Read<'_>) -> Option<Finding> {
    let wording = &read.wording;
    let told = any(wording, &["servicequotaexceeded", "limit exceeded", "limitexceeded"])
        || (wording.contains("quota") && any(wording, &["exceeded", "reached"]));
    (!read.is_application() && told).then_some(())?;
    finding(
        Cause::Quota,
        "a quota of the account is used up",
        "Delete services that are not needed (failed creations count) or ask for more in the Service Quotas console.",
    )
}

fn image_pull(read: &Read<'_>) -> Option<Finding> {
    let wording = &read.wording;
    let told = any(wording, &["failed to copy", "failed to pull"]) && wording.contains("image");
    (!read.is_application() && told).then_some(())?;
    finding(
        Cause::ImagePull,
        "App Runner could not copy the image from the registry",
        "Check that repository and tag exist in this region and that the access role may read them \
         (AWSAppRunnerServicePolicyForECRAccess).",
    )
}

fn subnet(read: &Read<'_>) -> Option<Finding> {
    let wording = &read.wording;
    let refused =
        any(wording, &["not supported", "unsupported", "isn't supported", "doesn't support", "not available"]);
    let told = wording.contains("subnet") && any(wording, &["availability zone", "az "]) && refused;
    (!read.is_application() && told).then_some(())?;
    finding(
        Cause::Network,
        "a subnet of the VPC connector lies in an Availability Zone that App Runner does not support",
        "Use a VPC connector whose subnets lie in supported Availability Zones (the line names the subnets).",
    )
}

fn configuration_file(read: &Read<'_>) -> Option<Finding> {
    let complaints = ["invalid", "failed", "error", "not found", "cannot", "could not", "missing", "unsupported"];
    let told = read.wording.contains("apprunner.yaml") && any(&read.wording, &complaints);
    (!read.is_application() && told).then_some(())?;
    finding(
        Cause::Configuration,
        "the file apprunner.yaml was not understood",
        "Compare apprunner.yaml with the configuration file reference of App Runner; the line names what is wrong.",
    )
}

fn busy(read: &Read<'_>) -> Option<Finding> {
    let told = ["cannot be updated in the current state", "isn't in running state", "is not in running state"];
    (!read.is_application() && any(&read.wording, &told)).then_some(())?;
    finding(
        Cause::Platform,
        "the service was not ready for the call: another operation or maintenance by AWS was in progress",
        "Wait until the service is RUNNING again and repeat the call.",
    )
}

/// What runtimes and libraries print when a connection cannot be made, and how it reads to people.
const CONNECTION_FAILURES: &[(&str, &str)] = &[
    ("econnrefused", "connection refused"),
    ("etimedout", "connection timed out"),
    ("enotfound", "name not found"),
    ("eai_again", "name not found"),
    ("connection timed out", "connection timed out"),
    ("connection refused", "connection refused"),
    ("no route to host", "no route to host"),
    ("network is unreachable", "network unreachable"),
    ("could not translate host name", "name not found"),
    ("temporary failure in name resolution", "name not found"),
];

fn connection(read: &Read<'_>) -> Option<Finding> {
    read.is_application().then_some(())?;
    let (_, means) = CONNECTION_FAILURES.iter().find(|(printed, _)| read.wording.contains(printed))?;
    finding(
        Cause::Network,
        format!("the application's log shows a connection that failed ({means})"),
        "Check the VPC connector, the security groups on both sides, the route (NAT) and the address that the application uses.",
    )
}

fn exit_code(read: &Read<'_>) -> Option<Finding> {
    let code = container_exit_code(read)?;
    let means = match code {
        0 => " (it ended by itself instead of serving)",
        126 => " (the start command is not executable)",
        127 => " (the start command was not found)",
        134 => " (aborted)",
        139 => " (segmentation fault)",
        143 => " (terminated)",
        _ => "",
    };
    finding(
        Cause::Crash,
        format!("the container ended with exit code {code}{means}"),
        "Read the last lines of the application's log: a missing variable, secret, file or migration is the usual cause.",
    )
}

fn stopped(read: &Read<'_>) -> Option<Finding> {
    (!read.is_application() && read.wording.contains("application stopped or failed to start")).then_some(())?;
    finding(
        Cause::Crash,
        "the application stopped or failed to start",
        "Read the last lines of the application's log and check the start command.",
    )
}

/// The summary is written from all lines about the health check, because the failing one may name nothing.
fn health_check(read: &Read<'_>) -> Option<Finding> {
    (!read.is_application() && read.wording.contains("health check failed")).then_some(())?;
    finding(
        Cause::HealthCheck,
        String::new(),
        "Check that the application listens on this port on 0.0.0.0 (not on 127.0.0.1), that the path answers with a \
         success, and that it starts within the time that the health check allows.",
    )
}

fn health_check_with_port(read: &Read<'_>) -> Option<Finding> {
    wording::HealthCheck::read(&read.line.text).port.and_then(|_| health_check(read))
}

fn internal(read: &Read<'_>) -> Option<Finding> {
    let told = ["internal service error", "internalserviceerror", "internal server error"];
    (!read.is_application() && any(&read.wording, &told)).then_some(())?;
    finding(
        Cause::Platform,
        "App Runner reported an error of its own",
        "Deploy again; where it stays, look at the AWS Health Dashboard and ask AWS Support with the operation id.",
    )
}

fn request(read: &Read<'_>) -> Option<Finding> {
    let told = ["invalidrequestexception", "validationexception"];
    (read.line.source == LogSource::Api && any(&read.wording, &told)).then_some(())?;
    finding(
        Cause::Configuration,
        "App Runner refused the request as invalid",
        "Correct what the error text names and repeat the call.",
    )
}
