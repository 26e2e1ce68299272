//! What callers without a living credential get.
//!
//! <https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate>

use http::{HeaderMap, StatusCode};
use uuid::Uuid;

use crate::config::{Config, MissingScope, SignIn};
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;

const SIGN_IN_PAGE: &str = "<!DOCTYPE html>\r\n<html lang=\"en-US\">\r\n<head><title>Azure DevOps Services | Sign In</title></head>\r\n\
<body class=\"platform\"><h1>Sign in to your account</h1><noscript>Microsoft Internet Explorer's Enhanced Security Configuration is \
enabled.</noscript></body>\r\n</html>\r\n";
const SIGN_IN_URL: &str = "https://spsprodcus1.vssps.visualstudio.com/_signin?realm=dev.azure.com&reply_to=https%3A%2F%2Fdev.azure.com%2F";

/// The answer to a dead credential or an anonymous caller.
pub(crate) fn required(config: &Config, headers: &HeaderMap) -> Reply {
    let suppress = config.unverified.suppress_is_heard
        && headers
            .get("x-tfs-fedauthredirect")
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"suppress"));
    match config.sign_in {
        _ if suppress => unauthorized(),
        SignIn::Html203 => page(),
        SignIn::Redirect302 => redirect(),
    }
}

pub(crate) fn unauthorized() -> Reply {
    Reply::empty(StatusCode::UNAUTHORIZED)
        .header(
            "www-authenticate",
            "Bearer authorization_uri=https://login.microsoftonline.com/common",
        )
        .header(
            "www-authenticate",
            "Basic realm=\"https://tfsprodcus1.app.visualstudio.com/\"",
        )
        .header("www-authenticate", "TFS-Federated")
}

pub(crate) fn page() -> Reply {
    Reply::html(StatusCode::NON_AUTHORITATIVE_INFORMATION, SIGN_IN_PAGE)
}

pub(crate) fn redirect() -> Reply {
    let page = format!(
        "<html><head><title>Object moved</title></head><body><h2>Object moved to <a href=\"{SIGN_IN_URL}\">here</a>.</h2></body></html>"
    );
    Reply::html(StatusCode::FOUND, &page).header("location", SIGN_IN_URL)
}

/// The answer to a living credential that lacks the scope.
pub(crate) fn missing_scope(manner: MissingScope, identity: Uuid) -> Reply {
    match manner {
        MissingScope::Forbidden403 => forbidden(),
        MissingScope::Unauthorized401 => Refusal::new(
            StatusCode::UNAUTHORIZED,
            "UnauthorizedRequestException",
            format!("TF400813: The user '{identity}' is not authorized to access this resource."),
        )
        .into_reply(),
    }
}

pub(crate) fn forbidden() -> Reply {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "AccessCheckException",
        "TF401027: You need the 'Read' permission on this resource to perform this action.",
    )
    .into_reply()
}
