//! Changing a connection or an integration while others do, with a line in the audit log.
//!
//! A change is a function from what is stored to what shall be: it is applied to what was read and written on the condition
//! that this is still there, else it is applied again. Change and audit line are written together or not at all. Nothing
//! here brings back a connection that is gone.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use model::{
    Connection, ConnectionId, ConnectionStatus, Entry, Integration, IntegrationId, TenantId,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::sleep;

use crate::{
    Control, Error,
    attributes::{Item, get_json, json, text},
    control::{connection_key, integration_key, tenant_key},
};

/// How often a change is tried again after losing to another one.
const ATTEMPTS: u32 = 8;
/// The attribute that says that a connection is being deleted. It is beside the body because conditions cannot look into that.
pub(crate) const DELETING: &str = "deleting";

impl Control {
    /// Changes a connection and says so in the audit log; returns it as it is now, or `None` if it is not there. A change that
    /// changes nothing is not logged. A connection that is being deleted stays as it is.
    ///
    /// # Errors
    /// DynamoDB refused, the connection does not read back, or other changes won every race.
    pub async fn change_connection(
        &self,
        (tenant, connection): (&TenantId, ConnectionId),
        entry: Option<&Entry>,
        change: impl Fn(&mut Connection),
    ) -> Result<Option<Connection>, Error> {
        let lines = self.lines(tenant, entry)?;
        let key = connection_key(connection);
        let change = |connection: &mut Connection| {
            if !is_deleting(connection) {
                change(connection);
            }
        };
        self.change((tenant, key), &lines, (change, is_deleting))
            .await
    }

    /// Changes an integration and says so in the audit log; returns it as it is now, or `None` if it is not there.
    ///
    /// # Errors
    /// DynamoDB refused, the integration does not read back, or other changes won every race.
    pub async fn change_integration(
        &self,
        (tenant, connection, integration): (&TenantId, ConnectionId, IntegrationId),
        entry: Option<&Entry>,
        change: impl Fn(&mut Integration),
    ) -> Result<Option<Integration>, Error> {
        let lines = self.lines(tenant, entry)?;
        let key = integration_key(connection, integration);
        self.change((tenant, key), &lines, (change, |_: &Integration| false))
            .await
    }

    fn lines(
        &self,
        tenant: &TenantId,
        entry: Option<&Entry>,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        entry
            .into_iter()
            .map(|entry| self.audit_line(tenant, entry))
            .collect()
    }

    /// Marks that the credential of a connection works, or that a person has to give a new one.
    ///
    /// # Errors
    /// DynamoDB refused or the item does not read back.
    pub async fn set_connection_status(
        &self,
        tenant: &TenantId,
        connection: ConnectionId,
        status: ConnectionStatus,
    ) -> Result<(), Error> {
        let set = |connection: &mut Connection| connection.status = status;
        self.change_connection((tenant, connection), None, set)
            .await
            .map(drop)
    }

    /// Writes what a change makes of an item, together with `more`.
    pub(crate) async fn change<T: Serialize + DeserializeOwned + Clone + PartialEq>(
        &self,
        (tenant, sk): (&TenantId, String),
        more: &[TransactWriteItem],
        (change, deleting): (impl Fn(&mut T), impl Fn(&T) -> bool),
    ) -> Result<Option<T>, Error> {
        let pk = tenant_key(tenant);
        for attempt in 0..ATTEMPTS {
            let Some(item) = self.get(&pk, &sk).await? else {
                return Ok(None);
            };
            let before: T = get_json(&item, "body")?;
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Ok(Some(after));
            }
            let key = (pk.as_str(), sk.as_str());
            let mut writes = vec![self.replacement(key, &item, &after, deleting(&after))?];
            writes.extend_from_slice(more);
            if self.write_together(writes).await? {
                return Ok(Some(after));
            }
            sleep(Duration::from_millis(20 << attempt)).await;
        }
        Err(Error::Contended { item: sk })
    }

    fn replacement<T: Serialize>(
        &self,
        (pk, sk): (&str, &str),
        before: &Item,
        after: &T,
        deleting: bool,
    ) -> Result<TransactWriteItem, Error> {
        let old = before.get("body").cloned();
        let set = match deleting {
            true => format!("SET body = :new, {DELETING} = :deleting"),
            false => "SET body = :new".to_owned(),
        };
        let mut update = Update::builder()
            .table_name(&self.table)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .update_expression(set)
            .condition_expression("body = :old")
            .expression_attribute_values(":old", old.unwrap_or(AttributeValue::Null(true)))
            .expression_attribute_values(":new", json(after)?);
        if deleting {
            update = update.expression_attribute_values(":deleting", AttributeValue::Bool(true));
        }
        let update = update.build().map_err(|error| unsendable(sk, &error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Writes all of it, or nothing if a condition does not hold or another transaction is at one of the items.
    pub(crate) async fn write_together(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<bool, Error> {
        let result = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .send()
            .await;
        match result {
            Ok(_) => Ok(true),
            Err(error) if is_lost(&error) => Ok(false),
            Err(error) => Err(Error::dynamodb("TransactWriteItems", &error)),
        }
    }

    pub(crate) fn put_in_transaction(
        &self,
        item: Item,
        condition: Option<&str>,
    ) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .set_condition_expression(condition.map(str::to_owned))
            .build()
            .map_err(|error| unsendable("put", &error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

pub(crate) fn is_deleting(connection: &Connection) -> bool {
    connection.status == ConnectionStatus::Deleting
}

pub(crate) fn unsendable(item: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Corrupt {
        item: item.to_owned(),
        reason: error.to_string(),
    }
}

/// Whether a transaction was refused because of another writer.
fn is_lost<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
        error.as_service_error()
    else {
        return error.code() == Some("TransactionConflictException");
    };
    let reasons = canceled.cancellation_reasons().iter();
    let mut codes = reasons.filter_map(|reason| reason.code());
    codes.any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}
