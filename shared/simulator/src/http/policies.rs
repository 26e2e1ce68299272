//! Branch policies.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/policy/configurations/list>

use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::identity;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::threads::REVIEWERS_POLICY;
use crate::world::repository_facts::{Policy, PolicyKind};

/// The type of policy that wants a build:
/// <https://learn.microsoft.com/rest/api/azure/devops/policy/configurations/create#build-policy>.
const BUILD_POLICY: &str = "0609b952-1397-4640-95ec-e00a01b2c241";

/// `GET policy/configurations`: those of a project, in pages with a token.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = &call.query;
    let start = match query.text(&["continuationToken"]) {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .map_err(|_| Refusal::bad_value("continuationToken", token))?,
    };
    let wanted = query.text(&["policyType"]);
    let all: Vec<Policy> = call
        .world
        .policies()
        .into_iter()
        .filter(|own| call.covers(own.project))
        .filter(|own| wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(type_of(own).0)))
        .collect();
    let top = call.config().pages.policies.of(query.number(&["$top"])?);
    let end = all.len().min(start + top);
    let page = all.get(start..end).unwrap_or_default();
    let reply = Reply::list(page.iter().map(|own| body(call, own)));
    Ok(if end < all.len() {
        reply.header("x-ms-continuationtoken", end.to_string())
    } else {
        reply
    })
}

fn type_of(own: &Policy) -> (&'static str, &'static str) {
    match own.kind {
        PolicyKind::Reviewers { .. } => (REVIEWERS_POLICY, "Minimum number of reviewers"),
        PolicyKind::Build { .. } => (BUILD_POLICY, "Build"),
    }
}

fn body(call: &Call<'_>, own: &Policy) -> Value {
    let project = call.world.projects[usize::from(own.project)].id;
    let base = format!("{}/{project}/_apis/policy", call.base());
    let (type_id, type_name) = type_of(own);
    let scope = json!([{
        "refName": "refs/heads/main",
        "matchKind": "Exact",
        "repositoryId": own.repository,
    }]);
    let settings = match own.kind {
        PolicyKind::Reviewers { minimum } => json!({
            "minimumApproverCount": minimum,
            "creatorVoteCounts": false,
            "allowDownvotes": false,
            "resetOnSourcePush": true,
            "scope": scope,
        }),
        PolicyKind::Build { definition } => json!({
            "buildDefinitionId": definition,
            "queueOnSourceUpdateOnly": true,
            "manualQueueOnly": false,
            "displayName": null,
            "validDuration": 720.0,
            "scope": scope,
        }),
    };
    json!({
        "createdBy": identity::reference(call.world, own.by),
        "createdDate": own.created,
        "isEnabled": true,
        "isBlocking": own.is_blocking,
        "isDeleted": false,
        "isEnterpriseManaged": false,
        "settings": settings,
        "revision": own.revision,
        "id": own.id,
        "url": format!("{base}/configurations/{}", own.id),
        "type": { "id": type_id, "url": format!("{base}/types/{type_id}"), "displayName": type_name },
    })
}
