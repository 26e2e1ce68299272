//! How large pull requests are, and how much is said about them. In files: the API counts no lines.

use std::collections::HashMap;

use model::{
    Kind,
    record::{Commit, PullRequest, PullRequestActivity},
};

use super::{
    BOTS, OF_PULL_REQUESTS, PEOPLE, REPOSITORIES, REVIEWED, dimensions_of,
    first_commits::slim,
    link_to,
    story::{Story, merged_at},
};
use crate::{
    Context, Dimension, Fact, Form, Input, Measure, Metric, Reach, Row, Rows, Setting, Values,
};

/// Files, and comments for each of them.
pub(crate) const METRICS: &[Metric] = &[SIZE, DENSITY];

/// A merge's commit is pushed when the pull request is closed.
const MERGES: Input = Input::new(Kind::Commit, Reach::DaysAround(1, 1));

const SMALL: Setting = Setting {
    name: "small_up_to",
    meaning: "The most files of a small change.",
    default: "5",
    values: Values::Number(0, 100_000),
};

const MEDIUM: Setting = Setting {
    name: "medium_up_to",
    meaning: "The most files of a medium change; above it is large.",
    default: "10",
    values: Values::Number(0, 100_000),
};

const SHALLOW: Setting = Setting {
    name: "shallow_up_to",
    meaning: "The most comments for each file of a shallow review.",
    default: "2",
    values: Values::Number(0, 1_000),
};

const GOOD: Setting = Setting {
    name: "good_up_to",
    meaning: "The most comments for each file of a good review; above it is heavy.",
    default: "5",
    values: Values::Number(0, 1_000),
};

const DIMENSIONS: &[Dimension] = &{
    let [a, b, c, d, e, f, g] = OF_PULL_REQUESTS;
    [a, b, c, d, e, f, g, Dimension::Size, Dimension::Density]
};

/// The files that a merge changed. One added, eleven edited and four deleted are 16, which is `large`.
const SIZE: Metric = Metric {
    name: "pull_request_files",
    definition: "How many files pull requests changed that were merged in the range, by their merge's commit: added, edited and deleted. `size` is `small`, `medium` or `large` by limits that can be chosen. Where the merge's commit is not stored there is no row.",
    formula: "files added + edited + deleted",
    measure: Measure::Amount,
    inputs: &[REVIEWED, MERGES, REPOSITORIES, PEOPLE],
    dimensions: DIMENSIONS,
    settings: &[SMALL, MEDIUM, SHALLOW, GOOD, BOTS],
    form: Form::Bar,
    rows: Rows::Joined {
        keep: |fact, context| keep(fact, context),
        rows: |facts, context| each(facts, context, |files, _| Some(f64::from(files))),
    },
};

/// Comments for each changed file. 16 comments on 4 files are 4, which is `good`.
const DENSITY: Metric = Metric {
    name: "pull_request_comment_density",
    definition: "How many comments there were for each changed file of pull requests that were merged in the range, those of the author included. `density` is `shallow`, `good` or `heavy` by limits that can be chosen. A merge without files has no row.",
    formula: "comments / files",
    rows: Rows::Joined {
        keep: |fact, context| keep(fact, context),
        rows: |facts, context| each(facts, context, density),
    },
    ..SIZE
};

fn density(files: u32, comments: usize) -> Option<f64> {
    (files > 0).then(|| comments as f64 / f64::from(files))
}

fn keep(fact: Fact, context: &Context) -> Option<Fact> {
    match &fact {
        Fact::PullRequest(own, ..) => {
            let at = merged_at(own)?;
            context.range.contains(at).then_some(fact)
        }
        _ => slim(fact),
    }
}

