//! Rows of Analytics, put together by run.

use resources::run_activities::{Activity, ITEMS};

use crate::Error;

/// Puts rows together that belong to one run.
#[derive(Default)]
pub(super) struct Reader {
    /// Runs of which no more rows come.
    pub(super) runs: Vec<(u64, Vec<Activity>)>,
    /// The run whose rows are coming.
    open: Option<(u64, Vec<Activity>)>,
    /// The last run of which no more rows come.
    pub(super) last: Option<u64>,
}

impl Reader {
    /// Takes the next row.
    pub(super) fn take(&mut self, row: Activity) -> Result<(), Error> {
        match &mut self.open {
            Some((run, rows)) if *run == row.run => rows.push(row),
            Some((run, _)) if *run > row.run => {
                return Err(not_a_page("its rows are not in the order of their runs"));
            }
            _ => {
                self.close();
                self.open = Some((row.run, vec![row]));
            }
        }
        Ok(())
    }

    /// No more rows come.
    pub(super) fn close(&mut self) {
        if let Some(run) = self.open.take() {
            self.last = Some(run.0);
            self.runs.push(run);
        }
    }
}

/// Rows that cannot be believed.
pub(super) fn not_a_page(problem: &str) -> Error {
    Error::Page(ado::Error::NotAPage {
        expected: ITEMS.to_owned(),
        problem: problem.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use resources::run_activities::activity;

    use super::*;

    fn row(run: u64) -> Activity {
        let row = format!(r#"{{"PipelineRunId":{run},"ActivityType":"Task"}}"#);
        activity(serde_json::from_str(&row).unwrap()).unwrap()
    }

    #[test]
    fn the_rows_of_a_run_are_kept_until_the_next_run_begins() {
        let mut reader = Reader::default();
        for run in [4, 4, 7] {
            reader.take(row(run)).unwrap();
        }
        let seen: Vec<_> = reader
            .runs
            .drain(..)
            .map(|(run, rows)| (run, rows.len()))
            .collect();
        assert_eq!((seen, reader.last), (vec![(4, 2)], Some(4)));
        reader.take(row(7)).unwrap();
        reader.close();
        let seen: Vec<_> = reader
            .runs
            .iter()
            .map(|(run, rows)| (*run, rows.len()))
            .collect();
        assert_eq!((seen, reader.last), (vec![(7, 2)], Some(7)));
    }

    #[test]
    fn rows_in_another_order_are_not_believed() {
        let mut reader = Reader::default();
        reader.take(row(7)).unwrap();
        assert!(reader.take(row(4)).is_err());
    }
}
