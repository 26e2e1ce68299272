//! Giving a connection another credential, by the same or another method.
//!
//! All integrations of a connection use its one secret, so all go on with the new one. Cursors are left where they stand:
//! what could not be read for a while is asked for from there.

use entrypoint::problem::Problem;
use http_api::Refusal;
use model::{Connection, ConnectionStatus, Reason};
use serde_json::Value;
use validate_pat::form::{self, Given, given_for, nothing_else};

use crate::{
    Context,
    create::{Checked, check, start_all},
};

/// The field that says that another person's credential is meant.
const CONFIRM: &str = "confirm_identity_change";

/// Looks whether the new credential does what the connection needs, replaces the old one, and has everything looked at.
pub(crate) async fn reauthenticate(
    context: &Context,
    connection: Connection,
    body: &[u8],
) -> Result<Connection, Refusal> {
    let mut fields = form::fields(body)?;
    let confirmed = match fields.remove(CONFIRM) {
        None | Some(Value::Null) => false,
        Some(Value::Bool(confirmed)) => confirmed,
        Some(_) => return Err(Problem::field(CONFIRM, "true or false is needed").into()),
    };
    let given = given_for(&mut fields, &connection.organizations)?;
    nothing_else(&fields)?;
    with(context, connection, (given, confirmed)).await
}

/// The same with a credential that is known already; `confirmed` if it may be somebody else's.
pub(crate) async fn with(
    context: &Context,
    connection: Connection,
    (given, confirmed): (Given, bool),
) -> Result<Connection, Refusal> {
    let integrations = context
        .control
        .integrations(&connection.tenant, connection.id)
        .await?;
    let services: Vec<_> = integrations.iter().map(|own| own.service).collect();
    let checked = check(context, given, &connection.organizations, &services).await?;
    if let Some(problem) = other_identity(&connection, &checked)
        && !confirmed
    {
        return Err(problem.into());
    }
    replace(context, connection, checked).await
}

/// Says that the new credential acts as somebody else, who may see other things.
fn other_identity(connection: &Connection, checked: &Checked) -> Option<Problem> {
    let (organization, _) = checked.identities.iter().find(|(organization, identity)| {
        let before = connection.identities.get(organization);
        before.is_some_and(|before| before != *identity)
    })?;
    Some(Problem {
        kind: "/problems/identity-changes",
        status: 409,
        title: "the credential is somebody else's",
        detail: format!(
            "In {organization} the new credential acts as somebody else than before, who may see other projects. What was \
             fetched stays. Send `{CONFIRM}: true` if that is meant, or a credential of the same owner."
        ),
        field: Some(CONFIRM.to_owned()),
    })
}

/// The secret first: a connection that is called active must have the secret that works.
async fn replace(
    context: &Context,
    connection: Connection,
    Checked { given, identities }: Checked,
) -> Result<Connection, Refusal> {
    let (tenant, id) = (&connection.tenant, connection.id);
    context.secrets.put(tenant, id, &given.secret).await?;
    context.control.forget_token_failures(id).await?;
    let new = |old: &Connection| Connection {
        method: given.secret.method(),
        status: ConnectionStatus::Active,
        expiries: given.expiries.clone(),
        identities: identities.clone(),
        ..old.clone()
    };
    // A worker may be marking the old credential dead at this moment; then the row is read and written again.
    let mut old = connection.clone();
    for _ in 0..5 {
        let replaced = new(&old);
        if context.control.replace_connection(&old, &replaced).await? {
            start_all(context, &replaced, Reason::Requested).await?;
            return Ok(replaced);
        }
        let read = context.control.connection(tenant, id).await?;
        old = read.ok_or_else(Problem::not_found)?;
    }
    Err(Problem::unavailable().into())
}
