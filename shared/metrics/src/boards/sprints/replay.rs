//! What became of an item in a sprint, by replay of its revisions.

use jiff::{SignedDuration, Timestamp, ToSpan};
use model::record::{
    ClassificationNode, metadata::StateCategory, metadata::Structure, work_item::Tracked,
};

use crate::{
    Range,
    boards::life::{Life, Stay},
};

/// An iteration with dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sprint {
    /// As work items name it.
    pub(crate) path: String,
    /// From its first day to the end of its last one, which is a part of it.
    pub(crate) range: Range,
}

/// What counts, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) unit: Unit,
    /// The field that holds estimates; empty for that of the process.
    pub(crate) points_field: String,
    /// For how many days after its beginning what comes into a sprint is still committed and not added.
    pub(crate) grace_days: u32,
    /// States besides those of category completed in which an item is done.
    pub(crate) done_states: Vec<String>,
    /// Whether an item that was taken out of the sprint stays part of what it began or was extended with.
    pub(crate) keep_removed: bool,
    /// Whether an item counts that was done before the sprint began.
    pub(crate) keep_done_before: bool,
}

/// What items are measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Each is one.
    Items,
    /// Each is its estimate; 0 if it has none.
    Points,
}

/// What became of a piece of work in a sprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// In it when it began, and done.
    CommittedDone,
    /// In it when it began, and not done.
    CommittedMissed,
    /// In it when it began, and taken out.
    CommittedRemoved,
    /// By how much the estimate of an item that was in it when it began had become smaller when it was done.
    CommittedShrunk,
    /// Added after it began, and done.
    CreepDone,
    /// Added after it began, and not done.
    CreepMissed,
    /// Added after it began, and taken out.
    CreepRemoved,
    /// By how much the estimate of an item that was in it when it began had grown when it was done.
    GrowthDone,
    /// By how much the estimate of an item that was in it when it began had grown, although it was not done.
    GrowthMissed,
    /// Taken out, where that is not to count as committed or added.
    Removed,
}

impl Outcome {
    /// The name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CommittedDone => "committed_done",
            Self::CommittedMissed => "committed_missed",
            Self::CommittedRemoved => "committed_removed",
            Self::CommittedShrunk => "committed_shrunk",
            Self::CreepDone => "creep_done",
            Self::CreepMissed => "creep_missed",
            Self::CreepRemoved => "creep_removed",
            Self::GrowthDone => "growth_done",
            Self::GrowthMissed => "growth_missed",
            Self::Removed => "removed",
        }
    }
}

/// A piece of work with what became of it.
pub(crate) type Piece = (Outcome, f64);

impl Sprint {
    /// The iteration, if it has dates. They are midnights in UTC: the service knows days and no zones.
    pub(crate) fn of(node: &ClassificationNode) -> Option<Self> {
        let (first, last) = (node.starts_at?, node.finishes_at?);
        let to = last.checked_add(24.hours()).ok()?;
        let range = Range { from: first, to };
        (node.structure == Structure::Iteration && first < to).then_some(Self {
            path: node.path.clone(),
            range,
        })
    }

    /// Its last instant, or now while it lasts; `None` if it has not begun.
    pub(crate) fn last_instant(&self, now: Timestamp) -> Option<Timestamp> {
        (self.range.from <= now).then(|| now.min(self.range.to - 1.nanoseconds()))
    }

    /// Whether it lasts.
    pub(super) fn state(&self, now: Timestamp) -> &'static str {
        if now < self.range.to {
            "current"
        } else {
            "past"
        }
    }

    /// The times in which an item was in it, in order, the last one perhaps without an end.
    fn memberships(&self, life: &Life<'_>) -> Vec<(Timestamp, Option<Timestamp>)> {
        let mut found: Vec<(Timestamp, Option<Timestamp>)> = Vec::new();
        for spell in life.spells(Tracked::IterationPath) {
            let own = matches!(spell.value, Some(model::record::work_item::FieldValue::Text(path))
                if path.to_lowercase() == self.path.to_lowercase());
            match found.last_mut() {
                _ if !own => {}
                Some((_, to)) if *to == Some(spell.from) => *to = spell.to,
                _ => found.push((spell.from, spell.to)),
            }
        }
        // What came before the first revision that was seen is taken to have been like it.
        if let (Some((from, _)), false) = (found.first_mut(), life.is_whole())
            && life.item.revisions.first().map(|own| own.at) == Some(*from)
        {
            *from = life.created_at().unwrap_or(*from);
        }
        found
    }

    /// How much of an item was in the sprint at an instant, and whether it was done; `None` if it was not in it.
    pub(crate) fn content_at(
        &self,
        life: &Life<'_>,
        at: Timestamp,
        rules: &Rules,
    ) -> Option<(f64, bool)> {
        let is_member = |(from, to): &(Timestamp, Option<Timestamp>)| {
            *from <= at && to.is_none_or(|to| at < to)
        };
        let is_in = self.memberships(life).iter().any(is_member) && !is_given_up(life, at);
        let is_late = rules.keep_done_before || !rules.is_done(life, self.range.from);
        (is_in && is_late).then(|| (rules.size(life, at), rules.is_done(life, at)))
    }
}

