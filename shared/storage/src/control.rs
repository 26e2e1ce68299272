//! Connections, integrations and what was discovered.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, TransactWriteItem},
};
use jiff::Timestamp;
use model::{
    Connection, ConnectionId, ConnectionStatus, Discovery, Integration, IntegrationId,
    OrganizationName, TenantId,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error,
    attributes::{Item, get_json, get_text, json, text},
    error::if_held,
};

/// The control table.
#[derive(Clone, Debug)]
pub struct Control {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl Control {
    /// The control table of this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Saves a new connection and its integrations: all of them or none.
    ///
    /// # Errors
    /// DynamoDB refused; nothing was saved.
    pub async fn create(
        &self,
        connection: &Connection,
        integrations: &[Integration],
    ) -> Result<(), Error> {
        let tenant = tenant_key(&connection.tenant);
        let mut puts = vec![
            self.new_item(
                "DIRECTORY",
                &format!("{}#{}", connection.tenant, connection.id),
                &(&connection.tenant, connection.id),
            )?,
            self.new_item(&tenant, &connection_key(connection.id), connection)?,
        ];
        for integration in integrations {
            puts.push(self.new_item(&tenant, &integration_key(integration), integration)?);
        }
        self.client
            .transact_write_items()
            .set_transact_items(Some(puts))
            .send()
            .await
            .map_err(|error| Error::dynamodb("TransactWriteItems", &error))?;
        Ok(())
    }

    fn new_item<T: Serialize>(
        &self,
        pk: &str,
        sk: &str,
        body: &T,
    ) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.table)
            .item("pk", text(pk))
            .item("sk", text(sk))
            .item("body", json(body)?)
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| Error::Corrupt {
                item: sk.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Every connection of every tenant, for the schedule.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn directory(&self) -> Result<Vec<(TenantId, ConnectionId)>, Error> {
        let items = self.query("DIRECTORY", "").await?;
        items.iter().map(|item| get_json(item, "body")).collect()
    }

    /// The connections of a tenant.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn connections(&self, tenant: &TenantId) -> Result<Vec<Connection>, Error> {
        let items = self.query(&tenant_key(tenant), "CONNECTION#").await?;
        items.iter().map(|item| get_json(item, "body")).collect()
    }

    /// One connection of a tenant.
    ///
    /// # Errors
    /// DynamoDB refused or the item does not read back.
    pub async fn connection(
        &self,
        tenant: &TenantId,
        connection: ConnectionId,
    ) -> Result<Option<Connection>, Error> {
        let item = self
            .get(&tenant_key(tenant), &connection_key(connection))
            .await?;
        item.map(|item| get_json(&item, "body")).transpose()
    }

