//! Credentials and callers: what is refused, what is never shown, whose data is whose.

use jiff::Timestamp;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use simulator::Config;

use crate::deployment::Deployment;

/// Connects with a token that must be refused, and gives the sentence.
async fn refusal(deployment: &Deployment, form: Value) -> (u16, Value) {
    let create = (Method::POST, "/api/v1/connections");
    let (status, problem) = deployment
        .call(("contoso", &["admin"]), create, Some(form))
        .await;
    assert!((400..500).contains(&status), "{status} {problem}");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.len() > 20),
        "{problem}"
    );
    (status, problem)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_would_not_work_is_refused_and_nothing_is_saved() {
    let deployment = Deployment::start(Config::default()).await;
    let organization = deployment.simulator.organization().to_owned();
    let form = |token: &SecretString| json!({ "organizations": [organization], "pat": token.expose_secret() });

    let mut expired = deployment.simulator.make_pat(1);
    expired.expires_at = Timestamp::UNIX_EPOCH;
    let mut foreign = deployment.simulator.make_pat(2);
    foreign.organization = "contoso".to_owned();
    let mut narrow = deployment.simulator.make_pat(3);
    narrow.scopes.retain(|scope| scope != "vso.build");
    let mut seen = std::collections::BTreeSet::new();
    for (pat, field) in [(expired, "pat"), (foreign, "pat"), (narrow, "pat")] {
        let body = form(&pat.token);
        deployment.simulator.add_pat(pat);
        let (status, problem) = refusal(&deployment, body).await;
        assert_eq!(
            (status, problem["field"].as_str()),
            (422, Some(field)),
            "{problem}"
        );
        seen.insert(problem["detail"].to_string());
    }
    println!("{seen:#?}");

    let good = deployment.simulator.default_pat();
    let unknown = json!({ "organizations": ["no-such-place"], "pat": good.expose_secret() });
    let (_, problem) = refusal(&deployment, unknown).await;
    assert!(problem["field"].as_str().is_some(), "{problem}");
    let blank = json!({ "organizations": [organization], "pat": good.expose_secret().replacen('J', " ", 1) });
    assert_eq!(refusal(&deployment, blank).await.1["field"], "pat");

    let list = (Method::GET, "/api/v1/connections");
    let (_, connections) = deployment.call(("contoso", &["admin"]), list, None).await;
    assert_eq!(connections, json!({ "connections": [] }));
    assert!(!deployment.tables().await.contains("CONNECTION"));
}

/// The token is in Secrets Manager and nowhere else.
pub(crate) async fn a_token_is_in_secrets_manager_and_nowhere_else(deployment: &Deployment) {
    let pat = deployment.simulator.default_pat();
    let token = pat.expose_secret();
    let connection = deployment.connection().await.to_string();
    for (place, text) in [
        ("tables", deployment.tables().await),
        ("logs", deployment.logs()),
        ("answers", connection),
    ] {
        assert!(!text.is_empty());
        for form in [
            token.to_owned(),
            base64(token),
            base64(&format!(":{token}")),
        ] {
            assert!(!text.contains(&form), "the token is in the {place}");
        }
    }
}

/// Base64 as a header would carry it; written out because the tests need nothing else of it.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            encoded.push(char::from(
                ALPHABET[(bits >> (18 - 6 * index)) as usize & 63],
            ));
        }
    }
    encoded
}

/// Another tenant sees nothing, and cannot tell a foreign id from none.
pub(crate) async fn another_tenant_sees_nothing_and_cannot_tell(deployment: &Deployment) {
    let id = deployment.connection().await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let list = (Method::GET, "/api/v1/connections");
    let (status, answer) = deployment.call(("fabrikam", &["admin"]), list, None).await;
    assert_eq!((status, answer), (200, json!({ "connections": [] })));
    let missing = "00000000-0000-4000-8000-000000000000";
    let mut answers = Vec::new();
    for id in [id.as_str(), missing, "nonsense"] {
        let path = format!("/api/v1/connections/{id}");
        let show = (Method::GET, path.as_str());
        answers.push(deployment.call(("fabrikam", &["admin"]), show, None).await);
        let path = format!("{path}/sync");
        let sync = (Method::POST, path.as_str());
        answers.push(deployment.call(("fabrikam", &["admin"]), sync, None).await);
    }
    assert!(
        answers
            .iter()
            .all(|answer| *answer == answers[0] && answer.0 == 404),
        "{answers:?}"
    );
}

/// Roles decide what a caller may do.
pub(crate) async fn roles_decide_what_a_caller_may_do(deployment: &Deployment) {
    let id = deployment.connection().await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/v1/connections/{id}/sync");
    for (roles, status) in [
        (&["viewer"][..], 403),
        (&[][..], 403),
        (&["admin"][..], 202),
    ] {
        let sync = (Method::POST, path.as_str());
        assert_eq!(
            deployment.call(("contoso", roles), sync, None).await.0,
            status,
            "{roles:?}"
        );
    }
    let anonymous = reqwest::Client::new()
        .get(format!("{}/api/v1/connections", deployment.stack.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(anonymous.status().as_u16(), 401);
}
