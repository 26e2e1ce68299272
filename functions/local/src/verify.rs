//! Compares what is stored with what the simulator knows must be stored.

mod inventory;
mod people;

use std::collections::HashMap;

use model::record::artifact::ArtifactLinks;
use model::record::run::TimelineSource;
use model::record::{ChangesetDetails, PullRequestActivity, PullRequestLinks, RefList, Timeline};
use model::{Facet, Kind, Record, people::Names};
use serde::Serialize;
use simulator::Expected;
use storage::StoredRecord;

pub use self::inventory::{Inventory, KindSummary};

/// The verdict on a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// How many records there must be.
    pub expected: u64,
    /// How many of them are not stored.
    pub missing: u64,
    /// How many records are stored once more than they should be.
    pub duplicate: u64,
    /// How many are stored in an older state, or without all of their parts.
    pub stale: u64,
    /// How many are stored that the organization does not have.
    pub foreign: u64,
    /// The first few that are not as they should be, for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// How many examples are named.
const EXAMPLES: usize = 20;

impl Ledger {
    /// Returns whether the store is exactly as it must be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.missing + self.duplicate + self.stale + self.foreign == 0
    }

    fn example(&mut self, problem: &str, kind: &str, sort: &str, more: &str) {
        if self.examples.len() < EXAMPLES {
            self.examples
                .push(format!("{problem}: {kind} {sort}{more}"));
        }
    }
}

/// Compares the simulator's ledger with what was found in the store.
#[must_use]
pub fn compare(expected: &[Expected], found: impl IntoIterator<Item = Found>) -> Ledger {
    let mut ledger = Ledger::default();
    let mut by_key: HashMap<(Kind, String), Vec<Found>> = HashMap::new();
    for record in people::merged(found) {
        by_key
            .entry((record.kind, record.sort.clone()))
            .or_default()
            .push(record);
    }
    for wanted in expected {
        let sort = format!("{}#{}", wanted.scope, wanted.id);
        let key = Kind::from_name(wanted.kind).map(|kind| (kind, sort.clone()));
        let found = key.and_then(|key| by_key.remove(&key));
        if may_be_missing(wanted) {
            continue;
        }
        ledger.expected += 1;
        let Some(found) = found else {
            ledger.missing += 1;
            ledger.example("missing", wanted.kind, &sort, "");
            continue;
        };
        if found.len() > 1 {
            ledger.duplicate += found.len() as u64 - 1;
            ledger.example("duplicate", wanted.kind, &sort, "");
        }
        if let Some(stale) = found.iter().find(|found| !found.is_current(wanted)) {
            ledger.stale += 1;
            ledger.example("stale", wanted.kind, &sort, &stale.difference(wanted));
        }
    }
    for ((kind, sort), records) in by_key {
        ledger.foreign += records.len() as u64;
        ledger.example("foreign", kind.name(), &sort, "");
    }
    ledger
}

/// Whether it is somebody of the organization whom nothing that must be stored names.
fn may_be_missing(wanted: &Expected) -> bool {
    wanted.kind == Kind::Person.name() && wanted.children == 0
}

/// A stored record's key and state in the ledger's words; see [`Expected`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Its scope and natural id, as they stand in its sort key.
    pub sort: String,
    /// Which state of it.
    pub version: String,
    /// How many parts it has.
    pub children: u64,
    /// Whether they are what Analytics tells.
    pub from_analytics: bool,
    /// Under which names somebody was stored, if it is somebody.
    pub named: Option<Box<Names>>,
}

impl Found {
    fn is_current(&self, wanted: &Expected) -> bool {
        self.version == wanted.version && self.wanted_children(wanted) == Some(self.children)
    }

    /// How many parts it must have, coming from where they come from; `None` if they must not.
    fn wanted_children(&self, wanted: &Expected) -> Option<u64> {
        match self.from_analytics {
            true => wanted.in_analytics,
            false => Some(wanted.children),
        }
    }

    fn difference(&self, wanted: &Expected) -> String {
        let Self {
            version, children, ..
        } = self;
        let parts = self
            .wanted_children(wanted)
            .map_or_else(|| "none from Analytics".to_owned(), |n| n.to_string());
        format!(
            " is at {version:?} with {children} parts, not {:?} with {parts}",
            wanted.version
        )
    }
}

