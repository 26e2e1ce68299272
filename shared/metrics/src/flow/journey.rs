//! The points that work passes on its way, with what tells of them.

use jiff::{SignedDuration, Timestamp};
use model::record::{
    Changeset, ChangesetDetails, Commit, PullRequest, pull_request::PullRequestStatus,
};

use super::{
    LONGEST_WAIT_DAYS,
    delivery::{Delivery, Landed, Landing, Reached},
    links::{Code, Reviewed, Strength},
};
use crate::{
    Context, Evidence, Link,
    chain::{Part, parts},
    dora::rule::{PLACE, fits},
    repos::{
        first_commits::{Branches, written_at},
        story::{Story, merged_at},
    },
};

/// The points in their order. Deployments to other places come between `built` and the place where the way ends.
#[cfg(test)]
pub(super) const POINTS: [&str; 9] = [
    "created",
    "started",
    "committed",
    "opened",
    "reviewed",
    "approved",
    "merged",
    "built",
    "deployed",
];

/// A point that was passed.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// One of [`POINTS`].
    pub(super) point: &'static str,
    /// Where to, of a deployment.
    pub(super) place: Option<String>,
    /// When.
    pub(super) at: Timestamp,
    /// What tells of it; `None` if it is the thing itself.
    pub(super) evidence: Option<Evidence>,
}

impl Step {
    fn new(point: &'static str, at: Timestamp, evidence: Option<Evidence>) -> Self {
        Self {
            point,
            place: None,
            at,
            evidence,
        }
    }
}

/// A way: the steps that were made, in the order of [`POINTS`].
#[derive(Clone, Debug, Default)]
pub(super) struct Journey(pub(super) Vec<Step>);

impl Journey {
    /// The part from one point to another, both included; `None` if one of them was not passed. The last deployment is the
    /// first to a place that was asked for.
    pub(super) fn between(&self, start: &str, end: &str, context: &Context) -> Option<&[Step]> {
        let steps = &self.0;
        let first = steps.iter().position(|own| own.point == start)?;
        let is_end = |own: &Step| {
            let place = own.place.as_deref().unwrap_or_default();
            own.point == end && (end != "deployed" || fits(&context.settings, &PLACE, place))
        };
        let last = steps.iter().position(is_end)?;
        (first < last).then(|| &steps[first..=last])
    }
}

/// The stages between steps, each named after the step that it leads to.
pub(super) fn stages(steps: &[Step]) -> Vec<Part<&Step>> {
    parts(steps.iter().map(|step| (step, Some(step.at))))
}

/// What ways are made of.
pub(super) struct Ways<'a> {
    pub(super) branches: Branches<'a>,
    pub(super) delivery: Delivery<'a>,
    pub(super) context: &'a Context,
}

