//! Image identifiers and what they name at the moment of a pull.
//!
//! This reads identifiers by itself instead of with pitcrew-core: the cloud must not share a mistake with what it tests.

use crate::call::Place;
use crate::outside::{Behaviour, Outside};

use super::config::Config;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Registry {
    Private { account: String, region: String },
    Public,
}

/// An image identifier taken apart. A digest wins over a tag; neither means the tag `latest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageName {
    pub(super) registry: Registry,
    pub(super) repository: String,
    pub(super) tag: Option<String>,
    pub(super) digest: Option<String>,
}

impl ImageName {
    pub(super) fn parse(identifier: &str) -> Option<Self> {
        let (host, path) = identifier.split_once('/')?;
        let registry = if host == "public.ecr.aws" {
            Registry::Public
        } else {
            let (account, rest) = host.split_once(".dkr.ecr.")?;
            let region = rest.strip_suffix(".amazonaws.com")?;
            Registry::Private { account: account.to_owned(), region: region.to_owned() }
        };
        let (named, digest) = match path.split_once('@') {
            Some((named, digest)) => (named, Some(digest.to_owned())),
            None => (path, None),
        };
        let (repository, tag) = match named.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (named, None),
        };
        let tag = tag.or_else(|| digest.is_none().then(|| "latest".to_owned()));
        (!repository.is_empty()).then(|| Self { registry, repository: repository.to_owned(), tag, digest })
    }

    /// The digest that the name stands for now. A private repository of another account or region is only found where
    /// the outside world has it under its full name, `<account>.dkr.ecr.<region>.amazonaws.com/<repository>`.
    fn resolve(&self, outside: &Outside, place: &Place) -> Option<String> {
        let reference = self.digest.as_deref().or(self.tag.as_deref())?;
        let repository = match &self.registry {
            Registry::Public => outside.public_repositories.get(&self.repository),
            Registry::Private { account, region } if *account == place.account && *region == place.region => {
                outside.repositories.get(&self.repository)
            }
            Registry::Private { account, region } => {
                outside.repositories.get(&format!("{account}.dkr.ecr.{region}.amazonaws.com/{}", self.repository))
            }
        };
        repository?.find(reference).map(|image| image.digest.clone())
    }
}

/// What a deployment puts on its instances.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Artifact {
    Image {
        digest: String,
    },
    /// A build of a branch. It has no digest; its behaviour is that of the source at the time of the build.
    Build {
        branch: String,
        behaviour: Behaviour,
    },
}

impl Artifact {
    pub(super) fn behaviour(&self, outside: &Outside) -> Behaviour {
        match self {
            Self::Image { digest } => outside.behaviour(digest),
            Self::Build { behaviour, .. } => behaviour.clone(),
        }
    }

    pub(super) fn digest(&self) -> Option<&str> {
        match self {
            Self::Image { digest } => Some(digest),
            Self::Build { .. } => None,
        }
    }
}

/// Pulls the image, or builds the code; `None` is a failure (no such image, no rights, a build error).
pub(super) fn fetch(config: &Config, source: &Behaviour, outside: &Outside, place: &Place) -> Option<Artifact> {
    if config.is_code() {
        let branch = config.branch().unwrap_or_default().to_owned();
        return (!source.pull_fails).then(|| Artifact::Build { branch, behaviour: source.clone() });
    }
    if config.access_role().is_some_and(|role| outside.broken_roles.iter().any(|broken| broken == role)) {
        return None;
    }
    let digest = ImageName::parse(config.image_identifier()?)?.resolve(outside, place)?;
    (!outside.behaviour(&digest).pull_fails).then_some(Artifact::Image { digest })
}
