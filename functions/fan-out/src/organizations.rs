//! Organizations that appear after a connection was made for all of them.

use std::time::Duration;

use ado::Credential;
use auth::Owner;
use jiff::Timestamp;
use model::{Connection, OrganizationName};

use crate::{Context, Error};

/// How often is looked.
const EVERY: Duration = Duration::from_secs(24 * 3600);

/// The connection with the organizations that are new, once a day and if it is meant to have them. Whatever goes wrong
/// leaves it as it is: it is looked again the next day.
pub(crate) async fn grown(context: &Context, connection: Connection) -> Connection {
    if !connection.every_organization {
        return connection;
    }
    match look(context, &connection).await {
        Ok(Some(larger)) => larger,
        Ok(None) => connection,
        Err(error) => {
            tracing::warn!(connection.id = %connection.id, error = %error, "could not look for new organizations");
            connection
        }
    }
}

async fn look(context: &Context, connection: &Connection) -> Result<Option<Connection>, Error> {
    let now: Timestamp = (context.clock)();
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
    let mut larger = connection.clone();
    larger.organizations.extend(found);
    let replaced = control.replace_connection(connection, &larger).await?;
    Ok(replaced.then_some(larger))
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
