//! The date of a signature. AWS refuses one that is too far from its own clock, each service in its own words.
//!
//! Off by default, as the cloud's time jumps: `Switches::signature_date`. Codes: the ones that the SDKs take for a wrong clock
//! (`aws-runtime`, `service_clock_skew.rs`); texts: IAM user guide, "Troubleshoot Signature Version 4 signing", and S3's "Error responses".

use hyper::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Protocol;
use crate::call::ApiError;

/// How far from AWS's clock a signature may be dated.
const AWAY_MAX_SECONDS: i64 = 5 * 60;
/// The same at S3 and EC2.
const AWAY_MAX_SECONDS_LONG: i64 = 15 * 60;

/// As AWS writes it in headers and messages.
const FORM: &str = "%Y%m%dT%H%M%SZ";

/// Refuses a signature that is dated too far from `now`. One without a date is none of ours to judge.
pub fn check(parts: &Parts, protocol: Protocol, now: Timestamp) -> Result<(), ApiError> {
    let Some(dated) = date(parts) else { return Ok(()) };
    let is_long = matches!(protocol, Protocol::S3 | Protocol::Ec2);
    let most = if is_long { AWAY_MAX_SECONDS_LONG } else { AWAY_MAX_SECONDS };
    let away = now.as_second() - dated.as_second();
    if away.abs() <= most {
        return Ok(());
    }
    let (code, message) = match protocol {
        Protocol::S3 => (
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.".to_owned(),
        ),
        Protocol::Ec2 => ("AuthFailure", "AWS was not able to validate the provided access credentials".to_owned()),
        Protocol::Query | Protocol::RestXml => ("SignatureDoesNotMatch", said(dated, now, most, away > 0)),
        Protocol::Json(_) | Protocol::Cbor | Protocol::Rest => {
            ("InvalidSignatureException", said(dated, now, most, away > 0))
        }
    };
    let status = if protocol == Protocol::Ec2 { 401 } else { 403 };
    Err(ApiError { status, ..ApiError::client(code, message) })
}

fn date(parts: &Parts) -> Option<Timestamp> {
    let header = parts.headers.get("x-amz-date")?.to_str().ok()?;
    DateTime::strptime(FORM, header).ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
}

fn said(dated: Timestamp, now: Timestamp, most: i64, is_past: bool) -> String {
    let at = |second: i64| Timestamp::from_second(second).map(|at| at.strftime(FORM).to_string()).unwrap_or_default();
    let (signed, here, minutes) = (at(dated.as_second()), at(now.as_second()), most / 60);
    match is_past {
        true => format!(
            "Signature expired: {signed} is now earlier than {} ({here} - {minutes} min.)",
            at(now.as_second() - most)
        ),
        false => format!(
            "Signature not yet current: {signed} is still later than {} ({here} + {minutes} min.)",
            at(now.as_second() + most)
        ),
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn asked(protocol: Protocol, date: Option<&str>, now: &str) -> Option<(u16, String, String)> {
        let request = Request::builder();
        let request = date.into_iter().fold(request, |request, date| request.header("x-amz-date", date));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let refused = check(&parts, protocol, now.parse().unwrap()).err()?;
        Some((refused.status, refused.code, refused.message))
    }

    #[test]
    fn a_date_within_minutes_is_taken_and_one_beyond_is_refused_in_the_words_of_the_service() {
        let signed = Some("20261121T120000Z");
        for (protocol, near, far, status, code) in [
            (Protocol::Rest, "12:05:00", "12:05:01", 403, "InvalidSignatureException"),
            (Protocol::Json("1.0"), "11:55:00", "11:54:59", 403, "InvalidSignatureException"),
            (Protocol::Query, "12:05:00", "12:05:01", 403, "SignatureDoesNotMatch"),
            (Protocol::RestXml, "12:05:00", "12:05:01", 403, "SignatureDoesNotMatch"),
            (Protocol::S3, "12:15:00", "12:15:01", 403, "RequestTimeTooSkewed"),
            (Protocol::Ec2, "11:45:00", "11:44:59", 401, "AuthFailure"),
        ] {
            let at = |time: &str| format!("2026-11-21T{time}Z");
            assert_eq!(asked(protocol, signed, &at(near)), None, "{protocol:?}");
            let (was, named, _) = asked(protocol, signed, &at(far)).unwrap();
            assert_eq!((was, named.as_str()), (status, code), "{protocol:?}");
        }
        assert_eq!(asked(Protocol::Rest, None, "2026-11-21T12:00:00Z"), None, "a presigned address has none here");
    }

    #[test]
    fn the_words_name_both_clocks() {
        let said = |now: &str| asked(Protocol::Rest, Some("20261121T120000Z"), now).unwrap().2;
        let past =
            "Signature expired: 20261121T120000Z is now earlier than 20261121T125500Z (20261121T130000Z - 5 min.)";
        assert_eq!(said("2026-11-21T13:00:00Z"), past);
        let early = "Signature not yet current: 20261121T120000Z is still later than 20261121T110500Z (20261121T110000Z + 5 min.)";
        assert_eq!(said("2026-11-21T11:00:00Z"), early);
    }
}
