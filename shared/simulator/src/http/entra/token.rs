//! The token endpoint: codes, refresh tokens and applications' own credentials for access tokens.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Asked, issuer, scopes};
use crate::entra::{
    AZURE_DEVOPS, Application, Grant, Refusal, Subject, TokenRequest, verify_assertion,
};
use crate::http::reply::{Reply, Transport};

/// Answers, and notes that it was asked.
pub(super) fn answer(asked: &Asked<'_>) -> Reply {
    let result = give(asked);
    let mut tokens = asked.simulator.entra().tokens();
    tokens.requests.push(TokenRequest {
        grant_type: asked.field("grant_type").to_owned(),
        tenant: asked.tenant.to_owned(),
        refused: result.as_ref().err().map(|refusal| refusal.code),
    });
    let latency = tokens.lifetimes.latency;
    let reply = match result {
        Ok(body) => Reply::json(&body),
        Err(refusal) => Reply {
            status: refusal.status(),
            ..Reply::json(&refusal.body(asked.now))
        },
    };
    let transport = match latency.is_zero() {
        true => Transport::Whole,
        false => Transport::Slow(latency),
    };
    Reply { transport, ..reply }
        .header("cache-control", "no-store, no-cache")
        .header("pragma", "no-cache")
}

fn give(asked: &Asked<'_>) -> Result<Value, Refusal> {
    if let Ok(directory) = Uuid::parse_str(asked.tenant) {
        let registry = asked.simulator.entra().registry();
        if registry.directory(directory).is_none() {
            return Err(Refusal::no_such_directory(asked.tenant));
        }
    } else if !matches!(asked.tenant, "common" | "organizations" | "consumers") {
        return Err(Refusal::no_such_directory(asked.tenant));
    }
    let application = client(asked)?;
    match asked.field("grant_type") {
        "authorization_code" => code(asked, &application),
        "refresh_token" => refresh(asked, &application),
        "client_credentials" => own(asked, &application),
        other => Err(Refusal::new(
            "unsupported_grant_type",
            70003,
            format!("The app requested an unsupported grant type '{other}'."),
        )),
    }
}

/// The application, if it proves who it is.
fn client(asked: &Asked<'_>) -> Result<Application, Refusal> {
    let registry = asked.simulator.entra().registry();
    let id = asked.field("client_id");
    let application = registry
        .application(id)
        .ok_or_else(|| Refusal::no_such_application(id, asked.tenant))?;
    if let Some(assertion) = asked.fields.get("client_assertion") {
        if asked.field("client_assertion_type")
            != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        {
            return Err(Refusal::request(
                90_019,
                "client_assertion_type is not supported.",
            ));
        }
        let endpoint = format!("/{}/oauth2/v2.0/token", asked.tenant);
        verify_assertion(application, assertion, &endpoint, asked.now.as_second())?;
        return Ok(application.clone());
    }
    let Some(given) = asked.fields.get("client_secret") else {
        return Err(Refusal::client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ));
    };
    let known = application
        .secrets
        .iter()
        .find(|(own, _)| own.expose_secret() == given);
    match known {
        None => Err(Refusal::client(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{id}'."
            ),
        )),
        Some((_, ends)) if asked.now >= *ends => Err(Refusal::client(
            7_000_222,
            format!("The provided client secret keys for app '{id}' are expired."),
        )),
        Some(_) => Ok(application.clone()),
    }
}

fn code(asked: &Asked<'_>, application: &Application) -> Result<Value, Refusal> {
    let (_, offline) = scopes(asked.field("scope"))?;
    let entra = asked.simulator.entra();
    let code = entra.tokens().redeem_code(asked.field("code"), asked.now)?;
    if code.grant.client != application.id {
        return Err(Refusal::grant(
            700_003,
            "Provided grant is invalid or malformed.",
        ));
    }
    if code.redirect_uri != asked.field("redirect_uri") {
        let message = "The reply address does not match the reply address provided when requesting the authorization code.";
        return Err(Refusal::grant(500_112, message));
    }
    let verifier = digest(&SHA256, asked.field("code_verifier").as_bytes());
    if URL_SAFE_NO_PAD.encode(verifier) != code.challenge {
        let message = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        return Err(Refusal::grant(501_481, message));
    }
    let mut answer = access(asked, &code.grant);
    answer["id_token"] = id_token(asked, &code.grant, code.nonce).into();
    if offline {
        let refresh = entra.tokens().keep_refresh(&code.grant, asked.now);
        answer["refresh_token"] = refresh.into();
    }
    Ok(answer)
}

