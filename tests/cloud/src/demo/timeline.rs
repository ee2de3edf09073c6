//! The timeline that a person reads: virtual time, who did what, and why. Drawn from the history and the receipts.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anstyle::{AnsiColor, Color, Style};
use jiff::Timestamp;
use serde_json::Value;

use super::ending::Ending;
use super::stories::Story;
use crate::history::Entry;
use crate::slack::{as_coloured_text, as_text};
use crate::stage::STACK;

/// Columns of the text of a line.
const WIDTH: usize = 84;
/// Columns of the actor.
const WHO: usize = 13;

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(colour)))
}

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// One line of the timeline.
struct Line {
    at: Timestamp,
    who: String,
    style: Style,
    text: String,
}

/// Prints a story.
///
/// # Errors
/// Where the terminal cannot be written to.
pub fn print(out: &mut impl Write, number: usize, story: Story, ending: &Ending) -> io::Result<()> {
    writeln!(out, "\n{BOLD}Story {number}: {}{BOLD:#}", story.title())?;
    writeln!(out, "{DIM}(--story {}; the clock is the cloud's){DIM:#}\n", story.name())?;
    let lost = lost(&ending.history);
    for line in ending.history.iter().filter_map(|entry| line(entry, &lost)) {
        print_line(out, &line)?;
    }
    writeln!(out, "\n{BOLD}In Slack{BOLD:#}\n")?;
    let coloured = matches!(
        anstream::AutoStream::choice(&io::stdout()),
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi
    );
    for message in &ending.slack {
        let drawn = if coloured { as_coloured_text(message) } else { as_text(message) };
        writeln!(out, "{drawn}")?;
    }
    if !ending.shown.is_empty() {
        writeln!(out, "{BOLD}In the report{BOLD:#}\n")?;
        ending.shown.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
        writeln!(out)?;
    }
    writeln!(out, "{BOLD}Receipts{BOLD:#} {DIM}(pitcrew explain prints them){DIM:#}")?;
    for receipt in &ending.receipts {
        print_receipt(out, receipt)?;
    }
    writeln!(out, "\n{BOLD}At the end{BOLD:#}")?;
    for (what, so) in &ending.expectations {
        let (mark, style) = if *so { ("ok   ", colour(AnsiColor::Green)) } else { ("WRONG", colour(AnsiColor::Red)) };
        writeln!(out, "  {style}{mark}{style:#} {what}")?;
    }
    Ok(())
}

fn print_line(out: &mut impl Write, line: &Line) -> io::Result<()> {
    let (time, style) = (line.at.strftime("%H:%M:%S"), line.style);
    for (row, text) in wrap(&line.text, WIDTH).into_iter().enumerate() {
        if row == 0 {
            writeln!(out, "  {DIM}{time}{DIM:#}  {style}{:<WHO$}{style:#} {text}", line.who)?;
        } else {
            writeln!(out, "  {:8}  {:<WHO$} {text}", "", "")?;
        }
    }
    Ok(())
}

fn print_receipt(out: &mut impl Write, receipt: &Value) -> io::Result<()> {
    let text = |name: &str| receipt[name].as_str().unwrap_or_default();
    let at: String = text("at").chars().skip(11).take(8).collect();
    writeln!(out, "  {} {DIM}{at}{DIM:#} {}  {DIM}because of{DIM:#} {}", text("id"), text("rule"), text("cause"))?;
    let saw = receipt["saw"].as_array().into_iter().flatten();
    let pair =
        |pair: &Value| format!("{}: {}", pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default());
    let saw: Vec<String> = saw.map(pair).collect();
    for row in wrap(&saw.join("; "), WIDTH + 8) {
        writeln!(out, "    {DIM}saw{DIM:#}     {row}")?;
    }
    for row in wrap(text("decision"), WIDTH + 8) {
        writeln!(out, "    {DIM}decided{DIM:#} {row}")?;
    }
    if !text("did").is_empty() {
        writeln!(out, "    {DIM}did{DIM:#}     {}", text("did"))?;
    }
    Ok(())
}

