//! Who and what is registered.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    AccessLevel, Account, Application, Directory, Member, Organization, PERSONAL_ACCOUNTS,
};
use crate::config::Config;
use crate::world::World;
use crate::world::random::Random;

/// Names the random stream of everything in the first directory.
const STREAM: u64 = 0xE47A;

/// Everything that is registered.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) directories: Vec<Directory>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) applications: Vec<Application>,
    pub(crate) organizations: Vec<Organization>,
}

impl Registry {
    /// One directory with the organization of `config`, the first of its people, and one application that is a service
    /// principal there.
    pub(crate) fn new(config: &Config, world: &World) -> Self {
        let mut random = Random::stream(&[config.seed, STREAM]);
        let person = &world.people.all[0];
        let (directory, principal) = (random.uuid(), random.uuid());
        let account = Account {
            id: random.uuid(),
            user_name: person.unique_name.clone(),
            name: person.display_name.clone(),
            home: Some(directory),
            guest_of: BTreeSet::new(),
        };
        let application = Application {
            id: random.uuid(),
            redirect_uris: BTreeSet::new(),
            secrets: vec![(client_secret(&mut random), Timestamp::MAX)],
            certificates: BTreeMap::new(),
            principals: BTreeMap::from([(directory, principal)]),
        };
        let member = |identity| Member {
            identity,
            access: AccessLevel::Basic,
            denied_projects: BTreeSet::new(),
        };
        let members = BTreeMap::from([
            (account.id, member(person.id)),
            (principal, member(principal)),
        ]);
        Self {
            directories: vec![Directory {
                id: directory,
                blocks_sign_in: false,
            }],
            accounts: vec![account],
            applications: vec![application],
            organizations: vec![Organization {
                name: config.organization.clone(),
                directory,
                allows_oauth: true,
                blocks_calls: false,
                members,
            }],
        }
    }

    pub(crate) fn organization(&self, name: &str) -> Option<&Organization> {
        self.organizations
            .iter()
            .find(|own| own.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn application(&self, id: &str) -> Option<&Application> {
        let id = Uuid::parse_str(id).ok()?;
        self.applications.iter().find(|own| own.id == id)
    }

    pub(crate) fn directory(&self, id: Uuid) -> Option<&Directory> {
        self.directories.iter().find(|own| own.id == id)
    }
}

impl Account {
    /// The directory that a token of this person names if it is asked for under `tenant`; `None` if they cannot sign in
    /// there: <https://learn.microsoft.com/entra/identity-platform/v2-protocols#endpoints>.
    pub(crate) fn directory_under(&self, tenant: &str) -> Option<Uuid> {
        match tenant {
            "common" => Some(self.home.unwrap_or(PERSONAL_ACCOUNTS)),
            "organizations" => self.home,
            "consumers" => self.home.is_none().then_some(PERSONAL_ACCOUNTS),
            other => {
                let directory = Uuid::parse_str(other).ok()?;
                let is_there = self.home == Some(directory) || self.guest_of.contains(&directory);
                is_there.then_some(directory)
            }
        }
    }
}

/// A client secret has 40 characters, some of them `~`, `_`, `.` or `-`.
fn client_secret(random: &mut Random) -> SecretString {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789~_.-";
    let letters = (0..37).map(|_| char::from(*random.pick(ALPHABET)));
    SecretString::from(format!("8Q~{}", letters.collect::<String>()))
}
