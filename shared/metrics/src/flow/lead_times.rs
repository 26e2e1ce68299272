//! Lead time of work items and of changes, whole and in stages.

use super::{
    CHANGES, DEPLOYMENTS, END_PLACE, LINKS, WORK,
    delivery::Delivery,
    journey::{Journey, Step, Ways, stages},
    links::Links,
    slim,
};
use crate::{
    Context, Dimension, Evidence, Fact, Form, Link, Measure, Metric, Row, Rows, Setting, Values,
    boards::{items, life::Life},
    dora::rule::PIPELINE,
    repos::{self, BOTS, first_commits::Branches, story::merged_at},
    seconds,
};

/// Whole ways and their stages.
pub(crate) const METRICS: &[Metric] = &[
    LEAD_TIME,
    LEAD_TIME_STAGES,
    LEAD_TIME_FOR_CHANGES,
    CHANGE_STAGES,
];

const START: Setting = Setting {
    name: "start",
    meaning: "Where the way begins.",
    default: "created",
    values: Values::OneOf(&[
        "created",
        "started",
        "committed",
        "opened",
        "reviewed",
        "approved",
        "merged",
        "built",
    ]),
};

const END: Setting = Setting {
    name: "end",
    meaning: "Where the way ends; it must come after where it begins, or there are no rows.",
    default: "deployed",
    values: Values::OneOf(&[
        "started",
        "committed",
        "opened",
        "reviewed",
        "approved",
        "merged",
        "built",
        "deployed",
    ]),
};

/// A change begins with its code.
const CHANGE_START: Setting = Setting {
    default: "committed",
    values: Values::OneOf(&[
        "committed",
        "opened",
        "reviewed",
        "approved",
        "merged",
        "built",
    ]),
    ..START
};

const SETTINGS: &[Setting] = &[START, END, END_PLACE, DEPLOYMENTS, PIPELINE, LINKS, BOTS];

const CHANGE_SETTINGS: &[Setting] = &[CHANGE_START, END, END_PLACE, DEPLOYMENTS, PIPELINE, BOTS];

/// From a work item to production. Created on Monday at 9:00 and in production on Thursday at 9:00: 259200 s.
const LEAD_TIME: Metric = Metric {
    name: "lead_time",
    definition: "How long work items took from one point of their way to another that they passed in the range: created, started (first state beyond those of what is proposed), committed (first commit), opened (first pull request), reviewed, approved, merged (the last pull request), built (the first run that had all of it), deployed (first to a place with such a name). With TFVC a changeset is committed and merged in one. Items that have not passed both points have no row. Percentiles are of these totals, never sums of those of stages.",
    formula: "end - start",
    measure: Measure::Duration,
    inputs: &WORK,
    dimensions: &items::OF_ITEMS,
    settings: SETTINGS,
    form: Form::Line,
    rows: Rows::Joined {
        keep: slim,
        rows: |facts, context| of_work_items(facts, context, whole),
    },
};

/// The stages of that way. Created at 9:00, committed at 10:00, merged at 12:00 without a review, deployed at 12:30: `committed`
/// 3600 s, `merged` 7200 s, `deployed` 1800 s.
const LEAD_TIME_STAGES: Metric = Metric {
    name: "lead_time_stages",
    definition: "How long the stages took of the ways of `lead_time`, each named after the point that it leads to (`phase`) and from the last point before that was passed; a deployment tells its `environment`. They do not overlap and add up to the whole. A point that was never passed has no stage, and is not 0; a negative time is kept.",
    formula: "point - last point before it that was passed",
    dimensions: &{
        let [a, b, c, d, e, f, g, h, i, j, k, l, m] = items::OF_ITEMS;
        use Dimension::{Environment, Phase};
        [a, b, c, d, e, f, g, h, i, j, k, l, m, Phase, Environment]
    },
    form: Form::Stages,
    rows: Rows::Joined {
        keep: slim,
        rows: |facts, context| of_work_items(facts, context, parts),
    },
    ..LEAD_TIME
};

