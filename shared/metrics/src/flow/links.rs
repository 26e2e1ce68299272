//! Which code belongs to a work item, and how that is known.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::{
    OrganizationId,
    record::{
        Changeset, ChangesetDetails, Commit, PullRequest, PullRequestActivity, WorkItem,
        artifact::{Artifact, ArtifactLinks},
    },
};

use super::believes;
use crate::{Context, Fact};

/// How sure a link is: the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// A link of the work item, or one that the service told of the code.
    Development,
    /// `AB#12` or `#12` in a text.
    Mention,
    /// The number in a name.
    Pattern,
}

impl Strength {
    /// As evidence says it.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Development => "development link",
            Self::Mention => "mentions the work item",
            Self::Pattern => "has its number in its branch or title",
        }
    }
}

/// A work item: its organization and its id.
type Item = (OrganizationId, u64);

/// A pull request with what happened in it.
pub(super) type Reviewed<'a> = (&'a PullRequest, Option<&'a PullRequestActivity>);

/// The code of a work item. What is less sure is left out where something surer of the same kind is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Code<'a> {
    /// Pull requests.
    pub(super) pull_requests: Vec<(Reviewed<'a>, Strength)>,
    /// Commits.
    pub(super) commits: Vec<(&'a Commit, Strength)>,
    /// Changesets of TFVC.
    pub(super) changesets: Vec<(&'a Changeset, Option<&'a ChangesetDetails>, Strength)>,
}

/// The code of every work item that has some.
pub(super) struct Links<'a>(HashMap<Item, Code<'a>>);

impl<'a> Links<'a> {
    /// Finds it among facts.
    pub(super) fn new(facts: &'a [Fact], context: &'a Context) -> Self {
        let told = Told::new(facts);
        let mut found = Self(HashMap::new());
        for fact in facts {
            match fact {
                Fact::PullRequest(own, activity, links) => {
                    let Some(organization) = context.organization(own.project) else {
                        continue;
                    };
                    let linked = links
                        .iter()
                        .flat_map(|links| links.work_items.iter().copied());
                    let linked = linked.chain(told.of(Key::PullRequest(organization, own.id)));
                    let texts = [&own.title, own.description.as_ref().unwrap_or(&own.title)];
                    let names = [&own.title, &own.source_branch];
                    let items = strengths(
                        linked,
                        &texts.map(String::as_str),
                        &names.map(String::as_str),
                    );
                    for (id, strength) in items {
                        let code = found.0.entry((organization, id)).or_default();
                        code.pull_requests
                            .push(((own, activity.as_ref()), strength));
                    }
                }
                Fact::Commit(own) => {
                    let Some(organization) = context.organization(own.project) else {
                        continue;
                    };
                    let linked = own.work_items.iter().copied();
                    let linked = linked.chain(told.of(Key::Commit(own.sha.clone())));
                    for (id, strength) in strengths(linked, &[&own.comment], &[]) {
                        let code = found.0.entry((organization, id)).or_default();
                        code.commits.push((own, strength));
                    }
                }
                Fact::Changeset(own, details) => {
                    let linked = details
                        .iter()
                        .flat_map(|own| own.work_items.iter().copied());
                    let linked = linked.chain(told.of(Key::Changeset(own.organization, own.id)));
                    for (id, strength) in strengths(linked, &[&own.comment], &[]) {
                        let code = found.0.entry((own.organization, id)).or_default();
                        code.changesets.push((own, details.as_ref(), strength));
                    }
                }
                _ => {}
            }
        }
        for code in found.0.values_mut() {
            surest(&mut code.pull_requests, context, |own| own.1);
            surest(&mut code.commits, context, |own| own.1);
            surest(&mut code.changesets, context, |own| own.2);
        }
        found
    }

    /// The code of a work item.
    pub(super) fn of(&self, item: &WorkItem) -> Code<'a> {
        let code = self.0.get(&(item.organization, item.id));
        code.cloned().unwrap_or_default()
    }
}

/// Keeps what is believed, and of that only what is as sure as the surest.
fn surest<T>(links: &mut Vec<T>, context: &Context, strength: fn(&T) -> Strength) {
    links.retain(|own| believes(&context.settings, strength(own)));
    let surest = links.iter().map(strength).min();
    links.retain(|own| Some(strength(own)) == surest);
}

