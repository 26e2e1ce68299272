//! Runs that have not ended.

use model::{Record, record::Run};

use crate::deployment::Deployment;

async fn open_runs(deployment: &Deployment) -> Vec<Run> {
    let stored = deployment.stored().await.into_iter();
    let runs = stored.filter_map(|stored| match stored.record {
        Record::Run(run) if run.finished_at.is_none() => Some(*run),
        _ => None,
    });
    runs.collect()
}

/// A run that is deleted before it ends does not stay open for ever: its id is asked for once, and not found.
pub(crate) async fn a_run_that_vanishes_is_closed(deployment: &Deployment) {
    let open = open_runs(deployment).await;
    let victim = open.first().expect("some run has not ended").id;
    assert!(open.iter().all(|run| run.gone_at.is_none()), "{open:?}");

    let victim_id = u32::try_from(victim).unwrap();
    deployment.simulator.delete_run(victim_id);
    deployment.simulator.clear_requests();
    deployment.synchronize().await;

    let asked = by_id(deployment);
    assert_eq!(asked, [format!("buildIds={victim}")]);
    for run in open_runs(deployment).await {
        assert_eq!(run.gone_at.is_some(), run.id == victim, "{run:?}");
    }

    deployment.simulator.clear_requests();
    deployment.synchronize().await;
    assert!(by_id(deployment).is_empty(), "it is not looked for again");
}

/// What was asked for by id, without the parameters that every list of runs has.
fn by_id(deployment: &Deployment) -> Vec<String> {
    let requests = deployment.simulator.requests().into_iter();
    let queries = requests.filter(|request| request.resource == "builds");
    let parts = queries.flat_map(|request| {
        let parts = request.query.split('&').map(str::to_owned);
        parts.collect::<Vec<_>>()
    });
    parts.filter(|part| part.starts_with("buildIds=")).collect()
}
