//! Deleting a connection: the mark that nothing is stored any more, the counts, the emptying, and the receipt.
//!
//! Counts are written once, before the first thing that they count goes, and what is empty is taken off the list together
//! with its entry in the receipt: a deletion that is broken off at any moment and begun again goes on from there, and ends
//! with the same receipt.

use std::{collections::BTreeMap, panic::resume_unwind};

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use jiff::Timestamp;
use model::{
    Actor, Connection, ConnectionId, ConnectionStatus, Deletion, Entry, Holdings, Integration,
    IntegrationId, Kind, TenantId,
};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::{
    Control, Error, Partition, Records,
    attributes::{Item, get_json, get_number, get_text, json, number, text},
    change::{is_deleting, unsendable},
    control::{
        DIRECTORY, connection_key, directory_key, discovery_key, integration_key,
        integration_partition, tenant_key,
    },
    error::if_held,
    throttle::throttle_key,
};

/// The receipt as it is asked for.
#[derive(Serialize, Deserialize)]
struct Request {
    connection: ConnectionId,
    name: String,
    at: Timestamp,
    by: Actor,
}

/// The counts of what is in the control table, and the secret.
const COUNTS: &str = "counts";
/// What the attributes that count records begin with; the kind follows.
const RECORDS: &str = "records_";
/// How many rows are deleted at once.
const AT_ONCE: usize = 16;

impl Control {
    /// Marks a connection as being deleted: from now on nobody can begin to store anything of it. Opens the receipt and says
    /// so in the audit log, all together. `None` if the connection is not there.
    ///
    /// # Errors
    /// DynamoDB refused, the connection does not read back, or other changes won every race.
    pub async fn begin_deletion(
        &self,
        (tenant, connection): (&TenantId, ConnectionId),
        entry: &Entry,
    ) -> Result<Option<Connection>, Error> {
        let request = Request {
            connection,
            name: entry.name.clone(),
            at: entry.at,
            by: entry.by.clone(),
        };
        let receipt = Item::from([
            ("pk".to_owned(), text(tenant_key(tenant))),
            ("sk".to_owned(), text(deletion_key(connection))),
            ("body".to_owned(), json(&request)?),
        ]);
        let more = [
            self.audit_line(tenant, entry)?,
            self.put_in_transaction(receipt, None)?,
        ];
        let delete = |connection: &mut Connection| connection.status = ConnectionStatus::Deleting;
        let key = connection_key(connection);
        self.change((tenant, key), &more, (delete, is_deleting))
            .await
    }

    /// The receipt of a deletion; `None` if nobody asked for one.
    ///
    /// # Errors
    /// DynamoDB refused or the receipt does not read back.
    pub async fn deletion(
        &self,
        tenant: &TenantId,
        connection: ConnectionId,
    ) -> Result<Option<Deletion>, Error> {
        let found = self
            .get(&tenant_key(tenant), &deletion_key(connection))
            .await?;
        let Some(item) = found else { return Ok(None) };
        let request: Request = get_json(&item, "body")?;
        let mut removed = Holdings::default();
        if item.contains_key(COUNTS) {
            removed = get_json(&item, COUNTS)?;
        }
        for name in item.keys() {
            if let Some(kind) = name.strip_prefix(RECORDS).and_then(Kind::from_name)
                && let Some(count) = get_number(&item, name)
            {
                removed
                    .records
                    .insert(kind, u64::try_from(count).unwrap_or_default());
            }
        }
        let finished_at = get_text(&item, "finished_at");
        Ok(Some(Deletion {
            connection: request.connection,
            name: request.name,
            requested_at: request.at,
            requested_by: request.by,
            finished_at: finished_at.and_then(|at| at.parse().ok()),
            removed,
        }))
    }

