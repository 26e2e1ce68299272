//! What the template tells a function through its environment.

use std::{env, str::FromStr};

use aws_config::{BehaviorVersion, environment::EnvironmentVariableCredentialsProvider};
use model::Retention;
use std::time::Duration;

use crate::connections::Connections;

/// The environment of a function. Each accessor names its variable; a missing one fails the cold start, not a request.
#[derive(Clone, Debug)]
pub struct Config {
    sdk: aws_config::SdkConfig,
}

/// A variable that the template should have set.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {name} is missing or unusable")]
pub struct MissingVariable {
    name: &'static str,
}

impl Config {
    /// Reads the environment that every AWS client needs.
    ///
    /// Lambda gives the role's credentials as variables, and nothing else gives any here: the SDK's own search for them would
    /// build clients of services that are never asked.
    pub async fn from_env() -> Self {
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .credentials_provider(EnvironmentVariableCredentialsProvider::new())
            .http_client(Connections::new());
        Self {
            sdk: loader.load().await,
        }
    }

    /// Settings for AWS clients: region, credentials, endpoints.
    pub fn sdk(&self) -> &aws_config::SdkConfig {
        &self.sdk
    }

    /// An AWS client that is made when it is first wanted. Making one takes as long as all of an empty function's start, and
    /// most requests want one of the three that their function has.
    pub fn later<C: 'static>(
        &self,
        make: fn(&aws_config::SdkConfig) -> C,
    ) -> impl FnOnce() -> C + Send + use<C> {
        let sdk = self.sdk.clone();
        move || make(&sdk)
    }

    /// A text variable.
    ///
    /// # Errors
    /// It is not set, or empty.
    pub fn text(&self, name: &'static str) -> Result<String, MissingVariable> {
        env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .ok_or(MissingVariable { name })
    }

    /// `RETENTION_DAYS`: how many days after its last event a record is kept.
    ///
    /// # Errors
    /// It is not set, or not a number.
    pub fn retention(&self) -> Result<Retention, MissingVariable> {
        self.parsed("RETENTION_DAYS").map(Retention::days)
    }

    /// `SYNC_MINUTES`: how long after a complete pass a stream is visited again.
    ///
    /// # Errors
    /// It is not set, or not a number.
    pub fn sync_period(&self) -> Result<Duration, MissingVariable> {
        self.parsed("SYNC_MINUTES")
            .map(|minutes: u64| Duration::from_secs(60 * minutes))
    }

    fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, MissingVariable> {
        self.text(name)?
            .parse()
            .map_err(|_| MissingVariable { name })
    }
}
