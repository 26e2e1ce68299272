//! The sample events for this function are what Lambda would deliver, and what the function understands.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

use std::{collections::BTreeSet, fs, path::Path, sync::Mutex, time::Duration};

use aws_lambda_events::event::sqs::SqsEvent;
use entrypoint::{Delivery, Pending};
use fetch::Error;
use lambda_runtime::LambdaEvent;
use model::{Job, Scope, Service, Work};
use resources::FanOut;

fn events() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events"))
}

fn event(name: &str) -> SqsEvent {
    let text = fs::read_to_string(events().join(name)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of the sample events for fetch functions.
fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(events())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("fetch-"))
        .collect();
    names.sort();
    names
}

/// Keeps what was buried.
#[derive(Default)]
struct Graves(Mutex<Vec<String>>);

impl Pending for Graves {
    async fn bury(&self, _body: &str, reason: &str) -> bool {
        self.0.lock().unwrap().push(reason.to_owned());
        true
    }

    async fn delay(&self, _source: &str, _receipt: &str, _after: Duration) {
        panic!("nothing failed, so nothing is delayed");
    }
}

/// The jobs that the batch loop hands to the function, and the reasons of what it buries.
async fn delivered(event: SqsEvent) -> (Vec<Job>, Vec<String>) {
    let (jobs, graves) = (Mutex::new(Vec::new()), Graves::default());
    let handler = async |delivery: Delivery<Job>| {
        jobs.lock().unwrap().push(delivery.message);
        Ok(())
    };
    let event = LambdaEvent::new(event, lambda_runtime::Context::default());
    let response = entrypoint::batch::handle(event, &graves, handler, Error::fault).await;
    assert!(response.batch_item_failures.is_empty());
    (jobs.into_inner().unwrap(), graves.0.into_inner().unwrap())
}

/// The queue of the template that carries a service's jobs.
fn queue(service: Service) -> &'static str {
    match service {
        Service::Boards => "BoardsQueue",
        Service::Pipelines => "PipelinesQueue",
        Service::Repos => "ReposQueue",
        Service::Tfvc => "TfvcQueue",
    }
}

/// Whether a resource is ever fetched for such a job.
fn fits(job: &Job) -> bool {
    let resource = resources::find(&job.resource)
        .unwrap_or_else(|| panic!("`{}` is not in the catalog", job.resource));
    let scope_fits = match resource.fan_out {
        FanOut::Organization | FanOut::OrganizationAfter(_) => job.scope == Scope::Organization,
        FanOut::Project
        | FanOut::ProjectAfter(_)
        | FanOut::ProjectWith(_)
        | FanOut::ProjectWithBoth(..) => {
            matches!(job.scope, Scope::Project(_))
        }
        FanOut::Repository | FanOut::RepositoryAfter(_) | FanOut::RepositoryWith(_) => {
            job.scope.repository().is_some()
        }
        FanOut::Children { .. } => true,
    };
    let work_fits = match (&job.work, resource.fan_out) {
        (Work::Children(children), FanOut::Children { .. }) => {
            !children.is_empty() && children.iter().all(|child| child.row.kind == resource.kind)
        }
        (Work::Pass, fan_out) => !matches!(fan_out, FanOut::Children { .. }),
        (Work::Children(_), _) => false,
    };
    resource.service == job.service && scope_fits && work_fits
}

#[tokio::test]
async fn every_job_names_a_resource_of_the_catalog_and_asks_it_for_what_it_does() {
    let mut services = BTreeSet::new();
    for name in names() {
        let event = event(&name);
        let sources: Vec<_> = event
            .records
            .iter()
            .map(|record| record.event_source_arn.clone().unwrap_or_default())
            .collect();
        let (jobs, buried) = delivered(event).await;
        assert_eq!(buried, Vec::<String>::new(), "{name}");
        assert_eq!(jobs.len(), sources.len(), "{name}");
        for (job, source) in jobs.iter().zip(&sources) {
            assert!(fits(job), "{name}: {job:?}");
            assert!(source.contains(queue(job.service)), "{name}: {source}");
            services.insert(job.service);
        }
    }
    assert_eq!(services.len(), Service::ALL.len(), "one event a service");
}

#[tokio::test]
async fn a_job_says_the_same_when_it_is_written_again() {
    for name in names() {
        let event = event(&name);
        let bodies: Vec<String> = event
            .records
            .iter()
            .filter_map(|record| record.body.clone())
            .collect();
        let (jobs, _) = delivered(event).await;
        let written: Vec<String> = jobs
            .iter()
            .map(|job| serde_json::to_string(job).unwrap())
            .collect();
        assert_eq!(written, bodies, "{name} has a field that nobody reads");
    }
}

#[tokio::test]
async fn the_malformed_message_is_buried_with_its_reason() {
    let (jobs, buried) = delivered(event("malformed-message.json")).await;
    assert_eq!(jobs, []);
    let [reason] = buried.as_slice() else {
        panic!("{buried:?}")
    };
    assert!(reason.starts_with("unreadable message: "), "{reason}");
}