/// What the links of work items lead to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    PullRequest(OrganizationId, u64),
    Commit(String),
    Changeset(OrganizationId, u64),
}

/// The work items that say that they lead to something.
struct Told(HashMap<Key, BTreeSet<u64>>);

impl Told {
    fn new(facts: &[Fact]) -> Self {
        let mut told: HashMap<Key, BTreeSet<u64>> = HashMap::new();
        for fact in facts {
            let Fact::WorkItem(item, Some(ArtifactLinks { links })) = fact else {
                continue;
            };
            let organization = item.organization;
            let keys: HashSet<Key> = links
                .iter()
                .filter_map(|link| match &link.artifact {
                    Artifact::PullRequest { id, .. } => Some(Key::PullRequest(organization, *id)),
                    Artifact::Commit { sha, .. } => Some(Key::Commit(sha.clone())),
                    Artifact::Changeset { id } => Some(Key::Changeset(organization, *id)),
                    _ => None,
                })
                .collect();
            for key in keys {
                told.entry(key).or_default().insert(item.id);
            }
        }
        Self(told)
    }

    fn of(&self, key: Key) -> impl Iterator<Item = u64> + use<'_> {
        self.0.get(&key).into_iter().flatten().copied()
    }
}

/// The work items that something belongs to, each by the surest sign of it.
fn strengths(
    linked: impl Iterator<Item = u64>,
    texts: &[&str],
    names: &[&str],
) -> BTreeMap<u64, Strength> {
    let mut found = BTreeMap::new();
    let patterns = names.iter().flat_map(|name| numbers(name));
    found.extend(patterns.map(|id| (id, Strength::Pattern)));
    let mentions = texts.iter().flat_map(|text| mentions(text));
    found.extend(mentions.map(|id| (id, Strength::Mention)));
    found.extend(linked.map(|id| (id, Strength::Development)));
    found
}

/// The numbers that a text mentions as `#12` or `AB#12`; what stands right after a letter or digit, such as `C#7`, is none.
/// <https://learn.microsoft.com/azure/devops/boards/github/link-to-from-github>
fn mentions(text: &str) -> Vec<u64> {
    let mut found = Vec::new();
    for (place, _) in text.match_indices('#') {
        let before = &text[..place];
        let before = before.strip_suffix("AB").unwrap_or(before);
        if before
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
        {
            continue;
        }
        let after = &text[place + 1..];
        let end = after
            .find(|own: char| !own.is_ascii_digit())
            .unwrap_or(after.len());
        let is_word = after[end..].starts_with(|own: char| own.is_alphabetic());
        found.extend(after[..end].parse::<u64>().ok().filter(|_| !is_word));
    }
    found
}

/// The numbers in a name that are words of their own and have at least two digits: `feature/12-sell` has 12, `v12` has none.
fn numbers(name: &str) -> Vec<u64> {
    let words = name.split(|own: char| !own.is_alphanumeric());
    let numbers = words.filter(|word| word.len() >= 2);
    numbers.filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_a_number_after_its_sign() {
        assert_eq!(
            mentions("Fix AB#12, #7 and (#8); see C#9, PR#1"),
            [12, 7, 8]
        );
        assert_eq!(mentions("#12abc # 4 ## #"), [] as [u64; 0]);
        assert_eq!(mentions("größer#5 é #6"), [6]);
        assert_eq!(mentions("#99999999999999999999999"), [] as [u64; 0]);
    }

    #[test]
    fn a_number_in_a_name_is_a_word_of_its_own() {
        assert_eq!(numbers("refs/heads/feature/1234-sell-more"), [1234]);
        assert_eq!(numbers("users/ann/v12_34"), [34]);
        assert_eq!(numbers("release/1"), [] as [u64; 0]);
    }

    #[test]
    fn the_surest_sign_counts() {
        let found = strengths([12].into_iter(), &["#12 #13"], &["feature/13-14"]);
        let expected = [
            (12, Strength::Development),
            (13, Strength::Mention),
            (14, Strength::Pattern),
        ];
        assert_eq!(found, BTreeMap::from(expected));
    }
}
