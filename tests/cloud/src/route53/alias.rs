//! Which hosted zones an alias may point into, beside the zone that it stands in.
//!
//! The zones of App Runner are those of AWS's general reference ("AWS App Runner endpoints and quotas"), which the Terraform
//! provider's data source repeats.

use super::name::Name;

/// App Runner's regions and their zones, in the order of the regions' names.
pub const APP_RUNNER: [(&str, &str); 11] = [
    ("ap-northeast-1", "Z08491812XW6IPYLR6CCA"),
    ("ap-south-1", "Z00855883LBHKTIC4ODF2"),
    ("ap-southeast-1", "Z09819469CZ3KQ8PWMCL"),
    ("ap-southeast-2", "Z03657752RA8799S0TI5I"),
    ("eu-central-1", "Z0334911C2FDI2Q9M4FZ"),
    ("eu-west-1", "Z087551914Z2PCAU0QHMW"),
    ("eu-west-2", "Z098228427VC6B3IX76ON"),
    ("eu-west-3", "Z087117439MBKHYM69QS6"),
    ("us-east-1", "Z01915732ZBZKC8D32TPT"),
    ("us-east-2", "Z0224347AD7KVHMLOX31"),
    ("us-west-2", "Z02243383FTQ64HJ5772Q"),
];

/// CloudFront's zone, so that somebody else's alias can stand in the way.
const CLOUDFRONT: (&str, &str) = ("Z2FDTNDATAQYW2", "cloudfront.net");

/// The domain in which the targets of a zone of AWS's own lie; none for a zone that the cloud does not know.
pub fn domain_of(zone_id: &str) -> Option<Name> {
    let of_app_runner = APP_RUNNER.iter().find(|(_, id)| *id == zone_id);
    let text = match of_app_runner {
        Some((region, _)) => format!("{region}.awsapprunner.com"),
        None if zone_id == CLOUDFRONT.0 => CLOUDFRONT.1.to_owned(),
        None => return None,
    };
    Name::parse(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table that `pitcrew-core` is compared with.
    const REFERENCE: &str = include_str!("../../../../shared/core/tests/app_runner_zones.txt");

    #[test]
    fn the_zones_are_those_of_the_reference() {
        let mut rows: Vec<(&str, &str)> = REFERENCE.lines().filter_map(|line| line.split_once(' ')).collect();
        rows.sort_unstable();
        assert_eq!(rows, APP_RUNNER);
    }

    #[test]
    fn each_region_has_one_zone_and_each_zone_one_domain() {
        for (region, id) in APP_RUNNER {
            assert_eq!(domain_of(id).unwrap().normalized(), format!("{region}.awsapprunner.com"));
        }
        let regions: std::collections::BTreeSet<&str> = APP_RUNNER.iter().map(|(region, _)| *region).collect();
        assert_eq!(regions.len(), 11);
        assert_eq!(domain_of("Z0000000000000000000"), None);
    }
}
