//! Pull requests.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::{commits, identity, repositories};
use crate::world::git::{Commit, Sha};
use crate::world::projects::{Repository, RepositoryState};
use crate::world::pull_requests::{PullRequest, Status};
use crate::world::text;

/// Lists cut descriptions here.
const DESCRIPTION_IN_LISTS: usize = 400;

/// `GET git/pullrequests`: all repositories of a project.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    page(call, None)
}

/// `GET git/repositories/{repository}/pullrequests`.
pub(crate) fn list_of_repository(call: &Call<'_>) -> Result<Reply, Refusal> {
    let (position, _) = call.repository()?;
    page(call, Some(position))
}

/// Newest created first, `$top` and `$skip`; active ones unless another status is asked for.
fn page(call: &Call<'_>, repository: Option<usize>) -> Result<Reply, Refusal> {
    let filter = Filter::new(call, repository)?;
    let top = call
        .config()
        .pages
        .pull_requests
        .of(call.query.number(&["$top"])?);
    let skip = call.query.number(&["$skip"])?.unwrap_or(0);
    let newest_first = call
        .world
        .pull_requests
        .iter()
        .rev()
        .filter(|own| filter.accepts(call, own));
    Ok(Reply::list(
        newest_first
            .skip(skip)
            .take(top)
            .map(|own| body(call, own, false)),
    ))
}

struct Filter {
    repository: Option<usize>,
    status: Option<Status>,
    /// Whether times are compared with the closing rather than the creation.
    by_closing: bool,
    min: Option<Timestamp>,
    max: Option<Timestamp>,
    creator: Option<Uuid>,
    reviewer: Option<Uuid>,
    source: Option<String>,
    target: Option<String>,
}

impl Filter {
    fn new(call: &Call<'_>, repository: Option<usize>) -> Result<Self, Refusal> {
        let query = &call.query;
        let text = |name: &str| query.text(&[name]).map(str::to_ascii_lowercase);
        let guid = |name: &str| {
            let parse =
                |value: &str| Uuid::parse_str(value).map_err(|_| Refusal::bad_value(name, value));
            query.text(&[name]).map(parse).transpose()
        };
        let status = match text("searchCriteria.status").as_deref() {
            None | Some("active" | "notset") => Some(Status::Active),
            Some("completed") => Some(Status::Completed),
            Some("abandoned") => Some(Status::Abandoned),
            Some("all") => None,
            Some(other) => return Err(Refusal::bad_value("searchCriteria.status", other)),
        };
        let by_closing = match text("searchCriteria.queryTimeRangeType").as_deref() {
            None | Some("created") => false,
            Some("closed") => {
                status.is_some() || call.config().unverified.all_closed_excludes_active
            }
            Some(other) => {
                return Err(Refusal::bad_value(
                    "searchCriteria.queryTimeRangeType",
                    other,
                ));
            }
        };
        let wanted = guid("searchCriteria.repositoryId")?;
        let named = wanted.map(|id| {
            call.world
                .repositories
                .iter()
                .position(|own| own.id == id)
                .unwrap_or(usize::MAX)
        });
        Ok(Self {
            repository: repository.or(named),
            status,
            by_closing,
            // The service compares with a coarser clock than it stores (Azure/azure-rest-api-specs#26287).
            min: query
                .time(&["searchCriteria.minTime"])?
                .map(|min| min - SignedDuration::from_millis(2)),
            max: query.time(&["searchCriteria.maxTime"])?,
            creator: guid("searchCriteria.creatorId")?,
            reviewer: guid("searchCriteria.reviewerId")?,
            source: query
                .text(&["searchCriteria.sourceRefName"])
                .map(str::to_owned),
            target: query
                .text(&["searchCriteria.targetRefName"])
                .map(str::to_owned),
        })
    }

