//! One thing, stored and live: what a spot check says of each kind, and of each way in which the sides can differ.

use std::collections::BTreeSet;

use model::{
    Kind, Record,
    record::{pull_request::PullRequestStatus, run::RunStatus},
};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::Value;
use simulator::{Config, Fault, FaultKind, Scale, Sizes};
use url::form_urlencoded;

use crate::{deployment::Deployment, regressions::tiny};

const KINDS: [Kind; 5] = [
    Kind::WorkItem,
    Kind::Run,
    Kind::PullRequest,
    Kind::Commit,
    Kind::Changeset,
];

/// A tiny company that uses TFVC more than others do.
fn company() -> Config {
    let tiny = tiny();
    let Scale::Custom(sizes) = tiny.scale else {
        return tiny;
    };
    let sizes = Sizes {
        changesets: 1_200,
        ..sizes
    };
    Config {
        scale: Scale::Custom(sizes),
        ..tiny
    }
}

/// How a record is asked for.
fn question(record: &Record) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("kind", record.kind().name());
    match record {
        Record::WorkItem(item) => query.append_pair("id", &item.id.to_string()),
        Record::Run(run) => query
            .append_pair("id", &run.id.to_string())
            .append_pair("project", &run.project.to_string()),
        Record::PullRequest(own) => query
            .append_pair("id", &own.id.to_string())
            .append_pair("project", &own.project.to_string()),
        Record::Commit(commit) => query
            .append_pair("id", &commit.sha)
            .append_pair("repository", &commit.repository.to_string()),
        Record::Changeset(own) => query.append_pair("id", &own.id.to_string()),
        other => panic!("{other:?} has no spot check"),
    };
    query.finish()
}

async fn ask(deployment: &Deployment, query: &str) -> (u16, Value) {
    let connection = deployment.connection().await;
    let id = connection["id"].as_str().unwrap();
    let path = format!("/api/v1/connections/{id}/spot-check?{query}");
    let get = (Method::GET, path.as_str());
    deployment.call(("contoso", &["viewer"]), get, None).await
}

/// What a spot check says.
async fn check(deployment: &Deployment, query: &str) -> Value {
    let (status, answer) = ask(deployment, query).await;
    assert_eq!(status, 200, "{query}: {answer}\n{}", deployment.logs());
    answer
}

/// The names of the fields on which the sides do not agree.
fn differing(answer: &Value) -> BTreeSet<&str> {
    let fields = answer["fields"].as_array().unwrap().iter();
    let matters = |field: &&Value| {
        let difference = field["difference"].as_str().unwrap();
        ["changed", "only_stored", "only_live"].contains(&difference)
    };
    let differ = fields.filter(matters);
    differ
        .map(|field| field["name"].as_str().unwrap())
        .collect()
}

async fn of_kind(deployment: &Deployment, kind: Kind) -> Vec<Record> {
    let stored = deployment.stored().await.into_iter();
    let records = stored.map(|stored| stored.record);
    records.filter(|record| record.kind() == kind).collect()
}

async fn one(deployment: &Deployment, kind: Kind, is_it: impl Fn(&Record) -> bool) -> Record {
    let mut records = of_kind(deployment, kind).await.into_iter();
    records.find(is_it).expect("there is one")
}

fn is_alive(record: &Record) -> bool {
    match record {
        Record::WorkItem(item) => item.is_there(),
        _ => true,
    }
}

