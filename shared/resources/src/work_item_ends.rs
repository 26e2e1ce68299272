//! When work items and links expire, by what other records say; nothing is asked for.

use model::{Kind, Service};

use crate::{Every, FanOut, Fetch, Resource};

/// An item is over when its type says so of its state, and a link when neither of its items is left.
pub(crate) static WORK_ITEM_ENDS: Resource = Resource {
    name: "work_item_ends",
    service: Service::Boards,
    kind: Kind::WorkItem,
    fan_out: FanOut::Organization,
    every: Every::Day,
    fetch: Fetch::Ends,
};
