//! Error answers in the service's envelope.
//!
//! `{"$id":"1","innerException":null,"message":..,"typeName":..,"typeKey":..,"errorCode":0,"eventId":3000}`, as recorded in
//! <https://github.com/microsoft/azure-devops-node-api/issues/393>.

use http::StatusCode;
use serde_json::json;

use crate::http::reply::Reply;

/// A request that is not served, and why.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    type_key: &'static str,
    message: String,
}

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        type_key: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            type_key,
            message: message.into(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "VssPropertyValidationException",
            message,
        )
    }

    pub(crate) fn bad_value(name: &str, value: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidArgumentValueException",
            format!(
                "The value '{value}' is not valid for the parameter '{name}'.\r\nParameter name: {name}"
            ),
        )
    }

    pub(crate) fn no_such_route(path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "HttpException",
            format!(
                "The controller for path '{path}' was not found or does not implement IController."
            ),
        )
    }

    pub(crate) fn no_such_organization(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "HostDoesNotExistException",
            format!(
                "VS800075: The organization with name '{name}' does not exist, or you do not have permission to access it."
            ),
        )
    }

    pub(crate) fn no_such_project(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ProjectDoesNotExistWithNameException",
            format!(
                "TF200016: The following project does not exist: {name}. Verify that the name of the project is correct and that \
                 the project exists on the specified Azure DevOps Server."
            ),
        )
    }

    pub(crate) fn no_such_repository(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "GitRepositoryNotFoundException",
            format!(
                "TF401019: The Git repository with name or identifier {name} does not exist or you do not have permissions for the \
                 operation you are attempting."
            ),
        )
    }

    pub(crate) fn not_found(type_key: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, type_key, message)
    }

    pub(crate) fn is_bad_request(&self) -> bool {
        self.status == StatusCode::BAD_REQUEST
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn into_reply(self) -> Reply {
        let body = json!({
            "$id": "1",
            "innerException": null,
            "message": self.message,
            "typeName": format!("Microsoft.VisualStudio.Services.Common.{}, Microsoft.VisualStudio.Services.Common", self.type_key),
            "typeKey": self.type_key,
            "errorCode": 0,
            "eventId": 3000,
        });
        let mut reply = Reply::json(&body);
        reply.status = self.status;
        reply.header("x-tfs-serviceerror", encode(&self.message))
    }
}

fn encode(message: &str) -> String {
    url::form_urlencoded::byte_serialize(message.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
