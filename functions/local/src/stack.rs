//! A whole deployment on this machine: what the template declares, running.

mod error;
mod options;
mod services;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use axum::body::Bytes;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use self::error::StackError;
pub use self::options::{Options, default_concurrency};
use self::services::{Running, STACK_NAME};
use crate::activity::Activity;
use crate::dynamodb::DynamoDbError;
pub use crate::gateway::issuer::IssuerError;
use crate::iam::Iam;
use crate::lambda::{InvokeError, Lambda, schedules};
pub use crate::secrets::SecretsError;
use crate::sqs::{Depth, Sqs};
use crate::template::Template;

/// A message that was received too often, or rejected.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The dead-letter queue's id in the template.
    pub queue: String,
    /// The message's text.
    pub body: String,
}

/// A running stack; dropping it stops everything.
pub struct Stack {
    template: Template,
    running: Running,
    tasks: JoinSet<()>,
    activity: Activity,
}

impl Stack {
    /// Starts everything that the template declares.
    ///
    /// # Errors
    /// What is wrong with the template, the data directory or the port.
    pub async fn start(options: Options) -> Result<Self, StackError> {
        let activity = Activity::default();
        let mut tasks = JoinSet::new();
        let (template, running) = services::start(&options, &activity, &mut tasks).await?;
        Ok(Self {
            template,
            running,
            tasks,
            activity,
        })
    }

