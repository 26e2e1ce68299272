//! Secrets that are easy to recognize go through every flow, also through those that fail, while the functions log
//! everything that they can. Afterwards they are looked for in everything that anybody can see.

use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};
use url::form_urlencoded;

use crate::{
    certificate::{Certificate, by_the_clock},
    deployment::Deployment,
    oauth::Browser,
};

const ADMIN: (&str, &[&str]) = ("contoso", &["admin"]);

/// What must not be found, by what it is.
#[derive(Default)]
struct Canaries(BTreeSet<(&'static str, String)>);

impl Canaries {
    fn add(&mut self, what: &'static str, secret: &str) {
        assert!(secret.len() >= 16, "{what} is too short to be recognized");
        self.0.insert((what, secret.to_owned()));
    }

    /// Adds every long text of what Secrets Manager holds: access tokens, refresh tokens and whatever else there is.
    async fn add_secrets(&mut self, deployment: &Deployment) {
        for secret in deployment.secrets().await {
            let mut look = vec![serde_json::from_str(&secret).unwrap_or(Value::String(secret))];
            while let Some(value) = look.pop() {
                match value {
                    Value::String(text) if text.starts_with("-----BEGIN") => {
                        for line in text.lines().filter(|line| line.len() == 64) {
                            self.add("a line of a stored key", line);
                        }
                    }
                    // Ids and times are shorter than any secret.
                    Value::String(text) if text.len() > 36 => self.add("a stored secret", &text),
                    Value::Array(items) => look.extend(items),
                    Value::Object(fields) => look.extend(fields.into_iter().map(|(_, own)| own)),
                    _ => {}
                }
            }
        }
    }

    /// What is found in a text, in any of the forms in which secrets are written.
    fn found_in(&self, text: &str) -> Vec<&'static str> {
        let is_in = |secret: &String| forms(secret).iter().any(|form| text.contains(form));
        let found = self.0.iter().filter(|(_, secret)| is_in(secret));
        found.map(|(what, _)| *what).collect()
    }
}

/// A secret plain, in JSON, in JSON in JSON, in an address, and in base64 wherever it stands in what was encoded (a
/// colon before it, a user before that).
fn forms(secret: &str) -> BTreeSet<String> {
    let json = |text: &str| {
        let quoted = Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let url: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut forms = BTreeSet::from([secret.to_owned(), json(secret), json(&json(secret)), url]);
    for before in 0..3 {
        let whole = format!("{}{secret}", ":".repeat(before));
        let encoded = STANDARD.encode(&whole[..whole.len() / 3 * 3]);
        // The letters that the text before the secret has a part in.
        let own = &encoded[before * 4 / 3 + usize::from(before > 0)..];
        forms.insert(own.to_owned());
        forms.insert(own.replace('+', "-").replace('/', "_"));
    }
    forms
}

#[test]
fn a_canary_is_recognized_in_every_form() {
    let secret = "8Q~a+b/c=d\"e\\f0123456789";
    let mut canaries = Canaries::default();
    canaries.add("it", secret);
    let url: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    for text in [
        format!("before {secret} after"),
        json!({ "x": secret }).to_string(),
        json!({ "x": json!({ "y": secret }).to_string() }).to_string(),
        format!("?code={url}&x"),
        format!("Basic {}", STANDARD.encode(format!(":{secret}"))),
        format!("Basic {}", STANDARD.encode(format!("me:{secret}"))),
        STANDARD.encode(secret),
        STANDARD.encode(format!("{secret} and more")),
    ] {
        assert_eq!(canaries.found_in(&text), ["it"], "{text}");
    }
    assert!(canaries.found_in("nothing").is_empty());
}

/// The template with the loudest log that a deployment can have.
fn loud_template() -> PathBuf {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
    let text = std::fs::read_to_string(template).unwrap();
    let loud = text.replacen(
        "        CONTROL_TABLE: !Ref ControlTable\n",
        "        AWS_LAMBDA_LOG_LEVEL: trace\n        CONTROL_TABLE: !Ref ControlTable\n",
        1,
    );
    assert_ne!(loud, text);
    let path = std::env::temp_dir().join(format!("loud-{}.yaml", std::process::id()));
    std::fs::write(&path, loud).unwrap();
    path
}

/// Everything that was said in the course of the flows.
struct Heard<'a> {
    deployment: &'a Deployment,
    answers: String,
    queues: String,
}

impl Heard<'_> {
    async fn call(&mut self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let body = (method != Method::GET).then_some(body);
        let (status, answer) = self.deployment.call(ADMIN, (method, path), body).await;
        writeln!(self.answers, "{status} {answer}").unwrap();
        (status, answer)
    }

    /// Lets everything be done, and reads the queues meanwhile.
    async fn settle(&mut self) {
        let deployment = self.deployment;
        let settled = deployment.settle();
        tokio::pin!(settled);
        loop {
            tokio::select! {
                () = &mut settled => return,
                () = tokio::time::sleep(Duration::from_millis(10)) => {
                    for queue in &deployment.stack.template().queues {
                        let bodies = deployment.stack.sqs().bodies(&queue.name).unwrap();
                        self.queues.extend(bodies);
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_anywhere_after_every_flow() {
    let template = loud_template();
    let browser = Browser::over(by_the_clock(), &template, "").await;
    std::fs::remove_file(template).unwrap();
    let deployment = &browser.deployment;
    let (simulator, entra) = (&deployment.simulator, browser.entra());
    let mut canaries = Canaries::default();
    let mut heard = Heard {
        deployment,
        answers: String::new(),
        queues: String::new(),
    };
    let certificate = Certificate::make();
    for line in &certificate.key_lines {
        canaries.add("a line of the certificate's key", line);
    }
    let mut pat = simulator.make_pat(77);
    let token = pat.token.expose_secret().to_owned();
    simulator.add_pat(pat.clone());
    canaries.add("the token", &token);
    let client_secret = entra.application().secrets[0].0.expose_secret().to_owned();
    canaries.add("the client secret", &client_secret);
    let wrong_secret = "8Q~ThisIsNoSecretOfAnyApplication0123456";
    canaries.add("a wrong client secret", wrong_secret);

    // A token: wrong in several ways, then right, then dead.
    let connections = "/api/v1/connections";
    let validate = "/api/v1/connections/validate";
    for form in [
        json!({ "organizations": ["fabrikam"], "pat": token }),
        json!({ "organizations": ["nobody-has-this-name"], "pat": token }),
        json!({ "organization": token, "pat": "x" }),
        json!({ "organization": "fabrikam", "pat": format!("{token} x") }),
        json!({ "organization": "fabrikam", "pat": [token] }),
        json!({ "organization": "fabrikam", "services": [token], "pat": token }),
        json!({ "organization": "fabrikam", "service_principal": token }),
        json!({ "pats": [{ "organization": "fabrikam", "pat": token, "expires_on": token }] }),
        json!(token),
    ] {
        heard.call(Method::POST, validate, form.clone()).await;
        if form["organization"].is_string() {
            heard.call(Method::POST, connections, form).await;
        }
    }
    let form = json!({ "organizations": ["fabrikam"], "pat": token });
    let (status, created) = heard.call(Method::POST, connections, form).await;
    assert_eq!(status, 201, "{created}");
    for kind in [
        FaultKind::Redirect302,
        FaultKind::Html200,
        FaultKind::ServerError500,
    ] {
        simulator.inject(Fault {
            matching: "builds".to_owned(),
            after: 2,
            times: 1,
            kind,
        });
    }
    heard.settle().await;
    let own = format!("{connections}/{}", created["id"].as_str().unwrap());
    let (sync, reauthenticate) = (format!("{own}/sync"), format!("{own}/reauthenticate"));
    pat.revoked = true;
    simulator.add_pat(pat);
    heard.call(Method::POST, &sync, json!({})).await;
    heard.settle().await;
    let form = json!({ "pat": token });
    assert_eq!(heard.call(Method::POST, &reauthenticate, form).await.0, 422);

    // An application: a wrong secret, a secret, a certificate that nobody uploaded, a certificate.
    let mut principal = certificate.form(&entra);
    let take = |principal: &mut Value, name: &str, value: Value| {
        let fields = principal.as_object_mut().unwrap();
        fields.retain(|name, _| !matches!(name.as_str(), "certificate" | "client_secret"));
        fields.insert(name.to_owned(), value);
        json!({ "service_principal": principal, "confirm_identity_change": true })
    };
    for (name, value, expected) in [
        ("client_secret", json!(wrong_secret), 422),
        ("client_secret", json!(client_secret), 200),
        ("certificate", json!(certificate.pem), 422),
        ("certificate", json!(&certificate.pem[..900]), 400),
    ] {
        let form = take(&mut principal, name, value);
        let (status, answer) = heard.call(Method::POST, &reauthenticate, form).await;
        assert_eq!(status, expected, "{name}: {answer}");
        heard.settle().await;
        canaries.add_secrets(deployment).await;
    }
    certificate.upload(&entra);
    let form = take(&mut principal, "certificate", json!(certificate.pem));
    let (status, answer) = heard.call(Method::POST, &reauthenticate, form).await;
    assert_eq!(status, 200, "{answer}");
    entra.revoke_access_tokens();
    heard.call(Method::POST, &sync, json!({})).await;
    heard.settle().await;
    canaries.add_secrets(deployment).await;

    // A sign-in: declined, done, done again, renewed, ended.
    let wish = json!({ "connection": created["id"], "confirm_identity_change": true });
    let begun = browser.begin(wish.clone()).await;
    let back = browser.decide(&begun, "cancel").await;
    let (_, page) = browser.come_back(&back, &begun.cookie).await;
    heard.answers.push_str(&page);
    let begun = browser.begin(wish).await;
    canaries.add(
        "the browser's half",
        &begun.cookie["__Host-ado-lens-sign-in=".len()..],
    );
    let back = browser.decide(&begun, "accept").await;
    let code = back.query_pairs().find(|(name, _)| name == "code");
    canaries.add("the code", &code.unwrap().1);
    for expected in [200, 400] {
        let (status, page) = browser.come_back(&back, &begun.cookie).await;
        assert_eq!(status, expected, "{page}");
        heard.answers.push_str(&page);
    }
    heard.settle().await;
    canaries.add_secrets(deployment).await;
    entra.revoke_access_tokens();
    heard.call(Method::POST, &sync, json!({})).await;
    heard.settle().await;
    canaries.add_secrets(deployment).await;
    entra.revoke_access_tokens();
    entra.revoke_refresh_tokens();
    heard.call(Method::POST, &sync, json!({})).await;
    heard.settle().await;
    let (_, last) = heard.call(Method::GET, &own, Value::Null).await;
    assert_eq!(last["status"], "reauthorization_needed", "{last}");
    heard
        .call(Method::GET, &format!("{own}/report"), Value::Null)
        .await;
    heard.call(Method::GET, connections, Value::Null).await;

    // At least the token, two access tokens, two refresh tokens, the client secret and the key's lines.
    assert!(canaries.0.len() > 30, "{}", canaries.0.len());
    let logs = deployment.logs();
    assert!(logs.contains(r#""level":"DEBUG""#), "the log is loud");
    let dead: String = deployment
        .stack
        .dead_letters()
        .into_iter()
        .map(|own| own.body)
        .collect();
    for (place, text) in [
        ("logs", logs),
        ("tables", deployment.tables().await),
        ("queues", heard.queues),
        ("dead letters", dead),
        ("answers", heard.answers),
    ] {
        assert_eq!(
            canaries.found_in(&text),
            Vec::<&str>::new(),
            "in the {place}"
        );
        assert!(place == "dead letters" || text.len() > 1000, "{place}");
    }
}