/// Each kind is equal just after a synchronization, for one request upstream each.
async fn what_was_just_read_is_equal(deployment: &Deployment) {
    for kind in KINDS {
        let records = of_kind(deployment, kind).await;
        let alive: Vec<&Record> = records.iter().filter(|record| is_alive(record)).collect();
        assert!(alive.len() >= 5, "{kind}: {}", alive.len());
        for record in alive.iter().step_by(alive.len() / 5) {
            deployment.simulator.clear_requests();
            let answer = check(deployment, &question(record)).await;
            assert_eq!(answer["verdict"], "equal", "{answer}");
            assert_eq!(
                (&answer["why"], &answer["follows_at"]),
                (&Value::Null, &Value::Null)
            );
            assert!(differing(&answer).is_empty(), "{answer}");
            assert!(answer["fields"].as_array().unwrap().len() > 5, "{answer}");
            let sent = deployment.simulator.requests();
            assert_eq!(sent.len(), 1, "{kind}: {sent:?}");
            assert_eq!(sent[0].strict_violation, None, "{sent:?}");
        }
    }
}

/// Looking changes nothing.
async fn nothing_is_stored_by_looking(deployment: &Deployment) {
    let before = deployment.contents().await;
    for kind in KINDS {
        let record = one(deployment, kind, is_alive).await;
        check(deployment, &question(&record)).await;
    }
    assert!(
        deployment.contents().await == before,
        "a look wrote something"
    );
}

/// Whoever may not look, and things that are nowhere, are told apart from things that are equal.
async fn what_cannot_be_seen_is_not_called_absent(deployment: &Deployment) {
    let run = one(deployment, Kind::Run, |_| true).await;
    let hidden = |kind| Fault {
        matching: "builds".to_owned(),
        after: 0,
        times: u32::MAX,
        kind,
    };
    for (kind, verdict) in [
        (FaultKind::Forbidden403, "not_readable"),
        (FaultKind::Unauthorized401, "not_readable"),
        (FaultKind::Html203, "not_readable"),
        (FaultKind::Stopped503, "unavailable"),
        (FaultKind::TruncatedJson, "unavailable"),
        (
            FaultKind::TooManyRequests429 {
                retry_after: Some(90),
            },
            "unavailable",
        ),
        (FaultKind::NotFound404, "missing_upstream"),
    ] {
        let is_pause = matches!(kind, FaultKind::TooManyRequests429 { .. });
        deployment.simulator.inject(hidden(kind));
        let answer = check(deployment, &question(&run)).await;
        deployment.simulator.clear_faults();
        assert_eq!(answer["verdict"], verdict, "{answer}");
        assert_eq!(
            (&answer["stored"], &answer["live"]),
            (&true.into(), &false.into())
        );
        assert!(
            answer["explanation"].as_str().unwrap().len() > 20,
            "{answer}"
        );
        if is_pause {
            // The pause that was asked for holds for the next one, too, who is not heard upstream.
            deployment.simulator.clear_requests();
            let again = check(deployment, &question(&run)).await;
            assert_eq!(again["verdict"], "unavailable", "{again}");
            assert_eq!(deployment.simulator.requests().len(), 0);
            deployment.forget_pauses().await;
        }
    }
    let connection = deployment.connection().await;
    assert_eq!(
        connection["status"], "active",
        "a look is no proof: {connection}"
    );
    let nothing = format!(
        "kind=run&id=4000000000&project={}",
        match &run {
            Record::Run(run) => run.project,
            other => panic!("{other:?}"),
        }
    );
    let answer = check(deployment, &nothing).await;
    assert_eq!(answer["verdict"], "nowhere", "{answer}");
    for (query, field) in [
        ("kind=run&id=seventeen", "id"),
        ("kind=run&id=17", "project"),
        ("kind=run&id=17&project=nowhere", "project"),
        (
            "kind=commit&id=0123456789012345678901234567890123456789",
            "repository",
        ),
        ("kind=release&id=17", "kind"),
    ] {
        let (status, problem) = ask(deployment, query).await;
        assert_eq!(
            (status, problem["field"].as_str()),
            (400, Some(field)),
            "{query}: {problem}"
        );
    }
}

