//! Pull requests of all repositories of a project.

use std::time::Duration;

use ado::{Host, Paging};
use model::{
    Kind, Record, RepositoryId, Service,
    record::pull_request::{
        Completion, DESCRIPTION_LIMIT, PullRequest, PullRequestStatus, Reviewer,
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, OVERLAP, Resource, Target,
    wire::{IdentityRef, Text, Time, is, some},
};

/// The service serves at most this many, and all of them where there are as many, so that a shorter page is the last:
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project>.
const PAGES: Paging = Paging::SkipTop {
    top: 1000,
    top_param: "$top",
    skip_param: "$skip",
    served: Some(1000),
};

const PATH: &str = "{project}/_apis/git/pullrequests";

/// Open pull requests: always the whole list, since no filter tells what has changed. One that has left the list and is
/// in neither of the others is got by its id:
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-request-by-id>.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project>
pub(crate) static ACTIVE: Resource = Resource {
    name: "pull_requests_active",
    service: Service::Repos,
    kind: Kind::PullRequest,
    fan_out: FanOut::Project,
    every: Every::Period,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: PATH,
        query: &[API_VERSION, ("searchCriteria.status", "active")],
        body: None,
        items: "value",
        paging: PAGES,
        cursor: CursorRule::Open {
            by_id: "{project}/_apis/git/pullrequests/{id}",
        },
        map: Map::One(map),
    }),
};

/// Merged pull requests by the time of their end.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project>
pub(crate) static COMPLETED: Resource = Resource {
    name: "pull_requests_completed",
    ..closed(&[
        API_VERSION,
        ("searchCriteria.status", "completed"),
        ("searchCriteria.queryTimeRangeType", "closed"),
    ])
};

/// Pull requests that were given up, by the time of their end.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project>
pub(crate) static ABANDONED: Resource = Resource {
    name: "pull_requests_abandoned",
    ..closed(&[
        API_VERSION,
        ("searchCriteria.status", "abandoned"),
        ("searchCriteria.queryTimeRangeType", "closed"),
    ])
};

const fn closed(query: &'static [(&'static str, &'static str)]) -> Resource {
    Resource {
        name: "",
        service: Service::Repos,
        kind: Kind::PullRequest,
        fan_out: FanOut::Project,
        every: Every::Period,
        fetch: Fetch::List(List {
            host: Host::Core,
            path: PATH,
            query,
            body: None,
            items: "value",
            paging: PAGES,
            cursor: CursorRule::Time {
                from: "searchCriteria.minTime",
                until: Some("searchCriteria.maxTime"),
                overlap: OVERLAP,
                reach: Duration::ZERO,
            },
            map: Map::One(map),
        }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    pull_request_id: u64,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(default)]
    is_draft: Option<bool>,
    #[serde(borrow, default)]
    title: Option<Text<'a>>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    created_by: Option<IdentityRef<'a>>,
    #[serde(default)]
    creation_date: Time,
    #[serde(default)]
    closed_date: Time,
    #[serde(borrow, default)]
    closed_by: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    auto_complete_set_by: Option<IdentityRef<'a>>,
    #[serde(default)]
    completion_queue_time: Time,
    #[serde(borrow, default)]
    fork_source: Option<WireFork<'a>>,
    #[serde(borrow, default)]
    merge_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    source_ref_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    target_ref_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    merge_status: Option<Text<'a>>,
    #[serde(borrow, default)]
    completion_options: Option<WireCompletion<'a>>,
    #[serde(borrow, default)]
    last_merge_source_commit: Option<WireCommit<'a>>,
    #[serde(borrow, default)]
    last_merge_target_commit: Option<WireCommit<'a>>,
    #[serde(borrow, default)]
    last_merge_commit: Option<WireCommit<'a>>,
    #[serde(borrow, default)]
    reviewers: Option<Vec<WireReviewer<'a>>>,
    #[serde(borrow, default)]
    labels: Option<Vec<WireLabel<'a>>>,
    #[serde(borrow)]
    repository: WireRepository<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCompletion<'a> {
    #[serde(borrow, default)]
    merge_strategy: Option<Text<'a>>,
    #[serde(default)]
    squash_merge: Option<bool>,
    #[serde(default)]
    delete_source_branch: Option<bool>,
    #[serde(default)]
    transition_work_items: Option<bool>,
    #[serde(default)]
    bypass_policy: Option<bool>,
    #[serde(borrow, default)]
    bypass_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireFork<'a> {
    #[serde(borrow, default)]
    repository: Option<WireId<'a>>,
}

#[derive(Deserialize)]
struct WireId<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCommit<'a> {
    #[serde(borrow, default)]
    commit_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReviewer<'a> {
    #[serde(borrow, flatten)]
    identity: IdentityRef<'a>,
    #[serde(default)]
    vote: Option<i8>,
    #[serde(default)]
    is_required: Option<bool>,
    #[serde(default)]
    is_container: Option<bool>,
    #[serde(default)]
    has_declined: Option<bool>,
    #[serde(default)]
    is_flagged: Option<bool>,
    #[serde(borrow, default)]
    voted_for: Option<Vec<WireId<'a>>>,
}

