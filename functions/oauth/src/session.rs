//! What ties a sign-in to the browser that began it.
//!
//! The state goes over Microsoft's pages; the browser keeps the other half in a cookie. The table has hashes of both, and
//! the verifier of PKCE is made of both when the browser comes back, so that no secret is stored anywhere.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// The cookie. With this prefix a browser takes it from this very host only, by HTTPS and for all paths:
/// <https://developer.mozilla.org/docs/Web/HTTP/Headers/Set-Cookie#cookie_prefixes>.
const COOKIE: &str = "__Host-ado-lens-sign-in";

/// How long a sign-in may take.
pub(crate) const LIFETIME_S: i64 = 600;

/// Both halves of a sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) state: String,
    browser: SecretString,
}

impl Session {
    /// A new one, of twice 256 bits; `None` if the machine has no randomness.
    pub(crate) fn new() -> Option<Self> {
        Some(Self {
            state: random()?,
            browser: random()?.into(),
        })
    }

    /// The one that a browser comes back with; `None` if it has no cookie of ours.
    pub(crate) fn returning(state: String, headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all("cookie").iter();
        let cookies = cookies.filter_map(|value| value.to_str().ok());
        let browser = cookies
            .flat_map(|value| value.split(';'))
            .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
        Some(Self {
            state,
            browser: browser.to_owned().into(),
        })
    }

    /// The cookie that a browser is to keep.
    pub(crate) fn cookie(&self) -> String {
        format!(
            "{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={LIFETIME_S}",
            self.browser.expose_secret()
        )
    }

    /// What the browser has, as the table keeps it.
    pub(crate) fn browser_hash(&self) -> String {
        hash(self.browser.expose_secret())
    }

    /// What only this sign-in can redeem its code with: <https://www.rfc-editor.org/rfc/rfc7636#section-4.1>.
    pub(crate) fn verifier(&self) -> SecretString {
        self.derived("verifier").into()
    }

    /// The hash of the verifier.
    pub(crate) fn challenge(&self) -> String {
        hash(&self.derived("verifier"))
    }

    /// What the ID token must hold, so that it is one of this sign-in.
    pub(crate) fn nonce(&self) -> String {
        self.derived("nonce")
    }

    fn derived(&self, what: &str) -> String {
        hash(&format!(
            "{what} {} {}",
            self.state,
            self.browser.expose_secret()
        ))
    }
}

/// The cookie that takes ours away.
pub(crate) fn no_cookie() -> String {
    format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// A text as the table keeps it.
pub(crate) fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

fn random() -> Option<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(axum::http::header::COOKIE, cookie.parse().unwrap())])
    }

    #[test]
    fn the_same_browser_comes_back_with_the_same_verifier() {
        let session = Session::new().unwrap();
        let cookie = session.cookie();
        let sent = format!("other=1; {}", cookie.split(';').next().unwrap());
        let back = Session::returning(session.state.clone(), &browser(&sent)).unwrap();
        assert_eq!(back.browser_hash(), session.browser_hash());
        assert_eq!(hash(back.verifier().expose_secret()), session.challenge());
    }

    #[test]
    fn another_browser_has_another_verifier() {
        let (mine, other) = (Session::new().unwrap(), Session::new().unwrap());
        let sent = other.cookie();
        let forged = Session::returning(mine.state.clone(), &browser(&sent)).unwrap();
        assert_ne!(forged.browser_hash(), mine.browser_hash());
        assert_ne!(
            forged.verifier().expose_secret(),
            mine.verifier().expose_secret()
        );
        assert!(Session::returning(mine.state, &HeaderMap::new()).is_none());
    }

    #[test]
    fn the_cookie_is_for_this_host_and_no_script() {
        let session = Session::new().unwrap();
        let cookie = session.cookie();
        for part in [
            "__Host-",
            "; Path=/;",
            "; Secure;",
            "; HttpOnly;",
            "SameSite=Lax",
        ] {
            assert!(cookie.contains(part), "{cookie}");
        }
        // 256 bits each.
        assert_eq!(session.state.len(), 43);
        assert!(!format!("{session:?}").contains(session.browser.expose_secret()));
    }
}
