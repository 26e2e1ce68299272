//! Credentials for requests, kept fresh: read once, renewed before they end, and by one worker for all.
//!
//! An access token is in memory here and in the connection's secret, where the other workers find it. The worker that
//! renews it holds a turn in the control table, looks once more whether another was faster, and stores what it got before
//! anybody uses it: a refresh token that was not stored would be lost with the process.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use ado::Credential;
use jiff::{SignedDuration, Timestamp};
use model::{ConnectionId, Fault, OrganizationName, TenantId};
use secrecy::{ExposeSecret, SecretString};
use storage::{Control, TokenTurn};
use telemetry::Metric;
use tokio::{sync::Mutex, time::sleep};
use uuid::Uuid;

use crate::{Access, Entra, Error, Grant, Issued, Principal, Proof, Secret, Secrets, SignIn};

/// How long what was read is believed without looking again.
const BELIEVED: SignedDuration = SignedDuration::from_secs(300);
/// How long before its end a token is not used any more.
const MARGIN: SignedDuration = SignedDuration::from_secs(300);
/// Over how much time renewals of tokens that began together are spread.
const SPREAD_S: u64 = 300;
/// How long a turn is held at most: longer than asking and storing may take.
const TURN: Duration = Duration::from_secs(30);
/// How long to wait before looking whether another worker is done.
const POLL: Duration = Duration::from_millis(100);
/// How long another worker is waited for; then the job is left to its queue.
const PATIENCE: Duration = Duration::from_secs(40);
/// The pause after the first failure; doubled for each further one.
const COOL_DOWN: Duration = Duration::from_secs(30);
/// The longest pause.
const LONGEST_COOL_DOWN: Duration = Duration::from_secs(900);
/// How often storing a new token is tried: it may be the only one that still works.
const STORE_TRIES: u32 = 5;

/// The credentials of a deployment's connections.
#[derive(Debug)]
pub struct Tokens {
    secrets: Secrets,
    control: Control,
    entra: Entra,
    clock: fn() -> Timestamp,
    known: Mutex<HashMap<ConnectionId, (Timestamp, Secret)>>,
}

/// A connection and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// Which.
    pub connection: ConnectionId,
}

impl Tokens {
    /// The credentials in `secrets`, renewed at `entra` by turns in `control`.
    pub fn new(secrets: Secrets, control: Control, entra: Entra, clock: fn() -> Timestamp) -> Self {
        Self {
            secrets,
            control,
            entra,
            clock,
            known: Mutex::default(),
        }
    }

    /// What signs requests of a connection to an organization.
    ///
    /// # Errors
    /// [`Error::fault`] says whether a person has to do something or trying again will help.
    pub async fn credential(
        &self,
        owner: Owner<'_>,
        organization: &OrganizationName,
    ) -> Result<Credential, Error> {
        let known = self.known.lock().await.get(&owner.connection).cloned();
        let secret = match known {
            Some((until, secret)) if (self.clock)() < until => secret,
            _ => self.fresh(owner, None).await?,
        };
        credential(&secret, organization)
    }

    /// Another credential for one that an organization has refused. It is the same if there is no other, so that a
    /// caller who is refused again knows that the credential is dead.
    ///
    /// # Errors
    /// As [`Tokens::credential`].
    pub async fn replace(
        &self,
        owner: Owner<'_>,
        organization: &OrganizationName,
        refused: &Credential,
    ) -> Result<Credential, Error> {
        self.known.lock().await.remove(&owner.connection);
        let secret = self.fresh(owner, Some(refused.token())).await?;
        credential(&secret, organization)
    }

