//! Sign-ins that have begun and not come back yet.

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;
use model::{Actor, TenantId};
use serde::{Deserialize, Serialize};

use crate::{
    Control, Error,
    attributes::{get_json, json, number, text},
};

/// The partition of all of them; they are few and short-lived.
const PARTITION: &str = "SIGN_IN";

/// A sign-in that has begun. Nothing in it would let anybody finish it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSignIn {
    /// Whose connection it will be.
    pub tenant: TenantId,
    /// Who began it, and is responsible for what comes of it.
    pub by: Actor,
    /// The hash of what the browser must come back with.
    pub browser: String,
    /// What is wanted, in the words of whoever wrote it.
    pub wish: String,
    /// When it is too late to come back.
    pub expires_at: Timestamp,
}

impl Control {
    /// Notes a sign-in under the hash of its state.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn begin_sign_in(&self, state: &str, pending: &PendingSignIn) -> Result<(), Error> {
        self.client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(PARTITION))
            .item("sk", text(state))
            .item("body", json(pending)?)
            .item("expires_at", number(pending.expires_at.as_second()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await
            .map_err(|error| Error::dynamodb("PutItem", &error))?;
        Ok(())
    }

    /// Takes a sign-in away, so that of two that come back with the same state only one finds it. One that is too old is
    /// found as well: DynamoDB deletes late, and the caller says so better than an absence could.
    ///
    /// # Errors
    /// DynamoDB refused or the item does not read back.
    pub async fn take_sign_in(&self, state: &str) -> Result<Option<PendingSignIn>, Error> {
        let output = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(PARTITION))
            .key("sk", text(state))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| Error::dynamodb("DeleteItem", &error))?;
        let item = output.attributes;
        item.map(|item| get_json(&item, "body")).transpose()
    }
}
