//! The catalog: everything that is fetched from Azure DevOps, as data.
//!
//! A [`Resource`] says where a kind of thing is, how its list continues, what its cursor is, and how one item becomes a
//! [`Record`]. [`plan`] turns a resource and a cursor into the next request, and a page into the next cursor; both are
//! pure. Nothing here sends a request, stores anything or reads a clock: `functions/fetch` does.
//!
//! Start reading at [`CATALOG`], then any file of a resource, such as `builds.rs`.

pub mod artifact_links;
mod builds;
pub mod changeset_details;
mod changesets;
mod classification_nodes;
pub mod commits;
mod definitions;
mod deployments;
pub mod discovery;
mod environments;
pub mod gone_work_items;
mod open;
pub mod open_runs;
pub mod open_work_items;
pub mod people;
pub mod plan;
mod policies;
mod pull_request_links;
mod pull_request_threads;
mod pull_requests;
mod pushes;
mod refs;
mod repositories;
pub mod run_activities;
pub mod run_coverage;
mod run_retention;
pub mod sight;
pub mod single;
pub mod sprint_capacities;
mod sprints;
mod team_settings;
mod teams;
mod test_runs;
mod tfvc;
mod timelines;
pub mod windows;
pub mod wire;
mod work_item_ends;
mod work_item_fields;
mod work_item_links;
mod work_item_revisions;
mod work_item_types;

use std::time::Duration;

use ado::{Host, Paging};
use jiff::Timestamp;
use model::{
    Child, Facet, Job, Kind, Organization, ProjectId, Record, RepositoryId, Scope, Service,
};
use serde_json::value::RawValue;

pub use plan::Cursor;
pub use windows::Windows;

/// One kind of thing to fetch.
#[derive(Debug)]
pub struct Resource {
    /// The name in keys, jobs and logs.
    pub name: &'static str,
    /// The integration that it belongs to.
    pub service: Service,
    /// What it brings.
    pub kind: Kind,
    /// What it is fetched for.
    pub fan_out: FanOut,
    /// How it is fetched.
    pub fetch: Fetch,
    /// How often a stream is visited.
    pub every: Every,
}

/// What a resource is fetched for: one stream each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanOut {
    /// The whole organization.
    Organization,
    /// The whole organization, after the first pass of this resource over it.
    OrganizationAfter(&'static str),
    /// Every project.
    Project,
    /// Every project, after the first pass of this resource over it.
    ProjectAfter(&'static str),
    /// Every repository that was ever pushed to and is not disabled.
    Repository,
    /// Every repository, after the first pass of this resource over it.
    RepositoryAfter(&'static str),
    /// Every project, when a pass of this resource over it brought something new; besides, as often as
    /// [`Resource::every`] says.
    ProjectWith(&'static str),
    /// Every repository, when a pass of this resource over it brought something new; besides, as often as
    /// [`Resource::every`] says.
    RepositoryWith(&'static str),
    /// Every project, when both of these resources have been over it and a pass of either brought something new;
    /// besides, as often as [`Resource::every`] says.
    ProjectWithBoth(&'static str, &'static str),
    /// Single records of other resources, as their pages are stored.
    Children {
        /// The resources whose records have the children.
        of: &'static [&'static str],
        /// Which of its records.
        when: When,
    },
}

/// Which records of a page have their children fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Those whose stored facet is not that of their present state.
    Stale(Facet),
    /// As `Stale`, except in the first pass.
    StaleLater(Facet),
    /// As `Stale`, except that in the first pass another resource sees to those that began in the window, many at once.
    StaleInBulk(Facet),
    /// Those that were not stored before, except in the first pass.
    New,
    /// The runs of test runs that have ended, unless what their tests brought is stored.
    Tested,
}

/// How often a stream is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// At the deployment's synchronization period.
    Period,
    /// At the deployment's synchronization period, but once a day where there never was anything: most projects do not use
    /// what it is for.
    PeriodWhereUsed,
    /// Once a day: metadata.
    Day,
    /// Once a week: what is compared as a whole. Not at a user's request, who asks for what is new.
    Week,
    /// Once: what happens later comes by another resource.
    Once,
}

/// How a resource is fetched.
#[derive(Clone, Copy, Debug)]
pub enum Fetch {
    /// Page after page.
    List(List),
    /// Ids by a query, then work items by id.
    OpenWorkItems,
    /// Ids by a query, then the links of work items by id.
    LinkedWorkItems,
    /// Ids by queries, then by id what is stored and was not named.
    GoneWorkItems,
    /// Not at all: it goes by what is stored.
    Ends,
    /// What has not ended, and by id what is missing from that list.
    OpenRuns,
    /// What Analytics tells of many runs at once becomes a facet of each.
    RunActivities,
    /// One request for each parent; the answer becomes a facet of it.
    Details(DetailsOf),
    /// One request for many parents; the answer holds a facet of each.
    Batch(BatchOf),
    /// A list for each stored record of another kind in the scope.
    Each(Each),
    /// What teams have planned for their sprints: of all teams of a sprint whether there is anything, then of each team what.
    SprintCapacities,
    /// A list by time that answers for a limited span at once.
    Windows(Windows),
    /// The commits of named pushes.
    PushCommits,
    /// Details of what a list holds open, once a day although the list shows no change of it.
    Again {
        /// The resource whose list it is.
        open: &'static str,
        /// The resource that fetches the details.
        details: &'static str,
    },
    /// What named changesets changed.
    ChangesetDetails,
    /// The code coverage of named runs.
    RunCoverage,
}

/// A list of the API.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// Where the API is.
    pub host: Host,
    /// The path after the organization, with `{project}` and `{repository}`.
    pub path: &'static str,
    /// The fixed part of the query.
    pub query: &'static [(&'static str, &'static str)],
    /// The fixed part of a POST body, as JSON members; `None` for a GET.
    pub body: Option<&'static [(&'static str, &'static str)]>,
    /// The key of the items in the answer; empty if the answer itself is the one item.
    pub items: &'static str,
    /// How the list continues.
    pub paging: Paging,
    /// What the next pass starts from.
    pub cursor: CursorRule,
    /// What an item becomes.
    pub map: Map,
}

