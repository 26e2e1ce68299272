//! `app.vssps.visualstudio.com`: who has signed in, and which organizations they are in.

use serde_json::json;
use uuid::Uuid;

use crate::entra::Subject;
use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;

/// `GET /_apis/profile/profiles/me`.
///
/// <https://learn.microsoft.com/rest/api/azure/devops/profile/profiles/get>
pub(crate) fn me(call: &Call<'_>) -> Result<Reply, Refusal> {
    let no_profile = || Refusal::bad_request("VS403370: There is no profile for this identity.");
    if call.captured[0] != "me" {
        return Err(no_profile());
    }
    let Some(Subject::Person(id)) = call.subject else {
        return Err(no_profile());
    };
    let registry = call.simulator.entra().registry();
    let account = registry.accounts.iter().find(|own| own.id == id);
    let account = account.ok_or_else(no_profile)?;
    Ok(Reply::json(&json!({
        "displayName": account.name,
        "publicAlias": account.id,
        "emailAddress": account.user_name,
        "coreRevision": 417_420_163,
        "timeStamp": "2026-01-19T08:14:31.1233333+00:00",
        "id": account.id,
        "revision": 417_420_163,
    })))
}

/// `GET /_apis/accounts?memberId={id}`: all organizations of a person, those of other directories too.
///
/// <https://learn.microsoft.com/rest/api/azure/devops/account/accounts/list>
pub(crate) fn accounts(call: &Call<'_>) -> Result<Reply, Refusal> {
    let id = call.query.text(&["memberId", "ownerId"]);
    let id = id.and_then(|id| Uuid::parse_str(id).ok()).ok_or_else(|| {
        Refusal::bad_request("VS850010: Either ownerId or memberId has to be specified.")
    })?;
    let registry = call.simulator.entra().registry();
    let organizations = registry
        .organizations
        .iter()
        .filter(|organization| organization.members.contains_key(&id))
        .map(|organization| {
            json!({
                "accountId": Uuid::new_v5(&Uuid::NAMESPACE_DNS, organization.name.as_bytes()),
                "accountUri": format!("https://vssps.dev.azure.com/{}/", organization.name),
                "accountName": organization.name,
                "properties": {},
            })
        });
    Ok(Reply::list(organizations))
}
