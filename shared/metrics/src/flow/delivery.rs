//! Which runs built a change, and where they were deployed to.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use model::{
    OrganizationId, ProjectId, RepositoryId,
    record::{
        Run,
        run::{RunRepository, RunResult},
    },
};

use crate::{
    Context, Evidence, Fact, Link,
    dora::attempts::{Attempt, RunId, attempts},
};

/// A change that has landed where pipelines build from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Landing {
    /// When.
    pub(super) at: Timestamp,
    /// Where.
    pub(super) place: Landed,
}

/// Where a change has landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Landed {
    /// On a branch of a Git repository.
    Git {
        repository: RepositoryId,
        /// As refs are named.
        branch: String,
        /// What it became there, where that is known.
        sha: Option<String>,
    },
    /// In TFVC.
    Tfvc {
        organization: OrganizationId,
        changeset: u64,
        /// The project whose path it changed, where that is known.
        project: Option<String>,
    },
}

/// A point of a way, and why it belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    /// Where to; empty for a build.
    pub(super) place: String,
    /// When.
    pub(super) at: Timestamp,
    /// Which run or deployment it was, and why it has the change.
    pub(super) evidence: Evidence,
}

/// Runs and deployments by what they were built from.
pub(super) struct Delivery<'a> {
    /// The runs of a branch, by when they were asked for.
    git: HashMap<(String, &'a str), Vec<&'a Run>>,
    /// The runs of TFVC in an organization, by the changeset that they built.
    tfvc: HashMap<OrganizationId, Vec<(u64, &'a Run)>>,
    /// What was deployed of a run.
    deployed: HashMap<RunId, Vec<Attempt>>,
    context: &'a Context,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(facts: &'a [Fact], context: &'a Context) -> Self {
        let mut found = Self {
            git: HashMap::new(),
            tfvc: HashMap::new(),
            deployed: HashMap::new(),
            context,
        };
        for fact in facts {
            if let Fact::Run(own, _) = fact {
                found.add(own);
            }
        }
        for runs in found.git.values_mut() {
            runs.sort_by_key(|own| (own.queued_at, own.id));
        }
        for runs in found.tfvc.values_mut() {
            runs.sort_by_key(|(version, own)| (*version, own.id));
        }
        let everywhere = |_: &Context, _: &str| true;
        for attempt in attempts(facts, context, everywhere) {
            for run in attempt
                .runs
                .clone()
                .into_iter()
                .filter(|_| attempt.succeeded)
            {
                found.deployed.entry(run).or_default().push(attempt.clone());
            }
        }
        found
    }

    fn add(&mut self, run: &'a Run) {
        let Some(RunRepository { id, host, .. }) = &run.repository else {
            return;
        };
        // The run of a pull request builds what is not merged yet.
        if run.pull_request.is_some() {
            return;
        }
        if host == "TfsVersionControl" {
            let organization = self.context.organization(run.project);
            let version = run.source_version.as_deref().unwrap_or_default();
            let version = version.trim_start_matches(['C', 'c']).parse().ok();
            if let (Some(organization), Some(version)) = (organization, version) {
                self.tfvc
                    .entry(organization)
                    .or_default()
                    .push((version, run));
            }
        } else if let Some(branch) = run.source_branch.as_deref() {
            let place = (id.to_lowercase(), branch);
            self.git.entry(place).or_default().push(run);
        }
    }

    /// The runs that have a change, and why.
    ///
    /// A run has it that built its commit, or the same branch after it had landed there: what came before is in what comes
    /// later.
    fn runs_with(&self, landing: &Landing) -> Vec<(&'a Run, &'static str)> {
        match &landing.place {
            Landed::Git {
                repository,
                branch,
                sha,
            } => {
                let place = (repository.to_string(), branch.as_str());
                let runs = self.git.get(&place).map_or(&[][..], Vec::as_slice);
                let why = |own: &&'a Run| match own.source_version.as_ref() {
                    Some(version) if Some(version) == sha.as_ref() => {
                        Some((*own, "built from its commit"))
                    }
                    _ if own.queued_at >= landing.at => {
                        Some((*own, "built from its branch after it was merged"))
                    }
                    _ => None,
                };
                runs.iter().filter_map(why).collect()
            }
            Landed::Tfvc {
                organization,
                changeset,
                project,
            } => {
                let runs = self.tfvc.get(organization).map_or(&[][..], Vec::as_slice);
                let first = runs.partition_point(|(version, _)| version < changeset);
                let is_own = |own: &Run| {
                    let name = self.context.project(own.project);
                    project.as_ref().is_none_or(|project| *project == name)
                };
                let runs = runs[first..].iter().filter(|(_, own)| is_own(own));
                let why = |(version, own): &(u64, &'a Run)| match version == changeset {
                    true => (*own, "built from its changeset"),
                    false => (*own, "built from a later changeset"),
                };
                runs.map(why).collect()
            }
        }
    }

    /// The first build that had a change, and the first deployment of it to each place, in the order of time.
    pub(super) fn of(&self, landing: &Landing) -> (Option<Reached>, Vec<Reached>) {
        let runs = self.runs_with(landing);
        let mut built: Option<Reached> = None;
        let mut places: BTreeMap<String, Reached> = BTreeMap::new();
        for (run, why) in runs {
            let deployed = self.deployed_of(run);
            if let Some(at) = built_at(run, deployed)
                && built.as_ref().is_none_or(|own| at < own.at)
            {
                built = Some(Reached {
                    place: String::new(),
                    at,
                    evidence: Evidence {
                        role: "build",
                        reason: why,
                        at: Some(at),
                        link: Some(link((run.project, run.id))),
                    },
                });
            }
            for attempt in deployed {
                let place = &attempt.target.3;
                if places.get(place).is_none_or(|own| attempt.at < own.at) {
                    places.insert(place.clone(), reached(attempt));
                }
            }
        }
        let mut places: Vec<Reached> = places.into_values().collect();
        places.sort_by(|a, b| (a.at, &a.place).cmp(&(b.at, &b.place)));
        (built, places)
    }

    fn deployed_of(&self, run: &Run) -> &[Attempt] {
        let id = (self.context.organization(run.project), run.id);
        self.deployed.get(&id).map_or(&[], Vec::as_slice)
    }
}

/// When a run had built: when it ended well, or when it began to deploy what it had built.
fn built_at(run: &Run, deployed: &[Attempt]) -> Option<Timestamp> {
    let is_fine = matches!(
        run.result,
        Some(RunResult::Succeeded | RunResult::PartiallySucceeded)
    );
    let ended = run.finished_at.filter(|_| is_fine);
    // A classic release begins after the run; a stage of the run itself begins within it.
    let own = deployed
        .iter()
        .filter(|own| own.link == link((run.project, run.id)));
    own.map(|own| own.began).chain(ended).min()
}

fn link((project, id): (ProjectId, u64)) -> Link {
    Link::Run { project, id }
}

fn reached(attempt: &Attempt) -> Reached {
    let reason = match attempt.target.0 {
        "releases" => "the release has the run as an artifact",
        _ => "a job of the run deployed it",
    };
    Reached {
        place: attempt.target.3.clone(),
        at: attempt.at,
        evidence: Evidence {
            role: "deployment",
            reason,
            at: Some(attempt.at),
            link: Some(attempt.link.clone()),
        },
    }
}
