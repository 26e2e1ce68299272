//! Items that could not become records: which, why and when, so that nothing is lost in silence.
//!
//! Only what names an item is kept, never its content, which may name people.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Control, Error, StreamKey,
    attributes::{Item, get_text, number, text},
    control::integration_partition,
    records::digest,
};

/// How long a note is kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many notes of one page are written: a page that is wholly of another shape says the same a thousand times.
const PER_PAGE: usize = 20;

/// An item that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// The stream that brought it; see [`StreamKey::name`].
    pub stream: String,
    /// Its id where it has one, or a fingerprint of it.
    pub item: String,
    /// Why it is not stored.
    pub reason: String,
    /// When it came last.
    pub seen_at: String,
}

impl Control {
    /// Notes items that were set aside, each with its id if it has one; an item that comes again replaces its note.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn quarantine(
        &self,
        key: &StreamKey,
        items: &[(Option<String>, &str, String)],
        now: Timestamp,
    ) -> Result<(), Error> {
        let expires = now.as_second() + i64::try_from(KEPT.as_secs()).unwrap_or(0);
        for (id, content, reason) in items.iter().take(PER_PAGE) {
            let item = id.clone().unwrap_or_else(|| digest(content));
            self.client
                .put_item()
                .table_name(&self.table)
                .item("pk", text(integration_partition(key.integration)))
                .item("sk", text(format!("QUARANTINE#{}#{item}", key.name())))
                .item("stream", text(key.name()))
                .item("item", text(item))
                .item("reason", text(reason))
                .item("seen_at", text(now.to_string()))
                .item("expires_at", number(expires))
                .send()
                .await
                .map_err(|error| Error::dynamodb("PutItem", &error))?;
        }
        Ok(())
    }

    /// The items of an integration that were set aside in the last 30 days.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn quarantined(
        &self,
        integration: model::IntegrationId,
    ) -> Result<Vec<Quarantined>, Error> {
        let items = self
            .query(&integration_partition(integration), "QUARANTINE#")
            .await?;
        Ok(items.iter().map(read).collect())
    }
}

fn read(item: &Item) -> Quarantined {
    let text = |name| get_text(item, name).unwrap_or_default().to_owned();
    Quarantined {
        stream: text("stream"),
        item: text("item"),
        reason: text("reason"),
        seen_at: text("seen_at"),
    }
}
