//! The way of work from a work item to production: commits, pull requests or changesets, builds, deployments.

mod delivery;
mod journey;
mod lead_times;
mod links;

use model::{Facet, Kind};

use crate::{
    Context, Fact, Input, Metric, Reach, Setting, Settings, Values,
    dora::rule::{PLACE, SOURCE, reads},
    repos::first_commits::{COMMITS, PUSHES},
};

/// The metrics of this family.
pub(crate) const METRICS: &[&[Metric]] = &[lead_times::METRICS];

/// How many days after it was merged a change can be deployed to be found.
const LONGEST_WAIT_DAYS: i64 = 120;

/// All runs and deployments since the oldest merge that is looked at, so that a later deployment is not taken for the first.
const SINCE_MERGE: Reach = Reach::DaysBefore(151);

const RUNS: Input = Input::new(Kind::Run, SINCE_MERGE);
const RELEASES: Input =
    Input::new(Kind::Deployment, SINCE_MERGE).when(|own| reads(own, "releases"));
const ENVIRONMENTS: Input =
    Input::new(Kind::EnvironmentDeployment, SINCE_MERGE).when(|own| reads(own, "environments"));
const PULL_REQUESTS: Input =
    Input::new(Kind::PullRequest, Reach::DaysBefore(365)).with(&[Facet::Threads, Facet::Links]);
const CHANGESETS: Input = Input::new(Kind::Changeset, SINCE_MERGE).with(&[Facet::Changes]);
const WORK_ITEMS: Input = Input::new(Kind::WorkItem, Reach::Hashed).with(&[Facet::Links]);

/// What changes are followed through.
const CHANGES: [Input; 11] = [
    PULL_REQUESTS,
    PUSHES,
    COMMITS,
    CHANGESETS,
    RUNS,
    RELEASES,
    ENVIRONMENTS,
    Input::new(Kind::GitRepository, Reach::Known),
    Input::new(Kind::Person, Reach::Known),
    Input::new(Kind::Environment, Reach::Known),
    Input::new(Kind::Definition, Reach::Known),
];

/// What work items are followed through.
const WORK: [Input; 13] = {
    let [a, b, c, d, e, f, g, h, i, j, k] = CHANGES;
    let types = Input::new(Kind::WorkItemType, Reach::Known);
    [WORK_ITEMS, a, b, c, d, e, f, g, h, i, j, k, types]
};

/// How sure a link between a work item and code must be.
const LINKS: Setting = Setting {
    name: "links",
    meaning: "The weakest link between a work item and code that is believed: `development` (links of the work item, or that the service told of the code), `mentions` (`AB#12` or `#12` in a title, description or message, where there is no such link), `patterns` (its number in the name of a branch or in a title, where there is neither).",
    default: "mentions",
    values: Values::OneOf(&["development", "mentions", "patterns"]),
};

/// From where deployments are read: these alone tell which run they brought.
const DEPLOYMENTS: Setting = Setting {
    meaning: "Where deployments are read from: `environments`, `releases`, or `deployments`, which is both.",
    values: Values::OneOf(&["deployments", "environments", "releases"]),
    ..SOURCE
};

/// Where a way ends.
const END_PLACE: Setting = Setting {
    meaning: "What the name of the environment or stage has in it where the way ends, whatever the case; `^prod` for what it begins with; given again, one is enough; empty for the first of all.",
    ..PLACE
};

/// What of a record is needed to follow a way: not what people wrote, but for what may mention a work item.
fn slim(fact: Fact, _: &Context) -> Option<Fact> {
    match fact {
        Fact::Commit(mut own) => {
            if !own.comment.contains('#') {
                own.comment = String::new();
            }
            Some(Fact::Commit(own))
        }
        Fact::WorkItem(own, links) => (!own.is_deleted).then_some(Fact::WorkItem(own, links)),
        Fact::Changeset(own, details) => {
            let details = details.map(|mut details| {
                details.changes.truncate(1);
                details
            });
            Some(Fact::Changeset(own, details))
        }
        other => crate::repos::first_commits::slim(other),
    }
}

/// Whether this is how sure links must be, or surer.
fn believes(settings: &Settings, strength: links::Strength) -> bool {
    let weakest = match settings.text(&LINKS) {
        "development" => links::Strength::Development,
        "patterns" => links::Strength::Pattern,
        _ => links::Strength::Mention,
    };
    strength <= weakest
}
