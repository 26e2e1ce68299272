//! One function's invocations and execution environments. No I/O: every decision is made here, under one lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;

use super::InvokeError;

/// One call of a function that waits for its answer.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) id: String,
    pub(super) payload: Bytes,
    pub(super) answer: oneshot::Sender<Result<Bytes, InvokeError>>,
}

impl Invocation {
    /// Answers; a caller that no longer waits is no error.
    pub(super) fn answer(self, answer: Result<Bytes, InvokeError>) {
        let _ = self.answer.send(answer);
    }
}

/// An environment that has to be started.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) environment: u64,
    /// Back-off after starts that failed.
    pub(super) after: Duration,
    pub(super) kill: Arc<Notify>,
}

#[derive(Debug)]
pub(super) struct Pool {
    waiting: VecDeque<Invocation>,
    environments: BTreeMap<u64, Environment>,
    next_environment: u64,
    failed_starts: u32,
    most: usize,
    closed: bool,
}

#[derive(Debug)]
struct Environment {
    phase: Phase,
    process: Option<u32>,
    kill: Arc<Notify>,
}

#[derive(Debug)]
enum Phase {
    /// Not yet asked for work; holds what it reported with `init/error`.
    Starting(Option<(String, String)>),
    Idle,
    Busy(Invocation, Option<AbortHandle>),
}

/// What an environment was doing when its process ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It never asked for work. The invocation is one that waited for it.
    Starting(Option<Invocation>, Option<(String, String)>),
    /// It was working.
    Busy(Invocation),
    /// Nobody is affected.
    Unused,
}

impl Pool {
    pub(super) fn new(most: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            environments: BTreeMap::new(),
            next_environment: 1,
            failed_starts: 0,
            most,
            closed: false,
        }
    }

    /// Queues an invocation; a closed pool drops it, which tells its caller.
    pub(super) fn submit(&mut self, invocation: Invocation) -> Vec<Start> {
        if self.closed {
            return Vec::new();
        }
        self.waiting.push_back(invocation);
        self.scale()
    }

    /// Returns the environments to start so that every waiting invocation gets one, within the limit.
    pub(super) fn scale(&mut self) -> Vec<Start> {
        let busy = self
            .environments
            .values()
            .filter(|e| matches!(e.phase, Phase::Busy(..)))
            .count();
        let free = self.environments.len() - busy;
        let missing = self.waiting.len().saturating_sub(free);
        let room = self.most.saturating_sub(self.environments.len());
        (0..missing.min(room)).map(|_| self.add()).collect()
    }

    fn add(&mut self) -> Start {
        let environment = self.next_environment;
        self.next_environment += 1;
        let kill = Arc::new(Notify::new());
        self.environments.insert(
            environment,
            Environment {
                phase: Phase::Starting(None),
                process: None,
                kill: kill.clone(),
            },
        );
        let after = match self.failed_starts {
            0 => Duration::ZERO,
            failed => Duration::from_millis(100 << failed.min(6)),
        };
        Start {
            environment,
            after,
            kill,
        }
    }

    /// Remembers the process of an environment.
    pub(super) fn set_process(&mut self, environment: u64, process: Option<u32>) {
        if let Some(environment) = self.environments.get_mut(&environment) {
            environment.process = process;
        }
    }

    /// Returns the processes of all environments.
    pub(super) fn processes(&self) -> Vec<u32> {
        self.environments
            .values()
            .filter_map(|environment| environment.process)
            .collect()
    }

    /// Returns whether the environment has not yet asked for work.
    pub(super) fn is_starting(&self, environment: u64) -> bool {
        self.environments
            .get(&environment)
            .is_some_and(|e| matches!(e.phase, Phase::Starting(_)))
    }

    /// An environment asks for work: returns id and payload of an invocation, or `None` while there is none.
    pub(super) fn take(&mut self, environment: u64) -> Option<(String, Bytes)> {
        let environment = self.environments.get_mut(&environment)?;
        self.failed_starts = 0;
        environment.phase = Phase::Idle;
        let invocation = self.waiting.pop_front()?;
        let work = (invocation.id.clone(), invocation.payload.clone());
        environment.phase = Phase::Busy(invocation, None);
        Some(work)
    }

    /// Remembers the timer that ends an invocation at its deadline.
    pub(super) fn set_timer(&mut self, environment: u64, invocation: &str, handle: AbortHandle) {
        match self
            .environments
            .get_mut(&environment)
            .map(|e| &mut e.phase)
        {
            Some(Phase::Busy(current, timer)) if current.id == invocation => *timer = Some(handle),
            // It was answered before the timer was known.
            _ => handle.abort(),
        }
    }

    /// An environment has finished an invocation; `None` means that it does not have this one.
    pub(super) fn finish(&mut self, environment: u64, invocation: &str) -> Option<Invocation> {
        let environment = self.environments.get_mut(&environment)?;
        match std::mem::replace(&mut environment.phase, Phase::Idle) {
            Phase::Busy(current, timer) if current.id == invocation => {
                if let Some(timer) = timer {
                    timer.abort();
                }
                Some(current)
            }
            other => {
                environment.phase = other;
                None
            }
        }
    }

    /// Remembers why an environment could not start.
    pub(super) fn init_error(&mut self, environment: u64, error_type: String, message: String) {
        if let Some(Environment {
            phase: Phase::Starting(reason),
            ..
        }) = self.environments.get_mut(&environment)
        {
            *reason = Some((error_type, message));
        }
    }

    /// An invocation has reached its deadline: its environment leaves the pool and is killed.
    pub(super) fn time_out(&mut self, environment: u64, invocation: &str) -> Option<Invocation> {
        let late = self.finish(environment, invocation)?;
        if let Some(environment) = self.environments.remove(&environment) {
            environment.kill.notify_one();
        }
        Some(late)
    }

    /// A process has ended: its environment leaves the pool.
    pub(super) fn ended(&mut self, environment: u64) -> Ended {
        match self
            .environments
            .remove(&environment)
            .map(|environment| environment.phase)
        {
            Some(Phase::Starting(reason)) => {
                self.failed_starts += 1;
                Ended::Starting(self.waiting.pop_front(), reason)
            }
            Some(Phase::Busy(invocation, timer)) => {
                if let Some(timer) = timer {
                    timer.abort();
                }
                Ended::Busy(invocation)
            }
            Some(Phase::Idle) | None => Ended::Unused,
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.waiting.is_empty()
            && !self
                .environments
                .values()
                .any(|e| matches!(e.phase, Phase::Busy(..)))
    }

    /// Drops all invocations, which tells their callers, and kills all environments.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.waiting.clear();
        for environment in std::mem::take(&mut self.environments).into_values() {
            environment.kill.notify_one();
        }
    }
}
