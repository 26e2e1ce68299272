//! Access tokens that end, and the workers that all want a new one at once.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use auth::{Access, Authority, Entra, Error, Grant, Owner, Proof, Secret, Secrets, SignIn, Tokens};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use model::{ApplicationId, ConnectionId, DirectoryId, Fault, OrganizationName, TenantId};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use simulator::{AZURE_DEVOPS, Config, Lifetimes, Simulator};
use storage::TokenTurn;
use url::form_urlencoded;
use uuid::Uuid;

use crate::{deployment::Deployment, regressions::tiny};

const REDIRECT: &str = "https://lens.example/oauth/callback";
const ADMIN: (&str, &[&str]) = ("contoso", &["admin"]);

/// A deployment, and a connection whose person has signed in.
struct SignedIn {
    deployment: Deployment,
    tenant: TenantId,
    connection: ConnectionId,
    organization: OrganizationName,
}

impl SignedIn {
    async fn start() -> Self {
        let deployment = Deployment::start(Config::default()).await;
        let this = Self {
            tenant: TenantId::new("contoso").unwrap(),
            connection: ConnectionId(Uuid::new_v4()),
            organization: deployment.simulator.organization().parse().unwrap(),
            deployment,
        };
        let secret = Secret::SignIn(this.sign_in().await);
        let secrets = this.secrets();
        secrets
            .create(&this.tenant, this.connection, &secret)
            .await
            .unwrap();
        this
    }

    fn simulator(&self) -> &Simulator {
        &self.deployment.simulator
    }

    fn hosts(&self) -> ado::Hosts {
        let stack = &self.deployment.stack;
        let environment = stack.function_environment("FanOut").unwrap();
        ado::Hosts::from_base(&environment["AZURE_DEVOPS_URL"]).unwrap()
    }

