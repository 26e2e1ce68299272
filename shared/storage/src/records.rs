//! The records table: one item per thing that a user would name.
//!
//! An item holds the record as JSON (`body`), its `version`, a `digest` of the body, when it was fetched and when it
//! expires, and, for kinds that have them, its facets, each with the `_marker` it was fetched for and the one that is
//! `_wanted` for the record's present state. The partition of the integration's own id lists its other partitions, because
//! nothing else could say what there is of an integration.

mod expiry;
mod partitions;
mod parts;
mod read;
mod select;
mod statements;
mod write;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::Client;
use model::{Kind, RowKey};

use crate::Meter;

pub use partitions::{Key, Partition};
pub use read::StoredRecord;
pub use select::{Raw, Selected};
pub use write::{Stored, Written};

/// The records table.
#[derive(Clone, Debug)]
pub struct Records {
    client: Client,
    table: String,
    /// How long selections were waited for.
    meter: Meter,
    /// The partitions that this process has listed.
    listed: Arc<Mutex<HashSet<String>>>,
}

impl Records {
    /// The records table of this name.
    pub fn new(client: Client, table: String) -> Self {
        Self {
            client,
            table,
            meter: Meter::default(),
            listed: Arc::default(),
        }
    }

    /// The same table; this meter tells how long its selections are waited for.
    #[must_use]
    pub fn metered(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }
}

/// The kind and bucket that a partition key names: `{integration}#{kind}#{bucket}`.
fn read_key(pk: &str, sk: &str) -> Option<RowKey> {
    let mut parts = pk.splitn(3, '#').skip(1);
    let kind = Kind::from_name(parts.next()?)?;
    let bucket = parts.next()?.to_owned();
    Some(RowKey {
        kind,
        bucket,
        sort: sk.to_owned(),
    })
}

/// A short fingerprint of a text, stable over versions of this program.
pub(crate) fn digest(text: &str) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}