impl From<&StoredRecord> for Found {
    fn from(stored: &StoredRecord) -> Self {
        let facet = |facet| stored.details.get(&facet).map_or("", String::as_str);
        // A facet of another state counts for nothing.
        let current = |which| {
            let marker = stored.record.marker(which);
            let is_current = marker.is_some() && marker.as_ref() == stored.markers.get(&which);
            if is_current { facet(which) } else { "" }
        };
        let mut from_analytics = false;
        let (version, children) = match &stored.record {
            Record::WorkItem(item) => {
                let links = serde_json::from_str(current(Facet::Links));
                let links: ArtifactLinks = links.unwrap_or_default();
                let parts = item.revisions.len() + links.links.len();
                (item.rev.to_string(), parts)
            }
            Record::WorkItemLink(link) => (link.changed_at.to_string(), usize::from(link.active)),
            Record::WorkItemType(kind) => (String::new(), kind.states.len()),
            Record::Run(run) => {
                let timeline: Timeline =
                    serde_json::from_str(facet(Facet::Timeline)).unwrap_or_default();
                from_analytics = timeline.source == TimelineSource::Analytics;
                (
                    run.finished_at
                        .map_or_else(String::new, |at| at.to_string()),
                    timeline.records.len(),
                )
            }
            Record::PullRequest(pull_request) => {
                let activity: Option<PullRequestActivity> =
                    serde_json::from_str(facet(Facet::Threads)).ok();
                let links: PullRequestLinks =
                    serde_json::from_str(facet(Facet::Links)).unwrap_or_default();
                (
                    pull_request.status.as_str().to_owned(),
                    activity.map_or(0, |activity| activity.threads as usize)
                        + links.work_items.len(),
                )
            }
            Record::Deployment(deployment) => (
                deployment.modified_at.to_string(),
                deployment.approvals.len(),
            ),
            Record::EnvironmentDeployment(deployment) => (
                deployment
                    .finished_at
                    .map_or_else(String::new, |at| at.to_string()),
                0,
            ),
            Record::Changeset(_) => {
                let found: ChangesetDetails =
                    serde_json::from_str(facet(Facet::Changes)).unwrap_or_default();
                (String::new(), found.changes.len() + found.work_items.len())
            }
            Record::TfvcBranch(branch) => {
                let version = if branch.is_deleted { "deleted" } else { "" };
                (version.to_owned(), 0)
            }
            Record::TfvcLabel(label) => (label.name.clone(), 0),
            Record::Shelveset(shelveset) => (shelveset.created_at.to_string(), 0),
            Record::GitRepository(repository) => (repository.name.clone(), 0),
            Record::RefList(list) => (sum_of(list), list.refs.len()),
            Record::Policy(policy) => (policy.revision.to_string(), policy.branches.len()),
            Record::TestRun(test_run) => (test_run.updated_at.to_string(), test_run.total as usize),
            Record::RunCoverage(coverage) => {
                (coverage.tested_at.to_string(), coverage.counts.len())
            }
            Record::Definition(definition) => (definition.revision.to_string(), 0),
            Record::TeamSettings(settings) => {
                let parts = settings.working_days.len() + settings.backlogs.len();
                (String::new(), parts)
            }
            Record::TeamAreas(own) => (String::new(), own.areas.len()),
            Record::SprintCapacity(capacity) => {
                let members = capacity.members.iter();
                let days_off: usize = members.map(|member| member.days_off.len()).sum();
                let parts = capacity.members.len() + days_off + capacity.days_off.len();
                (capacity.finishes_at.to_string(), parts)
            }
            Record::Environment(_)
            | Record::ClassificationNode(_)
            | Record::WorkItemField(_)
            | Record::Team(_)
            | Record::Sprint(_)
            | Record::RunRetention(_)
            | Record::Person(_)
            | Record::Push(_)
            | Record::Commit(_) => (String::new(), 0),
        };
        let named = match &stored.record {
            Record::Person(person) => Some(Box::new(person.named.clone())),
            _ => None,
        };
        Self {
            named,
            kind: stored.key.kind,
            sort: stored.key.sort.clone(),
            version,
            children: children as u64,
            from_analytics,
        }
    }
}

/// The ledger's sum over the objects that refs point to; see [`Expected`].
fn sum_of(list: &RefList) -> String {
    let starts = list.refs.iter().filter_map(|own| own.object.get(..15));
    let numbers = starts.filter_map(|start| u64::from_str_radix(start, 16).ok());
    numbers.fold(0_u64, u64::wrapping_add).to_string()
}

