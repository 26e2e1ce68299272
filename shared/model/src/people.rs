//! Which identities are the same person, and which are no person at all.
//!
//! The service names people by an id, Git by an e-mail address, older answers by a sign-in name. [`merge`] puts together what
//! shares an id, a sign-in name or an address; it does not look at display names, which are neither unique nor stable.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Identity, git::Signature};

/// Everything by which somebody was named, put together.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// The ids in the organization. More than one where an account was replaced.
    pub ids: BTreeSet<String>,
    /// Sign-in names and e-mail addresses, in lower case.
    pub addresses: BTreeSet<String>,
    /// The names that people read.
    pub names: BTreeSet<String>,
}

impl Person {
    /// Whether it is an account of a service or a build and not somebody.
    ///
    /// Build services sign in as `Build\{guid}`, and Microsoft's own services have a GUID or a name that begins with
    /// `Microsoft.`: <https://learn.microsoft.com/azure/devops/pipelines/process/access-tokens>.
    pub fn is_service(&self) -> bool {
        let by_address = |address: &String| {
            let host = address.rsplit('@').next().unwrap_or_default();
            address.starts_with("build\\") || is_guid(host)
        };
        let by_name = |name: &String| {
            name.starts_with("Microsoft.")
                || name.contains("Build Service (")
                || name.ends_with("[bot]")
        };
        self.addresses.iter().any(by_address) || self.names.iter().any(by_name)
    }

    fn keys(&self) -> impl Iterator<Item = &String> {
        self.ids.iter().chain(&self.addresses)
    }

    fn absorb(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.addresses.extend(other.addresses);
        self.names.extend(other.names);
    }
}

impl From<&Identity> for Person {
    fn from(identity: &Identity) -> Self {
        Self {
            ids: set(identity.id.as_deref().map(str::to_lowercase)),
            addresses: set(identity.unique_name.as_deref().map(str::to_lowercase)),
            names: set(identity.name.clone()),
        }
    }
}

impl From<&Signature> for Person {
    fn from(signature: &Signature) -> Self {
        Self {
            ids: BTreeSet::new(),
            addresses: set(Some(signature.email.to_lowercase())),
            names: set(Some(signature.name.clone())),
        }
    }
}

fn set(text: Option<String>) -> BTreeSet<String> {
    text.filter(|text| !text.trim().is_empty())
        .into_iter()
        .collect()
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.parse::<uuid::Uuid>().is_ok()
}

/// Puts together the sightings that share an id or an address, directly or through others. The order of the sightings does
/// not matter, nor how often each occurs; sightings without id and address are nobody's and are left out.
pub fn merge(sightings: impl IntoIterator<Item = Person>) -> BTreeSet<Person> {
    let mut people: Vec<Option<Person>> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for sighting in sightings {
        let same: BTreeSet<usize> = sighting
            .keys()
            .filter_map(|key| known.get(key).copied())
            .collect();
        let mut whole = sighting;
        for place in same {
            whole.absorb(people[place].take().unwrap_or_default());
        }
        let place = people.len();
        for key in whole.keys() {
            known.insert(key.clone(), place);
        }
        people.push(Some(whole).filter(|person| person.keys().next().is_some()));
    }
    people.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(id: &str, unique_name: &str, name: &str) -> Person {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Person::from(&Identity {
            id: some(id),
            name: some(name),
            unique_name: some(unique_name),
        })
    }

    #[test]
    fn a_commit_and_a_pull_request_of_one_person_are_one_persons() {
        let commit = Person::from(&Signature {
            name: "ada".to_owned(),
            email: "Ada@Fabrikam.example".to_owned(),
            at: None,
        });
        let people = merge([
            identity("1", "ada@fabrikam.example", "Ada Lovelace"),
            commit,
            identity("2", "bo@fabrikam.example", "Ada Lovelace"),
        ]);
        assert_eq!(people.len(), 2, "a display name alone proves nothing");
        let ada = people.iter().find(|person| person.ids.contains("1"));
        assert_eq!(ada.unwrap().names.len(), 2);
    }

    #[test]
    fn two_are_one_as_soon_as_a_third_sighting_says_so() {
        let apart = [identity("1", "", "A"), identity("", "a@x.example", "B")];
        assert_eq!(merge(apart.clone()).len(), 2);
        let bridge = identity("1", "A@x.example", "C");
        let people = merge(apart.into_iter().chain([bridge]));
        assert_eq!(people.len(), 1);
        assert_eq!(people.first().unwrap().names.len(), 3);
    }

    #[test]
    fn accounts_of_services_are_told_from_people() {
        let guid = "3065bb47-94b0-4b4f-9e35-8a5f4a64f5a1";
        for (unique_name, name) in [
            (format!("Build\\{guid}"), "Fiber Build Service (fabrikam)"),
            (guid.to_owned(), "Microsoft.VisualStudio.Services.TFS"),
            (format!("{guid}@{guid}"), "a service principal"),
            ("x@y.example".to_owned(), "dependabot[bot]"),
        ] {
            assert!(
                identity("1", &unique_name, name).is_service(),
                "{unique_name}"
            );
        }
        assert!(!identity("1", "ada@fabrikam.example", "Ada Microsoft").is_service());
    }

    proptest::proptest! {
        #[test]
        fn the_order_of_sightings_does_not_matter(
            seen in proptest::collection::vec((0_u8..6, 0_u8..6, 0_u8..3), 0..14),
            turn in 0_usize..14,
        ) {
            let text = |prefix: &str, n: u8| if n == 0 { String::new() } else { format!("{prefix}{n}") };
            let people: Vec<Person> = seen
                .iter()
                .map(|(id, address, name)| identity(&text("id", *id), &text("at", *address), &text("n", *name)))
                .collect();
            let once = merge(people.clone());
            let mut turned = people.clone();
            if !turned.is_empty() {
                let by = turn % turned.len();
                turned.rotate_left(by);
            }
            proptest::prop_assert_eq!(&merge(turned), &once);
            proptest::prop_assert_eq!(&merge(people.iter().rev().chain(&people).cloned()), &once);
            proptest::prop_assert_eq!(&merge(once.clone()), &once);
        }
    }
}
