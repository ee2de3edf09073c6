//! What the control API, the tests and App Runner do to EC2 from inside. The names start with `_`: the gateway lets none in.
//!
//! | operation | input | answer |
//! |---|---|---|
//! | `_Network` | see [`super::network`] | the ids of everything that was made |
//! | `_ConnectorCreated` | `VpcConnectorArn`, `Subnets`, `SecurityGroups` | `NetworkInterfaceIds` |
//! | `_ConnectorDeleted` | `VpcConnectorArn` | nothing |

use super::{Ec2, invalid};
use crate::call::{Answer, Call, Ctx};

impl Ec2 {
    pub(super) fn internal(&mut self, ctx: &mut Ctx<'_>, call: &Call) -> Answer {
        match call.operation.as_str() {
            "_Network" => self.make_network(ctx, &call.input),
            "_ConnectorCreated" => self.connector_created(ctx, &call.input),
            "_ConnectorDeleted" => self.connector_deleted(&call.input),
            other => Err(invalid(format!("EC2 has no internal operation {other}"))),
        }
    }
}