/// What the next pass over a list starts from.
#[derive(Clone, Copy, Debug)]
pub enum CursorRule {
    /// The whole list each time.
    Whole,
    /// The whole list each time, of what is open. What has left it comes by another list; if it does not until the pass
    /// after, it is asked for by its id.
    Open {
        /// The path of a single one, with `{project}` and `{id}`.
        by_id: &'static str,
    },
    /// The time of the newest thing seen, minus an overlap, because times tie and clocks differ.
    Time {
        /// The parameter for the earliest time.
        from: &'static str,
        /// The parameter for the latest time, where the list must be frozen while it is paged by skipping.
        until: Option<&'static str>,
        /// How far a later pass reaches back.
        overlap: Duration,
        /// How much earlier than the window the first pass begins, where the list goes by the clocks of clients.
        reach: Duration,
    },
    /// The token that the service gave with the last page: it follows the order of commits, so nothing ties.
    Token {
        /// The parameter for the time at which the first pass starts.
        start: &'static str,
    },
    /// The highest id seen.
    Id {
        /// The parameter for the lowest id.
        from: &'static str,
        /// The parameter for the time at which the first pass starts.
        start: &'static str,
    },
}

/// What an item of a list becomes.
#[derive(Clone, Copy, Debug)]
pub enum Map {
    /// One record.
    One(fn(&Target<'_>, &RawValue) -> Result<Record, MapError>),
    /// Several, because the item is a tree.
    Many(fn(&Target<'_>, &RawValue) -> Result<Vec<Record>, MapError>),
    /// One record of all items of an answer that is the whole list: what has left the list leaves the record.
    Page(fn(&Target<'_>, &[&RawValue]) -> Result<Record, MapError>),
}

/// A list that every record of another kind has, such as the deployments of an environment.
#[derive(Clone, Copy, Debug)]
pub struct Each {
    /// Where the API is.
    pub host: Host,
    /// The records that have the list: few, without a moment, and filed by project; see [`list_scope`].
    pub of: Kind,
    /// The path after the organization, with `{project}` and `{id}`.
    pub path: &'static str,
    /// The fixed part of the query.
    pub query: &'static [(&'static str, &'static str)],
    /// The key of the items in the answer.
    pub items: &'static str,
    /// How the list continues.
    pub paging: Paging,
    /// How much of the list a later pass reads.
    pub extent: Extent,
    /// What an item becomes, given the record that has the list.
    pub map: fn(&Target<'_>, &Record, &RawValue) -> Result<Record, MapError>,
}

/// How much of a list without a filter a pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// The newest, as far back as something was not over yet; all of it if it does not come newest first.
    New,
}

/// A facet of many parents at once.
#[derive(Clone, Copy, Debug)]
pub struct BatchOf {
    /// Where the API is.
    pub host: Host,
    /// The path after the organization, with `{project}` and `{repository}`.
    pub path: &'static str,
    /// The fixed part of the query.
    pub query: &'static [(&'static str, &'static str)],
    /// How many parents a request takes.
    pub size: usize,
    /// The facet.
    pub facet: Facet,
    /// The body of the POST.
    pub body: fn(&Target<'_>, &[Child]) -> String,
    /// The facet of each parent that the answer names, by the parent's position.
    pub map: MapBatch,
}

/// What an answer says of each of these parents: its position, and the facet as JSON.
pub type MapBatch = fn(&[Child], &[u8]) -> Result<Vec<(usize, String)>, MapError>;

/// Names what else belongs to details, given the items that came first.
pub type NameMore = fn(&[&RawValue]) -> Vec<String>;

/// A facet of a parent.
#[derive(Clone, Copy, Debug)]
pub struct DetailsOf {
    /// Where the API is.
    pub host: Host,
    /// The facet.
    pub facet: Facet,
    /// The path after the organization, with `{project}`, `{repository}` and `{id}`.
    pub path: &'static str,
    /// The fixed part of the query.
    pub query: &'static [(&'static str, &'static str)],
    /// The key of the items in the answer.
    pub items: &'static str,
    /// What else belongs to the details, where it has to be asked for: a further part of the path each.
    pub more: Option<NameMore>,
    /// The path of the parent itself. A sign-in page instead of details is no news of the credential if that can be read;
    /// it says that there are no details.
    pub parent: Option<&'static str>,
    /// The details as JSON, made of all items: first of the details, then of what else belongs to them.
    pub map: fn(&[&RawValue]) -> Result<String, MapError>,
}

/// Where a page came from.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The organization.
    pub organization: &'a Organization,
    /// The part of it.
    pub scope: &'a Scope,
}

impl<'a> From<&'a Job> for Target<'a> {
    fn from(job: &'a Job) -> Self {
        Self {
            organization: &job.organization,
            scope: &job.scope,
        }
    }
}

/// An item cannot become a record; it is set aside, and the rest of its page is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct MapError {
    /// What is wrong with it. Never a part of its content.
    pub reason: String,
}

/// The stable version of the API that every request names, except those of previews.
pub(crate) const API_VERSION: (&str, &str) = ("api-version", "7.1");

/// How far time cursors reach back: times tie, are rounded, and come from several machines.
pub const OVERLAP: Duration = Duration::from_secs(600);

/// Everything that is fetched.
pub static CATALOG: &[&Resource] = &[
    &work_item_revisions::WORK_ITEM_REVISIONS,
    &work_item_links::WORK_ITEM_LINKS,
    &work_item_types::WORK_ITEM_TYPES,
    &classification_nodes::CLASSIFICATION_NODES,
    &work_item_fields::WORK_ITEM_FIELDS,
    &teams::TEAMS,
    &sprints::SPRINTS,
    &team_settings::TEAM_SETTINGS,
    &team_settings::TEAM_AREAS,
    &sprint_capacities::SPRINT_CAPACITIES,
    &open_work_items::OPEN_WORK_ITEMS,
    &work_item_ends::WORK_ITEM_ENDS,
    &gone_work_items::GONE_WORK_ITEMS,
    &artifact_links::LINKED_WORK_ITEMS,
    &artifact_links::WORK_ITEM_ARTIFACTS,
    &builds::BUILDS,
    &open_runs::OPEN_RUNS,
    &run_activities::RUN_ACTIVITIES,
    &timelines::TIMELINES,
    &deployments::DEPLOYMENTS,
    &environments::ENVIRONMENTS,
    &environments::ENVIRONMENT_DEPLOYMENTS,
    &test_runs::TEST_RUNS,
    &run_coverage::RUN_COVERAGE,
    &definitions::DEFINITIONS,
    &run_retention::RUN_RETENTION,
    &pull_requests::ACTIVE,
    &pull_requests::COMPLETED,
    &pull_requests::ABANDONED,
    &pull_request_threads::PULL_REQUEST_THREADS,
    &pull_request_threads::PULL_REQUEST_COMMENTS,
    &pull_request_links::PULL_REQUEST_LINKS,
    &repositories::REPOSITORIES,
    &repositories::DELETED_REPOSITORIES,
    &refs::BRANCHES,
    &refs::TAGS,
    &policies::POLICIES,
    &pushes::PUSHES,
    &commits::COMMITS,
    &commits::PUSH_COMMITS,
    &changesets::CHANGESETS,
    &changeset_details::CHANGESET_DETAILS,
    &tfvc::TFVC_BRANCHES,
    &tfvc::TFVC_LABELS,
    &tfvc::SHELVESETS,
];

/// The resource of this name.
pub fn find(name: &str) -> Option<&'static Resource> {
    CATALOG
        .iter()
        .copied()
        .find(|resource| resource.name == name)
}

impl Resource {
    /// The resources that fetch children of this one, and for which records.
    pub fn children(&self) -> impl Iterator<Item = (&'static Resource, When)> + use<> {
        let name = self.name;
        CATALOG.iter().filter_map(move |child| match child.fan_out {
            FanOut::Children { of, when } if of.contains(&name) => Some((*child, when)),
            _ => None,
        })
    }

    /// Whether a list of this goes over all projects at once, so that another project means another list. What goes by the
    /// records that are stored does not.
    pub fn goes_over_all_projects(&self) -> bool {
        let is_of_all = matches!(
            self.fan_out,
            FanOut::Organization | FanOut::OrganizationAfter(_)
        );
        is_of_all && !matches!(self.fetch, Fetch::Ends | Fetch::GoneWorkItems)
    }

    /// Whether a list of this goes over all repositories of a project and on from a time, so that it misses what was earlier
    /// in a repository that did not answer then.
    pub fn goes_over_all_repositories(&self) -> bool {
        let Fetch::List(list) = self.fetch else {
            return false;
        };
        self.service == Service::Repos
            && self.fan_out == FanOut::Project
            && matches!(list.cursor, CursorRule::Time { .. })
    }

    /// The resources that are visited when a pass of this one brought something new.
    pub fn awakens(&self) -> impl Iterator<Item = &'static Resource> + use<> {
        let with = [
            FanOut::ProjectWith(self.name),
            FanOut::RepositoryWith(self.name),
        ];
        CATALOG
            .iter()
            .copied()
            .filter(move |next| with.contains(&next.fan_out))
    }

    /// The resources that are visited when a pass of this one brought something new, each with the other resource that
    /// must have been there.
    pub fn awakens_with(&self) -> impl Iterator<Item = (&'static Resource, &'static str)> + use<> {
        let name = self.name;
        CATALOG.iter().filter_map(move |next| match next.fan_out {
            FanOut::ProjectWithBoth(one, other) if one == name => Some((*next, other)),
            FanOut::ProjectWithBoth(other, one) if one == name => Some((*next, other)),
            _ => None,
        })
    }

    /// How many children one job carries: a few minutes of work, and far below the size of a message.
    pub fn children_per_job(&self) -> usize {
        match self.fetch {
            Fetch::Batch(batch) => batch.size,
            _ => 20,
        }
    }

    /// The resources whose streams begin when a stream of this one has had its first pass.
    pub fn followed_by(&self) -> impl Iterator<Item = &'static Resource> + use<> {
        let name = self.name;
        let after = [
            FanOut::OrganizationAfter(name),
            FanOut::ProjectAfter(name),
            FanOut::RepositoryAfter(name),
        ];
        CATALOG
            .iter()
            .copied()
            .filter(move |next| after.contains(&next.fan_out))
    }
}

impl Target<'_> {
    fn project(&self) -> Result<ProjectId, MapError> {
        self.scope
            .project()
            .ok_or_else(|| MapError::new("its stream has no project"))
    }

