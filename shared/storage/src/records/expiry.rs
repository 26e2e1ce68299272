//! Changing when a record expires without touching the record.

use super::{Records, StoredRecord, write::attribute};
use crate::{
    Error,
    attributes::{number, text},
    error::if_held,
};

impl Records {
    /// Sets or removes the expiry of a record as it was read; `false` if it has changed since, which decided anew.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn set_expiry(
        &self,
        record: &StoredRecord,
        expires_at: Option<i64>,
    ) -> Result<bool, Error> {
        // The parts of a long text expire by themselves, and never before their record.
        if expires_at.is_none() {
            self.put_parts_again(record, expires_at).await?;
        }
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(record.key.partition(record.integration)))
            .key("sk", text(&record.key.sort))
            .condition_expression("version = :version AND digest = :digest")
            .expression_attribute_values(":version", number(record.version))
            .expression_attribute_values(":digest", text(&record.digest));
        let update = match expires_at {
            Some(expires_at) => update
                .update_expression("SET expires_at = :expires")
                .expression_attribute_values(":expires", number(expires_at)),
            None => update.update_expression("REMOVE expires_at"),
        };
        let is_set = if_held("UpdateItem", update.send().await)?.is_some();
        if is_set && expires_at.is_some() {
            self.put_parts_again(record, expires_at).await?;
        }
        Ok(is_set)
    }

    /// Writes the parts of long texts again, with another expiry.
    async fn put_parts_again(
        &self,
        record: &StoredRecord,
        expires_at: Option<i64>,
    ) -> Result<(), Error> {
        let body = ("body".to_owned(), &record.body);
        let facets = record.details.iter();
        let facets = facets.map(|(facet, text)| (attribute(*facet), text));
        for (name, content) in std::iter::once(body).chain(facets) {
            let digest = super::digest(content);
            let content = (content.as_str(), digest.as_str());
            self.put_parts(record.integration, &record.key, &name, content, expires_at)
                .await?;
        }
        Ok(())
    }
}
