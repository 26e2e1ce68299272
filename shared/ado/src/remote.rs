//! What Microsoft writes into the body of a failure.

use std::borrow::Cow;

use serde::Deserialize;

/// The parts of an error body that decide something.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Remote {
    /// `TF400813`, `VS403463` ...
    pub(crate) code: Option<String>,
    /// The class of the error, `UnauthorizedRequestException` ...
    pub(crate) type_key: Option<String>,
    /// The sentence, on one line and not longer than [`LONGEST_MESSAGE`].
    pub(crate) message: Option<String>,
}

/// Enough for every sentence of Microsoft's that names a cause; more is a stack trace or a page.
const LONGEST_MESSAGE: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    type_key: Option<Cow<'a, str>>,
}

impl Remote {
    /// Reads the body of a failure, which can be JSON, HTML, text, cut off, or nothing.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        match serde_json::from_slice::<ErrorBody<'_>>(body) {
            Ok(parsed) => Self {
                code: parsed.message.as_deref().and_then(find_code),
                type_key: parsed.type_key.map(Cow::into_owned),
                message: parsed.message.as_deref().and_then(tidy),
            },
            Err(_) => Self {
                code: find_code(&String::from_utf8_lossy(body)),
                ..Self::default()
            },
        }
    }

    /// Whether the error has this code.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

/// The first `TF` or `VS` that stands at the start of a word and is followed by four digits or more.
fn find_code(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| is_code(word))
        .map(str::to_owned)
}

fn is_code(word: &str) -> bool {
    let digits = word
        .strip_prefix("TF")
        .or_else(|| word.strip_prefix("VS"))
        .unwrap_or_default();
    (4..=9).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
}

fn tidy(message: &str) -> Option<String> {
    let line = message
        .split(['\r', '\n'])
        .map(str::trim)
        .find(|line| !line.is_empty())?;
    Some(
        line.chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_MESSAGE)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_error_gives_code_class_and_sentence() {
        let body = br#"{"$id":"1","innerException":null,"message":"TF401019: The Git repository with name or identifier x does not exist.","typeName":"Microsoft.X, Y","typeKey":"GitRepositoryNotFoundException","errorCode":0,"eventId":3000}"#;
        let remote = Remote::parse(body);
        assert!(remote.has_code("TF401019"));
        assert_eq!(
            remote.type_key.as_deref(),
            Some("GitRepositoryNotFoundException")
        );
        assert!(
            remote
                .message
                .unwrap()
                .starts_with("TF401019: The Git repository")
        );
    }

    #[test]
    fn a_byte_order_mark_hides_nothing() {
        let remote = Remote::parse(b"\xef\xbb\xbf{\"message\":\"TF24668: stopped\"}");
        assert!(remote.has_code("TF24668"));
    }

    #[test]
    fn a_page_gives_its_code_only() {
        let remote = Remote::parse(b"<html><p>VS403463: The conditional access policy</p>");
        assert_eq!(
            remote,
            Remote {
                code: Some("VS403463".to_owned()),
                ..Remote::default()
            }
        );
    }

    #[test]
    fn words_that_look_like_codes_are_none() {
        for text in [
            "",
            "TF",
            "VSTS",
            "VS 400813",
            "TF12",
            "xTF400813",
            "TF400813x",
            "TF1234567890",
        ] {
            assert_eq!(find_code(text), None, "{text}");
        }
        assert_eq!(find_code("see (VS800075)").as_deref(), Some("VS800075"));
    }

    #[test]
    fn a_long_message_is_one_bounded_line() {
        let body = format!(
            r#"{{"message":"\r\n first\u0007 {}\nat Stack.Trace()"}}"#,
            "ü".repeat(900)
        );
        let message = Remote::parse(body.as_bytes()).message.unwrap();
        assert!(message.starts_with("first "));
        assert_eq!(message.chars().count(), LONGEST_MESSAGE);
        assert!(!message.contains("Stack"));
    }

    #[test]
    fn nothing_says_nothing() {
        for body in [
            &b""[..],
            b"{}",
            b"[]",
            b"null",
            b"\xff\xfe",
            br#"{"message":"  "}"#,
        ] {
            assert_eq!(Remote::parse(body), Remote::default(), "{body:?}");
        }
    }
}
