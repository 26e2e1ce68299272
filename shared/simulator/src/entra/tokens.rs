//! Codes and tokens: handed out, used, rotated, taken back.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::{Lifetimes, Refusal};
use crate::world::random::Random;

/// How long a code can be redeemed:
/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#successful-response>.
const CODE_LIFETIME: Duration = Duration::from_secs(600);

/// One request to a token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenRequest {
    /// Such as `refresh_token`.
    pub grant_type: String,
    /// The directory in the path.
    pub tenant: String,
    /// The number behind `AADSTS` if it was refused.
    pub refused: Option<u32>,
}

/// Who a token is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A person, by the id of their account.
    Person(Uuid),
    /// An application, by the object id of its enterprise application.
    Principal(Uuid),
}

/// What a token stands for.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) subject: Subject,
    pub(crate) client: Uuid,
    pub(crate) directory: Uuid,
    /// Scopes such as `vso.work`; an application that acts for itself has none.
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) expires_at: Timestamp,
}

/// A code on its way from the sign-in page to the token endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
}

/// Everything that was handed out.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) lifetimes: Lifetimes,
    pub(crate) requests: Vec<TokenRequest>,
    seed: u64,
    made: u64,
    codes: HashMap<String, (Code, bool)>,
    refresh: HashMap<String, Grant>,
    access: HashMap<String, Grant>,
}

impl Tokens {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            lifetimes: Lifetimes {
                access: Duration::from_secs(3599),
                refresh: Duration::from_secs(90 * 86_400),
                rotation_revokes: false,
                latency: Duration::ZERO,
            },
            requests: Vec::new(),
            seed,
            made: 0,
            codes: HashMap::new(),
            refresh: HashMap::new(),
            access: HashMap::new(),
        }
    }

    /// A text that nobody has seen, as long as Microsoft's.
    fn make(&mut self, prefix: &str, letters: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        self.made += 1;
        let mut random = Random::stream(&[self.seed, 0xE47B, self.made]);
        let letters = (0..letters).map(|_| char::from(*random.pick(ALPHABET)));
        format!("{prefix}{}", letters.collect::<String>())
    }

    pub(crate) fn keep_code(&mut self, mut code: Code, now: Timestamp) -> String {
        code.grant.expires_at = now.saturating_add(CODE_LIFETIME).unwrap_or(Timestamp::MAX);
        let text = self.make("1.AXoA", 160);
        self.codes.insert(text.clone(), (code, false));
        text
    }

    /// Takes what a code stands for, once.
    pub(crate) fn redeem_code(&mut self, text: &str, now: Timestamp) -> Result<Code, Refusal> {
        let (code, is_used) = self.codes.get_mut(text).ok_or_else(|| {
            Refusal::grant(
                9_002_313,
                "Invalid request. Request is malformed or invalid.",
            )
        })?;
        if std::mem::replace(is_used, true) {
            let message = "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.";
            return Err(Refusal::grant(54005, message));
        }
        if now >= code.grant.expires_at {
            let message = "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.";
            return Err(Refusal::grant(70008, message));
        }
        Ok(code.clone())
    }

    pub(crate) fn keep_refresh(&mut self, grant: &Grant, now: Timestamp) -> String {
        let text = self.make("1.AXoA", 400);
        let expires_at = now
            .saturating_add(self.lifetimes.refresh)
            .unwrap_or(Timestamp::MAX);
        let grant = Grant {
            expires_at,
            ..grant.clone()
        };
        self.refresh.insert(text.clone(), grant);
        text
    }

    /// What a refresh token stands for, if it was handed to this application.
    pub(crate) fn refresh(
        &mut self,
        text: &str,
        client: Uuid,
        now: Timestamp,
    ) -> Result<Grant, Refusal> {
        let grant = self.refresh.get(text).ok_or_else(|| {
            let message = "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.";
            Refusal::grant(50173, message)
        })?;
        if grant.client != client {
            let message = "Provided grant is invalid or malformed.";
            return Err(Refusal::grant(700_003, message));
        }
        if now >= grant.expires_at {
            let message = "The refresh token has expired due to inactivity.";
            return Err(Refusal::grant(700_082, message));
        }
        let grant = grant.clone();
        if self.lifetimes.rotation_revokes {
            self.refresh.remove(text);
        }
        Ok(grant)
    }

    /// When an access token that is made now ends.
    pub(crate) fn access_ends(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.lifetimes.access)
            .unwrap_or(Timestamp::MAX)
    }

    /// Remembers an access token. Its text is unique, because it carries an id.
    pub(crate) fn keep_access(&mut self, text: String, grant: Grant) {
        self.access.insert(text, grant);
    }

    pub(crate) fn access(&self, text: &str, now: Timestamp) -> Option<Grant> {
        let grant = self.access.get(text)?;
        (now < grant.expires_at).then(|| grant.clone())
    }

    pub(super) fn revoke_refresh_tokens(&mut self) {
        self.refresh.clear();
    }

    pub(super) fn revoke_access_tokens(&mut self) {
        self.access.clear();
    }
}
