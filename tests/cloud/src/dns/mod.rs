//! The DNS on loopback: one recursive resolver over UDP and TCP, and the client that asks it for the cloud's own services.
//!
//! Owns: sockets and messages. What is answered is Route 53's to say (`_Query`): nothing is decided here, nothing is kept, and
//! nobody outside 127.0.0.1 is asked.

mod client;
mod server;
mod wire;

pub use client::{Reply, ask};
pub use server::Server;

use std::io;
use std::net::SocketAddr;

use tokio::sync::OnceCell;

use crate::effect::Lookup;
use crate::gateway::{Shared, lock};
use crate::outside::Resolver;

/// The resolver of one world, started when it is first needed. It ends when this is dropped.
pub struct Dns {
    world: Shared,
    server: OnceCell<Server>,
}

impl Dns {
    pub fn new(world: Shared) -> Self {
        Self { world, server: OnceCell::new() }
    }

    /// Where it answers, by UDP and by TCP.
    ///
    /// # Errors
    /// Where loopback cannot be listened on.
    pub async fn address(&self) -> io::Result<SocketAddr> {
        let server = self.server.get_or_try_init(|| Server::bind(self.world.clone())).await?;
        Ok(server.address())
    }

    /// Asks it over the wire, and brings the answer back to the service that asked.
    pub async fn look_up(&self, lookup: &Lookup) {
        let none = |rcode: &'static str| Reply { rcode, answers: Vec::new() };
        // Where nobody answers, the real seconds that it takes to learn so are spared: the cloud's clock stands meanwhile, and
        // a service may ask every minute of its days.
        let is_down = lock(&self.world).outside.names.resolver == Resolver::Down;
        let reply = match self.address().await {
            Ok(_) if is_down => none("TIMEOUT"),
            Ok(address) => ask(address, lookup).await,
            Err(_) => none("SERVFAIL"),
        };
        lock(&self.world).resolved(lookup, reply.rcode, &reply.answers);
    }
}

#[cfg(test)]
mod tests;
