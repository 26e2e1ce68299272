//! Rows of Analytics, put together by run.

use jiff::Timestamp;

use super::Activity;
use crate::MapError;

/// Puts rows together that belong to one run, and holds a run back until all of its rows are sure to have been there.
///
/// Analytics is behind by half a minute, after bulk changes by more, and Microsoft names no bound. But it copies things in
/// their order: where it tells of something that ended after a run, it has all of that run.
/// <https://learn.microsoft.com/azure/devops/report/powerbi/performance-latency>
#[derive(Debug, Default)]
pub struct Rows {
    /// Runs of which no more rows come.
    read: Vec<(u64, Vec<Activity>)>,
    /// The run whose rows are coming.
    open: Option<(u64, Vec<Activity>)>,
    last: Option<u64>,
    newest: Option<Timestamp>,
}

impl Rows {
    /// Takes the next row.
    ///
    /// # Errors
    /// It belongs to a run whose rows seemed to be over: then nothing is sure.
    pub fn take(&mut self, row: Activity) -> Result<(), MapError> {
        self.newest = self.newest.max(row.finished_at);
        match &mut self.open {
            Some((run, rows)) if *run == row.run => rows.push(row),
            Some((run, _)) if *run > row.run => {
                return Err(MapError::new("rows are not in the order of their runs"));
            }
            _ => {
                self.close();
                self.open = Some((row.run, vec![row]));
            }
        }
        Ok(())
    }

    /// No more rows come.
    pub fn close(&mut self) {
        if let Some(run) = self.open.take() {
            self.last = Some(run.0);
            self.read.push(run);
        }
    }

    /// The last run of which no more rows come.
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// Gives away the runs whose rows are complete. `end` says when a run ended; one without is forgotten.
    pub fn complete(
        &mut self,
        end: impl Fn(u64) -> Option<Timestamp>,
    ) -> Vec<(u64, Vec<Activity>)> {
        let newest = self.newest;
        let (mut complete, mut waiting) = (Vec::new(), Vec::new());
        for (run, rows) in self.read.drain(..) {
            match end(run) {
                Some(end) if Some(end) < newest => complete.push((run, rows)),
                Some(_) => waiting.push((run, rows)),
                None => {}
            }
        }
        self.read = waiting;
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_activities::activity;

    fn row(run: u64, minute: u8) -> Activity {
        let row = format!(
            r#"{{"PipelineRunId":{run},"ActivityType":"Task","ActivityCompletedDate":"{}"}}"#,
            at(minute)
        );
        activity(serde_json::from_str(&row).unwrap()).unwrap()
    }

    fn at(minute: u8) -> Timestamp {
        format!("2026-07-04T10:{minute:02}:00Z").parse().unwrap()
    }

    /// The complete runs, each with its number of rows.
    fn complete(rows: &mut Rows, end: impl Fn(u64) -> Option<Timestamp>) -> Vec<(u64, usize)> {
        let complete = rows.complete(end).into_iter();
        complete.map(|(run, rows)| (run, rows.len())).collect()
    }

    #[test]
    fn the_rows_of_a_run_are_kept_until_the_next_run_begins() {
        let mut rows = Rows::default();
        let early = |_| Some(at(0));
        for run in [4, 4, 7] {
            rows.take(row(run, 5)).unwrap();
        }
        assert_eq!(
            (complete(&mut rows, early), rows.last()),
            (vec![(4, 2)], Some(4))
        );
        rows.take(row(7, 5)).unwrap();
        rows.close();
        assert_eq!(
            (complete(&mut rows, early), rows.last()),
            (vec![(7, 2)], Some(7))
        );
    }

    #[test]
    fn a_run_waits_until_something_is_told_that_ended_after_it() {
        let mut rows = Rows::default();
        let end = |run| (run != 9).then(|| at(10 + u8::try_from(run).unwrap()));
        rows.take(row(4, 14)).unwrap();
        rows.take(row(5, 9)).unwrap();
        assert_eq!(complete(&mut rows, end), []);
        rows.take(row(9, 15)).unwrap();
        assert_eq!(complete(&mut rows, end), [(4, 1)]);
        rows.close();
        assert_eq!(
            complete(&mut rows, end),
            [],
            "run 5 ended when the newest row did, and 9 is forgotten"
        );
    }

    #[test]
    fn rows_in_another_order_are_not_believed() {
        let mut rows = Rows::default();
        rows.take(row(7, 0)).unwrap();
        assert!(rows.take(row(4, 0)).is_err());
    }
}
