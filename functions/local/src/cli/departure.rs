//! `--delete`: in the end every connection is deleted, and what is left is looked for in the tables themselves.

use std::collections::BTreeSet;
use std::time::Instant;

use model::TenantId;
use serde_json::{Value, json};

use super::api::Api;
use super::failure::Failure;
use super::progress;
use crate::stack::Stack;

/// The tables, by their ids in the template.
const TABLES: [&str; 2] = ["ControlTable", "RecordsTable"];

/// Where an item is: its table, partition and sort key.
type Place = (&'static str, String, String);

/// What a deletion took, and what it has left behind.
#[derive(Debug)]
pub(super) struct Departure {
    /// From the request until nothing was left to do.
    pub(super) ms: u128,
    /// How many items were deleted, each a write of DynamoDB.
    pub(super) items: usize,
    /// What should not be there any more; receipts and the audit log should.
    pub(super) left: Vec<String>,
}

impl Departure {
    /// Deletes every connection of a tenant and waits for the end of it.
    pub(super) async fn of_all(stack: &Stack, tenant: &TenantId) -> Result<Self, Failure> {
        let api = Api::new(stack, tenant)?;
        let before = places(stack).await?;
        let started = Instant::now();
        let connections = api.delete_all().await?;
        progress::follow(stack, tenant).await?;
        let ms = started.elapsed().as_millis();
        let after = places(stack).await?;
        let mut left: Vec<String> = after
            .iter()
            .filter(|(_, partition, key)| !is_kept(partition, key))
            .map(|(table, partition, key)| format!("{table} {partition} {key}"))
            .collect();
        let secrets = std::fs::read_to_string(stack.data_file("secrets.json")).unwrap_or_default();
        left.extend(
            connections
                .into_iter()
                .filter(|connection| secrets.contains(connection.as_str()))
                .map(|connection| format!("the secret of {connection}")),
        );
        left.extend(stack.dead_letters().into_iter().map(|letter| letter.body));
        Ok(Self {
            ms,
            items: before.difference(&after).count(),
            left,
        })
    }

    pub(super) fn is_complete(&self) -> bool {
        self.left.is_empty()
    }

    pub(super) fn json(&self) -> Value {
        json!({ "duration_ms": self.ms, "items": self.items, "left": self.left })
    }
}

/// Whether an item stays when a connection goes.
fn is_kept(partition: &str, key: &str) -> bool {
    partition.starts_with("AUDIT#") || key.starts_with("DELETION#")
}

async fn places(stack: &Stack) -> Result<BTreeSet<Place>, Failure> {
    let mut places = BTreeSet::new();
    for table in TABLES {
        let keys = progress::keys(stack, table).await?;
        places.extend(
            keys.into_iter()
                .map(|(partition, key)| (table, partition, key)),
        );
    }
    Ok(places)
}
