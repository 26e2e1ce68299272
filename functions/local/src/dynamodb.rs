//! DynamoDB: dynoxide in this process, with the template's tables and nothing else.

mod gate;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dynoxide::actions::scan::ScanRequest;
use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::iam::{Iam, Places};
use crate::server::{Server, url_of};
use crate::template::Table;

/// How often expired items are removed. AWS promises days; nobody should rely on either.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Why the tables cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DynamoDbError {
    /// The file is not a database, or not one of this version.
    #[error("the tables' file {path} cannot be used: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: DynoxideError,
    },
    /// What stands before the database cannot be started.
    #[error("DynamoDB cannot be reached: {0}")]
    Gate(#[from] reqwest::Error),
    /// It has no address.
    #[error("DynamoDB has no address: {0}")]
    Listen(#[from] std::io::Error),
    /// The database failed.
    #[error("DynamoDB failed: {0}")]
    Database(#[from] DynoxideError),
    /// The template's table is not one that DynamoDB would create.
    #[error("the table {table} cannot be created: {problem}")]
    Table {
        /// Its id in the template.
        table: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The data directory was made by another version of the template.
    #[error("the table {0} has other keys in the data directory than in the template")]
    Keys(String),
}

/// The running database.
#[derive(Debug)]
pub(crate) struct DynamoDb {
    database: Arc<Shared>,
    pub(crate) servers: Vec<Server>,
}

/// Where the database is reached.
#[derive(Debug)]
pub(crate) struct Entrance {
    /// Where clients ask.
    pub(crate) listener: TcpListener,
    /// With IAM before it, the database itself is somewhere else.
    pub(crate) gate: Option<(Iam, Places, TcpListener)>,
}

struct Shared(Database);

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl DynamoDb {
    /// Opens the file, or memory, creates missing tables and serves them.
    pub(crate) fn start(
        tables: &[Table],
        file: Option<&Path>,
        entrance: Entrance,
    ) -> Result<Self, DynamoDbError> {
        let database = match file {
            Some(file) => open(file).map_err(|source| DynamoDbError::Open {
                path: file.to_owned(),
                source,
            })?,
            None => Database::memory()?,
        };
        for table in tables {
            ensure(&database, table)?;
        }
        let mut servers = Vec::new();
        let listener = match entrance.gate {
            None => entrance.listener,
            Some((iam, places, inner)) => {
                let router = gate::router(iam, places, url_of(&inner)?)?;
                servers.push(Server::start(entrance.listener, router));
                inner
            }
        };
        let served = database.clone();
        servers.push(Server::of(tokio::spawn(async move {
            if let Err(error) =
                dynoxide::server::serve_with_shutdown(listener, served, std::future::pending())
                    .await
            {
                tracing::error!(error, "DynamoDB stopped");
            }
        })));
        Ok(Self {
            database: Arc::new(Shared(database)),
            servers,
        })
    }

    /// Removes expired items now.
    pub(crate) fn sweep(&self) -> Result<usize, DynamoDbError> {
        Ok(self.database.0.sweep_ttl()?)
    }

    /// Returns whether a table holds anything.
    pub(crate) fn has_items(&self, table: &str) -> Result<bool, DynamoDbError> {
        let request = ScanRequest {
            table_name: table.to_owned(),
            limit: Some(1),
            ..ScanRequest::default()
        };
        let answer = self.database.0.scan(request)?;
        Ok(answer.items.is_some_and(|items| !items.is_empty()))
    }

    /// Starts the ticker that removes expired items.
    pub(crate) fn keep_sweeping(&self, tasks: &mut JoinSet<()>) {
        let database = self.database.clone();
        tasks.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                let database = database.clone();
                let swept = tokio::task::spawn_blocking(move || database.0.sweep_ttl()).await;
                if let Ok(Err(error)) = swept {
                    tracing::warn!(%error, "cannot remove expired items");
                }
            }
        });
    }
}

fn open(file: &Path) -> Result<Database, DynoxideError> {
    let database = Database::new(&file.display().to_string())?;
    // Without fsync a write still survives the death of the process, though not of the machine.
    database.enable_bulk_loading()?;
    Ok(database)
}

fn ensure(database: &Database, table: &Table) -> Result<(), DynamoDbError> {
    let wrong = |error: &dyn std::fmt::Display| DynamoDbError::Table {
        table: table.logical_id.clone(),
        problem: error.to_string(),
    };
    match database.get_table_metadata(&table.name)? {
        Some(existing) => {
            let keys: Value = serde_json::from_str(&existing.key_schema).unwrap_or_default();
            if keys != table.create["KeySchema"] {
                return Err(DynamoDbError::Keys(table.logical_id.clone()));
            }
        }
        None => {
            let request =
                serde_json::from_value(table.create.clone()).map_err(|error| wrong(&error))?;
            database
                .create_table(request)
                .map_err(|error| wrong(&error))?;
        }
    }
    set_ttl(database, table)
}

/// Turns expiry on; a second time DynamoDB would refuse, so it looks first.
fn set_ttl(database: &Database, table: &Table) -> Result<(), DynamoDbError> {
    let Some(attribute) = &table.ttl_attribute else {
        return Ok(());
    };
    let current = database
        .get_table_metadata(&table.name)?
        .and_then(|table| table.ttl_attribute);
    if current.as_ref() == Some(attribute) {
        return Ok(());
    }
    let request = json!({
        "TableName": table.name,
        "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
    });
    let wrong = |problem: String| DynamoDbError::Table {
        table: table.logical_id.clone(),
        problem,
    };
    let request = serde_json::from_value(request).map_err(|error| wrong(error.to_string()))?;
    database
        .update_time_to_live(request)
        .map_err(|error| wrong(error.to_string()))?;
    Ok(())
}
