//! What a work item was like at any time, as far as its revisions tell.

use jiff::Timestamp;
use model::record::{
    WorkItem, Workflows,
    metadata::StateCategory,
    work_item::{ENDS, FieldValue, Tracked},
};

/// A work item over time.
///
/// Items that are older than what is kept come with their later revisions only. Before the first of these an item is taken
/// to have been as that one left it, with one exception: where the item itself tells since when it has been in its state,
/// what it was before then is not known, and it counts as open.
#[derive(Clone, Debug)]
pub(crate) struct Life<'a> {
    pub(crate) item: &'a WorkItem,
    /// In order; the first begins with the item or is of unknown beginning, the last has not ended.
    pub(crate) stays: Vec<Stay<'a>>,
}

/// An uninterrupted time in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stay<'a> {
    pub(crate) state: &'a str,
    /// What the state means; `None` if nobody says.
    pub(crate) category: Option<StateCategory>,
    /// `None` if it began before everything that was seen.
    pub(crate) from: Option<Timestamp>,
    /// `None` if it lasts.
    pub(crate) to: Option<Timestamp>,
}

/// An uninterrupted time with one value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spell<'a> {
    /// `None` while the field was empty.
    pub(crate) value: Option<&'a FieldValue>,
    pub(crate) from: Timestamp,
    /// `None` if it lasts.
    pub(crate) to: Option<Timestamp>,
}

impl Stay<'_> {
    pub(crate) fn is(&self, category: &StateCategory) -> bool {
        self.category.as_ref() == Some(category)
    }

    /// Whether an item in it is over.
    pub(crate) fn is_end(&self) -> bool {
        let ends = self.category.as_ref().and_then(StateCategory::ends);
        ends == Some(true)
    }

    fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

impl<'a> Life<'a> {
    /// The life of an item, its states read by the types of its projects.
    pub(crate) fn of(item: &'a WorkItem, workflows: &Workflows) -> Self {
        let mut stays: Vec<Stay<'a>> = Vec::new();
        let (mut project, mut kind, mut state) = ("", "", None);
        for revision in &item.revisions {
            for (field, value) in &revision.changes {
                let text = value.as_ref().and_then(text);
                match field {
                    Tracked::Project => project = text.unwrap_or_default(),
                    Tracked::Type => kind = text.unwrap_or_default(),
                    Tracked::State => state = text,
                    _ => {}
                }
            }
            let Some(state) = state else { continue };
            let category = category(workflows, (project, kind, state));
            let last = stays.last_mut();
            if let Some(last) = last {
                if last.state == state && last.category == category {
                    continue;
                }
                last.to = Some(revision.at);
            }
            let is_known = !stays.is_empty() || revision.rev == 1;
            stays.push(Stay {
                state,
                category,
                from: is_known.then_some(revision.at),
                to: None,
            });
        }
        if let [only] = stays.as_mut_slice() {
            only.from = only.from.or_else(|| state_changed_at(item));
        }
        Self { item, stays }
    }

    /// When it was created.
    pub(crate) fn created_at(&self) -> Option<Timestamp> {
        let first = self.item.revisions.first();
        let seen = first.filter(|first| first.rev == 1).map(|first| first.at);
        self.item.created_at.or(seen)
    }

    /// Whether it existed, as far as is known.
    pub(crate) fn exists_at(&self, at: Timestamp) -> bool {
        let first = self.item.revisions.first().map(|first| first.at);
        self.created_at().or(first).is_some_and(|from| from <= at)
    }

