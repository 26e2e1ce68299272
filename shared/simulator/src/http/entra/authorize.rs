//! The sign-in and consent page.
//!
//! A script decides by a `POST` of `account` and `decision` to the address of the page; a browser has buttons.

use http::StatusCode;
use url::Url;
use uuid::Uuid;

use super::{Asked, scopes};
use crate::entra::{Account, Code, Grant, Refusal, Subject};
use crate::http::reply::Reply;

/// What the application asks for, checked. Nothing is sent to an address that is not registered:
/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#request-an-authorization-code>.
struct Request {
    client: Uuid,
    redirect: Url,
    challenge: String,
    scopes: Vec<String>,
}

/// `GET`: who signs in, and do they agree?
pub(super) fn page(asked: &Asked<'_>) -> Reply {
    let request = match read(asked) {
        Ok(request) => request,
        Err(refusal) => return refused(&refusal),
    };
    let registry = asked.simulator.entra().registry();
    let buttons: String = registry
        .accounts
        .iter()
        .map(|account| {
            format!(
                "<form method=\"post\" action=\"{action}\"><input type=\"hidden\" name=\"account\" value=\"{user}\">\
                 <button name=\"decision\" value=\"accept\">Accept as {user}</button> \
                 <button name=\"decision\" value=\"cancel\">Cancel</button></form>",
                action = escaped(asked.path_and_query),
                user = escaped(&account.user_name),
            )
        })
        .collect();
    let wanted = escaped(&request.scopes.join(", "));
    html(
        StatusCode::OK,
        &format!("<h1>Permissions requested</h1><p>This app would like to: {wanted}</p>{buttons}"),
    )
}

/// `POST`: leads back to the application, or says why not.
pub(super) fn decide(asked: &Asked<'_>) -> Reply {
    let request = match read(asked) {
        Ok(request) => request,
        Err(refusal) => return refused(&refusal),
    };
    let decision = |name: &str| asked.decision.get(name).map_or("", String::as_str);
    if decision("decision") != "accept" {
        let message = "AADSTS65004: User declined to consent to access the app.";
        return back(
            asked,
            &request,
            &[("error", "access_denied"), ("error_description", message)],
        );
    }
    match sign_in(asked, &request, decision("account")) {
        Ok(code) => back(asked, &request, &[("code", &code)]),
        Err(refusal) => refused(&refusal),
    }
}

fn read(asked: &Asked<'_>) -> Result<Request, Refusal> {
    let registry = asked.simulator.entra().registry();
    let client = asked.field("client_id");
    let application = registry
        .application(client)
        .ok_or_else(|| Refusal::no_such_application(client, asked.tenant))?;
    let redirect = asked.field("redirect_uri");
    let mismatch = || {
        Refusal::request(
            50011,
            format!(
                "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the application '{client}'."
            ),
        )
    };
    if !application.redirect_uris.contains(redirect) {
        return Err(mismatch());
    }
    let redirect = Url::parse(redirect).map_err(|_| mismatch())?;
    if let Ok(directory) = Uuid::parse_str(asked.tenant)
        && registry.directory(directory).is_none()
    {
        return Err(Refusal::no_such_directory(asked.tenant));
    }
    if asked.field("response_type") != "code" {
        return Err(Refusal::new(
            "unsupported_response_type",
            700_054,
            "response_type is not enabled for the application.",
        ));
    }
    let challenge = asked.field("code_challenge");
    if asked.field("code_challenge_method") != "S256" || challenge.len() != 43 {
        return Err(Refusal::request(
            50_148,
            "The code_challenge is missing or its method is not S256.",
        ));
    }
    let (scopes, _) = scopes(asked.field("scope"))?;
    Ok(Request {
        client: application.id,
        redirect,
        challenge: challenge.to_owned(),
        scopes,
    })
}

fn sign_in(asked: &Asked<'_>, request: &Request, user: &str) -> Result<String, Refusal> {
    let entra = asked.simulator.entra();
    let (account, directory) = {
        let registry = entra.registry();
        let found = registry.accounts.iter().find(|own| own.user_name == user);
        let account: &Account = found.ok_or_else(|| {
            Refusal::request(
                50034,
                format!("The user account {user} does not exist in the directory."),
            )
        })?;
        let directory = account.directory_under(asked.tenant).ok_or_else(|| {
            Refusal::request(
                50020,
                format!("User account '{user}' from identity provider does not exist in tenant and cannot access the application. The account needs to be added as an external user in the tenant first."),
            )
        })?;
        if registry
            .directory(directory)
            .is_some_and(|found| found.blocks_sign_in)
        {
            return Err(Refusal::blocked());
        }
        (account.id, directory)
    };
    let code = Code {
        grant: Grant {
            subject: Subject::Person(account),
            client: request.client,
            directory,
            scopes: request.scopes.iter().cloned().collect(),
            expires_at: asked.now,
        },
        redirect_uri: asked.field("redirect_uri").to_owned(),
        challenge: request.challenge.clone(),
        nonce: asked.fields.get("nonce").cloned(),
    };
    Ok(entra.tokens().keep_code(code, asked.now))
}

fn back(asked: &Asked<'_>, request: &Request, pairs: &[(&str, &str)]) -> Reply {
    let mut target = request.redirect.clone();
    target.query_pairs_mut().extend_pairs(pairs);
    if let Some(state) = asked.fields.get("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    Reply::empty(StatusCode::FOUND).header("location", target.to_string())
}

fn refused(refusal: &Refusal) -> Reply {
    let text = escaped(&refusal.description());
    html(
        StatusCode::BAD_REQUEST,
        &format!("<h1>Sorry, but we’re having trouble signing you in.</h1><p>{text}</p>"),
    )
}

fn html(status: StatusCode, body: &str) -> Reply {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><title>Sign in to your account</title></head><body>{body}</body></html>"
    );
    Reply::html(status, &page)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
