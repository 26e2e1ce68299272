//! Commits.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits>,
//! <https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits-batch>

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::config::{CommitReach, PageCap};
use crate::http::call::Call;
use crate::http::commit_criteria::Criteria;
use crate::http::pushes;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::{identity, repositories, work_items};
use crate::world::git::{Commit, History, Sha};
use crate::world::people::Person;
use crate::world::projects::{Repository, RepositoryState};
use crate::world::text;

/// Lists cut commit messages here.
const COMMENT_IN_LISTS: usize = 200;

/// `GET git/repositories/{repository}/commits`: by criteria, or those of one push (`pushId`).
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    if let Some(push) = call.query.text(&["pushId"]) {
        return of_push(call, push);
    }
    let criteria = Criteria::of_query(&call.query)?;
    select(call, &criteria, call.config().pages.commits)
}

/// `POST git/repositories/{repository}/commitsbatch`: the same criteria as a body, much larger pages.
pub(crate) fn batch(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut criteria = Criteria::of_body(&call.json()?)?;
    criteria.top = call.query.number(&["$top"])?.or(criteria.top);
    criteria.skip = call.query.number(&["$skip"])?.or(criteria.skip);
    select(call, &criteria, call.config().pages.commits_batch)
}

/// `GET git/repositories/{repository}/commits/{commitId}`: with parents and push.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    let (position, repository) = call.repository()?;
    let wanted = call.captured[1].to_ascii_lowercase();
    let history = &call.world.histories[position];
    let commit = history
        .commits
        .iter()
        .find(|commit| commit.sha.to_string() == wanted);
    let commit = commit.ok_or_else(|| {
        Refusal::not_found(
            "GitCommitDoesNotExistException",
            format!("TF401175: The commit '{wanted}' does not exist."),
        )
    })?;
    let mut value = short(call, repository, commit);
    value["comment"] = commit.comment.as_str().into();
    value["commentTruncated"] = Value::Bool(false);
    value["parents"] = json!(commit.parents);
    value["treeId"] = json!(commit.sha.to_string().chars().rev().collect::<String>());
    value["push"] = push_of(call, history, commit);
    value["changeCounts"] = counts(commit);
    Ok(Reply::json(&value))
}

fn of_push(call: &Call<'_>, push: &str) -> Result<Reply, Refusal> {
    let (position, repository) = call.repository()?;
    let history = &call.world.histories[position];
    let (place, _) = pushes::find(history, push)?;
    let top = call
        .config()
        .pages
        .commits
        .of(call.query.number(&["top", "$top"])?);
    let skip = call.query.number(&["skip", "$skip"])?.unwrap_or(0);
    let start = history
        .commits
        .partition_point(|commit| commit.push < place);
    let end = history
        .commits
        .partition_point(|commit| commit.push <= place);
    let newest_first = history.commits[start..end].iter().rev();
    Ok(Reply::list(
        newest_first
            .skip(skip)
            .take(top)
            .map(|commit| short(call, repository, commit)),
    ))
}

fn select(call: &Call<'_>, criteria: &Criteria, cap: PageCap) -> Result<Reply, Refusal> {
    let (position, repository) = call.repository()?;
    if repository.state == RepositoryState::Empty {
        return Err(Refusal::not_found(
            "GitUnresolvableToCommitException",
            format!(
                "TF401175: The version descriptor <Branch: main> could not be resolved to a version in the repository {}",
                repository.name
            ),
        ));
    }
    let history = &call.world.histories[position];
    let reach = reach(call, criteria, history)?;
    let is_match = |commit: &&Commit| {
        reach
            .as_ref()
            .is_none_or(|reach| reach.contains(&commit.sha))
            && criteria.accepts(call, commit)
    };
    let mut found: Vec<&Commit> = history.commits.iter().filter(is_match).collect();
    found.sort_by_key(|commit| Reverse((commit.committed, commit.push)));
    if criteria.oldest_first {
        found.reverse();
    }
    let page = found
        .into_iter()
        .skip(criteria.skip.unwrap_or(0))
        .take(cap.of(criteria.top));
    Ok(Reply::list(page.map(|commit| {
        let mut value = short(call, repository, commit);
        value["changeCounts"] = counts(commit);
        if criteria.has_push {
            value["push"] = push_of(call, history, commit);
        }
        if criteria.has_work_items {
            value["workItems"] = commit
                .work_items
                .iter()
                .map(|id| work_item(call, *id))
                .collect();
        }
        value
    })))
}

