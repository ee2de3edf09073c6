//! A test a row of the table, the order of the rows, and what must hold for any text.

use proptest::prelude::*;

use super::*;

fn line(source: LogSource, second: i64, text: &str) -> LogLine {
    LogLine { source, at: Timestamp::from_second(1_760_000_000 + second).unwrap(), text: text.to_owned() }
}

fn deployment(text: &str) -> LogLine {
    line(LogSource::Deployment, 0, text)
}

fn application(text: &str) -> LogLine {
    line(LogSource::Application, 0, text)
}

/// The name of the row that a line reaches, by the table's order.
fn row(line: &LogLine) -> Option<&'static str> {
    let read = Read::new(line);
    patterns::TABLE.iter().find(|pattern| (pattern.read)(&read).is_some()).map(|pattern| pattern.name)
}

/// Every row, with a line that reaches it (wordings of `facts/app-runner.md`, section 8), and what it leads to.
fn rows() -> Vec<(&'static str, LogLine, Cause, &'static str)> {
    use LogSource::{Api, Events};
    let api = |text| line(Api, 0, text);
    let events = |text| line(Events, 0, text);
    vec![
        (
            "exec format error",
            application("exec /bin/sh: exec format error"),
            Cause::WrongArchitecture,
            "another processor",
        ),
        (
            "exit code 137",
            deployment(
                "Your application stopped or failed to start. See logs for more information.  Container exit code: 137",
            ),
            Cause::OutOfMemory,
            "exit code 137 (killed: out of memory)",
        ),
        (
            "heap out of memory",
            application("FATAL ERROR: JavaScript heap out of memory"),
            Cause::OutOfMemory,
            "out of memory",
        ),
        (
            "role",
            api("InvalidRequestException: Error in assuming access role arn:aws:iam::123456789012:role/pull"),
            Cause::Role,
            "the access role arn:aws:iam::123456789012:role/pull",
        ),
        (
            "role",
            deployment("Error in assuming instance role `arn:aws:iam::1:role/app`."),
            Cause::Role,
            "instance role arn",
        ),
        (
            "build",
            deployment(
                "[AppRunner] Failed to build your application source code. Reason: Failed to execute 'build' command.",
            ),
            Cause::Build,
            "could not be built: Failed to execute 'build' command",
        ),
        ("quota", api("ServiceQuotaExceededException: too many services"), Cause::Quota, "quota"),
        (
            "image pull",
            events("Deployment failed. Failure reason: Failed to copy the image from ECR."),
            Cause::ImagePull,
            "could not copy the image",
        ),
        (
            "subnet",
            api("Subnets subnet-1 are in an unsupported Availability Zone"),
            Cause::Network,
            "an Availability Zone that App Runner does not support",
        ),
        ("apprunner.yaml", deployment("Invalid apprunner.yaml: unknown key"), Cause::Configuration, "apprunner.yaml"),
        (
            "busy",
            api("InvalidStateException: Service cannot be updated in the current state: OPERATION_IN_PROGRESS."),
            Cause::Platform,
            "not ready",
        ),
        ("connection", application("Error: connect ECONNREFUSED 10.0.0.5:5432"), Cause::Network, "connection refused"),
        (
            "exit code",
            deployment(
                "Your application stopped or failed to start. See logs for more information. Container exit code : `1`",
            ),
            Cause::Crash,
            "exit code 1",
        ),
        (
            "stopped",
            deployment("Your application stopped or failed to start."),
            Cause::Crash,
            "stopped or failed to start",
        ),
        (
            "health check with port",
            deployment(
                "Health check failed on protocol `HTTP`[Path: '/ready'], [Port: '8080']. Check your configured port number.",
            ),
            Cause::HealthCheck,
            "the health check failed on protocol HTTP, path /ready, port 8080",
        ),
        (
            "health check with port",
            deployment("Health check failed on protocol `TCP` [Port: '8080']."),
            Cause::HealthCheck,
            "the health check failed on protocol TCP, port 8080",
        ),
        (
            "health check",
            events("Deployment with ID : 0123 failed. Failure reason : Health check failed."),
            Cause::HealthCheck,
            "the health check failed",
        ),
        ("internal error", deployment("InternalServiceErrorException"), Cause::Platform, "an error of its own"),
        (
            "request",
            api("InvalidRequestException: Cpu and memory do not fit"),
            Cause::Configuration,
            "refused the request",
        ),
    ]
}

