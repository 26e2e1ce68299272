//! Lambda: functions as child processes behind the Runtime API, as AWS runs them.
//!
//! [`Lambda::invoke`] queues an invocation; `runtime_api` hands it to an execution environment that asks for work;
//! `environment` starts, watches and kills the processes. `queues` and `schedules` are the event sources.

mod environment;
mod pool;
pub(crate) mod programs;
pub(crate) mod queues;
mod runtime_api;
pub(crate) mod schedules;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use self::pool::{Invocation, Pool};
pub use self::programs::Programs;
pub(crate) use self::runtime_api::router;
use crate::activity::Activity;
use crate::template;

/// Why an invocation gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InvokeError {
    /// The template declares no such function.
    #[error("there is no function {0}")]
    NoSuchFunction(String),
    /// The function failed; type and message are what Lambda would show.
    #[error("{function}: {error_type}: {message}")]
    Failed {
        /// The function's id.
        function: String,
        /// For example `Runtime.ExitError` or `Sandbox.Timedout`.
        error_type: String,
        /// What happened.
        message: String,
    },
    /// The runner is shutting down.
    #[error("the local runner is shutting down")]
    Stopped,
}

/// What all functions have in common.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Address of the Runtime API.
    pub(crate) runtime_url: String,
    /// The processes to start.
    pub(crate) programs: Programs,
    /// Where their output goes.
    pub(crate) logs: PathBuf,
    /// Variables beside those of the template: region, credentials, endpoints.
    pub(crate) environment: BTreeMap<String, String>,
    /// Most environments per function.
    pub(crate) concurrency: usize,
    /// How long an environment may take to ask for its first event.
    pub(crate) init_timeout: Duration,
}

/// The service; clones share the same functions.
#[derive(Clone, Debug)]
pub struct Lambda(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    functions: BTreeMap<String, Function>,
    config: Config,
    activity: Activity,
}

#[derive(Debug)]
struct Function {
    spec: template::Function,
    pool: Mutex<Pool>,
    /// Wakes environments that wait for work.
    work: Notify,
}

impl Function {
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error_type: &str, message: impl Into<String>) -> InvokeError {
        InvokeError::Failed {
            function: self.spec.logical_id.clone(),
            error_type: error_type.to_owned(),
            message: message.into(),
        }
    }
}

impl Lambda {
    pub(crate) fn new(
        functions: BTreeMap<String, template::Function>,
        config: Config,
        activity: Activity,
    ) -> Self {
        let functions = functions.into_iter().map(|(name, spec)| {
            let most = spec
                .reserved_concurrency
                .unwrap_or(usize::MAX)
                .min(config.concurrency);
            (
                name,
                Function {
                    spec,
                    pool: Mutex::new(Pool::new(most)),
                    work: Notify::new(),
                },
            )
        });
        Self(Arc::new(Inner {
            functions: functions.collect(),
            config,
            activity,
        }))
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// The function does not exist, failed, or the runner is shutting down.
    pub async fn invoke(&self, function: &str, payload: Bytes) -> Result<Bytes, InvokeError> {
        let (answer, answered) = oneshot::channel();
        let invocation = Invocation {
            id: Uuid::new_v4().to_string(),
            payload,
            answer,
        };
        let target = self.function(function)?;
        let starting = target.pool().submit(invocation);
        self.start(function, starting);
        target.work.notify_waiters();
        answered.await.unwrap_or(Err(InvokeError::Stopped))
    }

    /// Returns whether no invocation is waiting or running.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.0
            .functions
            .values()
            .all(|function| function.pool().is_quiet())
    }

    /// Returns the ids of the processes that run now, by function.
    #[must_use]
    pub fn processes(&self) -> BTreeMap<String, Vec<u32>> {
        let functions = self.0.functions.iter();
        functions
            .map(|(name, function)| (name.clone(), function.pool().processes()))
            .collect()
    }

    /// Returns the files that hold the functions' output, by function.
    #[must_use]
    pub fn log_file(&self, function: &str) -> PathBuf {
        self.0.config.logs.join(format!("{function}.log"))
    }

    /// Fails what is waiting and kills every environment.
    pub(crate) fn stop(&self) {
        for function in self.0.functions.values() {
            function.pool().close();
        }
        self.0.activity.bump();
    }

    fn function(&self, name: &str) -> Result<&Function, InvokeError> {
        self.0
            .functions
            .get(name)
            .ok_or_else(|| InvokeError::NoSuchFunction(name.to_owned()))
    }

    /// Starts the environments that the pool has just decided on.
    fn start(&self, function: &str, starting: Vec<pool::Start>) {
        for start in starting {
            tokio::spawn(environment::run(self.clone(), function.to_owned(), start));
        }
    }
}