/// From the first commit of a change to its first deployment to production. Committed at 10:00, merged at 11:00, deployed at
/// 12:30: 9000 s.
const LEAD_TIME_FOR_CHANGES: Metric = Metric {
    name: "lead_time_for_changes",
    definition: "How long changes took from their first commit to the first deployment that had them, for those that were deployed in the range: a change is a merged pull request, or a changeset of TFVC. `start` and `end` choose other points. Changes that were merged more than 120 days before the range are not found.",
    formula: "end - start",
    inputs: &CHANGES,
    dimensions: &[
        Dimension::Project,
        Dimension::Repository,
        Dimension::Author,
        Dimension::TargetBranch,
        Dimension::SourceBranch,
        Dimension::Status,
        Dimension::Labels,
    ],
    settings: CHANGE_SETTINGS,
    rows: Rows::Joined {
        keep: slim,
        rows: |facts, context| of_changes(facts, context, whole),
    },
    ..LEAD_TIME
};

/// The stages of that way: `opened`, `reviewed`, `approved`, `merged`, `built`, `deployed`.
const CHANGE_STAGES: Metric = Metric {
    name: "lead_time_for_changes_stages",
    definition: "How long the stages took of the ways of `lead_time_for_changes`, each named after the point that it leads to (`phase`) and from the last point before that was passed; a deployment tells its `environment`. They do not overlap and add up to the whole.",
    formula: "point - last point before it that was passed",
    dimensions: &[
        Dimension::Project,
        Dimension::Repository,
        Dimension::Author,
        Dimension::TargetBranch,
        Dimension::SourceBranch,
        Dimension::Status,
        Dimension::Labels,
        Dimension::Phase,
        Dimension::Environment,
    ],
    form: Form::Stages,
    rows: Rows::Joined {
        keep: slim,
        rows: |facts, context| of_changes(facts, context, parts),
    },
    ..LEAD_TIME_FOR_CHANGES
};

type Make = fn(&[Step], &Row) -> Vec<Row>;

fn of_work_items(facts: &[Fact], context: &Context, make: Make) -> Vec<Row> {
    let ways = ways(facts, context);
    let links = Links::new(facts, context);
    let mut rows = Vec::new();
    for fact in facts {
        let Fact::WorkItem(item, _) = fact else {
            continue;
        };
        let life = Life::of(item, context.planning().workflows(item.organization));
        let own = |point, at| Step {
            point,
            place: None,
            at,
            evidence: None,
        };
        let mut steps = Vec::new();
        steps.extend(life.created_at().map(|at| own("created", at)));
        steps.extend(life.started_at().map(|at| own("started", at)));
        steps.extend(ways.of_code(&links.of(item)));
        let row = items::row(&life, context, context.now, 0.0);
        rows.extend(rows_of(&Journey(steps), &row, &START, (context, make)));
    }
    rows
}

fn of_changes(facts: &[Fact], context: &Context, make: Make) -> Vec<Row> {
    let ways = ways(facts, context);
    let mut rows = Vec::new();
    for fact in facts {
        let (journey, dimensions, link) = match fact {
            Fact::PullRequest(own, activity, _) if merged_at(own).is_some() => (
                ways.of_pull_request((own, activity.as_ref())),
                repos::dimensions_of(own, context),
                repos::link_to(own),
            ),
            Fact::Changeset(own, details) => {
                let author = own
                    .author
                    .as_ref()
                    .and_then(|who| context.known.people.name(who));
                let link = Link::Changeset {
                    organization: own.organization,
                    id: own.id,
                };
                let dimensions = author.map(|name| (Dimension::Author, name));
                let journey = ways.of_changeset(own, details.as_ref());
                (journey, dimensions.into_iter().collect(), link)
            }
            _ => continue,
        };
        let row = Row {
            at: context.now,
            value: 0.0,
            dimensions,
            link,
            evidence: Vec::new(),
        };
        rows.extend(rows_of(&journey, &row, &CHANGE_START, (context, make)));
    }
    rows
}

fn ways<'a>(facts: &'a [Fact], context: &'a Context) -> Ways<'a> {
    Ways {
        branches: Branches::new(facts),
        delivery: Delivery::new(facts, context),
        context,
    }
}

