//! Personal access tokens and what they may read.
//!
//! <https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate>

use std::collections::BTreeSet;

use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use crate::world::random::Random;

/// Every scope that some simulated endpoint needs.
pub const ALL_SCOPES: [&str; 8] = [
    "vso.analytics",
    "vso.build",
    "vso.code",
    "vso.profile",
    "vso.project",
    "vso.release",
    "vso.test",
    "vso.work",
];

/// One personal access token.
#[derive(Clone, Debug)]
pub struct Pat {
    /// The secret itself.
    pub token: SecretString,
    /// The id of the person it acts as; any GUID will do, unknown ones get a made-up name.
    pub owner: Uuid,
    /// The one organization it is for.
    pub organization: String,
    /// Scopes such as `vso.work`.
    pub scopes: BTreeSet<String>,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// Whether it was taken back.
    pub revoked: bool,
    /// Projects that its owner cannot see.
    pub denied_projects: BTreeSet<Uuid>,
}

impl Pat {
    /// Whether the token still opens its organization at `now`.
    pub(crate) fn is_alive(&self, organization: &str, now: Timestamp) -> bool {
        !self.revoked
            && now < self.expires_at
            && self.organization.eq_ignore_ascii_case(organization)
    }

    /// Whether the token carries `scope`, or one that includes it (`vso.work_write` includes `vso.work`).
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| {
            own == scope
                || own
                    .strip_prefix(scope)
                    .is_some_and(|rest| rest.starts_with('_'))
        })
    }
}

/// Makes a token in today's format: 84 characters with the provider signature `AZDO` at position 76.
///
/// <https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate#format-changes>
pub(crate) fn make_token(random: &mut Random) -> SecretString {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut letters = |count: usize| -> String {
        (0..count)
            .map(|_| char::from(*random.pick(ALPHABET)))
            .collect()
    };
    SecretString::from(format!(
        "{}JQQJ99{}AZDO{}",
        letters(52),
        letters(18),
        letters(4)
    ))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_token_has_the_published_length_and_signature() {
        let token = make_token(&mut Random::stream(&[7]));
        let text = token.expose_secret();
        assert_eq!(text.len(), 84);
        assert_eq!(&text[76..80], "AZDO");
    }

    #[test]
    fn a_wider_scope_includes_the_narrower_one() {
        let mut pat = Pat {
            token: SecretString::from("x"),
            owner: Uuid::nil(),
            organization: "fabrikam".to_owned(),
            scopes: BTreeSet::from(["vso.work_write".to_owned()]),
            expires_at: Timestamp::MAX,
            revoked: false,
            denied_projects: BTreeSet::new(),
        };
        assert!(pat.has_scope("vso.work"));
        assert!(!pat.has_scope("vso.code"));
        pat.revoked = true;
        assert!(!pat.is_alive("fabrikam", Timestamp::UNIX_EPOCH));
    }
}