fn each(facts: &[Fact], context: &Context, value: fn(u32, usize) -> Option<f64>) -> Vec<Row> {
    let commits = facts.iter().filter_map(|fact| match fact {
        Fact::Commit(own) => Some(((own.repository, own.sha.as_str()), own)),
        _ => None,
    });
    let commits: HashMap<_, &Commit> = commits.collect();
    let row = |fact: &Fact| {
        let Fact::PullRequest(own, activity, _) = fact else {
            return None;
        };
        let merge = own.merge_commit.as_deref()?;
        let files = commits.get(&(own.repository, merge))?.files;
        let files = files.added + files.edited + files.deleted;
        row_of((own, activity.as_ref()), files, context, value)
    };
    facts.iter().filter_map(row).collect()
}

fn row_of(
    (own, activity): (&PullRequest, Option<&PullRequestActivity>),
    files: u32,
    context: &Context,
    value: fn(u32, usize) -> Option<f64>,
) -> Option<Row> {
    let comments = Story::new(own, activity?, context).comments();
    let value = value(files, comments)?;
    let limit = |setting| f64::from(context.settings.number(setting));
    let sized = match f64::from(files) {
        files if files <= limit(&SMALL) => "small",
        files if files <= limit(&MEDIUM) => "medium",
        _ => "large",
    };
    let dense = density(files, comments).map(|density| match density {
        density if density <= limit(&SHALLOW) => "shallow",
        density if density <= limit(&GOOD) => "good",
        _ => "heavy",
    });
    let mut dimensions = dimensions_of(own, context);
    dimensions.push((Dimension::Size, sized.to_owned()));
    dimensions.extend(dense.map(|dense| (Dimension::Density, dense.to_owned())));
    Some(Row {
        at: merged_at(own)?,
        value,
        dimensions,
        link: link_to(own),
        evidence: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use model::record::{git::FileCounts, pull_request::Happened};

    use super::*;
    use crate::samples::{commit, context, reviewed, rows};

    fn merge(added: u32, edited: u32, deleted: u32) -> Fact {
        let Fact::Commit(mut own) = commit("3e76e", 7, "11:00") else {
            unreachable!()
        };
        own.files = FileCounts {
            added,
            edited,
            deleted,
        };
        Fact::Commit(own)
    }

    fn commented(comments: usize) -> Fact {
        let comment = Happened::Comment {
            thread: 1,
            reply: false,
            on_code: true,
        };
        let acts = vec![("10:30", "peer", comment); comments];
        reviewed("10:00", Some("11:00"), &acts)
    }

    fn found(metric: &Metric, facts: &[Fact], dimension: Dimension) -> (f64, String) {
        let rows = rows(metric, facts, &context());
        let name = rows[0].dimension(dimension).unwrap().to_owned();
        (rows[0].value, name)
    }

    #[test]
    fn sixteen_comments_on_four_files_are_four_each() {
        let facts = [commented(16), merge(1, 2, 1)];
        assert_eq!(
            found(&DENSITY, &facts, Dimension::Density),
            (4.0, "good".into())
        );
        assert_eq!(found(&SIZE, &facts, Dimension::Size), (4.0, "small".into()));
    }

    #[test]
    fn limits_belong_to_the_smaller_side_and_leave_no_gap() {
        let size = |files| found(&SIZE, &[commented(0), merge(0, files, 0)], Dimension::Size).1;
        assert_eq!(
            [5, 6, 10, 11].map(size),
            ["small", "medium", "medium", "large"]
        );
        let dense = |comments| {
            found(
                &DENSITY,
                &[commented(comments), merge(0, 2, 0)],
                Dimension::Density,
            )
            .1
        };
        assert_eq!(
            [4, 5, 10, 11].map(dense),
            ["shallow", "good", "good", "heavy"]
        );
    }

    #[test]
    fn without_the_merge_or_files_nothing_is_made_up() {
        assert!(rows(&SIZE, &[commented(3)], &context()).is_empty());
        assert!(rows(&DENSITY, &[commented(3), merge(0, 0, 0)], &context()).is_empty());
    }
}
