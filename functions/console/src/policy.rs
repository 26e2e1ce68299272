//! What a browser is told about how far the pages may be trusted.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

/// The headers of every answer.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    headers: HeaderMap,
}

/// The issuer's address is none that a header can name.
#[derive(Debug, thiserror::Error)]
#[error("the token issuer `{0}` is no http address")]
pub struct UnusableIssuer(String);

impl Policy {
    /// Allows the pages to talk to their own host and to the issuer, and to run and look like nothing but their own files.
    ///
    /// # Errors
    /// The issuer has no address that can be allowed.
    pub(crate) fn new(issuer: &str) -> Result<Self, UnusableIssuer> {
        let unusable = || UnusableIssuer(issuer.to_owned());
        let origin = Url::parse(issuer).map_err(|_| unusable())?.origin();
        if !origin.is_tuple() {
            return Err(unusable());
        }
        let content = [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "font-src 'self'",
            &format!("connect-src 'self' {}", origin.ascii_serialization()),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ];
        let content = HeaderValue::from_str(&content.join("; ")).map_err(|_| unusable())?;
        let fixed = [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            ),
        ];
        let mut headers: HeaderMap = fixed
            .into_iter()
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect();
        headers.insert(header::CONTENT_SECURITY_POLICY, content);
        Ok(Self { headers })
    }

    /// Adds them to an answer's.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        headers.extend(self.headers.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_inline_runs_and_nobody_else_is_talked_to() {
        let policy = Policy::new("https://login.microsoftonline.com/tenant/v2.0").unwrap();
        let content = policy.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(content.contains("connect-src 'self' https://login.microsoftonline.com;"));
        assert!(content.contains("script-src 'self';") && content.contains("style-src 'self';"));
        assert!(!content.contains("unsafe") && !content.contains('*'));
    }

    #[test]
    fn an_issuer_without_an_address_is_refused() {
        for issuer in ["", "login", "data:text/plain,x", "https://"] {
            assert!(Policy::new(issuer).is_err(), "{issuer}");
        }
    }
}
