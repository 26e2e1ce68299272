//! Connecting by signing in, as a browser does it, and every way in which it fails.

use std::{collections::BTreeSet, path::Path};

use reqwest::{Client, Method, header::SET_COOKIE, redirect::Policy};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use simulator::{AccessLevel, Account, Config, Entra, Member, Organization, Simulator};
use url::{Url, form_urlencoded};
use uuid::Uuid;

use crate::{
    deployment::Deployment,
    described::{self, Answered},
};

const ADMIN: (&str, &[&str]) = ("contoso", &["admin"]);

/// A browser in front of a deployment whose application is the simulated one.
pub(crate) struct Browser {
    pub(crate) deployment: Deployment,
    http: Client,
}

/// A sign-in that has begun.
pub(crate) struct Begun {
    page: Url,
    pub(crate) cookie: String,
}

impl Begun {
    /// A part of what Microsoft's page is asked.
    fn asked(&self, name: &str) -> String {
        value_of(&self.page, name).unwrap_or_default()
    }
}

fn value_of(address: &Url, wanted: &str) -> Option<String> {
    let mut pairs = address.query_pairs();
    pairs.find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
}

impl Browser {
    pub(crate) async fn start() -> Self {
        Self::start_for("").await
    }

    /// The same where only accounts of one directory may sign in.
    async fn start_for(directory: &str) -> Self {
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
        Self::over(Config::default(), template.as_ref(), directory).await
    }

    /// The same from another template, for another organization.
    pub(crate) async fn over(config: Config, template: &Path, directory: &str) -> Self {
        // The application is the same for the same seed.
        let application = Simulator::new(Config::default()).entra().application();
        let deployment = Deployment::start_with(config, template, |options| {
            options
                .parameter("OAuthClientId", application.id.to_string())
                .parameter("OAuthTenantId", directory)
        })
        .await;
        let entra = deployment.simulator.entra();
        let mut application = entra.application();
        application.redirect_uris =
            BTreeSet::from([format!("{}/oauth/callback", deployment.stack.url())]);
        let (secret, _) = application.secrets[0].clone();
        entra.put_application(application);
        let kept = deployment.stack.keep_secret("oauth-client-secret", &secret);
        kept.unwrap();
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { deployment, http }
    }

    pub(crate) fn entra(&self) -> Entra {
        self.deployment.simulator.entra().clone()
    }

    async fn ask(&self, wish: &Value) -> Answered {
        let token = self.deployment.stack.token(ADMIN.0, ADMIN.1).unwrap();
        let request = self
            .http
            .post(format!("{}/oauth/authorize", self.deployment.stack.url()))
            .bearer_auth(token)
            .header("content-type", "application/json");
        described::send(&self.http, request.body(wish.to_string())).await
    }

    /// The status and the field with which a wish is refused.
    async fn refusal(&self, wish: Value) -> (u16, Value) {
        let answered = self.ask(&wish).await;
        assert!(answered.headers.get(SET_COOKIE).is_none());
        (answered.status, answered.json()["field"].clone())
    }