fn refresh(asked: &Asked<'_>, application: &Application) -> Result<Value, Refusal> {
    let (wanted, _) = scopes(asked.field("scope"))?;
    let entra = asked.simulator.entra();
    let text = asked.field("refresh_token");
    let mut grant = entra.tokens().refresh(text, application.id, asked.now)?;
    if let Ok(directory) = Uuid::parse_str(asked.tenant) {
        grant.directory = directory;
    }
    let is_blocked = entra
        .registry()
        .directory(grant.directory)
        .is_some_and(|directory| directory.blocks_sign_in);
    if is_blocked {
        return Err(Refusal::blocked());
    }
    let wanted: BTreeSet<String> = wanted.into_iter().collect();
    grant.scopes = grant.scopes.intersection(&wanted).cloned().collect();
    let mut answer = access(asked, &grant);
    answer["refresh_token"] = entra.tokens().keep_refresh(&grant, asked.now).into();
    Ok(answer)
}

/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#get-a-token>
fn own(asked: &Asked<'_>, application: &Application) -> Result<Value, Refusal> {
    if asked.field("scope") != format!("{AZURE_DEVOPS}/.default") {
        let message = "The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).";
        return Err(Refusal::new("invalid_scope", 1_002_012, message));
    }
    let missing = || Refusal::no_such_application(asked.field("client_id"), asked.tenant);
    let directory = Uuid::parse_str(asked.tenant).map_err(|_| missing())?;
    let principal = application.principals.get(&directory).ok_or_else(missing)?;
    let grant = Grant {
        subject: Subject::Principal(*principal),
        client: application.id,
        directory,
        scopes: BTreeSet::new(),
        expires_at: asked.now,
    };
    Ok(access(asked, &grant))
}

fn access(asked: &Asked<'_>, grant: &Grant) -> Value {
    let entra = asked.simulator.entra();
    let expires_at = entra.tokens().access_ends(asked.now);
    let seconds = expires_at.as_second() - asked.now.as_second();
    let (Subject::Person(object) | Subject::Principal(object)) = grant.subject;
    let scopes: Vec<&str> = grant.scopes.iter().map(String::as_str).collect();
    let text = entra.signer().sign(&json!({
        "aud": AZURE_DEVOPS, "iss": format!("https://sts.windows.net/{}/", grant.directory),
        "iat": asked.now.as_second(), "nbf": asked.now.as_second(), "exp": expires_at.as_second(),
        "appid": grant.client, "oid": object, "tid": grant.directory, "scp": scopes.join(" "),
        "uti": Uuid::new_v4(), "ver": "1.0",
    }));
    let kept = Grant {
        expires_at,
        ..grant.clone()
    };
    entra.tokens().keep_access(text.clone(), kept);
    let scope = scopes
        .iter()
        .map(|scope| format!("{AZURE_DEVOPS}/{scope}"))
        .collect::<Vec<_>>()
        .join(" ");
    json!({
        "token_type": "Bearer", "scope": scope, "expires_in": seconds, "ext_expires_in": seconds,
        "access_token": text,
    })
}

/// <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>
fn id_token(asked: &Asked<'_>, grant: &Grant, nonce: Option<String>) -> String {
    let entra = asked.simulator.entra();
    let Subject::Person(id) = grant.subject else {
        return String::new();
    };
    let account = {
        let registry = entra.registry();
        registry.accounts.iter().find(|own| own.id == id).cloned()
    };
    let now = asked.now.as_second();
    entra.signer().sign(&json!({
        "aud": grant.client, "iss": issuer(&grant.directory.to_string()), "iat": now, "nbf": now,
        "exp": now + 3600, "oid": id, "sub": id, "tid": grant.directory, "nonce": nonce,
        "name": account.as_ref().map(|account| &account.name),
        "preferred_username": account.as_ref().map(|account| &account.user_name), "ver": "2.0",
    }))
}
