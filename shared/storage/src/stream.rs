//! Streams: one resource in one scope of one integration, with its cursor and lease.

use std::{fmt, time::Duration};

use aws_sdk_dynamodb::types::ReturnValue;
use jiff::Timestamp;
use model::{IntegrationId, OrganizationId, Scope};
use serde::{Deserialize, Serialize};

use crate::{
    Control, Error,
    attributes::{Item, get_number, get_text, number, text},
    control::integration_partition,
    error::if_held,
};

/// Which stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamKey {
    /// Whose it is.
    pub integration: IntegrationId,
    /// Where it reads.
    pub organization: OrganizationId,
    /// The resource's name in the catalog.
    pub resource: String,
    /// Which part of the organization.
    pub scope: Scope,
}

impl StreamKey {
    /// The name of the stream within its integration.
    pub fn name(&self) -> String {
        format!("{}#{}#{}", self.organization, self.resource, self.scope)
    }

    fn sort(&self) -> String {
        format!("STREAM#{}", self.name())
    }
}

impl fmt::Display for StreamKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.integration, self.name())
    }
}

/// A stream as it stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stream {
    /// The name within its integration: organization, resource, scope.
    pub name: String,
    /// Where the next request starts, as the catalog wrote it; `None` before the first page.
    #[serde(skip)]
    pub cursor: Option<String>,
    /// When it should be visited next.
    pub due_at: Option<Timestamp>,
    /// Until when a job for it is believed to be under way.
    #[serde(skip)]
    pub queued_until: Option<Timestamp>,
    /// When a pass last ended with nothing left to fetch.
    pub completed_at: Option<Timestamp>,
    /// What went wrong last; `None` after a good pass.
    pub last_error: Option<String>,
    /// What people should know of it although nothing is wrong.
    pub hint: Option<String>,
    /// What it has done so far.
    pub counts: Counts,
    /// Items of its last complete pass that could not be stored.
    pub holes: u64,
    /// How many passes in a row brought nothing.
    #[serde(skip)]
    pub empty_passes: u32,
    /// What the pass under way has brought so far, over all its invocations.
    #[serde(skip)]
    pub pass: PassSoFar,
}

impl Stream {
    /// The name of its resource, and its scope as text: `-` for the organization, else the ids of the project and the
    /// repository. See [`StreamKey::name`].
    pub fn parts(&self) -> (&str, &str) {
        let mut parts = self.name.splitn(3, '#').skip(1);
        let mut part = || parts.next().unwrap_or_default();
        (part(), part())
    }

    /// Where it reads, which resource, and which part of the organization; `None` if its name is not one of ours.
    pub fn place(&self) -> Option<(OrganizationId, &str, Scope)> {
        let (organization, _) = self.name.split_once('#')?;
        let (resource, scope) = self.parts();
        Some((organization.parse().ok()?, resource, scope.parse().ok()?))
    }
}

/// What a pass has brought before the invocation that goes on with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassSoFar {
    /// Records that are other than before.
    pub records: u64,
    /// Items that could not be stored.
    pub quarantined: u64,
}

/// What a visit has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Items that came in pages.
    pub fetched: u64,
    /// Pages stored.
    pub pages: u64,
    /// Records written, unchanged ones not counted.
    pub records: u64,
    /// Requests sent to Azure DevOps.
    pub requests: u64,
    /// Requests sent again after a failure.
    pub retries: u64,
    /// Items that could not be understood; the rest of their page was stored.
    pub quarantined: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.fetched += other.fetched;
        self.pages += other.pages;
        self.records += other.records;
        self.requests += other.requests;
        self.retries += other.retries;
        self.quarantined += other.quarantined;
    }
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// The stream is ours until the lease ends.
    Held(Box<Stream>),
    /// Another job works on it.
    Busy,
}

/// How a visit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassOutcome {
    /// Nothing is left to fetch; visit again at this time.
    Complete {
        /// The next visit.
        due_at: Timestamp,
        /// How many passes in a row have brought nothing now.
        empty_passes: u32,
    },
    /// There is more; another job follows.
    Continues,
    /// It failed for good; visit again at this time.
    Failed {
        /// The next visit.
        due_at: Timestamp,
        /// What went wrong.
        error: String,
    },
}

