//! Taking a page apart without copying it.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::Error;

/// The parts of a page, borrowed from its body.
#[derive(Debug, Default)]
pub struct Page<'a> {
    /// The items, each still JSON, so that one bad item does not spoil its neighbours.
    pub items: Vec<&'a RawValue>,
    /// `continuationToken`.
    pub token: Option<String>,
    /// `isLastBatch`.
    pub is_last_batch: Option<bool>,
    /// `@odata.nextLink` or `nextLink`.
    pub next_link: Option<String>,
}

/// Splits a body into its items in one pass. `items_key` is where they are (`value`, `values`, `records` ...); a body
/// that is a bare array is all items, and an empty body (status 204) has none. With an empty key the body itself is the
/// one item.
///
/// # Errors
/// [`Error::NotAPage`] if the key is missing or holds no list; [`Error::CutPage`] if the JSON ends too early.
pub fn parse_page<'a>(body: &'a [u8], items_key: &str) -> Result<Page<'a>, Error> {
    let body = without_bom(body);
    if body.is_empty() {
        return Ok(Page::default());
    }
    if items_key.is_empty() {
        let item = serde_json::from_slice(body).map_err(|error| misread(&error, items_key))?;
        return Ok(Page {
            items: vec![item],
            ..Page::default()
        });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    PageSeed { items_key }
        .deserialize(&mut deserializer)
        .and_then(|page| deserializer.end().map(|()| page))
        .map_err(|error| misread(&error, items_key))
}

/// Reads a body that is one document; `expected` names what it must have, for the message.
pub(crate) fn parse_json<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<T, Error> {
    serde_json::from_slice(without_bom(body)).map_err(|error| misread(&error, expected))
}

/// The service does send a byte order mark now and then, and JSON has no place for it.
fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

fn misread(error: &serde_json::Error, expected: &str) -> Error {
    if error.is_eof() {
        return Error::CutPage;
    }
    let kind = if error.is_syntax() {
        "its json is malformed"
    } else {
        "its shape is another"
    };
    let problem = format!("{kind} (line {}, column {})", error.line(), error.column());
    Error::NotAPage {
        expected: expected.to_owned(),
        problem,
    }
}

struct PageSeed<'k> {
    items_key: &'k str,
}

impl<'de> DeserializeSeed<'de> for PageSeed<'_> {
    type Value = Page<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_> {
    type Value = Page<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "a list, or an object with the list `{}`",
            self.items_key
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Page<'de>, A::Error> {
        let mut page = Page::default();
        while let Some(item) = seq.next_element()? {
            page.items.push(item);
        }
        Ok(page)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<'de>, A::Error> {
        let mut page = Page::default();
        let mut items: Option<Option<Vec<&'de RawValue>>> = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                key if key == self.items_key => items = Some(map.next_value()?),
                "continuationToken" => page.token = map.next_value::<Token>()?.0,
                "isLastBatch" => page.is_last_batch = map.next_value()?,
                "nextLink" | "@odata.nextLink" => {
                    page.next_link = map
                        .next_value::<Option<String>>()?
                        .filter(|link| !link.is_empty());
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        match items {
            // The service writes an empty list as `null` where its code had none.
            Some(items) => page.items = items.unwrap_or_default(),
            None => return Err(serde::de::Error::custom("the list is missing")),
        }
        Ok(page)
    }
}

/// A token, which some endpoints write as a number. Absent, `null` and empty mean the same.
struct Token(Option<String>);

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Text(String),
            Number(i64),
        }
        let token = Option::<Wire>::deserialize(deserializer)?.map(|wire| match wire {
            Wire::Text(text) => text,
            Wire::Number(number) => number.to_string(),
        });
        Ok(Self(token.filter(|token| !token.is_empty())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(body: &str, key: &str) -> Vec<String> {
        let page = parse_page(body.as_bytes(), key).unwrap();
        page.items
            .iter()
            .map(|item| item.get().to_owned())
            .collect()
    }

    #[test]
    fn items_are_slices_of_the_body_as_they_were_sent() {
        let body = r#"{"count":2,"value":[{"a" : 1.50},"x"]}"#;
        assert_eq!(items(body, "value"), [r#"{"a" : 1.50}"#, r#""x""#]);
        let page = parse_page(body.as_bytes(), "value").unwrap();
        assert!(
            body.as_bytes()
                .as_ptr_range()
                .contains(&page.items[0].get().as_ptr())
        );
    }

    #[test]
    fn every_envelope_of_the_service_is_understood() {
        assert_eq!(items("[1,2]", "value"), ["1", "2"]);
        assert_eq!(items("\u{feff}{\"value\":[1]}", "value"), ["1"]);
        assert_eq!(items(r#"{"records":[1],"value":[2]}"#, "records"), ["1"]);
        assert_eq!(items(r#"{"value":null}"#, "value"), Vec::<String>::new());
        assert_eq!(items("", "value"), Vec::<String>::new());
        assert_eq!(items(r#"{"value":[1]}"#, ""), [r#"{"value":[1]}"#]);
    }

    #[test]
    fn keys_of_nested_objects_are_not_the_pages_own() {
        let body = r#"{"x":{"value":[1],"isLastBatch":true},"value":[2],"isLastBatch":false}"#;
        let page = parse_page(body.as_bytes(), "value").unwrap();
        assert_eq!(page.items[0].get(), "2");
        assert_eq!(page.is_last_batch, Some(false));
    }

    #[test]
    fn tokens_come_as_text_number_or_nothing() {
        let token = |json: &str| {
            let body = format!(r#"{{"continuationToken":{json},"value":[]}}"#);
            parse_page(body.as_bytes(), "value").unwrap().token
        };
        assert_eq!(token(r#""813;350;1""#).as_deref(), Some("813;350;1"));
        assert_eq!(token("42").as_deref(), Some("42"));
        assert_eq!(token("null"), None);
        assert_eq!(token(r#""""#), None);
    }

    #[test]
    fn a_missing_list_is_never_an_empty_one() {
        for body in [
            r#"{"count":0}"#,
            r#"{"Value":[]}"#,
            r#"{"value":{}}"#,
            r#"{"value":"x"}"#,
        ] {
            let page = parse_page(body.as_bytes(), "value");
            assert!(matches!(page, Err(Error::NotAPage { .. })), "{body}");
        }
        for body in [
            "null",
            "true",
            "\"x\"",
            "{\"value\":[]} x",
            "[1]]",
            "<html>",
        ] {
            let page = parse_page(body.as_bytes(), "value");
            assert!(matches!(page, Err(Error::NotAPage { .. })), "{body}");
        }
    }

    #[test]
    fn a_page_that_is_cut_anywhere_is_no_page() {
        let body = r#"{"count":2,"value":[{"id":1},{"id":2}],"continuationToken":"x"}"#;
        for length in 1..body.len() {
            let page = parse_page(&body.as_bytes()[..length], "value");
            assert!(matches!(page, Err(Error::CutPage)), "{length}");
        }
    }

    #[test]
    fn the_message_says_where_and_not_what() {
        let error = parse_page(br#"{"value":[{"secret":tru}]}"#, "value").unwrap_err();
        let sentence = error.to_string();
        assert!(
            sentence.contains("line 1") && !sentence.contains("secret"),
            "{sentence}"
        );
    }
}
