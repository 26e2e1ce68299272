//! Whom a complete sync must know.

use std::collections::BTreeSet;

use crate::world::people::{PersonId, PersonKind};

use super::{Clerk, Expected};

impl Clerk<'_> {
    /// Everybody in the organization: with 1 part those whom something since names, with none those whom a sync may have met.
    ///
    /// Nobody for a credential that reads nothing else: people are what other answers name.
    pub(super) fn people(&self, all: &mut Vec<Expected>) {
        if all.is_empty() {
            return;
        }
        let named = self.named();
        let people = (0..).zip(&self.world.people.all);
        all.extend(people.map(|(own, person)| {
            Expected {
                kind: "person",
                scope: self.world.instance_id,
                id: person.id.to_string(),
                version: match person.kind {
                    PersonKind::Human => "human",
                    PersonKind::Group => "group",
                    PersonKind::Service => "service",
                }
                .to_owned(),
                children: u64::from(named.contains(&own)),
                in_analytics: None,
                changed_at: self.world.calendar.start_plus_days(0),
            }
        }));
    }

    /// Who did something that must be stored. Not everybody who is named: it is what nobody can overlook.
    fn named(&self) -> BTreeSet<PersonId> {
        let mut named = BTreeSet::new();
        if self.pat.has_scope("vso.work") {
            let items = self.world.work_items.iter();
            let seen = items.filter(|item| self.sees(item.project()));
            let revisions = seen.flat_map(|item| &item.revisions);
            named.extend(
                revisions
                    .filter(|revision| revision.at >= self.since)
                    .map(|revision| revision.by),
            );
        }
        if self.pat.has_scope("vso.build") {
            let builds = self.world.builds.iter();
            let kept = builds.filter(|own| own.finished().is_none_or(|at| at >= self.since));
            named.extend(
                kept.filter(|own| self.sees(self.world.project_of(own)))
                    .map(|own| own.requested_for),
            );
        }
        if self.pat.has_scope("vso.code") {
            self.named_in_code(&mut named);
        }
        named
    }

    fn named_in_code(&self, named: &mut BTreeSet<PersonId>) {
        for (repository, history) in self.world.repositories.iter().zip(&self.world.histories) {
            if !self.sees(repository.project) {
                continue;
            }
            let recent = history.pushes.iter().filter(|push| push.at >= self.since);
            named.extend(recent.map(|push| push.by));
            for commit in &history.commits {
                if history.pushes[commit.push].at >= self.since {
                    named.extend([commit.author, commit.committer]);
                }
            }
        }
        for own in &self.world.pull_requests {
            let project = self.world.repositories[own.repository].project;
            if self.sees(project) && own.closed().is_none_or(|at| at >= self.since) {
                named.insert(own.author);
                named.extend(own.closed_by());
                named.extend(own.reviewers.iter().map(|reviewer| reviewer.person));
            }
        }
        let changesets = self.world.changesets.iter();
        let recent = changesets.filter(|own| own.created >= self.since && self.sees(own.project));
        named.extend(recent.flat_map(|own| [own.author, own.checked_in_by]));
    }
}
