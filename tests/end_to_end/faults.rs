//! What goes wrong upstream, in the middle of any stream: nothing is lost and nothing is made up.

use local::sqs::NewMessage;
use simulator::{Config, Fault, FaultKind};

use crate::deployment::Deployment;

const QUEUES: [&str; 5] = [
    "BoardsQueue",
    "PipelinesQueue",
    "ReposQueue",
    "TfvcQueue",
    "FanOutQueue",
];

fn fault(matching: &str, after: u32, times: u32, kind: FaultKind) -> Fault {
    Fault {
        matching: matching.to_owned(),
        after,
        times,
        kind,
    }
}

/// Starts, connects, breaks, waits. Every queue holds a message that is none of ours.
async fn synchronized_through(faults: Vec<Fault>) -> Deployment {
    let deployment = Deployment::start(Config::default()).await;
    for queue in QUEUES {
        let name = deployment.stack.queue_name(queue).unwrap();
        let body = "{\"poison\":true}".to_owned();
        let message = NewMessage {
            body,
            ..NewMessage::default()
        };
        deployment.stack.sqs().send(name, message).unwrap();
    }
    // Validation passes unharmed; the faults are for the synchronization.
    let (status, answer) = deployment.connect(deployment.simulator.default_pat()).await;
    assert_eq!(status, 201, "{answer}");
    for fault in faults {
        deployment.simulator.inject(fault);
    }
    deployment.settle().await;
    deployment
}

/// What must hold whatever went wrong: the store is whole, and only the poison is dead.
async fn assert_unharmed(deployment: &Deployment) {
    let ledger = deployment.ledger().await;
    assert!(ledger.is_clean(), "{ledger:?}\n{}", deployment.logs());
    let dead = deployment.stack.dead_letters();
    assert_eq!(dead.len(), QUEUES.len(), "{dead:?}");
    assert!(
        dead.iter().all(|letter| letter.body.contains("poison")),
        "{dead:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_by_itself_leaves_no_trace() {
    let broken = synchronized_through(vec![
        fault(
            "workitemrevisions",
            0,
            1,
            FaultKind::Unavailable503 { retry_after: None },
        ),
        fault("workitemlinks", 0, 1, FaultKind::CutBody),
        fault("timeline", 5, 2, FaultKind::ServerError500),
        fault("builds", 1, 1, FaultKind::TruncatedJson),
        fault("threads", 3, 1, FaultKind::CutBody),
        fault(
            "pushes",
            2,
            1,
            FaultKind::Unavailable503 {
                retry_after: Some(1),
            },
        ),
        fault("commitsbatch", 1, 1, FaultKind::CutBody),
        fault("changesets", 0, 2, FaultKind::ServerError500),
    ])
    .await;
    assert_unharmed(&broken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_the_organization_asks_for_silence() {
    let throttled = synchronized_through(vec![
        fault("timeline", 10, 1, FaultKind::RetryAfterOn200 { seconds: 2 }),
        fault(
            "threads",
            5,
            1,
            FaultKind::TooManyRequests429 {
                retry_after: Some(2),
            },
        ),
        fault(
            "pushes",
            1,
            1,
            FaultKind::Unavailable503 {
                retry_after: Some(1),
            },
        ),
    ])
    .await;
    assert_unharmed(&throttled).await;
    let requests = throttled.simulator.requests();
    let inside: Vec<_> = requests
        .iter()
        .filter(|request| request.inside_retry_after)
        .collect();
    // Requests that were under way when another worker was told to wait cannot be called back: at most one a worker.
    assert!(
        inside.len() <= 12,
        "{} of {} requests",
        inside.len(),
        requests.len()
    );
    println!(
        "{} of {} requests came inside a pause",
        inside.len(),
        requests.len()
    );
}

/// A dead token loses nothing, asks for a person, and is not tried again.
pub(crate) async fn a_dead_token_loses_nothing_and_asks_for_a_person(deployment: &Deployment) {
    let before = deployment.contents().await;
    let pat = deployment.simulator.default_pat();
    let mut dead = deployment.simulator.make_pat(1);
    dead.token = pat;
    dead.revoked = true;
    deployment.simulator.add_pat(dead);

    deployment.synchronize().await;

    assert_eq!(deployment.contents().await, before);
    let connection = deployment.connection().await;
    assert_eq!(
        connection["status"], "reauthorization_needed",
        "{connection}"
    );
    assert!(deployment.stack.dead_letters().is_empty());

    deployment.simulator.clear_requests();
    deployment.synchronize().await;
    assert_eq!(
        deployment.simulator.requests().len(),
        0,
        "a dead token is not tried again"
    );
}

/// A sign-in page, a hidden project or an empty answer is never an empty list.
pub(crate) async fn what_is_no_list_is_never_an_empty_list(deployment: &Deployment) {
    let before = deployment.contents().await;
    for kind in [
        FaultKind::NotFound404,
        FaultKind::Forbidden403,
        FaultKind::Html200,
        FaultKind::EmptyBody,
    ] {
        deployment
            .simulator
            .inject(fault("pullrequests", 0, 3, kind.clone()));
        deployment
            .simulator
            .inject(fault("builds", 0, 1, kind.clone()));
        deployment
            .simulator
            .inject(fault("workitemtypes", 0, 1, kind));
        deployment.synchronize().await;
        assert_eq!(deployment.contents().await, before);
        deployment.simulator.clear_faults();
    }
}