/// The ids of the events that got lost on their way.
fn lost(history: &[Entry]) -> BTreeSet<&str> {
    history.iter().filter_map(|entry| entry.what["lost-event"].as_str()).collect()
}

fn line(entry: &Entry, lost: &BTreeSet<&str>) -> Option<Line> {
    let (who, style, text) = match entry.kind {
        "story" => (entry.who.clone(), colour(AnsiColor::Blue), entry.what.as_str()?.to_owned()),
        "event" => {
            let (who, style, text) = event(&entry.what)?;
            let is_lost = entry.what["id"].as_str().is_some_and(|id| lost.contains(id));
            (who, style, if is_lost { format!("{text} (the event gets lost)") } else { text })
        }
        "call" => call(entry)?,
        _ => return None,
    };
    Some(Line { at: entry.at, who, style, text })
}

type Told = (String, Style, String);

fn event(event: &Value) -> Option<Told> {
    let detail = &event["detail"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match (event["source"].as_str()?, event["detail-type"].as_str()?) {
        ("aws.ecr", _) => Some((
            "ECR".to_owned(),
            colour(AnsiColor::Blue),
            format!(
                "push of {}:{} ({})",
                text(&detail["repository-name"]),
                text(&detail["image-tag"]),
                short(&text(&detail["image-digest"]))
            ),
        )),
        ("aws.cloudwatch", _) => Some((
            "CloudWatch".to_owned(),
            colour(AnsiColor::Yellow),
            format!(
                "alarm {}: {} -> {}",
                text(&detail["alarmName"]),
                text(&detail["previousState"]["value"]),
                text(&detail["state"]["value"])
            ),
        )),
        ("aws.apprunner", "AppRunner Service Operation Status Change") => {
            let code = detail.as_object()?.iter().find(|(key, _)| key.to_lowercase().ends_with("status"))?.1;
            Some(("EventBridge".to_owned(), DIM, format!("{} wakes {STACK}-rollback", text(code))))
        }
        ("aws.apprunner", "AWS API Call via CloudTrail") => {
            let call = detail["eventName"].as_str()?;
            let wakes = ["AssociateCustomDomain", "DisassociateCustomDomain", "DeleteService"].contains(&call);
            wakes.then(|| ("EventBridge".to_owned(), DIM, format!("CloudTrail's {call}, for {STACK}-domains")))
        }
        ("aws.apprunner", "AppRunner Custom Domain Validation Status Update") => {
            let at = |part: &str| detail.as_object()?.iter().find(|(key, _)| key.to_lowercase().contains(part));
            let (domain, status) = (text(at("domain")?.1), text(at("status")?.1));
            Some(("App Runner".to_owned(), colour(AnsiColor::Blue), format!("{domain}: validation {status}")))
        }
        _ => None,
    }
}

fn call(entry: &Entry) -> Option<Told> {
    let what = &entry.what;
    let (service, operation) = (what["service"].as_str()?, what["operation"].as_str()?);
    if entry.who == "operator" {
        return operator(service, operation, &what["input"]).map(|said| ("operator".to_owned(), BOLD, said));
    }
    let ours = entry.who.starts_with(STACK);
    match (service, operation) {
        ("apprunner", "UpdateService" | "StartDeployment") if ours => {
            let image = what["input"].pointer("/SourceConfiguration/ImageRepository/ImageIdentifier");
            let image =
                image.and_then(Value::as_str).map(|image| format!(" with {}", short(image))).unwrap_or_default();
            Some((
                "pitcrew".to_owned(),
                colour(AnsiColor::Magenta),
                format!("calls {operation}{image}: {}", answer(what)),
            ))
        }
        ("route53", "ChangeResourceRecordSets") if ours => {
            let said = format!("{} in Route 53: {}", changes(&what["input"]), answer(what));
            Some(("pitcrew".to_owned(), colour(AnsiColor::Magenta), said))
        }
        ("apprunner", "AssociateCustomDomain" | "DisassociateCustomDomain") if ours => {
            let domain = what["input"]["DomainName"].as_str().unwrap_or_default();
            let said = format!("calls {operation} for {domain}: {}", answer(what));
            Some(("pitcrew".to_owned(), colour(AnsiColor::Magenta), said))
        }
        ("dynamodb", "TransactWriteItems") if ours && what["outcome"]["ok"].is_object() => decided(&what["input"]),
        ("sns", "Publish") if ours => {
            let subject = what["input"]["Subject"].as_str()?;
            let (_, said) = subject.split_once(' ').unwrap_or(("", subject));
            Some(("pitcrew".to_owned(), colour(AnsiColor::Green), format!("tells ({}", said.replacen(": ", ") ", 1))))
        }
        _ => None,
    }
}

fn answer(call: &Value) -> String {
    match call["outcome"]["error"].as_str() {
        Some(error) => format!("refused: {error}"),
        None => "accepted".to_owned(),
    }
}

/// What the operator does, where a reader of the story wants to know.
fn operator(service: &str, operation: &str, input: &Value) -> Option<String> {
    match (service, operation) {
        ("apprunner", _) => {
            let domain = input["DomainName"].as_str().map(|domain| format!(" for {domain}")).unwrap_or_default();
            Some(format!("calls {operation}{domain}"))
        }
        ("route53", "ChangeResourceRecordSets") => Some(format!("{} in Route 53", changes(input))),
        _ => None,
    }
}

/// The changes of a batch: `creates shop.example.com A, deletes ...`.
fn changes(input: &Value) -> String {
    let all = input["ChangeBatch"]["Changes"].as_array().into_iter().flatten();
    let verb = |change: &Value| match change["Action"].as_str().unwrap_or_default() {
        "CREATE" => "creates",
        "DELETE" => "deletes",
        _ => "sets",
    };
    let mut said: Vec<String> = Vec::new();
    let mut last = "";
    for change in all {
        let record = &change["ResourceRecordSet"];
        let name = record["Name"].as_str().unwrap_or_default().trim_end_matches('.').replace("\\052", "*");
        let at = format!("{} {}", shorter(&name), record["Type"].as_str().unwrap_or_default());
        let verb = verb(change);
        said.push(if verb == last { at } else { format!("{verb} {at}") });
        last = verb;
    }
    said.join(", ")
}

/// A name whose long made-up labels are cut: nobody reads 32 hex digits.
fn shorter(name: &str) -> String {
    let label = |label: &str| match label.get(..8) {
        Some(head) if label.len() > 24 => format!("{head}..."),
        _ => label.to_owned(),
    };
    name.split('.').map(label).collect::<Vec<_>>().join(".")
}

/// What a transaction of a function records: its receipt. The call's own line says what was called.
fn decided(transaction: &Value) -> Option<Told> {
    let items = transaction["TransactItems"].as_array()?;
    let is_receipt = |item: &&Value| item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("RECEIPT#"));
    let receipt = items.iter().map(|item| &item["Put"]["Item"]).find(is_receipt)?;
    let (rule, decision) = (receipt["rule"]["S"].as_str()?, receipt["decision"]["S"].as_str()?);
    let text = format!("{decision} [{rule}]");
    let told_by_its_call = ["called", "records-intent"].contains(&rule);
    (!told_by_its_call).then(|| ("pitcrew".to_owned(), colour(AnsiColor::Magenta), text))
}

/// A digest's first twelve digits, wherever it stands in the text.
fn short(text: &str) -> String {
    match text.find("sha256:") {
        Some(at) if text.len() >= at + 19 => format!("{}{}", &text[..at], &text[at + 7..at + 19]),
        _ => text.to_owned(),
    }
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in text.split_whitespace() {
        let full =
            rows.last().is_some_and(|row| !row.is_empty() && row.chars().count() + 1 + word.chars().count() > width);
        if full {
            rows.push(String::new());
        }
        if let Some(row) = rows.last_mut() {
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
    }
    rows.retain(|row| !row.is_empty());
    rows
}