fn rows_of(
    journey: &Journey,
    row: &Row,
    start: &Setting,
    (context, make): (&Context, Make),
) -> Vec<Row> {
    let [start, end] = [start, &END].map(|setting| context.settings.text(setting));
    let steps = journey.between(start, end, context);
    steps.map(|steps| make(steps, row)).unwrap_or_default()
}

/// One row for the way: it counts when the way ended.
fn whole(steps: &[Step], row: &Row) -> Vec<Row> {
    let [first, .., last] = steps else {
        return Vec::new();
    };
    vec![Row {
        at: last.at,
        value: seconds(first.at, last.at),
        evidence: steps
            .iter()
            .filter_map(|step| step.evidence.clone())
            .collect(),
        ..row.clone()
    }]
}

/// One row for each stage: they count together, when the way ended.
fn parts(steps: &[Step], row: &Row) -> Vec<Row> {
    let Some(last) = steps.last() else {
        return Vec::new();
    };
    let part = |part: crate::chain::Part<&Step>| {
        let mut dimensions = row.dimensions.clone();
        dimensions.push((Dimension::Phase, part.to.point.to_owned()));
        let place = part.to.place.clone();
        dimensions.extend(place.map(|place| (Dimension::Environment, place)));
        Row {
            at: last.at,
            value: seconds(part.from_at, part.at),
            dimensions,
            link: row.link.clone(),
            evidence: part.to.evidence.iter().cloned().collect::<Vec<Evidence>>(),
        }
    };
    stages(steps).into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use model::record::{
        PullRequestLinks,
        pull_request::Happened,
        run::{RunRepository, RunResult},
    };

    use super::{super::journey::POINTS, *};
    use crate::{
        boards::samples::{moved, planned_context, story},
        samples::{
            changeset, clock, commit, context, environment_job, pull_request, push, rows, run,
        },
    };

    #[test]
    fn what_can_be_chosen_is_on_the_way() {
        for setting in [START, END, CHANGE_START] {
            let Values::OneOf(points) = setting.values else {
                panic!("{}", setting.name)
            };
            assert!(points.iter().all(|point| POINTS.contains(point)));
        }
    }

    /// A run of a branch of the repository of [`pull_request`].
    fn built(id: u64, times: [&str; 3], branch: &str, version: &str) -> Fact {
        let mut own = run(times[0], times[1], times[2]);
        own.id = id;
        own.result = Some(RunResult::Succeeded);
        own.source_branch = Some(format!("refs/heads/{branch}"));
        own.source_version = Some(version.to_owned());
        own.repository = Some(RunRepository {
            id: pull_request("10:00", None)
                .repository
                .to_string()
                .to_uppercase(),
            host: "TfsGit".into(),
            name: None,
        });
        Fact::Run(Box::new(own), None)
    }

    /// Opened at 10:10, approved at 10:30, merged at 11:00; story 12 is linked to it.
    fn merged() -> Fact {
        let acts = [("10:30", "peer", Happened::Vote(10))];
        let Fact::PullRequest(own, activity, _) =
            crate::samples::reviewed("10:10", Some("11:00"), &acts)
        else {
            unreachable!()
        };
        let links = PullRequestLinks {
            work_items: vec![12],
        };
        Fact::PullRequest(own, activity, Some(links))
    }

    /// A change with its commit, its build, and its deployment within that run.
    fn facts() -> Vec<Fact> {
        vec![
            merged(),
            push(1, "10:06", "feature", true),
            commit("a", 1, "10:00"),
            // Began before the merge, and failed: neither has it built the change.
            built(49, ["10:50", "10:51", "10:59"], "main", "01d"),
            built(50, ["11:01", "11:02", "12:40"], "main", "3e76e"),
            built(51, ["13:00", "13:01", "13:10"], "main", "2e3"),
            environment_job(1, 49, "web", "10:58", true),
            environment_job(2, 50, "web", "12:30", true),
            environment_job(3, 51, "web", "13:09", true),
        ]
    }

    fn everywhere() -> Context {
        let mut asked = planned_context(&[]);
        asked.settings.choose(&END_PLACE, "").unwrap();
        asked
    }

    fn named(rows: Vec<Row>) -> Vec<(String, f64)> {
        let of = |row: Row| {
            let phase = row.dimension(Dimension::Phase).unwrap().to_owned();
            (phase, row.value / 60.0)
        };
        rows.into_iter().map(of).collect()
    }

    fn expected(stages: &[(&str, f64)]) -> Vec<(String, f64)> {
        let stages = stages.iter();
        stages
            .map(|(name, minutes)| ((*name).to_owned(), *minutes))
            .collect()
    }

    #[test]
    fn a_change_takes_from_its_first_commit_to_its_first_deployment() {
        let found = rows(&LEAD_TIME_FOR_CHANGES, &facts(), &everywhere());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].value, found[0].at), (9_000.0, clock("12:30")));
        let stages = rows(&CHANGE_STAGES, &facts(), &everywhere());
        assert_eq!(
            stages.last().unwrap().dimension(Dimension::Environment),
            Some("1")
        );
        let stages = named(stages);
        let way = [
            ("opened", 10.0),
            ("reviewed", 20.0),
            ("approved", 0.0),
            ("merged", 30.0),
            // The run had built when it began to deploy.
            ("built", 90.0),
            ("deployed", 0.0),
        ];
        assert_eq!(stages, expected(&way));
    }

    #[test]
    fn every_part_of_a_way_tells_why_it_belongs_to_it() {
        let mut facts = facts();
        facts.push(Fact::WorkItem(Box::new(story(12, clock("09:00"))), None));
        let found = rows(&LEAD_TIME, &facts, &everywhere());
        assert_eq!(found[0].value, 12_600.0);
        let evidence: Vec<_> = found[0]
            .evidence
            .iter()
            .map(|own| (own.role, own.reason))
            .collect();
        assert!(
            evidence.contains(&("pull request", "development link")),
            "{evidence:?}"
        );
        assert!(
            evidence.contains(&("build", "built from its commit")),
            "{evidence:?}"
        );
        assert!(
            evidence.contains(&("deployment", "a job of the run deployed it")),
            "{evidence:?}"
        );
        assert!(
            evidence.iter().any(|(role, _)| *role == "commit"),
            "{evidence:?}"
        );
    }

    #[test]
    fn any_two_points_can_be_asked_for() {
        let item = moved(story(12, clock("09:00")), clock("09:30"), "Active");
        let mut facts = facts();
        facts.push(Fact::WorkItem(Box::new(item), None));
        let minutes = |start: &str, end: &str| {
            let mut asked = everywhere();
            asked.settings.choose(&START, start).unwrap();
            asked.settings.choose(&END, end).unwrap();
            let found = rows(&LEAD_TIME, &facts, &asked);
            found.first().map(|row| row.value / 60.0)
        };
        assert_eq!(minutes("created", "started"), Some(30.0));
        assert_eq!(minutes("started", "merged"), Some(90.0));
        assert_eq!(minutes("merged", "deployed"), Some(90.0));
        assert_eq!(minutes("merged", "opened"), None);
        let mut asked = everywhere();
        asked.settings.choose(&END, "merged").unwrap();
        let stages = named(rows(&LEAD_TIME_STAGES, &facts, &asked));
        let way = [
            ("started", 30.0),
            ("committed", 30.0),
            ("opened", 10.0),
            ("reviewed", 20.0),
            ("approved", 0.0),
            ("merged", 30.0),
        ];
        assert_eq!(stages, expected(&way));
    }

    #[test]
    fn a_weaker_link_counts_where_there_is_no_surer_one_and_if_it_is_believed() {
        let linked = |title: &str, branch: &str, links: &[u64]| {
            let mut own = pull_request("10:10", Some("11:00"));
            own.title = title.to_owned();
            own.source_branch = format!("refs/heads/{branch}");
            let links = PullRequestLinks {
                work_items: links.to_vec(),
            };
            Fact::PullRequest(Box::new(own), None, Some(links))
        };
        let count = |fact: Fact, weakest: &str| {
            let item = Fact::WorkItem(Box::new(story(12, clock("09:00"))), None);
            let mut asked = everywhere();
            asked.settings.choose(&LINKS, weakest).unwrap();
            asked.settings.choose(&END, "merged").unwrap();
            rows(&LEAD_TIME, &[fact, item], &asked).len()
        };
        let way = |fact: &Fact| {
            ["development", "mentions", "patterns"].map(|weakest| count(fact.clone(), weakest))
        };
        assert_eq!(way(&linked("x", "y", &[12])), [1, 1, 1]);
        assert_eq!(way(&linked("Sell more AB#12", "y", &[])), [0, 1, 1]);
        assert_eq!(way(&linked("Sell more", "feature/12-sell", &[])), [0, 0, 1]);
        assert_eq!(way(&linked("Sell more", "feature", &[13])), [0, 0, 0]);
    }

    #[test]
    fn where_a_link_is_sure_a_mention_adds_nothing() {
        let mut mentions = pull_request("10:40", None);
        mentions.id = 6;
        mentions.title = "Not done yet, see #12".into();
        let mentions = Fact::PullRequest(Box::new(mentions), None, None);
        let item = Fact::WorkItem(Box::new(story(12, clock("09:00"))), None);
        let mut asked = everywhere();
        asked.settings.choose(&END, "merged").unwrap();
        let found = rows(&LEAD_TIME, &[merged(), mentions, item], &asked);
        assert_eq!(
            found.len(),
            1,
            "the one that is still open is not a part of it"
        );
    }

    #[test]
    fn a_changeset_is_built_by_the_first_run_at_or_after_it() {
        let tfvc = |id: u64, version: &str, times: [&str; 3]| {
            let Fact::Run(mut own, _) = built(id, times, "x", version) else {
                unreachable!()
            };
            own.repository = Some(RunRepository {
                id: "$/".into(),
                host: "TfsVersionControl".into(),
                name: None,
            });
            Fact::Run(own, None)
        };
        let facts = [
            changeset(70, "10:00", "$/Shop/src/a.cs", &[12]),
            tfvc(60, "69", ["10:01", "10:02", "10:05"]),
            tfvc(61, "C71", ["10:20", "10:21", "10:30"]),
            Fact::WorkItem(Box::new(story(12, clock("09:00"))), None),
        ];
        let mut asked = everywhere();
        asked.settings.choose(&END, "built").unwrap();
        let found = rows(&LEAD_TIME, &facts, &asked);
        assert_eq!(found[0].value, 5_400.0);
        assert_eq!(
            found[0].evidence.last().unwrap().reason,
            "built from a later changeset"
        );
        let found = rows(&LEAD_TIME_FOR_CHANGES, &facts, &asked);
        assert_eq!(found[0].value, 1_800.0);
    }

    #[test]
    fn what_is_not_merged_or_was_given_up_gets_nowhere() {
        let item = Fact::WorkItem(Box::new(story(12, clock("09:00"))), None);
        let mut asked = everywhere();
        asked.settings.choose(&END, "merged").unwrap();
        let count = |facts: &[Fact]| rows(&LEAD_TIME, facts, &asked).len();
        let Fact::PullRequest(_, _, links) = merged() else {
            unreachable!()
        };
        let mut open = pull_request("10:10", None);
        open.id = 6;
        let open = Fact::PullRequest(Box::new(open), None, links);
        assert_eq!(count(&[item.clone(), merged()]), 1);
        assert_eq!(
            count(&[item, merged(), open]),
            0,
            "a part of it is still open"
        );
    }

    #[test]
    fn the_order_of_records_does_not_matter() {
        let mut facts = facts();
        facts.push(Fact::WorkItem(Box::new(story(12, clock("09:00"))), None));
        for metric in METRICS {
            let found = rows(metric, &facts, &everywhere());
            assert!(!found.is_empty(), "{}", metric.name);
            for _ in 0..facts.len() {
                facts.rotate_left(1);
                assert_eq!(
                    rows(metric, &facts, &everywhere()),
                    found,
                    "{}",
                    metric.name
                );
            }
        }
        assert!(
            rows(&LEAD_TIME, &facts, &context()).is_empty(),
            "nothing went to production"
        );
    }
}
