//! Signing in with a browser at the local issuer.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::stack::Stack;
use serde_json::Value;

use crate::harness::stack;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge of that verifier, both from RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Browser {
    client: reqwest::Client,
    issuer: String,
    redirect: String,
}

impl Browser {
    fn new(stack: &Stack) -> Self {
        let none = reqwest::redirect::Policy::none();
        Self {
            client: reqwest::Client::builder().redirect(none).build().unwrap(),
            issuer: format!("{}/.local-issuer", stack.url()),
            redirect: format!("{}/console/", stack.url()),
        }
    }

    fn request(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("response_type", "code".to_owned()),
            ("client_id", "console".to_owned()),
            ("redirect_uri", self.redirect.clone()),
            ("code_challenge", CHALLENGE.to_owned()),
            ("code_challenge_method", "S256".to_owned()),
            ("state", "a&b".to_owned()),
            ("nonce", "n-1".to_owned()),
        ])
    }

    async fn authorize(&self, fields: &BTreeMap<&str, String>) -> reqwest::Response {
        let mut url = url::Url::parse(&format!("{}/authorize", self.issuer)).unwrap();
        url.query_pairs_mut().extend_pairs(fields);
        self.client.get(url).send().await.unwrap()
    }

    /// Presses the button of a role, and returns the code that the application gets.
    async fn code(&self, role: &str) -> String {
        let mut fields = self.request();
        fields.insert("role", role.to_owned());
        let response = self.authorize(&fields).await;
        assert_eq!(response.status(), 302);
        let location = response.headers()["location"].to_str().unwrap();
        let location = url::Url::parse(location).unwrap();
        assert!(location.as_str().starts_with(&self.redirect));
        let pairs: BTreeMap<_, _> = location.query_pairs().into_owned().collect();
        assert_eq!(pairs["state"], "a&b");
        pairs["code"].clone()
    }

    async fn token(&self, code: &str, verifier: &str) -> (u16, Value) {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("client_id", "console")
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("code", code)
            .append_pair("code_verifier", verifier)
            .finish();
        let request = self.client.post(format!("{}/token", self.issuer));
        let response = request.body(form).send().await.unwrap();
        let status = response.status().as_u16();
        (
            status,
            serde_json::from_slice(&response.bytes().await.unwrap()).unwrap(),
        )
    }

    async fn opens(&self, stack: &Stack, token: &Value) -> u16 {
        let request = self.client.post(format!("{}/items/1", stack.url()));
        let request = request.bearer_auth(token.as_str().unwrap());
        request.send().await.unwrap().status().as_u16()
    }
}

fn claims(token: &Value) -> Value {
    let body = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_click_gives_a_token_that_opens_the_api() {
    let stack = stack().await;
    let browser = Browser::new(&stack);
    let page = browser.authorize(&browser.request()).await;
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Sign in as admin"));
    for (role, roles) in [
        ("admin", serde_json::json!(["admin", "viewer"])),
        ("viewer", serde_json::json!(["viewer"])),
    ] {
        let (status, tokens) = browser.token(&browser.code(role).await, VERIFIER).await;
        assert_eq!(status, 200, "{tokens}");
        let access = claims(&tokens["access_token"]);
        assert_eq!(
            (&access["tid"], &access["roles"]),
            (&"local".into(), &roles)
        );
        assert_eq!(claims(&tokens["id_token"])["nonce"], "n-1");
        assert_eq!(browser.opens(&stack, &tokens["access_token"]).await, 200);
        // The ID token tells the application who signed in; it opens nothing.
        assert_eq!(browser.opens(&stack, &tokens["id_token"]).await, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once_and_only_with_its_verifier() {
    let stack = stack().await;
    let browser = Browser::new(&stack);
    let code = browser.code("admin").await;
    assert_eq!(browser.token(&code, VERIFIER).await.0, 200);
    assert_eq!(
        browser.token(&code, VERIFIER).await.1["error"],
        "invalid_grant"
    );
    let code = browser.code("admin").await;
    assert_eq!(
        browser.token(&code, CHALLENGE).await.1["error"],
        "invalid_grant"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_goes_to_no_other_origin() {
    let stack = stack().await;
    let browser = Browser::new(&stack);
    for (field, value) in [
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "http://127.0.0.1:1/"),
        ("response_type", "token"),
        ("code_challenge_method", "plain"),
    ] {
        let mut fields = browser.request();
        fields.insert("role", "admin".to_owned());
        fields.insert(field, value.to_owned());
        assert_eq!(browser.authorize(&fields).await.status(), 400, "{value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_is_remembered_until_another_account_is_asked_for_or_one_signs_out() {
    let stack = stack().await;
    let browser = Browser::new(&stack);
    let mut fields = browser.request();
    fields.insert("role", "viewer".to_owned());
    let cookie = browser.authorize(&fields).await.headers()["set-cookie"].clone();
    let cookie = cookie
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let again = async |fields: &BTreeMap<&str, String>| {
        let mut url = url::Url::parse(&format!("{}/authorize", browser.issuer)).unwrap();
        url.query_pairs_mut().extend_pairs(fields);
        let request = browser.client.get(url).header("cookie", &cookie);
        request.send().await.unwrap().status().as_u16()
    };
    let mut fields = browser.request();
    assert_eq!(again(&fields).await, 302);
    fields.insert("prompt", "select_account".to_owned());
    assert_eq!(again(&fields).await, 200);

    let leave = |back: &str| {
        let url = format!(
            "{}/sign-out?post_logout_redirect_uri={back}",
            browser.issuer
        );
        browser.client.get(url).send()
    };
    let left = leave(&browser.redirect).await.unwrap();
    let forgotten = left.headers()["set-cookie"].to_str().unwrap();
    assert!(forgotten.contains("Max-Age=0"), "{forgotten}");
    assert_eq!(leave("https://evil.example/").await.unwrap().status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_renews_once() {
    let stack = stack().await;
    let browser = Browser::new(&stack);
    let (_, tokens) = browser.token(&browser.code("viewer").await, VERIFIER).await;
    let renew = async |client: &str, token: &Value| {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", client)
            .append_pair("refresh_token", token.as_str().unwrap())
            .finish();
        let request = browser.client.post(format!("{}/token", browser.issuer));
        let response = request.body(form).send().await.unwrap();
        serde_json::from_slice::<Value>(&response.bytes().await.unwrap()).unwrap()
    };
    let renewed = renew("console", &tokens["refresh_token"]).await;
    assert_eq!(
        claims(&renewed["access_token"])["roles"],
        serde_json::json!(["viewer"])
    );
    assert_eq!(
        renew("console", &tokens["refresh_token"]).await["error"],
        "invalid_grant"
    );
    assert_eq!(
        renew("another", &renewed["refresh_token"]).await["error"],
        "invalid_grant"
    );
}
