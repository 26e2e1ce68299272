//! The way back: every sign-in ends on a page that says what came of it.

use std::time::Duration;

use ado::Credential;
use auth::{Grant, Issued, Proof, Secret, SignIn, explain};
use axum::http::{HeaderMap, StatusCode};
use connections::signed_in::{Outcome, Wanted};
use http_api::{Admin, Refusal};
use model::{DirectoryId, Fault, OrganizationName};
use secrecy::SecretString;
use storage::PendingSignIn;
use tokio::time::timeout;
use validate_pat::form::Given;

use crate::{
    Application, Context,
    id_token::{self, Expected, NotBelieved},
    page::Page,
    returned::Returned,
    session::{Session, hash},
    wish::{Purpose, Wish},
};

const START_AGAIN: &str = "Go back to the console and start the sign-in again.";

/// How long listing the organizations may take: a person waits, and API Gateway gives up after 30 seconds.
const LISTING: Duration = Duration::from_secs(5);

/// Does what the sign-in was begun for.
pub(crate) async fn finish(
    context: &Context,
    returned: Option<Returned>,
    headers: &HeaderMap,
) -> Result<Page, Page> {
    let returned = returned.ok_or_else(not_an_answer)?;
    let (session, pending) = begun(context, &returned, headers).await?;
    let code = returned.result.map_err(|refused| {
        let (reason, next_step) = explain::refusal(&refused.error, refused.code);
        Page::failed(StatusCode::BAD_REQUEST, reason, next_step)
    })?;
    let application = context.application.as_ref().ok_or_else(unavailable)?;
    let wish: Wish = serde_json::from_str(&pending.wish).map_err(|_| unavailable())?;
    let issued = redeem(context, (application, &wish), &session, &code).await?;
    let directory = directory((application, &wish), &session, &issued)?;
    let admin = Admin {
        tenant: pending.tenant,
        by: pending.by,
    };
    let saved = save(
        context,
        &admin,
        wish.purpose,
        (application, directory),
        issued,
    )
    .await?;
    tracing::info!(
        connection.id = %saved.connection.id,
        by = admin.by.subject,
        "saved a sign-in"
    );
    Ok(done(&saved))
}

/// The sign-in that the browser comes back from. It is taken away before anything else, so that an answer works once.
async fn begun(
    context: &Context,
    returned: &Returned,
    headers: &HeaderMap,
) -> Result<(Session, PendingSignIn), Page> {
    let taken = context.control.take_sign_in(&hash(&returned.state)).await;
    let pending = taken.map_err(|error| {
        tracing::error!(error = %error, "a sign-in could not be read");
        unavailable()
    })?;
    let expired = || {
        Page::failed(
            StatusCode::BAD_REQUEST,
            "This sign-in was finished already, or took longer than ten minutes.",
            START_AGAIN,
        )
    };
    let pending = pending.ok_or_else(expired)?;
    if pending.expires_at <= (context.clock)() {
        return Err(expired());
    }
    let session = Session::returning(returned.state.clone(), headers);
    session
        .filter(|session| session.browser_hash() == pending.browser)
        .map(|session| (session, pending))
        .ok_or_else(|| {
            Page::failed(
                StatusCode::FORBIDDEN,
                "This sign-in was begun in another browser, or another one was begun here since, or this browser keeps no cookies.",
                START_AGAIN,
            )
        })
}

async fn redeem(
    context: &Context,
    (application, wish): (&Application, &Wish),
    session: &Session,
    code: &SecretString,
) -> Result<Issued, Page> {
    let secret = context.secrets.application().await.map_err(|error| {
        tracing::error!(error = %error, "the application's secret could not be read");
        Page::failed(
            StatusCode::SERVICE_UNAVAILABLE,
            "The secret of this deployment's application could not be read.",
            "Ask whoever runs this deployment to put it into Secrets Manager, as the README says, then start again.",
        )
    })?;
    let grant = Grant::Code {
        code,
        verifier: &session.verifier(),
        redirect: &application.redirect,
    };
    let proof = Proof::Secret(secret);
    let asked = (application.authority(wish), application.id, &proof);
    let issued = context.entra.redeem(asked, grant, (context.clock)()).await;
    issued.map_err(|error| {
        tracing::warn!(error = %error, "a code was not redeemed");
        not_redeemed(&error)
    })
}

/// What is said of a code that Entra ID does not redeem. Its refusal of the application is not the business of whoever
/// signed in.
fn not_redeemed(error: &auth::Error) -> Page {
    let (reason, next_step) = error.explanation();
    let next_step = match error {
        auth::Error::Refused { error, .. }
            if matches!(error.as_str(), "invalid_client" | "unauthorized_client") =>
        {
            "Ask whoever runs this deployment to look at its application in Entra ID, and at the secret of it in Secrets Manager."
                .to_owned()
        }
        _ => next_step,
    };
    Page::failed(StatusCode::BAD_GATEWAY, reason, next_step)
}