/// The commits that the asked version reaches; `None` means all that were ever pushed.
fn reach(
    call: &Call<'_>,
    criteria: &Criteria,
    history: &History,
) -> Result<Option<HashSet<Sha>>, Refusal> {
    let tip = match &criteria.branch {
        Some(name) => Some(tip_of(history, name).ok_or_else(|| {
            Refusal::not_found(
                "GitUnresolvableToCommitException",
                format!("TF401175: The version descriptor <Branch: {name}> could not be resolved to a version in the repository"),
            )
        })?),
        None if criteria.ids.is_empty() && call.config().unverified.commits_without_version == CommitReach::DefaultBranch => {
            history.main.last().map(|(_, tip)| *tip)
        }
        None => None,
    };
    Ok(tip.map(|tip| ancestors(history, tip)))
}

/// The tip of a branch, if it still exists.
fn tip_of(history: &History, branch: &str) -> Option<Sha> {
    let full = if branch.starts_with("refs/") {
        branch.to_owned()
    } else {
        format!("refs/heads/{branch}")
    };
    let updates = history.pushes.iter().rev().flat_map(|push| &push.refs);
    updates
        .filter(|update| update.name == full)
        .map(|update| update.new)
        .next()
        .filter(|tip| *tip != Sha::ZERO)
}

fn ancestors(history: &History, tip: Sha) -> HashSet<Sha> {
    let parents: HashMap<Sha, &[Sha]> = history
        .commits
        .iter()
        .map(|commit| (commit.sha, commit.parents.as_slice()))
        .collect();
    let mut reached = HashSet::new();
    let mut waiting = vec![tip];
    while let Some(sha) = waiting.pop() {
        if reached.insert(sha) {
            waiting.extend(parents.get(&sha).copied().unwrap_or_default());
        }
    }
    reached
}

/// The address in somebody's Git configuration: as they typed it, and case means nothing in it.
fn address(person: &Person) -> String {
    let typed = &person.unique_name;
    match person.id.as_bytes()[0].is_multiple_of(3) {
        true => typed.to_uppercase(),
        false => typed.clone(),
    }
}

/// A commit without push, work items and counts.
pub(crate) fn short(call: &Call<'_>, repository: &Repository, commit: &Commit) -> Value {
    let (comment, is_cut) = text::cut(&commit.comment, COMMENT_IN_LISTS);
    let person = |id| call.world.people.get(id);
    let (author, committer) = (person(commit.author), person(commit.committer));
    let web = repositories::web_url(call, repository);
    let mut value = json!({
        "commitId": commit.sha,
        "author": { "name": author.display_name, "email": address(author), "date": commit.authored },
        "committer": { "name": committer.display_name, "email": address(committer), "date": commit.committed },
        "comment": comment,
        "url": format!("{}/commits/{}", repositories::url(call, repository), commit.sha),
        "remoteUrl": format!("{web}/commit/{}", commit.sha),
    });
    if is_cut {
        value["commentTruncated"] = Value::Bool(true);
    }
    value
}

fn counts(commit: &Commit) -> Value {
    let [added, edited, deleted] = commit.counts;
    json!({ "Add": added, "Edit": edited, "Delete": deleted })
}

fn push_of(call: &Call<'_>, history: &History, commit: &Commit) -> Value {
    let push = &history.pushes[commit.push];
    json!({ "pushedBy": identity::reference(call.world, push.by), "pushId": push.id, "date": push.at })
}

/// A `ResourceRef` to a work item.
pub(crate) fn work_item(call: &Call<'_>, id: u32) -> Value {
    let url = call
        .world
        .work_item(id)
        .map(|item| work_items::url(call, item));
    json!({ "id": id.to_string(), "url": url })
}
