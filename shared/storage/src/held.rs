//! What the control table holds of a connection, item by item.

use aws_sdk_dynamodb::types::AttributeValue;
use model::{ConnectionId, IntegrationId, TenantId};
use serde_json::{Map, Number, Value};

use crate::{
    Control, Error,
    attributes::Item,
    control::{
        DIRECTORY, connection_key, directory_key, discovery_key, integration_partition, tenant_key,
    },
    page::page,
    throttle::throttle_key,
};

/// How many items are shown at once.
const AT_ONCE: i32 = 500;

/// An item.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Its partition key.
    pub partition: String,
    /// Its sort key.
    pub sort: String,
    /// Its other attributes.
    pub content: Map<String, Value>,
}

impl Control {
    /// Streams, run log and notes of an integration behind a sort key, and the key behind which there are more.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn held_of_integration(
        &self,
        integration: IntegrationId,
        after: Option<&str>,
    ) -> Result<(Vec<Held>, Option<String>), Error> {
        let pk = integration_partition(integration);
        let place = (pk.as_str(), after);
        let (items, last) = page((&self.client, &self.table), place, AT_ONCE).await?;
        Ok((items.into_iter().map(Held::from).collect(), last))
    }

    /// The connection itself, its integrations, what was discovered and the pauses.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn held_of_connection(
        &self,
        tenant: &TenantId,
        connection: ConnectionId,
    ) -> Result<Vec<Held>, Error> {
        let pk = tenant_key(tenant);
        let mut items = Vec::new();
        items.extend(self.get(&pk, &connection_key(connection)).await?);
        let integrations = format!("INTEGRATION#{connection}#");
        items.extend(self.query(&pk, &integrations).await?);
        let directory = directory_key(tenant, connection);
        items.extend(self.get(DIRECTORY, &directory).await?);
        items.extend(self.query(&discovery_key(connection), "").await?);
        items.extend(self.query(&throttle_key(connection), "").await?);
        Ok(items.into_iter().map(Held::from).collect())
    }
}

impl From<Item> for Held {
    fn from(mut item: Item) -> Self {
        let mut key = |name| match item.remove(name) {
            Some(AttributeValue::S(text)) => text,
            _ => String::new(),
        };
        let (partition, sort) = (key("pk"), key("sk"));
        let attributes = item.into_iter();
        Self {
            partition,
            sort,
            content: attributes
                .map(|(name, value)| (name, plain(&value)))
                .collect(),
        }
    }
}

fn plain(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => Value::String(text.clone()),
        AttributeValue::N(digits) => digits
            .parse::<Number>()
            .map_or_else(|_| Value::String(digits.clone()), Value::Number),
        AttributeValue::Bool(value) => Value::Bool(*value),
        // Nothing else is ever written.
        _ => Value::Null,
    }
}