impl Ways<'_> {
    /// The way of a pull request by itself: from its first commit on.
    pub(super) fn of_pull_request(&self, own: Reviewed<'_>) -> Journey {
        let code = Code {
            pull_requests: vec![(own, Strength::Development)],
            ..Code::default()
        };
        Journey(self.of_code(&code))
    }

    /// The way of a changeset by itself.
    pub(super) fn of_changeset(
        &self,
        own: &Changeset,
        details: Option<&ChangesetDetails>,
    ) -> Journey {
        let code = Code {
            changesets: vec![(own, details, Strength::Development)],
            ..Code::default()
        };
        Journey(self.of_code(&code))
    }

    /// The steps of code: first commit, pull requests, build and deployments.
    pub(super) fn of_code(&self, code: &Code<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        // Abandoned work is not on the way.
        let is_alive =
            |((own, _), _): &&(Reviewed<'_>, Strength)| own.status != PullRequestStatus::Abandoned;
        let alive: Vec<_> = code
            .pull_requests
            .iter()
            .filter(is_alive)
            .copied()
            .collect();
        steps.extend(self.committed(code, &alive));
        steps.extend(self.reviewed(&alive));
        let landing = landing(code, &alive, self.context);
        let Some((landing, evidence)) = landing else {
            return steps;
        };
        steps.push(Step::new("merged", landing.at, Some(evidence)));
        let oldest = self.context.range.from - SignedDuration::from_hours(24 * LONGEST_WAIT_DAYS);
        if landing.at < oldest {
            return steps;
        }
        let (built, places) = self.delivery.of(&landing);
        let step = |point| {
            move |own: Reached| Step {
                point,
                place: Some(own.place).filter(|place| !place.is_empty()),
                at: own.at,
                evidence: Some(own.evidence),
            }
        };
        steps.extend(built.map(step("built")));
        steps.extend(places.into_iter().map(step("deployed")));
        steps
    }

    fn committed(&self, code: &Code<'_>, alive: &[(Reviewed<'_>, Strength)]) -> Option<Step> {
        let of_pull_requests = alive.iter().flat_map(|((own, _), _)| {
            let commits = self.branches.commits_of(own).into_iter();
            commits.map(|commit| (commit, "came with a push to the source branch"))
        });
        let linked = code
            .commits
            .iter()
            .map(|(own, strength)| (*own, strength.reason()));
        let commits = of_pull_requests.chain(linked).map(|(own, reason)| {
            let at = written_at(own);
            Step::new(
                "committed",
                at,
                Some(evidence("commit", reason, at, link_to_commit(own))),
            )
        });
        let changesets = code.changesets.iter().map(|(own, _, strength)| {
            let at = own.created_at;
            Step::new(
                "committed",
                at,
                Some(evidence(
                    "changeset",
                    strength.reason(),
                    at,
                    link_to_changeset(own),
                )),
            )
        });
        commits
            .chain(changesets)
            .min_by(|a, b| (a.at, &a.evidence).cmp(&(b.at, &b.evidence)))
    }

    /// The first opening, review and approval of any of the pull requests.
    fn reviewed(&self, alive: &[(Reviewed<'_>, Strength)]) -> Vec<Step> {
        let mut steps = Vec::new();
        let first = alive
            .iter()
            .min_by_key(|((own, _), _)| (own.created_at, own.id));
        if let Some(((own, _), strength)) = first {
            let evidence = evidence(
                "pull request",
                strength.reason(),
                own.created_at,
                link_to(own),
            );
            steps.push(Step::new("opened", own.created_at, Some(evidence)));
        }
        let stories: Vec<(Story<'_>, &PullRequest)> = alive
            .iter()
            .filter_map(|((own, activity), _)| {
                Some((Story::new(own, (*activity)?, self.context), *own))
            })
            .collect();
        let first = |point, at: fn(&Story<'_>) -> Option<Timestamp>| {
            let times = stories
                .iter()
                .filter_map(|(story, own)| Some((at(story)?, *own)));
            let (at, own) = times.min_by_key(|(at, own)| (*at, own.id))?;
            let evidence = evidence("review", "in the pull request", at, link_to(own));
            Some(Step::new(point, at, Some(evidence)))
        };
        steps.extend(first("reviewed", |own| own.first_review()));
        steps.extend(first("approved", |own| own.first_approval()));
        steps
    }
}

/// When and where all of the code has landed: with the last of the merges, changesets or commits. `None` while a pull request is
/// open.
fn landing(
    code: &Code<'_>,
    alive: &[(Reviewed<'_>, Strength)],
    context: &Context,
) -> Option<(Landing, Evidence)> {
    let merges = alive.iter().map(|((own, _), strength)| {
        let at = merged_at(own)?;
        let landing = Landing {
            at,
            place: Landed::Git {
                repository: own.repository,
                branch: own.target_branch.clone(),
                sha: own.merge_commit.clone(),
            },
        };
        Some((
            landing,
            evidence("pull request", strength.reason(), at, link_to(own)),
        ))
    });
    let merges: Vec<_> = merges.collect::<Option<_>>()?;
    let changesets = code.changesets.iter().map(|(own, details, strength)| {
        let at = own.created_at;
        let landing = Landing {
            at,
            place: Landed::Tfvc {
                organization: own.organization,
                changeset: own.id,
                project: details.and_then(project_of),
            },
        };
        (
            landing,
            evidence("changeset", strength.reason(), at, link_to_changeset(own)),
        )
    });
    // Commits of a pull request land with it; only without one have they landed where they were pushed.
    let direct = code
        .commits
        .iter()
        .filter(|_| alive.is_empty())
        .map(|(own, strength)| {
            let at = own.pushed_at;
            let landing = Landing {
                at,
                place: Landed::Git {
                    repository: own.repository,
                    branch: crate::repos::default_branch(context, own.repository).to_owned(),
                    sha: Some(own.sha.clone()),
                },
            };
            (
                landing,
                evidence("commit", strength.reason(), at, link_to_commit(own)),
            )
        });
    let all = merges.into_iter().chain(changesets).chain(direct);
    all.max_by(|(a, x), (b, y)| (a.at, x).cmp(&(b.at, y)))
}

/// The project that a changeset changed, which is the first part of a path: `$/Project/src/main.cs`.
fn project_of(details: &ChangesetDetails) -> Option<String> {
    let path = details.changes.first()?.path.strip_prefix("$/")?;
    path.split('/').next().map(str::to_owned)
}

fn evidence(role: &'static str, reason: &'static str, at: Timestamp, link: Link) -> Evidence {
    Evidence {
        role,
        reason,
        at: Some(at),
        link: Some(link),
    }
}

fn link_to(own: &PullRequest) -> Link {
    Link::PullRequest {
        project: own.project,
        repository: own.repository,
        id: own.id,
    }
}

fn link_to_commit(own: &Commit) -> Link {
    Link::Commit {
        project: own.project,
        repository: own.repository,
        sha: own.sha.clone(),
    }
}

fn link_to_changeset(own: &Changeset) -> Link {
    Link::Changeset {
        organization: own.organization,
        id: own.id,
    }
}