impl Rules {
    fn is_done(&self, life: &Life<'_>, at: Timestamp) -> bool {
        let is_done = |stay: &Stay<'_>| {
            let mut extra = self.done_states.iter();
            stay.is(&StateCategory::Completed)
                || extra.any(|own| own.to_lowercase() == stay.state.to_lowercase())
        };
        life.stay_at(at).is_some_and(is_done)
    }

    fn size(&self, life: &Life<'_>, at: Timestamp) -> f64 {
        match self.unit {
            Unit::Items => 1.0,
            Unit::Points => life.points_at(&self.points_field, at).unwrap_or(0.0),
        }
    }

    /// What became of an item in a sprint, up to its end or up to now while it lasts. Nothing if it was never in it while
    /// it lasted, or was done before it began.
    pub(crate) fn pieces(&self, life: &Life<'_>, sprint: &Sprint, now: Timestamp) -> Vec<Piece> {
        let Some(end) = sprint.last_instant(now) else {
            return Vec::new();
        };
        let start = sprint.range.from;
        let grace = SignedDuration::from_hours(24 * i64::from(self.grace_days));
        let committed_until = start.checked_add(grace).unwrap_or(end).min(end);
        let stays = sprint.memberships(life).into_iter();
        let within: Vec<_> = stays
            .filter(|(from, to)| *from <= end && to.is_none_or(|to| start < to))
            .collect();
        let (Some((entry, left)), Some((_, last))) = (within.first(), within.last()) else {
            return Vec::new();
        };
        let was_done = self.is_done(life, start) && self.is_done(life, start.max(*entry));
        if was_done && !self.keep_done_before {
            return Vec::new();
        }
        let gone_at = last.filter(|last| *last <= end);
        let is_committed = *entry <= committed_until;
        let known_at = left.map_or(committed_until, |left| {
            committed_until.min(left - 1.nanoseconds())
        });
        let begun = self.size(life, known_at.max(start));
        if gone_at.is_some() || is_given_up(life, end) {
            let of_then = gone_at.map_or(end, |gone| gone - 1.nanoseconds());
            return vec![match (self.keep_removed, is_committed) {
                (true, true) => (Outcome::CommittedRemoved, begun),
                (true, false) => (Outcome::CreepRemoved, self.size(life, of_then)),
                (false, _) => (Outcome::Removed, self.size(life, of_then)),
            }];
        }
        let ended = self.size(life, end);
        match (is_committed, self.is_done(life, end)) {
            (false, true) => vec![(Outcome::CreepDone, ended)],
            (false, false) => vec![(Outcome::CreepMissed, ended)],
            (true, true) => {
                let mut pieces = vec![(Outcome::CommittedDone, begun.min(ended))];
                pieces.extend((ended < begun).then_some((Outcome::CommittedShrunk, begun - ended)));
                pieces.extend((ended > begun).then_some((Outcome::GrowthDone, ended - begun)));
                pieces
            }
            (true, false) => {
                let mut pieces = vec![(Outcome::CommittedMissed, begun)];
                pieces.extend((ended > begun).then_some((Outcome::GrowthMissed, ended - begun)));
                pieces
            }
        }
    }
}

/// Whether it was put into a state that means that nobody will do it.
fn is_given_up(life: &Life<'_>, at: Timestamp) -> bool {
    life.stay_at(at)
        .is_some_and(|stay| stay.is(&StateCategory::Removed))
}

#[cfg(test)]
mod tests {
    use model::record::WorkItem;

    use super::*;
    use crate::boards::samples::{change, iteration, moved, on, story, workflows};

    impl Default for Rules {
        fn default() -> Self {
            Self {
                unit: Unit::Points,
                points_field: String::new(),
                grace_days: 0,
                done_states: Vec::new(),
                keep_removed: true,
                keep_done_before: false,
            }
        }
    }