#[cfg(test)]
mod tests {
    use model::people::Sighting;

    use super::*;

    fn expected(id: u64) -> Expected {
        Expected {
            kind: "run",
            scope: uuid::Uuid::nil(),
            id: id.to_string(),
            version: "2026-11-23T00:00:00Z".to_owned(),
            children: 3,
            in_analytics: None,
            changed_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn found(id: u64) -> Found {
        let Expected {
            scope,
            id,
            version,
            children,
            ..
        } = expected(id);
        Found {
            kind: Kind::Run,
            sort: format!("{scope}#{id}"),
            version,
            children,
            from_analytics: false,
            named: None,
        }
    }

    fn person(sort: &str, id: Option<&str>, unique_name: &str) -> Found {
        let sighting = Sighting {
            id: id.map(Into::into),
            unique_name: Some(unique_name.into()),
            ..Sighting::default()
        };
        Found {
            kind: Kind::Person,
            sort: format!("{}#{sort}", uuid::Uuid::nil()),
            named: Some(Box::new(Names::from(sighting))),
            ..found(1)
        }
    }

    #[test]
    fn a_person_is_one_whatever_names_them_and_a_stranger_is_foreign() {
        let wanted = |id: &str, children| Expected {
            kind: "person",
            id: id.to_owned(),
            version: "human".to_owned(),
            children,
            ..expected(1)
        };
        let all = [wanted("1", 1), wanted("2", 0), wanted("3", 0)];
        let ada = [
            person("1", Some("1"), "ada@x.example"),
            person("1", Some("1"), "ada@x.example"),
            person("mail.7", None, "ADA@x.example"),
        ];
        let bo = person("2", Some("2"), "bo@x.example");
        let ledger = compare(&all, ada.clone().into_iter().chain([bo]));
        assert_eq!((ledger.expected, ledger.is_clean()), (1, true));
        assert_eq!(compare(&all, []).missing, 1);
        let stranger = person("mail.9", None, "eve@x.example");
        assert_eq!(
            compare(&all, ada.clone().into_iter().chain([stranger])).foreign,
            1
        );
        let service = person("1", Some("1"), "Build\\1");
        assert_eq!(compare(&all, ada.into_iter().chain([service])).stale, 1);
    }

    #[test]
    fn parts_from_analytics_are_compared_with_what_analytics_knows() {
        let told = |children| Found {
            children,
            from_analytics: true,
            ..found(1)
        };
        let known = Expected {
            in_analytics: Some(2),
            ..expected(1)
        };
        assert!(compare(std::slice::from_ref(&known), [told(2)]).is_clean());
        assert!(compare(std::slice::from_ref(&known), [found(1)]).is_clean());
        assert_eq!(compare(&[known], [told(3)]).stale, 1);
        assert_eq!(compare(&[expected(1)], [told(3)]).stale, 1);
    }

    #[test]
    fn an_exact_store_is_clean() {
        let ledger = compare(&[expected(1), expected(2)], [found(2), found(1)]);
        assert_eq!(
            ledger,
            Ledger {
                expected: 2,
                ..Ledger::default()
            }
        );
        assert!(ledger.is_clean());
    }

    #[test]
    fn every_kind_of_difference_is_counted_and_named() {
        let older = Found {
            version: "2026-11-22T00:00:00Z".to_owned(),
            ..found(3)
        };
        let incomplete = Found {
            children: 0,
            ..found(4)
        };
        let foreign = Found {
            kind: Kind::Push,
            ..found(1)
        };
        let wanted: Vec<_> = (1..=5).map(expected).collect();
        let ledger = compare(
            &wanted,
            [found(1), foreign, found(2), found(2), older, incomplete],
        );
        let counts = (
            ledger.missing,
            ledger.duplicate,
            ledger.stale,
            ledger.foreign,
        );
        assert_eq!(counts, (1, 1, 2, 1));
        assert!(!ledger.is_clean());
        assert!(
            ledger
                .examples
                .iter()
                .any(|example| example.starts_with("missing: run") && example.ends_with("#5"))
        );
    }

    #[test]
    fn an_empty_store_is_missing_everything() {
        let ledger = compare(&[expected(1)], []);
        assert_eq!((ledger.missing, ledger.is_clean()), (1, false));
    }
}
