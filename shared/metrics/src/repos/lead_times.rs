//! The way of pull requests from the first commit to the merge, whole and in stages that do not overlap.

use model::record::{PullRequest, PullRequestActivity};

use super::{
    BOTS, OF_PULL_REQUESTS, PEOPLE, PULL_REQUEST_DIMENSIONS, REPOSITORIES, REVIEWED, dimensions_of,
    first_commits::{Branches, COMMITS, PUSHES, slim, written_at},
    link_to,
    story::{Story, merged_at},
};
use crate::{
    Context, Dimension, Evidence, Fact, Form, Link, Measure, Metric, Row, Rows,
    chain::{Part, parts},
    seconds,
};

/// The whole way, and its stages.
pub(crate) const METRICS: &[Metric] = &[LEAD_TIME, STAGE_TIME];

/// From the first commit of a pull request to its merge. With a commit at 10:05, opened at 10:10, commented at 10:11, approved
/// at 10:15 and merged at 10:19 it took 14 minutes: 840 s.
const LEAD_TIME: Metric = Metric {
    name: "pull_request_lead_time",
    definition: "How long pull requests that were merged in the range took from their first commit, or from their opening where no commit is known. Percentiles are of these totals, never sums of those of stages.",
    formula: "merged - first commit",
    measure: Measure::Duration,
    inputs: &[REVIEWED, PUSHES, COMMITS, REPOSITORIES, PEOPLE],
    dimensions: PULL_REQUEST_DIMENSIONS,
    settings: &[BOTS],
    form: Form::Line,
    rows: Rows::Joined {
        keep: |fact, context| keep(fact, context),
        rows: |facts, context| each_merged(facts, context, whole),
    },
};

/// The stages of that way, each from the last milestone before: `opened` (5 minutes in the example above), `reviewed` (1),
/// `approved` (4), `merged` (4). They add up to the whole. Without a comment the first review is the approval: `reviewed` is
/// 5 minutes and `approved` 0. Without an approval there is no stage `approved`.
const STAGE_TIME: Metric = Metric {
    name: "pull_request_stage_time",
    definition: "How long the stages took of pull requests that were merged in the range: up to `opened` from the first commit, `reviewed` (first comment or vote of somebody else), `approved` (first approval of somebody else), `merged`. Stages do not overlap: each begins at the last milestone before that was reached. A milestone that was never reached has no stage, and is not 0; a negative time is kept.",
    formula: "milestone - last milestone before it that was reached",
    dimensions: &{
        let [a, b, c, d, e, f, g] = OF_PULL_REQUESTS;
        [a, b, c, d, e, f, g, Dimension::Phase]
    },
    form: Form::Stages,
    rows: Rows::Joined {
        keep: |fact, context| keep(fact, context),
        rows: |facts, context| each_merged(facts, context, stages),
    },
    ..LEAD_TIME
};

/// Pull requests that were not merged in the range make no rows.
fn keep(fact: Fact, context: &Context) -> Option<Fact> {
    match &fact {
        Fact::PullRequest(own, ..) => {
            let at = merged_at(own)?;
            context.range.contains(at).then_some(fact)
        }
        _ => slim(fact),
    }
}

/// A pull request's way.
struct Way {
    parts: Vec<Part<&'static str>>,
    evidence: Vec<Evidence>,
}

fn each_merged(
    facts: &[Fact],
    context: &Context,
    rows: fn(&PullRequest, Way, &Context) -> Vec<Row>,
) -> Vec<Row> {
    let branches = Branches::new(facts);
    let mut found = Vec::new();
    for fact in facts {
        if let Fact::PullRequest(own, activity, _) = fact {
            let way = way(own, activity.as_ref(), &branches, context);
            found.extend(rows(own, way, context));
        }
    }
    found
}

fn way(
    own: &PullRequest,
    activity: Option<&PullRequestActivity>,
    branches: &Branches<'_>,
    context: &Context,
) -> Way {
    let story = activity.map(|activity| Story::new(own, activity, context));
    let first = branches.first_of(own);
    let points = [
        ("committed", first.map(written_at)),
        ("opened", Some(own.created_at)),
        ("reviewed", story.as_ref().and_then(Story::first_review)),
        ("approved", story.as_ref().and_then(Story::first_approval)),
        ("merged", merged_at(own)),
    ];
    let commit = first.map(|commit| Evidence {
        role: "first commit",
        reason: "came with a push to the source branch",
        at: Some(written_at(commit)),
        link: Some(Link::Commit {
            project: commit.project,
            repository: commit.repository,
            sha: commit.sha.clone(),
        }),
    });
    Way {
        parts: parts(points),
        evidence: commit.into_iter().collect(),
    }
}

