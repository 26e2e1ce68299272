//! Secrets Manager's operations over awsJson 1.1.
//!
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html>

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Secrets;
use super::secret::{CURRENT, Content, Secret};
use crate::aws_json::{AwsError, parse, unknown_operation};

/// Answers one request.
pub(crate) fn call(secrets: &Secrets, operation: &str, body: &[u8]) -> Result<Value, AwsError> {
    match operation {
        "CreateSecret" => create(secrets, parse(body)?),
        "GetSecretValue" => get(secrets, &parse(body)?),
        "PutSecretValue" => change(secrets, parse(body)?, true),
        "UpdateSecret" => change(secrets, parse(body)?, false),
        "DeleteSecret" => delete(secrets, &parse(body)?),
        "RestoreSecret" => restore(secrets, &parse(body)?),
        "DescribeSecret" => describe(secrets, &parse(body)?),
        "ListSecrets" => list(secrets, &parse(body)?),
        _ => Err(unknown_operation(operation)),
    }
}

type State = BTreeMap<String, Secret>;

fn not_found() -> AwsError {
    AwsError::new(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

fn invalid_request(message: &str) -> AwsError {
    AwsError::new("InvalidRequestException", message)
}

fn now() -> f64 {
    jiff::Timestamp::now().as_millisecond() as f64 / 1000.0
}

/// Finds a secret by name or ARN; an expired deletion window means that it is gone.
fn find<'a>(state: &'a mut State, id: &str) -> Result<(&'a String, &'a mut Secret), AwsError> {
    let found = state
        .iter_mut()
        .find(|(name, secret)| *name == id || secret.arn == id);
    found
        .filter(|(_, secret)| secret.deletion.is_none_or(|at| at > now()))
        .ok_or_else(not_found)
}

fn find_live<'a>(state: &'a mut State, id: &str) -> Result<(&'a String, &'a mut Secret), AwsError> {
    let (name, secret) = find(state, id)?;
    if secret.deletion.is_some() {
        return Err(invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    Ok((name, secret))
}

/// Changes the secrets and saves them, or changes nothing.
fn transact<T>(
    secrets: &Secrets,
    act: impl FnOnce(&mut State) -> Result<T, AwsError>,
) -> Result<T, AwsError> {
    let mut state = secrets.state();
    let mut changed = state.clone();
    let answer = act(&mut changed)?;
    secrets.save(&changed).map_err(AwsError::internal)?;
    *state = changed;
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ValueRequest {
    name: Option<String>,
    secret_id: Option<String>,
    client_request_token: Option<String>,
    description: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    version_stages: Option<BTreeSet<String>>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

impl ValueRequest {
    fn content(&self) -> Result<Option<Content>, AwsError> {
        match (&self.secret_string, &self.secret_binary) {
            (Some(_), Some(_)) => Err(invalid_request(
                "You can't specify both SecretString and SecretBinary.",
            )),
            (Some(text), None) => Ok(Some(Content::Text(text.clone()))),
            (None, Some(binary)) => Ok(Some(Content::Binary(binary.clone()))),
            (None, None) => Ok(None),
        }
    }

    fn token(&self) -> String {
        self.client_request_token
            .clone()
            .unwrap_or_else(|| Uuid::new_v4().to_string())
    }

    fn stages(&self) -> BTreeSet<String> {
        self.version_stages
            .clone()
            .unwrap_or_else(|| BTreeSet::from([CURRENT.to_owned()]))
    }
}

fn create(secrets: &Secrets, request: ValueRequest) -> Result<Value, AwsError> {
    let name = request.name.clone().filter(|name| is_name(name)).ok_or_else(|| {
        AwsError::new("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
    })?;
    let (token, content) = (request.token(), request.content()?);
    transact(secrets, |state| {
        match find(state, &name) {
            Ok((_, existing)) if existing.deletion.is_some() => {
                return Err(invalid_request(
                    "You can't create this secret because a secret with this name is already scheduled for deletion.",
                ));
            }
            // The same creation repeated, for example after a lost answer.
            Ok((_, existing))
                if existing.versions.get(&token).map(|v| &v.value) == content.as_ref()
                    && content.is_some() =>
            {
                return Ok(json!({ "ARN": existing.arn, "Name": name, "VersionId": token }));
            }
            Ok(_) => {
                return Err(AwsError::new(
                    "ResourceExistsException",
                    format!("The operation failed because the secret {name} already exists."),
                ));
            }
            Err(_) => {}
        }
        let mut secret = new_secret(secrets, &name, &request);
        let mut answer = json!({ "ARN": secret.arn, "Name": name });
        if let Some(content) = content {
            put(
                &mut secret,
                &token,
                content,
                &BTreeSet::from([CURRENT.to_owned()]),
            )?;
            answer["VersionId"] = token.clone().into();
        }
        state.insert(name.clone(), secret);
        Ok(answer)
    })
}

fn new_secret(secrets: &Secrets, name: &str, request: &ValueRequest) -> Secret {
    let suffix = Uuid::new_v4().simple().to_string();
    Secret {
        arn: format!("{}{name}-{}", secrets.0.arn_prefix, &suffix[..6]),
        description: request.description.clone().unwrap_or_default(),
        created: now(),
        changed: now(),
        deletion: None,
        versions: BTreeMap::new(),
        tags: request
            .tags
            .iter()
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect(),
    }
}

fn is_name(name: &str) -> bool {
    (1..=512).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-/_+=.@!".contains(&byte))
}

fn put(
    secret: &mut Secret,
    token: &str,
    content: Content,
    stages: &BTreeSet<String>,
) -> Result<(), AwsError> {
    secret.put(token, content, stages, now()).map_err(|_| {
        AwsError::new(
            "ResourceExistsException",
            "A version with this ClientRequestToken already exists with another value.",
        )
    })
}

/// `PutSecretValue`, which needs a value, and `UpdateSecret`, which may only change the description.
fn change(secrets: &Secrets, request: ValueRequest, needs_value: bool) -> Result<Value, AwsError> {
    let content = request.content()?;
    if needs_value && content.is_none() {
        return Err(invalid_request(
            "You must provide either SecretString or SecretBinary.",
        ));
    }
    let (token, stages) = (request.token(), request.stages());
    transact(secrets, |state| {
        let (name, secret) = find_live(state, request.secret_id.as_deref().unwrap_or_default())?;
        let mut answer = json!({ "ARN": secret.arn, "Name": name });
        if let Some(description) = &request.description {
            secret.description.clone_from(description);
        }
        if let Some(content) = content {
            put(secret, &token, content, &stages)?;
            answer["VersionId"] = token.clone().into();
            if needs_value {
                answer["VersionStages"] = json!(stages);
            }
        }
        Ok(answer)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRequest {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

fn get(secrets: &Secrets, request: &GetRequest) -> Result<Value, AwsError> {
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteRequest {
    secret_id: String,
    recovery_window_in_days: Option<u32>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

fn delete(secrets: &Secrets, request: &DeleteRequest) -> Result<Value, AwsError> {
    if request.force_delete_without_recovery && request.recovery_window_in_days.is_some() {
        return Err(AwsError::new(
            "InvalidParameterException",
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let days = request.recovery_window_in_days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(AwsError::new(
            "InvalidParameterException",
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    transact(secrets, |state| {
        if request.force_delete_without_recovery {
            let (name, arn) = match find(state, &request.secret_id) {
                Ok((name, secret)) => (name.clone(), secret.arn.clone()),
                // Forcing the deletion of what is not there succeeds.
                Err(_) => (
                    request.secret_id.clone(),
                    format!("{}{}", secrets.0.arn_prefix, request.secret_id),
                ),
            };
            state.remove(&name);
            return Ok(json!({ "ARN": arn, "Name": name, "DeletionDate": now() }));
        }
        let (name, secret) = find_live(state, &request.secret_id)?;
        let at = now() + f64::from(days) * 86_400.0;
        secret.deletion = Some(at);
        Ok(json!({ "ARN": secret.arn, "Name": name, "DeletionDate": at }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdRequest {
    secret_id: String,
}

fn restore(secrets: &Secrets, request: &IdRequest) -> Result<Value, AwsError> {
    transact(secrets, |state| {
        let (name, secret) = find(state, &request.secret_id)?;
        secret.deletion = None;
        Ok(json!({ "ARN": secret.arn, "Name": name }))
    })
}

fn describe(secrets: &Secrets, request: &IdRequest) -> Result<Value, AwsError> {
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
    if let Some(at) = secret.deletion {
        answer["DeletedDate"] = at.into();
    }
    answer
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListRequest {
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

fn list(secrets: &Secrets, request: &ListRequest) -> Result<Value, AwsError> {
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
