//! IAM: what the role of each function grants is what its requests may do, and nothing else.
//!
//! A function's process signs with an access key id of its own, by which the embedded services know who asks. What its role does
//! not grant is refused as AWS refuses it; what it does grant and is used is written down, so that a grant which nobody needs
//! can be found. Requests of anybody else (the runner, tests) are the administrator's. Signatures are not verified.

mod request;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};

use crate::aws_json::AwsError;
use crate::template::{Grant, Template};

pub(crate) use self::request::{Places, needs};

/// What the access key ids of functions begin with.
const FUNCTION_KEY: &str = "function.";

/// An action on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    pub(crate) action: String,
    pub(crate) resource: String,
}

/// A function's grant, or what it asked for without one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The function's id in the template.
    pub function: String,
    /// The grant.
    pub grant: Grant,
}

/// The service; clones share the same record.
#[derive(Clone, Debug)]
pub struct Iam(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Where there is no role, SAM would make one that the runner does not know; such a function may do anything.
    grants: BTreeMap<String, Option<Vec<Grant>>>,
    used: Mutex<BTreeSet<Use>>,
    refused: Mutex<BTreeSet<Use>>,
}

impl Iam {
    /// Reads who may do what. What a queue's poller does in a function's name counts as used.
    pub(crate) fn new(template: &Template) -> Self {
        let grants = template.functions.iter();
        let grants: BTreeMap<_, _> = grants
            .map(|(name, function)| (name.clone(), function.grants.clone()))
            .collect();
        let iam = Self(Arc::new(Inner {
            grants,
            used: Mutex::default(),
            refused: Mutex::default(),
        }));
        for mapping in &template.mappings {
            let queue = template
                .queues
                .iter()
                .find(|queue| queue.name == mapping.queue);
            for action in crate::template::POLLING {
                let resource = queue.map_or_else(String::new, |queue| queue.arn.clone());
                let need = Need {
                    action: action.to_owned(),
                    resource,
                };
                // The template was refused where one of them is missing.
                let _ = iam.use_grants(&mapping.function, &[need]);
            }
        }
        iam
    }

    /// Returns the access key id of a function.
    pub(crate) fn access_key(function: &str) -> String {
        format!("{FUNCTION_KEY}{function}")
    }

    /// Refuses a request that the role of the function that signed it does not grant.
    pub(crate) fn check(&self, headers: &HeaderMap, needs: &[Need]) -> Result<(), AwsError> {
        match signer(headers) {
            Some(function) => self.use_grants(function, needs),
            None => Ok(()),
        }
    }

    fn use_grants(&self, function: &str, needs: &[Need]) -> Result<(), AwsError> {
        let Some(Some(grants)) = self.0.grants.get(function) else {
            return Ok(());
        };
        for need in needs {
            let granting = grants
                .iter()
                .filter(|grant| grant.covers(&need.action, &need.resource));
            let uses: Vec<_> = granting
                .map(|grant| Use {
                    function: function.to_owned(),
                    grant: grant.clone(),
                })
                .collect();
            if uses.is_empty() {
                return Err(self.refuse(function, need));
            }
            lock(&self.0.used).extend(uses);
        }
        Ok(())
    }

    fn refuse(&self, function: &str, Need { action, resource }: &Need) -> AwsError {
        tracing::warn!(function, action, resource, "the role does not grant this");
        lock(&self.0.refused).insert(Use {
            function: function.to_owned(),
            grant: Grant {
                action: action.clone(),
                resource: resource.clone(),
            },
        });
        let message = format!(
            "{function} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
        );
        AwsError::new("AccessDeniedException", message)
    }

    /// Returns every grant of every function.
    #[must_use]
    pub fn granted(&self) -> BTreeSet<Use> {
        let grants = self.0.grants.iter();
        grants
            .flat_map(|(function, grants)| {
                grants.iter().flatten().map(|grant| Use {
                    function: function.clone(),
                    grant: grant.clone(),
                })
            })
            .collect()
    }

    /// Returns the grants that were used so far.
    #[must_use]
    pub fn used(&self) -> BTreeSet<Use> {
        lock(&self.0.used).clone()
    }

    /// Returns what functions asked for and were refused.
    #[must_use]
    pub fn refused(&self) -> BTreeSet<Use> {
        lock(&self.0.refused).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the function that signed a request, if it was one.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html>
fn signer(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = authorization.split_once("Credential=")?;
    let (key, _) = credential.split_once('/')?;
    key.strip_prefix(FUNCTION_KEY)
}

#[cfg(test)]
mod tests;