    const PATH: &str = "Shop\\Sprint 7";

    /// From Monday the 9th to Friday the 20th.
    fn sprint() -> Sprint {
        let range = Range {
            from: on(9, "00:00"),
            to: on(21, "00:00"),
        };
        let path = PATH.to_owned();
        Sprint { path, range }
    }

    fn planned(item: WorkItem, day: u32, points: &str) -> WorkItem {
        let changes = [(Tracked::IterationPath, PATH), (Tracked::Points, points)];
        change(item, on(day, "10:00"), "ann", &changes)
    }

    fn estimated(item: WorkItem, day: u32, points: &str) -> WorkItem {
        change(item, on(day, "10:00"), "ann", &[(Tracked::Points, points)])
    }

    fn done(item: WorkItem, day: u32) -> WorkItem {
        moved(item, on(day, "18:00"), "Closed")
    }

    fn removed(item: WorkItem, day: u32) -> WorkItem {
        let changes = [(Tracked::IterationPath, "Shop")];
        change(item, on(day, "10:00"), "ann", &changes)
    }

    /// An item of the 2nd that was planned into the sprint on the 6th.
    fn committed(points: &str) -> WorkItem {
        planned(story(1, on(2, "09:00")), 6, points)
    }

    /// An item of the 2nd that was planned into the sprint on its third day.
    fn added(points: &str) -> WorkItem {
        planned(story(1, on(2, "09:00")), 11, points)
    }

    fn pieces_by(rules: &Rules, item: &WorkItem) -> Vec<Piece> {
        let life = Life::of(item, &workflows());
        rules.pieces(&life, &sprint(), on(30, "00:00"))
    }

    fn pieces(item: &WorkItem) -> Vec<Piece> {
        pieces_by(&Rules::default(), item)
    }

    /// `No estimate at start: 0 commit`.
    #[test]
    fn without_an_estimate_nothing_is_committed() {
        assert_eq!(pieces(&committed("")), [(Outcome::CommittedMissed, 0.0)]);
    }

    /// `2 points at start: 2 commit`.
    #[test]
    fn the_estimate_at_the_start_is_committed() {
        assert_eq!(pieces(&committed("2")), [(Outcome::CommittedMissed, 2.0)]);
        assert_eq!(
            pieces(&done(committed("2"), 12)),
            [(Outcome::CommittedDone, 2.0)]
        );
    }

    /// `2 at start, later 5` is printed as 5 delivered story creep; by the definition next to it, it is the difference.
    #[test]
    fn an_estimate_that_grew_has_grown_by_the_difference() {
        let grown = estimated(committed("2"), 12, "5");
        let expected = [
            (Outcome::CommittedMissed, 2.0),
            (Outcome::GrowthMissed, 3.0),
        ];
        assert_eq!(pieces(&grown), expected);
        let expected = [(Outcome::CommittedDone, 2.0), (Outcome::GrowthDone, 3.0)];
        assert_eq!(pieces(&done(grown, 13)), expected);
    }

    /// `1 at start, removed: 1 commit`, although what is removed is said to be left out.
    #[test]
    fn what_was_taken_out_was_committed_unless_it_is_not_to_count() {
        let item = removed(committed("1"), 12);
        assert_eq!(pieces(&item), [(Outcome::CommittedRemoved, 1.0)]);
        let rules = Rules {
            keep_removed: false,
            ..Rules::default()
        };
        assert_eq!(pieces_by(&rules, &item), [(Outcome::Removed, 1.0)]);
    }

    /// `2, done before start, then added` is printed as 2 commit and 2 commit done, although work from outside of the sprint
    /// is said not to count.
    #[test]
    fn what_was_done_before_does_not_count_unless_it_is_to() {
        let item = planned(done(story(1, on(2, "09:00")), 5), 6, "2");
        assert_eq!(pieces(&item), []);
        let rules = Rules {
            keep_done_before: true,
            ..Rules::default()
        };
        assert_eq!(pieces_by(&rules, &item), [(Outcome::CommittedDone, 2.0)]);
        let reopened = moved(item, on(10, "09:00"), "Active");
        assert_eq!(pieces(&reopened), [], "it was done when the sprint began");
        let late = moved(story(1, on(2, "09:00")), on(5, "09:00"), "Closed");
        let late = planned(moved(late, on(10, "09:00"), "Active"), 11, "3");
        assert_eq!(pieces(&late), [(Outcome::CreepMissed, 3.0)]);
    }

