//! The audit log: who changed what, and when, newest first.

use aws_sdk_dynamodb::types::TransactWriteItem;
use model::{Entry, TenantId};

use crate::{
    Control, Error,
    attributes::{Item, get_json, get_text, json, number, text},
};

/// How long a line is kept: a year, and the time to look back over it.
const KEPT_S: i64 = 400 * 24 * 3600;

impl Control {
    /// The lines of a tenant, the newest first, at most `limit`, and where the rest begins if there is more. `before` is where
    /// an earlier answer said so.
    ///
    /// # Errors
    /// DynamoDB refused or a line does not read back.
    pub async fn audit(
        &self,
        tenant: &TenantId,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<String>), Error> {
        let (items, next) = self
            .newest(&audit_key(tenant), "LINE#", before, limit)
            .await?;
        let entries = items.iter().map(|item| get_json(item, "body"));
        Ok((entries.collect::<Result<_, _>>()?, next))
    }

    /// The newest items of a partition whose sort keys begin with `prefix`, and where the rest begins if there is more.
    pub(crate) async fn newest(
        &self,
        pk: &str,
        prefix: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<String>), Error> {
        let one_more = i32::try_from(limit).unwrap_or(i32::MAX).saturating_add(1);
        let end = match before {
            Some(before) => format!("{prefix}{before}"),
            // Sorts after everything that begins with the prefix.
            None => format!("{prefix}\u{10ffff}"),
        };
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :end")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":first", text(prefix))
            .expression_attribute_values(":end", text(end))
            .scan_index_forward(false)
            .limit(one_more)
            .send()
            .await
            .map_err(|error| Error::dynamodb("Query", &error))?;
        let mut items = output.items.unwrap_or_default();
        let rest = items.get(limit).and_then(|item| get_text(item, "sk"));
        let next = rest.map(|sk| sk.trim_start_matches(prefix).to_owned());
        items.truncate(limit);
        Ok((items, next))
    }

    /// The write of a line.
    pub(crate) fn audit_line(
        &self,
        tenant: &TenantId,
        entry: &Entry,
    ) -> Result<TransactWriteItem, Error> {
        let at = entry.at.as_nanosecond();
        let part = entry.integration.map(|integration| integration.to_string());
        let part = part.as_deref().unwrap_or("-");
        let item = Item::from([
            ("pk".to_owned(), text(audit_key(tenant))),
            (
                "sk".to_owned(),
                text(format!("LINE#{at:020}#{}#{part}", entry.connection)),
            ),
            ("body".to_owned(), json(entry)?),
            (
                "expires_at".to_owned(),
                number(entry.at.as_second() + KEPT_S),
            ),
        ]);
        self.put_in_transaction(item, None)
    }
}

fn audit_key(tenant: &TenantId) -> String {
    format!("AUDIT#{tenant}")
}