#[test]
fn every_row_of_the_table_is_reached_by_its_line() {
    for (name, line, cause, summary) in rows() {
        assert_eq!(row(&line), Some(name), "{}", line.text);
        let diagnosis = diagnose(std::slice::from_ref(&line));
        assert_eq!(diagnosis.cause, cause, "{}", line.text);
        assert!(diagnosis.summary.contains(summary), "{}", diagnosis.summary);
        assert!(diagnosis.evidence.is_some_and(|evidence| evidence.source == line.source));
        assert!(!diagnosis.fix.is_empty());
    }
}

#[test]
fn no_row_of_the_table_is_without_a_test() {
    for pattern in patterns::TABLE {
        assert!(rows().iter().any(|(name, ..)| *name == pattern.name), "{}", pattern.name);
    }
}

#[test]
fn a_row_beats_every_row_below_it() {
    let rows = rows();
    let rank = |name: &str| patterns::TABLE.iter().position(|pattern| pattern.name == name).unwrap();
    for (above, one, cause, _) in &rows {
        for (below, other, ..) in &rows {
            if rank(above) < rank(below) {
                assert_eq!(diagnose(&[other.clone(), one.clone()]).cause, *cause, "{above} beats {below}");
            }
        }
    }
}

#[test]
fn the_spelling_of_the_year_does_not_matter() {
    for text in [
        "Health check failed on protocol HTTP [Path : '/ready'] , [Port : '8080'] .",
        "[AppRunner] Health check failed on protocol `http`[Path: /ready], [Port: 8080]",
    ] {
        let summary = diagnose(&[deployment(text)]).summary;
        assert_eq!(summary, "the health check failed on protocol HTTP, path /ready, port 8080", "{text}");
    }
}

#[test]
fn the_older_wording_of_the_check_fills_in_path_and_port() {
    let lines = [
        line(LogSource::Deployment, 0, "Performing health check on path '/' and port '8080'."),
        line(LogSource::Events, 9, "Deployment with ID : 0123 failed. Failure reason : Health check failed."),
    ];
    assert_eq!(diagnose(&lines).summary, "the health check failed, path /, port 8080");
}

#[test]
fn a_crash_shows_what_the_application_said_last() {
    let lines = [
        line(LogSource::Application, 1, "Error: DATABASE_URL is not set"),
        line(LogSource::Deployment, 2, "Your application stopped or failed to start. Container exit code: 1"),
    ];
    let diagnosis = diagnose(&lines);
    assert_eq!(diagnosis.cause, Cause::Crash);
    assert_eq!(diagnosis.last_lines, [lines[0].clone()]);
}

#[test]
fn an_application_that_quotes_app_runner_is_not_believed() {
    let quoted = "Health check failed on protocol `HTTP` [Port: '1']. Container exit code: 137";
    assert_eq!(diagnose(&[application(quoted)]).cause, Cause::Unknown);
}

#[test]
fn the_exit_code_of_a_build_step_is_no_crash() {
    let step = deployment("[Build] the container command returned a non-zero exit code: 1");
    assert_eq!(diagnose(&[step]).cause, Cause::Unknown);
}

#[test]
fn a_deployment_that_goes_well_shows_no_cause() {
    let happy = [
        "Deployment with ID : 0123 started. Triggering event : SERVICE_DEPLOY",
        "Deployment Artifact: [Repo Type: ECR], [Image: shop]",
        "Starting to pull your application image.",
        "Successfully pulled your application image from ECR.",
        "Provisioning instances and deploying image for publicly accessible service.",
        "Performing health check on protocol `HTTP` [Path: '/x'], [Port: '8080'].",
        "Health check is successful. Routing traffic to application.",
        "Successfully routed incoming traffic to application.",
    ];
    let lines: Vec<LogLine> = happy.iter().map(|text| deployment(text)).collect();
    assert_eq!(diagnose(&lines).cause, Cause::Unknown);
}