    fn accepts(&self, call: &Call<'_>, own: &PullRequest) -> bool {
        let repository = &call.world.repositories[own.repository];
        let person = |person| call.world.people.get(person).id;
        call.covers(repository.project)
            && repository.state != RepositoryState::Disabled
            && self
                .repository
                .is_none_or(|wanted| wanted == own.repository)
            && self.status.is_none_or(|wanted| wanted == own.status())
            && self.is_in_time(own)
            && self
                .creator
                .is_none_or(|wanted| wanted == person(own.author))
            && self.reviewer.is_none_or(|wanted| {
                own.reviewers
                    .iter()
                    .any(|reviewer| wanted == person(reviewer.person))
            })
            && self
                .source
                .as_ref()
                .is_none_or(|wanted| *wanted == own.branch)
            && self
                .target
                .as_ref()
                .is_none_or(|wanted| wanted == own.target_name())
    }

    fn is_in_time(&self, own: &PullRequest) -> bool {
        if self.min.is_none() && self.max.is_none() {
            return true;
        }
        let time = if self.by_closing {
            own.closed()
        } else {
            Some(own.created)
        };
        time.is_some_and(|time| {
            self.min.is_none_or(|min| time >= min) && self.max.is_none_or(|max| time <= max)
        })
    }
}

/// `GET git/pullrequests/{id}`.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::json(&body(
        call,
        find(call, &call.captured[0])?,
        true,
    )))
}

/// `GET git/repositories/{repository}/pullrequests/{id}`: optionally with commits and work items.
pub(crate) fn get_of_repository(call: &Call<'_>) -> Result<Reply, Refusal> {
    let own = find_in_repository(call)?;
    let mut value = body(call, own, true);
    let (repository, brought) = brought_by(call, own);
    if call.query.flag("includeCommits")? {
        value["commits"] = brought
            .iter()
            .map(|commit| commits::short(call, repository, commit))
            .collect();
    }
    if call.query.flag("includeWorkItemRefs")? {
        let mut ids: Vec<u32> = brought
            .iter()
            .flat_map(|commit| commit.work_items.iter().copied())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        value["workItemRefs"] = ids.iter().map(|id| commits::work_item(call, *id)).collect();
    }
    Ok(Reply::json(&value))
}

/// The pull request named by the second placeholder, in the repository named by the first.
pub(crate) fn find_in_repository<'a>(call: &'a Call<'_>) -> Result<&'a PullRequest, Refusal> {
    let (repository, _) = call.repository()?;
    let own = find(call, &call.captured[1])?;
    if own.repository == repository {
        Ok(own)
    } else {
        Err(missing(&call.captured[1]))
    }
}

fn find<'a>(call: &'a Call<'_>, text: &str) -> Result<&'a PullRequest, Refusal> {
    let id = text
        .parse()
        .map_err(|_| Refusal::bad_value("pullRequestId", text))?;
    let sees = |own: &&PullRequest| call.covers(call.world.repositories[own.repository].project);
    call.world
        .pull_request(id)
        .filter(sees)
        .ok_or_else(|| missing(text))
}

fn missing(id: &str) -> Refusal {
    Refusal::not_found(
        "GitPullRequestNotFoundException",
        format!("TF401180: The requested pull request was not found: {id}."),
    )
}

/// The commits that its source branch brought, oldest first.
fn brought_by<'a>(call: &'a Call<'_>, own: &PullRequest) -> (&'a Repository, Vec<&'a Commit>) {
    let repository = &call.world.repositories[own.repository];
    let history = &call.world.histories[own.repository];
    let is_own = |at: Timestamp| own.tips.iter().any(|(pushed, _)| *pushed == at);
    (
        repository,
        history
            .commits
            .iter()
            .filter(|commit| is_own(history.pushes[commit.push].at))
            .collect(),
    )
}

