//! Query parameters: names without regard to case, values typed or refused.

use std::str::FromStr;

use jiff::{Timestamp, civil, tz::Offset};

use crate::http::refusal::Refusal;

/// A decoded query string.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self(
            url::form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The value of the first parameter with one of the names; an empty value counts as absent.
    pub(crate) fn text(&self, names: &[&str]) -> Option<&str> {
        let matches = |own: &str| names.iter().any(|name| name.eq_ignore_ascii_case(own));
        self.0
            .iter()
            .find(|(own, value)| matches(own) && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.text(&[name]).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(Refusal::bad_value(name, other)),
        }
    }

    pub(crate) fn number<T: FromStr>(&self, names: &[&str]) -> Result<Option<T>, Refusal> {
        let parse = |value: &str| {
            value
                .parse()
                .map_err(|_| Refusal::bad_value(names[0], value))
        };
        self.text(names).map(parse).transpose()
    }

    pub(crate) fn time(&self, names: &[&str]) -> Result<Option<Timestamp>, Refusal> {
        let parse =
            |value: &str| parse_time(value).ok_or_else(|| Refusal::bad_value(names[0], value));
        self.text(names).map(parse).transpose()
    }

    /// A comma list; `None` when absent.
    pub(crate) fn list(&self, names: &[&str]) -> Option<Vec<&str>> {
        self.text(names).map(|value| {
            value
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .collect()
        })
    }
}

/// Reads an instant as the service does: with a zone, without (UTC), or a bare date, and to 100 nanoseconds: .NET reads
/// no more than seven digits of a second.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    if fraction.chars().take_while(char::is_ascii_digit).count() > 7 {
        return None;
    }
    let in_utc = |value: civil::DateTime| Offset::UTC.to_timestamp(value).ok();
    text.parse()
        .ok()
        .or_else(|| text.parse().ok().and_then(in_utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_without_regard_to_case_and_encoding() {
        let query = Query::parse("%24Top=5&searchcriteria.status=all&empty=");
        assert_eq!(query.number::<usize>(&["$top"]).expect("number"), Some(5));
        assert_eq!(query.text(&["searchCriteria.status"]), Some("all"));
        assert_eq!(query.text(&["empty"]), None);
        assert!(query.number::<usize>(&["searchCriteria.status"]).is_err());
    }

    #[test]
    fn instants_are_read_with_and_without_zone() {
        let expected: Timestamp = "2026-07-04T00:00:00Z".parse().expect("time");
        for text in [
            "2026-07-04T00:00:00Z",
            "2026-07-04T02:00:00+02:00",
            "2026-07-04T00:00:00",
            "2026-07-04",
        ] {
            assert_eq!(parse_time(text), Some(expected), "{text}");
        }
        assert_eq!(parse_time("yesterday"), None);
        assert!(parse_time("2026-07-04T00:00:00.1234567Z").is_some());
        assert_eq!(parse_time("2026-07-04T00:00:00.12345678Z"), None);
    }
}
