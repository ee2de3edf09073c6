//! The stories: what the world does in each, and what must be true at its end.

use serde_json::json;

use super::DemoError;
use super::ending::Ending;
use super::play::Play;
use crate::outside::Behaviour;

/// What can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Story {
    /// A push that fails its health check: App Runner reverts it, pitcrew says why and what is still armed.
    Reverted,
    /// A push that passes its health check and then answers 500: pitcrew rolls back and pins.
    Unhealthy,
    /// An update whose native rollback fails: pitcrew restores the last good release.
    Stranded,
}

impl Story {
    pub fn all() -> Vec<Self> {
        vec![Self::Reverted, Self::Unhealthy, Self::Stranded]
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Reverted => "A push fails its health check. App Runner reverts it and tells nobody.",
            Self::Unhealthy => "A push passes its health check, then answers 500.",
            Self::Stranded => "An update fails, and App Runner's own rollback fails too.",
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reverted => "reverted",
            Self::Unhealthy => "unhealthy",
            Self::Stranded => "stranded",
        }
    }

    /// Plays the story on a stage on which the service's first release is good.
    pub(super) async fn play(self, play: &mut Play) -> Result<Ending, DemoError> {
        match self {
            Self::Reverted => reverted(play).await,
            Self::Unhealthy => unhealthy(play).await,
            Self::Stranded => stranded(play).await,
        }
    }
}

async fn reverted(play: &mut Play) -> Result<Ending, DemoError> {
    let good = play.good_release("v1").await?;
    let broken =
        Behaviour { healthy: false, log_lines: vec!["listening on 127.0.0.1:8080".to_owned()], ..Behaviour::default() };
    play.begin_story().await?;
    let bad = play.push("v2", broken)?;
    play.until_told("deployment_reverted", 30).await?;
    let mut ending = play.end().await?;
    ending.expect("pitcrew wrote nothing to App Runner", ending.writes.is_empty());
    ending.expect("the previous release serves", ending.serving.as_deref() == Some(good.as_str()));
    ending.expect("the failed digest is remembered as bad", ending.bad_digests.contains(&bad));
    ending.expect("the notice says that the tag is still armed", ending.slack_says("still names the bad image"));
    ending.expect("the notice names the health check", ending.slack_says("health check"));
    Ok(ending)
}

async fn unhealthy(play: &mut Play) -> Result<Ending, DemoError> {
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
    ending.expect("pitcrew wrote to App Runner once", ending.writes.len() == 1);
    ending.expect("the write was UpdateService", ending.writes.iter().all(|write| write == "UpdateService"));
    ending.expect("the last good digest serves", ending.serving.as_deref() == Some(good.as_str()));
    ending.expect("the service is pinned to it", ending.image.ends_with(&good) && !ending.auto_deploy);
    ending.expect("the failed digest is remembered as bad", ending.bad_digests.contains(&bad));
    ending.expect("the incident is closed", ending.open_incidents == 0);
    Ok(ending)
}

async fn stranded(play: &mut Play) -> Result<Ending, DemoError> {
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
    ending.expect("pitcrew wrote to App Runner once", ending.writes.len() == 1);
    ending.expect("the last good digest serves", ending.serving.as_deref() == Some(good.as_str()));
    ending.expect("the failed digest is remembered as bad", ending.bad_digests.contains(&bad));
    ending.expect("the cause was found: out of memory", ending.slack_says("137"));
    ending.expect("the incident is closed", ending.open_incidents == 0);
    Ok(ending)
}