    /// A secret whose access token, if it needs one, is good for a while and is not `refused`.
    async fn fresh(
        &self,
        owner: Owner<'_>,
        refused: Option<&SecretString>,
    ) -> Result<Secret, Error> {
        let holder = Uuid::new_v4().to_string();
        let began = Instant::now();
        loop {
            let secret = self.secrets.get(owner.tenant, owner.connection).await?;
            if let Some(until) = self.good_until(owner.connection, &secret, refused) {
                let mut known = self.known.lock().await;
                known.insert(owner.connection, (until, secret.clone()));
                return Ok(secret);
            }
            let now = (self.clock)();
            let turn = self
                .control
                .take_token_turn(owner.connection, &holder, now, TURN)
                .await?;
            match turn {
                TokenTurn::Taken { failures } => {
                    return self.renew(owner, refused, (&holder, failures)).await;
                }
                TokenTurn::Cooling(until) => {
                    let after = until.duration_since(now).unsigned_abs();
                    return Err(Error::Cooling { after });
                }
                TokenTurn::Held if began.elapsed() > PATIENCE => {
                    return Err(Error::Cooling { after: TURN });
                }
                TokenTurn::Held => sleep(POLL).await,
            }
        }
    }

    /// Until when a secret may be used as it is; `None` if it needs a new access token.
    fn good_until(
        &self,
        connection: ConnectionId,
        secret: &Secret,
        refused: Option<&SecretString>,
    ) -> Option<Timestamp> {
        let now = (self.clock)();
        let believed = now.saturating_add(BELIEVED).ok()?;
        if secret.directory().is_none() {
            return Some(believed);
        }
        let access = secret.access()?;
        if refused.is_some_and(|old| old.expose_secret() == access.token.expose_secret()) {
            return None;
        }
        let until = renewed_at(connection, access);
        (now < until).then(|| until.min(believed))
    }

    /// Gets a new access token and keeps it. The turn is given back in any case.
    async fn renew(
        &self,
        owner: Owner<'_>,
        refused: Option<&SecretString>,
        (holder, failures): (&str, u32),
    ) -> Result<Secret, Error> {
        match self.renewed(owner, refused).await {
            Ok(secret) => {
                self.control
                    .end_token_turn(owner.connection, holder)
                    .await?;
                let until = self.good_until(owner.connection, &secret, refused);
                let until = until.unwrap_or_else(|| (self.clock)());
                let mut known = self.known.lock().await;
                known.insert(owner.connection, (until, secret.clone()));
                Ok(secret)
            }
            Err(error) => {
                telemetry::emit((self.clock)(), &[(Metric::RefreshFailures, 1.0)]);
                let pause = cool_down(owner.connection, failures, &error);
                let until = (self.clock)().saturating_add(pause);
                let row = (until.unwrap_or(Timestamp::MAX), failures.saturating_add(1));
                self.control
                    .fail_token_turn(owner.connection, holder, row)
                    .await?;
                tracing::warn!(connection.id = %owner.connection, error = %error, "no access token");
                Err(error)
            }
        }
    }

    async fn renewed(
        &self,
        owner: Owner<'_>,
        refused: Option<&SecretString>,
    ) -> Result<Secret, Error> {
        // Another worker may have been done between the look and the turn.
        let secret = self.secrets.get(owner.tenant, owner.connection).await?;
        if self
            .good_until(owner.connection, &secret, refused)
            .is_some()
        {
            return Ok(secret);
        }
        let issued = self.ask(&secret).await?;
        let secret = secret.renewed(issued.access, issued.refresh_token);
        self.store(owner, &secret).await?;
        Ok(secret)
    }

    async fn ask(&self, secret: &Secret) -> Result<Issued, Error> {
        let now = (self.clock)();
        let Some((authority, client)) = secret.directory() else {
            return Err(Error::NoApplication);
        };
        match secret {
            Secret::SignIn(SignIn { refresh_token, .. }) => {
                let proof = Proof::Secret(self.secrets.application().await?);
                let issued = self
                    .entra
                    .redeem(
                        (authority, client, &proof),
                        Grant::Refresh(refresh_token),
                        now,
                    )
                    .await;
                issued.map_err(own_application)
            }
            Secret::Principal(Principal { proof, .. }) => {
                self.entra
                    .redeem((authority, client, proof), Grant::Application, now)
                    .await
            }
            Secret::Pats(_) => Err(Error::NoApplication),
        }
    }

