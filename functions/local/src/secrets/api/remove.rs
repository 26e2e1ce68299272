//! `DeleteSecret` and `RestoreSecret`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{IdRequest, find, find_live, now, transact};
use crate::aws_json::AwsError;
use crate::secrets::Secrets;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteRequest {
    secret_id: String,
    recovery_window_in_days: Option<u32>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

pub(super) fn delete(secrets: &Secrets, request: &DeleteRequest) -> Result<Value, AwsError> {
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

pub(super) fn restore(secrets: &Secrets, request: &IdRequest) -> Result<Value, AwsError> {
    transact(secrets, |state| {
        let (name, secret) = find(state, &request.secret_id)?;
        secret.deletion = None;
        Ok(json!({ "ARN": secret.arn, "Name": name }))
    })
}