    /// The state that it was in; `None` if it did not exist or nobody knows.
    pub(crate) fn stay_at(&self, at: Timestamp) -> Option<&Stay<'a>> {
        let exists = self.exists_at(at);
        self.stays.iter().find(|stay| exists && stay.contains(at))
    }

    /// Whether it existed and was not over.
    pub(crate) fn is_open_at(&self, at: Timestamp) -> bool {
        self.exists_at(at) && !self.stay_at(at).is_some_and(Stay::is_end)
    }

    /// When it came to where it is now, if it is in one of these categories: back through all stays in them.
    fn reached(&self, categories: &[StateCategory]) -> Option<Timestamp> {
        let mut stays = self.stays.iter().rev();
        let is_in = |stay: &&Stay<'_>| categories.iter().any(|category| stay.is(category));
        stays.by_ref().take_while(is_in).last()?.from
    }

    /// When it was completed; `None` while it is not, and after it was reopened.
    pub(crate) fn completed_at(&self) -> Option<Timestamp> {
        let is_completed = self.stays.last()?.is(&StateCategory::Completed);
        let reached = || self.reached(&[StateCategory::Completed]);
        is_completed
            .then(|| reached().or(self.item.closed_at))
            .flatten()
    }

    /// When its work was done, verified or not; `None` while it is not, and after it was reopened.
    pub(crate) fn resolved_at(&self) -> Option<Timestamp> {
        let done = [StateCategory::Resolved, StateCategory::Completed];
        self.reached(&done).or_else(|| self.completed_at())
    }

    /// When it was first worked on: it came to a state beyond those of what is proposed.
    pub(crate) fn started_at(&self) -> Option<Timestamp> {
        let is_begun = |stay: &&Stay<'_>| {
            stay.category.as_ref().is_some_and(|category| {
                !matches!(category, StateCategory::Proposed | StateCategory::Removed)
            })
        };
        self.stays.iter().find(is_begun)?.from
    }

    /// The value of a field; `None` if it was empty, or the item did not exist.
    pub(crate) fn value_at(&self, field: Tracked, at: Timestamp) -> Option<&'a FieldValue> {
        if !self.exists_at(at) {
            return None;
        }
        let spells = self.spells(field);
        let of_then = spells.iter().rev().find(|spell| spell.from <= at);
        of_then.or(spells.first())?.value
    }

    /// The text of a field, as [`Life::value_at`].
    pub(crate) fn text_at(&self, field: Tracked, at: Timestamp) -> Option<&'a str> {
        self.value_at(field, at).and_then(text)
    }

    /// The estimate, as [`Life::value_at`]; that in a field whose history is not kept, as it is now. The field of the process
    /// has no name here.
    pub(crate) fn points_at(&self, field: &str, at: Timestamp) -> Option<f64> {
        let value = match field {
            "" => self.value_at(Tracked::Points, at),
            _ => self.item.fields.get(field),
        };
        match value? {
            FieldValue::Number(points) => Some(*points),
            FieldValue::Text(text) => text.trim().parse().ok(),
            FieldValue::Boolean(_) | FieldValue::Identity(_) => None,
        }
    }

    /// The values of a field since the first revision that was seen, in order.
    pub(crate) fn spells(&self, field: Tracked) -> Vec<Spell<'a>> {
        let mut spells: Vec<Spell<'a>> = Vec::new();
        for revision in &self.item.revisions {
            let change = revision.changes.get(&field);
            let value = match (change, spells.is_empty()) {
                (Some(value), _) => value.as_ref(),
                (None, true) => None,
                (None, false) => continue,
            };
            if let Some(last) = spells.last_mut() {
                last.to = Some(revision.at);
            }
            spells.push(Spell {
                value,
                from: revision.at,
                to: None,
            });
        }
        spells
    }

    /// Whether its revisions were seen from the first one on.
    pub(crate) fn is_whole(&self) -> bool {
        self.item
            .revisions
            .first()
            .is_some_and(|first| first.rev == 1)
    }
}

fn text(value: &FieldValue) -> Option<&str> {
    match value {
        FieldValue::Text(text) => Some(text),
        _ => None,
    }
}

/// What a state means: by the item's type; by the processes of Microsoft where no type is known.
fn category(
    workflows: &Workflows,
    (project, kind, state): (&str, &str, &str),
) -> Option<StateCategory> {
    let by_type = workflows.category(project, kind, state).cloned();
    by_type.or_else(|| match state {
        "Removed" | "Cut" => Some(StateCategory::Removed),
        _ => ENDS.contains(&state).then_some(StateCategory::Completed),
    })
}

