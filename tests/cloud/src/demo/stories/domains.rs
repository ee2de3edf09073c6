//! Custom domains that finish themselves, what stands in their way, and that nothing of ours is left behind.

use serde_json::{Value, json};

use super::super::DemoError;
use super::super::ending::{Ending, writes};
use super::super::play::{Play, SERVICE};
use super::super::shop::{Records, standing};

/// A zone of our own invention: App Runner refuses names that are reserved for examples.
const ZONE: &str = "harbour-coffee.net";

/// What stands in the zone before pitcrew sees it, and must stand there unchanged afterwards.
fn of_others() -> Vec<Value> {
    let record = |name: &str, kind: &str, ttl: u32, value: &str| json!({"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value}]});
    vec![
        record(ZONE, "MX", 3600, "10 mail.harbour-post.net."),
        record(ZONE, "TXT", 300, "\"v=spf1 include:harbour-post.net -all\""),
        record("blog.harbour-coffee.net", "CNAME", 300, "press.harbour-post.net."),
        record("pay.harbour-coffee.net", "CAA", 300, "0 issue \"letsencrypt.org\""),
    ]
}

pub(super) async fn domains(play: &mut Play) -> Result<Ending, DemoError> {
    play.service().await?;
    let zone = play.zone(ZONE, &of_others())?;
    let before = standing(play.stage(), &zone)?;
    play.begin_story().await?;
    let mut seen = Vec::new();

    // The apex with www by its event, a subdomain whose event is lost, a wildcard.
    play.associate(ZONE, true)?;
    seen.push(("the apex with www became active", play.until_active(ZONE, 30).await?));
    play.lose_events()?;
    play.associate("api.harbour-coffee.net", false)?;
    play.minutes(6).await?;
    play.let_events_through();
    seen.push((
        "the subdomain became active though its event was lost",
        play.until_active("api.harbour-coffee.net", 30).await?,
    ));
    play.associate("*.harbour-coffee.net", false)?;
    seen.push(("the wildcard became active", play.until_active("*.harbour-coffee.net", 30).await?));

    // Somebody else's record stands where the target belongs.
    play.associate("blog.harbour-coffee.net", false)?;
    play.until_told("domain", 10).await?;
    let blog = Records::at(play.stage(), &zone, "blog.harbour-coffee.net", "CNAME")?;

    // The authority is forbidden to issue; then the owner corrects it.
    play.associate("pay.harbour-coffee.net", false)?;
    play.minutes(6).await?;
    let none_yet = Records::below(play.stage(), &zone, "pay.harbour-coffee.net")?.len() == 1;
    play.replace(&zone, &of_others()[3], "0 issue \"amazon.com\"")?;
    seen.push((
        "once CAA allowed Amazon the domain became active by itself",
        play.until_active("pay.harbour-coffee.net", 30).await?,
    ));

    let mut pages = Vec::new();
    for name in
        [ZONE, "www.harbour-coffee.net", "api.harbour-coffee.net", "any.harbour-coffee.net", "pay.harbour-coffee.net"]
    {
        let page = play.visit(name).await;
        pages.push((name, page.is_ok_and(|page| page.status == 200 && page.body.contains(SERVICE))));
    }

    // One is unlinked, then the service is deleted.
    play.disassociate("api.harbour-coffee.net")?;
    play.minutes(15).await?;
    let api = Records::below(play.stage(), &zone, "api.harbour-coffee.net")?;
    play.delete_service()?;
    play.minutes(30).await?;
    let after = standing(play.stage(), &zone)?;

    let mut ending = play.end().await?;
    for (what, so) in seen {
        ending.expect(what, so);
    }
    for (name, so) in pages {
        ending.expect(&format!("https://{name}/ is answered with a certificate for it"), so);
    }
    ending.expect("the record that stood in the way was not touched", blog.is_value("press.harbour-post.net."));
    ending.expect("the notice shows it, and the one command", ending.slack_says("press.harbour-post.net"));
    ending.expect("while CAA forbade it nothing was written", none_yet);
    ending.expect("the unlinked domain's records are gone", api.is_empty());
    let corrected = |record: &Value| {
        let mut record = record.clone();
        if record["Type"] == "CAA" {
            record["ResourceRecords"][0]["Value"] = json!("0 issue \"amazon.com\"");
        }
        record
    };
    let expected: Vec<Value> = before.iter().map(corrected).collect();
    ending.expect("in the end the zone holds what others put there, to the byte", after == expected);
    ending.expect("pitcrew wrote nothing to App Runner", writes(&ending.history, "domains", "apprunner").is_empty());
    Ok(ending)
}
