//! Commits: how many, by whom, on how many days, in how many repositories; and branches.

use model::{
    Kind,
    record::{Commit, RefList, git::Signature},
};

use super::{PEOPLE, REPOSITORIES, default_branch};
use crate::{
    Context, Dimension, Fact, Form, Input, Link, Measure, Metric, Reach, Row, Rows, SWITCH,
    Setting, ages::as_of,
};

/// Commits, whoever makes them, the days on which they are made, active repositories, files, and branches.
pub(crate) const METRICS: &[Metric] = &[
    COUNT,
    COMMITTERS,
    ACTIVE_REPOSITORIES,
    CODING_DAYS,
    MEDIAN_CODING_DAYS,
    FILES,
    BRANCHES,
];

/// Commits are filed by the day on which the service took them; one that was written before may come up to two weeks later.
const COMMITS: Input = Input::new(Kind::Commit, Reach::DaysAround(0, 14));

const MERGES: Setting = Setting {
    name: "merges",
    meaning: "Whether commits count that only merge, by what their message begins with.",
    default: "false",
    values: SWITCH,
};

/// How the service and Git begin the message of a commit that merges.
/// <https://learn.microsoft.com/azure/devops/repos/git/complete-pull-requests>, <https://git-scm.com/docs/git-fmt-merge-msg>
const MERGE_MESSAGES: [&str; 4] = [
    "Merged PR ",
    "Merge pull request ",
    "Merge branch ",
    "Merge remote-tracking branch ",
];

/// Commits of all branches. Two that were committed yesterday and pushed today are 2 yesterday.
const COUNT: Metric = Metric {
    name: "commit_count",
    definition: "How many commits were made in the range, on any branch that was pushed, each once; by the committer's clock. Commits that were pushed more than 14 days after the range are not found. Those that only merge count if `merges` says so.",
    formula: "1 for each commit",
    measure: Measure::Count,
    inputs: &[COMMITS, REPOSITORIES, PEOPLE],
    dimensions: &[
        Dimension::Project,
        Dimension::Repository,
        Dimension::Author,
        Dimension::Person,
    ],
    settings: &[MERGES],
    form: Form::Line,
    rows: Rows::Each(|fact, context| row(fact, context, |_| 1.0)),
};

/// Those who commit. Three commits of two people are 2.
const COMMITTERS: Metric = Metric {
    name: "committer_count",
    definition: "How many different people committed in the range; `person` is the committer.",
    formula: "different committers",
    measure: Measure::Distinct(Dimension::Person),
    ..COUNT
};

/// Repositories that are worked on. Three commits in two repositories are 2.
const ACTIVE_REPOSITORIES: Metric = Metric {
    name: "active_repository_count",
    definition: "How many different repositories had a commit in the range.",
    formula: "different repositories",
    measure: Measure::Distinct(Dimension::Repository),
    ..COUNT
};

/// The average coding days of a week. 23 days with a commit in 13 weeks (91 days) are 1.77.
const CODING_DAYS: Metric = Metric {
    name: "coding_days",
    definition: "On how many days a week there was a commit, on average: different days of the zone in the range, divided by the days of the range over 7. Grouped by `person` or `author` they are the days of each.",
    formula: "different days with a commit / (days of the range / 7)",
    measure: Measure::DaysPerWeek,
    form: Form::Bar,
    ..COUNT
};

/// The coding days of the median week. With 3, 2, 2 and 5 days in four weeks they are 2.5, the mean of the middle two.
const MEDIAN_CODING_DAYS: Metric = Metric {
    name: "coding_days_median",
    definition: "On how many days there was a commit in the median week, of the weeks from Monday that lie wholly in the range; weeks without a commit count as 0.",
    formula: "median over weeks of different days with a commit",
    measure: Measure::MedianDaysPerWeek,
    ..CODING_DAYS
};

/// The files of a commit. One added, two edited and one deleted are 4.
const FILES: Metric = Metric {
    name: "commit_files",
    definition: "How many files commits changed: added, edited and deleted.",
    formula: "files added + edited + deleted",
    measure: Measure::Amount,
    rows: Rows::Each(|fact, context| {
        row(fact, context, |own| {
            let files = own.files;
            f64::from(files.added + files.edited + files.deleted)
        })
    }),
    ..COUNT
};

/// Branches as they are now. A repository with `main` and two others has 3.
const BRANCHES: Metric = Metric {
    name: "branch_count",
    definition: "How many branches there are now. They are counted in a range that today belongs to, and have no trend; `role` tells the `default` branch from `other` ones.",
    formula: "1 for each branch",
    measure: Measure::Count,
    inputs: &[Input::new(Kind::RefList, Reach::Known), REPOSITORIES],
    dimensions: &[
        Dimension::Project,
        Dimension::Repository,
        Dimension::Branch,
        Dimension::Role,
    ],
    settings: &[],
    form: Form::Bar,
    rows: Rows::Joined {
        keep: |_, _| None,
        rows: |_, context| branches(context),
    },
};