fn body(call: &Call<'_>, own: &PullRequest, is_single: bool) -> Value {
    let repository = &call.world.repositories[own.repository];
    let project = call.world.projects[usize::from(repository.project)].id;
    let url = repositories::url(call, repository);
    let commit = |sha: Sha| json!({ "commitId": sha, "url": format!("{url}/commits/{sha}") });
    let description = text::prose(own.description_length);
    let description = if is_single {
        description
    } else {
        text::cut(&description, DESCRIPTION_IN_LISTS).0
    };
    let reviewers: Vec<Value> = own
        .reviewers
        .iter()
        .map(|reviewer| reviewer_body(call, own, reviewer, &url))
        .collect();
    let status = own.status();
    let mut body = json!({
        "repository": repositories::body(call, repository),
        "pullRequestId": own.id,
        "codeReviewId": own.id,
        "status": status.name(),
        "createdBy": identity::reference(call.world, own.author),
        "creationDate": own.created,
        "title": text::title(own.title),
        "description": description,
        "sourceRefName": own.branch,
        "targetRefName": own.target_name(),
        "mergeStatus": "succeeded",
        "isDraft": own.is_draft(),
        "mergeId": Uuid::new_v5(&repository.id, own.id.to_string().as_bytes()),
        "lastMergeSourceCommit": own.source().map(commit),
        "lastMergeTargetCommit": own.target.map(commit),
        "reviewers": reviewers,
        "url": format!("{url}/pullRequests/{}", own.id),
        "supportsIterations": true,
        "artifactId": format!("vstfs:///Git/PullRequestId/{project}%2f{}%2f{}", repository.id, own.id),
    });
    if !own.labels.is_empty() {
        let label = |name: &&str| json!({ "id": Uuid::new_v5(&project, name.as_bytes()), "name": name, "active": true });
        body["labels"] = own.labels.iter().map(label).collect();
    }
    if let Some(by) = own.auto_complete_by() {
        body["autoCompleteSetBy"] = identity::reference(call.world, by);
    }
    if let Some(closed) = own.closed() {
        body["closedDate"] = closed.to_string().into();
    }
    if status == Status::Completed {
        body["lastMergeCommit"] = own.merge.map(commit).unwrap_or_default();
        body["completionOptions"] = json!({
            "mergeCommitMessage": format!("Merged PR {}: {}", own.id, text::title(own.title)),
            "mergeStrategy": if own.is_squash { "squash" } else { "noFastForward" },
            "deleteSourceBranch": true,
            "transitionWorkItems": !own.is_squash,
            "autoCompleteIgnoreConfigIds": [],
        });
        body["completionQueueTime"] = own.closed().map(|closed| closed.to_string()).into();
        body["closedBy"] = own
            .closed_by()
            .map(|by| identity::reference(call.world, by))
            .unwrap_or_default();
    }
    body
}

fn reviewer_body(
    call: &Call<'_>,
    own: &PullRequest,
    reviewer: &crate::world::pull_requests::Reviewer,
    url: &str,
) -> Value {
    let mut body = identity::reference(call.world, reviewer.person);
    let id = call.world.people.get(reviewer.person).id;
    body["reviewerUrl"] = format!("{url}/pullRequests/{}/reviewers/{id}", own.id).into();
    // A group has the vote of the first member who voted for it.
    let member = own
        .reviewers
        .iter()
        .find(|other| !other.is_group && own.vote_of(other.person) != 0);
    let vote = if reviewer.is_group {
        member.map_or(0, |member| own.vote_of(member.person))
    } else {
        own.vote_of(reviewer.person)
    };
    body["vote"] = vote.into();
    body["hasDeclined"] = reviewer.has_declined.into();
    body["isFlagged"] = false.into();
    if reviewer.is_required {
        body["isRequired"] = true.into();
    }
    let group = own.reviewers.iter().find(|other| other.is_group);
    if let Some(group) = group.filter(|_| {
        !reviewer.is_group && member.is_some_and(|member| member.person == reviewer.person)
    }) {
        let mut voted_for = identity::reference(call.world, group.person);
        voted_for["vote"] = vote.into();
        voted_for["isRequired"] = true.into();
        body["votedFor"] = json!([voted_for]);
    }
    body
}
