//! More than fifty tokens that must not open anything, each wrong in one way only.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use local::stack::Stack;
use serde_json::{Value, json};

use crate::harness::stack;

/// The issuer of a stack with its private key, and everything that the public knows of it.
struct Issuer {
    key: KeyPair,
    id: String,
    url: String,
    now: i64,
}

impl Issuer {
    fn of(stack: &Stack) -> Self {
        let token = stack.token("t", &[]).unwrap();
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
        let header: Value = serde_json::from_slice(&header.unwrap()).unwrap();
        let key = std::fs::read(stack.data_file("issuer.key")).unwrap();
        Self {
            key: KeyPair::from_pkcs8(&key).unwrap(),
            id: header["kid"].as_str().unwrap().to_owned(),
            url: format!("{}/.local-issuer", stack.url()),
            now: jiff::Timestamp::now().as_second(),
        }
    }

    fn header(&self) -> Value {
        json!({ "alg": "RS256", "typ": "JWT", "kid": self.id })
    }

    fn claims(&self) -> Value {
        json!({
            "iss": self.url, "aud": "local", "sub": "someone", "tid": "t", "roles": ["admin"],
            "iat": self.now - 5, "nbf": self.now - 5, "exp": self.now + 600,
        })
    }

    /// A token that is good but for what was changed in its header or claims; `null` takes away.
    fn with(&self, header: Value, claims: Value) -> String {
        let message = message(
            &changed(self.header(), header),
            &changed(self.claims(), claims),
        );
        signed(&self.key, &RSA_PKCS1_SHA256, &message)
    }

    /// What an attacker may try as the secret of an HMAC: everything that is published of the key.
    fn public_texts(&self) -> Vec<Vec<u8>> {
        let public = self.key.public_key();
        let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let der = public.as_ref().to_vec();
        let pem = format!(
            "-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n",
            STANDARD.encode(&der)
        );
        vec![
            public.modulus().big_endian_without_leading_zero().to_vec(),
            json!({ "kty": "RSA", "n": n, "e": "AQAB" })
                .to_string()
                .into_bytes(),
            n.into_bytes(),
            der,
            pem.into_bytes(),
            self.id.clone().into_bytes(),
            b"secret".to_vec(),
        ]
    }
}

fn changed(mut whole: Value, change: Value) -> Value {
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(whole.as_object_mut().unwrap().remove(name)),
            value => whole[name] = value.clone(),
        }
    }
    whole
}

fn message(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

fn signed(key: &KeyPair, how: &'static dyn RsaEncoding, message: &str) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        how,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// No signature under many names, and the signature of another token.
fn unsigned(issuer: &Issuer) -> Vec<(String, String)> {
    let good = issuer.with(json!({}), json!({}));
    let signature = good.rsplit('.').next().unwrap();
    let mut tokens = Vec::new();
    for alg in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!(""),
        json!(0),
        json!(["RS256"]),
    ] {
        let header = changed(issuer.header(), json!({ "alg": alg }));
        let message = message(&header, &issuer.claims());
        tokens.push((format!("alg {alg}, no signature"), format!("{message}.")));
        tokens.push((
            format!("alg {alg}, a signature"),
            format!("{message}.{signature}"),
        ));
    }
    tokens
}

/// HMAC with what is public, because a careless verifier takes the public key for the secret.
fn symmetric(issuer: &Issuer) -> Vec<(String, String)> {
    let mut tokens = Vec::new();
    for (alg, how) in [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
        ("RS256", hmac::HMAC_SHA256),
    ] {
        for (index, secret) in issuer.public_texts().iter().enumerate() {
            let header = changed(issuer.header(), json!({ "alg": alg }));
            let message = message(&header, &issuer.claims());
            let tag = hmac::sign(&hmac::Key::new(how, secret), message.as_bytes());
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));
            tokens.push((format!("{alg} with public text {index}"), token));
        }
    }
    tokens
}

