//! Organizations that appear after a connection was made for all of them.

use std::time::Duration;

use ado::Credential;
use auth::Owner;
use jiff::Timestamp;
use model::{Connection, OrganizationName};

use crate::{Context, Error, Worker};

/// How often is looked.
const EVERY: Duration = Duration::from_secs(24 * 3600);

/// The connection with the organizations that are new, once a day and if it is meant to have them. Whatever goes wrong
/// leaves it as it is: it is looked again the next day.
pub(crate) async fn grown(
    context: &Context,
    worker: &Worker,
    connection: Connection,
) -> Connection {
    if !connection.every_organization {
        return connection;
    }
    match look(context, worker, &connection).await {
        Ok(Some(larger)) => larger,
        Ok(None) => connection,
        Err(error) => {
            tracing::warn!(connection.id = %connection.id, error = %error, "could not look for new organizations");
            connection
        }
    }
}

/// A deletion waits for whoever looks, because a look stores when it was made.
async fn look(
    context: &Context,
    worker: &Worker,
    connection: &Connection,
) -> Result<Option<Connection>, Error> {
    let control = &context.control;
    let now = (context.clock)();
    let whose = (&connection.tenant, connection.id);
    let entered = control.enter(whose, &worker.name, (now, worker.until));
    let Some((connection, presence)) = entered.await? else {
        return Ok(None);
    };
    let found = find(context, &connection, now).await;
    if !matches!(found, Err(Error::Storage(_))) {
        control.leave(&presence).await?;
    }
    found
}

async fn find(
    context: &Context,
    connection: &Connection,
    now: Timestamp,
) -> Result<Option<Connection>, Error> {
    let (control, id) = (&context.control, connection.id);
    if !control.claim_now(id, "ORGANIZATIONS", now, EVERY).await? {
        return Ok(None);
    }
    let Some(first) = connection.organizations.first() else {
        return Ok(None);
    };
    let owner = Owner {
        tenant: &connection.tenant,
        connection: id,
    };
    let credential = context.tokens.credential(owner, first).await?;
    let mut found = Vec::new();
    for name in ado::accounts::organizations(&context.client, &credential).await? {
        let is_known = |own: &OrganizationName| own.as_str().eq_ignore_ascii_case(name.as_str());
        // One that does not admit the person would make the whole connection look dead.
        if !connection.organizations.iter().any(is_known)
            && is_admitted(context, &credential, &name).await
        {
            found.push(name);
        }
    }
    if found.is_empty() {
        return Ok(None);
    }
    tracing::info!(connection.id = %id, organizations = found.len(), "organizations are new");
    let add = |connection: &mut Connection| {
        for name in &found {
            if !connection.organizations.contains(name) {
                connection.organizations.push(name.clone());
            }
        }
    };
    let whose = (&connection.tenant, id);
    Ok(control.change_connection(whose, None, add).await?)
}

async fn is_admitted(
    context: &Context,
    credential: &Credential,
    organization: &OrganizationName,
) -> bool {
    let request = ado::connection_data::request(organization);
    let answer = context.client.send(credential, &request).await;
    let data = answer
        .result
        .and_then(|body| ado::connection_data::parse(&body));
    data.is_ok_and(|data| !data.anonymous)
}
