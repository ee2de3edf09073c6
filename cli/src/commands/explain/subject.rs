//! What an operator may give to `pitcrew explain`: whatever a notice shows, as it is copied.
//!
//! | given | subject |
//! |---|---|
//! | `DOM#<name>`, and whatever else has a dot and is none of the others with one | a custom domain |
//! | `I-...`, also as the beginning of a notice's id | an incident |
//! | `D-...`, likewise | one link of a custom domain |
//! | `CERT#<arn>/...`, or the ARN of a certificate | a certificate of ACM |
//! | the ARN of a service | a service |
//! | `R-...` | one receipt: it is told within the story of its subject |
//! | `audit-...`, `audit/...`, `AUDIT#...` | a run of the audit: it has a report and no receipts |
//! | anything else | an incident |

/// The subject of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    Incident(&'a str),
    Link(&'a str),
    Domain(&'a str),
    Certificate(&'a str),
    Service(&'a str),
    Receipt(&'a str),
    Audit(&'a str),
}

impl<'a> Subject<'a> {
    pub fn of(given: &'a str) -> Self {
        // The id of a notice goes on behind that of what it is about.
        let whole = given.split('/').next().unwrap_or_default();
        let begins = |start: &str| given.starts_with(start);
        let certificate = given.strip_prefix("CERT#").unwrap_or(given);
        if certificate.starts_with("arn:") && certificate.split(':').nth(2) == Some("acm") {
            return Self::Certificate(parts(certificate, 2));
        }
        match () {
            () if begins("arn:") => Self::Service(parts(given, 3)),
            () if begins("audit-") || begins("audit/") || begins("AUDIT#") => Self::Audit(given),
            // No id of ours holds a dot, and every domain does, whatever it begins with.
            () if begins("DOM#") || whole.contains('.') => Self::Domain(given.trim_start_matches("DOM#")),
            () if begins("D-") => Self::Link(whole),
            () if begins("R-") => Self::Receipt(whole),
            () if begins("I-") => Self::Incident(whole),
            () => Self::Incident(given),
        }
    }
}

/// The first parts of an ARN, without what a notice's id has behind them.
fn parts(arn: &str, count: usize) -> &str {
    let end = arn.match_indices('/').nth(count - 1).map(|(end, _)| end);
    end.and_then(|end| arn.get(..end)).unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_notice_shows_is_known_for_what_it_is() {
        let certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/0f1e2d3c-4b5a";
        let service = "arn:aws:apprunner:eu-west-1:123456789012:service/shop/1";
        let notice = format!("CERT#{certificate}/R-0a1b2c3d4e5f/put-back");
        let group = format!("CERT#{certificate}");
        let cases = [
            ("I-20260922-135900-5eed5eed", Subject::Incident("I-20260922-135900-5eed5eed")),
            ("I-20260922-135900-5eed5eed/told", Subject::Incident("I-20260922-135900-5eed5eed")),
            ("D-0f1e2d3c4b5a", Subject::Link("D-0f1e2d3c4b5a")),
            ("D-0f1e2d3c4b5a/conflict/7", Subject::Link("D-0f1e2d3c4b5a")),
            ("R-0a1b2c3d4e5f", Subject::Receipt("R-0a1b2c3d4e5f")),
            ("audit-20261121-0300.1", Subject::Audit("audit-20261121-0300.1")),
            ("audit/eu-west-1/20261121", Subject::Audit("audit/eu-west-1/20261121")),
            ("shop.example.com", Subject::Domain("shop.example.com")),
            ("*.example.com", Subject::Domain("*.example.com")),
            ("DOM#shop.example.com", Subject::Domain("shop.example.com")),
            ("d-1.example.com", Subject::Domain("d-1.example.com")),
            ("D-1.Example.com", Subject::Domain("D-1.Example.com")),
            ("I-love.example.com", Subject::Domain("I-love.example.com")),
            (certificate, Subject::Certificate(certificate)),
            (&group, Subject::Certificate(certificate)),
            (&notice, Subject::Certificate(certificate)),
            (service, Subject::Service(service)),
            (&format!("{service}/pin-ended"), Subject::Service(service)),
            ("typo", Subject::Incident("typo")),
        ];
        for (given, subject) in cases {
            assert_eq!(Subject::of(given), subject, "{given}");
        }
    }
}
