//! TFVC changesets of all projects.

use ado::{Host, Paging};
use model::{Kind, Record, Service, record::Changeset};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{IdentityRef, Text, Time},
};

/// Changesets by rising id, which is one sequence for the whole organization.
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get-changesets>
pub(crate) static CHANGESETS: Resource = Resource {
    name: "changesets",
    service: Service::Tfvc,
    kind: Kind::Changeset,
    fan_out: FanOut::Organization,
    every: Every::Period,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "_apis/tfvc/changesets",
        query: &[
            API_VERSION,
            ("$orderby", "id asc"),
            ("$top", "256"),
            ("maxCommentLength", "4000"),
        ],
        body: None,
        items: "value",
        paging: Paging::None,
        cursor: CursorRule::Id {
            from: "searchCriteria.fromId",
            start: "searchCriteria.fromDate",
        },
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    changeset_id: u64,
    created_date: Time,
    #[serde(borrow, default)]
    author: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    checked_in_by: Option<IdentityRef<'a>>,
    #[serde(borrow, default)]
    comment: Option<Text<'a>>,
    #[serde(default)]
    comment_truncated: Option<bool>,
}

pub(crate) fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    Ok(Record::Changeset(Changeset {
        organization: target.organization.id,
        id: wire.changeset_id,
        created_at: wire.created_date.required("createdDate")?,
        author: wire.author.and_then(IdentityRef::identity),
        checked_in_by: wire.checked_in_by.and_then(IdentityRef::identity),
        comment: wire.comment.map(Text::owned).unwrap_or_default(),
        comment_truncated: wire.comment_truncated.unwrap_or(false),
    }))
}
