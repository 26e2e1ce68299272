//! Commits: the window in one batch per repository, later ones push by push.
//!
//! Commit dates are made by clients, so no date tells which commits are new: pushes do. The first pass asks for the
//! window by date, a month earlier than it begins, because work lies on a disk before it is pushed. Where the head of a push
//! did not come along, the newest commits of before are asked for, once; a push whose head is not among them either is asked
//! for by its id. Each later push is asked for by its id.

use std::time::Duration;

use ado::{Host, Paging, Request};
use jiff::Timestamp;
use model::{
    Child, Kind, Record, Service,
    record::{
        Commit,
        git::{FileCounts, Signature},
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target, When,
    plan::address,
    wire::{Text, Time},
};

/// The commits of a repository by date, with the push that brought each and the work items that each names. The service
/// documents pages of up to 50,000, so that one of fewer than were asked for is the last.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits-batch>
pub(crate) static COMMITS: Resource = Resource {
    name: "commits",
    service: Service::Repos,
    kind: Kind::Commit,
    fan_out: FanOut::RepositoryAfter("pushes"),
    every: Every::Once,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "{project}/_apis/git/repositories/{repository}/commitsbatch",
        query: &[API_VERSION],
        body: Some(&[("includePushData", "true"), ("includeWorkItems", "true")]),
        items: "value",
        paging: Paging::SkipTop {
            top: 5000,
            top_param: "$top",
            skip_param: "$skip",
            served: Some(5000),
        },
        cursor: CursorRule::Time {
            from: "fromDate",
            until: None,
            overlap: Duration::ZERO,
            reach: REACH,
        },
        map: Map::One(map),
    }),
};

/// How much earlier than the window the first pass begins.
const REACH: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many commits of before are asked for, of which the newest come first.
const OLDER: u32 = 5000;

/// The commits of pushes that came after the first pass, or whose commits the first pass did not bring.
/// <https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-push-commits>
pub(crate) static PUSH_COMMITS: Resource = Resource {
    name: "push_commits",
    service: Service::Repos,
    kind: Kind::Commit,
    fan_out: FanOut::Children {
        of: &["pushes"],
        when: When::New,
    },
    every: Every::Period,
    fetch: Fetch::PushCommits,
};

/// How the list of a push's commits continues. 100 are served when no number is asked for:
/// <https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-push-commits>.
pub const PUSH_PAGING: Paging = Paging::SkipTop {
    top: 1000,
    top_param: "top",
    skip_param: "skip",
    served: Some(100),
};

/// The request for the ids of a push's commits.
pub fn push_request(target: &Target<'_>, push: &Child) -> Request {
    address(
        (
            Host::Core,
            "{project}/_apis/git/repositories/{repository}/commits",
        ),
        target,
        Some(push),
    )
    .query("pushId", push.id.as_str())
    .query(API_VERSION.0, API_VERSION.1)
}

/// The id of a commit in such a list.
///
/// # Errors
/// It has none.
pub fn commit_id(item: &RawValue) -> Result<String, MapError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct WireId<'a> {
        #[serde(borrow)]
        commit_id: Text<'a>,
    }
    let wire: WireId<'_> = serde_json::from_str(item.get())?;
    Ok(wire.commit_id.owned())
}

/// The request for commits by their ids, with all that the batch of the first pass brings.
pub fn by_id_request(target: &Target<'_>, ids: &[String]) -> Request {
    let top = ids.len().to_string();
    let ids: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    batch_request(target, (top, format!(r#""ids":[{}]"#, ids.join(","))))
}

/// The request for the newest commits of before the first pass over a window, which may have been pushed in it.
pub fn older_request(target: &Target<'_>, window_start: Timestamp) -> Request {
    // The window has moved on since the pass began; what comes twice changes nothing.
    let until = window_start.checked_sub(REACH).unwrap_or(window_start);
    let criterion = format!(r#""toDate":"{until}""#);
    batch_request(target, (OLDER.to_string(), criterion))
}

fn batch_request(target: &Target<'_>, (top, criterion): (String, String)) -> Request {
    let path = "{project}/_apis/git/repositories/{repository}/commitsbatch";
    let mut request = address((Host::Core, path), target, None)
        .query(API_VERSION.0, API_VERSION.1)
        .query("$top", top);
    request.method = ado::Method::Post;
    request.body = Some(format!(
        r#"{{{criterion},"includePushData":true,"includeWorkItems":true}}"#
    ));
    request
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow)]
    commit_id: Text<'a>,
    #[serde(borrow, default)]
    author: Option<WireSignature<'a>>,
    #[serde(borrow, default)]
    committer: Option<WireSignature<'a>>,
    #[serde(borrow, default)]
    comment: Option<Text<'a>>,
    #[serde(default)]
    comment_truncated: Option<bool>,
    #[serde(default)]
    change_counts: Option<WireCounts>,
    #[serde(default)]
    push: Option<WirePush>,
    #[serde(borrow, default)]
    work_items: Option<Vec<WireWorkItem<'a>>>,
}

#[derive(Deserialize)]
struct WireSignature<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    email: Option<Text<'a>>,
    #[serde(default)]
    date: Time,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireCounts {
    #[serde(default)]
    add: u32,
    #[serde(default)]
    edit: u32,
    #[serde(default)]
    delete: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePush {
    push_id: u64,
    date: Time,
}

#[derive(Deserialize)]
struct WireWorkItem<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

/// A commit with its push.
///
/// # Errors
/// It has no id, or nothing that says when it came.
pub fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    let counts = wire.change_counts.unwrap_or(WireCounts {
        add: 0,
        edit: 0,
        delete: 0,
    });
    let mut work_items: Vec<u64> = wire
        .work_items
        .unwrap_or_default()
        .iter()
        .filter_map(|item| item.id.0.parse().ok())
        .collect();
    work_items.sort_unstable();
    let committed_at = wire
        .committer
        .as_ref()
        .or(wire.author.as_ref())
        .and_then(|by| by.date.0);
    let pushed_at = wire
        .push
        .as_ref()
        .and_then(|push| push.date.0)
        .or(committed_at);
    Ok(Record::Commit(Commit {
        sha: wire.commit_id.owned(),
        project: target.project()?,
        repository: target.repository()?,
        push: wire.push.map(|push| push.push_id),
        pushed_at: Time(pushed_at).required("push.date")?,
        author: wire.author.map(signature),
        committer: wire.committer.map(signature),
        comment: wire.comment.map(Text::owned).unwrap_or_default(),
        comment_truncated: wire.comment_truncated.unwrap_or(false),
        files: FileCounts {
            added: counts.add,
            edited: counts.edit,
            deleted: counts.delete,
        },
        work_items,
    }))
}

fn signature(wire: WireSignature<'_>) -> Signature {
    Signature {
        name: wire.name.map(Text::owned).unwrap_or_default(),
        email: wire.email.map(Text::owned).unwrap_or_default(),
        at: wire.date.0,
    }
}
