//! What many bodies have in common: lenient times, identities, enums that grow.
//!
//! Strings are borrowed from the body where they can be. Nothing here fails a page: a time that cannot be read is a
//! missing time, and a missing time fails an item only where the record cannot be without it.

use std::borrow::Cow;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use model::record::Identity;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::MapError;

/// A time of Azure DevOps: UTC with up to seven fractional digits, sometimes without a zone, and
/// `0001-01-01T00:00:00` or `9999-01-01T00:00:00Z` for "none".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time(pub Option<Timestamp>);

impl Time {
    /// Reads a time; anything that is none is `None`.
    pub fn parse(text: &str) -> Self {
        if text.starts_with("0001-01-01") || text.starts_with("9999-") {
            return Self(None);
        }
        let instant = text.parse::<Timestamp>().ok().or_else(|| {
            let local: DateTime = text.parse().ok()?;
            Some(local.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
        });
        Self(instant)
    }

    /// The time, which the record cannot be without.
    ///
    /// # Errors
    /// There is none.
    pub fn required(self, name: &str) -> Result<Timestamp, MapError> {
        self.0
            .ok_or_else(|| MapError::new(format!("`{name}` is missing or no time")))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<Text<'de>>::deserialize(deserializer)?;
        Ok(text.map(|text| Self::parse(&text.0)).unwrap_or_default())
    }
}

/// A text, borrowed if it has no escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Text<'_> {
    /// The text as the record's own.
    pub fn owned(self) -> String {
        self.0.into_owned()
    }
}

/// The text of an optional field; empty is none.
pub fn some(text: Option<Text<'_>>) -> Option<String> {
    text.map(Text::owned).filter(|text| !text.is_empty())
}

/// A reference to a person or service account:
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project#identityref>.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityRef<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    display_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    unique_name: Option<Text<'a>>,
}

impl IdentityRef<'_> {
    /// The identity, or `None` if every part is missing.
    pub fn identity(self) -> Option<Identity> {
        let identity = Identity {
            id: some(self.id),
            name: some(self.display_name),
            unique_name: some(self.unique_name),
        };
        (identity != Identity::default()).then_some(identity)
    }
}

/// A person in a work item's field: an object, or `Name <address>` as older answers write it.
pub fn identity_in_text(text: &str) -> Identity {
    match text
        .strip_suffix('>')
        .and_then(|text| text.rsplit_once('<'))
    {
        Some((name, address)) => Identity {
            id: None,
            name: Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
            unique_name: Some(address.trim().to_owned()).filter(|address| !address.is_empty()),
        },
        None => Identity {
            id: None,
            name: Some(text.trim().to_owned()),
            unique_name: None,
        },
    }
}

/// An enumeration of Azure DevOps: compared without regard to case, because the service is not always consistent.
pub fn is(text: &str, value: &str) -> bool {
    text.eq_ignore_ascii_case(value)
}

/// A part that is nice to have: of another shape than documented it counts as absent, and the rest of the item is kept.
pub(crate) fn if_shaped<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let raw: Option<&'de RawValue> = Deserialize::deserialize(deserializer)?;
    Ok(raw.and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_service_writes_them() {
        let instant = |text: &str| Time::parse(text).0.map(|at| at.to_string());
        let seven_digits = instant("2026-06-30T18:11:18.0929091Z");
        assert_eq!(
            seven_digits.as_deref(),
            Some("2026-06-30T18:11:18.0929091Z")
        );
        assert_eq!(
            instant("2026-06-30T18:11:18").as_deref(),
            Some("2026-06-30T18:11:18Z")
        );
        assert_eq!(
            instant("2026-07-04T12:00:01+02:00").as_deref(),
            Some("2026-07-04T10:00:01Z")
        );
        for none in [
            "0001-01-01T00:00:00",
            "9999-01-01T00:00:00Z",
            "",
            "yesterday",
        ] {
            assert_eq!(instant(none), None, "{none}");
        }
    }

    #[test]
    fn a_person_in_a_text_is_taken_apart() {
        let identity = identity_in_text("Jamal Hartnett <jamal@fabrikam.com>");
        assert_eq!(identity.name.as_deref(), Some("Jamal Hartnett"));
        assert_eq!(identity.unique_name.as_deref(), Some("jamal@fabrikam.com"));
        assert_eq!(identity_in_text("Build").name.as_deref(), Some("Build"));
    }

    #[test]
    fn a_text_with_escapes_is_read_too() {
        let text: Text<'_> = serde_json::from_str(r#""a\u00e9\n""#).unwrap();
        assert_eq!(text.0, "aé\n");
    }
}
