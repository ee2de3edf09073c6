//! Judges the commands of fixes by what the models of AWS have: `tests/aws_commands.json`, which
//! `tests/template/test_aws_commands.py` holds against botocore. Every test that looks at a rule comes by here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::{PLACEHOLDERS, capitals};

/// Stands for what a `$(...)` gives.
const GIVEN: &str = "\u{1}";
/// Words of capitals that commands hold and nobody must replace: values of the APIs, and names in the samples.
const MEANT: [&str; 11] =
    ["AWS", "CNAME", "DB_PASSWORD", "DNS", "ECR", "HTTP", "PUSH", "SEED", "SUCCESS", "VPC", "Z0ZONE"];
/// Flags of the AWS CLI itself.
const GLOBAL: [&str; 4] = ["region", "query", "output", "cli-input-json"];

#[derive(Deserialize)]
struct Operation {
    flags: BTreeMap<String, Value>,
    required: Vec<String>,
    #[serde(default)]
    output: Value,
}

static KNOWN: LazyLock<BTreeMap<String, Operation>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../tests/aws_commands.json")).unwrap());

/// What is wrong with a command, each in a few words; nothing where it can be copied into a shell.
pub fn problems(command: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    script(&mut command.chars().peekable(), false, &mut wrong);
    let replaced = |word: &&str| !PLACEHOLDERS.contains(word) && !MEANT.contains(word);
    wrong.extend(capitals(command).filter(replaced).map(|word| format!("{word} is no placeholder that is known")));
    wrong
}

type Chars<'c> = std::iter::Peekable<std::str::Chars<'c>>;

/// Reads simple commands up to the end, or up to the `)` of a substitution.
fn script(chars: &mut Chars<'_>, inside: bool, wrong: &mut Vec<String>) {
    let (mut words, mut word): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        match chars.next() {
            None if inside => return wrong.push("a $( is not closed".to_owned()),
            None => break,
            Some(')') if inside => break,
            Some(' ') => words.extend(word.take()),
            Some('\n' | '|') => {
                words.extend(word.take());
                call(&std::mem::take(&mut words), wrong);
            }
            Some('\'') => single(chars, word.get_or_insert_default(), wrong),
            Some('"') => double(chars, word.get_or_insert_default(), wrong),
            Some('\\') => word.get_or_insert_default().extend(chars.next()),
            Some(c @ ('$' | '`' | ';' | '&' | '<' | '>' | '(' | '*' | '?' | '#' | '~' | '[' | '{' | '!')) => {
                return wrong.push(format!("an open `{c}`"));
            }
            Some(c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    call(&words, wrong);
}

fn single(chars: &mut Chars<'_>, word: &mut String, wrong: &mut Vec<String>) {
    for c in chars {
        if c == '\'' {
            return;
        }
        word.push(c);
    }
    wrong.push("a quote is not closed".to_owned());
}

fn double(chars: &mut Chars<'_>, word: &mut String, wrong: &mut Vec<String>) {
    while let Some(c) = chars.next() {
        match c {
            '"' => return,
            '$' if chars.peek() == Some(&'(') => {
                chars.next();
                script(chars, true, wrong);
                word.push_str(GIVEN);
            }
            '\\' => word.extend(chars.next()),
            '$' | '`' => wrong.push(format!("an open `{c}` in quotes")),
            _ => word.push(c),
        }
    }
    wrong.push("a quote is not closed".to_owned());
}

fn call(words: &[String], wrong: &mut Vec<String>) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["aws", ref call @ ..] => aws(call, wrong),
        ["jq", _] => {}
        // cli/src/args.rs
        ["pitcrew", "doctor"]
        | ["pitcrew", "releases", _]
        | ["pitcrew", "releases", _, "mark-good", _]
        | ["pitcrew", "domains", "plan" | "apply" | "relink", _, _] => {}
        _ => wrong.push(format!("no command that is known: {}", words.join(" "))),
    }
}

