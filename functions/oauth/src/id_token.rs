//! Whose sign-in it was.
//!
//! The ID token comes straight from the token endpoint over TLS, which is what vouches for it; its signature needs no
//! check then: <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>, point 6. What it says is checked; that it
//! is fresh is what the nonce says, which belongs to one sign-in of ten minutes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use model::{ApplicationId, DirectoryId};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

/// The directory that tokens of personal Microsoft accounts name:
/// <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>.
const PERSONAL_ACCOUNTS: Uuid = Uuid::from_u128(0x9188040d_6c67_4c5b_b112_36a304b66dad);

/// What makes an ID token the one of a sign-in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) client: ApplicationId,
    pub(crate) nonce: &'a str,
}

/// Why an ID token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotBelieved {
    /// There is none, or it is another sign-in's.
    #[error("the id token is not of this sign-in")]
    OtherSignIn,
    /// Azure DevOps lets applications act for work and school accounts only.
    #[error("a personal account signed in")]
    PersonalAccount,
}

#[derive(Deserialize)]
struct Claims {
    aud: ApplicationId,
    iss: String,
    tid: DirectoryId,
    nonce: Option<String>,
}

/// The directory that was signed in to.
pub(crate) fn directory(
    token: Option<&SecretString>,
    expected: Expected<'_>,
) -> Result<DirectoryId, NotBelieved> {
    let claims = token.and_then(claims).ok_or(NotBelieved::OtherSignIn)?;
    let issuer = format!("https://login.microsoftonline.com/{}/v2.0", claims.tid);
    let is_ours = claims.aud == expected.client
        && claims.nonce.as_deref() == Some(expected.nonce)
        && claims.iss == issuer;
    if !is_ours {
        return Err(NotBelieved::OtherSignIn);
    }
    if claims.tid.0 == PERSONAL_ACCOUNTS {
        return Err(NotBelieved::PersonalAccount);
    }
    Ok(claims.tid)
}

fn claims(token: &SecretString) -> Option<Claims> {
    let body = token.expose_secret().split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CLIENT: ApplicationId = ApplicationId(Uuid::from_u128(1));

    fn issuer(directory: Uuid) -> String {
        format!("https://login.microsoftonline.com/{directory}/v2.0")
    }

    fn look(claims: &Value) -> Result<DirectoryId, NotBelieved> {
        let body = URL_SAFE_NO_PAD.encode(claims.to_string());
        let token = SecretString::from(format!("x.{body}.x"));
        let expected = Expected {
            client: CLIENT,
            nonce: "n",
        };
        directory(Some(&token), expected)
    }

    #[test]
    fn only_the_token_of_this_sign_in_is_believed() {
        let home = Uuid::from_u128(2);
        let good = json!({ "aud": CLIENT, "iss": issuer(home), "tid": home, "nonce": "n" });
        assert_eq!(look(&good), Ok(DirectoryId(home)));
        for (claim, value) in [
            ("aud", json!(Uuid::from_u128(3))),
            ("iss", json!(issuer(Uuid::from_u128(3)))),
            ("tid", json!(Uuid::from_u128(3))),
            ("nonce", json!("other")),
            ("nonce", Value::Null),
        ] {
            let mut claims = good.clone();
            claims[claim] = value;
            assert_eq!(look(&claims), Err(NotBelieved::OtherSignIn), "{claims}");
        }
    }

    #[test]
    fn a_personal_account_is_told_apart() {
        let personal = json!({
            "aud": CLIENT, "iss": issuer(PERSONAL_ACCOUNTS), "tid": PERSONAL_ACCOUNTS, "nonce": "n",
        });
        assert_eq!(look(&personal), Err(NotBelieved::PersonalAccount));
    }
}
