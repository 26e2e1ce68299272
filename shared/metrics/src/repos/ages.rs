//! Pull requests that wait.

use super::{PEOPLE, PULL_REQUEST_DIMENSIONS, PULL_REQUESTS, REPOSITORIES, dimensions_of, link_to};
use crate::{Context, Fact, Form, Measure, Metric, Row, Rows, ages::as_of, seconds};

/// How long open pull requests have been open.
pub(crate) const METRICS: &[Metric] = &[AGE];

/// How long a pull request has been open at the end of the range. One that was opened at 10:00 and is still open at noon is
/// 7200 s old at noon, whatever happened to it later.
const AGE: Metric = Metric {
    name: "open_pull_request_age",
    definition: "How long the pull requests had been open that were open at the end of the range, or are now if the range has not ended. Drafts have the status `draft`. All of them count at that instant.",
    formula: "end of the range or now - opened",
    measure: Measure::Duration,
    inputs: &[PULL_REQUESTS, REPOSITORIES, PEOPLE],
    dimensions: PULL_REQUEST_DIMENSIONS,
    settings: &[],
    form: Form::Table,
    rows: Rows::Each(age),
};

fn age(fact: &Fact, context: &Context) -> Vec<Row> {
    let Fact::PullRequest(own, ..) = fact else {
        return Vec::new();
    };
    let Some(at) = as_of(context) else {
        return Vec::new();
    };
    let is_open = own.created_at <= at && own.closed_at.is_none_or(|closed| closed > at);
    let row = is_open.then(|| Row {
        at,
        value: seconds(own.created_at, at),
        dimensions: dimensions_of(own, context),
        link: link_to(own),
        evidence: Vec::new(),
    });
    row.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{clock, context, pull_request, rows};

    #[test]
    fn a_pull_request_is_as_old_as_it_was_then() {
        let of =
            |opened, closed| Fact::PullRequest(Box::new(pull_request(opened, closed)), None, None);
        let facts = [
            of("10:00", None),
            of("10:00", Some("13:00")),
            of("10:00", Some("11:00")),
        ];
        let mut asked = context();
        asked.now = clock("12:00");
        let found: Vec<f64> = rows(&AGE, &facts, &asked)
            .iter()
            .map(|row| row.value)
            .collect();
        assert_eq!(found, [7_200.0, 7_200.0]);
    }
}
