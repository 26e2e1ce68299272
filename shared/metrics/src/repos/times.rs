//! How long pull requests take until something happens to them. Each is measured by itself; they overlap.

use jiff::Timestamp;
use model::record::{PullRequest, PullRequestActivity};

use super::{
    BOTS, OF_PULL_REQUESTS, PEOPLE, PULL_REQUEST_DIMENSIONS, REPOSITORIES, REVIEWED, dimensions_of,
    link_to,
    story::{Story, merged_at},
};
use crate::{Context, Dimension, Fact, Form, Measure, Metric, Row, Rows, Setting, Values, seconds};

/// Times until a first review, comment, approval and the merge, and of answers.
pub(crate) const METRICS: &[Metric] = &[
    FIRST_REVIEW_TIME,
    COMMENT_TIME,
    APPROVAL_TIME,
    FIRST_REVIEW_TO_MERGE_TIME,
    MERGE_TIME,
    RESPONSE_TIME,
];

/// From when the time of a pull request counts.
pub(super) const SINCE: Setting = Setting {
    name: "since",
    meaning: "Whether time counts since a pull request was opened, or since it stopped being a draft.",
    default: "opened",
    values: Values::OneOf(&["opened", "published"]),
};

/// From a pull request's opening to the first comment or vote of somebody other than its author. Opened at 10:10, commented by
/// its author at 10:11, rejected by somebody at 10:40: 1800 s.
const FIRST_REVIEW_TIME: Metric = Metric {
    name: "pull_request_first_review_time",
    definition: "How long pull requests whose first review was in the range had waited for it: for a comment or vote of somebody other than the author, while they were open.",
    formula: "first comment or vote of somebody else - opened",
    measure: Measure::Duration,
    inputs: &[REVIEWED, REPOSITORIES, PEOPLE],
    dimensions: PULL_REQUEST_DIMENSIONS,
    settings: &[BOTS, SINCE],
    form: Form::Line,
    rows: Rows::Each(|fact, context| {
        row(fact, context, |story, own| {
            Some((since(story, own, context), story.first_review()?))
        })
    }),
};

/// From a pull request's opening to the first comment of somebody else. Opened at 10:10, approved at 10:12, commented at
/// 10:15: 300 s.
const COMMENT_TIME: Metric = Metric {
    name: "pull_request_comment_time",
    definition: "How long pull requests whose first comment by somebody other than the author was in the range had waited for it.",
    formula: "first comment of somebody else - opened",
    rows: Rows::Each(|fact, context| {
        row(fact, context, |story, own| {
            Some((since(story, own, context), story.first_comment()?))
        })
    }),
    ..FIRST_REVIEW_TIME
};

/// From a pull request's opening to its first approval by somebody else. Opened at 10:10, approved at 10:15: 300 s, whenever
/// the first comment was.
const APPROVAL_TIME: Metric = Metric {
    name: "pull_request_approval_time",
    definition: "How long pull requests whose first approval by somebody other than the author was in the range had waited for it, with suggestions or without.",
    formula: "first approval of somebody else - opened",
    rows: Rows::Each(|fact, context| {
        row(fact, context, |story, own| {
            Some((since(story, own, context), story.first_approval()?))
        })
    }),
    ..FIRST_REVIEW_TIME
};

/// From the first review of a pull request to its merge. Reviewed at 10:11, merged at 10:19: 480 s.
const FIRST_REVIEW_TO_MERGE_TIME: Metric = Metric {
    name: "pull_request_first_review_to_merge_time",
    definition: "How long pull requests that were merged in the range took from their first review. Those that nobody reviewed have no row.",
    formula: "merged - first comment or vote of somebody else",
    settings: &[BOTS],
    rows: Rows::Each(|fact, context| {
        row(fact, context, |story, own| {
            Some((story.first_review()?, merged_at(own)?))
        })
    }),
    ..FIRST_REVIEW_TIME
};

