//! Who somebody is: what an answer says of one, what is known of one, and which of these are the same person.
//!
//! The service names people by an id and a descriptor, Git by an e-mail address, older answers by a sign-in name. [`merge`] puts
//! together what shares any of these; it does not look at display names, which are neither unique nor stable.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};

/// The longest address that is believed: <https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1>, local part, `@` and domain.
/// Git writes down whatever it is told.
const LONGEST: usize = 64 + 1 + 255;

/// How one place of an answer names somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sighting<'a> {
    /// The id in the organization.
    pub id: Option<Cow<'a, str>>,
    /// The subject descriptor, whose first part says what kind of account it is.
    pub descriptor: Option<Cow<'a, str>>,
    /// The sign-in name.
    pub unique_name: Option<Cow<'a, str>>,
    /// The e-mail address, where it is told apart from the sign-in name.
    pub mail: Option<Cow<'a, str>>,
    /// The name that people read.
    pub name: Option<Cow<'a, str>>,
    /// Whether it is said to be a group.
    pub is_group: bool,
}

impl Sighting<'_> {
    /// The same with texts of its own.
    pub fn into_owned(self) -> Sighting<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Sighting {
            id: own(self.id),
            descriptor: own(self.descriptor),
            unique_name: own(self.unique_name),
            mail: own(self.mail),
            name: own(self.name),
            is_group: self.is_group,
        }
    }
}

/// Everything by which somebody was named, put together.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Names {
    /// The ids in organizations. More than one in the same organization where an account was replaced.
    pub ids: BTreeSet<String>,
    /// The subject descriptors.
    pub descriptors: BTreeSet<String>,
    /// Sign-in names and e-mail addresses, in lower case.
    pub addresses: BTreeSet<String>,
    /// The names that people read.
    pub names: BTreeSet<String>,
    /// Whether it was said to be a group.
    pub is_group: bool,
}

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Somebody.
    Human,
    /// A group, which reviews in place of its members.
    Group,
    /// A service, a build or a bot.
    Service,
}

impl AccountKind {
    /// The name as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Group => "group",
            Self::Service => "service",
        }
    }
}

impl Names {
    /// What kind of account it is.
    ///
    /// Descriptors say so by their first part (`aad.` and `msa.` are people):
    /// <https://learn.microsoft.com/rest/api/azure/devops/graph/users/list>. Where there is none the names do: build services
    /// sign in as `Build\{guid}`, and Microsoft's own services have a GUID or a name that begins with `Microsoft.`:
    /// <https://learn.microsoft.com/azure/devops/pipelines/process/access-tokens>.
    pub fn kind(&self) -> AccountKind {
        let has_type = |types: &[&str]| {
            let mut descriptors = self.descriptors.iter();
            descriptors.any(|own| {
                own.split_once('.')
                    .is_some_and(|(first, _)| types.contains(&first))
            })
        };
        if self.is_group || has_type(&["vssgp", "aadgp"]) {
            AccountKind::Group
        } else if has_type(&["svc", "aadsp", "s2s"]) || self.is_named_as_service() {
            AccountKind::Service
        } else {
            AccountKind::Human
        }
    }

    fn is_named_as_service(&self) -> bool {
        let by_address = |address: &String| {
            let host = address.rsplit('@').next().unwrap_or_default();
            address.starts_with("build\\") || is_guid(host) || address.contains("[bot]@")
        };
        let by_name = |name: &String| {
            name.starts_with("Microsoft.")
                || name.contains("Build Service (")
                || name.ends_with("[bot]")
        };
        self.addresses.iter().any(by_address) || self.names.iter().any(by_name)
    }

    /// Whether anything but a display name is known.
    pub fn is_somebody(&self) -> bool {
        self.keys().next().is_some()
    }

    fn keys(&self) -> impl Iterator<Item = &String> {
        self.ids
            .iter()
            .chain(&self.descriptors)
            .chain(&self.addresses)
    }

    /// Adds what is known of the same one from elsewhere.
    pub fn absorb(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.descriptors.extend(other.descriptors);
        self.addresses.extend(other.addresses);
        self.names.extend(other.names);
        self.is_group |= other.is_group;
    }
}

impl From<Sighting<'_>> for Names {
    fn from(seen: Sighting<'_>) -> Self {
        let lower = |text: Cow<'_, str>| text.trim().to_lowercase();
        let is_address = |text: &String| !text.is_empty() && text.len() <= LONGEST;
        let addresses = [seen.unique_name, seen.mail].into_iter().flatten();
        // The service writes the empty id where somebody was taken out of a setting.
        let is_zero = |id: &String| id.bytes().all(|byte| matches!(byte, b'0' | b'-'));
        let id = seen.id.map(lower).filter(|id| !is_zero(id));
        let plain = |text: Cow<'_, str>| text.trim().to_owned();
        let some = |text: &String| !text.is_empty();
        Self {
            ids: id.into_iter().collect(),
            descriptors: seen
                .descriptor
                .map(plain)
                .filter(some)
                .into_iter()
                .collect(),
            addresses: addresses.map(lower).filter(is_address).collect(),
            names: seen.name.map(plain).filter(some).into_iter().collect(),
            is_group: seen.is_group,
        }
    }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.parse::<uuid::Uuid>().is_ok()
}

