//! What all changes have in common: what may be changed, and the line that the audit log gets.

use entrypoint::problem::Problem;
use http_api::{Admin, Refusal};
use model::{Action, Connection, Entry, Standing, TenantId};

use crate::{Context, found};

/// A connection of the tenant that can be changed.
pub(crate) async fn changeable(
    context: &Context,
    tenant: &TenantId,
    id: &str,
) -> Result<Connection, Refusal> {
    let connection = found(context, tenant, id).await?;
    refuse_if_deleting(&connection)?;
    Ok(connection)
}

/// Refuses to change what is on its way out.
pub(crate) fn refuse_if_deleting(connection: &Connection) -> Result<(), Problem> {
    match connection.standing() {
        Standing::Gone => Err(is_leaving()),
        Standing::Visited | Standing::Paused | Standing::NeedsPerson => Ok(()),
    }
}

/// The answer to whoever wants to change what is on its way out.
pub(crate) fn is_leaving() -> Problem {
    Problem::conflict(
        "this connection is being deleted and cannot be changed any more; `deletion` says how far that is",
    )
}

/// A line of the audit log on a whole connection.
pub(crate) fn entry(
    context: &Context,
    admin: &Admin,
    action: Action,
    connection: &Connection,
) -> Entry {
    Entry {
        at: (context.clock)(),
        by: admin.by.clone(),
        action,
        connection: connection.id,
        name: connection.name.clone(),
        integration: None,
        fields: Vec::new(),
    }
}