    fn repository(&self) -> Result<RepositoryId, MapError> {
        self.scope
            .repository()
            .ok_or_else(|| MapError::new("its stream has no repository"))
    }
}

impl MapError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

impl From<serde_json::Error> for MapError {
    /// The place and kind of the mistake; `serde_json`'s own message can quote the content.
    fn from(error: serde_json::Error) -> Self {
        let kind = match error.classify() {
            serde_json::error::Category::Data => "a field is missing or of another type",
            serde_json::error::Category::Syntax => "malformed json",
            serde_json::error::Category::Eof => "it ends too early",
            serde_json::error::Category::Io => "it cannot be read",
        };
        Self::new(format!("{kind} (column {})", error.column()))
    }
}

/// The instant by which cursors by time move: the end of a run or pull request, the moment of a push, the last change
/// of a deployment.
pub(crate) fn event_time(record: &Record) -> Option<Timestamp> {
    match record {
        Record::Deployment(deployment) => Some(deployment.modified_at),
        record => record.last_event(),
    }
}

/// The child of a stored record, as a job carries it, for one of its facets or for records of their own.
pub fn child_of(record: &Record, facet: Option<Facet>) -> Option<Child> {
    let (id, repository) = match record {
        Record::Environment(environment) => (environment.id.to_string(), None),
        Record::Team(team) => (team.id.to_string(), None),
        Record::Run(run) => (run.id.to_string(), None),
        Record::PullRequest(pull_request) => {
            (pull_request.id.to_string(), Some(pull_request.repository))
        }
        Record::WorkItem(item) => (item.id.to_string(), None),
        Record::Push(push) => (push.id.to_string(), Some(push.repository)),
        Record::Changeset(changeset) => (changeset.id.to_string(), None),
        _ => return None,
    };
    let marker = facet.and_then(|facet| record.marker(facet));
    let marker = marker.unwrap_or_default();
    Some(Child {
        id,
        repository,
        row: record.key(),
        marker,
    })
}

