//! What a role needs to read the secrets of a service.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::audit::facts::ServiceFacts;

/// Exactly the secrets and parameters that a service names, each with the action that reads it.
pub(in crate::audit) struct ReadSecrets {
    secrets: BTreeSet<String>,
    parameters: BTreeSet<String>,
}

/// What reads the service's secrets; `None` where it names none.
pub(in crate::audit) fn read_secrets(service: &ServiceFacts) -> Option<ReadSecrets> {
    let (mut secrets, mut parameters) = (BTreeSet::new(), BTreeSet::new());
    for from in service.secrets.values() {
        let parts: Vec<&str> = from.split(':').collect();
        match parts[..] {
            // A JSON key, a version stage and a version id may follow the secret's own seven parts.
            ["arn", _, "secretsmanager", ..] => secrets.insert(parts[..parts.len().min(7)].join(":")),
            ["arn", ..] => parameters.insert(from.clone()),
            _ => {
                let arn = &service.arn;
                let name = from.trim_start_matches('/');
                parameters.insert(format!(
                    "arn:{}:ssm:{}:{}:parameter/{name}",
                    arn.partition(),
                    arn.region(),
                    arn.account()
                ))
            }
        };
    }
    (!service.secrets.is_empty()).then_some(ReadSecrets { secrets, parameters })
}

impl ReadSecrets {
    fn parts(&self) -> impl Iterator<Item = (&'static str, &BTreeSet<String>)> {
        let parts = [("secretsmanager:GetSecretValue", &self.secrets), ("ssm:GetParameters", &self.parameters)];
        parts.into_iter().filter(|(_, on)| !on.is_empty())
    }

    pub(in crate::audit) fn actions(&self) -> impl Iterator<Item = &'static str> {
        self.parts().map(|(action, _)| action)
    }

    /// The policy document that allows no more.
    pub(in crate::audit) fn document(&self) -> Value {
        let allow =
            |(action, on): (&str, &BTreeSet<String>)| json!({ "Effect": "Allow", "Action": action, "Resource": on });
        json!({ "Version": "2012-10-17", "Statement": self.parts().map(allow).collect::<Vec<_>>() })
    }
}
