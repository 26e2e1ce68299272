//! Work items that are stored and cannot be found any more: nothing upstream tells that an item was destroyed.

use std::collections::{BTreeMap, BTreeSet};

use ado::Request;
use jiff::Timestamp;
use model::{Kind, Organization, Service, record::WorkItem};
use serde::{Deserialize, Serialize};

use crate::{Every, FanOut, Fetch, Resource, open_work_items::wiql};

/// The ids of what is there compared with those of what is stored, once a week.
/// <https://learn.microsoft.com/azure/devops/boards/backlogs/remove-delete-work-items>
pub(crate) static GONE_WORK_ITEMS: Resource = Resource {
    name: "gone_work_items",
    service: Service::Boards,
    kind: Kind::WorkItem,
    fan_out: FanOut::OrganizationAfter("work_item_revisions"),
    every: Every::Week,
    fetch: Fetch::GoneWorkItems,
};

/// As many missing items are remembered from pass to pass. More at once is no tidying up: a credential has lost sight of
/// them.
pub const MOST: usize = 2_000;

/// The request for the ids behind `last` of items that changed since `window_start`; those that are open and were not
/// touched since come by [`crate::open_work_items::ids_request`].
pub fn ids_request(organization: &Organization, window_start: Timestamp, last: u64) -> Request {
    let condition = format!("[System.Id] > {last} AND [System.ChangedDate] >= '{window_start}'");
    wiql(organization, &condition)
}

/// The ids that a complete pass did not find, which the next one looks for again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing(pub BTreeSet<u64>);

/// What a complete pass found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Missing for the second time: these are gone.
    pub gone: BTreeSet<u64>,
    /// Missing for the first time.
    pub missing: Missing,
}

/// What must be known of a stored item: histories of all items at once would fill the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Its id.
    pub id: u64,
    /// Its area.
    pub area: String,
    /// Whether it should be found: queries do not name what is in the recycle bin.
    pub is_looked_for: bool,
}

impl Trace {
    /// What must be known of an item; `None` without an area.
    pub fn of(item: &WorkItem) -> Option<Self> {
        Some(Self {
            id: item.id,
            area: item.text("System.AreaPath")?.to_owned(),
            is_looked_for: item.is_there(),
        })
    }
}

/// Judges items that are stored and were not found, neither by a query nor by their id.
///
/// An item that may not be seen looks like one that is not there, and permission is granted by area
/// (<https://learn.microsoft.com/azure/devops/organizations/security/set-permissions-access-work-tracking#set-permissions-on-a-child-node>).
/// So an item counts as missing only while another one of the same area can be seen, and as gone after two such passes.
pub fn judge<'a>(
    stored: impl IntoIterator<Item = &'a Trace>,
    is_there: impl Fn(u64) -> bool,
    before: &Missing,
) -> Verdict {
    let mut areas: BTreeMap<&str, (bool, BTreeSet<u64>)> = BTreeMap::new();
    for item in stored {
        let area = areas.entry(&item.area).or_default();
        if is_there(item.id) {
            area.0 = true;
        } else if item.is_looked_for {
            area.1.insert(item.id);
        }
    }
    let visible = areas.into_values().filter(|(is_visible, _)| *is_visible);
    let missing: BTreeSet<u64> = visible.flat_map(|(_, ids)| ids).collect();
    if missing.len() > MOST {
        return Verdict::default();
    }
    let (gone, missing) = missing.into_iter().partition(|id| before.0.contains(id));
    Verdict {
        gone,
        missing: Missing(missing),
    }
}

#[cfg(test)]
mod tests {
    use model::{OrganizationId, record::work_item::FieldValue};

    use super::*;

    fn item(id: u64, area: &str) -> Trace {
        Trace::of(&work_item(id, area)).unwrap()
    }

    fn work_item(id: u64, area: &str) -> WorkItem {
        let area = (
            "System.AreaPath".to_owned(),
            FieldValue::Text(area.to_owned()),
        );
        WorkItem {
            organization: OrganizationId(uuid::Uuid::nil()),
            id,
            rev: 3,
            is_deleted: false,
            gone_at: None,
            created_at: None,
            created_by: None,
            changed_at: Timestamp::UNIX_EPOCH,
            changed_by: None,
            closed_at: None,
            title: None,
            fields: BTreeMap::from([area]),
            revisions: Vec::new(),
        }
    }

    fn ids(verdict: &Verdict) -> (Vec<u64>, Vec<u64>) {
        let list = |ids: &BTreeSet<u64>| ids.iter().copied().collect();
        (list(&verdict.gone), list(&verdict.missing.0))
    }

    #[test]
    fn what_is_missing_twice_in_an_area_that_can_be_seen_is_gone() {
        let stored = [item(1, "Web"), item(2, "Web"), item(3, "Web")];
        let first = judge(&stored, |id| id == 1, &Missing::default());
        assert_eq!(ids(&first), (vec![], vec![2, 3]));
        let second = judge(&stored, |id| id < 3, &first.missing);
        assert_eq!(ids(&second), (vec![3], vec![]));
    }

    #[test]
    fn an_area_of_which_nothing_can_be_seen_is_hidden_and_nothing_of_it_is_missing() {
        let stored = [item(1, "Web"), item(2, "Secret"), item(3, "Secret")];
        let first = judge(&stored, |id| id == 1, &Missing(BTreeSet::from([2, 3])));
        assert_eq!(first, Verdict::default());
    }

    #[test]
    fn what_is_in_the_recycle_bin_or_known_to_be_gone_is_not_looked_for() {
        let mut stored = [1, 2, 3].map(|id| work_item(id, "Web"));
        stored[1].is_deleted = true;
        stored[2].gone_at = Some(Timestamp::UNIX_EPOCH);
        let stored: Vec<Trace> = stored.iter().filter_map(Trace::of).collect();
        let verdict = judge(&stored, |id| id == 1, &Missing::default());
        assert_eq!(verdict, Verdict::default());
    }

    #[test]
    fn too_many_at_once_are_not_believed() {
        let stored: Vec<Trace> = (0..=MOST as u64 + 1).map(|id| item(id, "Web")).collect();
        let all = judge(&stored, |id| id == 0, &Missing::default());
        assert_eq!(all, Verdict::default());
        let most = judge(&stored[..=MOST], |id| id == 0, &Missing::default());
        assert_eq!(most.missing.0.len(), MOST);
    }
}
