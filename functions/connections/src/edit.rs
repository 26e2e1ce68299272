//! Editing a connection: what it is called, what of its organizations is read, and where the size of a work item stands.
//!
//! What comes in by another selection is read from the beginning of the window. What goes out is neither read nor counted any
//! more, at once; what is stored of it stays until it expires, so that a pattern that was mistyped destroys nothing.

mod effect;
mod form;

use std::collections::BTreeSet;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use entrypoint::problem::Problem;
use http_api::{Admin, Refusal};
use model::{
    Action, Admission, Connection, Discovery, Integration, Kind, Reason, Record, Service,
    record::NO_DAY,
};

pub use self::form::Wish;
use self::{effect::Effect, form::of_body};
use crate::{
    Context, change,
    create::{free_name, start_all},
    view_of,
};

/// What is known of a connection before it is edited.
pub(crate) struct Known {
    pub(crate) integrations: Vec<Integration>,
    pub(crate) discoveries: Vec<Discovery>,
    /// The projects and names of the pipelines that are stored.
    pub(crate) definitions: Vec<model::record::Definition>,
}

/// `PATCH`: fields that are not given stay as they are.
pub(crate) async fn edit(
    State(context): State<Context>,
    admin: Admin,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let (connection, known, wish) = asked(&context, &admin, &id, body).await?;
    let fields = wish.changes(&connection, &known.integrations);
    if fields.is_empty() {
        return Ok(Json(view_of(&context, connection).await?).into_response());
    }
    let mut entry = change::entry(&context, &admin, Action::Edited, &connection);
    entry.fields = fields;
    let whose = (&admin.tenant, connection.id);
    let edited = context
        .control
        .change_connection(whose, Some(&entry), |connection| wish.apply(connection));
    let edited = edited.await?.ok_or_else(Problem::not_found)?;
    // The line of the log goes with the first thing that changes: only an integration may.
    let is_logged = edited != connection;
    for integration in &known.integrations {
        let whose = (&admin.tenant, connection.id, integration.id);
        let set = |integration: &mut Integration| wish.apply_to(&edited.name, integration);
        let entry = Some(&entry).filter(|_| !is_logged);
        context
            .control
            .change_integration(whose, entry, set)
            .await?;
    }
    if connection.selection != edited.selection {
        // It brings the streams in line, now or, if this is broken off, at the next tick.
        start_all(&context, &edited, Reason::Resumed).await?;
    }
    Ok(Json(view_of(&context, edited).await?).into_response())
}

/// `POST .../preview`: what the same body would do, and does not do.
pub(crate) async fn preview(
    State(context): State<Context>,
    admin: Admin,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let (connection, known, wish) = asked(&context, &admin, &id, body).await?;
    let fields = wish.changes(&connection, &known.integrations);
    let mut edited = connection.clone();
    wish.apply(&mut edited);
    let mut effect = Effect::new(fields, (&connection, &edited), &known);
    for integration in &known.integrations {
        let streams = context.control.streams(integration.id).await?;
        effect.count(&streams, &edited.selection, &known.discoveries);
    }
    Ok(Json(effect).into_response())
}

/// The connection, what is known of it, and what is wished for it, which makes sense.
async fn asked(
    context: &Context,
    admin: &Admin,
    id: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<(Connection, Known, Wish), Refusal> {
    let connection = change::changeable(context, &admin.tenant, id).await?;
    let body =
        body.map_err(|_| validate_pat::form::unreadable("it is too large or was cut off"))?;
    let wish = of_body(&body)?;
    if let Some(name) = wish.name.as_ref().filter(|name| **name != connection.name) {
        free_name(context, admin, name).await?;
    }
    let known = known(context, &connection).await?;
    if let Some(Some(field)) = &wish.story_points_field {
        field_is_there(context, &known.integrations, field).await?;
    }
    Ok((connection, known, wish))
}

/// Refuses a field that work items do not have, as far as it is known which they have.
async fn field_is_there(
    context: &Context,
    integrations: &[Integration],
    field: &str,
) -> Result<(), Refusal> {
    let name = "story_points_field";
    let mut own = integrations.iter();
    let Some(boards) = own.find(|own| own.service == Service::Boards) else {
        let detail = "the connection does not read Boards, so it has no work items";
        return Err(Problem::field(name, detail).into());
    };
    let fields = (Kind::WorkItemField, NO_DAY);
    let stored = context
        .records
        .bucket(boards.id, fields, "", (context.clock)());
    let mut names = BTreeSet::new();
    for stored in stored.await? {
        if let Record::WorkItemField(own) = stored.record {
            names.insert(own.reference_name);
        }
    }
    if names.is_empty() || names.contains(field) {
        return Ok(());
    }
    let detail = format!(
        "no work item has a field `{field}`; give a reference name, such as `Microsoft.VSTS.Scheduling.Effort`"
    );
    Err(Problem::field(name, detail).into())
}

async fn known(context: &Context, connection: &Connection) -> Result<Known, Refusal> {
    let control = &context.control;
    let integrations = control
        .integrations(&connection.tenant, connection.id)
        .await?;
    let mut discoveries = Vec::new();
    for organization in &connection.organizations {
        discoveries.extend(control.discovery(connection.id, organization).await?);
    }
    let mut definitions = Vec::new();
    let mut own = integrations.iter();
    if let Some(pipelines) = own.find(|own| own.service == Service::Pipelines) {
        let kind = (Kind::Definition, NO_DAY);
        let stored = context
            .records
            .bucket(pipelines.id, kind, "", (context.clock)());
        for stored in stored.await? {
            if let Record::Definition(definition) = stored.record {
                definitions.push(*definition);
            }
        }
    }
    Ok(Known {
        integrations,
        discoveries,
        definitions,
    })
}

/// What of the connection's organizations is wanted.
fn admission(connection: &Connection, known: &Known) -> Admission {
    let mut admission = Admission::new(connection.selection.clone());
    known
        .discoveries
        .iter()
        .for_each(|own| admission.learn(own));
    known
        .definitions
        .iter()
        .for_each(|own| admission.learn_pipeline(own));
    admission
}
