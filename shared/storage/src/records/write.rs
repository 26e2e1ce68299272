//! Writing records: immutable ones in batches, others on the condition that nothing newer is there.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, KeysAndAttributes, PutRequest, ReturnValue, WriteRequest},
};
use jiff::Timestamp;
use model::{Details, Facet, IntegrationId, Retention, Row, RowKey, record::Joins};
use tokio::{task::JoinSet, time::sleep};

use super::{Records, StoredRecord, digest, parts};
use crate::{
    Error,
    attributes::{Item, get_number, get_text, number, text},
    error::if_held,
};

/// How many single writes are under way at once.
const CONCURRENCY: usize = 16;
/// What `BatchWriteItem` takes: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>.
pub(super) const WRITE_BATCH: usize = 25;
/// What `BatchGetItem` takes: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>.
const READ_BATCH: usize = 100;
/// How many rows are read, joined and written together: as many as one read brings. More would only take memory.
const AT_ONCE: usize = READ_BATCH;
/// How often a batch is sent again for what was left over, and a merge is tried again after losing a race.
pub(super) const ATTEMPTS: u32 = 8;

/// What a write found and did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// Records that are now other than before.
    pub changed: u64,
    /// Records and those of their facets that are not stored for their present state.
    pub wanted: Vec<(RowKey, Facet)>,
}

/// What is known of a stored record without reading its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    digest: String,
    /// Its version.
    pub version: i64,
    expires_at: Option<i64>,
    /// The facets that were fetched, each with the state of the record that it was fetched for.
    pub markers: BTreeMap<Facet, String>,
}

impl Records {
    /// Writes rows that never change upstream; writing them again changes nothing.
    ///
    /// # Errors
    /// DynamoDB refused, or left items unprocessed again and again.
    pub async fn put_immutable(
        &self,
        integration: IntegrationId,
        rows: &[Row],
        fetched_at: Timestamp,
    ) -> Result<Written, Error> {
        let known = self
            .stored(integration, rows.iter().map(|row| &row.key))
            .await?;
        let fresh: Vec<&Row> = rows
            .iter()
            .filter(|row| !known.contains_key(&row.key))
            .collect();
        self.list(integration, fresh.iter().map(|row| &row.key))
            .await?;
        for batch in fresh.chunks(WRITE_BATCH) {
            let mut requests = Vec::new();
            for row in batch {
                let item = immutable_item(integration, row, fetched_at);
                let put = PutRequest::builder().set_item(Some(item)).build();
                let put = put.map_err(|error| Error::Corrupt {
                    item: row.key.sort.clone(),
                    reason: error.to_string(),
                })?;
                requests.push(WriteRequest::builder().put_request(put).build());
            }
            self.write_batch(requests).await?;
        }
        Ok(Written {
            changed: fresh.len() as u64,
            wanted: Vec::new(),
        })
    }

    pub(super) async fn write_batch(&self, requests: Vec<WriteRequest>) -> Result<(), Error> {
        let mut left = HashMap::from([(self.table.clone(), requests)]);
        for attempt in 0..ATTEMPTS {
            let output = self
                .client
                .batch_write_item()
                .set_request_items(Some(left))
                .send()
                .await
                .map_err(|error| Error::dynamodb("BatchWriteItem", &error))?;
            left = output.unprocessed_items.unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            sleep(backoff(attempt)).await;
        }
        Err(Error::Contended {
            item: format!("a batch of table {}", self.table),
        })
    }

