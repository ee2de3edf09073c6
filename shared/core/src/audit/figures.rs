//! The numbers of a report that become metrics: plain values, which the worker prints under the names of the Lambda crate.

use super::{Counts, Report};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Open findings by grade.
    pub open: Counts,
    pub waived: u32,
    /// Services that were audited.
    pub services: u32,
    /// Pairs of a rule and a resource that could not be checked.
    pub not_checked: u32,
    /// The fewest days that a certificate has left; `None` where none was seen: then no value must be sent.
    pub days_left_min: Option<i64>,
}

pub fn figures(report: &Report) -> Figures {
    Figures {
        open: report.counts,
        waived: report.waived,
        services: report.audited,
        not_checked: report.unchecked,
        days_left_min: report.days_left_min(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, report};
    use super::super::{CertificateLine, Grade, Waivers, check_service, testing};
    use super::*;
    use crate::audit::Report;

    #[test]
    fn each_figure_is_that_of_the_report() {
        let made = report("r1", 1, vec![finding(1, "shop-api", Grade::High)], None);
        let expected = Figures {
            open: Counts { high: 1, ..Counts::default() },
            waived: 0,
            services: 0,
            not_checked: 0,
            days_left_min: None,
        };
        assert_eq!(figures(&made), expected);
    }

    #[test]
    fn the_days_are_the_fewest_of_all_services() {
        let part = |name: &str, days_left| {
            let mut part = check_service(&testing::fleet(1), &testing::service(name, &[]), &Waivers::default());
            let domain = "shop.example.com".to_owned();
            part.services[0].certificates = vec![CertificateLine { domain, not_after: testing::noon(1), days_left }];
            part
        };
        let made = Report::assemble(
            testing::run("r1", 1),
            [testing::quiet(), part("shop-api", 90), part("shop-web", -2)],
            None,
        );
        assert_eq!((figures(&made).days_left_min, figures(&made).services), (Some(-2), 2));
    }
}
