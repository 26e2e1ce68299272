//! The rules of storage, held against an embedded DynamoDB through the official SDK.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests have names instead of documentation, and fail by panics"
)]

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::AttributeValue,
};
use jiff::Timestamp;
use model::{
    ConnectionId, Details, Discovery, Facet, IntegrationId, Kind, Organization, OrganizationId,
    OrganizationName, Project, ProjectId, Record, RepositoryId, Retention, Row, RowKey, Scope,
    Selection,
    record::{
        Push, WorkItem,
        work_item::{FieldValue, Revision, Tracked},
    },
};
use serde_json::json;
use storage::{
    Claim, Control, Counts, Error, PassOutcome, PassSoFar, Records, StreamKey, Throttle,
    ThrottleKey,
};
use uuid::Uuid;

struct Tables {
    client: Client,
    control: Control,
    records: Records,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Tables {
    /// Every item of a table as it stands, without the list of partitions.
    async fn items(&self, table: &str) -> Vec<std::collections::HashMap<String, AttributeValue>> {
        let pages = self.client.scan().table_name(table).into_paginator();
        let mut items: Vec<_> = pages.items().send().try_collect().await.unwrap();
        items.retain(|item: &std::collections::HashMap<String, AttributeValue>| {
            item["pk"].as_s().unwrap().contains('#') || table == "control"
        });
        items
    }
}

async fn tables() -> Tables {
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
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(dynoxide::server::serve_with_shutdown(
        listener,
        database,
        async {
            let _ = stopped.await;
        },
    ));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("x", "x", None, None, "test"))
        .endpoint_url(url)
        .build();
    let client = Client::from_conf(config);
    Tables {
        client: client.clone(),
        control: Control::new(client.clone(), "control".into()),
        records: Records::new(client, "records".into()),
        _stop: stop,
    }
}

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn integration() -> IntegrationId {
    IntegrationId(Uuid::nil())
}

fn stream() -> StreamKey {
    StreamKey {
        integration: integration(),
        organization: OrganizationId(Uuid::nil()),
        resource: "builds".into(),
        scope: Scope::Project(ProjectId(Uuid::nil())),
    }
}

const LEASE: Duration = Duration::from_secs(60);

fn row(version: i64, body: &str, marker: Option<&str>) -> Row {
    Row {
        key: RowKey {
            kind: Kind::Run,
            bucket: "2026-11-20".into(),
            sort: "p#1".into(),
        },
        version,
        expires_at: Some(now().as_second() + 1000),
        body: body.into(),
        markers: marker
            .map(|marker| (Facet::Timeline, marker.to_owned()))
            .into_iter()
            .collect(),
    }
}

fn push(id: u64) -> Record {
    Record::Push(Push {
        id,
        project: ProjectId(Uuid::nil()),
        repository: RepositoryId(Uuid::nil()),
        at: now() - Duration::from_secs(id),
        by: None,
        ref_updates: Vec::new(),
    })
}

async fn body(records: &Records) -> String {
    let stored = records
        .stored(integration(), [row(0, "", None).key].iter())
        .await
        .unwrap();
    format!("{stored:?}")
}

#[tokio::test]
async fn the_cursor_moves_only_from_the_value_that_was_read() {
    let tables = tables().await;
    let control = &tables.control;
    let key = stream();
    let Claim::Held(claimed) = control.claim(&key, "m1", "f1", now(), LEASE).await.unwrap() else {
        panic!("a new stream is free")
    };
    assert_eq!(claimed.cursor, None);
    let counts = Counts {
        pages: 1,
        records: 5,
        ..Counts::default()
    };
    control
        .advance(&key, "f1", (None, "a"), counts, (now(), LEASE))
        .await
        .unwrap();
    control
        .advance(&key, "f1", (Some("a"), "b"), counts, (now(), LEASE))
        .await
        .unwrap();
    for wrong in [None, Some("a")] {
        let moved = control
            .advance(&key, "f1", (wrong, "c"), counts, (now(), LEASE))
            .await;
        assert!(
            matches!(moved, Err(Error::Superseded { .. })),
            "{wrong:?} {moved:?}"
        );
    }
    let stream = control.stream(&key).await.unwrap();
    assert_eq!(
        (stream.cursor.as_deref(), stream.counts.records),
        (Some("b"), 10)
    );
}

