//! Microsoft Entra ID: directories, people, applications, and the tokens that they were given.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>

mod refusal;
mod registry;
mod signing;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

pub(crate) use refusal::Refusal;
pub(crate) use registry::Registry;
pub(crate) use signing::{Signer, verify_assertion};
pub use tokens::TokenRequest;
pub(crate) use tokens::{Code, Grant, Subject, Tokens};

/// The resource that Azure DevOps is in every directory:
/// <https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/entra-oauth>.
pub const AZURE_DEVOPS: Uuid = Uuid::from_u128(0x499b84ac_1321_427f_aa17_267ca6975798);
/// The directory that tokens of personal Microsoft accounts name:
/// <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>.
pub const PERSONAL_ACCOUNTS: Uuid = Uuid::from_u128(0x9188040d_6c67_4c5b_b112_36a304b66dad);

/// A directory (tenant).
#[derive(Clone, Debug)]
pub struct Directory {
    /// Its id.
    pub id: Uuid,
    /// A Conditional Access policy refuses every sign-in and every refresh.
    pub blocks_sign_in: bool,
}

/// A person who can sign in.
#[derive(Clone, Debug)]
pub struct Account {
    /// The object id, which is also the id of the Azure DevOps profile.
    pub id: Uuid,
    /// What they type to sign in.
    pub user_name: String,
    /// Their name.
    pub name: String,
    /// The directory that they are of; `None` for a personal Microsoft account.
    pub home: Option<Uuid>,
    /// Directories that they are a guest in.
    pub guest_of: BTreeSet<Uuid>,
}

/// An application that is registered.
#[derive(Clone, Debug)]
pub struct Application {
    /// The application (client) id.
    pub id: Uuid,
    /// Exactly these addresses may get a code.
    pub redirect_uris: BTreeSet<String>,
    /// Its client secrets and when each ends.
    pub secrets: Vec<(SecretString, Timestamp)>,
    /// Public RSA keys (`RSAPublicKey`, DER) of its certificates, by SHA-256 thumbprint (base64url).
    pub certificates: BTreeMap<String, Vec<u8>>,
    /// The enterprise applications that were made of it: object id by directory.
    pub principals: BTreeMap<Uuid, Uuid>,
}

/// An organization of Azure DevOps, as far as sign-in is concerned.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Its name.
    pub name: String,
    /// The directory that it is connected to.
    pub directory: Uuid,
    /// The policy *Third-party application access via OAuth*:
    /// <https://learn.microsoft.com/azure/devops/organizations/accounts/change-application-access-policies>.
    pub allows_oauth: bool,
    /// A Conditional Access policy refuses every call.
    pub blocks_calls: bool,
    /// Its users: people by their account's id, applications by the object id of their enterprise application.
    pub members: BTreeMap<Uuid, Member>,
}

/// A user of an organization.
#[derive(Clone, Debug)]
pub struct Member {
    /// The identity in the organization.
    pub identity: Uuid,
    /// The licence: <https://learn.microsoft.com/azure/devops/organizations/security/access-levels>.
    pub access: AccessLevel,
    /// Projects that they cannot see.
    pub denied_projects: BTreeSet<Uuid>,
}

/// A licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLevel {
    /// Everything but test plans.
    Basic,
    /// Boards, and no code.
    Stakeholder,
}

/// How tokens behave where there is a choice.
#[derive(Clone, Debug)]
pub struct Lifetimes {
    /// How long an access token is good; Microsoft says about an hour.
    pub access: Duration,
    /// How long a refresh token is good.
    pub refresh: Duration,
    /// Whether a refresh token dies when it is used. Microsoft leaves it alive:
    /// <https://learn.microsoft.com/entra/identity-platform/refresh-tokens>.
    pub rotation_revokes: bool,
    /// Waited between making tokens and sending them.
    pub latency: Duration,
}

/// Entra ID and what Azure DevOps knows of it. Clones share everything, also between the organizations of a simulator.
#[derive(Clone, Debug)]
pub struct Entra(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    registry: Mutex<Registry>,
    tokens: Mutex<Tokens>,
    signer: OnceLock<Signer>,
}

impl Entra {
    pub(crate) fn new(registry: Registry, seed: u64) -> Self {
        Self(Arc::new(Shared {
            registry: Mutex::new(registry),
            tokens: Mutex::new(Tokens::new(seed)),
            signer: OnceLock::new(),
        }))
    }

    /// The directory of the first organization.
    pub fn directory(&self) -> Uuid {
        self.registry().directories[0].id
    }

    /// The application that is there from the start, a service principal of the first organization.
    pub fn application(&self) -> Application {
        self.registry().applications[0].clone()
    }

    /// The person who is there from the start, a member of the first organization.
    pub fn account(&self) -> Account {
        self.registry().accounts[0].clone()
    }

    /// Adds a directory, or replaces the one with the same id.
    pub fn put_directory(&self, directory: Directory) {
        put(&mut self.registry().directories, directory, |own| own.id);
    }

    /// Adds a person, or replaces the one with the same id.
    pub fn put_account(&self, account: Account) {
        put(&mut self.registry().accounts, account, |own| own.id);
    }

    /// Adds an application, or replaces the one with the same id.
    pub fn put_application(&self, application: Application) {
        put(&mut self.registry().applications, application, |own| own.id);
    }

    /// An organization as it is now.
    pub fn organization(&self, name: &str) -> Option<Organization> {
        self.registry().organization(name).cloned()
    }

    /// Adds an organization, or replaces the one of the same name.
    pub fn put_organization(&self, organization: Organization) {
        let key = |own: &Organization| own.name.to_ascii_lowercase();
        put(&mut self.registry().organizations, organization, key);
    }

    /// Changes how tokens behave from now on.
    pub fn set_lifetimes(&self, lifetimes: Lifetimes) {
        self.tokens().lifetimes = lifetimes;
    }

    /// How tokens behave.
    pub fn lifetimes(&self) -> Lifetimes {
        self.tokens().lifetimes.clone()
    }

    /// Takes back every refresh token, as a changed password does.
    pub fn revoke_refresh_tokens(&self) {
        self.tokens().revoke_refresh_tokens();
    }

    /// Takes back every access token, which Microsoft does only in emergencies.
    pub fn revoke_access_tokens(&self) {
        self.tokens().revoke_access_tokens();
    }

    /// Every request to a token endpoint since the start.
    pub fn token_requests(&self) -> Vec<TokenRequest> {
        self.tokens().requests.clone()
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        lock(&self.0.registry)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.0.tokens)
    }

    /// The key that tokens are signed with, made when it is first needed.
    pub(crate) fn signer(&self) -> &Signer {
        self.0.signer.get_or_init(Signer::make)
    }
}

fn put<T, K: PartialEq>(all: &mut Vec<T>, new: T, key: impl Fn(&T) -> K) {
    match all.iter_mut().find(|own| key(own) == key(&new)) {
        Some(own) => *own = new,
        None => all.push(new),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
