//! Three faults that somebody mends: no deployment is needed for any of them.

use serde_json::json;

use super::{Fleet, FleetError, Site, people};

/// What a later audit must not find any more: rules and where.
pub const MENDED: [(&str, &str); 4] = [
    ("egress-unused", "unused"),
    ("security-no-firewall", "status-page"),
    ("domains-default-open", "status-page"),
    ("observability-logs-for-ever", "intranet"),
];

impl Fleet {
    /// Mends them.
    ///
    /// # Errors
    /// Where the cloud refuses a call.
    pub fn mend(&self, site: &Site<'_>) -> Result<(), FleetError> {
        let unused = json!({"VpcConnectorArn": self.resource("unused")});
        site.call("apprunner", "DeleteVpcConnector", unused)?;
        let guarded = json!({"WebACLArn": self.ground.acl, "ResourceArn": self.service("status-page")?});
        site.call("wafv2", "AssociateWebACL", guarded)?;
        people::retain_but(site, None)
    }
}