    /// Returns the address of the HTTP API.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.running.url
    }

    /// Returns what the template declares, with every reference resolved.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Returns the variables with which an SDK client reaches this stack: region, credentials, endpoints.
    #[must_use]
    pub fn aws_environment(&self) -> &BTreeMap<String, String> {
        &self.running.aws_environment
    }

    /// Returns a function's own environment variables, or `None` if there is no such function.
    #[must_use]
    pub fn function_environment(&self, function: &str) -> Option<&BTreeMap<String, String>> {
        self.template
            .functions
            .get(function)
            .map(|function| &function.environment)
    }

    /// Returns a table's name by its id in the template.
    #[must_use]
    pub fn table_name(&self, logical_id: &str) -> Option<&str> {
        self.template
            .tables
            .iter()
            .find(|table| table.logical_id == logical_id)
            .map(|table| table.name.as_str())
    }

    /// Returns a queue's name by its id in the template.
    #[must_use]
    pub fn queue_name(&self, logical_id: &str) -> Option<&str> {
        self.template
            .queues
            .iter()
            .find(|queue| queue.logical_id == logical_id)
            .map(|queue| queue.name.as_str())
    }

    /// Returns the queues.
    #[must_use]
    pub fn sqs(&self) -> &Sqs {
        &self.running.sqs
    }

    /// Returns what roles grant, and what of it was used.
    #[must_use]
    pub fn iam(&self) -> &Iam {
        &self.running.iam
    }

    /// Returns the functions.
    #[must_use]
    pub fn lambda(&self) -> &Lambda {
        &self.running.lambda
    }

    /// Invokes a function with a JSON payload.
    ///
    /// # Errors
    /// The function does not exist or failed.
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Value, InvokeError> {
        let answer = self
            .running
            .lambda
            .invoke(function, payload.to_string().into())
            .await?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// Returns the names of the schedules.
    pub fn schedules(&self) -> impl Iterator<Item = &str> {
        self.template
            .schedules
            .iter()
            .map(|schedule| schedule.name.as_str())
    }

    /// Does now what a schedule does at its time, and returns the function's answer.
    ///
    /// # Errors
    /// The schedule does not exist, or its function failed.
    pub async fn run_schedule_now(&self, name: &str) -> Result<Bytes, InvokeError> {
        let schedule = self
            .template
            .schedules
            .iter()
            .find(|schedule| schedule.name == name);
        let schedule = schedule.ok_or_else(|| InvokeError::NoSuchFunction(name.to_owned()))?;
        schedules::run(schedule, &self.running.lambda).await
    }

    /// Returns how many messages each queue holds, by the queue's id in the template.
    #[must_use]
    pub fn depths(&self) -> BTreeMap<String, Depth> {
        let depths = self.running.sqs.depths();
        let queues = self.template.queues.iter();
        queues
            .map(|queue| {
                (
                    queue.logical_id.clone(),
                    depths.get(&queue.name).copied().unwrap_or_default(),
                )
            })
            .collect()
    }

    /// Returns the messages in the dead-letter queues.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        let queues = self
            .template
            .queues
            .iter()
            .filter(|queue| self.is_dead_letter_queue(&queue.name));
        queues
            .flat_map(|queue| {
                let bodies = self.running.sqs.bodies(&queue.name).unwrap_or_default();
                bodies.into_iter().map(|body| DeadLetter {
                    queue: queue.logical_id.clone(),
                    body,
                })
            })
            .collect()
    }

    fn is_dead_letter_queue(&self, name: &str) -> bool {
        let redrives = self
            .template
            .queues
            .iter()
            .filter_map(|queue| queue.redrive.as_ref());
        redrives
            .into_iter()
            .any(|redrive| redrive.dead_letter_queue == name)
    }

    /// Waits until no message is left outside the dead-letter queues and no invocation waits or runs.
    pub async fn idle(&self) {
        let mut changes = self.activity.watch();
        while !self.is_idle() {
            changes.borrow_and_update();
            // A change between the look and here is seen by `changed` at once, because of this second look.
            if self.is_idle() || changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Invocations are looked at first: one that ends in between has sent its messages before it ended.
    fn is_idle(&self) -> bool {
        let is_done = |(name, depth): (&String, &Depth)| {
            depth.total() == 0 || self.is_dead_letter_queue(name)
        };
        self.running.lambda.is_quiet() && self.running.sqs.depths().iter().all(is_done)
    }

    /// Returns a receiver that changes whenever a queue or an invocation does.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<u64> {
        self.activity.watch()
    }

    /// Returns where a file of the data directory is.
    #[must_use]
    pub fn data_file(&self, name: &str) -> PathBuf {
        self.running.data_dir.file(name)
    }

    /// Returns whether a table, by its id in the template, holds anything.
    ///
    /// # Errors
    /// The database failed.
    pub fn has_items(&self, logical_id: &str) -> Result<bool, DynamoDbError> {
        let name = self.table_name(logical_id).unwrap_or_default();
        self.running.dynamodb.has_items(name)
    }

    /// Lets delays and visibility timeouts pass without waiting for them.
    pub fn advance_queues(&self, by: Duration) {
        self.running.sqs.advance(by);
    }

    /// Removes expired items now, and returns how many.
    ///
    /// # Errors
    /// The database failed.
    pub fn sweep_ttl(&self) -> Result<usize, DynamoDbError> {
        self.running.dynamodb.sweep()
    }

    /// Keeps a secret of the stack, as whoever deploys one does by hand; its name is the stack's and `name`.
    ///
    /// # Errors
    /// The secrets' file cannot be written.
    pub fn keep_secret(&self, name: &str, text: &SecretString) -> Result<(), SecretsError> {
        let name = format!("{STACK_NAME}/{name}");
        self.running.secrets.keep(&name, text)
    }

    /// Returns what a function wrote to its output so far.
    #[must_use]
    pub fn log(&self, function: &str) -> String {
        std::fs::read_to_string(self.running.lambda.log_file(function)).unwrap_or_default()
    }

    /// Mints an access token of the local issuer, valid for an hour.
    ///
    /// # Errors
    /// The issuer's key cannot be used.
    pub fn token(&self, tenant: &str, roles: &[&str]) -> Result<String, IssuerError> {
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({
            "sub": "local-user", "tid": tenant, "roles": roles, "aud": self.audience(),
            "iat": now, "nbf": now, "exp": now + 3600,
        });
        self.token_with(&claims)
    }

    /// Mints a token of the local issuer with exactly these claims, and `iss`.
    ///
    /// # Errors
    /// The issuer's key cannot be used.
    pub fn token_with(&self, claims: &Value) -> Result<String, IssuerError> {
        self.running.issuer.sign(claims)
    }

    fn audience(&self) -> &str {
        let mut authorizers = self.template.authorizers.values();
        authorizers
            .next()
            .and_then(|authorizer| authorizer.audience.first())
            .map_or("local", String::as_str)
    }

    /// Stops everything and waits for it.
    pub async fn shutdown(mut self) {
        self.running.lambda.stop();
        self.tasks.shutdown().await;
        for server in &mut self.running.servers {
            server.stop().await;
        }
        for server in &mut self.running.dynamodb.servers {
            server.stop().await;
        }
    }
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack")
            .field("url", &self.running.url)
            .finish_non_exhaustive()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.running.lambda.stop();
    }
}
