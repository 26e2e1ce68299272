//! `CreateSecret`, `PutSecretValue`, `UpdateSecret`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{find, find_live, invalid_request, now, transact};
use crate::aws_json::AwsError;
use crate::secrets::Secrets;
use crate::secrets::secret::{CURRENT, Content, Secret};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ValueRequest {
    name: Option<String>,
    secret_id: Option<String>,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
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

pub(super) fn create(secrets: &Secrets, request: ValueRequest) -> Result<Value, AwsError> {
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
        kms_key_id: request.kms_key_id.clone(),
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
pub(super) fn change(
    secrets: &Secrets,
    request: ValueRequest,
    needs_value: bool,
) -> Result<Value, AwsError> {
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
