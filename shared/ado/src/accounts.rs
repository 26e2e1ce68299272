//! The organizations of whoever has signed in.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/account/accounts/list>

use model::OrganizationName;
use serde::Deserialize;
use uuid::Uuid;

use crate::{Client, Credential, Error, Host, Request};

#[derive(Deserialize)]
struct Profile {
    id: Uuid,
}

#[derive(Deserialize)]
struct Account {
    #[serde(rename = "accountName")]
    name: String,
}

#[derive(Deserialize)]
struct Accounts {
    value: Vec<Account>,
}

/// The names of all organizations that a person is in, also of those that will refuse this sign-in because they are
/// connected to another directory. Only a person's sign-in can list them: no personal access token, no application.
///
/// # Errors
/// The service refused or did not answer.
pub async fn organizations(
    client: &Client,
    credential: &Credential,
) -> Result<Vec<OrganizationName>, Error> {
    let profile = request("_apis/profile/profiles/me")?;
    let body = client.send(credential, &profile).await.result?;
    let Profile { id } = crate::paging::parse_json(&body.bytes, "profile")?;
    let accounts = request("_apis/accounts")?.query("memberId", id.to_string());
    let body = client.send(credential, &accounts).await.result?;
    let Accounts { value } = crate::paging::parse_json(&body.bytes, "accounts")?;
    // What is no name cannot be asked for anyway.
    Ok(value
        .iter()
        .filter_map(|account| account.name.parse().ok())
        .collect())
}

/// A request to the one host whose paths name no organization.
fn request(path: &str) -> Result<Request, Error> {
    let nobody: OrganizationName = "any".parse().map_err(|_| Error::ForbiddenUrl {
        reason: "the profile has no address",
    })?;
    Ok(Request::get(&nobody, path)
        .on(Host::Profile)
        .query("api-version", "7.1"))
}
