//! The command of a fix, as a person copies it: for which region it is, what it needs, and what must be put in.
//!
//! | in the command | what a person is told or given |
//! |---|---|
//! | `aws ...` or `pitcrew ...`, at its beginning, on another line or within `$(...)` | `--region`: a person's shell may stand in another region |
//! | a word of [`PLACEHOLDERS`] | that it is one |
//! | `jq` | that it is needed |

#[cfg(test)]
mod judge;

#[cfg(test)]
pub use judge::problems;

/// Words that stand for what a rule cannot know.
pub const PLACEHOLDERS: [&str; 34] = [
    "ACTIVE_CONNECTOR_ARN",
    "CLIENT_GROUP",
    "CONFIGURATION_ARN",
    "CONNECTOR_GROUP",
    "DESTINATION_CIDR",
    "DESTINATION_GROUP",
    "DOMAIN_NAME",
    "ELASTIC_IP",
    "ENDPOINT_GROUP",
    "ENDPOINT_ID",
    "GROUP_THAT_LETS_443_IN",
    "HEALTH_PATH",
    "KEY_ARN",
    "LOAD_BALANCER_ARN",
    "LOG_GROUP",
    "MILLISECONDS",
    "NAT_GATEWAY",
    "NEW_RUNTIME",
    "PORT",
    "PRIVATE_SUBNET",
    "PUBLIC_SUBNET_OF_THE_ZONE",
    "ROLE_ARN",
    "ROUTE_TABLE",
    "SECURITY_GROUP",
    "SERVICE_FILE",
    "SERVICE_NAME",
    "SUBNET_A",
    "SUBNET_B",
    "SUBNET_OF_ANOTHER_ZONE",
    "TASK_ROLE",
    "TOPIC_ARN",
    "VALUE_FILE",
    "VPC_ID",
    "WEB_ACL_ARN",
];

/// The words of capitals in a command, in their order.
fn capitals(command: &str) -> impl Iterator<Item = &str> {
    let part_of_a_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = command.split(move |c: char| !part_of_a_word(c));
    words.filter(|word| {
        word.len() > 2
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && !word.bytes().any(|byte| byte.is_ascii_lowercase())
    })
}

/// What is said with a command: what must be put in, and what it needs. Empty where it runs as it stands.
pub(super) fn notes(command: &str) -> String {
    let mut wanted: Vec<&str> = Vec::new();
    for word in capitals(command).filter(|word| PLACEHOLDERS.contains(word)) {
        if !wanted.contains(&word) {
            wanted.push(word);
        }
    }
    let mut notes = String::new();
    if !wanted.is_empty() {
        notes.push_str(&format!(" Put your own in the place of {}.", wanted.join(", ")));
    }
    if command.contains("| jq ") {
        notes.push_str(" The command needs jq.");
    }
    notes
}

/// What takes a `--region` before everything else.
const TOOLS: [&str; 2] = ["aws ", "pitcrew "];

/// The command with the region in every call of the AWS CLI and of pitcrew. What stands in single quotes is left as it
/// is.
pub(super) fn in_region(command: &str, region: &str) -> String {
    let mut out = String::with_capacity(command.len() + 32);
    let (mut quoted, mut at) = (false, 0);
    while let Some(c) = command[at..].chars().next() {
        let begins = out.is_empty() || out.ends_with('\n') || out.ends_with("$(");
        let tool = TOOLS.into_iter().find(|tool| !quoted && begins && command[at..].starts_with(tool));
        if let Some(tool) = tool {
            out.push_str(&format!("{tool}--region {region} "));
            at += tool.len();
            continue;
        }
        out.push(c);
        at += c.len_utf8();
        match c {
            '\'' => quoted = !quoted,
            '\\' if !quoted => {
                let escaped = command[at..].chars().next();
                out.extend(escaped);
                at += escaped.map_or(0, char::len_utf8);
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_cli_names_its_region_and_nothing_that_is_quoted_does() {
        let here = |command| in_region(command, "eu-west-1");
        assert_eq!(here("aws ecr put-image --image-tag v1"), "aws --region eu-west-1 ecr put-image --image-tag v1");
        assert_eq!(
            here("aws a b --c \"$(aws d e | jq '.f = \"g\"')\""),
            "aws --region eu-west-1 a b --c \"$(aws --region eu-west-1 d e | jq '.f = \"g\"')\""
        );
        assert_eq!(here("aws a b\naws c d"), "aws --region eu-west-1 a b\naws --region eu-west-1 c d");
        let outside = r"aws a b --name '$(aws c'\''$(aws d'";
        assert_eq!(here(outside), format!("aws --region eu-west-1 {}", outside.strip_prefix("aws ").unwrap()));
        assert_eq!(here("pitcrew doctor"), "pitcrew --region eu-west-1 doctor");
        assert_eq!((here("aws"), here("awsome aws a"), here("")), ("aws".into(), "awsome aws a".into(), String::new()));
    }

    #[test]
    fn what_must_be_put_in_and_what_is_needed_is_said_once() {
        assert_eq!(notes("aws a b --role ROLE_ARN --other ROLE_ARN --path /HEALTH_PATH"), {
            " Put your own in the place of ROLE_ARN, HEALTH_PATH."
        });
        assert_eq!(notes("aws a b --c \"$(aws d e | jq .f)\""), " The command needs jq.");
        assert_eq!(notes("aws a b --protocol TCP --name shop-PORTS"), "");
    }
}
