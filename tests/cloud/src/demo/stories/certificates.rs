//! Certificates that keep renewing: a record that somebody deletes, a renewal, and two that expired.

use serde_json::json;

use super::super::DemoError;
use super::super::ending::{Ending, writes};
use super::super::play::Play;
use super::super::shop::Records;

const ZONE: &str = "harbour-coffee.net";
const SHOP: &str = "shop.harbour-coffee.net";
const CLUB: &str = "club.harbour-coffee.net";
/// Days after which a certificate of 198 days is about to be renewed: that begins 45 days before its end.
const NEAR_RENEWAL_DAYS: i64 = 152;

pub(super) async fn certificates(play: &mut Play) -> Result<Ending, DemoError> {
    play.service().await?;
    let zone = play.zone(ZONE, &[])?;
    let mut seen = Vec::new();
    for name in [SHOP, CLUB] {
        play.associate(name, false)?;
        seen.push((format!("{name} became active"), play.until_active(name, 30).await?));
    }
    play.minutes(65).await?;
    play.begin_story().await?;

    // A record that proves the name is deleted while nobody needs it. App Runner goes on saying `active`.
    play.age_certificate(SHOP, NEAR_RENEWAL_DAYS)?;
    let first = play.visit(SHOP).await;
    let proof = Records::validation_of(play.stage(), &zone, SHOP)?;
    play.delete_records(&zone, &proof)?;
    play.minutes(7).await?;
    let put_back = Records::validation_of(play.stage(), &zone, SHOP)? == proof;
    let renewed = match &first {
        Ok(page) => play.until_renewed(SHOP, page, 36 * 60).await?,
        Err(_) => false,
    };
    let second = play.visit(SHOP).await;

    // It expired: linked again only where the owner's tag says so.
    play.expire_certificate(CLUB)?;
    play.minutes(1).await?;
    let expired = play.visit(CLUB).await;
    play.minutes(75).await?;
    let proposed = writes(&play.history(), "certificates", "apprunner").is_empty();
    play.tag(&json!([{"Key": "pitcrew:relink", "Value": "true"}]))?;
    let linked = play.until_visited(CLUB, 180).await?;
    // The sweep that sees the end of it, and tells it.
    play.minutes(5).await?;

    let mut ending = play.end().await?;
    for (what, so) in &seen {
        ending.expect(what, *so);
    }
    ending.expect("the deleted record was put back within minutes", put_back);
    ending.expect("the certificate was renewed", renewed);
    let another = matches!((&first, &second), (Ok(first), Ok(second)) if first.certificate != second.certificate);
    ending.expect("a TLS handshake shows the new one", another);
    ending.expect("the expired one was seen, and refused by a visitor", expired.is_err());
    ending.expect("without the owner's tag pitcrew proposed to link again, and did nothing", proposed);
    ending.expect("with it the domain was linked again, and is served with a valid certificate", linked);
    let calls = writes(&ending.history, "certificates", "apprunner");
    ending.expect("linked again once", calls == ["DisassociateCustomDomain", "AssociateCustomDomain"]);
    Ok(ending)
}