    pub(crate) async fn begin(&self, wish: Value) -> Begun {
        let answered = self.ask(&wish).await;
        assert_eq!(answered.status, 200);
        let cookie = answered.header(SET_COOKIE.as_str());
        for part in ["__Host-", "; Path=/;", "; Secure;", "; HttpOnly;"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let page = answered.json()["sign_in_url"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        Begun { page, cookie }
    }

    /// Decides on Microsoft's page as the person who is there from the start, and gives the address that the browser is
    /// sent back to, or what the page says.
    async fn decide_as(
        &self,
        account: &Account,
        begun: &Begun,
        decision: &str,
    ) -> Result<Url, String> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("account", &account.user_name)
            .append_pair("decision", decision)
            .finish();
        let request = self.http.post(begun.page.clone()).body(body);
        let response = request.send().await.unwrap();
        match response.headers().get("location") {
            Some(back) => Ok(back.to_str().unwrap().parse().unwrap()),
            None => Err(response.text().await.unwrap()),
        }
    }

    pub(crate) async fn decide(&self, begun: &Begun, decision: &str) -> Url {
        let account = self.entra().account();
        self.decide_as(&account, begun, decision).await.unwrap()
    }

    /// Comes back, and gives the status and the page.
    pub(crate) async fn come_back(&self, address: &Url, cookie: &str) -> (u16, String) {
        let request = self.http.get(address.clone()).header("cookie", cookie);
        let answered = described::send(&self.http, request).await;
        let policy = answered.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"));
        assert_eq!(answered.header("cache-control"), "no-store");
        let (status, page) = (answered.status, answered.text());
        assert!(
            page.contains("<html lang=\"en\">") && page.contains("<h1>"),
            "{page}"
        );
        (status, page)
    }

    pub(crate) async fn sign_in(&self, wish: Value) -> (u16, String) {
        let begun = self.begin(wish).await;
        let back = self.decide(&begun, "accept").await;
        self.come_back(&back, &begun.cookie).await
    }

    /// Adds somebody of the same directory to the organization.
    fn add_colleague(&self) -> Account {
        let entra = self.entra();
        let colleague = Account {
            id: Uuid::from_u128(5),
            user_name: "colleague@fabrikam.example".to_owned(),
            ..entra.account()
        };
        entra.put_account(colleague.clone());
        let mut organization = entra.organization("fabrikam").unwrap();
        organization.members.insert(colleague.id, member());
        entra.put_organization(organization);
        colleague
    }

    async fn connections(&self) -> usize {
        let list = (Method::GET, "/api/v1/connections");
        let (_, answer) = self.deployment.call(ADMIN, list, None).await;
        answer["connections"].as_array().unwrap().len()
    }
}

/// An organization that the person of the simulator is in, and that refuses a token of their own directory.
fn elsewhere(name: &str, person: &Account) -> Organization {
    Organization {
        name: name.to_owned(),
        directory: Uuid::from_u128(3),
        allows_oauth: true,
        blocks_calls: false,
        members: [(person.id, member())].into(),
    }
}

fn member() -> Member {
    Member {
        identity: Uuid::from_u128(4),
        access: AccessLevel::Basic,
        denied_projects: BTreeSet::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_gets_everything_that_they_may_read() {
    let browser = Browser::start().await;
    let entra = browser.entra();
    entra.put_organization(elsewhere("tailspin", &entra.account()));
    let begun = browser
        .begin(json!({ "name": "All of it", "services": ["boards", "pipelines", "repos", "tfvc"] }))
        .await;
    // RFC 7636: what is sent is the hash of a verifier that never leaves the function.
    assert_eq!(begun.asked("code_challenge_method"), "S256");
    assert_eq!(begun.asked("code_challenge").len(), 43);
    assert!(begun.asked("state").len() >= 43, "256 bits in base64url");
    let back = browser.decide(&begun, "accept").await;
    let (status, page) = browser.come_back(&back, &begun.cookie).await;
    assert_eq!(status, 200, "{page}");
    assert!(
        page.contains("All of it") && page.contains("tailspin was left out"),
        "{page}"
    );
    browser.deployment.settle().await;
    let connection = browser.deployment.connection().await;
    assert_eq!(connection["method"], "oauth");
    assert_eq!(connection["organizations"], json!(["fabrikam"]));
    browser.deployment.assert_complete().await;

    // A code that is replayed finds no sign-in any more, and would not be redeemed twice if it did.
    let (status, page) = browser.come_back(&back, &begun.cookie).await;
    assert!(status == 400 && page.contains("finished already"), "{page}");

    let deployment = &browser.deployment;
    // Who began it is known to whoever asks later.
    let logs = deployment.logs();
    let saved = logs.lines().find(|line| line.contains("saved a sign-in"));
    assert!(saved.is_some_and(|line| line.contains("local-user")));
    let text = format!("{logs}{}", deployment.tables().await);
    let application = entra.application();
    let code = value_of(&back, "code").unwrap();
    for secret in [
        application.secrets[0].0.expose_secret(),
        &code,
        begun.cookie.split('=').nth(1).unwrap(),
        &begun.asked("state"),
        "eyJ0eXAiOiJKV1Qi",
    ] {
        assert!(!text.contains(secret), "{secret} is in a log or a table");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_is_replaced_by_a_sign_in() {
    let browser = Browser::start().await;
    let deployment = &browser.deployment;
    let mut dying = deployment.simulator.make_pat(7);
    deployment.simulator.add_pat(dying.clone());
    assert_eq!(deployment.connect(dying.token.clone()).await.0, 201);
    deployment.settle().await;
    dying.revoked = true;
    deployment.simulator.add_pat(dying);
    deployment.synchronize().await;
    let before = deployment.connection().await;
    assert_eq!(before["status"], "reauthorization_needed");

    // Somebody else may see other things, so that has to be meant.
    let colleague = browser.add_colleague();
    let wish = json!({ "connection": before["id"] });
    let begun = browser.begin(wish.clone()).await;
    let back = browser.decide_as(&colleague, &begun, "accept").await;
    let (status, page) = browser.come_back(&back.unwrap(), &begun.cookie).await;
    assert!(status == 409 && page.contains("somebody else"), "{page}");
    assert_eq!(deployment.connection().await["method"], "pat");

    // The owner of the token signs in.
    let (status, page) = browser.sign_in(wish).await;
    assert_eq!(status, 200, "{page}");
    deployment.settle().await;
    let after = deployment.connection().await;
    assert_eq!(
        (&after["id"], &after["method"], &after["status"]),
        (&before["id"], &json!("oauth"), &json!("active"))
    );
    deployment.assert_complete().await;

    let missing = "00000000-0000-4000-8000-000000000000";
    let (status, field) = browser.refusal(json!({ "connection": missing })).await;
    assert_eq!((status, field), (404, Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_in_which_a_sign_in_fails_ends_on_a_page_that_says_what_to_do() {
    let browser = Browser::start().await;
    let entra = browser.entra();
    let organization = entra.organization("fabrikam").unwrap();

    let begun = browser.begin(json!({})).await;
    let back = browser.decide(&begun, "cancel").await;
    let (status, page) = browser.come_back(&back, &begun.cookie).await;
    assert!(
        status == 400 && page.contains("declined") && page.contains("accept them"),
        "{page}"
    );

    // Another browser, and then the right one: the state is used up.
    let begun = browser.begin(json!({})).await;
    let back = browser.decide(&begun, "accept").await;
    let (status, page) = browser.come_back(&back, "x=1").await;
    assert!(status == 403 && page.contains("another browser"), "{page}");
    let (status, page) = browser.come_back(&back, &begun.cookie).await;
    assert!(status == 400 && page.contains("finished already"), "{page}");

    // Made up, and nothing at all.
    let callback = format!("{}/oauth/callback", browser.deployment.stack.url());
    for query in ["?code=x&state=y", "", "?error=x", "?code=x&code=y&state=z"] {
        let address = format!("{callback}{query}").parse().unwrap();
        assert_eq!(browser.come_back(&address, "x=1").await.0, 400, "{query}");
    }

    // Another browser with a sign-in of its own under way.
    let (begun, theirs) = (
        browser.begin(json!({})).await,
        browser.begin(json!({})).await,
    );
    let back = browser.decide(&begun, "accept").await;
    let (status, page) = browser.come_back(&back, &theirs.cookie).await;
    assert!(status == 403 && page.contains("another browser"), "{page}");

    // The code of somebody else's sign-in: the verifier does not fit.
    let (mine, theirs) = (
        browser.begin(json!({})).await,
        browser.begin(json!({})).await,
    );
    let mut mixed = browser.decide(&mine, "accept").await;
    let their_back = browser.decide(&theirs, "accept").await;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &value_of(&their_back, "code").unwrap())
        .append_pair("state", &value_of(&mixed, "state").unwrap())
        .finish();
    mixed.set_query(Some(&query));
    let (status, page) = browser.come_back(&mixed, &mine.cookie).await;
    assert!(status == 502 && page.contains("AADSTS501481"), "{page}");

    // Ten minutes and a second.
    let begun = browser.begin(json!({})).await;
    let back = browser.decide(&begun, "accept").await;
    browser.deployment.age_sign_ins().await;
    let (status, page) = browser.come_back(&back, &begun.cookie).await;
    assert!(status == 400 && page.contains("ten minutes"), "{page}");

    let (status, page) = browser
        .sign_in(json!({ "organizations": ["contoso"] }))
        .await;
    assert!(
        status == 403 && page.contains("not in the organization contoso"),
        "{page}"
    );

    let mut closed = organization.clone();
    closed.allows_oauth = false;
    entra.put_organization(closed);
    let (status, page) = browser.sign_in(json!({})).await;
    assert!(
        status == 422 && page.contains("/_settings/organizationPolicy"),
        "{page}"
    );

    let mut blocked = organization.clone();
    blocked.blocks_calls = true;
    entra.put_organization(blocked);
    let (status, page) = browser.sign_in(json!({})).await;
    assert!(
        status == 422 && page.contains("Conditional Access"),
        "{page}"
    );

    let mut left = organization.clone();
    left.members.clear();
    entra.put_organization(left);
    let (status, page) = browser.sign_in(json!({})).await;
    assert!(
        status == 403 && page.contains("no organization of Azure DevOps"),
        "{page}"
    );

    entra.put_organization(organization);
    assert_eq!(browser.connections().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_accounts_of_the_directory_that_is_named_may_sign_in() {
    let browser = Browser::start().await;
    let entra = browser.entra();
    // Microsoft's own page says so, and nobody comes back.
    let nowhere = json!({ "tenant_id": Uuid::from_u128(9) });
    let begun = browser.begin(nowhere).await;
    let account = entra.account();
    let said = browser.decide_as(&account, &begun, "accept").await;
    assert!(said.unwrap_err().contains("AADSTS90002"));

    let personal = Account {
        id: Uuid::from_u128(5),
        user_name: "someone@outlook.com".to_owned(),
        home: None,
        ..account
    };
    entra.put_account(personal.clone());
    let begun = browser.begin(json!({})).await;
    let said = browser.decide_as(&personal, &begun, "accept").await;
    assert!(said.unwrap_err().contains("AADSTS50020"));

    let own = entra.directory();
    let strict = Browser::start_for(&own.to_string()).await;
    let other = json!({ "tenant_id": Uuid::from_u128(9) });
    assert_eq!(strict.refusal(other).await, (400, json!("tenant_id")));
    let (status, page) = strict.sign_in(json!({})).await;
    assert_eq!(status, 200, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_begins_a_sign_in_who_may_not_connect_and_none_without_an_application() {
    let deployment = Deployment::start(Config::default()).await;
    let begin = || (Method::POST, "/oauth/authorize");
    for (roles, expected) in [(&["viewer"][..], 403), (&[][..], 403), (ADMIN.1, 409)] {
        let answer = deployment
            .call((ADMIN.0, roles), begin(), Some(json!({})))
            .await;
        assert_eq!(answer.0, expected, "{answer:?}");
    }
    let anonymous = Client::new()
        .post(format!("{}/oauth/authorize", deployment.stack.url()))
        .send();
    assert_eq!(anonymous.await.unwrap().status().as_u16(), 401);
}