    /// `3 at start, later 1, done: 1 commit done`.
    #[test]
    fn an_estimate_that_shrank_is_done_as_far_as_it_is_left() {
        let item = done(estimated(committed("3"), 12, "1"), 13);
        let expected = [
            (Outcome::CommittedDone, 1.0),
            (Outcome::CommittedShrunk, 2.0),
        ];
        assert_eq!(pieces(&item), expected);
    }

    /// `Added at 2, later 5: 5 creep`.
    #[test]
    fn what_was_added_counts_as_it_ended() {
        let item = estimated(added("2"), 12, "5");
        assert_eq!(pieces(&item), [(Outcome::CreepMissed, 5.0)]);
        assert_eq!(pieces(&done(item, 13)), [(Outcome::CreepDone, 5.0)]);
        assert_eq!(
            pieces(&removed(added("2"), 12)),
            [(Outcome::CreepRemoved, 2.0)]
        );
    }

    #[test]
    fn the_last_day_is_part_of_the_sprint() {
        assert_eq!(
            pieces(&done(committed("2"), 20)),
            [(Outcome::CommittedDone, 2.0)]
        );
        assert_eq!(
            pieces(&done(committed("2"), 21)),
            [(Outcome::CommittedMissed, 2.0)]
        );
        assert_eq!(pieces(&planned(story(1, on(2, "09:00")), 21, "2")), []);
        let node = iteration(PATH, 9, 20);
        assert_eq!(Sprint::of(&node), Some(sprint()));
    }

    #[test]
    fn days_of_grace_make_added_work_committed() {
        let rules = Rules {
            grace_days: 3,
            ..Rules::default()
        };
        assert_eq!(
            pieces_by(&rules, &added("2")),
            [(Outcome::CommittedMissed, 2.0)]
        );
        let grown = estimated(added("2"), 11, "4");
        assert_eq!(pieces_by(&rules, &grown), [(Outcome::CommittedMissed, 4.0)]);
        let short = Rules {
            grace_days: 2,
            ..Rules::default()
        };
        assert_eq!(
            pieces_by(&short, &added("2")),
            [(Outcome::CreepMissed, 2.0)]
        );
    }

    #[test]
    fn states_of_ones_own_can_mean_done() {
        let item = moved(committed("2"), on(12, "09:00"), "Resolved");
        assert_eq!(pieces(&item), [(Outcome::CommittedMissed, 2.0)]);
        let rules = Rules {
            done_states: vec!["resolved".to_owned()],
            ..Rules::default()
        };
        assert_eq!(pieces_by(&rules, &item), [(Outcome::CommittedDone, 2.0)]);
    }

    #[test]
    fn an_item_that_left_and_came_back_was_always_in() {
        let item = planned(removed(committed("2"), 12), 13, "2");
        assert_eq!(pieces(&item), [(Outcome::CommittedMissed, 2.0)]);
    }

    #[test]
    fn an_item_that_was_given_up_was_taken_out() {
        let item = moved(committed("2"), on(12, "09:00"), "Removed");
        assert_eq!(pieces(&item), [(Outcome::CommittedRemoved, 2.0)]);
    }

    #[test]
    fn tickets_are_one_each_and_do_not_grow() {
        let rules = Rules {
            unit: Unit::Items,
            ..Rules::default()
        };
        let item = done(estimated(committed(""), 12, "5"), 13);
        assert_eq!(pieces_by(&rules, &item), [(Outcome::CommittedDone, 1.0)]);
    }

    #[test]
    fn a_sprint_that_lasts_is_seen_up_to_now_and_one_to_come_not_at_all() {
        let item = done(committed("2"), 13);
        let life = Life::of(&item, &workflows());
        let at = |day| Rules::default().pieces(&life, &sprint(), on(day, "12:00"));
        assert_eq!(at(12), [(Outcome::CommittedMissed, 2.0)]);
        assert_eq!(at(14), [(Outcome::CommittedDone, 2.0)]);
        assert_eq!(at(8), []);
    }

    #[test]
    fn the_content_of_a_sprint_changes_from_day_to_day() {
        let item = done(estimated(added("2"), 12, "5"), 13);
        let life = Life::of(&item, &workflows());
        let rules = Rules::default();
        let at = |day| sprint().content_at(&life, on(day, "23:59"), &rules);
        assert_eq!(
            [at(10), at(11), at(12), at(13)],
            [
                None,
                Some((2.0, false)),
                Some((5.0, false)),
                Some((5.0, true))
            ]
        );
    }
}