fn aws(words: &[&str], wrong: &mut Vec<String>) {
    let words = match words {
        ["--region", _, rest @ ..] => rest,
        all => all,
    };
    let [service, verb, rest @ ..] = words else { return wrong.push("no operation".to_owned()) };
    let name = format!("{service} {verb}");
    let Some(operation) = KNOWN.get(&name) else {
        // A new one is added to the file: tests/template/aws_commands.py says how.
        return wrong.push(format!("{name} is not in tests/aws_commands.json"));
    };
    let mut given: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut flag = None;
    for word in rest {
        match (word.strip_prefix("--"), flag) {
            (Some(name), _) => {
                flag = Some(name);
                given.entry(name).or_default();
            }
            (None, Some(flag)) => given.entry(flag).or_default().push(word),
            (None, None) => wrong.push(format!("{name}: {word} belongs to no flag")),
        }
    }
    for (flag, values) in &given {
        wrong.extend(judged(operation, flag, values).into_iter().map(|it| format!("{name} --{flag}: {it}")));
    }
    let missing = operation.required.iter().filter(|flag| !given.contains_key(flag.as_str()));
    if !given.contains_key("cli-input-json") {
        wrong.extend(missing.map(|flag| format!("{name} without --{flag}")));
    }
}

fn judged(operation: &Operation, flag: &str, values: &[&str]) -> Vec<String> {
    match (flag, values) {
        ("query", [query]) => return asked(&operation.output, query),
        (flag, [_]) if GLOBAL.contains(&flag) => return Vec::new(),
        _ => {}
    }
    let plain = flag.strip_prefix("no-").unwrap_or(flag);
    let shape = operation.flags.get(flag).or_else(|| operation.flags.get(plain).filter(|it| *it == "boolean"));
    match (shape, values) {
        (None, _) => vec!["no such flag".to_owned()],
        (Some(shape), []) if shape == "boolean" => Vec::new(),
        (Some(shape), _) if shape == "boolean" => vec!["takes no value".to_owned()],
        (Some(_), []) => vec!["has no value".to_owned()],
        (Some(list @ Value::Array(element)), values) => {
            let of = |value: &&&str| if value.starts_with('[') { list } else { &element[0] };
            values.iter().flat_map(|value| fits(of(&value), value)).collect()
        }
        (Some(shape), [value]) => fits(shape, value),
        (Some(_), values) => vec![format!("{} values", values.len())],
    }
}

/// Whether a value has only members that the shape has: as JSON, or in the CLI's own short form.
fn fits(shape: &Value, value: &str) -> Vec<String> {
    if value.contains(GIVEN) || value.starts_with("file://") || shape.is_string() {
        return Vec::new();
    }
    match serde_json::from_str(value) {
        Ok(json) => members(shape, &json),
        Err(_) => short(shape, value),
    }
}

fn members(shape: &Value, value: &Value) -> Vec<String> {
    match (shape, value) {
        (Value::Object(known), Value::Object(given)) => {
            let of = |name: &String| known.get(name).or_else(|| known.get("*"));
            let judge = |(name, value): (&String, &Value)| match of(name) {
                Some(shape) => members(shape, value),
                None => vec![format!("no member {name}")],
            };
            given.iter().flat_map(judge).collect()
        }
        (Value::Array(element), Value::Array(given)) => {
            given.iter().flat_map(|value| members(&element[0], value)).collect()
        }
        (Value::String(_), Value::Object(_) | Value::Array(_)) | (Value::Object(_) | Value::Array(_), _) => {
            vec![format!("{value} does not fit")]
        }
        _ => Vec::new(),
    }
}

/// `Name=value,Name={Name=value}`: its parts, where no bracket is open.
fn short(shape: &Value, value: &str) -> Vec<String> {
    let Value::Object(known) = shape else {
        let inside = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        return match (shape, inside) {
            (Value::Array(element), Some(inside)) => short(&element[0], inside),
            _ => vec![format!("{value} does not fit")],
        };
    };
    let value = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(value);
    let mut depth = 0_i32;
    let parts = value.split(|c: char| {
        depth += i32::from(matches!(c, '{' | '[')) - i32::from(matches!(c, '}' | ']'));
        c == ',' && depth == 0
    });
    let judge = |part: &str| match part.split_once('=') {
        None => vec![format!("`{part}` has no name")],
        Some((name, value)) => match known.get(name).or_else(|| known.get("*")) {
            None => vec![format!("no member {name}")],
            Some(Value::String(_)) => Vec::new(),
            Some(shape) => short(shape, value),
        },
    };
    parts.flat_map(judge).collect()
}