impl Control {
    /// The streams of an integration.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn streams(&self, integration: IntegrationId) -> Result<Vec<Stream>, Error> {
        let items = self
            .query(&integration_partition(integration), "STREAM#")
            .await?;
        Ok(items.iter().map(read).collect())
    }

    /// One stream; empty if it was never visited.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn stream(&self, key: &StreamKey) -> Result<Stream, Error> {
        let item = self
            .get(&integration_partition(key.integration), &key.sort())
            .await?;
        Ok(item.as_ref().map(read).unwrap_or_default())
    }

    /// Notes that a job for the stream was sent, so that the next tick does not send another.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn mark_queued(&self, key: &StreamKey, until: Timestamp) -> Result<(), Error> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(integration_partition(key.integration)))
            .key("sk", text(key.sort()))
            .update_expression("SET queued_until = :until")
            .expression_attribute_values(":until", number(until.as_second()))
            .send()
            .await
            .map_err(|error| Error::dynamodb("UpdateItem", &error))?;
        Ok(())
    }

    /// Has a stream read from its beginning again, as soon as it is visited. Whoever is at it cannot move its cursor any more.
    /// What is stored stays, and coming again changes nothing of it.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn start_over(&self, integration: IntegrationId, name: &str) -> Result<(), Error> {
        let gone = "cursor_json, completed_at, due_at, queued_until, lease_owner, lease_until, \
                    pass_records, pass_quarantined";
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(integration_partition(integration)))
            .key("sk", text(format!("STREAM#{name}")))
            .update_expression(format!("SET fence = :fence REMOVE {gone}"))
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":fence", text("started over"))
            .send()
            .await;
        if_held("UpdateItem", result)?;
        Ok(())
    }

    /// Forgets a stream, as if it had never been visited. Whoever is at it cannot move its cursor any more.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn forget_stream(&self, integration: IntegrationId, name: &str) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .key("pk", text(integration_partition(integration)))
            .key("sk", text(format!("STREAM#{name}")))
            .send()
            .await
            .map_err(|error| Error::dynamodb("DeleteItem", &error))?;
        Ok(())
    }

    /// Takes the stream for `lease`. `owner` is the message that asks for it: the same message may take its own
    /// lease again after a crash. `fence` is unique to this invocation, and only its holder can move the cursor.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn claim(
        &self,
        key: &StreamKey,
        owner: &str,
        fence: &str,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Claim, Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(integration_partition(key.integration)))
            .key("sk", text(key.sort()))
            .update_expression("SET lease_owner = :owner, lease_until = :until, fence = :fence")
            .condition_expression(
                "attribute_not_exists(lease_until) OR lease_until < :now OR lease_owner = :owner",
            )
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":fence", text(fence))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":until", number(lease_end(now, lease)))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match if_held("UpdateItem", result)? {
            Some(output) => {
                let stream = output.attributes.as_ref().map(read);
                Ok(Claim::Held(Box::new(stream.unwrap_or_default())))
            }
            None => Ok(Claim::Busy),
        }
    }

    /// Moves the cursor from `previous` to `next` after the data before `next` is durable, and extends the lease.
    ///
    /// # Errors
    /// [`Error::Superseded`] if another invocation has the stream or has moved the cursor; else DynamoDB refused.
    pub async fn advance(
        &self,
        key: &StreamKey,
        fence: &str,
        (previous, next): (Option<&str>, &str),
        counts: Counts,
        (now, lease): (Timestamp, Duration),
    ) -> Result<(), Error> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(integration_partition(key.integration)))
            .key("sk", text(key.sort()))
            .update_expression(format!(
                "SET cursor_json = :next, lease_until = :until {ADD_COUNTS}"
            ))
            .expression_attribute_values(":next", text(next))
            .expression_attribute_values(":until", number(lease_end(now, lease)))
            .expression_attribute_values(":fence", text(fence));
        for (name, value) in count_values(counts) {
            update = update.expression_attribute_values(name, number(value));
        }
        update = match previous {
            Some(previous) => update
                .condition_expression("fence = :fence AND cursor_json = :previous")
                .expression_attribute_values(":previous", text(previous)),
            None => {
                update.condition_expression("fence = :fence AND attribute_not_exists(cursor_json)")
            }
        };
        match if_held("UpdateItem", update.send().await)? {
            Some(_) => Ok(()),
            None => Err(Error::Superseded {
                stream: key.to_string(),
            }),
        }
    }

    /// Gives the stream back and says how the visit ended.
    ///
    /// # Errors
    /// [`Error::Superseded`] if another invocation has the stream; else DynamoDB refused.
    pub async fn release(
        &self,
        key: &StreamKey,
        fence: &str,
        now: Timestamp,
        outcome: &PassOutcome,
    ) -> Result<(), Error> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(integration_partition(key.integration)))
            .key("sk", text(key.sort()))
            .condition_expression("fence = :fence")
            .expression_attribute_values(":fence", text(fence));
        let update = match outcome {
            PassOutcome::Continues => {
                update.update_expression("REMOVE lease_owner, lease_until, fence")
            }
            PassOutcome::Complete {
                due_at,
                empty_passes,
            } => update
                .update_expression(
                    "SET due_at = :due, completed_at = :now, empty_passes = :empty, \
                     holes = if_not_exists(pass_quarantined, :none) \
                     REMOVE lease_owner, lease_until, fence, queued_until, last_error, \
                     pass_records, pass_quarantined",
                )
                .expression_attribute_values(":empty", number(*empty_passes))
                .expression_attribute_values(":none", number(0))
                .expression_attribute_values(":due", number(due_at.as_second()))
                .expression_attribute_values(":now", number(now.as_second())),
            PassOutcome::Failed { due_at, error } => update
                .update_expression(
                    "SET due_at = :due, last_error = :error \
                     REMOVE lease_owner, lease_until, fence, queued_until",
                )
                .expression_attribute_values(":due", number(due_at.as_second()))
                .expression_attribute_values(":error", text(error)),
        };
        match if_held("UpdateItem", update.send().await)? {
            Some(_) => Ok(()),
            None => Err(Error::Superseded {
                stream: key.to_string(),
            }),
        }
    }

    /// Adds to the counts of a stream without holding it, for children that are fetched one by one.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn count(&self, key: &StreamKey, counts: Counts) -> Result<(), Error> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(integration_partition(key.integration)))
            .key("sk", text(key.sort()))
            .update_expression(ADD_COUNTS);
        for (name, value) in count_values(counts) {
            update = update.expression_attribute_values(name, number(value));
        }
        update
            .send()
            .await
            .map_err(|error| Error::dynamodb("UpdateItem", &error))?;
        Ok(())
    }

    /// Keeps with the stream what people should know of it.
    ///
    /// # Errors
    /// DynamoDB refused.
    pub async fn set_hint(&self, key: &StreamKey, hint: &str) -> Result<(), Error> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(integration_partition(key.integration)))
            .key("sk", text(key.sort()))
            .update_expression("SET hint = :hint")
            .expression_attribute_values(":hint", text(hint))
            .send()
            .await
            .map_err(|error| Error::dynamodb("UpdateItem", &error))?;
        Ok(())
    }
}