    /// Writes rows unless something newer is stored, and says which records want details fetched.
    ///
    /// # Errors
    /// DynamoDB refused. Rows before the failed one may be written; writing all again is harmless.
    pub async fn put(
        &self,
        integration: IntegrationId,
        rows: Vec<Row>,
        fetched_at: Timestamp,
    ) -> Result<Written, Error> {
        let known = self
            .stored(integration, rows.iter().map(|row| &row.key))
            .await?;
        let is_new = |row: &&Row| !known.contains_key(&row.key);
        let new_keys = rows.iter().filter(is_new).map(|row| &row.key);
        self.list(integration, new_keys).await?;
        let mut written = Written::default();
        let mut tasks = JoinSet::new();
        let mut fresh = Vec::new();
        for row in rows {
            let stored = known.get(&row.key);
            let fetched = stored.map(|stored| &stored.markers);
            written.wanted.extend(wanted(&row, fetched));
            let digest = digest(&row.body);
            if stored.is_some_and(|stored| stored.digest == digest || stored.version > row.version)
            {
                continue;
            }
            if stored.is_none() && !parts::is_long(&row.body) {
                fresh.push((row, digest));
                continue;
            }
            if tasks.len() == CONCURRENCY {
                written.changed += joined(&mut tasks).await?;
            }
            let records = self.clone();
            tasks.spawn(async move {
                records
                    .put_one(integration, &row, &digest, fetched_at)
                    .await
            });
        }
        while !tasks.is_empty() {
            written.changed += joined(&mut tasks).await?;
        }
        written.changed += self.put_fresh(integration, &fresh, fetched_at).await?;
        Ok(written)
    }

    /// Writes short rows that were not stored a moment ago, and says how many of them are new.
    async fn put_fresh(
        &self,
        integration: IntegrationId,
        rows: &[(Row, String)],
        fetched_at: Timestamp,
    ) -> Result<u64, Error> {
        let mut changed = 0;
        for some in rows.chunks(AT_ONCE) {
            let statements = some
                .iter()
                .map(|(row, digest)| self.insertion(integration, row, (digest, fetched_at)));
            let statements = statements.collect::<Result<_, _>>()?;
            for ((row, digest), held) in some.iter().zip(self.execute(statements).await?) {
                // Another writer was faster; the newer of the two versions stays.
                let written = held || self.put_one(integration, row, digest, fetched_at).await?;
                changed += u64::from(written);
            }
        }
        Ok(changed)
    }

    /// Writes one row on the condition that nothing newer is stored; `false` if something newer is.
    async fn put_one(
        &self,
        integration: IntegrationId,
        row: &Row,
        digest: &str,
        fetched_at: Timestamp,
    ) -> Result<bool, Error> {
        let inline = self
            .put_parts(
                integration,
                &row.key,
                "body",
                (&row.body, digest),
                row.expires_at,
            )
            .await?;
        let update = self
            .update(integration, row, &inline, (digest, fetched_at))
            .condition_expression(
                "attribute_not_exists(pk) OR (version <= :version AND digest <> :digest)",
            );
        let written = if_held("UpdateItem", update.send().await)?;
        if let Some(before) = written
            .as_ref()
            .and_then(|output| output.attributes.as_ref())
        {
            let before = replaced(before, "body_parts", "digest", digest);
            self.delete_parts(integration, &row.key, "body", before)
                .await?;
        }
        Ok(written.is_some())
    }

    /// The write of a row that leaves its facets as they are; the condition is the caller's.
    fn update(
        &self,
        integration: IntegrationId,
        row: &Row,
        inline: &Inline<'_>,
        (digest, fetched_at): (&str, Timestamp),
    ) -> UpdateItemFluentBuilder {
        let expiry = match row.expires_at {
            Some(_) => "SET expires_at = :expires,",
            None => "REMOVE expires_at SET",
        };
        let mut sets = "body = :body, body_parts = :parts, digest = :digest, version = :version, \
                        fetched_at = :fetched"
            .to_owned();
        let mut update = self.client.update_item();
        for (facet, marker) in &row.markers {
            sets.push_str(&format!(", {} = :{}", wanted_marker(*facet), facet.name()));
            update = update.expression_attribute_values(format!(":{}", facet.name()), text(marker));
        }
        let update = update
            .table_name(&self.table)
            .key("pk", text(row.key.partition(integration)))
            .key("sk", text(&row.key.sort))
            .update_expression(format!("{expiry} {sets}"))
            .expression_attribute_values(":body", text(inline.text))
            .expression_attribute_values(":parts", number(inline.parts))
            .expression_attribute_values(":digest", text(digest))
            .expression_attribute_values(":version", number(row.version))
            .expression_attribute_values(":fetched", text(fetched_at.to_string()))
            .return_values(ReturnValue::UpdatedOld);
        match row.expires_at {
            Some(expires_at) => update.expression_attribute_values(":expires", number(expires_at)),
            None => update,
        }
    }

