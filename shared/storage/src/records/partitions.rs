//! What there is of an integration: its partitions, what is in them, and emptying them.
//!
//! A table cannot be asked which partitions it has, so a partition is listed before the first record is put into it.

use std::{collections::HashMap, sync::PoisonError};

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, DeleteRequest, PutRequest, ReturnValue, TransactWriteItem, WriteRequest,
};
use model::{IntegrationId, Kind, RowKey};

use super::{Records, StoredRecord, parts, read::PAGE, write::WRITE_BATCH};
use crate::{
    Error,
    attributes::{Item, get_number, get_text, number, text},
    change::unsendable,
    error::if_held,
    page::page,
};

/// How many partitions a process remembers to have listed; one that is listed again costs a write.
const REMEMBERED: usize = 20_000;

/// A partition of an integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Of what it holds records.
    pub kind: Kind,
    /// The bucket; see [`RowKey`].
    pub bucket: String,
}

/// Where an item of a partition is, and whether it is a record or a part of a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    sort: String,
}

impl Key {
    /// Whether it is a record of its own.
    pub fn is_record(&self) -> bool {
        !parts::is_part(&self.sort)
    }
}

impl Partition {
    fn key(&self, integration: IntegrationId) -> String {
        format!("{integration}#{}#{}", self.kind.name(), self.bucket)
    }

    fn sort(&self) -> String {
        format!("{}#{}", self.kind.name(), self.bucket)
    }
}

impl Records {
    /// Lists the partitions of rows that are about to be written, those that this process has not listed yet.
    pub(super) async fn list<'a>(
        &self,
        integration: IntegrationId,
        keys: impl Iterator<Item = &'a RowKey>,
    ) -> Result<(), Error> {
        let mut fresh: HashMap<String, String> = HashMap::new();
        {
            let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
            for key in keys {
                let partition = key.partition(integration);
                if !listed.contains(&partition) {
                    fresh.insert(partition, format!("{}#{}", key.kind.name(), key.bucket));
                }
            }
        }
        let sorts: Vec<&String> = fresh.values().collect();
        for batch in sorts.chunks(WRITE_BATCH) {
            let mut requests = Vec::new();
            for sort in batch {
                let put = PutRequest::builder()
                    .item("pk", text(integration.to_string()))
                    .item("sk", text(sort.as_str()))
                    .build()
                    .map_err(|error| unsendable(sort, &error))?;
                requests.push(WriteRequest::builder().put_request(put).build());
            }
            self.write_batch(requests).await?;
        }
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if listed.len() + fresh.len() > REMEMBERED {
            listed.clear();
        }
        listed.extend(fresh.into_keys());
        Ok(())
    }

    /// The partitions of an integration, in the order of their keys.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn partitions(&self, integration: IntegrationId) -> Result<Vec<Partition>, Error> {
        let pk = integration.to_string();
        let items = self.items(&pk, "pk, sk", None).await?;
        let partition = |item: &Item| {
            let (kind, bucket) = get_text(item, "sk")?.split_once('#')?;
            Some(Partition {
                kind: Kind::from_name(kind)?,
                bucket: bucket.to_owned(),
            })
        };
        Ok(items.iter().filter_map(partition).collect())
    }

    /// The keys of everything in a partition, expired records that DynamoDB has not deleted yet among them.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn keys(
        &self,
        integration: IntegrationId,
        partition: &Partition,
    ) -> Result<Vec<Key>, Error> {
        let items = self
            .items(&partition.key(integration), "pk, sk", None)
            .await?;
        let key = |item: &Item| {
            let sort = get_text(item, "sk")?.to_owned();
            Some(Key { sort })
        };
        Ok(items.iter().filter_map(key).collect())
    }

    /// Some records of a partition behind a sort key, expired ones among them, and the key behind which there may be more.
    ///
    /// # Errors
    /// DynamoDB refused or an item does not read back.
    pub async fn some(
        &self,
        integration: IntegrationId,
        partition: &Partition,
        (after, limit): (Option<&str>, i32),
    ) -> Result<(Vec<StoredRecord>, Option<String>), Error> {
        let pk = partition.key(integration);
        let place = (pk.as_str(), after);
        let (items, last) = page((&self.client, &self.table), place, limit).await?;
        let mut records = Vec::new();
        for item in items {
            if !parts::is_part(get_text(&item, "sk").unwrap_or_default()) {
                records.push(self.record(item).await?);
            }
        }
        Ok((records, last))
    }

    /// Deletes everything in a partition, and returns how many records it had; `None` if it is listed no longer, or a look
    /// back found something. The number is noted before the first record goes and never changed, so that a deletion that is
    /// broken off and begun again does not lose count.
    ///
    /// # Errors
    /// DynamoDB refused; what is left can be deleted by another call.
    pub async fn empty(
        &self,
        integration: IntegrationId,
        partition: &Partition,
    ) -> Result<Option<u64>, Error> {
        let keys = self.keys(integration, partition).await?;
        let count = keys.iter().filter(|key| key.is_record()).count();
        let Some(counted) = self.note_count(integration, partition, count).await? else {
            return Ok(None);
        };
        let pk = partition.key(integration);
        let sorts: Vec<&str> = keys.iter().map(|key| key.sort.as_str()).collect();
        self.delete_all(&pk, &sorts).await?;
        let is_empty = self.items(&pk, "pk, sk", Some(1)).await?.is_empty();
        Ok(is_empty.then_some(counted))
    }

    /// What takes a partition off the list, if it is on it.
    pub(crate) fn unlisting(
        &self,
        integration: IntegrationId,
        partition: &Partition,
    ) -> Result<TransactWriteItem, Error> {
        let sort = partition.sort();
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("pk", text(integration.to_string()))
            .key("sk", text(&sort))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(|error| unsendable(&sort, &error))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Notes how many records a listed partition has, unless that was noted before, and returns what is noted.
    async fn note_count(
        &self,
        integration: IntegrationId,
        partition: &Partition,
        count: usize,
    ) -> Result<Option<u64>, Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(integration.to_string()))
            .key("sk", text(partition.sort()))
            .update_expression("SET counted = if_not_exists(counted, :count)")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":count", number(count))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let noted = if_held("UpdateItem", result)?.and_then(|noted| noted.attributes);
        let counted = noted.and_then(|item| get_number(&item, "counted"));
        Ok(counted.and_then(|counted| u64::try_from(counted).ok()))
    }

    async fn delete_all(&self, pk: &str, sorts: &[&str]) -> Result<(), Error> {
        for batch in sorts.chunks(WRITE_BATCH) {
            let mut requests = Vec::new();
            for sort in batch {
                let delete = DeleteRequest::builder()
                    .key("pk", text(pk))
                    .key("sk", text(*sort))
                    .build()
                    .map_err(|error| unsendable(sort, &error))?;
                requests.push(WriteRequest::builder().delete_request(delete).build());
            }
            self.write_batch(requests).await?;
        }
        Ok(())
    }

    /// The items of a partition, at most `most` of them, as they are now.
    async fn items(
        &self,
        pk: &str,
        projection: &str,
        most: Option<i32>,
    ) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let mut start: Option<HashMap<String, AttributeValue>> = None;
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(pk))
                .projection_expression(projection)
                .set_exclusive_start_key(start)
                .consistent_read(true)
                .limit(most.unwrap_or(PAGE))
                .send()
                .await
                .map_err(|error| Error::dynamodb("Query", &error))?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key;
            if start.is_none() || most.is_some() {
                return Ok(items);
            }
        }
    }
}
