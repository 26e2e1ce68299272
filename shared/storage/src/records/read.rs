//! Reading records back.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use model::{Facet, IntegrationId, Kind, Record, RowKey};

use super::{Records, parts, read_key};
use crate::{
    Error,
    attributes::{Item, get_number, get_text, name_of, text},
};

/// The most items in one answer. Whatever evaluates a page must be free to stop there: the local database reads all that
/// is left of a table for a page without a bound, and a whole table then costs the square of its size. Items are a few
/// hundred bytes to a few kilobytes, so DynamoDB's own bound of 1 MB ends most pages earlier:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.Pagination>.
pub(super) const PAGE: i32 = 1_000;

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRecord {
    /// Whose it is.
    pub integration: IntegrationId,
    /// Where it is.
    pub key: RowKey,
    /// The record.
    pub record: Record,
    /// The record as JSON.
    pub body: String,
    /// Its facets as JSON, where they were fetched.
    pub details: BTreeMap<Facet, String>,
    /// The state of the record that each facet was fetched for.
    pub markers: BTreeMap<Facet, String>,
    /// When it expires, in seconds of the Unix epoch; `None` while the thing is open.
    pub expires_at: Option<i64>,
    /// Its version.
    pub(crate) version: i64,
    /// A fingerprint of the body.
    pub(crate) digest: String,
}

impl Records {
    /// The records of these keys; those that are not stored are not in the answer.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn read(
        &self,
        integration: IntegrationId,
        keys: &[RowKey],
    ) -> Result<HashMap<RowKey, StoredRecord>, Error> {
        let mut found = HashMap::new();
        let keys: Vec<&RowKey> = keys.iter().collect();
        for batch in keys.chunks(100) {
            for item in self.read_batch(integration, batch, None).await? {
                let record = self.record(item).await?;
                found.insert(record.key.clone(), record);
            }
        }
        Ok(found)
    }

    /// The records of one kind and bucket whose sort key begins with `prefix`, expired ones left out.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn bucket(
        &self,
        integration: IntegrationId,
        (kind, bucket): (Kind, &str),
        prefix: &str,
        now: Timestamp,
    ) -> Result<Vec<StoredRecord>, Error> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .limit(PAGE)
            .expression_attribute_values(":pk", text(format!("{integration}#{kind}#{bucket}")));
        query = if prefix.is_empty() {
            query.key_condition_expression("pk = :pk")
        } else {
            query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", text(prefix))
        };
        let mut pages = query.into_paginator().items().send();
        let mut records = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| Error::dynamodb("Query", &error))?;
            if is_live(&item, now) {
                records.push(self.record(item).await?);
            }
        }
        Ok(records)
    }

    /// Hands out every record of the table, one by one and expired ones left out, so that a table need not fit into
    /// memory. Reads the whole table: for proofs on one machine, not for functions.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn each(
        &self,
        now: Timestamp,
        mut take: impl FnMut(StoredRecord),
    ) -> Result<(), Error> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.table)
            .limit(PAGE)
            .into_paginator()
            .items()
            .send();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| Error::dynamodb("Scan", &error))?;
            if is_live(&item, now) {
                take(self.record(item).await?);
            }
        }
        Ok(())
    }

    /// The same in one list, for tables that fit into memory.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn all(&self, now: Timestamp) -> Result<Vec<StoredRecord>, Error> {
        let mut records = Vec::new();
        self.each(now, |record| records.push(record)).await?;
        Ok(records)
    }

    pub(super) async fn record(&self, item: Item) -> Result<StoredRecord, Error> {
        let corrupt = |reason: String| Error::Corrupt {
            item: name_of(&item),
            reason,
        };
        let pk = get_text(&item, "pk").unwrap_or_default();
        let sk = get_text(&item, "sk").unwrap_or_default();
        let key = read_key(pk, sk).ok_or_else(|| corrupt("its key names no kind".into()))?;
        let integration = pk.split('#').next().unwrap_or_default().parse();
        let integration =
            integration.map_err(|_| corrupt("its key names no integration".into()))?;
        let body = self
            .whole(&item, "body", "digest")
            .await?
            .unwrap_or_default();
        let markers = super::write::markers(&item);
        let mut details = BTreeMap::new();
        for facet in markers.keys() {
            let name = super::write::attribute(*facet);
            let text = self.whole(&item, &name, &format!("{name}_digest")).await?;
            details.extend(text.map(|text| (*facet, text)));
        }
        let record =
            Record::from_body(key.kind, &body).map_err(|error| corrupt(error.to_string()))?;
        let digest = get_text(&item, "digest").unwrap_or_default().to_owned();
        Ok(StoredRecord {
            integration,
            key,
            record,
            body,
            details,
            markers,
            expires_at: get_number(&item, "expires_at"),
            version: get_number(&item, "version").unwrap_or_default(),
            digest,
        })
    }

    /// A text of an item, joined from its parts if it was too long for one item.
    pub(super) async fn whole(
        &self,
        item: &Item,
        name: &str,
        digest: &str,
    ) -> Result<Option<String>, Error> {
        let Some(inline) = get_text(item, name) else {
            return Ok(None);
        };
        let count = get_number(item, &format!("{name}_parts")).unwrap_or(0);
        let mut whole = inline.to_owned();
        for index in 0..usize::try_from(count).unwrap_or(0) {
            let sort = get_text(item, "sk").unwrap_or_default();
            let digest = get_text(item, digest).unwrap_or_default();
            let part = self
                .client
                .get_item()
                .table_name(&self.table)
                .key("pk", text(get_text(item, "pk").unwrap_or_default()))
                .key("sk", text(parts::part_key(sort, name, digest, index)))
                .consistent_read(true)
                .send()
                .await
                .map_err(|error| Error::dynamodb("GetItem", &error))?;
            let part = part.item.unwrap_or_default();
            whole.push_str(get_text(&part, "part").ok_or_else(|| Error::Corrupt {
                item: name_of(item),
                reason: format!("part {index} of its {name} is missing"),
            })?);
        }
        Ok(Some(whole))
    }
}

/// TTL deletes late, so a reader decides by itself; parts are read with their record, not as records. The list of an
/// integration's partitions has the integration alone as its key.
pub(super) fn is_live(item: &Item, now: Timestamp) -> bool {
    let expired = get_number(item, "expires_at").is_some_and(|at| at <= now.as_second());
    let is_list = !get_text(item, "pk").unwrap_or_default().contains('#');
    !expired && !is_list && !parts::is_part(get_text(item, "sk").unwrap_or_default())
}