fn row(fact: &Fact, context: &Context, value: fn(&Commit) -> f64) -> Vec<Row> {
    let Fact::Commit(own) = fact else {
        return Vec::new();
    };
    if is_merge(&own.comment) && !context.settings.is_on(&MERGES) {
        return Vec::new();
    }
    let committed = own.committer.as_ref().and_then(|own| own.at);
    let name = |signature: &Option<Signature>| {
        let own = signature.as_ref()?;
        let people = &context.known.people;
        Some(match people.by_key(&own.email) {
            crate::Who::Named(_) => own.name.clone(),
            known => people.name_of(&known),
        })
    };
    let mut dimensions = vec![
        (Dimension::Project, context.project(own.project)),
        (
            Dimension::Repository,
            context.known.repository(own.repository),
        ),
    ];
    dimensions.extend(name(&own.author).map(|name| (Dimension::Author, name)));
    dimensions.extend(name(&own.committer).map(|name| (Dimension::Person, name)));
    vec![Row {
        at: committed.unwrap_or(own.pushed_at),
        value: value(own),
        dimensions,
        link: Link::Commit {
            project: own.project,
            repository: own.repository,
            sha: own.sha.clone(),
        },
        evidence: Vec::new(),
    }]
}

fn is_merge(message: &str) -> bool {
    MERGE_MESSAGES.iter().any(|own| message.starts_with(own))
}

fn branches(context: &Context) -> Vec<Row> {
    let Some(at) = as_of(context).filter(|at| *at == context.now) else {
        return Vec::new();
    };
    let lists = context
        .known
        .refs
        .iter()
        .filter(|own| own.namespace == "heads");
    let of_list = |list: &RefList| {
        let default = super::branch(default_branch(context, list.repository));
        let (project, repository) = (list.project, list.repository);
        let row = |name: &String| {
            let role = if *name == default { "default" } else { "other" };
            let name = name.clone();
            Row {
                at,
                value: 1.0,
                dimensions: vec![
                    (Dimension::Project, context.project(project)),
                    (Dimension::Repository, context.known.repository(repository)),
                    (Dimension::Branch, name.clone()),
                    (Dimension::Role, role.to_owned()),
                ],
                link: Link::Branch {
                    project,
                    repository,
                    name,
                },
                evidence: Vec::new(),
            }
        };
        list.refs
            .iter()
            .map(|own| row(&own.name))
            .collect::<Vec<_>>()
    };
    lists.flat_map(of_list).collect()
}

#[cfg(test)]
mod tests {
    use model::record::Ref;

    use super::*;
    use crate::samples::{clock, commit, context, project, pull_request, rows, values};

    fn merge() -> Fact {
        let Fact::Commit(mut own) = commit("m", 1, "10:00") else {
            unreachable!()
        };
        own.comment = "Merged PR 5: Sell more".into();
        Fact::Commit(own)
    }

    #[test]
    fn a_commit_counts_when_it_was_made() {
        let found = rows(&COUNT, &[commit("a", 1, "09:50")], &context());
        assert_eq!(found[0].at, clock("09:50"));
        assert_eq!(found[0].dimension(Dimension::Person), Some("Ann"));
        assert_eq!(values(&FILES, &commit("a", 1, "09:50")), [4.0]);
    }

    #[test]
    fn merges_count_if_they_are_asked_for() {
        assert!(values(&COUNT, &merge()).is_empty());
        let mut asked = context();
        asked.settings.choose(&MERGES, "true").unwrap();
        assert_eq!(rows(&COUNT, &[merge()], &asked).len(), 1);
    }

    #[test]
    fn branches_are_those_of_now() {
        let own = |name: &str| Ref {
            name: name.into(),
            object: "a".into(),
            peeled: None,
            creator: None,
            is_locked: false,
        };
        let list = |namespace: &str, names: [&str; 2]| RefList {
            project: project(),
            repository: pull_request("10:00", None).repository,
            namespace: namespace.into(),
            refs: names.map(own).to_vec(),
        };
        let mut asked = context();
        asked.known.refs = vec![list("heads", ["main", "a/b"]), list("tags", ["v1", "v2"])];
        let found = rows(&BRANCHES, &[], &asked);
        let roles: Vec<_> = found
            .iter()
            .map(|row| row.dimension(Dimension::Role))
            .collect();
        assert_eq!(roles, [Some("default"), Some("other")]);
        asked.range.to = clock("10:00");
        assert!(
            rows(&BRANCHES, &[], &asked).is_empty(),
            "nobody knows what was then"
        );
    }
}
