//! Everything that is held, item by item: exactly what a deletion removes.

use axum::{
    Json,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http_api::{Admin, Refusal, cursor};
use model::IntegrationId;
use serde::Serialize;
use serde_json::{Map, Value, json};
use storage::{Held, StoredRecord};

use crate::{Context, audit::Slice, found, found_integration};

/// How much an answer may hold; Lambda ends one at 6 MB.
const MOST_BYTES: usize = 3 << 20;
/// How many records are read at once.
const AT_ONCE: i32 = 50;

/// An item of a table.
#[derive(Debug, Serialize)]
struct Item {
    table: &'static str,
    partition: String,
    key: String,
    content: Value,
}

/// What is held for an integration: its records, then its streams, run log and notes.
pub(crate) async fn integration(
    State(context): State<Context>,
    Admin { tenant, .. }: Admin,
    Path(id): Path<String>,
    Query(slice): Query<Slice>,
) -> Result<Response, Refusal> {
    let place = slice.place()?;
    let (_, integration) = found_integration(&context, &tenant, &id).await?;
    let (items, next) = page(&context, integration.id, place).await?;
    let next = next.as_deref().map(cursor::encode);
    Ok(Json(json!({ "items": items, "next": next })).into_response())
}

/// What is held for a connection beside its integrations: itself, what was discovered, and the pauses. Of its secret nothing
/// is shown but that there is one.
pub(crate) async fn connection(
    State(context): State<Context>,
    Admin { tenant, .. }: Admin,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let connection = found(&context, &tenant, &id).await?;
    let held = context
        .control
        .held_of_connection(&tenant, connection.id)
        .await?;
    let items: Vec<Item> = held.into_iter().map(control_item).collect();
    Ok(Json(json!({ "items": items, "secrets": 1, "next": null })).into_response())
}

/// A place is `{kind}#{bucket}` and, behind a line break, the last sort key of that partition that was shown; an empty
/// partition stands for what is no record.
async fn page(
    context: &Context,
    integration: IntegrationId,
    place: Option<String>,
) -> Result<(Vec<Item>, Option<String>), Refusal> {
    let place = place.unwrap_or_default();
    let (at, mut after) = match place.split_once('\n') {
        Some((partition, after)) => (partition.to_owned(), Some(after.to_owned())),
        None => (place, None),
    };
    let (mut items, mut bytes) = (Vec::new(), 0);
    let partitions = context.records.partitions(integration).await?;
    let is_done = |name: &str| at == REST || name < at.as_str();
    for partition in partitions {
        let name = format!("{}#{}", partition.kind, partition.bucket);
        if is_done(&name) {
            continue;
        }
        if name != at {
            after = None;
        }
        loop {
            let from = (after.as_deref(), AT_ONCE);
            let (records, last) = context.records.some(integration, &partition, from).await?;
            for record in records {
                let item = record_item(record);
                bytes += item.content.to_string().len();
                items.push(item);
            }
            after = last;
            match &after {
                Some(after) if bytes > MOST_BYTES => {
                    return Ok((items, Some(format!("{name}\n{after}"))));
                }
                Some(_) => {}
                None => break,
            }
        }
        if bytes > MOST_BYTES {
            // What comes behind the last record of a partition begins with the next one.
            return Ok((items, Some(format!("{name}\n{END}"))));
        }
    }
    let from = after.filter(|_| at == REST);
    let (held, last) = context
        .control
        .held_of_integration(integration, from.as_deref())
        .await?;
    items.extend(held.into_iter().map(control_item));
    Ok((items, last.map(|last| format!("{REST}\n{last}"))))
}

/// Sorts behind the names of all partitions.
const REST: &str = "~";
/// Sorts behind all keys of a partition.
const END: &str = "\u{10ffff}";

fn record_item(record: StoredRecord) -> Item {
    let mut content = Map::new();
    let json = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    content.insert("record".into(), json(&record.body));
    for (facet, text) in &record.details {
        content.insert(facet.name().into(), json(text));
    }
    content.insert("expires_at".into(), json!(record.expires_at));
    Item {
        table: "records",
        partition: record.key.partition(record.integration),
        key: record.key.sort,
        content: Value::Object(content),
    }
}

fn control_item(held: Held) -> Item {
    Item {
        table: "control",
        partition: held.partition,
        key: held.sort,
        content: Value::Object(held.content),
    }
}