fn whole(own: &PullRequest, way: Way, context: &Context) -> Vec<Row> {
    let (Some(first), Some(at)) = (way.parts.first(), merged_at(own)) else {
        return Vec::new();
    };
    vec![Row {
        at,
        value: seconds(first.from_at, at),
        dimensions: dimensions_of(own, context),
        link: link_to(own),
        evidence: way.evidence,
    }]
}

fn stages(own: &PullRequest, way: Way, context: &Context) -> Vec<Row> {
    let Some(at) = merged_at(own) else {
        return Vec::new();
    };
    let row = |part: &Part<&'static str>| {
        let mut dimensions = dimensions_of(own, context);
        dimensions.push((Dimension::Phase, part.to.to_owned()));
        Row {
            at,
            value: seconds(part.from_at, part.at),
            dimensions,
            link: link_to(own),
            evidence: Vec::new(),
        }
    };
    way.parts.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use model::record::pull_request::Happened;

    use super::*;
    use crate::samples::{commit, context, push, reviewed, rows};

    const COMMENT: Happened = Happened::Comment {
        thread: 1,
        reply: false,
        on_code: true,
    };

    fn minutes(facts: &[Fact]) -> (Vec<(String, f64)>, f64) {
        let stages = rows(&STAGE_TIME, facts, &context()).into_iter();
        let stage = |row: Row| {
            (
                row.dimension(Dimension::Phase).unwrap().to_owned(),
                row.value / 60.0,
            )
        };
        let whole = rows(&LEAD_TIME, facts, &context());
        assert_eq!(whole.len(), 1);
        (stages.map(stage).collect(), whole[0].value / 60.0)
    }

    fn named(stages: &[(&str, f64)]) -> Vec<(String, f64)> {
        stages
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect()
    }

    fn with_commit(acts: &[(&str, &str, Happened)]) -> [Fact; 3] {
        [
            reviewed("10:10", Some("10:19"), acts),
            push(1, "10:06", "feature", true),
            commit("a", 1, "10:05"),
        ]
    }

    #[test]
    fn the_stages_of_the_printed_example_add_up_to_fourteen_minutes() {
        let acts = [
            ("10:11", "peer", COMMENT),
            ("10:15", "peer", Happened::Vote(10)),
        ];
        let (stages, whole) = minutes(&with_commit(&acts));
        let expected = [
            ("opened", 5.0),
            ("reviewed", 1.0),
            ("approved", 4.0),
            ("merged", 4.0),
        ];
        assert_eq!((stages, whole), (named(&expected), 14.0));
    }

    #[test]
    fn without_a_comment_the_approval_is_the_first_review() {
        let (stages, whole) = minutes(&with_commit(&[("10:15", "peer", Happened::Vote(10))]));
        let expected = [
            ("opened", 5.0),
            ("reviewed", 5.0),
            ("approved", 0.0),
            ("merged", 4.0),
        ];
        assert_eq!((stages, whole), (named(&expected), 14.0));
    }

    #[test]
    fn what_never_happened_has_no_stage_and_its_time_goes_to_the_next() {
        let (stages, whole) = minutes(&with_commit(&[]));
        assert_eq!(
            (stages, whole),
            (named(&[("opened", 5.0), ("merged", 9.0)]), 14.0)
        );
        let (stages, whole) = minutes(&[reviewed("10:10", Some("10:19"), &[])]);
        assert_eq!((stages, whole), (named(&[("merged", 9.0)]), 9.0));
    }

    #[test]
    fn a_commit_after_the_opening_makes_a_negative_stage() {
        let mut facts = with_commit(&[]);
        facts[1] = push(1, "10:15", "feature", true);
        facts[2] = commit("a", 1, "10:12");
        let (stages, whole) = minutes(&facts);
        assert_eq!(stages, named(&[("opened", -2.0), ("merged", 9.0)]));
        assert_eq!(whole, 7.0);
    }

    #[test]
    fn a_row_tells_which_commit_it_begins_with() {
        let found = rows(&LEAD_TIME, &with_commit(&[]), &context());
        let evidence = &found[0].evidence[0];
        assert_eq!(evidence.role, "first commit");
        assert!(
            evidence
                .link
                .as_ref()
                .unwrap()
                .path()
                .ends_with("/commit/a")
        );
    }

    #[test]
    fn pull_requests_of_other_times_change_nothing() {
        let mut facts = with_commit(&[]).to_vec();
        let found = rows(&LEAD_TIME, &facts, &context());
        facts.push(reviewed("10:10", None, &[]));
        facts.push(push(9, "10:06", "other", true));
        facts.reverse();
        assert_eq!(rows(&LEAD_TIME, &facts, &context()), found);
    }
}
