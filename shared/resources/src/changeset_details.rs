//! What a changeset changed: one request for most, more for large ones.

use ado::{Host, Paging, Request};
use model::{
    Child, Facet, Kind, Service,
    record::{
        ChangesetDetails,
        changeset::{Change, Note},
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, Every, FanOut, Fetch, MapError, Resource, Target, When,
    plan::address,
    wire::{Text, some},
};

/// The changes, work items, check-in notes and overridden policies of each changeset.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get>
pub(crate) static CHANGESET_DETAILS: Resource = Resource {
    name: "changeset_details",
    service: Service::Tfvc,
    kind: Kind::Changeset,
    fan_out: FanOut::Children {
        of: &["changesets"],
        when: When::Stale(Facet::Changes),
    },
    every: Every::Period,
    fetch: Fetch::ChangesetDetails,
};

/// How many changes come with the changeset itself:
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get#uri-parameters>.
pub const WITH_CHANGESET: u32 = 100;

/// How many changes of one changeset are kept. Whoever moves a source tree changes every file of it.
pub const KEPT: usize = 10_000;

/// How the list of further changes continues.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get-changeset-changes>
pub const CHANGES: Paging = Paging::skip_top(1000);

const PATH: &str = "_apis/tfvc/changesets/{id}";

/// The request for a changeset with everything that comes with it.
pub fn request(target: &Target<'_>, changeset: &Child) -> Request {
    address((Host::Core, PATH), target, Some(changeset))
        .query(API_VERSION.0, API_VERSION.1)
        .query("maxChangeCount", WITH_CHANGESET.to_string())
        .query("includeDetails", "true")
        .query("includeWorkItems", "true")
}

/// The request for the changes that did not come with it.
pub fn changes_request(target: &Target<'_>, changeset: &Child) -> Request {
    let path = format!("{PATH}/changes");
    address((Host::Core, &path), target, Some(changeset)).query(API_VERSION.0, API_VERSION.1)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow, default)]
    changes: Option<Vec<WireChange<'a>>>,
    #[serde(default)]
    has_more_changes: Option<bool>,
    #[serde(default)]
    work_items: Option<Vec<WireWorkItem>>,
    #[serde(borrow, default)]
    checkin_notes: Option<Vec<WireNote<'a>>>,
    #[serde(borrow, default)]
    policy_override: Option<WireOverride<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireChange<'a> {
    #[serde(borrow)]
    item: WireItem<'a>,
    #[serde(borrow, default)]
    change_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    merge_sources: Option<Vec<WireSource<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireItem<'a> {
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(default)]
    is_folder: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSource<'a> {
    #[serde(borrow, default)]
    server_item: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireWorkItem {
    id: u64,
}

#[derive(Deserialize)]
struct WireNote<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    value: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireOverride<'a> {
    #[serde(borrow, default)]
    comment: Option<Text<'a>>,
    #[serde(borrow, default)]
    policy_failures: Option<Vec<WireFailure<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFailure<'a> {
    #[serde(borrow, default)]
    policy_name: Option<Text<'a>>,
}

/// The details that came with a changeset, and whether it has more changes.
///
/// # Errors
/// The answer is no changeset.
pub fn map(answer: &[u8]) -> Result<(ChangesetDetails, bool), MapError> {
    let wire: Wire<'_> = serde_json::from_slice(answer)?;
    let mut work_items: Vec<u64> = wire
        .work_items
        .unwrap_or_default()
        .iter()
        .map(|item| item.id)
        .collect();
    work_items.sort_unstable();
    let policies = wire.policy_override;
    let (failures, comment) = match policies {
        Some(policies) => (
            policies.policy_failures.unwrap_or_default(),
            policies.comment,
        ),
        None => (Vec::new(), None),
    };
    let details = ChangesetDetails {
        changes: wire
            .changes
            .unwrap_or_default()
            .into_iter()
            .map(change)
            .collect(),
        truncated: false,
        work_items,
        notes: wire
            .checkin_notes
            .unwrap_or_default()
            .into_iter()
            .map(note)
            .collect(),
        policy_failures: failures
            .into_iter()
            .filter_map(|failure| some(failure.policy_name))
            .collect(),
        override_reason: some(comment),
    };
    Ok((details, wire.has_more_changes.unwrap_or(false)))
}

/// One of the further changes.
///
/// # Errors
/// It names no path.
pub fn map_change(item: &RawValue) -> Result<Change, MapError> {
    Ok(change(serde_json::from_str(item.get())?))
}

fn change(wire: WireChange<'_>) -> Change {
    let sources = wire.merge_sources.unwrap_or_default().into_iter();
    Change {
        path: wire.item.path.owned(),
        kind: some(wire.change_type).unwrap_or_default(),
        is_folder: wire.item.is_folder.unwrap_or(false),
        sources: sources
            .filter_map(|source| some(source.server_item))
            .collect(),
    }
}

fn note(wire: WireNote<'_>) -> Note {
    Note {
        name: some(wire.name).unwrap_or_default(),
        value: some(wire.value).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_comes_with_a_changeset_is_read() {
        let answer = br#"{"changesetId":9,"hasMoreChanges":true,"workItems":[{"id":8,"title":"x"},{"id":3}],
            "checkinNotes":[{"name":"Code Reviewer","value":"Ada"}],
            "policyOverride":{"comment":"urgent","policyFailures":[{"policyName":"Builds","message":"m"}]},
            "changes":[{"item":{"path":"$/P/a.cs","version":9},"changeType":"merge, edit",
                "mergeSources":[{"serverItem":"$/P/b.cs","versionFrom":1,"versionTo":2}]}]}"#;
        let (details, more) = map(answer).unwrap();
        assert!(more);
        assert_eq!(details.work_items, [3, 8]);
        assert_eq!(details.notes[0].value, "Ada");
        assert_eq!(details.policy_failures, ["Builds"]);
        assert_eq!(details.override_reason.as_deref(), Some("urgent"));
        let change = &details.changes[0];
        assert_eq!(
            (change.kind.as_str(), change.sources[0].as_str()),
            ("merge, edit", "$/P/b.cs")
        );
    }
}