    /// What the control table holds for a connection now; its secret is counted, records are not.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn holdings(
        &self,
        connection: ConnectionId,
        integrations: &[Integration],
    ) -> Result<Holdings, Error> {
        let mut held = Holdings {
            integrations: integrations.len() as u64,
            secrets: 1,
            discovered: self.sorts(&discovery_key(connection)).await?.len() as u64,
            throttles: self.sorts(&throttle_key(connection)).await?.len() as u64,
            ..Holdings::default()
        };
        for integration in integrations {
            for sort in self.sorts(&integration_partition(integration.id)).await? {
                match sort.split('#').next() {
                    Some("STREAM") => held.streams += 1,
                    Some("PASS") => held.runs += 1,
                    _ => held.quarantined += 1,
                }
            }
        }
        Ok(held)
    }

    /// Writes what the control table holds into the receipt, unless that was done before.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn note_removed(
        &self,
        (tenant, connection): (&TenantId, ConnectionId),
        removed: &Holdings,
    ) -> Result<(), Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(tenant_key(tenant)))
            .key("sk", text(deletion_key(connection)))
            .update_expression(format!("SET {COUNTS} = :counts"))
            .condition_expression(format!(
                "attribute_exists(pk) AND attribute_not_exists({COUNTS})"
            ))
            .expression_attribute_values(":counts", json(removed)?)
            .send()
            .await;
        if_held("UpdateItem", result).map(drop)
    }

    /// Takes partitions of records that are empty off the list, and adds what they had to the receipt: each once, because
    /// both happen together. `false` if another purge was at one of them; then the list is to be read again.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn forget_partitions(
        &self,
        (tenant, connection): (&TenantId, ConnectionId),
        (records, integration): (&Records, IntegrationId),
        emptied: &[(Partition, u64)],
    ) -> Result<bool, Error> {
        if emptied.is_empty() {
            return Ok(true);
        }
        let mut counts = BTreeMap::<Kind, u64>::new();
        let mut writes = Vec::new();
        for (partition, count) in emptied {
            *counts.entry(partition.kind).or_default() += count;
            writes.push(records.unlisting(integration, partition)?);
        }
        let sk = deletion_key(connection);
        let mut update = Update::builder()
            .table_name(&self.table)
            .key("pk", text(tenant_key(tenant)))
            .key("sk", text(&sk))
            .condition_expression("attribute_exists(pk)");
        let mut sums = Vec::new();
        for (index, (kind, count)) in counts.iter().enumerate() {
            let (name, value) = (format!("#k{index}"), format!(":k{index}"));
            sums.push(format!("{name} {value}"));
            update = update
                .expression_attribute_names(name, format!("{RECORDS}{}", kind.name()))
                .expression_attribute_values(value, number(count));
        }
        let update = update
            .update_expression(format!("ADD {}", sums.join(", ")))
            .build()
            .map_err(|error| unsendable(&sk, &error))?;
        writes.push(TransactWriteItem::builder().update(update).build());
        self.write_together(writes).await
    }

    /// Deletes streams, run log, quarantine, what was discovered and the pauses of a connection, at most `most` of them, and
    /// says whether a look found nothing of it any more.
    ///
    /// # Errors
    /// DynamoDB refused; what is left can be deleted by another call.
    pub async fn empty(
        &self,
        connection: ConnectionId,
        integrations: &[IntegrationId],
        most: usize,
    ) -> Result<bool, Error> {
        let mut partitions = vec![discovery_key(connection), throttle_key(connection)];
        partitions.extend(integrations.iter().copied().map(integration_partition));
        let mut left = most;
        for pk in &partitions {
            let sorts = self.sorts(pk).await?;
            for some in sorts[..left.min(sorts.len())].chunks(AT_ONCE) {
                let mut deletions = JoinSet::new();
                for sort in some {
                    let (control, pk, sort) = (self.clone(), pk.clone(), sort.clone());
                    deletions.spawn(async move { control.delete(&pk, &sort).await });
                }
                while let Some(deleted) = deletions.join_next().await {
                    deleted.unwrap_or_else(|failed| resume_unwind(failed.into_panic()))?;
                }
            }
            left = left.saturating_sub(sorts.len());
        }
        for pk in &partitions {
            if !self.sorts(pk).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes what is left of a connection, itself and its integrations, closes its receipt and says so in the audit log:
    /// all of it or nothing.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn finish_deletion(
        &self,
        connection: &Connection,
        integrations: &[Integration],
        entry: &Entry,
    ) -> Result<(), Error> {
        let pk = tenant_key(&connection.tenant);
        let directory = directory_key(&connection.tenant, connection.id);
        let mut writes = vec![
            self.deletion_of(&pk, &connection_key(connection.id))?,
            self.deletion_of(DIRECTORY, &directory)?,
            self.closing(connection, entry.at)?,
            self.audit_line(&connection.tenant, entry)?,
        ];
        for integration in integrations {
            let key = integration_key(connection.id, integration.id);
            writes.push(self.deletion_of(&pk, &key)?);
        }
        // If another purge was faster, it has done the same.
        self.write_together(writes).await.map(drop)
    }

    fn deletion_of(&self, pk: &str, sk: &str) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .build()
            .map_err(|error| unsendable(sk, &error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    fn closing(&self, connection: &Connection, at: Timestamp) -> Result<TransactWriteItem, Error> {
        let sk = deletion_key(connection.id);
        let update = Update::builder()
            .table_name(&self.table)
            .key("pk", text(tenant_key(&connection.tenant)))
            .key("sk", text(&sk))
            .update_expression("SET finished_at = :at")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(finished_at)")
            .expression_attribute_values(":at", text(at.to_string()))
            .build()
            .map_err(|error| unsendable(&sk, &error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    async fn delete(&self, pk: &str, sk: &str) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .send()
            .await
            .map_err(|error| Error::dynamodb("DeleteItem", &error))?;
        Ok(())
    }

    /// The sort keys of a partition, as they are now.
    pub(crate) async fn sorts(&self, pk: &str) -> Result<Vec<String>, Error> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .projection_expression("sk")
            .into_paginator()
            .items()
            .send();
        let mut sorts = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| Error::dynamodb("Query", &error))?;
            sorts.extend(get_text(&item, "sk").map(str::to_owned));
        }
        Ok(sorts)
    }
}

fn deletion_key(connection: ConnectionId) -> String {
    format!("DELETION#{connection}")
}
