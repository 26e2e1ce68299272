//! What all workers must know before they send a request: whether an organization is paused, and whose turn it is.
//!
//! One row for each connection and organization. While the organization says nothing of limits, workers only read it.
//! Once it does, they take turns: whoever holds the turn alone sends, and writes what the answer told before giving the
//! turn back, so that nobody sends what the answer has just forbidden.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;
use model::{ConnectionId, OrganizationName};

use crate::{
    Control, Error,
    attributes::{Item, get_number, get_text, number, text},
    error::if_held,
};

/// How long the row outlives what it says.
pub(crate) const GRACE_MS: i64 = 3_600_000;

/// What is known of an organization's patience.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Throttle {
    /// Nothing is sent before this.
    pub paused_until: Option<Timestamp>,
    /// Workers take turns until this.
    pub metered_until: Option<Timestamp>,
    /// What may be spent, in the words of whoever wrote it.
    pub budget: Option<String>,
    /// The pause that was asked for was absurd, and is kept shorter.
    pub capped: bool,
}

/// Which row: an identity in an organization.
#[derive(Clone, Copy, Debug)]
pub struct ThrottleKey<'a> {
    /// Whose credential it is.
    pub connection: ConnectionId,
    /// Where.
    pub organization: &'a OrganizationName,
}

impl Control {
    /// What is known now.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn throttle(&self, key: ThrottleKey<'_>) -> Result<Throttle, Error> {
        let item = self
            .get(&key.partition(), key.organization.as_str())
            .await?;
        Ok(item.map(|item| Throttle::from(&item)).unwrap_or_default())
    }

    /// Extends the pause of an organization, for all workers at once. A shorter pause never shortens a longer one.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn pause(
        &self,
        key: ThrottleKey<'_>,
        now: Timestamp,
        (pause, capped): (Duration, bool),
    ) -> Result<(), Error> {
        let until = after(now, pause);
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(key.partition()))
            .key("sk", text(key.organization.as_str()))
            .update_expression("SET until_ms = :until, capped = :capped, expires_at = :expires")
            .condition_expression("attribute_not_exists(until_ms) OR until_ms < :until")
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":capped", number(u8::from(capped)))
            .expression_attribute_values(":expires", number((until + GRACE_MS) / 1000))
            .send()
            .await;
        if_held("UpdateItem", result).map(drop)
    }

    /// Takes the turn for `lease`, unless another worker has it or the organization is paused; what is known comes along.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn take_turn(
        &self,
        key: ThrottleKey<'_>,
        holder: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<Throttle>, Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(key.partition()))
            .key("sk", text(key.organization.as_str()))
            .update_expression("SET holder = :holder, held_until_ms = :lease")
            .condition_expression(
                "(attribute_not_exists(held_until_ms) OR held_until_ms < :now) \
                 AND (attribute_not_exists(until_ms) OR until_ms <= :now)",
            )
            .expression_attribute_values(":holder", text(holder))
            .expression_attribute_values(":lease", number(after(now, lease)))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let taken = if_held("UpdateItem", result)?;
        let item = taken.map(|output| output.attributes.unwrap_or_default());
        Ok(item.map(|item| Throttle::from(&item)))
    }

    /// Writes what an answer told, and gives the turn back if `holder` has it. Nothing is written for a turn that was
    /// lost to another worker: that one knows more.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn learn(
        &self,
        key: ThrottleKey<'_>,
        holder: &str,
        (budget, metered_until): (&str, Timestamp),
    ) -> Result<(), Error> {
        let metered = metered_until.as_millisecond();
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(key.partition()))
            .key("sk", text(key.organization.as_str()))
            .update_expression(
                "SET budget = :budget, metered_until_ms = :metered, expires_at = :expires \
                 REMOVE holder, held_until_ms",
            )
            .condition_expression("attribute_not_exists(holder) OR holder = :holder")
            .expression_attribute_values(":budget", text(budget))
            .expression_attribute_values(":metered", number(metered))
            .expression_attribute_values(":expires", number((metered + GRACE_MS) / 1000))
            .expression_attribute_values(":holder", text(holder))
            .send()
            .await;
        if_held("UpdateItem", result).map(drop)
    }
}

impl ThrottleKey<'_> {
    fn partition(self) -> String {
        throttle_key(self.connection)
    }
}

/// The rows of everything that paces a connection.
pub(crate) fn throttle_key(connection: ConnectionId) -> String {
    format!("THROTTLE#{connection}")
}

impl From<&Item> for Throttle {
    fn from(item: &Item) -> Self {
        let instant = |name| {
            let at = get_number(item, name)?;
            Timestamp::from_millisecond(at).ok()
        };
        Self {
            paused_until: instant("until_ms"),
            metered_until: instant("metered_until_ms"),
            budget: get_text(item, "budget").map(str::to_owned),
            capped: get_number(item, "capped") == Some(1),
        }
    }
}

pub(crate) fn after(now: Timestamp, span: Duration) -> i64 {
    let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    now.as_millisecond().saturating_add(span)
}