#[tokio::test]
async fn a_stream_that_starts_over_or_is_forgotten_ends_the_pass_under_way() {
    let tables = tables().await;
    let control = &tables.control;
    let key = stream();
    let (integration, counts) = (key.integration, Counts::default());
    for (fence, forget) in [("f1", false), ("f2", true)] {
        let claim = control.claim(&key, fence, fence, now(), LEASE).await;
        assert!(matches!(claim.unwrap(), Claim::Held(_)), "it is free");
        match forget {
            false => control.start_over(integration, &key.name()).await,
            true => control.forget_stream(integration, &key.name()).await,
        }
        .unwrap();
        let moved = control
            .advance(&key, fence, (None, "a"), counts, (now(), LEASE))
            .await;
        assert!(matches!(moved, Err(Error::Superseded { .. })), "{moved:?}");
        let known = control.streams(integration).await.unwrap();
        assert_eq!(known.is_empty(), forget, "{known:?}");
    }
    control.start_over(integration, &key.name()).await.unwrap();
    let known = control.streams(integration).await.unwrap();
    assert!(known.is_empty(), "what is not there does not come up");
}

#[tokio::test]
async fn a_worker_whose_lease_was_taken_moves_nothing() {
    let tables = tables().await;
    let control = &tables.control;
    let key = stream();
    control.claim(&key, "m1", "f1", now(), LEASE).await.unwrap();
    assert_eq!(
        control.claim(&key, "m2", "f2", now(), LEASE).await.unwrap(),
        Claim::Busy
    );
    let later = now() + LEASE + Duration::from_secs(1);
    assert!(matches!(
        control.claim(&key, "m2", "f2", later, LEASE).await.unwrap(),
        Claim::Held(_)
    ));
    let moved = control
        .advance(&key, "f1", (None, "a"), Counts::default(), (later, LEASE))
        .await;
    assert!(matches!(moved, Err(Error::Superseded { .. })));
    let released = control
        .release(&key, "f1", later, &PassOutcome::Continues)
        .await;
    assert!(matches!(released, Err(Error::Superseded { .. })));
    control
        .advance(&key, "f2", (None, "b"), Counts::default(), (later, LEASE))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_message_takes_its_own_lease_again_after_a_crash() {
    let tables = tables().await;
    let control = &tables.control;
    control
        .claim(&stream(), "m1", "f1", now(), LEASE)
        .await
        .unwrap();
    let again = control
        .claim(&stream(), "m1", "f2", now(), LEASE)
        .await
        .unwrap();
    assert!(matches!(again, Claim::Held(_)));
}

#[tokio::test]
async fn a_finished_pass_frees_the_stream_and_says_when_it_is_due() {
    let tables = tables().await;
    let control = &tables.control;
    control.mark_queued(&stream(), now()).await.unwrap();
    control
        .claim(&stream(), "m1", "f1", now(), LEASE)
        .await
        .unwrap();
    let due_at = now() + Duration::from_secs(900);
    control
        .release(
            &stream(),
            "f1",
            now(),
            &PassOutcome::Complete {
                due_at,
                empty_passes: 1,
            },
        )
        .await
        .unwrap();
    let found = control.stream(&stream()).await.unwrap();
    assert_eq!((found.due_at, found.queued_until), (Some(due_at), None));
    assert!(matches!(
        control
            .claim(&stream(), "m2", "f2", now(), LEASE)
            .await
            .unwrap(),
        Claim::Held(_)
    ));
}

/// A pass goes over several invocations: what it brought in the first of them is known to the last.
#[tokio::test]
async fn what_a_pass_brings_is_counted_over_all_its_invocations() {
    let tables = tables().await;
    let control = &tables.control;
    let key = stream();
    let counts = Counts {
        records: 3,
        quarantined: 1,
        ..Counts::default()
    };
    let complete = PassOutcome::Complete {
        due_at: now(),
        empty_passes: 0,
    };
    control.claim(&key, "m1", "f1", now(), LEASE).await.unwrap();
    control
        .advance(&key, "f1", (None, "a"), counts, (now(), LEASE))
        .await
        .unwrap();
    control
        .release(&key, "f1", now(), &PassOutcome::Continues)
        .await
        .unwrap();

    let Claim::Held(second) = control.claim(&key, "m2", "f2", now(), LEASE).await.unwrap() else {
        panic!("the stream is free")
    };
    let brought = PassSoFar {
        records: 3,
        quarantined: 1,
    };
    assert_eq!(second.pass, brought);
    control.release(&key, "f2", now(), &complete).await.unwrap();

    let Claim::Held(next) = control.claim(&key, "m3", "f3", now(), LEASE).await.unwrap() else {
        panic!("the stream is free")
    };
    assert_eq!((next.pass, next.holes), (PassSoFar::default(), 1));
}

#[tokio::test]
async fn an_older_version_never_replaces_a_newer_one() {
    let tables = tables().await;
    let records = &tables.records;
    let put = async |version, content: &str| {
        records
            .put(integration(), vec![row(version, content, None)], now())
            .await
            .unwrap()
            .changed
    };
    assert_eq!(put(5, "new").await, 1);
    let stored = body(records).await;
    assert_eq!(put(4, "old").await, 0);
    assert_eq!(put(5, "new").await, 0);
    assert_eq!(body(records).await, stored);
    assert_eq!(put(6, "newer").await, 1);
    assert_ne!(body(records).await, stored);
}

#[tokio::test]
async fn of_versions_that_race_the_newest_stays() {
    let tables = tables().await;
    let mut tasks = tokio::task::JoinSet::new();
    for version in (1..=12).rev() {
        let records = tables.records.clone();
        let row = row(version, &format!("v{version}"), None);
        tasks.spawn(async move { records.put(integration(), vec![row], now()).await.unwrap() });
    }
    tasks.join_all().await;
    let raced = body(&tables.records).await;
    tables
        .records
        .put(integration(), vec![row(12, "v12", None)], now())
        .await
        .unwrap();
    assert_eq!(body(&tables.records).await, raced);
    assert!(raced.contains("version: 12"), "{raced}");
}

#[tokio::test]
async fn rows_of_several_batches_are_each_stored_once_and_none_over_a_newer_one() {
    let tables = tables().await;
    let records = &tables.records;
    let long = "x".repeat(400_000);
    let rows = |version: i64| -> Vec<Row> {
        let rows = (0..130).map(|id| {
            let mut row = row(version, &format!("{version} of {id}"), None);
            row.key.sort = format!("p#{id:03}");
            row
        });
        let mut rows: Vec<Row> = rows.collect();
        rows[40].body.push_str(&long);
        rows
    };
    let newer = rows(9).swap_remove(77);
    let put = async |rows| records.put(integration(), rows, now()).await.unwrap();
    assert_eq!(put(vec![newer.clone()]).await.changed, 1);
    assert_eq!(put(rows(1)).await.changed, 129);
    assert_eq!(put(rows(1)).await.changed, 0);

    let keys: Vec<RowKey> = rows(1).into_iter().map(|row| row.key).collect();
    let known = records.stored(integration(), keys.iter()).await.unwrap();
    assert_eq!(known.len(), 130);
    let items = tables.items("records").await;
    let body = |sort: &str| {
        let item = items.iter().find(|item| item["sk"].as_s().unwrap() == sort);
        item.unwrap()["body"].as_s().unwrap().clone()
    };
    assert_eq!(
        (body("p#076"), body("p#077")),
        ("1 of 76".into(), newer.body)
    );
}

#[tokio::test]
async fn details_are_wanted_until_they_are_stored_for_this_state() {
    let tables = tables().await;
    let records = &tables.records;
    let wanted = async |row: Row| {
        records
            .put(integration(), vec![row], now())
            .await
            .unwrap()
            .wanted
            .len()
    };
    assert_eq!(wanted(row(1, "a", Some("m1"))).await, 1);
    assert_eq!(
        wanted(row(1, "a", Some("m1"))).await,
        1,
        "a crash before the details were fetched"
    );
    let details = Details {
        facet: Facet::Timeline,
        key: row(1, "", None).key,
        marker: "m1".into(),
        body: "{}".into(),
    };
    assert!(
        records
            .put_details(integration(), &details, now())
            .await
            .unwrap()
    );
    assert_eq!(wanted(row(1, "a", Some("m1"))).await, 0);
    assert_eq!(wanted(row(2, "b", Some("m1"))).await, 0);
    assert_eq!(wanted(row(3, "c", Some("m2"))).await, 1);
}

#[tokio::test]
async fn details_of_the_stored_state_stay_whichever_worker_comes_last() {
    let tables = tables().await;
    let records = &tables.records;
    let details = async |marker: &str| {
        let details = Details {
            facet: Facet::Timeline,
            key: row(1, "", None).key,
            marker: marker.into(),
            body: format!(r#"{{"of":"{marker}"}}"#),
        };
        let put = records.put_details(integration(), &details, now()).await;
        put.unwrap()
    };
    let stored = async || {
        let key = row(1, "", None).key;
        let known = records.stored(integration(), std::iter::once(&key)).await;
        known.unwrap()[&key].markers.get(&Facet::Timeline).cloned()
    };
    // Inserted as new, then replaced; the first worker is slow.
    for (version, marker) in [(1, "m1"), (2, "m2"), (3, "m3")] {
        let rows = vec![row(version, marker, Some(marker))];
        records.put(integration(), rows, now()).await.unwrap();
        assert!(
            details("m0").await,
            "better than nothing or another old one"
        );
        assert!(details(marker).await);
        assert!(details(marker).await, "a second look at the same state");
        assert!(!details("m0").await, "late news of another state");
        assert_eq!(stored().await.as_deref(), Some(marker));
    }
}

#[tokio::test]
async fn details_of_a_joined_record_are_kept_by_the_same_rule() {
    let tables = tables().await;
    let records = &tables.records;
    let key = WorkItem::row_key(item(1, "").organization, item(1, "").id);
    let links = async |rev: u32| {
        let details = Details {
            facet: Facet::Links,
            key: key.clone(),
            marker: rev.to_string(),
            body: format!(r#"{{"links":[],"of":{rev}}}"#),
        };
        let put = records.put_details(integration(), &details, now()).await;
        put.unwrap()
    };
    for rev in 1..=3 {
        merge(records, vec![item(rev, "x")]).await;
        assert!(links(rev).await);
        assert!(!links(rev + 1).await, "of a state that is not stored yet");
        assert!(!links(rev - 1).await, "of a state that is over");
    }
}

#[tokio::test]
async fn details_never_bring_a_record_back() {
    let tables = tables().await;
    let details = Details {
        facet: Facet::Timeline,
        key: row(1, "", None).key,
        marker: "m".into(),
        body: "{}".into(),
    };
    assert!(
        !tables
            .records
            .put_details(integration(), &details, now())
            .await
            .unwrap()
    );
    assert_eq!(tables.records.all(now()).await.unwrap(), []);
}

#[tokio::test]
async fn immutable_records_are_stored_once_and_expire_for_the_reader() {
    let tables = tables().await;
    let records = &tables.records;
    let rows: Vec<Row> = (1..=60)
        .map(|id| push(id).row(Retention::days(1), now()).unwrap().unwrap())
        .collect();
    assert_eq!(
        records
            .put_immutable(integration(), &rows, now())
            .await
            .unwrap()
            .changed,
        60
    );
    assert_eq!(
        records
            .put_immutable(integration(), &rows, now())
            .await
            .unwrap()
            .changed,
        0
    );
    assert_eq!(records.all(now()).await.unwrap().len(), 60);
    let later = now() + Duration::from_secs(24 * 3600 - 30);
    assert_eq!(records.all(later).await.unwrap().len(), 29);
}

fn item(rev: u32, title: &str) -> WorkItem {
    WorkItem {
        organization: OrganizationId(Uuid::nil()),
        id: 7,
        rev,
        is_deleted: false,
        gone_at: None,
        created_at: None,
        created_by: None,
        changed_at: now(),
        changed_by: None,
        closed_at: None,
        title: Some(title.into()),
        fields: BTreeMap::new(),
        revisions: vec![Revision {
            rev,
            at: now(),
            by: None,
            changes: BTreeMap::from([(Tracked::State, Some(FieldValue::Text(title.into())))]),
        }],
    }
}

async fn merge(records: &Records, items: Vec<WorkItem>) -> u64 {
    let when = (Retention::default(), now());
    records
        .merge(integration(), items, when)
        .await
        .unwrap()
        .changed
}

#[tokio::test]
async fn pages_of_revisions_join_into_one_work_item_in_any_order() {
    let tables = tables().await;
    let records = &tables.records;
    assert_eq!(merge(records, vec![item(3, "c"), item(1, "a")]).await, 1);
    assert_eq!(merge(records, vec![item(2, "b")]).await, 1);
    assert_eq!(merge(records, vec![item(1, "a"), item(2, "b")]).await, 0);
    let all = records.all(now()).await.unwrap();
    let [stored] = all.as_slice() else {
        panic!("one item, found {}", all.len())
    };
    let Record::WorkItem(stored) = &stored.record else {
        panic!("a work item")
    };
    assert_eq!(
        (stored.rev, stored.title.as_deref(), stored.revisions.len()),
        (3, Some("c"), 3)
    );
}

#[tokio::test]
async fn work_items_of_several_batches_are_each_joined_with_their_own() {
    let tables = tables().await;
    let records = &tables.records;
    let items = |rev: u32| -> Vec<WorkItem> {
        let items = (1..=130).map(|id| WorkItem {
            id,
            ..item(rev, &format!("{rev} of {id}"))
        });
        items.collect()
    };
    assert_eq!(merge(records, items(1)).await, 130);
    assert_eq!(merge(records, items(3)).await, 130);
    assert_eq!(merge(records, items(2)).await, 130);
    assert_eq!(merge(records, items(2)).await, 0);
    let all = records.all(now()).await.unwrap();
    assert_eq!(all.len(), 130);
    for stored in &all {
        let Record::WorkItem(stored) = &stored.record else {
            panic!("a work item")
        };
        let title = format!("3 of {}", stored.id);
        let found = (stored.title.as_deref(), stored.revisions.len());
        assert_eq!(found, (Some(title.as_str()), 3));
    }
}

#[tokio::test]
async fn a_closed_work_item_that_is_opened_again_expires_no_more() {
    let tables = tables().await;
    let records = &tables.records;
    let closed = WorkItem {
        closed_at: Some(now()),
        ..item(1, "closed")
    };
    let expiry = async || records.all(now()).await.unwrap()[0].expires_at;
    merge(records, vec![closed]).await;
    assert!(expiry().await.is_some());
    merge(records, vec![item(2, "open")]).await;
    assert_eq!(expiry().await, None);
}

#[tokio::test]
async fn concurrent_merges_lose_no_revision() {
    let tables = tables().await;
    let mut tasks = tokio::task::JoinSet::new();
    for rev in 1..=8 {
        let records = tables.records.clone();
        tasks.spawn(async move { merge(&records, vec![item(rev, "x")]).await });
    }
    tasks.join_all().await;
    let all = tables.records.all(now()).await.unwrap();
    let Record::WorkItem(stored) = &all[0].record else {
        panic!("a work item")
    };
    assert_eq!(stored.revisions.len(), 8);
}

#[tokio::test]
async fn an_aggregate_larger_than_an_item_reads_back_whole() {
    let tables = tables().await;
    let records = &tables.records;
    let mut large = item(1, &"é".repeat(300_000));
    large.revisions.clear();
    assert_eq!(merge(records, vec![large.clone()]).await, 1);
    let details = "y".repeat(900_000);
    let key = WorkItem::row_key(large.organization, large.id);
    let written = Details {
        facet: Facet::Timeline,
        key,
        marker: "m".into(),
        body: details.clone(),
    };
    assert!(
        records
            .put_details(integration(), &written, now())
            .await
            .unwrap()
    );
    let all = records.all(now()).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].record, Record::WorkItem(Box::new(large)));
    assert_eq!(all[0].details.get(&Facet::Timeline), Some(&details));
}

#[tokio::test]
async fn an_expiry_is_set_for_a_record_and_its_parts_and_only_as_it_was_read() {
    let tables = tables().await;
    let records = &tables.records;
    let mut large = item(1, &"é".repeat(300_000));
    large.revisions.clear();
    merge(records, vec![large]).await;
    let expiries = async || {
        let items = tables.items("records").await.into_iter();
        let expiry = items.map(|item| item.get("expires_at")?.as_n().ok()?.parse().ok());
        expiry.collect::<Vec<Option<i64>>>()
    };
    let [read] = &records.all(now()).await.unwrap()[..] else {
        panic!("one record")
    };
    let at = now().as_second() + 50;
    assert!(records.set_expiry(read, Some(at)).await.unwrap());
    let set = expiries().await;
    assert!(
        set.len() > 1 && set.iter().all(|own| *own == Some(at)),
        "{set:?}"
    );
    assert_eq!(records.all(now()).await.unwrap()[0].expires_at, Some(at));
    assert!(records.set_expiry(read, None).await.unwrap());
    assert!(expiries().await.iter().all(Option::is_none));

    merge(records, vec![item(2, "newer")]).await;
    assert!(
        !records.set_expiry(read, Some(at)).await.unwrap(),
        "it has changed"
    );
    assert_eq!(records.all(now()).await.unwrap()[0].expires_at, None);
}

#[tokio::test]
async fn what_a_later_look_no_longer_finds_is_no_longer_there() {
    let tables = tables().await;
    let connection = ConnectionId(Uuid::nil());
    let organization = Organization {
        id: OrganizationId(Uuid::nil()),
        name: "fabrikam".parse().unwrap(),
    };
    let project = |id: u128| Project {
        id: ProjectId(Uuid::from_u128(id)),
        name: format!("p{id}"),
    };
    let look = |seconds: u64, ids: &[u128]| Discovery {
        organization: organization.clone(),
        at: now() + Duration::from_secs(seconds),
        projects: ids.iter().map(|id| project(*id)).collect(),
        repositories: Vec::new(),
        selection: Selection::default(),
    };
    let name = &organization.name;
    assert_eq!(
        tables.control.discovery(connection, name).await.unwrap(),
        None
    );
    for look in [look(0, &[1, 2]), look(60, &[2, 3])] {
        tables
            .control
            .put_discovery(connection, &look)
            .await
            .unwrap();
        assert_eq!(
            tables.control.discovery(connection, name).await.unwrap(),
            Some(look)
        );
    }
    let mut wanted = look(60, &[2, 3]);
    wanted.selection.projects.exclude = vec!["p2".parse().unwrap()];
    tables
        .control
        .put_selection(connection, &wanted)
        .await
        .unwrap();
    assert_eq!(
        tables.control.discovery(connection, name).await.unwrap(),
        Some(wanted)
    );
}

#[tokio::test]
async fn nothing_is_left_of_a_long_text_that_was_replaced_or_has_expired() {
    let tables = tables().await;
    let records = &tables.records;
    let long = |text: &str| text.repeat(600_000);
    for version in 1..=3 {
        let row = row(version, &long(&version.to_string()), None);
        assert_eq!(
            records
                .put(integration(), vec![row], now())
                .await
                .unwrap()
                .changed,
            1
        );
        let details = Details {
            facet: Facet::Timeline,
            key: self::row(1, "", None).key,
            marker: version.to_string(),
            body: long(&format!("d{version}")),
        };
        assert!(
            records
                .put_details(integration(), &details, now())
                .await
                .unwrap()
        );
    }
    // The record, two parts of its body, four of its details.
    let items = tables.items("records").await;
    assert_eq!(items.len(), 1 + 2 + 4);
    assert!(
        items.iter().all(|item| item.contains_key("expires_at")),
        "a part without an end"
    );
}

#[tokio::test]
async fn a_pause_is_never_shortened() {
    let tables = tables().await;
    let control = &tables.control;
    let organization: OrganizationName = "fabrikam".parse().unwrap();
    let key = ThrottleKey {
        connection: ConnectionId(Uuid::nil()),
        organization: &organization,
    };
    assert_eq!(control.throttle(key).await.unwrap(), Throttle::default());
    for seconds in [30, 5] {
        let pause = (Duration::from_secs(seconds), false);
        control.pause(key, now(), pause).await.unwrap();
    }
    let known = control.throttle(key).await.unwrap();
    assert_eq!(known.paused_until, Some(now() + Duration::from_secs(30)));
}

#[tokio::test]
async fn only_one_worker_has_the_turn_and_none_during_a_pause() {
    let tables = tables().await;
    let control = &tables.control;
    let organization: OrganizationName = "fabrikam".parse().unwrap();
    let key = ThrottleKey {
        connection: ConnectionId(Uuid::nil()),
        organization: &organization,
    };
    let lease = Duration::from_secs(60);
    let take = async |holder: &str, at| {
        let taken = control.take_turn(key, holder, at, lease).await.unwrap();
        taken.is_some()
    };
    assert!(take("a", now()).await);
    assert!(!take("b", now()).await, "a has it");
    control.learn(key, "b", ("stale", now())).await.unwrap();
    assert!(!take("b", now()).await, "b cannot give back what a holds");
    control
        .learn(key, "a", ("{}", now() + lease))
        .await
        .unwrap();
    let known = control.throttle(key).await.unwrap();
    assert_eq!(known.budget.as_deref(), Some("{}"));
    assert_eq!(known.metered_until, Some(now() + lease));
    assert!(take("b", now()).await);
    assert!(take("a", now() + lease * 2).await, "b died with its turn");
    control.learn(key, "a", ("{}", now())).await.unwrap();
    control.pause(key, now(), (lease, true)).await.unwrap();
    assert!(!take("a", now()).await, "paused");
    assert!(control.throttle(key).await.unwrap().capped);
    assert!(take("a", now() + lease).await);
}

#[tokio::test]
async fn a_selection_has_whole_texts_of_what_was_asked_for_and_nothing_else() {
    let tables = tables().await;
    let records = &tables.records;
    let pushed = push(1);
    let mut row = pushed.row(Retention::default(), now()).unwrap().unwrap();
    row.markers = [Facet::Timeline, Facet::Threads]
        .map(|facet| (facet, "m".to_owned()))
        .to_vec();
    let (key, expires_at) = (row.key.clone(), row.expires_at.unwrap());
    records.put(integration(), vec![row], now()).await.unwrap();
    let long = "long".repeat(150_000);
    for facet in [Facet::Timeline, Facet::Threads] {
        let details = Details {
            facet,
            key: key.clone(),
            marker: "m".into(),
            body: format!("{facet:?}{long}"),
        };
        let put = records.put_details(integration(), &details, now()).await;
        assert!(put.unwrap());
    }
    let select = async |facets: &[Facet], at| {
        let place = (key.kind, key.bucket.as_str());
        let found = records.select(integration(), place, facets, at).await;
        found.unwrap()
    };
    let found = select(&[Facet::Timeline], now()).await;
    assert_eq!(found.len(), 1, "parts are no records");
    assert_eq!(found[0].record, pushed);
    let expected = (Facet::Timeline, format!("Timeline{long}"));
    assert_eq!(found[0].details, BTreeMap::from([expected]));
    assert_eq!(select(&[], now()).await[0].details, BTreeMap::new());
    let later = Timestamp::from_second(expires_at).unwrap();
    assert_eq!(select(&[], later).await, [], "it has expired");
}