/// From a pull request's opening to its merge. Opened at 10:10, merged at 10:19: 540 s.
const MERGE_TIME: Metric = Metric {
    name: "pull_request_merge_time",
    definition: "How long pull requests that were merged in the range had been open. Abandoned ones have no row.",
    formula: "merged - opened",
    settings: &[SINCE],
    rows: Rows::Each(|fact, context| {
        let Fact::PullRequest(own, activity, _) = fact else {
            return Vec::new();
        };
        // The merge is known without what happened before.
        let nothing = PullRequestActivity::default();
        let activity = activity.as_ref().unwrap_or(&nothing);
        let story = Story::new(own, activity, context);
        let span = merged_at(own).map(|at| (since(&story, own, context), at));
        row_of(own, context, span).into_iter().collect()
    }),
    ..FIRST_REVIEW_TIME
};

/// The time until the other side answers. The author opens at 10:00; a reviewer comments at 10:20 and again at 10:25 (1200 s
/// for a reviewer's answer); the author pushes at 11:20 (3600 s for the author's answer, from the first of the comments).
const RESPONSE_TIME: Metric = Metric {
    name: "pull_request_response_time",
    definition: "How long whoever was to answer in a pull request took: reviewers after it was opened, or its author pushed or commented; its author after reviewers commented or voted. What one side does in a row is answered once, from the first of it on. The answer counts in the range; `role` says who answered.",
    formula: "first act of the other side - first act that it had not answered",
    settings: &[BOTS, SINCE],
    dimensions: &{
        let [a, b, c, d, e, f, g] = OF_PULL_REQUESTS;
        [a, b, c, d, e, f, g, Dimension::Role, Dimension::Person]
    },
    rows: Rows::Each(responses),
    ..FIRST_REVIEW_TIME
};

/// When the time of a pull request begins.
pub(super) fn since(story: &Story<'_>, own: &PullRequest, context: &Context) -> Timestamp {
    match context.settings.text(&SINCE) {
        "published" => story.published_at(),
        _ => own.created_at,
    }
}

type Span = (Timestamp, Timestamp);