    /// Joins records with what is stored of them and writes the result, again if another writer was faster.
    ///
    /// # Errors
    /// DynamoDB refused, a stored record does not read back, or other writers won every race.
    pub async fn merge<T: Joins>(
        &self,
        integration: IntegrationId,
        items: Vec<T>,
        (retention, fetched_at): (Retention, Timestamp),
    ) -> Result<Written, Error> {
        let mut waiting: HashMap<RowKey, T> = HashMap::new();
        for item in items {
            let key = item.row_key();
            let joined = match waiting.remove(&key) {
                Some(other) => other.join(item),
                None => item,
            };
            waiting.insert(key, joined);
        }
        let mut written = Written::default();
        let mut items = waiting.into_iter();
        loop {
            let some: Vec<(RowKey, T)> = items.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                return Ok(written);
            }
            let more = self
                .merge_some(integration, some, (retention, fetched_at))
                .await?;
            written.changed += more.changed;
            written.wanted.extend(more.wanted);
        }
    }

    async fn merge_some<T: Joins>(
        &self,
        integration: IntegrationId,
        mut waiting: Vec<(RowKey, T)>,
        when: (Retention, Timestamp),
    ) -> Result<Written, Error> {
        let mut written = Written::default();
        for attempt in 0..ATTEMPTS {
            let keys: Vec<RowKey> = waiting.iter().map(|(key, _)| key.clone()).collect();
            let stored = self.read(integration, &keys).await?;
            let mut lost = Vec::new();
            let mut changed = Vec::new();
            for (key, item) in waiting {
                let before = stored.get(&key);
                let Some((row, is_new)) = joined_row(before, &item, when)? else {
                    continue;
                };
                let fetched = before.map(|record| &record.markers);
                written.wanted.extend(wanted(&row, fetched));
                if is_new {
                    changed.push((item, row, before));
                }
            }
            let new_keys = changed.iter().filter(|(_, _, before)| before.is_none());
            self.list(integration, new_keys.map(|(_, row, _)| &row.key))
                .await?;
            let rows = changed.iter().map(|(_, row, before)| (row, *before));
            let held = self.put_joined(integration, rows, when.1).await?;
            for ((item, row, _), held) in changed.into_iter().zip(held) {
                if held {
                    written.changed += 1;
                } else {
                    written.wanted.retain(|(key, _)| *key != row.key);
                    lost.push((row.key, item));
                }
            }
            if lost.is_empty() {
                return Ok(written);
            }
            waiting = lost;
            sleep(backoff(attempt)).await;
        }
        Err(Error::Contended {
            item: format!("a {} of integration {integration}", T::KIND),
        })
    }

    /// Writes rows on the condition that what is stored is still what was read, and says of each whether it was.
    async fn put_joined(
        &self,
        integration: IntegrationId,
        rows: impl Iterator<Item = (&Row, Option<&StoredRecord>)>,
        fetched_at: Timestamp,
    ) -> Result<Vec<bool>, Error> {
        let mut held = Vec::new();
        let (mut statements, mut places) = (Vec::new(), Vec::new());
        for (row, before) in rows {
            let digest = digest(&row.body);
            let written = (digest.as_str(), fetched_at);
            let statement = match before {
                _ if parts::is_long(&row.body) => None,
                None => Some(self.insertion(integration, row, written)?),
                Some(before) if is_simple(before, row) => {
                    Some(self.replacement(integration, row, &before.digest, written)?)
                }
                Some(_) => None,
            };
            match statement {
                Some(statement) => {
                    places.push(held.len());
                    statements.push(statement);
                    held.push(false);
                }
                None => {
                    let expected = before.map(|before| before.digest.as_str());
                    held.push(self.put_if(integration, row, expected, fetched_at).await?);
                }
            }
        }
        for (place, own) in places.into_iter().zip(self.execute(statements).await?) {
            held[place] = own;
        }
        Ok(held)
    }

    /// Writes a row on the condition that what is stored is still what was read; `false` if it is not.
    async fn put_if(
        &self,
        integration: IntegrationId,
        row: &Row,
        expected: Option<&str>,
        fetched_at: Timestamp,
    ) -> Result<bool, Error> {
        let digest = digest(&row.body);
        let inline = self
            .put_parts(
                integration,
                &row.key,
                "body",
                (&row.body, &digest),
                row.expires_at,
            )
            .await?;
        let update = self.update(integration, row, &inline, (&digest, fetched_at));
        let update = match expected {
            Some(expected) => update
                .condition_expression("digest = :expected")
                .expression_attribute_values(":expected", text(expected)),
            None => update.condition_expression("attribute_not_exists(pk)"),
        };
        let written = if_held("UpdateItem", update.send().await)?;
        if let Some(before) = written
            .as_ref()
            .and_then(|output| output.attributes.as_ref())
        {
            let before = replaced(before, "body_parts", "digest", &digest);
            self.delete_parts(integration, &row.key, "body", before)
                .await?;
        }
        Ok(written.is_some())
    }

    /// Adds details to a record that is stored; `false` if the record is gone, which details never bring back, or if the
    /// details of its present state are stored and these are of another one.
    ///
    /// Two workers may fetch details of one record, each for the state that its page showed. Whichever comes last, the
    /// details of the state that is stored stay.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn put_details(
        &self,
        integration: IntegrationId,
        details: &Details,
        fetched_at: Timestamp,
    ) -> Result<bool, Error> {
        let (facet, wanted) = (&attribute(details.facet), wanted_marker(details.facet));
        let digest = digest(&details.body);
        // Parts expire with the record; short texts have none, and need not know when.
        let expires_at = match parts::is_long(&details.body) {
            true => {
                let stored = self
                    .stored(integration, std::iter::once(&details.key))
                    .await?;
                stored
                    .get(&details.key)
                    .and_then(|stored| stored.expires_at)
            }
            false => None,
        };
        let inline = self
            .put_parts(
                integration,
                &details.key,
                facet,
                (&details.body, &digest),
                expires_at,
            )
            .await?;
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(details.key.partition(integration)))
            .key("sk", text(&details.key.sort))
            .update_expression(format!(
                "SET {facet} = :details, {facet}_parts = :parts, {facet}_digest = :digest, \
                 {facet}_marker = :marker, {facet}_fetched_at = :fetched",
            ))
            .condition_expression(format!(
                "attribute_exists(pk) AND (attribute_not_exists({wanted}) OR {wanted} = :marker \
                 OR attribute_not_exists({facet}_marker) OR {facet}_marker <> {wanted})"
            ))
            .expression_attribute_values(":details", text(inline.text))
            .expression_attribute_values(":parts", number(inline.parts))
            .expression_attribute_values(":digest", text(&digest))
            .expression_attribute_values(":marker", text(&details.marker))
            .expression_attribute_values(":fetched", text(fetched_at.to_string()))
            .return_values(ReturnValue::UpdatedOld)
            .send()
            .await;
        let written = if_held("UpdateItem", result)?;
        if let Some(before) = written
            .as_ref()
            .and_then(|output| output.attributes.as_ref())
        {
            let names = (format!("{facet}_parts"), format!("{facet}_digest"));
            let before = replaced(before, &names.0, &names.1, &digest);
            self.delete_parts(integration, &details.key, facet, before)
                .await?;
        }
        Ok(written.is_some())
    }

    /// Deletes the parts of a text that was replaced. After a crash before this they stay until they expire.
    async fn delete_parts(
        &self,
        integration: IntegrationId,
        key: &RowKey,
        name: &str,
        (digest, count): (&str, i64),
    ) -> Result<(), Error> {
        for index in 0..usize::try_from(count).unwrap_or(0) {
            self.client
                .delete_item()
                .table_name(&self.table)
                .key("pk", text(key.partition(integration)))
                .key("sk", text(parts::part_key(&key.sort, name, digest, index)))
                .send()
                .await
                .map_err(|error| Error::dynamodb("DeleteItem", &error))?;
        }
        Ok(())
    }

    /// Writes a text that is too long for one item into parts, and says what is left for the item itself.
    pub(super) async fn put_parts<'a>(
        &self,
        integration: IntegrationId,
        key: &RowKey,
        name: &str,
        (content, digest): (&'a str, &str),
        expires_at: Option<i64>,
    ) -> Result<Inline<'a>, Error> {
        if !parts::is_long(content) {
            return Ok(Inline {
                text: content,
                parts: 0,
            });
        }
        let split = parts::split(content);
        for (index, part) in split.iter().enumerate() {
            let mut put = self
                .client
                .put_item()
                .table_name(&self.table)
                .item("pk", text(key.partition(integration)))
                .item("sk", text(parts::part_key(&key.sort, name, digest, index)))
                .item("part", text(*part));
            if let Some(expires_at) = expires_at {
                put = put.item("expires_at", number(expires_at));
            }
            put.send()
                .await
                .map_err(|error| Error::dynamodb("PutItem", &error))?;
        }
        Ok(Inline {
            text: "",
            parts: split.len(),
        })
    }

    /// What is known of rows that are stored, without their bodies.
    ///
    /// # Errors
    /// DynamoDB refused, or left keys unread again and again.
    pub async fn stored<'a>(
        &self,
        integration: IntegrationId,
        keys: impl Iterator<Item = &'a RowKey>,
    ) -> Result<HashMap<RowKey, Stored>, Error> {
        let keys: Vec<&RowKey> = keys.collect();
        let mut stored = HashMap::new();
        for batch in keys.chunks(READ_BATCH) {
            let projection = projection();
            for item in self
                .read_batch(integration, batch, Some(&projection))
                .await?
            {
                let pk = get_text(&item, "pk").unwrap_or_default();
                let sk = get_text(&item, "sk").unwrap_or_default();
                let Some(key) = super::read_key(pk, sk) else {
                    continue;
                };
                let known = Stored {
                    digest: get_text(&item, "digest").unwrap_or_default().to_owned(),
                    version: get_number(&item, "version").unwrap_or_default(),
                    expires_at: get_number(&item, "expires_at"),
                    markers: markers(&item),
                };
                stored.insert(key, known);
            }
        }
        Ok(stored)
    }

    /// The items of up to 100 keys; those that are not stored are not in the answer.
    pub(super) async fn read_batch(
        &self,
        integration: IntegrationId,
        keys: &[&RowKey],
        projection: Option<&str>,
    ) -> Result<Vec<Item>, Error> {
        let mut distinct: Vec<&RowKey> = keys.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let mut wanted = KeysAndAttributes::builder()
            .consistent_read(true)
            .set_projection_expression(projection.map(str::to_owned));
        for key in distinct {
            wanted = wanted.keys(HashMap::from([
                ("pk".to_owned(), text(key.partition(integration))),
                ("sk".to_owned(), text(&key.sort)),
            ]));
        }
        let wanted = wanted.build().map_err(|error| Error::Corrupt {
            item: "keys".into(),
            reason: error.to_string(),
        })?;
        let mut left = HashMap::from([(self.table.clone(), wanted)]);
        let mut items = Vec::new();
        for attempt in 0..ATTEMPTS {
            let output = self
                .client
                .batch_get_item()
                .set_request_items(Some(left))
                .send()
                .await
                .map_err(|error| Error::dynamodb("BatchGetItem", &error))?;
            items.extend(output.responses.unwrap_or_default().into_values().flatten());
            left = output.unprocessed_keys.unwrap_or_default();
            if left.is_empty() {
                return Ok(items);
            }
            sleep(backoff(attempt)).await;
        }
        Err(Error::Contended {
            item: format!("keys of table {}", self.table),
        })
    }
}

