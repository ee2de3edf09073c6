//! The interpreter of `infra/template.yaml`: a SAM template in, plain data out, with every reference resolved.
//!
//! It reads the subset that the template uses and refuses the rest with the path of what it does not know, so that the
//! local cloud never runs less than what an operator deploys. It creates nothing; `deploy` does.

mod buckets;
mod build;
mod document;
mod intrinsic;
mod left_out;
mod order;
mod physical;
mod properties;
mod stack;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::call::Place;

pub(crate) use buckets::PUBLIC_ACCESS;
pub use stack::{
    AlarmSpec, BucketPolicySpec, BucketSpec, FunctionSpec, InvokeConfigSpec, LogGroupSpec, MappingSpec,
    QueuePolicySpec, QueueSpec, RoleSpec, RuleSpec, ScheduleSpec, SecretSpec, Stack, SubscriptionSpec, TableSpec,
    TargetSpec, TopicPolicySpec, TopicSpec,
};

/// Why a template is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template, at {at}: {reason}")]
pub struct TemplateError {
    /// A path such as `Resources.Table.Properties.KeySchema[0]`.
    pub at: String,
    pub reason: String,
}

impl TemplateError {
    pub(crate) fn new(at: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { at: at.into(), reason: reason.into() }
    }
}

/// What a deployment gives to the template.
#[derive(Clone, Debug)]
pub struct Inputs {
    pub stack_name: String,
    pub place: Place,
    pub parameters: BTreeMap<String, String>,
    /// What AWS chose when it made a resource: by `LogicalId` for `Ref`, by `LogicalId.Attribute` for `GetAtt`. What is not
    /// here is what AWS would most likely choose.
    pub physical: BTreeMap<String, String>,
}

/// Reads a template and resolves it.
///
/// # Errors
/// Where the template is no YAML, uses what is not modelled, or the inputs do not fit its parameters.
pub fn interpret(text: &str, inputs: &Inputs) -> Result<Stack, TemplateError> {
    let document = document::read(text)?;
    let sections = [
        "AWSTemplateFormatVersion",
        "Transform",
        "Description",
        "Metadata",
        "Parameters",
        "Mappings",
        "Conditions",
        "Resources",
        "Outputs",
    ];
    let fields = document.as_object().ok_or_else(|| TemplateError::new("/", "a template is a mapping"))?;
    if let Some(unknown) = fields.keys().find(|name| !sections.contains(&name.as_str())) {
        return Err(TemplateError::new(unknown, "this section is not modelled"));
    }
    let resolver = intrinsic::Resolver::new(&document, inputs)?;
    let order = order::order(&document, &resolver)?;
    build::build(&document, &resolver, &order, &inputs.stack_name)
}

/// The keys that a resource may have beside its properties.
const RESOURCE_KEYS: [&str; 7] =
    ["Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"];

/// A resource of the document.
pub(crate) fn resource<'d>(document: &'d Value, id: &str) -> Option<&'d Value> {
    document["Resources"].get(id)
}

#[cfg(test)]
mod storage;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod zones;