/// The directory of whoever signed in, if it is one that may.
fn directory(
    (application, wish): (&Application, &Wish),
    session: &Session,
    issued: &Issued,
) -> Result<DirectoryId, Page> {
    let expected = Expected {
        client: application.id,
        nonce: &session.nonce(),
    };
    let directory = id_token::directory(issued.id_token.as_ref(), expected);
    let directory = directory.map_err(|error| match error {
        NotBelieved::OtherSignIn => not_an_answer(),
        NotBelieved::PersonalAccount => Page::failed(
            StatusCode::FORBIDDEN,
            "A personal Microsoft account signed in, and Azure DevOps lets applications act for work and school accounts only.",
            "Start again with a work or school account, or connect with a personal access token.",
        ),
    })?;
    let wanted = wish.directory.or(application.directory);
    match wanted {
        Some(wanted) if wanted != directory => Err(Page::failed(
            StatusCode::FORBIDDEN,
            "The account that signed in is of another directory than the one that was asked for.",
            "Start again and pick an account of the right directory.",
        )),
        _ => Ok(directory),
    }
}

async fn save(
    context: &Context,
    admin: &Admin,
    purpose: Purpose,
    (application, directory): (&Application, DirectoryId),
    issued: Issued,
) -> Result<Outcome, Page> {
    let refresh_token = issued.refresh_token.ok_or_else(|| {
        Page::failed(
            StatusCode::BAD_GATEWAY,
            "Entra ID gave no refresh token, so that nothing could be fetched after an hour.",
            "Ask whoever runs this deployment to give its application the permission offline_access, and a redirect address of the type Web.",
        )
    })?;
    let credential = Credential::Bearer(issued.access.token.clone());
    let given = Given {
        secret: Secret::SignIn(SignIn {
            directory,
            client: application.id,
            refresh_token,
            access: Some(issued.access),
        }),
        expiries: Vec::new(),
    };
    let connections = &context.connections;
    let outcome = match purpose {
        Purpose::Reauthenticate {
            connection,
            confirmed,
        } => {
            let which = (connection, confirmed);
            connections.reauthenticate(admin, which, given).await
        }
        Purpose::Connect {
            name,
            services,
            organizations,
            details,
        } => {
            let wanted = Wanted {
                name,
                services,
                every_organization: organizations.is_empty(),
                organizations: chosen(context, &credential, organizations).await?,
                details: *details,
            };
            connections.connect(admin, wanted, given).await
        }
    };
    outcome.map_err(|Refusal(problem)| Page {
        status: StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST),
        title: "Not connected",
        sentences: vec![problem.detail, START_AGAIN.to_owned()],
    })
}

/// The organizations that are wanted, all of them if none is named, among those that the person is in.
async fn chosen(
    context: &Context,
    credential: &Credential,
    wanted: Vec<OrganizationName>,
) -> Result<Vec<OrganizationName>, Page> {
    let found = found(context, credential).await?;
    let is_found = |wanted: &&OrganizationName| {
        let mut found = found.iter();
        found.any(|own| own.as_str().eq_ignore_ascii_case(wanted.as_str()))
    };
    if let Some(missing) = wanted.iter().find(|wanted| !is_found(wanted)) {
        return Err(Page::failed(
            StatusCode::FORBIDDEN,
            format!("The account that signed in is not in the organization {missing}."),
            "Start again with an account that is, or leave the organization out.",
        ));
    }
    match (wanted.is_empty(), found.is_empty()) {
        (false, _) => Ok(wanted),
        (true, false) => Ok(found),
        (true, true) => Err(no_organization()),
    }
}

async fn found(context: &Context, credential: &Credential) -> Result<Vec<OrganizationName>, Page> {
    let listed = ado::accounts::organizations(&context.client, credential);
    let Ok(listed) = timeout(LISTING, listed).await else {
        return Err(not_listed("Azure DevOps did not answer in time".to_owned()));
    };
    listed.map_err(|error| {
        tracing::warn!(error = %error, "the organizations could not be listed");
        match error.fault() {
            Fault::Permanent => no_organization(),
            Fault::Reauthorize | Fault::Retryable { .. } => not_listed(error.to_string()),
        }
    })
}

fn not_listed(why: String) -> Page {
    Page::failed(
        StatusCode::BAD_GATEWAY,
        format!("The organizations of the account could not be listed: {why}."),
        "Start again in a few minutes.",
    )
}

fn no_organization() -> Page {
    Page::failed(
        StatusCode::FORBIDDEN,
        "The account that signed in is in no organization of Azure DevOps.",
        "Start again with an account that is.",
    )
}

fn done(outcome: &Outcome) -> Page {
    let connection = &outcome.connection;
    let names = connection.organizations.iter();
    let names: Vec<&str> = names.map(OrganizationName::as_str).collect();
    let mut sentences = vec![format!(
        "The connection {} reads {}. Fetching has begun.",
        connection.name,
        names.join(", ")
    )];
    for (organization, why) in &outcome.left_out {
        sentences.push(format!("{organization} was left out. {why}"));
    }
    Page {
        status: StatusCode::OK,
        title: "Connected",
        sentences,
    }
}

fn not_an_answer() -> Page {
    Page::failed(
        StatusCode::BAD_REQUEST,
        "This is no answer to a sign-in.",
        START_AGAIN,
    )
}

fn unavailable() -> Page {
    Page::failed(
        StatusCode::SERVICE_UNAVAILABLE,
        "A part of the service did not answer.",
        "Start again in a minute.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next_step(error: &str, code: u32) -> String {
        let error = auth::Error::Refused {
            error: error.to_owned(),
            code,
        };
        not_redeemed(&error).sentences[1].clone()
    }

    #[test]
    fn whoever_signed_in_is_not_sent_to_renew_the_applications_secret() {
        assert!(next_step("invalid_client", 7_000_222).contains("whoever runs this deployment"));
        assert_eq!(next_step("invalid_grant", 54005), "Start again.");
    }
}
