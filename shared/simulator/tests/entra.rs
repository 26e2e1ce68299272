//! Microsoft Entra ID as an application meets it.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::Value;
use simulator::{
    AZURE_DEVOPS, AccessLevel, Account, Application, Config, Lifetimes, Member, Simulator,
};
use support::config;
use tower::ServiceExt;
use uuid::Uuid;

const REDIRECT: &str = "https://lens.example/oauth/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge of that verifier, both from RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Answer {
    status: StatusCode,
    location: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("json")
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

struct World {
    simulator: Simulator,
    router: Router,
    application: Application,
    account: Account,
    tenant: String,
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

impl World {
    fn new() -> Self {
        let simulator = Simulator::new(config());
        let entra = simulator.entra();
        let mut application = entra.application();
        application.redirect_uris = BTreeSet::from([REDIRECT.to_owned()]);
        entra.put_application(application.clone());
        Self {
            router: simulator.router(),
            application,
            account: entra.account(),
            tenant: entra.directory().to_string(),
            simulator,
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("answer");
        let location = response.headers().get(header::LOCATION);
        Answer {
            status: response.status(),
            location: location.map(|value| value.to_str().expect("text").to_owned()),
            body: response
                .into_body()
                .collect()
                .await
                .expect("body")
                .to_bytes()
                .to_vec(),
        }
    }

    async fn decide(&self, tenant: &str, user: &str, decision: &str) -> Answer {
        let scope =
            format!("{AZURE_DEVOPS}/vso.work {AZURE_DEVOPS}/vso.profile openid offline_access");
        let query = form(&[
            ("client_id", &self.application.id.to_string()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", &scope),
            ("state", "s-1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let path =
            format!("/_host/login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize?{query}");
        let body = form(&[("account", user), ("decision", decision)]);
        self.send(Request::post(path).body(Body::from(body)).expect("request"))
            .await
    }

    async fn code(&self) -> String {
        let answer = self
            .decide("organizations", &self.account.user_name, "accept")
            .await;
        let location = answer.location.expect("a way back");
        let query: BTreeMap<String, String> = url::Url::parse(&location)
            .expect("address")
            .query_pairs()
            .into_owned()
            .collect();
        assert_eq!(query["state"], "s-1");
        query["code"].clone()
    }

    async fn token(&self, tenant: &str, fields: &[(&str, &str)]) -> Answer {
        let id = self.application.id.to_string();
        let mut all = vec![("client_id", id.as_str())];
        if !fields.iter().any(|(name, _)| *name == "client_secret") {
            all.push((
                "client_secret",
                self.application.secrets[0].0.expose_secret(),
            ));
        }
        all.extend(fields);
        let path = format!("/_host/login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
        self.send(
            Request::post(path)
                .body(Body::from(form(&all)))
                .expect("request"),
        )
        .await
    }

    async fn redeem(&self, code: &str, verifier: &str) -> Answer {
        let scope = format!("{AZURE_DEVOPS}/.default offline_access");
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
            ("scope", &scope),
        ];
        self.token("organizations", &fields).await
    }

    async fn refresh(&self, refresh: &str) -> Answer {
        let scope = format!("{AZURE_DEVOPS}/.default offline_access");
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh),
            ("scope", &scope),
        ];
        self.token(&self.tenant, &fields).await
    }

    async fn own(&self, secret: &str) -> Answer {
        let scope = format!("{AZURE_DEVOPS}/.default");
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_secret", secret),
            ("scope", &scope),
        ];
        self.token(&self.tenant, &fields).await
    }

    async fn own_token(&self) -> Value {
        self.own(self.application.secrets[0].0.expose_secret())
            .await
            .json()["access_token"]
            .take()
    }

    async fn get(&self, path: &str, token: &Value) -> Answer {
        let bearer = format!("Bearer {}", token.as_str().expect("a token"));
        let request = Request::get(path).header(header::AUTHORIZATION, bearer);
        self.send(request.body(Body::empty()).expect("request"))
            .await
    }
}

fn code_of(answer: &Answer) -> u64 {
    answer.json()["error_codes"][0]
        .as_u64()
        .expect("an AADSTS code")
}

#[tokio::test]
async fn a_person_signs_in_and_their_organizations_are_listed() {
    let world = World::new();
    let tokens = world.redeem(&world.code().await, VERIFIER).await.json();
    let token = &tokens["access_token"];
    let me = world
        .get(
            "/_host/app.vssps.visualstudio.com/_apis/profile/profiles/me?api-version=7.1",
            token,
        )
        .await;
    assert_eq!(me.status, 200, "{}", me.text());
    let id = me.json()["id"].as_str().expect("id").to_owned();
    let path =
        format!("/_host/app.vssps.visualstudio.com/_apis/accounts?memberId={id}&api-version=7.1");
    let accounts = world.get(&path, token).await.json();
    assert_eq!(accounts["value"][0]["accountName"], "fabrikam");
    // What was not consented to is not readable.
    let boards = world
        .get(
            "/fabrikam/_apis/wit/reporting/workitemlinks?api-version=7.1",
            token,
        )
        .await;
    let code = world
        .get("/fabrikam/_apis/git/repositories?api-version=7.1", token)
        .await;
    assert_eq!(
        (boards.status, code.status),
        (StatusCode::OK, StatusCode::FORBIDDEN)
    );
}

#[tokio::test]
async fn declining_leads_back_and_strangers_stay_at_the_page() {
    let world = World::new();
    let declined = world
        .decide("organizations", &world.account.user_name, "cancel")
        .await;
    let location = declined.location.expect("a way back");
    assert!(location.contains("error=access_denied") && location.contains("AADSTS65004"));
    world.simulator.entra().put_account(Account {
        id: Uuid::from_u128(7),
        user_name: "me@outlook.example".to_owned(),
        name: "Me".to_owned(),
        home: None,
        guest_of: BTreeSet::new(),
    });
    for tenant in ["organizations", world.tenant.as_str()] {
        let personal = world.decide(tenant, "me@outlook.example", "accept").await;
        assert_eq!(
            (personal.status, personal.location.as_deref()),
            (StatusCode::BAD_REQUEST, None)
        );
        assert!(personal.text().contains("AADSTS50020"));
    }
}

#[tokio::test]
async fn a_code_works_once_and_with_its_verifier_only() {
    let world = World::new();
    let code = world.code().await;
    assert_eq!(world.redeem(&code, VERIFIER).await.status, StatusCode::OK);
    assert_eq!(code_of(&world.redeem(&code, VERIFIER).await), 54005);
    let code = world.code().await;
    assert_eq!(code_of(&world.redeem(&code, CHALLENGE).await), 501_481);
}

#[tokio::test]
async fn refresh_tokens_rotate_and_die_with_the_password() {
    let world = World::new();
    let first = world.redeem(&world.code().await, VERIFIER).await.json();
    let first = first["refresh_token"].as_str().expect("token").to_owned();
    let second = world.refresh(&first).await.json();
    let second = second["refresh_token"].as_str().expect("token").to_owned();
    assert_ne!(first, second);
    assert_eq!(
        world.refresh(&first).await.status,
        StatusCode::OK,
        "the old one lives on"
    );
    let entra = world.simulator.entra();
    entra.set_lifetimes(Lifetimes {
        rotation_revokes: true,
        ..entra.lifetimes()
    });
    world.refresh(&second).await;
    assert_eq!(code_of(&world.refresh(&second).await), 50173);
    entra.revoke_refresh_tokens();
    let refused = world.refresh(&first).await;
    assert_eq!(
        (refused.status, refused.json()["error"].as_str()),
        (StatusCode::BAD_REQUEST, Some("invalid_grant"))
    );
    assert_eq!(entra.token_requests().len(), 6);
}

#[tokio::test]
async fn an_application_is_told_what_is_wrong_with_its_secret_or_its_directory() {
    let world = World::new();
    assert_eq!(code_of(&world.own("wrong").await), 7_000_215);
    let mut expired = world.application.clone();
    expired.secrets[0].1 = world.simulator.now();
    world.simulator.entra().put_application(expired);
    assert_eq!(
        code_of(
            &world
                .own(world.application.secrets[0].0.expose_secret())
                .await
        ),
        7_000_222
    );
    let elsewhere = Uuid::from_u128(9).to_string();
    let scope = format!("{AZURE_DEVOPS}/.default");
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", scope.as_str()),
    ];
    assert_eq!(code_of(&world.token(&elsewhere, &fields).await), 90002);
}

#[tokio::test]
async fn an_application_needs_to_be_a_user_with_a_licence() {
    let world = World::new();
    let token = world.own_token().await;
    let repositories = "/fabrikam/_apis/git/repositories?api-version=7.1";
    assert_eq!(world.get(repositories, &token).await.status, StatusCode::OK);
    let entra = world.simulator.entra();
    let mut organization = entra.organization("fabrikam").expect("organization");
    for member in organization.members.values_mut() {
        member.access = AccessLevel::Stakeholder;
    }
    entra.put_organization(organization.clone());
    let boards = "/fabrikam/_apis/wit/reporting/workitemlinks?api-version=7.1";
    assert_eq!(world.get(boards, &token).await.status, StatusCode::OK);
    assert_eq!(
        world.get(repositories, &token).await.status,
        StatusCode::FORBIDDEN
    );
    organization.members.clear();
    entra.put_organization(organization);
    let refused = world.get(boards, &token).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.text().contains("TF400813"));
}

#[tokio::test]
async fn policies_and_revocation_stop_tokens() {
    let world = World::new();
    let token = world.redeem(&world.code().await, VERIFIER).await.json()["access_token"].take();
    let own = world.own_token().await;
    let links = "/fabrikam/_apis/wit/reporting/workitemlinks?api-version=7.1";
    let entra = world.simulator.entra();
    let organization = entra.organization("fabrikam").expect("organization");
    let mut changed = organization.clone();
    changed.allows_oauth = false;
    entra.put_organization(changed);
    assert!(world.get(links, &token).await.text().contains("TF400813"));
    assert_eq!(
        world.get(links, &own).await.status,
        StatusCode::OK,
        "the policy is about people's sign-ins"
    );
    let mut changed = organization.clone();
    changed.blocks_calls = true;
    entra.put_organization(changed);
    assert!(world.get(links, &own).await.text().contains("VS403463"));
    entra.put_organization(organization);
    entra.revoke_access_tokens();
    assert_eq!(world.get(links, &token).await.status, 203);
}

#[tokio::test]
async fn a_second_organization_has_its_own_members_and_directory() {
    let world = World::new();
    let entra = world.simulator.entra();
    let config = Config {
        organization: "contoso".to_owned(),
        seed: 2,
        ..config()
    };
    world.simulator.add_organization(config, entra.directory());
    let own = world.own_token().await;
    let data = "/contoso/_apis/wit/reporting/workitemlinks?api-version=7.1";
    assert_eq!(world.get(data, &own).await.status, StatusCode::UNAUTHORIZED);
    let principal = world.application.principals[&entra.directory()];
    let mut contoso = entra.organization("contoso").expect("organization");
    let member = Member {
        identity: principal,
        access: AccessLevel::Basic,
        denied_projects: BTreeSet::new(),
    };
    contoso.members.insert(principal, member);
    entra.put_organization(contoso.clone());
    assert_eq!(world.get(data, &own).await.status, StatusCode::OK);
    contoso.directory = Uuid::from_u128(3);
    entra.put_organization(contoso);
    assert_eq!(
        world.get(data, &own).await.status,
        StatusCode::UNAUTHORIZED,
        "a token is for one directory"
    );
}
