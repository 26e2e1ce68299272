//! Secrets Manager's operations over awsJson 1.1.
//!
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html>

mod read;
mod remove;
mod write;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Secrets;
use super::secret::Secret;
use crate::aws_json::{AwsError, parse, unknown_operation};

/// Answers one request.
pub(crate) fn call(secrets: &Secrets, operation: &str, body: &[u8]) -> Result<Value, AwsError> {
    match operation {
        "CreateSecret" => write::create(secrets, parse(body)?),
        "GetSecretValue" => read::get(secrets, &parse(body)?),
        "PutSecretValue" => write::change(secrets, parse(body)?, true),
        "UpdateSecret" => write::change(secrets, parse(body)?, false),
        "DeleteSecret" => remove::delete(secrets, &parse(body)?),
        "RestoreSecret" => remove::restore(secrets, &parse(body)?),
        "DescribeSecret" => read::describe(secrets, &parse(body)?),
        "ListSecrets" => read::list(secrets, &parse(body)?),
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
struct IdRequest {
    secret_id: String,
}
