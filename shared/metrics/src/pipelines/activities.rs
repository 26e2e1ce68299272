//! Stages, jobs and steps of a timeline, each with what it is a part of.

use std::collections::HashMap;

use jiff::Timestamp;
use model::record::{
    Timeline,
    run::{StepResult, TimelineKind, TimelineRecord},
};

use crate::seconds;

/// A timeline by its ids.
pub(super) struct Tree<'a> {
    by_id: HashMap<&'a str, &'a TimelineRecord>,
}

impl<'a> Tree<'a> {
    /// Attempts may share an id; they share what matters here, their name and their parent.
    pub(super) fn new(timeline: &'a Timeline) -> Self {
        let records = timeline.records.iter();
        Self {
            by_id: records.map(|record| (record.id.as_str(), record)).collect(),
        }
    }

    /// The record itself or the nearest one above it of this kind; classic pipelines have no stages.
    pub(super) fn nearest(
        &self,
        record: &'a TimelineRecord,
        kind: &TimelineKind,
    ) -> Option<&'a TimelineRecord> {
        let mut here = record;
        // A record is at most as deep as there are records: parents that go in a circle end here.
        for _ in 0..=self.by_id.len() {
            if here.kind == *kind {
                return Some(here);
            }
            here = self.by_id.get(here.parent.as_deref()?)?;
        }
        None
    }
}

/// From when to when it ran; `None` if it did not, or has not ended.
pub(super) fn span_of(record: &TimelineRecord) -> Option<(Timestamp, Timestamp)> {
    Some((record.started_at?, record.finished_at?))
}

/// The seconds that lie in at least one of these spans, each counted once; `None` if there are none.
pub(super) fn union(mut spans: Vec<(Timestamp, Timestamp)>) -> Option<f64> {
    spans.sort_unstable();
    let (mut until, _) = *spans.first()?;
    let mut together = 0.0;
    for (start, finish) in spans {
        together += seconds(start.max(until), finish).max(0.0);
        until = until.max(finish);
    }
    Some(together)
}

/// Whether it is a check, or the bracket around the checks of a stage. Analytics tells approvals without their bracket.
pub(super) fn is_check(kind: &TimelineKind) -> bool {
    matches!(
        kind,
        TimelineKind::Checkpoint
            | TimelineKind::Approval
            | TimelineKind::Authorization
            | TimelineKind::TaskCheck
            | TimelineKind::ExtendsCheck
    )
}

/// What people call it.
pub(super) fn label(record: &TimelineRecord) -> Option<String> {
    record.name.clone().or_else(|| record.identifier.clone())
}

/// How it ended, as the API names it.
pub(super) fn name_of(result: &StepResult) -> &str {
    match result {
        StepResult::Succeeded => "succeeded",
        StepResult::SucceededWithIssues => "succeeded_with_issues",
        StepResult::Failed => "failed",
        StepResult::Canceled => "canceled",
        StepResult::Skipped => "skipped",
        StepResult::Abandoned => "abandoned",
        StepResult::Unknown(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::record;

    #[test]
    fn a_circle_of_parents_has_an_end() {
        let mut one = record(TimelineKind::Task, "one", "10:00", "10:01");
        let mut two = record(TimelineKind::Job, "two", "10:00", "10:01");
        one.parent = Some("two".into());
        two.parent = Some("one".into());
        let timeline = Timeline {
            records: vec![one, two],
            ..Timeline::default()
        };
        let tree = Tree::new(&timeline);
        let step = &timeline.records[0];
        assert!(tree.nearest(step, &TimelineKind::Stage).is_none());
        let job = tree.nearest(step, &TimelineKind::Job).unwrap();
        assert_eq!(job.id, "two");
    }
}