fn row(
    fact: &Fact,
    context: &Context,
    span: impl Fn(&Story<'_>, &PullRequest) -> Option<Span>,
) -> Vec<Row> {
    let Fact::PullRequest(own, Some(activity), _) = fact else {
        return Vec::new();
    };
    let story = Story::new(own, activity, context);
    let row = row_of(own, context, span(&story, own));
    row.into_iter().collect()
}

fn row_of(own: &PullRequest, context: &Context, span: Option<Span>) -> Option<Row> {
    let (from, at) = span?;
    Some(Row {
        at,
        value: seconds(from, at),
        dimensions: dimensions_of(own, context),
        link: link_to(own),
        evidence: Vec::new(),
    })
}

fn responses(fact: &Fact, context: &Context) -> Vec<Row> {
    let Fact::PullRequest(own, Some(activity), _) = fact else {
        return Vec::new();
    };
    let story = Story::new(own, activity, context);
    let mut rows = Vec::new();
    // The author had the first word by opening it.
    let (mut unanswered, mut is_authors) = (since(&story, own, context), true);
    for (act, by_author) in story.turns() {
        if by_author == is_authors || act.at < unanswered {
            continue;
        }
        let mut dimensions = dimensions_of(own, context);
        let role = if by_author { "author" } else { "reviewer" };
        dimensions.push((Dimension::Role, role.to_owned()));
        let person = act
            .who
            .as_ref()
            .map(|who| context.known.people.name_of(who));
        dimensions.extend(person.map(|name| (Dimension::Person, name)));
        rows.push(Row {
            at: act.at,
            value: seconds(unanswered, act.at),
            dimensions,
            link: link_to(own),
            evidence: Vec::new(),
        });
        (unanswered, is_authors) = (act.at, by_author);
    }
    rows
}

#[cfg(test)]
mod tests {
    use model::record::pull_request::Happened;

    use super::*;
    use crate::{
        Settings,
        samples::{context, reviewed, rows, values},
    };

    const COMMENT: Happened = Happened::Comment {
        thread: 1,
        reply: false,
        on_code: true,
    };

    const PUSH: Happened = Happened::Push {
        commits: 1,
        head: None,
    };

    #[test]
    fn a_first_review_is_somebody_elses() {
        let acts = [
            ("10:11", "author", COMMENT),
            ("10:40", "peer", Happened::Vote(-10)),
            ("10:50", "peer", COMMENT),
            ("10:55", "peer", Happened::Vote(5)),
        ];
        let fact = reviewed("10:10", Some("11:00"), &acts);
        assert_eq!(values(&FIRST_REVIEW_TIME, &fact), [1_800.0]);
        assert_eq!(values(&COMMENT_TIME, &fact), [2_400.0]);
        assert_eq!(values(&APPROVAL_TIME, &fact), [2_700.0]);
        assert_eq!(values(&FIRST_REVIEW_TO_MERGE_TIME, &fact), [1_200.0]);
        assert_eq!(values(&MERGE_TIME, &fact), [3_000.0]);
    }

    #[test]
    fn what_never_happened_has_no_row() {
        let alone = reviewed("10:10", None, &[("10:11", "author", COMMENT)]);
        for metric in METRICS {
            assert_eq!(values(metric, &alone), [] as [f64; 0], "{}", metric.name);
        }
        let late = [
            ("10:30", "peer", COMMENT),
            ("10:12", "peer", Happened::Vote(0)),
        ];
        let closed = reviewed("10:10", Some("10:20"), &late);
        assert_eq!(values(&FIRST_REVIEW_TIME, &closed), [] as [f64; 0]);
    }

    #[test]
    fn bots_review_only_if_they_are_asked_for() {
        let acts = [("10:12", "bot", COMMENT), ("10:20", "peer", COMMENT)];
        let fact = reviewed("10:10", None, &acts);
        assert_eq!(values(&FIRST_REVIEW_TIME, &fact), [600.0]);
        let mut settings = Settings::default();
        settings.choose(&BOTS, "true").unwrap();
        let asked = Context {
            settings,
            ..context()
        };
        let found = rows(&FIRST_REVIEW_TIME, &[fact], &asked);
        assert_eq!(found[0].value, 120.0);
    }

    #[test]
    fn drafts_can_be_left_out_of_the_time() {
        let acts = [
            ("10:20", "author", Happened::Draft(false)),
            ("10:30", "peer", COMMENT),
        ];
        let fact = reviewed("10:10", Some("10:40"), &acts);
        let mut settings = Settings::default();
        settings.choose(&SINCE, "published").unwrap();
        let asked = Context {
            settings,
            ..context()
        };
        let value = |metric| rows(metric, std::slice::from_ref(&fact), &asked)[0].value;
        assert_eq!(value(&FIRST_REVIEW_TIME), 600.0);
        assert_eq!(value(&MERGE_TIME), 1_200.0);
        assert_eq!(values(&FIRST_REVIEW_TIME, &fact), [1_200.0]);
    }

    #[test]
    fn each_side_answers_the_first_thing_that_it_has_not_answered() {
        let acts = [
            ("10:20", "peer", COMMENT),
            ("10:25", "peer", COMMENT),
            ("11:20", "author", PUSH),
            ("11:25", "author", COMMENT),
            ("11:30", "peer", Happened::Vote(10)),
        ];
        let found = rows(
            &RESPONSE_TIME,
            &[reviewed("10:00", None, &acts)],
            &context(),
        );
        let of = |row: &Row| {
            (
                row.dimension(Dimension::Role).unwrap().to_owned(),
                row.value,
            )
        };
        let found: Vec<_> = found.iter().map(of).collect();
        let expected = [
            ("reviewer", 1_200.0),
            ("author", 3_600.0),
            ("reviewer", 600.0),
        ];
        assert_eq!(
            found,
            expected.map(|(role, value)| (role.to_owned(), value))
        );
    }
}
