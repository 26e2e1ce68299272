//! Conditional writes, many in one request.
//!
//! A request for each write is what a synchronization would spend most of its time on. Each statement of a batch has its own
//! condition, as a single write has; one that does not hold fails alone, and costs what a single write costs:
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.batching.html>.

use std::borrow::Cow;

use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementErrorCodeEnum as Code, BatchStatementRequest,
    BatchStatementResponse,
};
use jiff::Timestamp;
use model::{IntegrationId, Row};
use tokio::{task::JoinSet, time::sleep};

use super::Records;
use super::write::{ATTEMPTS, backoff, wanted_marker};
use crate::{
    Error,
    attributes::{number, text},
};

/// What `BatchExecuteStatement` takes:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html>.
const BATCH: usize = 25;

/// A write and its condition.
pub(super) type Statement = BatchStatementRequest;

impl Records {
    /// The statement that stores a short row on the condition that nothing is stored under its key.
    pub(super) fn insertion(
        &self,
        integration: IntegrationId,
        row: &Row,
        written: (&str, Timestamp),
    ) -> Result<Statement, Error> {
        let mut columns = vec![
            (Cow::from("pk"), text(row.key.partition(integration))),
            (Cow::from("sk"), text(&row.key.sort)),
        ];
        columns.extend(content(row, written));
        let names: Vec<String> = columns
            .iter()
            .map(|(name, _)| format!("'{name}': ?"))
            .collect();
        let values = columns.into_iter().map(|(_, value)| value).collect();
        let insert = format!(
            "INSERT INTO \"{}\" VALUE {{{}}}",
            self.table,
            names.join(", ")
        );
        statement(insert, values, row)
    }

    /// The statement that replaces the body of a stored row by a short one, on the condition that it is still the body
    /// with this digest. It leaves facets as they are, and does not take an expiry away.
    pub(super) fn replacement(
        &self,
        integration: IntegrationId,
        row: &Row,
        expected: &str,
        written: (&str, Timestamp),
    ) -> Result<Statement, Error> {
        let columns = content(row, written);
        let names: Vec<String> = columns
            .iter()
            .map(|(name, _)| format!("SET {name} = ?"))
            .collect();
        let key = [
            text(row.key.partition(integration)),
            text(&row.key.sort),
            text(expected),
        ];
        let values = columns
            .into_iter()
            .map(|(_, value)| value)
            .chain(key)
            .collect();
        let update = format!(
            "UPDATE \"{}\" {} WHERE pk = ? AND sk = ? AND digest = ?",
            self.table,
            names.join(" ")
        );
        statement(update, values, row)
    }

    /// Executes statements, and says of each whether its condition held. No two may be about the same row.
    ///
    /// # Errors
    /// DynamoDB refused, or asked again and again to come back later. Some statements may be executed.
    pub(super) async fn execute(&self, statements: Vec<Statement>) -> Result<Vec<bool>, Error> {
        let mut held = vec![false; statements.len()];
        let mut tasks = JoinSet::new();
        let mut rest = statements;
        for index in 0.. {
            if rest.is_empty() {
                break;
            }
            let after = rest.split_off(rest.len().min(BATCH));
            let batch = std::mem::replace(&mut rest, after);
            let records = self.clone();
            tasks.spawn(async move { (index * BATCH, records.execute_batch(batch).await) });
        }
        while let Some(joined) = tasks.join_next().await {
            let (start, results) = match joined {
                Ok(executed) => executed,
                Err(failed) => std::panic::resume_unwind(failed.into_panic()),
            };
            for (own, held) in held[start..].iter_mut().zip(results?) {
                *own = held;
            }
        }
        Ok(held)
    }

    async fn execute_batch(&self, batch: Vec<Statement>) -> Result<Vec<bool>, Error> {
        let mut held = vec![false; batch.len()];
        let mut left: Vec<usize> = (0..batch.len()).collect();
        for attempt in 0..ATTEMPTS {
            let statements = left.iter().map(|index| batch[*index].clone()).collect();
            let output = self
                .client
                .batch_execute_statement()
                .set_statements(Some(statements))
                .send()
                .await
                .map_err(|error| Error::dynamodb("BatchExecuteStatement", &error))?;
            let responses = output.responses();
            if responses.len() != left.len() {
                return Err(refused(
                    "incomplete answer",
                    "some statements have no answer",
                ));
            }
            let mut again = Vec::new();
            for (index, response) in left.into_iter().zip(responses) {
                match fate(response)? {
                    Fate::Held => held[index] = true,
                    Fate::NotHeld => {}
                    Fate::Again => again.push(index),
                }
            }
            if again.is_empty() {
                return Ok(held);
            }
            left = again;
            sleep(backoff(attempt)).await;
        }
        Err(Error::Contended {
            item: format!("a batch of table {}", self.table),
        })
    }
}

/// What became of a statement.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Held,
    NotHeld,
    Again,
}

fn fate(response: &BatchStatementResponse) -> Result<Fate, Error> {
    let Some(error) = response.error() else {
        return Ok(Fate::Held);
    };
    match error.code() {
        Some(Code::ConditionalCheckFailed | Code::DuplicateItem) => Ok(Fate::NotHeld),
        Some(
            Code::ProvisionedThroughputExceeded
            | Code::RequestLimitExceeded
            | Code::ThrottlingError
            | Code::TransactionConflict
            | Code::InternalServerError,
        ) => Ok(Fate::Again),
        other => {
            let code = other.map_or("unknown error", Code::as_str);
            Err(refused(code, error.message().unwrap_or("no message")))
        }
    }
}

fn refused(code: &str, message: &str) -> Error {
    Error::DynamoDb {
        operation: "BatchExecuteStatement",
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

/// What a short row's item holds beside its key.
fn content(
    row: &Row,
    (digest, fetched_at): (&str, Timestamp),
) -> Vec<(Cow<'static, str>, AttributeValue)> {
    let columns = [
        ("body", text(&row.body)),
        ("body_parts", number(0)),
        ("digest", text(digest)),
        ("version", number(row.version)),
        ("fetched_at", text(fetched_at.to_string())),
    ];
    let expiry = row.expires_at.map(|at| ("expires_at", number(at)));
    let columns = columns.into_iter().chain(expiry);
    let columns = columns.map(|(name, value)| (Cow::from(name), value));
    let markers = row.markers.iter();
    let markers = markers.map(|(facet, marker)| (wanted_marker(*facet).into(), text(marker)));
    columns.chain(markers).collect()
}

fn statement(text: String, values: Vec<AttributeValue>, row: &Row) -> Result<Statement, Error> {
    let statement = BatchStatementRequest::builder().statement(text);
    let built = statement.set_parameters(Some(values)).build();
    built.map_err(|error| Error::Corrupt {
        item: row.key.sort.clone(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::BatchStatementError;

    use super::*;

    fn answered(code: Code) -> Result<Fate, Error> {
        let error = BatchStatementError::builder().code(code).build();
        fate(&BatchStatementResponse::builder().error(error).build())
    }

    #[test]
    fn a_condition_that_does_not_hold_is_no_error_and_a_full_table_is_asked_again() {
        let done = BatchStatementResponse::builder().build();
        assert_eq!(fate(&done).unwrap(), Fate::Held);
        for code in [Code::ConditionalCheckFailed, Code::DuplicateItem] {
            assert_eq!(answered(code).unwrap(), Fate::NotHeld);
        }
        assert_eq!(answered(Code::ThrottlingError).unwrap(), Fate::Again);
        assert!(answered(Code::AccessDenied).is_err());
    }
}
