//! The hosted zones of App Runner's names, each against the table of AWS's general reference ("AWS App Runner endpoints and
//! quotas"), which was copied into `app_runner_zones.txt` for itself: with two of them swapped an alias leads nowhere.

use pitcrew_core::domain::zone_ids::zone_id;

/// Region and zone, a line each. The local cloud compares its own table with it too.
const TABLE: &str = include_str!("app_runner_zones.txt");

#[test]
fn each_region_has_the_zone_of_the_reference() {
    let rows: Vec<(&str, &str)> = TABLE.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(rows.len(), 11);
    for (region, id) in rows {
        assert_eq!(zone_id(region), Some(id), "{region}");
    }
    assert_eq!(zone_id("eu-north-1"), None, "App Runner does not run there");
}
