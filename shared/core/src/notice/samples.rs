//! Notices that the tests of this crate share.

use jiff::Timestamp;

use super::{Link, Notice, NoticeKind, Severity, Todo};
use crate::diagnosis::{LogLine, LogSource, diagnose};
use crate::id::ServiceArn;

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000 + second).unwrap()
}

pub fn service(name: &str) -> ServiceArn {
    let arn = format!("arn:aws:apprunner:eu-west-1:123456789012:service/{name}/8fe1e10304f84fd2b0df550fe98a71fa");
    ServiceArn::parse(&arn).unwrap()
}

/// App Runner reverted a deployment.
pub fn reverted() -> Notice {
    let lines = [
        LogLine {
            source: LogSource::Events,
            at: at(61),
            text: "Deployment with ID : 0123 failed. Failure reason : Health check failed.".to_owned(),
        },
        LogLine {
            source: LogSource::Deployment,
            at: at(60),
            text: "Health check failed on protocol `HTTP`[Path: '/ready'], [Port: '8080']. Check your configured port number."
                .to_owned(),
        },
    ];
    Notice {
        id: "shop-api/0123/reverted".to_owned(),
        kind: NoticeKind::DeploymentReverted,
        severity: Severity::Warning,
        service: Some(service("shop-api")),
        incident: Some("inc-7f3a".to_owned()),
        group: "deployment_reverted/shop:latest".to_owned(),
        headline: "shop-api: deployment failed its health check; App Runner restored the previous release".to_owned(),
        happened: "The deployment of shop:latest (sha256 3b1f2c4d5e6a) ended as ROLLBACK_SUCCEEDED. The previous release serves."
            .to_owned(),
        why: Some(diagnose(&lines)),
        done: vec!["Marked the digest 3b1f2c4d5e6a as bad.".to_owned(), "Wrote nothing to App Runner.".to_owned()],
        todo: vec![Todo {
            text: "The tag still names the bad image: the next deploy or update arms it again. Pin the service until it is fixed."
                .to_owned(),
            command: Some("pitcrew rollback shop-api --to sha256:9a8b7c6d5e4f".to_owned()),
        }],
        links: vec![Link {
            label: "The service".to_owned(),
            url: "https://eu-west-1.console.aws.amazon.com/apprunner/home?region=eu-west-1#/services".to_owned(),
        }],
        receipt: "rcp-20251009T085320Z-1".to_owned(),
        at: at(90),
    }
}

/// The same thing at many services.
pub fn burst(services: usize) -> Vec<Notice> {
    (0..services)
        .map(|n| Notice {
            id: format!("shop-{n:02}/0123/reverted"),
            service: Some(service(&format!("shop-{n:02}"))),
            incident: Some(format!("inc-{n}")),
            headline: format!(
                "shop-{n:02}: deployment failed its health check; App Runner restored the previous release"
            ),
            receipt: format!("rcp-{n}"),
            ..reverted()
        })
        .collect()
}

/// A notice in which every text is the same text from outside.
pub fn hostile(text: &str) -> Notice {
    let line = LogLine { source: LogSource::Application, at: at(1), text: text.to_owned() };
    let mut notice = reverted();
    notice.headline = text.to_owned();
    notice.happened = text.to_owned();
    notice.done = vec![text.to_owned(); 5];
    notice.todo = vec![Todo { text: text.to_owned(), command: Some(text.to_owned()) }; 5];
    notice.links = vec![Link { label: text.to_owned(), url: text.to_owned() }; 5];
    if let Some(why) = &mut notice.why {
        why.summary = text.to_owned();
        why.fix = text.to_owned();
        why.evidence = Some(line.clone());
        why.last_lines = vec![line; 20];
    }
    notice
}

/// What somebody could write into a name, a log line or an error text.
pub const HOSTILE: &[&str] = &[
    "<!channel>",
    "<!here|here>",
    "<@U1>",
    "<#C1>",
    "<http://evil.example|click>",
    "http://evil.example/x",
    "*bold* _it_ ~no~ `code` ```fence```",
    "a\u{200b}b\u{200d}c\u{2060}d\u{feff}e",
    "\u{202e}txt.exe\u{2066}x\u{2069}",
    "&lt;!channel&gt; & < >",
    "line\r\nbreak\n\nX-Header: 1\u{1b}[31mred\u{7}",
    ":tada: \"quoted\" \\back\\",
    "\u{1f4a5} naïve 日本語",
    "",
];
