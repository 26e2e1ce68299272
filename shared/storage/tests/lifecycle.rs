//! The rules of a connection's life: changes that race, workers that a deletion waits for, and a count that survives being
//! broken off.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests have names instead of documentation, and fail by panics"
)]

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use jiff::Timestamp;
use model::{
    Action, Actor, Connection, ConnectionId, ConnectionStatus, Entry, Integration, IntegrationId,
    IntegrationStatus, Kind, ProjectId, Record, RepositoryId, Retention, Service, TenantId,
    record::Push,
};
use serde_json::json;
use storage::{Control, Records};
use uuid::Uuid;

async fn tables() -> (Control, Records) {
    let database = dynoxide::Database::memory().unwrap();
    for table in ["control", "records"] {
        let definition = json!({
            "TableName": table, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "sk", "AttributeType": "S" }],
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }],
        });
        database
            .create_table(serde_json::from_value(definition).unwrap())
            .unwrap();
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_with_shutdown(
        listener,
        database,
        std::future::pending(),
    ));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("x", "x", None, None, "test"))
        .endpoint_url(url)
        .build();
    let client = Client::from_conf(config);
    (
        Control::new(client.clone(), "control".into()),
        Records::new(client, "records".into()),
    )
}

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn tenant() -> TenantId {
    TenantId::new("contoso").unwrap()
}

const ID: ConnectionId = ConnectionId(Uuid::nil());
const INTEGRATION: IntegrationId = IntegrationId(Uuid::nil());

fn entry(action: Action) -> Entry {
    Entry {
        at: now(),
        by: Actor::system(),
        action,
        connection: ID,
        name: "Fabrikam".into(),
        integration: None,
        fields: Vec::new(),
    }
}

fn connection() -> Connection {
    let text = json!({
        "tenant": "contoso", "id": ID, "name": "Fabrikam", "method": "pat", "organizations": ["fabrikam"],
        "status": "active", "created_at": now(),
    });
    serde_json::from_value(text).unwrap()
}

fn integration() -> Integration {
    Integration {
        tenant: tenant(),
        id: INTEGRATION,
        connection: ID,
        service: Service::Repos,
        name: "Fabrikam - Repos".into(),
        status: IntegrationStatus::Active,
        story_points_field: None,
    }
}

async fn connected() -> (Control, Records) {
    let (control, records) = tables().await;
    let created = entry(Action::Created);
    control
        .create(&connection(), &[integration()], &created)
        .await
        .unwrap();
    (control, records)
}

