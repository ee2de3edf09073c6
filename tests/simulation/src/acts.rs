//! What the world does beside pitcrew: people push images, update, deploy, pause; App Runner is maintained.

use pitcrew_cloud::call::{Call, Caller};
use pitcrew_cloud::outside::Behaviour;
use pitcrew_cloud::world::World;
use pitcrew_e2e::scene::{push, source};
use pitcrew_e2e::{Scene, Shop};
use serde_json::{Value, json};

/// How an image behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Good,
    /// Healthy, and six requests of ten fail.
    Errors,
    /// Never answers its health check: App Runner reverts it by itself.
    Unhealthy,
    /// The same, and App Runner's own rollback fails.
    Stranding,
}

/// Good ones are the more frequent, or nothing could ever be rolled back to.
pub const KINDS: [Kind; 7] =
    [Kind::Good, Kind::Good, Kind::Good, Kind::Errors, Kind::Errors, Kind::Unhealthy, Kind::Stranding];

impl Kind {
    fn behaviour(self) -> Behaviour {
        match self {
            Self::Good => Behaviour::default(),
            Self::Errors => Scene::answers_500(),
            Self::Unhealthy => Scene::unhealthy(),
            Self::Stranding => Behaviour { rollback_fails: true, ..Scene::unhealthy() },
        }
    }
}

/// Something that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A push to the tag that the service follows.
    Push(Kind),
    /// An update to an image of its own digest, and an end to following the tag.
    Update(Kind),
    Deploy,
    Pause,
    Resume,
    /// AWS works on the service for some minutes.
    Maintain,
}

/// An image that somebody made.
#[derive(Clone, Debug)]
pub struct Pushed {
    pub shop: String,
    pub digest: String,
    pub kind: Kind,
}

fn as_operator(world: &mut World, operation: &str, input: Value) {
    let call = Call {
        service: "apprunner".to_owned(),
        operation: operation.to_owned(),
        input,
        caller: Caller::Operator,
        request_id: world.ids.uuid(),
    };
    // A service that is busy refuses, as it would refuse a person.
    let _refused = world.call(&call);
}

fn made(world: &mut World, shop: &Shop, kind: Kind, tag: Option<&str>) -> Pushed {
    Pushed { shop: shop.name.clone(), digest: push(world, &shop.name, tag, kind.behaviour()), kind }
}

/// Does it; gives the image that it made.
pub fn perform(world: &mut World, shop: &Shop, act: Act) -> Option<Pushed> {
    let arn = json!({"ServiceArn": shop.arn});
    match act {
        Act::Push(kind) => Some(made(world, shop, kind, Some("latest"))),
        Act::Update(kind) => {
            let pushed = made(world, shop, kind, None);
            let source = source(&shop.name, &format!("@{}", pushed.digest), false);
            as_operator(world, "UpdateService", json!({"ServiceArn": shop.arn, "SourceConfiguration": source}));
            Some(pushed)
        }
        Act::Deploy => {
            as_operator(world, "StartDeployment", arn);
            None
        }
        Act::Pause => {
            as_operator(world, "PauseService", arn);
            None
        }
        Act::Resume => {
            as_operator(world, "ResumeService", arn);
            None
        }
        Act::Maintain => {
            let _busy = world.internal("apprunner", "_Maintenance", json!({"ServiceName": shop.name, "Minutes": 4}));
            None
        }
    }
}
