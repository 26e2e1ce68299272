//! Whose turn it is to get a new access token for a connection.
//!
//! Thousands of workers may find the same token expired. The one that has the turn asks for a new one and keeps it where
//! the others look; they wait for it. If asking fails, nobody asks again until a pause has passed.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;
use model::ConnectionId;

use crate::{
    Control, Error,
    attributes::{get_number, number, text},
    error::if_held,
    throttle::{GRACE_MS, after, throttle_key},
};

/// The row beside those of the organizations; no organization has a name like this.
const ROW: &str = "#TOKEN";

/// The answer to the wish for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenTurn {
    /// It is yours, and asking has failed this often before.
    Taken {
        /// In a row.
        failures: u32,
    },
    /// Another worker has it.
    Held,
    /// Asking has failed; nobody asks before this.
    Cooling(Timestamp),
}

impl Control {
    /// Takes the turn for `lease`, unless another worker has it or asking has failed a short time ago.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn take_token_turn(
        &self,
        connection: ConnectionId,
        holder: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<TokenTurn, Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(throttle_key(connection)))
            .key("sk", text(ROW))
            .update_expression(
                "SET holder = :holder, held_until_ms = :lease, expires_at = :expires",
            )
            .condition_expression(
                "(attribute_not_exists(held_until_ms) OR held_until_ms < :now) \
                 AND (attribute_not_exists(until_ms) OR until_ms <= :now)",
            )
            .expression_attribute_values(":holder", text(holder))
            .expression_attribute_values(":lease", number(after(now, lease)))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":expires", number((after(now, lease) + GRACE_MS) / 1000))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        if let Some(taken) = if_held("UpdateItem", result)? {
            let item = taken.attributes.unwrap_or_default();
            let failures = get_number(&item, "failures")
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or_default();
            return Ok(TokenTurn::Taken { failures });
        }
        let item = self.get(&throttle_key(connection), ROW).await?;
        let until = item.and_then(|item| get_number(&item, "until_ms"));
        let until = until.and_then(|until| Timestamp::from_millisecond(until).ok());
        Ok(match until.filter(|until| *until > now) {
            Some(until) => TokenTurn::Cooling(until),
            None => TokenTurn::Held,
        })
    }

    /// Gives the turn back after a token was got and kept.
    ///
    /// # Errors
    /// DynamoDB refused; the turn ends by itself.
    pub async fn end_token_turn(
        &self,
        connection: ConnectionId,
        holder: &str,
    ) -> Result<(), Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(throttle_key(connection)))
            .key("sk", text(ROW))
            .update_expression("REMOVE holder, held_until_ms, until_ms, failures")
            .condition_expression("holder = :holder")
            .expression_attribute_values(":holder", text(holder))
            .send()
            .await;
        if_held("UpdateItem", result).map(drop)
    }

    /// Gives the turn back after asking failed; nobody asks before `until`.
    ///
    /// # Errors
    /// DynamoDB refused; the turn ends by itself.
    pub async fn fail_token_turn(
        &self,
        connection: ConnectionId,
        holder: &str,
        (until, failures): (Timestamp, u32),
    ) -> Result<(), Error> {
        let until = until.as_millisecond();
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(throttle_key(connection)))
            .key("sk", text(ROW))
            .update_expression(
                "SET until_ms = :until, failures = :failures, expires_at = :expires \
                 REMOVE holder, held_until_ms",
            )
            .condition_expression("holder = :holder")
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":failures", number(failures))
            .expression_attribute_values(":expires", number((until + GRACE_MS) / 1000))
            .expression_attribute_values(":holder", text(holder))
            .send()
            .await;
        if_held("UpdateItem", result).map(drop)
    }

    /// Forgets that asking has failed, because there is a new credential to ask with.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn forget_token_failures(&self, connection: ConnectionId) -> Result<(), Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(throttle_key(connection)))
            .key("sk", text(ROW))
            .update_expression("REMOVE until_ms, failures")
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        if_held("UpdateItem", result).map(drop)
    }

    /// Whether something that is done once in a while for a connection is to be done now; only one caller is told so.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn claim_now(
        &self,
        connection: ConnectionId,
        what: &str,
        now: Timestamp,
        every: Duration,
    ) -> Result<bool, Error> {
        let next = after(now, every);
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(throttle_key(connection)))
            .key("sk", text(format!("#{what}")))
            .update_expression("SET until_ms = :next, expires_at = :expires")
            .condition_expression("attribute_not_exists(until_ms) OR until_ms <= :now")
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":expires", number((next + GRACE_MS) / 1000))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .send()
            .await;
        Ok(if_held("UpdateItem", result)?.is_some())
    }
}
