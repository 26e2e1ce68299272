//! Who acts in an organization.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Aggregate, Joins, Kind, NO_DAY, Record};
use crate::{
    OrganizationId,
    people::{AccountKind, Names, Sighting},
};

/// An account of an organization, or the author of commits of whom only an address is known, with all names under which
/// answers spoke of it.
///
/// It has no end of its own: open things name people for as long as they are open, so it is kept with its integration.
/// [`people::merge`](crate::people::merge) says which of these are one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The organization: ids are unique in it.
    pub organization: OrganizationId,
    /// What kind of account it is.
    pub kind: AccountKind,
    /// Everything by which it was named.
    #[serde(flatten)]
    pub named: Names,
}

impl Person {
    /// Somebody whom an answer of this organization named; `None` if nothing but a display name is known.
    pub fn seen(organization: OrganizationId, sighting: Sighting<'_>) -> Option<Self> {
        let named = Names::from(sighting);
        named.is_somebody().then(|| Self {
            organization,
            kind: named.kind(),
            named,
        })
    }
}

impl Aggregate for Person {
    /// By id; by descriptor where the id is not known; by address where Git is all that knows them. Keys are logged, so
    /// that one has only a fingerprint of the address.
    fn place(&self) -> (String, String) {
        let Names {
            ids,
            descriptors,
            addresses,
            ..
        } = &self.named;
        let own = ids.first().or(descriptors.first()).cloned();
        let address = || addresses.first().map(|address| fingerprint(address));
        let id = own.or_else(address).unwrap_or_default();
        (NO_DAY.to_owned(), format!("{}#{id}", self.organization))
    }

    /// Joining never takes a name away, so there are no older states that could replace a newer one.
    fn version(&self) -> Option<i64> {
        Some(0)
    }
}

fn fingerprint(address: &str) -> String {
    let name = format!("mailto:{address}");
    format!(
        "mail.{}",
        Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
    )
}

impl Joins for Person {
    const KIND: Kind = Kind::Person;

    fn join(mut self, other: Self) -> Self {
        self.named.absorb(other.named);
        self.kind = self.named.kind();
        self
    }

    fn of(record: &Record) -> Option<&Self> {
        match record {
            Record::Person(person) => Some(person),
            _ => None,
        }
    }

    fn into_record(self) -> Record {
        Record::Person(self)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn seen(id: Option<&str>, unique_name: &str, descriptor: Option<&str>) -> Person {
        let sighting = Sighting {
            id: id.map(Cow::Borrowed),
            unique_name: Some(Cow::Borrowed(unique_name)),
            descriptor: descriptor.map(Cow::Borrowed),
            ..Sighting::default()
        };
        Person::seen(OrganizationId(Uuid::nil()), sighting).unwrap()
    }

    fn id(person: Person) -> String {
        let key = Record::Person(person).key();
        let (_, id) = key.sort.split_once('#').unwrap();
        id.to_owned()
    }

    #[test]
    fn an_account_is_filed_by_its_id_and_a_committer_by_the_address() {
        assert_eq!(id(seen(Some("7A"), "Ada@x.example", Some("aad.1"))), "7a");
        assert_eq!(id(seen(None, "Ada@x.example", Some("aad.1"))), "aad.1");
        let committer = id(seen(None, "Ada@x.example", None));
        assert!(committer.starts_with("mail.") && !committer.contains('@'));
        assert_eq!(committer, id(seen(None, "ada@x.example", None)));
        assert_ne!(committer, id(seen(None, "bo@x.example", None)));
    }

    #[test]
    fn a_joined_account_has_all_names_and_is_what_any_of_them_says() {
        let plain = seen(Some("7a"), "first@x.example", None);
        let service = seen(Some("7a"), "second@x.example", Some("svc.1"));
        let joined = plain.clone().join(service.clone());
        assert_eq!(joined.named.addresses.len(), 2);
        assert_eq!(joined.kind, AccountKind::Service);
        assert_eq!(joined, service.join(plain));
    }
}
