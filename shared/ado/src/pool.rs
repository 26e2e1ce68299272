//! Connections that are made ready when somebody wants to ask something.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use reqwest::{Client, ClientBuilder};

/// A pool of connections, made ready with the first request. Cheap to clone; clones share the connections.
///
/// Making it ready reads the system's certificates, which takes longer than all the rest of a function's start, and most requests
/// of users need nothing but the tables.
#[derive(Clone)]
pub struct Pool {
    settings: Arc<dyn Fn() -> ClientBuilder + Send + Sync>,
    client: Arc<OnceLock<Client>>,
}

impl Pool {
    /// A pool with these settings.
    pub fn new(settings: impl Fn() -> ClientBuilder + Send + Sync + 'static) -> Self {
        Self {
            settings: Arc::new(settings),
            client: Arc::default(),
        }
    }

    /// The client, whose connections are kept from one request to the next.
    ///
    /// # Errors
    /// The settings make no sense, or the system's certificates cannot be loaded; the next call tries again.
    pub fn client(&self) -> Result<&Client, reqwest::Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = (self.settings)().build()?;
        Ok(self.client.get_or_init(|| client))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Pool")
    }
}
