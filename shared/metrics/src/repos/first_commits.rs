//! Which commits a pull request brought, as far as pushes tell.

use std::collections::HashMap;

use jiff::Timestamp;
use model::{
    Kind, RepositoryId,
    record::{Commit, PullRequest, Push},
};

use super::LONGEST_PULL_REQUEST;
use crate::{Fact, Input};

/// Pushes and commits reach as far back as pull requests do.
pub(crate) const PUSHES: Input = Input::new(Kind::Push, LONGEST_PULL_REQUEST);
pub(crate) const COMMITS: Input = Input::new(Kind::Commit, LONGEST_PULL_REQUEST);

/// Pushes of branches, and the commits that they brought.
pub(crate) struct Branches<'a> {
    /// The pushes of a branch by its repository and full name, oldest first.
    pushes: HashMap<(RepositoryId, &'a str), Vec<Moved<'a>>>,
    /// The commits of a push.
    commits: HashMap<(RepositoryId, u64), Vec<&'a Commit>>,
}

struct Moved<'a> {
    push: &'a Push,
    creates: bool,
}

impl<'a> Branches<'a> {
    /// Finds them among facts.
    pub(crate) fn new(facts: &'a [Fact]) -> Self {
        let mut found = Self {
            pushes: HashMap::new(),
            commits: HashMap::new(),
        };
        for fact in facts {
            match fact {
                Fact::Push(push) => {
                    for moved in &push.ref_updates {
                        let place = (push.repository, moved.name.as_str());
                        let creates = moved.old.is_none();
                        let pushes = found.pushes.entry(place).or_default();
                        pushes.push(Moved { push, creates });
                    }
                }
                Fact::Commit(commit) => {
                    if let Some(push) = commit.push {
                        let place = (commit.repository, push);
                        found.commits.entry(place).or_default().push(commit);
                    }
                }
                _ => {}
            }
        }
        for pushes in found.pushes.values_mut() {
            pushes.sort_by_key(|moved| (moved.push.at, moved.push.id));
        }
        found
    }

    /// The commits that came with the pushes of a pull request's branch, from the push that made the branch until the pull
    /// request was closed. A branch whose name was used before is another branch.
    pub(crate) fn commits_of(&self, own: &PullRequest) -> Vec<&'a Commit> {
        let repository = own.fork.unwrap_or(own.repository);
        let place = (repository, own.source_branch.as_str());
        let Some(pushes) = self.pushes.get(&place) else {
            return Vec::new();
        };
        let end = own.closed_at.unwrap_or(Timestamp::MAX);
        let is_before = |moved: &Moved<'_>| moved.creates && moved.push.at <= own.created_at;
        let first = pushes.iter().rposition(is_before).unwrap_or(0);
        let own = pushes[first..].iter().take_while(|own| own.push.at <= end);
        let commits = own.filter_map(|own| self.commits.get(&(repository, own.push.id)));
        commits.flatten().copied().collect()
    }

    /// The commit of a pull request that was written first.
    pub(crate) fn first_of(&self, own: &PullRequest) -> Option<&'a Commit> {
        let commits = self.commits_of(own).into_iter();
        commits.min_by(|a, b| (written_at(a), &a.sha).cmp(&(written_at(b), &b.sha)))
    }
}

/// When a commit was written: by its author's clock, which a rebase leaves as it is; by the server's where there is none.
pub(crate) fn written_at(commit: &Commit) -> Timestamp {
    let author = commit.author.as_ref().and_then(|own| own.at);
    let committer = || commit.committer.as_ref().and_then(|own| own.at);
    author.or_else(committer).unwrap_or(commit.pushed_at)
}

/// What of pushes and commits is needed to know which commits a pull request brought: neither messages nor tags.
pub(crate) fn slim(fact: Fact) -> Option<Fact> {
    match fact {
        Fact::Push(mut push) => {
            push.ref_updates
                .retain(|own| own.name.starts_with("refs/heads/"));
            push.by = None;
            (!push.ref_updates.is_empty()).then_some(Fact::Push(push))
        }
        Fact::Commit(mut commit) => {
            commit.comment = String::new();
            Some(Fact::Commit(commit))
        }
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{clock, commit, pull_request, push};

    #[test]
    fn a_pull_request_has_the_commits_of_its_branch_since_the_branch_was_made() {
        let facts = [
            // The branch of the same name before, and its end.
            push(1, "08:00", "feature", true),
            commit("old", 1, "07:50"),
            push(2, "09:30", "feature", true),
            commit("b", 2, "09:20"),
            commit("a", 2, "09:10"),
            push(3, "10:30", "feature", false),
            commit("c", 3, "10:20"),
            push(4, "12:00", "feature", false),
            commit("late", 4, "11:50"),
            push(5, "09:40", "main", false),
            commit("other", 5, "06:00"),
        ];
        let own = pull_request("10:00", Some("11:00"));
        let branches = Branches::new(&facts);
        let mut found: Vec<&str> = branches
            .commits_of(&own)
            .iter()
            .map(|own| own.sha.as_str())
            .collect();
        found.sort_unstable();
        assert_eq!(found, ["a", "b", "c"]);
        let first = branches.first_of(&own).unwrap();
        assert_eq!(written_at(first), clock("09:10"));
    }

    #[test]
    fn without_pushes_nothing_is_known() {
        let facts = [commit("a", 2, "09:10")];
        assert!(
            Branches::new(&facts)
                .first_of(&pull_request("10:00", None))
                .is_none()
        );
    }
}
