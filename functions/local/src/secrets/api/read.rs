//! `GetSecretValue`, `DescribeSecret`, `ListSecrets`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{IdRequest, find, find_live, not_found};
use crate::aws_json::AwsError;
use crate::secrets::Secrets;
use crate::secrets::secret::{CURRENT, Content, Secret};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetRequest {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

pub(super) fn get(secrets: &Secrets, request: &GetRequest) -> Result<Value, AwsError> {
    let mut state = secrets.state();
    let (name, secret) = find_live(&mut state, &request.secret_id)?;
    let by_id = request
        .version_id
        .as_ref()
        .map(|id| secret.versions.get_key_value(id));
    let stage = request.version_stage.as_deref();
    let found = match by_id {
        Some(found) => found
            .map(|(id, version)| (id.as_str(), version))
            .filter(|(_, version)| stage.is_none_or(|stage| version.stages.contains(stage))),
        None => secret.version_of(stage.unwrap_or(CURRENT)),
    };
    let (id, version) = found.ok_or_else(not_found)?;
    let mut answer = json!({
        "ARN": secret.arn, "Name": name, "VersionId": id,
        "VersionStages": version.stages, "CreatedDate": version.created,
    });
    match &version.value {
        Content::Text(text) => answer["SecretString"] = text.clone().into(),
        Content::Binary(binary) => answer["SecretBinary"] = binary.clone().into(),
    }
    Ok(answer)
}

pub(super) fn describe(secrets: &Secrets, request: &IdRequest) -> Result<Value, AwsError> {
    let mut state = secrets.state();
    let (name, secret) = find(&mut state, &request.secret_id)?;
    Ok(metadata(name, secret, "VersionIdsToStages"))
}

fn metadata(name: &str, secret: &Secret, versions_key: &str) -> Value {
    let stages: BTreeMap<_, _> = secret
        .versions
        .iter()
        .map(|(id, version)| (id, &version.stages))
        .collect();
    let tags: Vec<_> = secret
        .tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    let mut answer = json!({
        "ARN": secret.arn, "Name": name, "Description": secret.description,
        "CreatedDate": secret.created, "LastChangedDate": secret.changed, "Tags": tags,
    });
    answer[versions_key] = json!(stages);
    if let Some(key) = &secret.kms_key_id {
        answer["KmsKeyId"] = json!(key);
    }
    if let Some(at) = secret.deletion {
        answer["DeletedDate"] = at.into();
    }
    answer
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListRequest {
    #[serde(default = "all")]
    max_results: usize,
    next_token: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    include_planned_deletion: bool,
}

fn all() -> usize {
    100
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    key: String,
    values: Vec<String>,
}

pub(super) fn list(secrets: &Secrets, request: &ListRequest) -> Result<Value, AwsError> {
    if let Some(other) = request.filters.iter().find(|filter| filter.key != "name") {
        return Err(AwsError::new(
            "InvalidParameterException",
            format!("the embedded service cannot filter by {}", other.key),
        ));
    }
    let state = secrets.state();
    let wanted = |name: &str| {
        request.filters.iter().all(|filter| {
            filter
                .values
                .iter()
                .any(|prefix| name.starts_with(prefix.as_str()))
        })
    };
    let after = request.next_token.as_deref().unwrap_or_default();
    let mut page = state.iter().filter(|(name, secret)| {
        name.as_str() > after
            && wanted(name)
            && (request.include_planned_deletion || secret.deletion.is_none())
    });
    let mut listed = Vec::new();
    let mut last = None;
    for (name, secret) in page.by_ref().take(request.max_results) {
        listed.push(metadata(name, secret, "SecretVersionsToStages"));
        last = Some(name);
    }
    let mut answer = json!({ "SecretList": listed });
    if page.next().is_some() {
        answer["NextToken"] = json!(last);
    }
    Ok(answer)
}