/// The row of a record joined with what is stored of it, and whether it differs from that; `None` if it is too old to be
/// kept.
fn joined_row<T: Joins>(
    before: Option<&StoredRecord>,
    item: &T,
    (retention, fetched_at): (Retention, Timestamp),
) -> Result<Option<(Row, bool)>, Error> {
    let before = before.and_then(|record| T::of(&record.record));
    let joined = match before {
        Some(before) => before.clone().join(item.clone()),
        None => item.clone(),
    };
    let is_new = before != Some(&joined);
    let record = joined.into_record();
    let row = record.row(retention, fetched_at);
    let row = row.map_err(|error| Error::Corrupt {
        item: item.row_key().sort,
        reason: error.to_string(),
    })?;
    Ok(row.map(|row| (row, is_new)))
}

/// Whether a stored record can be replaced by one statement: it has no parts to delete and no expiry to take away.
fn is_simple(before: &StoredRecord, row: &Row) -> bool {
    !parts::is_long(&before.body) && (before.expires_at.is_none() || row.expires_at.is_some())
}

/// The facets of a row that are not stored for its present state.
fn wanted(
    row: &Row,
    fetched: Option<&BTreeMap<Facet, String>>,
) -> impl Iterator<Item = (RowKey, Facet)> {
    row.markers
        .iter()
        .filter(move |(facet, marker)| fetched.and_then(|known| known.get(facet)) != Some(marker))
        .map(|(facet, _)| (row.key.clone(), *facet))
}