    /// The integrations of a connection.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn integrations(
        &self,
        tenant: &TenantId,
        connection: ConnectionId,
    ) -> Result<Vec<Integration>, Error> {
        let items = self
            .query(&tenant_key(tenant), &format!("INTEGRATION#{connection}#"))
            .await?;
        items.iter().map(|item| get_json(item, "body")).collect()
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
        let Some(found) = self.connection(tenant, connection).await? else {
            return Ok(());
        };
        if found.status == status {
            return Ok(());
        }
        let body = json(&Connection {
            status,
            ..found.clone()
        })?;
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(tenant_key(tenant)))
            .key("sk", text(connection_key(connection)))
            .update_expression("SET body = :new")
            .condition_expression("body = :old")
            .expression_attribute_values(":new", body)
            .expression_attribute_values(":old", json(&found)?)
            .send()
            .await
            .map_err(|error| Error::dynamodb("UpdateItem", &error))?;
        Ok(())
    }

    /// Replaces a connection, unless it is not any more as it was read; says whether it did.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn replace_connection(
        &self,
        old: &Connection,
        new: &Connection,
    ) -> Result<bool, Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(tenant_key(&old.tenant)))
            .key("sk", text(connection_key(old.id)))
            .update_expression("SET body = :new")
            .condition_expression("body = :old")
            .expression_attribute_values(":new", json(new)?)
            .expression_attribute_values(":old", json(old)?)
            .send()
            .await;
        Ok(if_held("UpdateItem", result)?.is_some())
    }

    /// Keeps what was found in an organization. The parts are items of their own, so that no number of repositories
    /// is too large for one; the organization's item is written last, and its time tells the parts that are still there
    /// from those that an earlier look found.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn put_discovery(
        &self,
        connection: ConnectionId,
        discovery: &Discovery,
    ) -> Result<(), Error> {
        let pk = discovery_key(connection, &discovery.organization.name);
        for project in &discovery.projects {
            self.put(
                &pk,
                &format!("PROJECT#{}", project.id),
                &(discovery.at, project),
            )
            .await?;
        }
        for repository in &discovery.repositories {
            self.put(
                &pk,
                &format!("REPOSITORY#{}", repository.id),
                &(discovery.at, repository),
            )
            .await?;
        }
        self.put(
            &pk,
            "ORGANIZATION",
            &(&discovery.organization, discovery.at),
        )
        .await
    }

    /// What was found in an organization when it was last looked at.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn discovery(
        &self,
        connection: ConnectionId,
        organization: &OrganizationName,
    ) -> Result<Option<Discovery>, Error> {
        let items = self
            .query(&discovery_key(connection, organization), "")
            .await?;
        let is_head = |item: &&Item| get_text(item, "sk") == Some("ORGANIZATION");
        let Some(head) = items.iter().find(is_head) else {
            return Ok(None);
        };
        let (organization, at) = get_json(head, "body")?;
        Ok(Some(Discovery {
            organization,
            at,
            projects: parts(&items, "PROJECT#", at)?,
            repositories: parts(&items, "REPOSITORY#", at)?,
        }))
    }

    pub(crate) async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, Error> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| Error::dynamodb("GetItem", &error))?;
        Ok(output.item)
    }

    async fn put<T: Serialize>(&self, pk: &str, sk: &str, body: &T) -> Result<(), Error> {
        self.client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(pk))
            .item("sk", text(sk))
            .item("body", json(body)?)
            .send()
            .await
            .map_err(|error| Error::dynamodb("PutItem", &error))?;
        Ok(())
    }

    /// All items of a partition whose sort key begins with `prefix`.
    pub(crate) async fn query(&self, pk: &str, prefix: &str) -> Result<Vec<Item>, Error> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .expression_attribute_values(":pk", text(pk));
        query = if prefix.is_empty() {
            query.key_condition_expression("pk = :pk")
        } else {
            query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
        };
        let mut pages = query.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.map_err(|error| Error::dynamodb("Query", &error))?);
        }
        Ok(items)
    }
}

/// The parts that the look at this time found, or one that has been writing since.
fn parts<T: DeserializeOwned>(
    items: &[Item],
    prefix: &str,
    at: Timestamp,
) -> Result<Vec<T>, Error> {
    let mut parts = Vec::new();
    for item in items {
        if get_text(item, "sk").is_some_and(|sk| sk.starts_with(prefix)) {
            let (seen_at, part): (Timestamp, T) = get_json(item, "body")?;
            if seen_at >= at {
                parts.push(part);
            }
        }
    }
    Ok(parts)
}

fn tenant_key(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}")
}

fn connection_key(connection: ConnectionId) -> String {
    format!("CONNECTION#{connection}")
}

fn integration_key(integration: &Integration) -> String {
    format!("INTEGRATION#{}#{}", integration.connection, integration.id)
}

fn discovery_key(connection: ConnectionId, organization: &OrganizationName) -> String {
    format!(
        "DISCOVERY#{connection}#{}",
        organization.as_str().to_ascii_lowercase()
    )
}

/// The partition of an integration's streams and passes.
pub(crate) fn integration_partition(integration: IntegrationId) -> String {
    format!("INTEGRATION#{integration}")
}