/// The right key with another algorithm, the wrong key, and keys that the token brings along.
fn other_keys(issuer: &Issuer) -> Vec<(String, String)> {
    let mut tokens = Vec::new();
    let ways: [(&str, &'static dyn RsaEncoding); 5] = [
        ("RS384", &RSA_PKCS1_SHA384),
        ("RS512", &RSA_PKCS1_SHA512),
        ("PS256", &RSA_PSS_SHA256),
        ("PS384", &RSA_PSS_SHA384),
        ("PS512", &RSA_PSS_SHA512),
    ];
    for (alg, how) in ways {
        let header = changed(issuer.header(), json!({ "alg": alg }));
        let token = signed(&issuer.key, how, &message(&header, &issuer.claims()));
        tokens.push((format!("the right key with {alg}"), token));
    }
    let own = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let n = URL_SAFE_NO_PAD.encode(own.public_key().modulus().big_endian_without_leading_zero());
    let jwk = json!({ "kty": "RSA", "n": n, "e": "AQAB", "kid": issuer.id });
    let der = STANDARD.encode(own.public_key().as_ref());
    for brought in [
        json!({}),
        json!({ "jwk": jwk }),
        json!({ "jku": "http://127.0.0.1:9/keys" }),
        json!({ "x5u": "http://127.0.0.1:9/certificate" }),
        json!({ "x5c": [der] }),
    ] {
        let header = changed(issuer.header(), brought.clone());
        let token = signed(&own, &RSA_PKCS1_SHA256, &message(&header, &issuer.claims()));
        tokens.push((format!("another key with {brought}"), token));
    }
    for id in [
        Value::Null,
        json!(""),
        json!("unknown"),
        json!("../../../../dev/null"),
        json!("' OR 1=1 --"),
        json!([issuer.id]),
    ] {
        let token = issuer.with(json!({ "kid": id }), json!({}));
        tokens.push((format!("the key id {id}"), token));
    }
    tokens
}

/// Well signed, and not for us or not for now.
fn other_claims(issuer: &Issuer) -> Vec<(String, String)> {
    let now = issuer.now;
    let claims = [
        json!({ "iss": "https://evil.example" }),
        json!({ "iss": null }),
        json!({ "iss": format!("{}/", issuer.url) }),
        json!({ "iss": issuer.url.replace("http", "https") }),
        json!({ "iss": issuer.url.to_uppercase() }),
        json!({ "aud": "other" }),
        json!({ "aud": null }),
        json!({ "aud": "" }),
        json!({ "aud": [] }),
        json!({ "aud": ["other", "more"] }),
        json!({ "aud": "LOCAL" }),
        json!({ "aud": "local2" }),
        json!({ "aud": 1 }),
        json!({ "aud": { "local": "local" } }),
        json!({ "aud": "other", "client_id": "local" }),
        json!({ "exp": now - 1 }),
        json!({ "exp": 0 }),
        json!({ "exp": -1 }),
        json!({ "exp": null }),
        json!({ "exp": "never" }),
        json!({ "nbf": now + 60 }),
        json!({ "iat": now + 60 }),
        // An ID token: it is for the application that signed somebody in, not for the API.
        json!({ "aud": "console", "nonce": "n", "name": "Someone", "azp": "local" }),
    ];
    let token = |claims: Value| {
        (
            format!("the claims {claims}"),
            issuer.with(json!({}), claims),
        )
    };
    claims.into_iter().map(token).collect()
}

/// What is no token, or one with a part broken.
fn broken(issuer: &Issuer) -> Vec<(String, String)> {
    let good = issuer.with(json!({}), json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts[..] else {
        panic!("three parts");
    };
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let tampered = message(
        &issuer.header(),
        &changed(issuer.claims(), json!({ "tid": "another" })),
    );
    [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "nonsense".to_owned(),
        "a.b.c".to_owned(),
        head.to_owned(),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{good}.{signature}"),
        format!("{good}.{signature}.{signature}"),
        format!("{tampered}.{signature}"),
        format!("{head}.{body}.{}", &signature[4..]),
        format!("{head}.{body}.{signature}AAAA"),
        format!("{head}.{body}.{}", "A".repeat(signature.len())),
        format!("{head}.{}.{signature}", encode("[]")),
        format!("{head}.{}.{signature}", encode("{")),
        format!("{head}.{body}=.{signature}"),
        format!("{}.{body}.{signature}", encode("null")),
        format!("{head} .{body}.{signature}"),
        format!("{body}.{head}.{signature}"),
    ]
    .into_iter()
    .map(|token| (format!("broken: {token:.20}"), token))
    .collect()
}

async fn status(stack: &Stack, token: &str) -> u16 {
    let request = reqwest::Client::new().post(format!("{}/items/1", stack.url()));
    let response = request.header("authorization", format!("Bearer {token}"));
    response.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bad_token_opens_a_guarded_route() {
    let stack = stack().await;
    let issuer = Issuer::of(&stack);
    // What the bad ones are one step away from.
    let good = issuer.with(json!({}), json!({}));
    assert_eq!(status(&stack, &good).await, 200);
    let bad = [unsigned, symmetric, other_keys, other_claims, broken];
    let bad: Vec<_> = bad.iter().flat_map(|tokens| tokens(&issuer)).collect();
    assert!(bad.len() >= 50, "{}", bad.len());
    for (what, token) in &bad {
        assert_eq!(status(&stack, token).await, 401, "{what}");
    }
    assert_eq!(status(&stack, &good).await, 200);
}