async fn enter(control: &Control, worker: &str, until: Timestamp) -> Option<storage::Presence> {
    let whose = (&tenant(), ID);
    let entered = control.enter(whose, worker, (now(), until)).await.unwrap();
    entered.map(|(_, presence)| presence)
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_made_and_each_is_logged() {
    let (control, _) = connected().await;
    let mut changes = tokio::task::JoinSet::new();
    for index in 0..4 {
        let control = control.clone();
        changes.spawn(async move {
            let mut line = entry(Action::Edited);
            line.at = now() + Duration::from_secs(1 + index);
            let change = |connection: &mut Connection| connection.tags.push(index.to_string());
            control
                .change_connection((&tenant(), ID), Some(&line), change)
                .await
                .unwrap()
        });
    }
    while let Some(changed) = changes.join_next().await {
        assert!(changed.unwrap().is_some());
    }
    let stored = control.connection(&tenant(), ID).await.unwrap().unwrap();
    let mut tags = stored.tags;
    tags.sort();
    assert_eq!(tags, ["0", "1", "2", "3"]);
    let (lines, next) = control.audit(&tenant(), None, 10).await.unwrap();
    assert_eq!((lines.len(), next), (5, None));
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_not_logged_and_one_of_nothing_makes_nothing() {
    let (control, _) = connected().await;
    let line = entry(Action::Edited);
    let tenant = tenant();
    let same = control.change_connection((&tenant, ID), Some(&line), |_| {});
    assert!(same.await.unwrap().is_some());
    let other = ConnectionId(Uuid::max());
    let none = control.change_connection((&tenant, other), Some(&line), |connection| {
        connection.tags.clear();
    });
    assert_eq!(none.await.unwrap(), None);
    assert_eq!(control.connection(&tenant, other).await.unwrap(), None);
    let (lines, _) = control.audit(&tenant, None, 10).await.unwrap();
    assert_eq!(lines.len(), 1);
}

#[tokio::test]
async fn whoever_is_at_work_is_seen_by_a_deletion_and_nobody_begins_after_it() {
    let (control, _) = connected().await;
    let until = now() + Duration::from_secs(60);
    let first = enter(&control, "first", until).await.unwrap();
    let second = enter(&control, "second", until).await.unwrap();
    control.leave(&second).await.unwrap();
    let deleted = entry(Action::DeletionRequested);
    let whose = (&tenant(), ID);
    control.begin_deletion(whose, &deleted).await.unwrap();
    assert_eq!(enter(&control, "third", until).await, None);
    assert_eq!(
        control.last_worker(whose, now()).await.unwrap(),
        Some(until)
    );
    let later = until + Duration::from_secs(1);
    assert_eq!(
        control.last_worker(whose, later).await.unwrap(),
        None,
        "killed"
    );
    control.leave(&first).await.unwrap();
    assert_eq!(control.last_worker(whose, now()).await.unwrap(), None);
}

#[tokio::test]
async fn a_dead_credential_does_not_take_a_deletion_back() {
    let (control, _) = connected().await;
    let whose = (&tenant(), ID);
    let deleted = entry(Action::DeletionRequested);
    control.begin_deletion(whose, &deleted).await.unwrap();
    for status in [
        ConnectionStatus::ReauthorizationNeeded,
        ConnectionStatus::Active,
    ] {
        control
            .set_connection_status(&tenant(), ID, status)
            .await
            .unwrap();
    }
    let stored = control.connection(&tenant(), ID).await.unwrap().unwrap();
    assert_eq!(stored.status, ConnectionStatus::Deleting);
}

#[tokio::test]
async fn a_change_that_comes_after_a_deletion_changes_nothing() {
    let (control, _) = connected().await;
    let whose = (&tenant(), ID);
    let deleted = entry(Action::DeletionRequested);
    control.begin_deletion(whose, &deleted).await.unwrap();
    let before = control.connection(&tenant(), ID).await.unwrap();
    let late = entry(Action::Reauthenticated);
    let revive = |connection: &mut model::Connection| {
        connection.status = ConnectionStatus::Active;
        connection.name = "Revived".into();
    };
    let changed = control.change_connection(whose, Some(&late), revive).await;
    assert_eq!(changed.unwrap(), before);
    assert_eq!(control.connection(&tenant(), ID).await.unwrap(), before);
}

#[tokio::test]
async fn what_is_forgotten_of_a_connection_that_is_gone_leaves_no_row() {
    let (control, _) = connected().await;
    control.forget_token_failures(ID).await.unwrap();
    let held = control.holdings(ID, &[integration()]).await.unwrap();
    assert_eq!(held.throttles, 0);
}

#[tokio::test]
async fn who_enters_or_leaves_late_brings_nothing_back() {
    let (control, _) = connected().await;
    let until = now() + Duration::from_secs(60);
    let late = enter(&control, "late", until).await.unwrap();
    let deleted = entry(Action::DeletionRequested);
    control
        .begin_deletion((&tenant(), ID), &deleted)
        .await
        .unwrap();
    let mut done = entry(Action::Deleted);
    done.at = now() + Duration::from_secs(5);
    let stored = control.connection(&tenant(), ID).await.unwrap().unwrap();
    control
        .finish_deletion(&stored, &[integration()], &done)
        .await
        .unwrap();
    control.leave(&late).await.unwrap();
    assert_eq!(enter(&control, "later", until).await, None);
    assert_eq!(control.connection(&tenant(), ID).await.unwrap(), None);
    assert!(control.directory().await.unwrap().is_empty());
    let receipt = control.deletion(&tenant(), ID).await.unwrap().unwrap();
    assert_eq!(receipt.finished_at, Some(done.at));
}

fn push(id: u64, at: &str) -> Record {
    Record::Push(Push {
        id,
        project: ProjectId(Uuid::nil()),
        repository: RepositoryId(Uuid::nil()),
        at: at.parse().unwrap(),
        by: None,
        ref_updates: Vec::new(),
    })
}

#[tokio::test]
async fn a_partition_is_listed_before_it_has_records_and_its_count_survives_a_second_beginning() {
    let (control, records) = connected().await;
    let pushes = [
        push(1, "2026-11-20T10:00:00Z"),
        push(2, "2026-11-20T11:00:00Z"),
        push(3, "2026-11-21T10:00:00Z"),
    ];
    let rows: Vec<_> = pushes
        .iter()
        .map(|push| push.row(Retention::default(), now()).unwrap().unwrap())
        .collect();
    records
        .put_immutable(INTEGRATION, &rows, now())
        .await
        .unwrap();
    let partitions = records.partitions(INTEGRATION).await.unwrap();
    let listed: Vec<(Kind, &str)> = partitions
        .iter()
        .map(|partition| (partition.kind, partition.bucket.as_str()))
        .collect();
    assert_eq!(
        listed,
        [(Kind::Push, "2026-11-20"), (Kind::Push, "2026-11-21")]
    );

    // Broken off and begun again with what was read before: nothing is there any more, and the count stands.
    for _ in 0..2 {
        let emptied = records.empty(INTEGRATION, &partitions[0]).await.unwrap();
        assert_eq!(emptied, Some(2));
    }
    let whose = (&tenant(), ID);
    let deleted = entry(Action::DeletionRequested);
    control.begin_deletion(whose, &deleted).await.unwrap();
    let emptied = [(partitions[0].clone(), 2)];
    for is_first in [true, false] {
        let list = (&records, INTEGRATION);
        let forgotten = control.forget_partitions(whose, list, &emptied).await;
        assert_eq!(forgotten.unwrap(), is_first, "a partition counts once");
    }
    let list = (&records, INTEGRATION);
    let nothing = control.forget_partitions(whose, list, &[]).await;
    assert!(nothing.unwrap(), "another purge has taken all of them");
    let gone = records.empty(INTEGRATION, &partitions[0]).await.unwrap();
    assert_eq!(gone, None, "it is listed no longer");
    assert_eq!(
        records.partitions(INTEGRATION).await.unwrap(),
        partitions[1..]
    );
    let emptied = records.empty(INTEGRATION, &partitions[1]).await.unwrap();
    let emptied = [(partitions[1].clone(), emptied.unwrap())];
    let list = (&records, INTEGRATION);
    let forgotten = control.forget_partitions(whose, list, &emptied).await;
    assert!(forgotten.unwrap());
    let receipt = control.deletion(&tenant(), ID).await.unwrap().unwrap();
    assert_eq!(receipt.removed.records, [(Kind::Push, 3)].into());
}

#[tokio::test]
async fn what_a_receipt_says_is_written_once() {
    let (control, _) = connected().await;
    let whose = (&tenant(), ID);
    let deleted = entry(Action::DeletionRequested);
    control.begin_deletion(whose, &deleted).await.unwrap();
    let held = control.holdings(ID, &[integration()]).await.unwrap();
    for secrets in [held.secrets, 0] {
        let mut counted = held.clone();
        counted.secrets = secrets;
        control.note_removed(whose, &counted).await.unwrap();
    }
    let receipt = control.deletion(&tenant(), ID).await.unwrap().unwrap();
    assert_eq!(receipt.removed, held);
    assert_eq!(receipt.finished_at, None);
}
