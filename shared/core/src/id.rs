//! Identifiers, parsed once at the edge and valid for ever after. Nothing here asks the world a question.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not the identifier it should be. `Display` says what was expected; the caller says where it stood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("`{0}` is not the ARN of an App Runner service (arn:aws:apprunner:<region>:<account>:service/<name>/<id>)")]
    ServiceArn(String),
    #[error("`{0}` is not an image digest (sha256: and 64 hex digits)")]
    Digest(String),
    #[error("`{0}` is not an image of ECR or ECR Public")]
    Image(String),
}

/// Keeps an id that came from outside printable in one line of a message.
fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

macro_rules! text_serde {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }
        impl From<$type> for String {
            fn from(id: $type) -> String {
                id.to_string()
            }
        }
    };
}

/// `arn:aws:apprunner:<region>:<account>:service/<name>/<serviceId>` (the guide, "Architecture").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceArn {
    partition: String,
    region: String,
    account: String,
    name: String,
    id: String,
}

text_serde!(ServiceArn);

impl ServiceArn {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::ServiceArn(clip(text));
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "apprunner", region, account, resource] = parts[..] else {
            return Err(wrong());
        };
        let path: Vec<&str> = resource.split('/').collect();
        let ["service", name, id] = path[..] else {
            return Err(wrong());
        };
        let lower =
            |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let name_ok =
            (4..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let id_ok = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let account_ok = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        if !(lower(partition) && lower(region) && account_ok && name_ok && id_ok) {
            return Err(wrong());
        }
        Ok(Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            name: name.to_owned(),
            id: id.to_owned(),
        })
    }

    pub fn partition(&self) -> &str {
        &self.partition
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    pub fn account(&self) -> &str {
        &self.account
    }

    /// The service's name: not unique over time (a deleted service's name can be taken again).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The service's id: 32 hex digits on the wire, never reused.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The log group of one kind, `service` or `application` (the guide, "Monitoring: CloudWatch Logs").
    pub fn log_group(&self, kind: &str) -> String {
        format!("/aws/apprunner/{}/{}/{kind}", self.name, self.id)
    }
}

impl fmt::Display for ServiceArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, name, id } = self;
        write!(f, "arn:{partition}:apprunner:{region}:{account}:service/{name}/{id}")
    }
}

/// An operation's id. The API writes it with hyphens, log streams without: both compare equal here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct OperationId(String);

impl OperationId {
    pub fn new(text: &str) -> Self {
        Self(text.chars().filter(|c| *c != '-').flat_map(char::to_lowercase).collect())
    }

    /// The name of the operation's log stream in the service log group.
    pub fn log_stream(&self) -> String {
        format!("deployment/{}", self.0)
    }
}

impl From<String> for OperationId {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<OperationId> for String {
    fn from(id: OperationId) -> Self {
        id.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An image digest: `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

text_serde!(Digest);

impl Digest {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match text.strip_prefix("sha256:") {
            Some(hex) if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err(IdError::Digest(clip(text))),
        }
    }

    /// The first 12 hex digits: what people read.
    pub fn short(&self) -> &str {
        &self.0[7..19]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an image lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Registry {
    /// `<account>.dkr.ecr.<region>.amazonaws.com`
    Ecr { account: String, region: String },
    /// `public.ecr.aws`
    EcrPublic,
}

/// What names the image inside its repository. No tag and no digest means `latest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reference {
    Tag(String),
    Digest(Digest),
}

/// An image identifier as App Runner takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageRef {
    pub registry: Registry,
    pub repository: String,
    pub reference: Reference,
    /// The identifier as it was written, which is what must be sent back unchanged.
    text: String,
}

impl TryFrom<String> for ImageRef {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<ImageRef> for String {
    fn from(image: ImageRef) -> Self {
        image.text
    }
}

impl ImageRef {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError::Image(clip(text));
        let (host, path) = text.split_once('/').ok_or_else(wrong)?;
        let registry = Self::parse_registry(host).ok_or_else(wrong)?;
        let (named, digest) = match path.split_once('@') {
            Some((named, digest)) => (named, Some(Digest::parse(digest)?)),
            None => (path, None),
        };
        let (repository, tag) = named.split_once(':').unwrap_or((named, "latest"));
        let legal = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/+=".contains(&b));
        if !legal(repository) || !legal(tag) || text.len() > 1024 {
            return Err(wrong());
        }
        let reference = digest.map_or_else(|| Reference::Tag(tag.to_owned()), Reference::Digest);
        Ok(Self { registry, repository: repository.to_owned(), reference, text: text.to_owned() })
    }

    fn parse_registry(host: &str) -> Option<Registry> {
        if host == "public.ecr.aws" {
            return Some(Registry::EcrPublic);
        }
        let (account, rest) = host.split_once(".dkr.ecr.")?;
        let region = rest.strip_suffix(".amazonaws.com")?;
        let account_ok = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let region_ok =
            !region.is_empty() && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (account_ok && region_ok).then(|| Registry::Ecr { account: account.to_owned(), region: region.to_owned() })
    }

    /// The same repository, pinned to a digest: what a rollback deploys.
    pub fn pinned_to(&self, digest: &Digest) -> Self {
        let host = match &self.registry {
            Registry::Ecr { account, region } => {
                format!("{account}.dkr.ecr.{region}.amazonaws.com")
            }
            Registry::EcrPublic => "public.ecr.aws".to_owned(),
        };
        Self {
            registry: self.registry.clone(),
            repository: self.repository.clone(),
            reference: Reference::Digest(digest.clone()),
            text: format!("{host}/{}@{digest}", self.repository),
        }
    }

    /// The digest, where the identifier itself names one.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.reference {
            Reference::Digest(digest) => Some(digest),
            Reference::Tag(_) => None,
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `repository:tag` or `repository@sha256:0123456789ab`: what people read.
    pub fn short(&self) -> String {
        match &self.reference {
            Reference::Tag(tag) => format!("{}:{tag}", self.repository),
            Reference::Digest(digest) => format!("{}@{}", self.repository, digest.short()),
        }
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
