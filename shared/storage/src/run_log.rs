//! The run log: which passes ended when, and what they did.

use std::time::Duration;

use jiff::Timestamp;
use model::{IntegrationId, Trace};
use serde::Serialize;

use crate::{
    Control, Counts, Error, StreamKey,
    attributes::{Item, get_json, get_text, json, name_of, number, text},
    control::integration_partition,
};

/// How long a pass is listed.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// A pass that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The resource that was read.
    pub resource: String,
    /// Where: `-` for the organization, else the ids of the project and the repository.
    pub scope: String,
    /// How it ended: `complete`, `incomplete` if items had to be set aside, `failed`.
    pub status: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// What its last invocation did.
    pub counts: Counts,
    /// What had set it going; by this its lines are found in the functions' log. A line of before there were traces has none.
    #[serde(rename = "trace_id", skip_serializing_if = "Trace::is_none")]
    pub trace: Trace,
}

impl Control {
    /// Adds a line to the run log, where it stays for 30 days.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn log_pass(
        &self,
        key: &StreamKey,
        (started_at, ended_at): (Timestamp, Timestamp),
        status: &str,
        counts: Counts,
        trace: Trace,
    ) -> Result<(), Error> {
        let expires = ended_at.as_second() + i64::try_from(KEPT.as_secs()).unwrap_or(0);
        self.client
            .put_item()
            .table_name(&self.table)
            .item("pk", text(integration_partition(key.integration)))
            .item("sk", text(format!("PASS#{ended_at}#{}", key.name())))
            .item("status", text(status))
            .item("started_at", text(started_at.to_string()))
            .item("ended_at", text(ended_at.to_string()))
            .item("counts", json(&counts)?)
            .item("trace", text(trace.to_string()))
            .item("expires_at", number(expires))
            .send()
            .await
            .map_err(|error| Error::dynamodb("PutItem", &error))?;
        Ok(())
    }

    /// The passes of an integration, the newest first, at most `limit`, and where the rest begins if there is more. `before`
    /// is where an earlier answer said so.
    ///
    /// # Errors
    /// DynamoDB refused or a line does not read back.
    pub async fn runs(
        &self,
        integration: IntegrationId,
        before: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Run>, Option<String>), Error> {
        let pk = integration_partition(integration);
        let (items, next) = self.newest(&pk, "PASS#", before, limit).await?;
        let runs = items.iter().map(read).collect::<Result<_, _>>()?;
        Ok((runs, next))
    }
}

fn read(item: &Item) -> Result<Run, Error> {
    let instant = |name| {
        let text = get_text(item, name).unwrap_or_default();
        text.parse::<Timestamp>().map_err(|error| Error::Corrupt {
            item: name_of(item),
            reason: error.to_string(),
        })
    };
    let (started_at, ended_at) = (instant("started_at")?, instant("ended_at")?);
    // `PASS#{ended at}#{organization}#{resource}#{scope}`
    let mut parts = get_text(item, "sk")
        .unwrap_or_default()
        .splitn(5, '#')
        .skip(3);
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let trace = get_text(item, "trace").and_then(|id| id.parse().ok());
    Ok(Run {
        resource: part(),
        scope: part(),
        status: get_text(item, "status").unwrap_or_default().to_owned(),
        started_at,
        ended_at,
        duration_ms: ended_at.as_millisecond() - started_at.as_millisecond(),
        counts: get_json(item, "counts")?,
        trace: trace.map(Trace::new).unwrap_or_default(),
    })
}