/// Where the list of a record is read: in the scope of the stream, or in the record's project if the stream is that of
/// the organization. `None` for a record of another organization that shares the integration.
pub fn list_scope(target: &Target<'_>, record: &Record) -> Option<Scope> {
    match record {
        Record::Team(team) => {
            let is_ours = team.organization == target.organization.id;
            is_ours.then_some(Scope::Project(team.project))
        }
        _ => Some(target.scope.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = CATALOG.iter().map(|resource| resource.name).collect();
        assert_eq!(names.len(), CATALOG.len());
    }

    #[test]
    fn every_service_has_a_resource_and_every_kind_but_people_comes_from_one() {
        for service in Service::ALL {
            assert!(
                CATALOG.iter().any(|resource| resource.service == service),
                "{service}"
            );
        }
        for kind in Kind::ALL {
            let has_resource = CATALOG.iter().any(|resource| resource.kind == *kind);
            assert_ne!(has_resource, *kind == Kind::Person, "{kind}");
        }
    }

    #[test]
    fn parents_and_predecessors_exist_in_the_same_service() {
        for resource in CATALOG {
            let before = match resource.fan_out {
                FanOut::Children { of, .. } => of.to_vec(),
                FanOut::OrganizationAfter(name)
                | FanOut::ProjectAfter(name)
                | FanOut::RepositoryAfter(name)
                | FanOut::RepositoryWith(name)
                | FanOut::ProjectWith(name) => vec![name],
                FanOut::ProjectWithBoth(one, other) => vec![one, other],
                FanOut::Organization | FanOut::Project | FanOut::Repository => continue,
            };
            for name in before {
                let parent = find(name).unwrap_or_else(|| panic!("{name} is not in the catalog"));
                assert_eq!(parent.service, resource.service, "{}", resource.name);
            }
        }
    }

    /// <https://learn.microsoft.com/rest/api/azure/devops/wit/work-items/get-work-items-batch>
    #[test]
    fn no_batch_of_work_items_is_longer_than_the_service_takes() {
        let of_items = |resource: &&&Resource| matches!(resource.fetch, Fetch::Batch(batch) if batch.path.ends_with("workitemsbatch"));
        let mut sizes: Vec<usize> = CATALOG
            .iter()
            .filter(of_items)
            .map(|resource| resource.children_per_job())
            .collect();
        sizes.push(open_work_items::BATCH);
        assert_eq!(sizes, [200, 200]);
    }

    #[test]
    fn every_request_names_an_api_version() {
        for resource in CATALOG {
            let query = match resource.fetch {
                Fetch::List(list) => list.query,
                Fetch::Details(details) => details.query,
                Fetch::Batch(batch) => batch.query,
                Fetch::Each(each) => each.query,
                Fetch::Windows(windows) => windows.query,
                Fetch::OpenWorkItems
                | Fetch::LinkedWorkItems
                | Fetch::OpenRuns
                | Fetch::RunActivities
                | Fetch::SprintCapacities
                | Fetch::GoneWorkItems
                | Fetch::Again { .. }
                | Fetch::Ends
                | Fetch::PushCommits
                | Fetch::RunCoverage
                | Fetch::ChangesetDetails => continue,
            };
            assert!(
                query.iter().any(|(name, _)| *name == "api-version"),
                "{}",
                resource.name
            );
        }
    }
}