    /// Stores a new token, again and again: the one that it replaces may not work any more.
    async fn store(&self, owner: Owner<'_>, secret: &Secret) -> Result<(), Error> {
        let mut tries = 1;
        loop {
            match self
                .secrets
                .put(owner.tenant, owner.connection, secret)
                .await
            {
                Err(error)
                    if tries < STORE_TRIES && matches!(error.fault(), Fault::Retryable { .. }) =>
                {
                    sleep(POLL * tries).await;
                    tries += 1;
                }
                result => return result,
            }
        }
    }
}

/// What signs requests of a connection to an organization.
///
/// # Errors
/// [`Error::NoToken`] if the secret holds nothing for it.
pub fn credential(secret: &Secret, organization: &OrganizationName) -> Result<Credential, Error> {
    secret
        .credential(organization)
        .ok_or_else(|| Error::NoToken {
            organization: organization.clone(),
        })
}

/// When an access token is not used any more: some minutes before its end, each connection at another time, so that
/// tokens that were got together are not renewed together.
fn renewed_at(connection: ConnectionId, access: &Access) -> Timestamp {
    let early = SignedDuration::from_secs(spread(connection, SPREAD_S) as i64);
    access
        .expires_at
        .saturating_sub(MARGIN)
        .and_then(|at| at.saturating_sub(early))
        .unwrap_or(access.expires_at)
}

/// How long nobody asks after a failure.
fn cool_down(connection: ConnectionId, failures: u32, error: &Error) -> Duration {
    let pause = COOL_DOWN.saturating_mul(1 << failures.min(5));
    let asked = match error.fault() {
        Fault::Retryable { after } => after.unwrap_or_default(),
        Fault::Reauthorize | Fault::Permanent => Duration::ZERO,
    };
    let apart = Duration::from_secs(spread(connection, COOL_DOWN.as_secs()));
    pause.min(LONGEST_COOL_DOWN).max(asked) + apart
}

/// A number below `bound` that is always the same for a connection. Ids are random, so their bits will do.
fn spread(connection: ConnectionId, bound: u64) -> u64 {
    connection.0.as_u64_pair().1 % bound
}

/// A refusal of this deployment's own application is not the business of the person who signed in: their refresh token
/// is as good as before, and whoever runs the deployment has to act.
fn own_application(error: Error) -> Error {
    match error {
        Error::Refused { error, code }
            if matches!(error.as_str(), "invalid_client" | "unauthorized_client") =>
        {
            tracing::error!(
                error,
                code,
                "entra id does not accept this deployment's application"
            );
            Error::Unavailable {
                reason: format!("{error} (AADSTS{code}) for this deployment's own application"),
                after: Some(LONGEST_COOL_DOWN),
            }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(number: u128) -> ConnectionId {
        ConnectionId(Uuid::from_u128(number))
    }

    #[test]
    fn tokens_that_were_got_together_are_renewed_apart_and_early_enough() {
        let access = Access {
            token: "x".into(),
            expires_at: Timestamp::from_second(10_000).unwrap(),
        };
        let at: std::collections::BTreeSet<i64> = (0..600)
            .map(|number| renewed_at(connection(number), &access).as_second())
            .collect();
        assert_eq!(at.len(), 300);
        assert!(*at.last().unwrap() <= 10_000 - 300);
        assert!(*at.first().unwrap() >= 10_000 - 600);
    }

    #[test]
    fn pauses_grow_and_end_at_a_quarter_of_an_hour() {
        let failed = Error::Unavailable {
            reason: "503".into(),
            after: None,
        };
        let pauses: Vec<u64> = (0..7)
            .map(|failures| cool_down(connection(0), failures, &failed).as_secs())
            .collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept() {
        let busy = Error::Unavailable {
            reason: "429".into(),
            after: Some(Duration::from_secs(3000)),
        };
        assert!(cool_down(connection(0), 0, &busy) >= Duration::from_secs(3000));
    }

    #[test]
    fn the_person_is_not_blamed_for_the_deployments_own_application() {
        let refused = |error: &str| Error::Refused {
            error: error.to_owned(),
            code: 7_000_222,
        };
        let own = own_application(refused("invalid_client"));
        assert!(matches!(own.fault(), Fault::Retryable { .. }));
        assert_eq!(
            own_application(refused("invalid_grant")).fault(),
            Fault::Reauthorize
        );
    }
}