/// Whether the answer has what a query asks for.
fn asked(output: &Value, query: &str) -> Vec<String> {
    let mut at = output;
    for part in query.split('.') {
        let (name, index) = part.split_once('[').map_or((part, false), |(name, _)| (name, true));
        at = &at[name];
        if index {
            at = &at[0];
        }
    }
    if at.is_null() { vec![format!("{query} is not in the answer")] } else { Vec::new() }
}

#[test]
fn what_the_cli_would_refuse_is_seen() {
    let arn = "--service-arn arn:aws:apprunner:eu-west-1:123456789012:service/a/b";
    for (command, wrong) in [
        (
            "aws apprunner stop-service --service-arn a".to_owned(),
            "apprunner stop-service is not in tests/aws_commands.json",
        ),
        ("aws apprunner pause-service".to_owned(), "apprunner pause-service without --service-arn"),
        (format!("aws apprunner pause-service {arn} --force"), "apprunner pause-service --force: no such flag"),
        (
            format!("aws apprunner update-service {arn} --instance-configuration Cpus=1"),
            "apprunner update-service --instance-configuration: no member Cpus",
        ),
        (
            format!("aws apprunner update-service {arn} --health-check-configuration '{{\"Way\":\"/\"}}'"),
            "apprunner update-service --health-check-configuration: no member Way",
        ),
        (
            "aws ec2 revoke-security-group-egress --group-id sg-1 --ip-permissions 'IpRanges=[{Cidr=::/0}]'".to_owned(),
            "ec2 revoke-security-group-egress --ip-permissions: no member Cidr",
        ),
        (
            format!("aws apprunner describe-service {arn} --query Service.Source"),
            "apprunner describe-service --query: Service.Source is not in the answer",
        ),
        (format!("aws apprunner pause-service {arn} | sh"), "no command that is known: sh"),
        (format!("aws apprunner pause-service {arn}; reboot"), "an open `;`"),
        ("pitcrew domains repair a b".to_owned(), "no command that is known: pitcrew domains repair a b"),
        ("aws apprunner pause-service --service-arn 'a".to_owned(), "a quote is not closed"),
        ("aws apprunner pause-service --service-arn MY_ARN".to_owned(), "MY_ARN is no placeholder that is known"),
        (
            "aws apprunner pause-service --service-arn \"$(aws iam get-roles)\"".to_owned(),
            "iam get-roles is not in tests/aws_commands.json",
        ),
    ] {
        assert_eq!(problems(&command), [wrong], "{command}");
    }
}

#[test]
fn what_the_cli_takes_is_right() {
    for command in [
        "aws --region eu-west-1 apprunner pause-service --service-arn a\naws apprunner pause-service --service-arn b",
        "aws logs get-log-events --log-stream-name a --start-from-head --log-group-name /aws/x",
        "aws ec2 create-vpc-endpoint --vpc-id a --service-name b --no-private-dns-enabled --subnet-ids SUBNET_A SUBNET_B",
        "aws apprunner update-service --service-arn a --network-configuration \"$(aws apprunner describe-service \
         --service-arn a --query Service.NetworkConfiguration | jq '.EgressConfiguration = {}')\"",
        "aws ec2 authorize-security-group-ingress --group-id sg-1 --protocol tcp --port PORT --source-group sg-2",
        "pitcrew doctor",
    ] {
        assert_eq!(problems(command), [] as [&str; 0], "{command}");
    }
}

#[test]
fn the_commands_of_the_published_sample_can_be_copied() {
    let sample: Value = serde_json::from_str(include_str!("../../../../../docs/audit.sample.json")).unwrap();
    let fixes = sample["findings"].as_array().unwrap().iter();
    let commands: Vec<&str> = fixes.filter_map(|finding| finding["fix"]["command"].as_str()).collect();
    assert!(commands.len() > 4, "{commands:?}");
    for command in commands {
        assert_eq!(problems(command), [] as [&str; 0], "{command}");
    }
}