#[derive(Deserialize)]
struct WireLabel<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireRepository<'a> {
    id: RepositoryId,
    #[serde(borrow, default)]
    project: Option<WireProject<'a>>,
}

#[derive(Deserialize)]
struct WireProject<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

pub(crate) fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    let project = wire
        .repository
        .project
        .and_then(|project| project.id.0.parse().ok());
    let description = some(wire.description);
    let options = wire.completion_options;
    Ok(Record::PullRequest(Box::new(PullRequest {
        id: wire.pull_request_id,
        project: match project {
            Some(project) => project,
            None => target.project()?,
        },
        repository: wire.repository.id,
        status: status(wire.status.as_ref().map_or("", |status| status.0.as_ref())),
        is_draft: wire.is_draft.unwrap_or(false),
        title: wire.title.map(Text::owned).unwrap_or_default(),
        description_truncated: description.as_ref().is_some_and(|text| is_cut(text)),
        description,
        created_by: wire.created_by.and_then(IdentityRef::identity),
        created_at: wire.creation_date.required("creationDate")?,
        closed_at: wire.closed_date.0,
        closed_by: wire.closed_by.and_then(IdentityRef::identity),
        auto_complete_by: wire
            .auto_complete_set_by
            .and_then(IdentityRef::identity)
            .filter(|by| !by.is_nobody()),
        completion_queued_at: wire.completion_queue_time.0,
        fork: wire.fork_source.and_then(fork),
        source_branch: wire.source_ref_name.map(Text::owned).unwrap_or_default(),
        target_branch: wire.target_ref_name.map(Text::owned).unwrap_or_default(),
        merge_status: some(wire.merge_status),
        merge_id: some(wire.merge_id),
        completion: options.as_ref().map(completion).unwrap_or_default(),
        merge_strategy: options.and_then(strategy),
        source_commit: commit(wire.last_merge_source_commit),
        target_commit: commit(wire.last_merge_target_commit),
        merge_commit: commit(wire.last_merge_commit),
        reviewers: wire
            .reviewers
            .unwrap_or_default()
            .into_iter()
            .map(reviewer)
            .collect(),
        labels: wire
            .labels
            .unwrap_or_default()
            .into_iter()
            .filter_map(|label| some(label.name))
            .collect(),
    })))
}

/// Whether a description may go on: the list gives no more. The service counts UTF-16 units.
fn is_cut(description: &str) -> bool {
    description.encode_utf16().count() >= DESCRIPTION_LIMIT
}

fn fork(wire: WireFork<'_>) -> Option<RepositoryId> {
    wire.repository?.id?.0.parse().ok()
}

fn completion(wire: &WireCompletion<'_>) -> Completion {
    Completion {
        deletes_source_branch: wire.delete_source_branch.unwrap_or(false),
        moves_work_items: wire.transition_work_items.unwrap_or(false),
        bypasses_policy: wire.bypass_policy.unwrap_or(false),
        bypass_reason: some(wire.bypass_reason.clone()),
    }
}

/// Before there were strategies there was a switch.
fn strategy(wire: WireCompletion<'_>) -> Option<String> {
    let squash = wire
        .squash_merge
        .unwrap_or(false)
        .then(|| "squash".to_owned());
    some(wire.merge_strategy).or(squash)
}

fn commit(wire: Option<WireCommit<'_>>) -> Option<String> {
    some(wire?.commit_id)
}

fn reviewer(wire: WireReviewer<'_>) -> Reviewer {
    Reviewer {
        identity: wire.identity.identity().unwrap_or_default(),
        vote: wire.vote.unwrap_or(0),
        is_required: wire.is_required.unwrap_or(false),
        is_group: wire.is_container.unwrap_or(false),
        has_declined: wire.has_declined.unwrap_or(false),
        is_flagged: wire.is_flagged.unwrap_or(false),
        voted_for: voted_for(wire.voted_for),
    }
}

fn voted_for(wire: Option<Vec<WireId<'_>>>) -> Vec<String> {
    let groups = wire.unwrap_or_default().into_iter();
    groups.filter_map(|group| some(group.id)).collect()
}

fn status(text: &str) -> PullRequestStatus {
    match text {
        text if is(text, "active") => PullRequestStatus::Active,
        text if is(text, "completed") => PullRequestStatus::Completed,
        text if is(text, "abandoned") => PullRequestStatus::Abandoned,
        text => PullRequestStatus::Unknown(text.to_owned()),
    }
}
