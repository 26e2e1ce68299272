//! Runs that have not ended: in one list per project, and by id when one of them is missing from it.
//!
//! An ended run comes by `builds`. This list is for what waits or runs now, so it is read when `builds` brought something
//! new, and once a day: a project in which nothing ends costs nothing. What is on the list one time and neither there nor
//! ended the next time is asked for by id, because absence from a list is no proof; what its id does not find is gone.

use ado::{Host, Position, Request};
use model::{Kind, Record, Service, record::run::RunStatus};

use crate::{API_VERSION, Every, FanOut, Fetch, Resource, Target, builds::TOP, plan::address};

pub use crate::builds::{PAGING, map};

/// Runs that have not ended.
pub(crate) static OPEN_RUNS: Resource = Resource {
    name: "open_runs",
    service: Service::Pipelines,
    kind: Kind::Run,
    fan_out: FanOut::ProjectWith("builds"),
    every: Every::Day,
    fetch: Fetch::OpenRuns,
};

/// The states of a run that has not ended.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list#buildstatus>
pub const STATES: [&str; 4] = ["inProgress", "notStarted", "cancelling", "postponed"];

/// How many runs are asked for by id at once: the address stays far below the 2,000 characters that are safe.
pub const IDS: usize = 100;

/// The request for a page of the runs in these states. Microsoft's page calls the states flags and does not say whether
/// a list of them is understood.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list#uri-parameters>
pub fn list_request(target: &Target<'_>, states: &[&str], position: &Position) -> Request {
    let mut request = runs(target)
        .query("statusFilter", states.join(","))
        .query("queryOrder", "queueTimeAscending");
    PAGING.apply(position, &mut request);
    request
}

/// The request for runs by their ids.
/// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list#uri-parameters>
pub fn by_id_request(target: &Target<'_>, ids: &[u64]) -> Request {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    runs(target).query("buildIds", ids.join(","))
}

/// Whether a record is a run that has not ended.
pub fn is_open(record: &Record) -> bool {
    match record {
        Record::Run(run) => run.status != RunStatus::Completed && run.gone_at.is_none(),
        _ => false,
    }
}

fn runs(target: &Target<'_>) -> Request {
    let path = (Host::Core, "{project}/_apis/build/builds");
    let (name, value) = API_VERSION;
    let (top, most) = TOP;
    address(path, target, None)
        .query(name, value)
        .query(top, most)
}
