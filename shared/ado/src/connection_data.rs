//! Who a credential is, in which organization.

use model::{OrganizationId, OrganizationName};
use serde::Deserialize;
use uuid::Uuid;

use crate::{Answer, Body, Client, Credential, Error, Request};

/// What `connectionData` says of a credential and of the organization it was sent to.
///
/// Microsoft documents the resource in its client libraries only:
/// <https://github.com/microsoft/azure-devops-node-api/blob/master/api/interfaces/LocationsInterfaces.ts>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionData {
    /// The identity that the credential acts as; stable inside the organization.
    pub identity_id: Uuid,
    /// Its name as people read it. Never logged.
    pub identity_name: Option<String>,
    /// The organization, whatever it is called today.
    pub instance_id: OrganizationId,
    /// Whether the service saw no credential at all. An organization with public projects answers strangers too, so
    /// that the status alone proves nothing.
    pub anonymous: bool,
}

/// The identity of everybody who is not signed in.
const ANONYMOUS: Uuid = Uuid::from_u128(0xaaaa_aaaa_aaaa_aaaa_aaaa_aaaa_aaaa_aaaa);

/// Asks who a credential is: the cheapest request that proves credential and organization together.
pub async fn connection_data(
    client: &Client,
    credential: &Credential,
    organization: &OrganizationName,
) -> Answer<ConnectionData> {
    let request =
        Request::get(organization, "_apis/connectionData").query("api-version", "7.1-preview.1");
    client
        .send(credential, &request)
        .await
        .and_then(|body| parse(&body))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    authenticated_user: Identity,
    instance_id: OrganizationId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    id: Uuid,
    provider_display_name: Option<String>,
    custom_display_name: Option<String>,
}

fn parse(body: &Body) -> Result<ConnectionData, Error> {
    let wire: Wire = crate::paging::parse_json(&body.bytes, "authenticatedUser")?;
    let user = wire.authenticated_user;
    let named = |name: Option<String>| name.filter(|name| !name.is_empty());
    Ok(ConnectionData {
        identity_id: user.id,
        identity_name: named(user.custom_display_name).or(named(user.provider_display_name)),
        instance_id: wire.instance_id,
        anonymous: user.id == ANONYMOUS,
    })
}
