//! How many pull requests there are, and how many of them were merged.

use jiff::Timestamp;
use model::record::{PullRequest, pull_request::PullRequestStatus};

use super::{
    PEOPLE, PULL_REQUEST_DIMENSIONS, PULL_REQUESTS, REPOSITORIES, dimensions_of, link_to,
    story::merged_at,
};
use crate::{Context, Fact, Form, Measure, Metric, Row, Rows, Setting, Values};

/// Counts and the rate of merges.
pub(crate) const METRICS: &[Metric] = &[COUNT, MERGE_RATE];

/// On which instant a pull request counts.
const COUNTED_WHEN: Setting = Setting {
    name: "counted_when",
    meaning: "On which event a pull request counts: when it was opened, closed in either way, or merged.",
    default: "opened",
    values: Values::OneOf(&["opened", "closed", "merged"]),
};

/// Pull requests. Of three that were opened yesterday, one of them merged today, three count yesterday, or one counts today.
const COUNT: Metric = Metric {
    name: "pull_request_count",
    definition: "How many pull requests were opened in the range, or closed, or merged, as `counted_when` says.",
    formula: "1 for each pull request",
    measure: Measure::Count,
    inputs: &[PULL_REQUESTS, REPOSITORIES, PEOPLE],
    dimensions: PULL_REQUEST_DIMENSIONS,
    settings: &[COUNTED_WHEN],
    form: Form::Bar,
    rows: Rows::Each(|fact, context| {
        let when = context.settings.text(&COUNTED_WHEN);
        row(fact, context, |own| match when {
            "closed" => Some((own.closed_at?, 1.0)),
            "merged" => Some((merged_at(own)?, 1.0)),
            _ => Some((own.created_at, 1.0)),
        })
    }),
};

/// The share of closed pull requests that were merged. Of three merged and one abandoned it is 0.75.
const MERGE_RATE: Metric = Metric {
    name: "pull_request_merge_rate",
    definition: "Which share of the pull requests that were closed in the range was merged, not abandoned.",
    formula: "1 if merged, 0 if abandoned",
    measure: Measure::Share,
    settings: &[],
    rows: Rows::Each(|fact, context| {
        row(fact, context, |own| match own.status {
            PullRequestStatus::Completed => Some((own.closed_at?, 1.0)),
            PullRequestStatus::Abandoned => Some((own.closed_at?, 0.0)),
            PullRequestStatus::Active | PullRequestStatus::Unknown(_) => None,
        })
    }),
    ..COUNT
};

fn row(
    fact: &Fact,
    context: &Context,
    counted: impl Fn(&PullRequest) -> Option<(Timestamp, f64)>,
) -> Vec<Row> {
    let Fact::PullRequest(own, ..) = fact else {
        return Vec::new();
    };
    let row = counted(own).map(|(at, value)| Row {
        at,
        value,
        dimensions: dimensions_of(own, context),
        link: link_to(own),
        evidence: Vec::new(),
    });
    row.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Dimension, Settings,
        samples::{clock, context, pull_request, rows},
    };

    fn facts() -> Vec<Fact> {
        let mut abandoned = pull_request("10:00", Some("12:00"));
        abandoned.status = PullRequestStatus::Abandoned;
        let merged = pull_request("10:00", Some("11:00"));
        let all = [
            merged.clone(),
            merged.clone(),
            merged,
            abandoned,
            pull_request("10:00", None),
        ];
        all.map(|own| Fact::PullRequest(Box::new(own), None, None))
            .to_vec()
    }

    #[test]
    fn what_counts_is_chosen() {
        for (when, count) in [("opened", 5), ("closed", 4), ("merged", 3)] {
            let mut settings = Settings::default();
            settings.choose(&COUNTED_WHEN, when).unwrap();
            let asked = Context {
                settings,
                ..context()
            };
            assert_eq!(rows(&COUNT, &facts(), &asked).len(), count, "{when}");
        }
    }

    #[test]
    fn three_of_four_were_merged() {
        let found = rows(&MERGE_RATE, &facts(), &context());
        let values: Vec<f64> = found.iter().map(|row| row.value).collect();
        assert_eq!(values, [1.0, 1.0, 1.0, 0.0]);
        assert_eq!(found[3].at, clock("12:00"));
        assert_eq!(found[3].dimension(Dimension::Status), Some("abandoned"));
    }
}