    /// Signs in as a person does, in a browser, and redeems the code.
    async fn sign_in(&self) -> SignIn {
        let entra = self.simulator().entra();
        let mut application = entra.application();
        application.redirect_uris = BTreeSet::from([REDIRECT.to_owned()]);
        let client_secret = application.secrets[0].0.clone();
        entra.put_application(application.clone());
        let stack = &self.deployment.stack;
        let kept = stack.keep_secret("oauth-client-secret", &client_secret);
        kept.unwrap();
        let verifier = SecretString::from(Uuid::new_v4().simple().to_string().repeat(2));
        let challenge =
            URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose_secret().as_bytes()));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &application.id.to_string())
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", REDIRECT)
            .append_pair("scope", &format!("{AZURE_DEVOPS}/.default offline_access"))
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .finish();
        let page = self.hosts().sign_in().unwrap();
        let page = format!("{page}organizations/oauth2/v2.0/authorize?{query}");
        let none = reqwest::redirect::Policy::none();
        let browser = reqwest::Client::builder().redirect(none).build().unwrap();
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("account", &entra.account().user_name)
            .append_pair("decision", "accept")
            .finish();
        let answer = browser.post(page).body(body).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        let location = url::Url::parse(location).unwrap();
        let (_, code) = location
            .query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap();
        let grant = Grant::Code {
            code: &code.into_owned().into(),
            verifier: &verifier,
            redirect: REDIRECT,
        };
        let client = ApplicationId(application.id);
        let asked = (
            Authority::Organizations,
            client,
            &Proof::Secret(client_secret),
        );
        let issued = Entra::new(&self.hosts())
            .unwrap()
            .redeem(asked, grant, Timestamp::now())
            .await
            .unwrap();
        SignIn {
            directory: DirectoryId(entra.directory()),
            client,
            refresh_token: issued.refresh_token.unwrap(),
            // One that has ended: the first request needs a new one.
            access: Some(Access {
                expires_at: Timestamp::now(),
                ..issued.access
            }),
        }
    }

    fn secrets(&self) -> Secrets {
        let client = self.deployment.secrets_manager();
        Secrets::new(|| client, "local/".to_owned())
    }

    /// What one worker has: a memory of its own, and the tables and secrets of all.
    fn worker(&self, clock: fn() -> Timestamp) -> Tokens {
        Tokens::new(
            self.secrets(),
            self.deployment.control(),
            Entra::new(&self.hosts()).unwrap(),
            clock,
        )
    }

    async fn credential(&self, worker: &Tokens) -> Result<String, Error> {
        let owner = Owner {
            tenant: &self.tenant,
            connection: self.connection,
        };
        let credential = worker.credential(owner, &self.organization).await?;
        Ok(credential.token().expose_secret().to_owned())
    }

    /// How often a refresh token was redeemed, or not.
    fn refreshes(&self) -> usize {
        let requests = self.simulator().entra().token_requests();
        requests
            .iter()
            .filter(|request| request.grant_type == "refresh_token")
            .count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_workers_renew_one_token_with_one_request() {
    let signed_in = Arc::new(SignedIn::start().await);
    let workers = (0..50).map(|_| {
        let signed_in = signed_in.clone();
        tokio::spawn(async move {
            let worker = signed_in.worker(Timestamp::now);
            signed_in.credential(&worker).await.unwrap()
        })
    });
    let workers: Vec<_> = workers.collect();
    let mut tokens = BTreeSet::new();
    for worker in workers {
        tokens.insert(worker.await.unwrap());
    }
    assert_eq!((tokens.len(), signed_in.refreshes()), (1, 1));
    // The new refresh token was stored: with only the first one alive the next renewal would fail.
    let entra = signed_in.simulator().entra();
    entra.set_lifetimes(Lifetimes {
        rotation_revokes: true,
        ..entra.lifetimes()
    });
    let worker = signed_in.worker(in_an_hour);
    let renewed = signed_in.credential(&worker).await.unwrap();
    assert!(!tokens.contains(&renewed));
    let worker = signed_in.worker(in_two_hours);
    assert_ne!(signed_in.credential(&worker).await.unwrap(), renewed);
    assert_eq!(signed_in.refreshes(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_before_it_stored_the_token_blocks_nobody_for_long() {
    for (rotation_revokes, recovers) in [(false, true), (true, false)] {
        let signed_in = Arc::new(SignedIn::start().await);
        let entra = signed_in.simulator().entra();
        entra.set_lifetimes(Lifetimes {
            rotation_revokes,
            latency: Duration::from_secs(5),
            ..entra.lifetimes()
        });
        let victim = signed_in.clone();
        let victim = tokio::spawn(async move {
            let worker = victim.worker(Timestamp::now);
            victim.credential(&worker).await.map(drop)
        });
        while signed_in.refreshes() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // The token was rotated at Entra ID, and its successor is on the way.
        victim.abort();
        entra.set_lifetimes(Lifetimes {
            latency: Duration::ZERO,
            ..entra.lifetimes()
        });
        // Its turn has ended by then.
        let result = signed_in.credential(&signed_in.worker(in_a_minute)).await;
        match (recovers, result) {
            (true, Ok(_)) => assert_eq!(signed_in.refreshes(), 2),
            (false, Err(error)) => {
                assert_eq!(error.fault(), Fault::Reauthorize, "{error}");
                // Whoever asks again within the pause is not let through to Entra ID.
                let again = signed_in.credential(&signed_in.worker(in_a_minute)).await;
                assert!(matches!(again, Err(Error::Cooling { .. })), "{again:?}");
                assert_eq!(signed_in.refreshes(), 2);
            }
            (_, result) => panic!("{result:?}"),
        }
    }
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap()
}

fn in_a_minute() -> Timestamp {
    later(60)
}

fn in_an_hour() -> Timestamp {
    later(3600)
}

fn in_two_hours() -> Timestamp {
    later(7200)
}

/// The form of the simulated application.
pub(crate) fn application(simulator: &Simulator) -> Value {
    let application = simulator.entra().application();
    json!({
        "tenant_id": simulator.entra().directory(),
        "client_id": application.id,
        "client_secret": application.secrets[0].0.expose_secret(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_fetches_as_much_as_a_token_and_can_take_its_place() {
    let deployment = Deployment::start(Config::default()).await;
    let mut dying = deployment.simulator.make_pat(7);
    let token = dying.token.clone();
    deployment.simulator.add_pat(dying.clone());
    assert_eq!(deployment.connect(token.clone()).await.0, 201);
    deployment.settle().await;
    dying.revoked = true;
    deployment.simulator.add_pat(dying);
    deployment.synchronize().await;
    let connection = deployment.connection().await;
    assert_eq!(connection["status"], "reauthorization_needed");
    let path = format!(
        "/api/v1/connections/{}/reauthenticate",
        connection["id"].as_str().unwrap()
    );
    let reauthenticate = (Method::POST, path.as_str());

    // The dead token again: told, and nothing changes.
    let form = json!({ "pat": token.expose_secret() });
    let (status, problem) = deployment
        .call(ADMIN, reauthenticate.clone(), Some(form))
        .await;
    assert_eq!(
        (status, &problem["field"]),
        (422, &json!("pat")),
        "{problem}"
    );

    // Somebody else's credential: only if that is meant.
    let form = json!({ "service_principal": application(&deployment.simulator) });
    let (status, problem) = deployment
        .call(ADMIN, reauthenticate.clone(), Some(form.clone()))
        .await;
    assert_eq!(
        (status, &problem["field"]),
        (409, &json!("confirm_identity_change")),
        "{problem}"
    );
    let mut confirmed = form;
    confirmed["confirm_identity_change"] = json!(true);
    let viewer = ("contoso", &["viewer"][..]);
    let refused = deployment
        .call(viewer, reauthenticate.clone(), Some(confirmed.clone()))
        .await;
    assert_eq!(refused.0, 403);
    let (status, answer) = deployment
        .call(ADMIN, reauthenticate, Some(confirmed))
        .await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["method"], "service_principal");
    deployment.settle().await;
    assert_eq!(deployment.connection().await["status"], "active");
    let (_, log) = deployment
        .call(ADMIN, (Method::GET, "/api/v1/audit"), None)
        .await;
    assert_eq!(log["entries"][0]["action"], "reauthenticated", "{log}");
    assert_eq!(log["entries"][0]["at"], answer["reauthenticated_at"]);

    deployment.assert_complete().await;
    let secret = application(&deployment.simulator)["client_secret"].clone();
    let (logs, tables) = (deployment.logs(), deployment.tables().await);
    for place in [logs, tables] {
        assert!(!place.contains(secret.as_str().unwrap()));
        assert!(!place.contains("eyJ0eXAiOiJKV1Qi"), "an access token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_token_is_not_given_up() {
    let deployment = Deployment::start(tiny()).await;
    let entra = deployment.simulator.entra();
    // A token that ends so soon is renewed by every job.
    entra.set_lifetimes(Lifetimes {
        access: Duration::from_secs(240),
        ..entra.lifetimes()
    });
    let (_, answer) = deployment.connect_application().await;
    let connection: ConnectionId = answer["id"].as_str().unwrap().parse().unwrap();
    // In the middle of the first pass: there are children, which only their messages know.
    while deployment.simulator.requests().len() < 40 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let control = deployment.control();
    let turn = || {
        control.take_token_turn(
            connection,
            "test",
            Timestamp::now(),
            Duration::from_secs(60),
        )
    };
    while turn().await.unwrap() == TokenTurn::Held {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let in_vain = (in_an_hour(), 3);
    control
        .fail_token_turn(connection, "test", in_vain)
        .await
        .unwrap();
    // More often than a message that fails is received.
    for _ in 0..8 {
        deployment.quiet().await;
        deployment.stack.advance_queues(Duration::from_secs(3_600));
    }
    deployment.quiet().await;
    let waiting: usize = deployment
        .stack
        .depths()
        .values()
        .map(|depth| depth.total())
        .sum();
    assert!(waiting > 0, "the pause came too late to prove anything");
    let dead = deployment.stack.dead_letters();
    assert!(dead.is_empty(), "{dead:?}");

    control.forget_token_failures(connection).await.unwrap();
    entra.set_lifetimes(Lifetimes {
        access: Duration::from_secs(3_600),
        ..entra.lifetimes()
    });
    deployment.settle().await;
    deployment.assert_complete_at_least(200).await;
}