/// Puts together the namings that share an id, a descriptor or an address, directly or through others. Their order does not
/// matter, nor how often each occurs; those without any of these are nobody's and are left out.
pub fn merge(namings: impl IntoIterator<Item = Names>) -> BTreeSet<Names> {
    let mut people: Vec<Option<Names>> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for naming in namings {
        let same: BTreeSet<usize> = naming
            .keys()
            .filter_map(|key| known.get(key).copied())
            .collect();
        let mut whole = naming;
        for place in same {
            whole.absorb(people[place].take().unwrap_or_default());
        }
        let place = people.len();
        for key in whole.keys() {
            known.insert(key.clone(), place);
        }
        people.push(Some(whole).filter(Names::is_somebody));
    }
    people.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(text)).filter(|text| !text.is_empty())
    }

    fn named(id: &str, unique_name: &str, name: &str) -> Names {
        Names::from(Sighting {
            id: some(id),
            unique_name: some(unique_name),
            name: some(name),
            ..Sighting::default()
        })
    }

    #[test]
    fn a_commit_and_a_pull_request_of_one_person_are_one_persons() {
        let people = merge([
            named("1", "ada@fabrikam.example", "Ada Lovelace"),
            named("", "Ada@Fabrikam.example", "ada"),
            named("2", "bo@fabrikam.example", "Ada Lovelace"),
        ]);
        assert_eq!(people.len(), 2, "a display name alone proves nothing");
        let ada = people.iter().find(|person| person.ids.contains("1"));
        assert_eq!(ada.unwrap().names.len(), 2);
    }

    #[test]
    fn two_are_one_as_soon_as_a_third_naming_says_so() {
        let apart = [named("1", "", "A"), named("", "a@x.example", "B")];
        assert_eq!(merge(apart.clone()).len(), 2);
        let bridge = named("1", "A@x.example", "C");
        let people = merge(apart.into_iter().chain([bridge]));
        assert_eq!(people.len(), 1);
        assert_eq!(people.first().unwrap().names.len(), 3);
    }

    #[test]
    fn a_descriptor_and_an_address_join_what_has_no_id_in_common() {
        let listed = Names::from(Sighting {
            descriptor: some("aad.1"),
            unique_name: some("ada@corp.example"),
            mail: some("ada@fabrikam.example"),
            ..Sighting::default()
        });
        let referred = Names::from(Sighting {
            id: some("1"),
            descriptor: some("aad.1"),
            ..Sighting::default()
        });
        let commit = named("", "ada@fabrikam.example", "ada");
        assert_eq!(merge([referred, commit.clone()]).len(), 2);
        assert_eq!(merge([listed.clone(), commit]).len(), 1);
        assert_eq!(listed.addresses.len(), 2);
    }

    #[test]
    fn accounts_of_services_are_told_from_people() {
        let guid = "3065bb47-94b0-4b4f-9e35-8a5f4a64f5a1";
        for (unique_name, name) in [
            (format!("Build\\{guid}"), "Fiber Build Service (fabrikam)"),
            (guid.to_owned(), "Microsoft.VisualStudio.Services.TFS"),
            (format!("{guid}@{guid}"), "a service principal"),
            ("x@y.example".to_owned(), "dependabot[bot]"),
            (
                "49699333+dependabot[bot]@users.noreply.github.com".to_owned(),
                "d",
            ),
        ] {
            let kind = named("1", &unique_name, name).kind();
            assert_eq!(kind, AccountKind::Service, "{unique_name}");
        }
        let ada = named("1", "ada@fabrikam.example", "Ada Microsoft");
        assert_eq!(ada.kind(), AccountKind::Human);
    }

    #[test]
    fn a_descriptor_says_what_an_account_is() {
        for (descriptor, kind) in [
            ("aad.QUJD", AccountKind::Human),
            ("msa.QUJD", AccountKind::Human),
            ("svc.QUJD", AccountKind::Service),
            ("aadsp.QUJD", AccountKind::Service),
            ("vssgp.QUJD", AccountKind::Group),
            ("svc", AccountKind::Human),
        ] {
            let seen = Sighting {
                descriptor: some(descriptor),
                ..Sighting::default()
            };
            assert_eq!(Names::from(seen).kind(), kind, "{descriptor}");
        }
    }

    #[test]
    fn the_empty_identity_is_nobody() {
        let zero = named("00000000-0000-0000-0000-000000000000", " ", "Nobody");
        assert!(!zero.is_somebody());
        assert!(merge([zero]).is_empty());
        let endless = "x".repeat(LONGEST + 1);
        assert!(!named("", &endless, "somebody").is_somebody());
    }

    proptest::proptest! {
        #[test]
        fn the_order_of_namings_does_not_matter(
            seen in proptest::collection::vec((0_u8..6, 0_u8..6, 0_u8..3), 0..14),
            turn in 0_usize..14,
        ) {
            let text = |prefix: &str, n: u8| if n == 0 { String::new() } else { format!("{prefix}{n}") };
            let people: Vec<Names> = seen
                .iter()
                .map(|(id, address, name)| named(&text("id", *id), &text("at", *address), &text("n", *name)))
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
