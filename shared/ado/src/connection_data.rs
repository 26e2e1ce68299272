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
pub(crate) const ANONYMOUS: Uuid = Uuid::from_u128(0xaaaa_aaaa_aaaa_aaaa_aaaa_aaaa_aaaa_aaaa);

/// Asks who a credential is: the cheapest request that proves credential and organization together.
pub async fn connection_data(
    client: &Client,
    credential: &Credential,
    organization: &OrganizationName,
) -> Answer<ConnectionData> {
    client
        .send(credential, &request(organization))
        .await
        .and_then(|body| parse(&body))
}

/// The request behind [`connection_data`].
pub fn request(organization: &OrganizationName) -> Request {
    Request::get(organization, "_apis/connectionData").query("api-version", "7.1-preview.1")
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

/// The answer to [`request`].
///
/// # Errors
/// The body is not what the API documents.
pub fn parse(body: &Body) -> Result<ConnectionData, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ConnectionData, Error> {
        parse(&Body {
            bytes: json.to_owned().into(),
            continuation: None,
        })
    }

    const INSTANCE: &str = "2ad38d1e-3eaf-4769-931c-3a2da67bbb01";

    #[test]
    fn a_member_is_named_as_people_name_them() {
        let data = read(&format!(
            r#"{{"authenticatedUser":{{"id":"22157d54-1821-6536-a446-928b06348385","providerDisplayName":"Jamal","customDisplayName":"Jamal H","properties":{{}}}},"instanceId":"{INSTANCE}","deploymentType":"hosted"}}"#
        ))
        .unwrap();
        assert_eq!(data.identity_name.as_deref(), Some("Jamal H"));
        assert_eq!(data.instance_id, INSTANCE.parse().unwrap());
        assert!(!data.anonymous);
    }

    #[test]
    fn a_stranger_is_told_from_a_member_by_the_id_alone() {
        let data = read(&format!(
            r#"{{"authenticatedUser":{{"id":"aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa","providerDisplayName":""}},"instanceId":"{INSTANCE}"}}"#
        ))
        .unwrap();
        assert!(data.anonymous);
        assert_eq!(data.identity_name, None);
    }

    #[test]
    fn a_body_without_an_identity_proves_nothing() {
        for json in [
            "{}",
            "[]",
            r#"{"authenticatedUser":{"id":"x"},"instanceId":"y"}"#,
        ] {
            assert!(matches!(read(json), Err(Error::NotAPage { .. })), "{json}");
        }
    }

    #[test]
    fn a_recorded_answer_of_the_real_service_is_understood() {
        #[derive(Deserialize)]
        struct Recording {
            response: Response,
        }
        #[derive(Deserialize)]
        struct Response {
            body: Box<serde_json::value::RawValue>,
        }
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/fixtures/azure-devops/connection-data/azcli-1.json"
        );
        let Ok(text) = std::fs::read(path) else {
            #[expect(clippy::print_stderr, reason = "a skipped test says so")]
            {
                eprintln!("skipped: no recordings beside this checkout");
            }
            return;
        };
        let recording: Recording = serde_json::from_slice(&text).unwrap();
        let data = read(recording.response.body.get()).unwrap();
        assert_eq!(data.instance_id, INSTANCE.parse().unwrap());
        assert!(!data.anonymous);
    }
}