#[test]
fn generic_lines_are_unknown_and_the_last_lines_are_shown() {
    let lines: Vec<LogLine> = (0..30)
        .map(|n| {
            line(LogSource::Deployment, n, &format!("Failed to deploy your application image. {n} {}", "x".repeat(400)))
        })
        .collect();
    let diagnosis = diagnose(&lines);
    assert_eq!(diagnosis.cause, Cause::Unknown);
    assert_eq!(diagnosis.evidence, None);
    assert_eq!(diagnosis.last_lines.len(), LAST_LINES_MAX);
    assert!(diagnosis.last_lines[0].text.contains(" 10 "), "oldest first: {}", diagnosis.last_lines[0].text);
    assert!(diagnosis.last_lines.iter().all(|line| line.text.chars().count() == LINE_CHARS_MAX));
    assert!(diagnosis.fix.contains("wrote no line"));
}

#[test]
fn no_lines_at_all_are_unknown() {
    assert_eq!(diagnose(&[]).cause, Cause::Unknown);
    assert!(diagnose(&[]).last_lines.is_empty());
}

fn sources() -> impl Strategy<Value = LogSource> {
    prop_oneof![
        Just(LogSource::Api),
        Just(LogSource::Events),
        Just(LogSource::Deployment),
        Just(LogSource::Application)
    ]
}

/// Text of any kind, and text around the words that the readers look for.
fn texts() -> impl Strategy<Value = String> {
    let words = prop_oneof![
        Just("exit code".to_owned()),
        Just("Reason".to_owned()),
        Just("health check failed".to_owned()),
        Just("[Path:".to_owned()),
        Just("port '".to_owned()),
        Just("`:\u{e9}".to_owned()),
        Just("İ protocol ".to_owned()),
        ".{0,12}",
    ];
    prop_oneof!["(?s).{0,200}", prop::collection::vec(words, 0..12).prop_map(|words| words.join(" "))]
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic_and_within_bounds(
        texts in prop::collection::vec((sources(), 0_i64..100, texts()), 0..40)
    ) {
        let lines: Vec<LogLine> = texts.iter().map(|(source, second, text)| line(*source, *second, text)).collect();
        let diagnosis = diagnose(&lines);
        prop_assert!(diagnosis.last_lines.len() <= LAST_LINES_MAX);
        prop_assert!(diagnosis.summary.chars().count() <= LINE_CHARS_MAX);
        let shown = diagnosis.last_lines.iter().chain(&diagnosis.evidence);
        for line in shown {
            prop_assert!(line.text.chars().count() <= LINE_CHARS_MAX);
            prop_assert!(!line.text.contains(char::is_control));
        }
        prop_assert_eq!(diagnosis.cause == Cause::Unknown, diagnosis.evidence.is_none());
    }

    #[test]
    fn unknown_wording_stays_unknown(texts in prop::collection::vec((sources(), "[b-dg-hj-mv-z0-9 :`.]{0,120}"), 1..40)) {
        // No word of the table can be spelt with these letters.
        let lines: Vec<LogLine> = texts.iter().map(|(source, text)| line(*source, 0, text)).collect();
        let diagnosis = diagnose(&lines);
        prop_assert_eq!(diagnosis.cause, Cause::Unknown);
        prop_assert_eq!(diagnosis.last_lines.len(), lines.len().min(LAST_LINES_MAX));
    }

    #[test]
    fn the_order_in_which_lines_arrive_does_not_matter(first in 0_usize..19, second in 0_usize..19) {
        let rows = rows();
        let (a, b) = (rows[first].1.clone(), rows[second].1.clone());
        prop_assert_eq!(diagnose(&[a.clone(), b.clone()]).cause, diagnose(&[b, a]).cause);
    }
}
