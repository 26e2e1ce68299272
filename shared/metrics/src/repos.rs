//! Git repositories: pull requests, their reviews, and commits.

mod ages;
mod commits;
mod counts;
pub(crate) mod first_commits;
mod lead_times;
mod reviews;
mod sizes;
pub(crate) mod story;
mod times;

use model::{
    Facet, Kind, RepositoryId,
    record::{PullRequest, pull_request::PullRequestStatus},
};

use crate::{Context, Dimension, Input, Link, Metric, Reach, SWITCH, Setting};

/// The metrics of this family.
pub(crate) const METRICS: &[&[Metric]] = &[
    counts::METRICS,
    times::METRICS,
    lead_times::METRICS,
    reviews::METRICS,
    sizes::METRICS,
    ages::METRICS,
    commits::METRICS,
];

/// How long before it counts a pull request may have been opened to be found.
const LONGEST_PULL_REQUEST: Reach = Reach::DaysBefore(365);

const PULL_REQUESTS: Input = Input::new(Kind::PullRequest, LONGEST_PULL_REQUEST);

/// Pull requests with what happened in them.
const REVIEWED: Input = PULL_REQUESTS.with(&[Facet::Threads]);

const REPOSITORIES: Input = Input::new(Kind::GitRepository, Reach::Known);

const PEOPLE: Input = Input::new(Kind::Person, Reach::Known);

/// Whether what services and bots say is a review.
pub(crate) const BOTS: Setting = Setting {
    name: "bots",
    meaning: "Whether comments and votes of services and bots count.",
    default: "false",
    values: SWITCH,
};

/// What every row of a pull request has.
const OF_PULL_REQUESTS: [Dimension; 7] = [
    Dimension::Project,
    Dimension::Repository,
    Dimension::Author,
    Dimension::TargetBranch,
    Dimension::SourceBranch,
    Dimension::Status,
    Dimension::Labels,
];

const PULL_REQUEST_DIMENSIONS: &[Dimension] = &OF_PULL_REQUESTS;

/// The dimensions of [`OF_PULL_REQUESTS`], those that it has.
pub(crate) fn dimensions_of(own: &PullRequest, context: &Context) -> Vec<(Dimension, String)> {
    let author = own.created_by.as_ref();
    let author = author.and_then(|who| context.known.people.name(who));
    let mut labels = own.labels.clone();
    labels.sort_unstable();
    let values = [
        Some(context.project(own.project)),
        Some(context.known.repository(own.repository)),
        author,
        Some(branch(&own.target_branch)),
        Some(branch(&own.source_branch)),
        Some(status(own).to_owned()),
        Some(labels.join(",")).filter(|labels| !labels.is_empty()),
    ];
    let pairs = OF_PULL_REQUESTS.into_iter().zip(values);
    pairs
        .filter_map(|(dimension, value)| Some((dimension, value?)))
        .collect()
}

/// A branch as people write it.
pub(crate) fn branch(name: &str) -> String {
    name.strip_prefix("refs/heads/").unwrap_or(name).to_owned()
}

/// Where it stands: `draft` is told from other active ones.
fn status(own: &PullRequest) -> &str {
    match own.status {
        PullRequestStatus::Active if own.is_draft => "draft",
        _ => own.status.as_str(),
    }
}

pub(crate) fn link_to(own: &PullRequest) -> Link {
    Link::PullRequest {
        project: own.project,
        repository: own.repository,
        id: own.id,
    }
}

/// The default branch of a repository, as refs are named.
pub(crate) fn default_branch(context: &Context, repository: RepositoryId) -> &str {
    let known = context.known.repositories.get(&repository);
    let own = known.and_then(|own| own.default_branch.as_deref());
    own.unwrap_or("refs/heads/main")
}
