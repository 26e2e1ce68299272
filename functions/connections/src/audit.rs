//! The audit log and the run log: what people did, and what the product did.

use axum::{
    Json,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use entrypoint::problem::Problem;
use http_api::{Admin, Refusal, Viewer, cursor};
use serde::Deserialize;
use serde_json::json;

use crate::{Context, found_integration};

/// How many lines an answer has at most, and if nobody says how many.
const MOST: usize = 200;
const USUAL: usize = 50;

/// Where to begin, and how much to show.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Slice {
    cursor: Option<String>,
    limit: Option<String>,
}

impl Slice {
    pub(crate) fn place(&self) -> Result<Option<String>, Problem> {
        self.cursor.as_deref().map(cursor::decode).transpose()
    }

    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let Some(limit) = &self.limit else {
            return Ok(USUAL);
        };
        let limit = limit
            .parse()
            .ok()
            .filter(|limit| (1..=MOST).contains(limit));
        limit.ok_or_else(|| Problem::field("limit", format!("a number from 1 to {MOST} is needed")))
    }
}

/// Who changed what, the newest first.
pub(crate) async fn list(
    State(context): State<Context>,
    Admin { tenant, .. }: Admin,
    Query(slice): Query<Slice>,
) -> Result<Response, Refusal> {
    let (before, limit) = (slice.place()?, slice.limit()?);
    let (entries, next) = context
        .control
        .audit(&tenant, before.as_deref(), limit)
        .await?;
    let next = next.as_deref().map(cursor::encode);
    Ok(Json(json!({ "entries": entries, "next": next })).into_response())
}

/// The passes of an integration that ended in the last 30 days, the newest first.
pub(crate) async fn runs(
    State(context): State<Context>,
    Viewer { tenant }: Viewer,
    Path(id): Path<String>,
    Query(slice): Query<Slice>,
) -> Result<Response, Refusal> {
    let (before, limit) = (slice.place()?, slice.limit()?);
    let (_, integration) = found_integration(&context, &tenant, &id).await?;
    let (runs, next) = context
        .control
        .runs(integration.id, before.as_deref(), limit)
        .await?;
    let next = next.as_deref().map(cursor::encode);
    Ok(Json(json!({ "runs": runs, "next": next })).into_response())
}