/// What changes upstream is older here, and new things are missing, until the next pass.
async fn what_changed_upstream_is_older_until_the_next_pass(deployment: &Deployment) {
    let open = one(
        deployment,
        Kind::PullRequest,
        |record| matches!(record, Record::PullRequest(own) if own.status == PullRequestStatus::Active),
    );
    let open = open.await;
    let items = of_kind(deployment, Kind::WorkItem).await;
    deployment.simulator.advance(4);

    let mut older = Vec::new();
    for item in items.iter().filter(|record| is_alive(record)) {
        let query = question(item);
        let answer = check(deployment, &query).await;
        if answer["verdict"] == "stored_is_older" {
            assert_eq!(answer["why"], "since_last_pass", "{answer}");
            assert!(answer["follows_at"].is_string(), "{answer}");
            let fields = differing(&answer);
            assert!(
                fields.contains("rev") && fields.contains("changed_at"),
                "{answer}"
            );
            older.push(query);
        }
    }
    println!("{} of {} work items are older", older.len(), items.len());
    assert!(older.len() > 2, "quiet days prove little");
    let newest = |records: &[Record]| {
        let ids = records.iter().filter_map(|record| match record {
            Record::Changeset(own) => Some(own.id),
            _ => None,
        });
        ids.max().unwrap()
    };
    let next = newest(&of_kind(deployment, Kind::Changeset).await) + 1;
    let next = format!("kind=changeset&id={next}");
    let answer = check(deployment, &next).await;
    assert_eq!(answer["verdict"], "missing_here", "{answer}");
    assert_eq!(answer["why"], "since_last_pass", "{answer}");

    deployment.synchronize().await;
    older.extend([next, question(&open)]);
    for query in older {
        let answer = check(deployment, &query).await;
        assert_eq!(answer["verdict"], "equal", "{answer}");
    }
}

/// What was deleted upstream stays here, and says so.
async fn what_was_deleted_upstream_stays(deployment: &Deployment) {
    let is_over =
        |record: &Record| matches!(record, Record::Run(run) if run.status == RunStatus::Completed);
    let run = one(deployment, Kind::Run, is_over).await;
    let Record::Run(own) = &run else { panic!() };
    deployment
        .simulator
        .delete_run(u32::try_from(own.id).unwrap());
    let answer = check(deployment, &question(&run)).await;
    assert_eq!(answer["verdict"], "missing_upstream", "{answer}");
    assert_eq!(answer["why"], "deleted_or_hidden", "{answer}");
    assert!(
        answer["expires_at"].is_string() && answer["stored"] == true,
        "{answer}"
    );
    let item = one(
        deployment,
        Kind::WorkItem,
        |record| matches!(record, Record::WorkItem(item) if item.is_deleted),
    );
    let item = item.await;
    let answer = check(deployment, &question(&item)).await;
    assert_eq!(answer["verdict"], "missing_upstream", "{answer}");
    assert_eq!(answer["why"], "deleted_known", "{answer}");
}

/// A run that was over before the window began is there upstream, and here it is explained.
async fn what_is_too_old_is_explained(deployment: &Deployment) {
    let oldest = of_kind(deployment, Kind::Changeset).await;
    let ids = oldest.iter().filter_map(|record| match record {
        Record::Changeset(own) => Some(own.id),
        _ => None,
    });
    let before = ids.min().unwrap() - 1;
    let answer = check(deployment, &format!("kind=changeset&id={before}")).await;
    assert_eq!(answer["verdict"], "missing_here", "{answer}");
    assert_eq!(answer["why"], "outside_window", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_thing_is_shown_stored_and_live() {
    let deployment = &Deployment::synchronized(company()).await;
    what_was_just_read_is_equal(deployment).await;
    nothing_is_stored_by_looking(deployment).await;
    what_cannot_be_seen_is_not_called_absent(deployment).await;
    what_is_too_old_is_explained(deployment).await;
    what_changed_upstream_is_older_until_the_next_pass(deployment).await;
    what_was_deleted_upstream_stays(deployment).await;
    let pat = deployment.simulator.default_pat();
    assert!(!deployment.logs().contains(pat.expose_secret()));
}