const ADD_COUNTS: &str = "ADD fetched_count :fetched, page_count :pages, record_count :records, \
                          request_count :requests, retry_count :retries, \
                          quarantined_count :quarantined, pass_records :records, \
                          pass_quarantined :quarantined";

fn count_values(counts: Counts) -> [(&'static str, u64); 6] {
    [
        (":fetched", counts.fetched),
        (":pages", counts.pages),
        (":records", counts.records),
        (":requests", counts.requests),
        (":retries", counts.retries),
        (":quarantined", counts.quarantined),
    ]
}

fn lease_end(now: Timestamp, lease: Duration) -> i64 {
    now.as_millisecond()
        .saturating_add(i64::try_from(lease.as_millis()).unwrap_or(i64::MAX))
}

fn read(item: &Item) -> Stream {
    let second =
        |name| get_number(item, name).and_then(|second| Timestamp::from_second(second).ok());
    let count = |name| {
        get_number(item, name)
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(0)
    };
    Stream {
        name: get_text(item, "sk")
            .unwrap_or_default()
            .trim_start_matches("STREAM#")
            .to_owned(),
        cursor: get_text(item, "cursor_json").map(str::to_owned),
        due_at: second("due_at"),
        queued_until: second("queued_until"),
        completed_at: second("completed_at"),
        last_error: get_text(item, "last_error").map(str::to_owned),
        hint: get_text(item, "hint").map(str::to_owned),
        holes: count("holes"),
        pass: PassSoFar {
            records: count("pass_records"),
            quarantined: count("pass_quarantined"),
        },
        empty_passes: u32::try_from(count("empty_passes")).unwrap_or(u32::MAX),
        counts: Counts {
            fetched: count("fetched_count"),
            pages: count("page_count"),
            records: count("record_count"),
            requests: count("request_count"),
            retries: count("retry_count"),
            quarantined: count("quarantined_count"),
        },
    }
}
