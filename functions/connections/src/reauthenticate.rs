//! Giving a connection another credential, by the same or another method.
//!
//! All integrations of a connection use its one secret, so all go on with the new one. Cursors are left where they stand:
//! what could not be read for a while is asked for from there.

use std::time::Duration;

use entrypoint::problem::Problem;
use http_api::{Admin, Refusal};
use model::{Action, Connection, ConnectionStatus, Reason};
use serde_json::Value;
use uuid::Uuid;
use validate_pat::form::{self, Given, given_for, nothing_else};

use crate::{
    Context, change,
    create::{Checked, check, start_all},
};

/// The field that says that another person's credential is meant.
const CONFIRM: &str = "confirm_identity_change";

/// How long storing takes at most: as long as API Gateway waits for an answer, and Lambda lets the function live.
const LONGEST: Duration = Duration::from_secs(35);

/// Looks whether the new credential does what the connection needs, replaces the old one, and has everything looked at.
pub(crate) async fn reauthenticate(
    context: &Context,
    admin: &Admin,
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
    with(context, admin, connection, (given, confirmed)).await
}

/// The same with a credential that is known already; `confirmed` if it may be somebody else's.
pub(crate) async fn with(
    context: &Context,
    admin: &Admin,
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
    replace(context, admin, connection, checked).await
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

/// Puts the new credential in the place of the old one. A deletion waits for it, as for everybody who stores something.
async fn replace(
    context: &Context,
    admin: &Admin,
    connection: Connection,
    checked: Checked,
) -> Result<Connection, Refusal> {
    let now = (context.clock)();
    let worker = format!("reauthenticate/{}", Uuid::new_v4());
    let whose = (&admin.tenant, connection.id);
    let entered = context
        .control
        .enter(whose, &worker, (now, now + LONGEST))
        .await?;
    let Some((connection, presence)) = entered else {
        return Err(change::is_leaving().into());
    };
    let replaced = store(context, admin, &connection, checked).await;
    if let Err(error) = context.control.leave(&presence).await {
        tracing::warn!(error = %error, "could not say that the work is done");
    }
    let replaced = replaced?;
    start_all(context, &replaced, Reason::Requested).await?;
    Ok(replaced)
}

/// The secret first: a connection that is called active must have the secret that works.
async fn store(
    context: &Context,
    admin: &Admin,
    connection: &Connection,
    Checked { given, identities }: Checked,
) -> Result<Connection, Refusal> {
    let (tenant, id) = (&connection.tenant, connection.id);
    context.secrets.put(tenant, id, &given.secret).await?;
    context.control.forget_token_failures(id).await?;
    let entry = change::entry(context, admin, Action::Reauthenticated, connection);
    let replace = |connection: &mut Connection| {
        connection.method = given.secret.method();
        connection.status = ConnectionStatus::Active;
        connection.expiries.clone_from(&given.expiries);
        connection.identities.clone_from(&identities);
        connection.reauthenticated_at = Some(entry.at);
    };
    let replaced = context
        .control
        .change_connection((tenant, id), Some(&entry), replace)
        .await?;
    let replaced = replaced.ok_or_else(Problem::not_found)?;
    change::refuse_if_deleting(&replaced)?;
    Ok(replaced)
}