/// Since when the item is in its state, as it says itself.
/// <https://learn.microsoft.com/azure/devops/boards/queries/query-by-workflow-changes>
fn state_changed_at(item: &WorkItem) -> Option<Timestamp> {
    let text = item.text("Microsoft.VSTS.Common.StateChangeDate")?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::samples::{change, cut, moved, on, story, workflows};

    fn finished() -> WorkItem {
        let item = moved(story(1, on(2, "09:00")), on(3, "09:00"), "Active");
        moved(item, on(5, "09:00"), "Closed")
    }

    fn states(life: &Life<'_>, days: &[u32]) -> Vec<Option<String>> {
        let at = |day: &u32| Some(life.stay_at(on(*day, "12:00"))?.state.to_owned());
        days.iter().map(at).collect()
    }

    fn some(states: &[&str]) -> Vec<Option<String>> {
        states.iter().map(|own| Some((*own).to_owned())).collect()
    }

    #[test]
    fn an_item_is_in_one_state_after_the_other_and_nowhere_before_it_was_created() {
        let item = finished();
        let life = Life::of(&item, &workflows());
        assert_eq!(
            states(&life, &[2, 4, 30]),
            some(&["New", "Active", "Closed"])
        );
        assert_eq!(states(&life, &[1]), [None]);
        assert!(life.is_open_at(on(4, "12:00")) && !life.is_open_at(on(1, "12:00")));
        assert!(
            !life.is_open_at(on(5, "09:00")),
            "it ends when it is closed"
        );
        assert_eq!(life.started_at(), Some(on(3, "09:00")));
        assert_eq!(life.completed_at(), Some(on(5, "09:00")));
    }

    #[test]
    fn a_reopened_item_is_not_done_and_done_again_later() {
        let open = moved(finished(), on(6, "09:00"), "Active");
        let life = Life::of(&open, &workflows());
        assert_eq!((life.completed_at(), life.resolved_at()), (None, None));
        let done = moved(
            moved(open, on(7, "09:00"), "Resolved"),
            on(8, "09:00"),
            "Closed",
        );
        let life = Life::of(&done, &workflows());
        assert_eq!(life.completed_at(), Some(on(8, "09:00")));
        assert_eq!(life.resolved_at(), Some(on(7, "09:00")));
        assert_eq!(life.started_at(), Some(on(3, "09:00")), "the first time");
    }

    #[test]
    fn an_item_that_was_given_up_is_over_but_not_done() {
        let item = moved(story(1, on(2, "09:00")), on(3, "09:00"), "Removed");
        let life = Life::of(&item, &workflows());
        assert!(!life.is_open_at(on(4, "00:00")));
        assert_eq!((life.completed_at(), life.started_at()), (None, None));
    }

    #[test]
    fn before_its_first_known_revision_an_item_was_as_that_one_left_it() {
        let item = cut(finished(), 1);
        let life = Life::of(&item, &workflows());
        assert_eq!(
            states(&life, &[1, 2, 5]),
            [None]
                .into_iter()
                .chain(some(&["Active", "Closed"]))
                .collect::<Vec<_>>()
        );
        assert_eq!(life.started_at(), None, "nobody saw when");
        assert_eq!(life.completed_at(), Some(on(5, "09:00")));
    }

    #[test]
    fn an_item_that_tells_since_when_it_is_in_its_state_was_open_before() {
        let mut item = cut(finished(), 2);
        let since = FieldValue::Text("2026-11-05T09:00:00Z".to_owned());
        item.fields
            .insert("Microsoft.VSTS.Common.StateChangeDate".to_owned(), since);
        let life = Life::of(&item, &workflows());
        assert_eq!(states(&life, &[4]), [None], "nobody knows its state");
        assert!(life.is_open_at(on(4, "12:00")) && !life.is_open_at(on(5, "12:00")));
        assert_eq!(life.completed_at(), Some(on(5, "09:00")));
    }

    #[test]
    fn a_field_has_the_value_of_the_last_revision_that_set_it() {
        let item = change(finished(), on(7, "09:00"), "bo", &[(Tracked::Points, "5")]);
        let item = change(item, on(9, "09:00"), "bo", &[(Tracked::Points, "")]);
        let life = Life::of(&item, &workflows());
        let points = [1, 6, 8, 10].map(|day| life.points_at("", on(day, "00:00")));
        assert_eq!(points, [None, None, Some(5.0), None]);
        assert_eq!(
            life.text_at(Tracked::Type, on(8, "00:00")),
            Some("User Story")
        );
        assert_eq!(life.spells(Tracked::Points).len(), 3);
    }

    #[test]
    fn a_type_that_is_not_known_ends_its_items_as_microsoft_does() {
        let item = change(finished(), on(6, "09:00"), "bo", &[(Tracked::Type, "Risk")]);
        let life = Life::of(&item, &workflows());
        assert!(life.stays.last().unwrap().is_end());
        assert_eq!(life.stays.len(), 3, "its state did not change");
    }
}
