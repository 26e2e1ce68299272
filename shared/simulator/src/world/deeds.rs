//! What somebody does to the organization besides its planned life, so that a test can ask for it.

use jiff::Timestamp;

use crate::world::World;
use crate::world::pull_requests::{Event, EventKind};

/// All of it, which is done again whenever a day is added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deeds {
    /// Comments on pull requests: the id, and when.
    pub(crate) comments: Vec<(u32, Timestamp)>,
    /// Ids of work items that were destroyed.
    pub(crate) destroyed: Vec<u32>,
}

impl Deeds {
    pub(crate) fn apply(&self, world: &mut World) {
        for (id, at) in &self.comments {
            let by = world.people.system();
            let mut all = world.pull_requests.iter_mut();
            if let Some(own) = all.find(|own| own.id == *id) {
                own.events.push(Event {
                    at: *at,
                    by,
                    kind: EventKind::Discussion {
                        on_file: false,
                        replies: Vec::new(),
                        is_fixed: false,
                    },
                });
                own.events.sort_by_key(|event| event.at);
            }
        }
        for item in &mut world.work_items {
            item.is_destroyed = self.destroyed.contains(&item.id);
        }
    }
}
