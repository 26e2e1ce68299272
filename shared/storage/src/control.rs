//! Connections, integrations and what was discovered.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, TransactWriteItem},
};
use jiff::Timestamp;
use model::{
    Connection, ConnectionId, Discovery, Entry, Integration, IntegrationId, OrganizationName,
    Standing, TenantId,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error,
    attributes::{Item, get_json, get_text, json, text},
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

    /// Saves a new connection and its integrations, and says so in the audit log: all of it or nothing.
    ///
    /// # Errors
    /// DynamoDB refused; nothing was saved.
    pub async fn create(
        &self,
        connection: &Connection,
        integrations: &[Integration],
        entry: &Entry,
    ) -> Result<(), Error> {
        let tenant = tenant_key(&connection.tenant);
        let mut puts = vec![
            self.new_item(
                DIRECTORY,
                &directory_key(&connection.tenant, connection.id),
                &(&connection.tenant, connection.id),
            )?,
            self.new_item(&tenant, &connection_key(connection.id), connection)?,
            self.audit_line(&connection.tenant, entry)?,
        ];
        for integration in integrations {
            let key = integration_key(integration.connection, integration.id);
            puts.push(self.new_item(&tenant, &key, integration)?);
        }
        if self.write_together(puts).await? {
            return Ok(());
        }
        Err(Error::Contended {
            item: connection_key(connection.id),
        })
    }

    pub(crate) fn new_item<T: Serialize>(
        &self,
        pk: &str,
        sk: &str,
        body: &T,
    ) -> Result<TransactWriteItem, Error> {
        let item = Item::from([
            ("pk".to_owned(), text(pk)),
            ("sk".to_owned(), text(sk)),
            ("body".to_owned(), json(body)?),
        ]);
        self.put_in_transaction(item, Some("attribute_not_exists(pk)"))
    }

    /// Every connection of every tenant, for the schedule.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn directory(&self) -> Result<Vec<(TenantId, ConnectionId)>, Error> {
        let items = self.query(DIRECTORY, "").await?;
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

    /// An integration of a tenant, whichever connection it is of.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn integration(
        &self,
        tenant: &TenantId,
        integration: IntegrationId,
    ) -> Result<Option<Integration>, Error> {
        let items = self.query(&tenant_key(tenant), "INTEGRATION#").await?;
        let all: Vec<Integration> = items
            .iter()
            .map(|item| get_json(item, "body"))
            .collect::<Result<_, _>>()?;
        Ok(all.into_iter().find(|found| found.id == integration))
    }

    /// Whether the streams of an integration are visited; a connection or an integration that is not there is gone.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn standing(
        &self,
        connection: Option<&Connection>,
        integration: IntegrationId,
    ) -> Result<Standing, Error> {
        let Some(connection) = connection else {
            return Ok(Standing::Gone);
        };
        let key = integration_key(connection.id, integration);
        let Some(item) = self.get(&tenant_key(&connection.tenant), &key).await? else {
            return Ok(Standing::Gone);
        };
        let integration: Integration = get_json(&item, "body")?;
        Ok(integration.standing(connection))
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
        let pk = discovery_key(connection);
        let prefix = organization_prefix(&discovery.organization.name);
        for project in &discovery.projects {
            self.put(
                &pk,
                &format!("{prefix}PROJECT#{}", project.id),
                &(discovery.at, project),
            )
            .await?;
        }
        for repository in &discovery.repositories {
            self.put(
                &pk,
                &format!("{prefix}REPOSITORY#{}", repository.id),
                &(discovery.at, repository),
            )
            .await?;
        }
        self.put_selection(connection, discovery).await?;
        self.put(
            &pk,
            &format!("{prefix}ORGANIZATION"),
            &(&discovery.organization, discovery.at),
        )
        .await
    }

    /// Keeps only what is wanted of an organization, where what was found in it is kept already.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn put_selection(
        &self,
        connection: ConnectionId,
        discovery: &Discovery,
    ) -> Result<(), Error> {
        let key = format!(
            "{}SELECTION",
            organization_prefix(&discovery.organization.name)
        );
        self.put(&discovery_key(connection), &key, &discovery.selection)
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
        let prefix = organization_prefix(organization);
        let items = self.query(&discovery_key(connection), &prefix).await?;
        let head = format!("{prefix}ORGANIZATION");
        let find = |key: &str| items.iter().find(|item| get_text(item, "sk") == Some(key));
        let Some(head) = find(&head) else {
            return Ok(None);
        };
        let (organization, at) = get_json(head, "body")?;
        let selection = find(&format!("{prefix}SELECTION"));
        let selection = selection.map(|item| get_json(item, "body")).transpose()?;
        Ok(Some(Discovery {
            organization,
            at,
            projects: parts(&items, &format!("{prefix}PROJECT#"), at)?,
            repositories: parts(&items, &format!("{prefix}REPOSITORY#"), at)?,
            // Until there were selections, everything was wanted.
            selection: selection.unwrap_or_default(),
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

/// The partition that lists every connection.
pub(crate) const DIRECTORY: &str = "DIRECTORY";

pub(crate) fn directory_key(tenant: &TenantId, connection: ConnectionId) -> String {
    format!("{tenant}#{connection}")
}

pub(crate) fn tenant_key(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}")
}

pub(crate) fn connection_key(connection: ConnectionId) -> String {
    format!("CONNECTION#{connection}")
}

pub(crate) fn integration_key(connection: ConnectionId, integration: IntegrationId) -> String {
    format!("INTEGRATION#{connection}#{integration}")
}

pub(crate) fn discovery_key(connection: ConnectionId) -> String {
    format!("DISCOVERY#{connection}")
}

/// What the sort keys of an organization begin with.
fn organization_prefix(organization: &OrganizationName) -> String {
    format!("{}#", organization.as_str().to_ascii_lowercase())
}

/// The partition of an integration's streams and passes.
pub(crate) fn integration_partition(integration: IntegrationId) -> String {
    format!("INTEGRATION#{integration}")
}
