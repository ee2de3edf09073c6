//! A failed, an unhealthy and a stranded deployment: what the world does, and what must be true at the end.

use serde_json::{Value, json};

use super::super::DemoError;
use super::super::ending::{Ending, rows, writes};
use super::super::play::{Play, SERVICE};
use crate::outside::Behaviour;
use crate::stage::Stage;

pub(super) async fn reverted(play: &mut Play) -> Result<Ending, DemoError> {
    let good = play.good_release("v1").await?;
    let broken =
        Behaviour { healthy: false, log_lines: vec!["listening on 127.0.0.1:8080".to_owned()], ..Behaviour::default() };
    play.begin_story().await?;
    let bad = play.push("v2", broken)?;
    play.until_told("deployment_reverted", 30).await?;
    let mut ending = play.end().await?;
    let outcome = Outcome::read(play.stage(), play.arn(), &ending)?;
    ending.expect("pitcrew wrote nothing to App Runner", outcome.writes.is_empty());
    ending.expect("the previous release serves", outcome.serving.as_deref() == Some(good.as_str()));
    ending.expect("the failed digest is remembered as bad", outcome.bad_digests.contains(&bad));
    ending.expect("the notice says that the tag is still armed", ending.slack_says("still names the bad image"));
    ending.expect("the notice names the health check", ending.slack_says("health check"));
    Ok(ending)
}

pub(super) async fn unhealthy(play: &mut Play) -> Result<Ending, DemoError> {
    let good = play.good_release("v1").await?;
    let failing = Behaviour {
        error_rate: 0.6,
        log_lines: vec![
            "listening on 0.0.0.0:8080".to_owned(),
            "ERROR orders: relation \"cart_v2\" does not exist".to_owned(),
        ],
        ..Behaviour::default()
    };
    play.begin_story().await?;
    let bad = play.push("v2", failing)?;
    play.until_told("rollback_succeeded", 60).await?;
    let mut ending = play.end().await?;
    let outcome = Outcome::read(play.stage(), play.arn(), &ending)?;
    ending.expect("pitcrew wrote to App Runner once", outcome.writes.len() == 1);
    ending.expect("the write was UpdateService", outcome.writes.iter().all(|write| *write == "UpdateService"));
    ending.expect("the last good digest serves", outcome.serving.as_deref() == Some(good.as_str()));
    ending.expect("the service is pinned to it", outcome.image.ends_with(&good) && !outcome.auto_deploy);
    ending.expect("the failed digest is remembered as bad", outcome.bad_digests.contains(&bad));
    ending.expect("the incident is closed", outcome.open_incidents == 0);
    Ok(ending)
}

pub(super) async fn stranded(play: &mut Play) -> Result<Ending, DemoError> {
    let good = play.good_release("v1").await?;
    let broken = Behaviour {
        exit_code: Some(137),
        rollback_fails: true,
        log_lines: vec!["loading 3.1 GB of embeddings".to_owned()],
        ..Behaviour::default()
    };
    play.begin_story().await?;
    let bad = play.push_tag("v2", "v2", broken)?;
    let image = play.image("v2");
    let source = json!({"ImageRepository": play.image_repository(&image), "AutoDeploymentsEnabled": false,
        "AuthenticationConfiguration": {"AccessRoleArn": play.access_role()}});
    play.call("apprunner", "UpdateService", json!({"ServiceArn": play.arn(), "SourceConfiguration": source}))?;
    play.until_told("rollback_succeeded", 60).await?;
    let mut ending = play.end().await?;
    let outcome = Outcome::read(play.stage(), play.arn(), &ending)?;
    ending.expect("pitcrew wrote to App Runner once", outcome.writes.len() == 1);
    ending.expect("the last good digest serves", outcome.serving.as_deref() == Some(good.as_str()));
    ending.expect("the failed digest is remembered as bad", outcome.bad_digests.contains(&bad));
    ending.expect("the cause was found: out of memory", ending.slack_says("137"));
    ending.expect("the incident is closed", outcome.open_incidents == 0);
    Ok(ending)
}

/// What became of the service: read from App Runner and from the table.
struct Outcome {
    /// App Runner's writes by pitcrew that were accepted.
    writes: Vec<String>,
    /// The digest that really serves.
    serving: Option<String>,
    image: String,
    auto_deploy: bool,
    bad_digests: Vec<String>,
    open_incidents: usize,
}

impl Outcome {
    fn read(stage: &Stage, arn: &str, ending: &Ending) -> Result<Self, DemoError> {
        let rows = of_service(stage, arn)?;
        let releases = rows.iter().find(|row| row["sk"] == "RELEASES").cloned().unwrap_or_default();
        let running = stage.internal("apprunner", "_Running", json!({"ServiceName": SERVICE}))?;
        let described = stage.internal("apprunner", "DescribeService", json!({"ServiceArn": arn}))?;
        let source = &described["Service"]["SourceConfiguration"];
        Ok(Self {
            writes: writes(&ending.history, "rollback", "apprunner").into_iter().map(str::to_owned).collect(),
            serving: running["Digest"].as_str().map(str::to_owned),
            image: source["ImageRepository"]["ImageIdentifier"].as_str().unwrap_or_default().to_owned(),
            auto_deploy: source["AutoDeploymentsEnabled"] == true,
            bad_digests: texts(&releases["bad"], "/digest"),
            open_incidents: rows.iter().filter(|row| row["sk"] == "INCIDENT").count(),
        })
    }
}

/// Whether the service has a release that has proven itself.
pub fn has_good_release(stage: &Stage, arn: &str) -> Result<bool, DemoError> {
    let rows = of_service(stage, arn)?;
    let releases = rows.iter().find(|row| row["sk"] == "RELEASES").cloned().unwrap_or_default();
    Ok(texts(&releases["releases"], "/verdict/is").iter().any(|verdict| verdict == "good"))
}

fn of_service(stage: &Stage, arn: &str) -> Result<Vec<Value>, DemoError> {
    let mut rows = rows(stage)?;
    rows.retain(|row| row["pk"] == format!("SVC#{arn}"));
    Ok(rows)
}

fn texts(list: &Value, path: &str) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| item.pointer(path)?.as_str().map(str::to_owned)).collect()
}