/// What tells one state of an item from another.
fn projection() -> String {
    let mut names = "pk, sk, digest, version, expires_at".to_owned();
    for facet in Facet::ALL {
        names.push_str(", ");
        names.push_str(&attribute(facet));
        names.push_str("_marker");
    }
    names
}

/// The attribute that holds a facet; none of DynamoDB's reserved words begins like this.
pub(super) fn attribute(facet: Facet) -> String {
    format!("facet_{}", facet.name())
}

/// The attribute that holds the marker which a facet of the record's present state has.
pub(super) fn wanted_marker(facet: Facet) -> String {
    format!("{}_wanted", attribute(facet))
}

/// The facets that an item has, each with its marker.
pub(super) fn markers(item: &Item) -> BTreeMap<Facet, String> {
    let marker = |facet: Facet| {
        let marker = get_text(item, &format!("{}_marker", attribute(facet)))?;
        Some((facet, marker.to_owned()))
    };
    Facet::ALL.into_iter().filter_map(marker).collect()
}

/// What stands in the item itself: the text, or nothing and the number of its parts.
pub(super) struct Inline<'a> {
    text: &'a str,
    parts: usize,
}

/// The digest and the number of parts of a text that a write has replaced; no parts if it is the same text.
fn replaced<'a>(before: &'a Item, parts: &str, digest: &str, now: &str) -> (&'a str, i64) {
    match get_text(before, digest) {
        Some(before_digest) if before_digest != now => {
            (before_digest, get_number(before, parts).unwrap_or(0))
        }
        _ => ("", 0),
    }
}

fn immutable_item(integration: IntegrationId, row: &Row, fetched_at: Timestamp) -> Item {
    let mut item = HashMap::from([
        ("pk".to_owned(), text(row.key.partition(integration))),
        ("sk".to_owned(), text(&row.key.sort)),
        ("body".to_owned(), text(&row.body)),
        ("digest".to_owned(), text(digest(&row.body))),
        ("version".to_owned(), number(row.version)),
        ("fetched_at".to_owned(), text(fetched_at.to_string())),
    ]);
    if let Some(expires_at) = row.expires_at {
        item.insert(
            "expires_at".to_owned(),
            AttributeValue::N(expires_at.to_string()),
        );
    }
    item
}

async fn joined(tasks: &mut JoinSet<Result<bool, Error>>) -> Result<u64, Error> {
    match tasks.join_next().await {
        Some(Ok(changed)) => changed.map(u64::from),
        Some(Err(failed)) => std::panic::resume_unwind(failed.into_panic()),
        None => Ok(0),
    }
}

pub(super) fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(20 << attempt.min(6))
}
