//! Who is at work for a connection, so that its end can wait for them.
//!
//! Whoever stores something of a connection first writes beside it that they are at work, and until when at the latest: the
//! moment at which Lambda kills them. That write fails once the connection is being deleted, and the mark that it is being
//! deleted is in the same item: so everybody either is seen by the deletion, or stores nothing.

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;
use model::{Connection, ConnectionId, TenantId};

use crate::{
    Control, Error,
    attributes::{Item, get_json, get_number, number, text},
    change::DELETING,
    control::{connection_key, tenant_key},
    error::if_held,
};

/// What the attribute of a worker begins with.
const WORKER: &str = "worker_";
/// How long after its end the word of a worker that was killed is forgotten.
const FORGOTTEN_MS: i64 = 3_600_000;

/// The word of a worker, to be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    tenant: TenantId,
    connection: ConnectionId,
    /// The worker's own attribute, and those of workers that were killed long ago.
    attributes: Vec<String>,
}

impl Control {
    /// Says that a worker stores things of a connection until `until` at the latest, and returns the connection with what
    /// takes the word back; `None` if the connection is gone or being deleted, and then nothing may be stored. `worker` is
    /// unique to the worker.
    ///
    /// # Errors
    /// DynamoDB refused or the connection does not read back.
    pub async fn enter(
        &self,
        (tenant, connection): (&TenantId, ConnectionId),
        worker: &str,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<Option<(Connection, Presence)>, Error> {
        let own = format!("{WORKER}{worker}");
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(tenant_key(tenant)))
            .key("sk", text(connection_key(connection)))
            .update_expression("SET #worker = :until")
            .condition_expression(format!(
                "attribute_exists(pk) AND attribute_not_exists({DELETING})"
            ))
            .expression_attribute_names("#worker", &own)
            .expression_attribute_values(":until", number(until.as_millisecond()))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let Some(output) = if_held("UpdateItem", result)? else {
            return Ok(None);
        };
        let item = output.attributes.unwrap_or_default();
        let long_ago = now.as_millisecond() - FORGOTTEN_MS;
        let mut attributes: Vec<String> = workers(&item)
            .filter(|(_, until)| *until < long_ago)
            .map(|(name, _)| name.to_owned())
            .collect();
        attributes.push(own);
        let presence = Presence {
            tenant: tenant.clone(),
            connection,
            attributes,
        };
        Ok(Some((get_json(&item, "body")?, presence)))
    }

    /// Takes the word of a worker back: nothing of what it stores is on its way any more.
    ///
    /// # Errors
    /// DynamoDB refused; the deletion then waits until the worker would have been killed.
    pub async fn leave(&self, presence: &Presence) -> Result<(), Error> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(tenant_key(&presence.tenant)))
            .key("sk", text(connection_key(presence.connection)))
            .condition_expression("attribute_exists(pk)");
        let mut names = Vec::new();
        for (index, attribute) in presence.attributes.iter().enumerate() {
            let name = format!("#w{index}");
            update = update.expression_attribute_names(&name, attribute);
            names.push(name);
        }
        let result = update
            .update_expression(format!("REMOVE {}", names.join(", ")))
            .send()
            .await;
        if_held("UpdateItem", result).map(drop)
    }

    /// When the last of those who are at work for a connection at `now` is gone at the latest; `None` if nobody is.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn last_worker(
        &self,
        (tenant, connection): (&TenantId, ConnectionId),
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let item = self
            .get(&tenant_key(tenant), &connection_key(connection))
            .await?;
        let item = item.unwrap_or_default();
        let last = workers(&item).map(|(_, until)| until).max();
        let last = last.filter(|until| *until >= now.as_millisecond());
        Ok(last.and_then(|until| Timestamp::from_millisecond(until).ok()))
    }
}

fn workers(item: &Item) -> impl Iterator<Item = (&str, i64)> {
    item.keys()
        .filter(|name| name.starts_with(WORKER))
        .filter_map(|name| Some((name.as_str(), get_number(item, name)?)))
}
