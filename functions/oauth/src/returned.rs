//! What Entra ID sends the browser back with.

use secrecy::SecretString;

/// The query of the way back: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2>.
#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) state: String,
    pub(crate) result: Result<SecretString, Refused>,
}

/// A sign-in that Entra ID ended without a code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// A word of OAuth 2.0, such as `access_denied`.
    pub(crate) error: String,
    /// The number behind `AADSTS`; 0 if there is none.
    pub(crate) code: u32,
}

impl Returned {
    /// Reads a query; `None` if it is no answer to a sign-in: something is missing or stands there twice.
    pub(crate) fn parse(query: &str) -> Option<Self> {
        let (mut state, mut code, mut error, mut description) = (None, None, None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let field = match &*name {
                "state" => &mut state,
                "code" => &mut code,
                "error" => &mut error,
                "error_description" => &mut description,
                _ => continue,
            };
            if field.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        let result = match (code, error) {
            (Some(code), None) => Ok(code.into()),
            (None, Some(error)) => Err(Refused {
                error: word(error),
                code: number(&description.unwrap_or_default()),
            }),
            _ => return None,
        };
        Some(Self {
            state: state?,
            result,
        })
    }
}

/// Errors are words of lower-case letters; anything else was not written by Entra ID and is not shown.
fn word(error: String) -> String {
    let is_word = error.len() <= 64 && error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    match is_word {
        true => error,
        false => "unknown".to_owned(),
    }
}

/// The number behind `AADSTS` in a description.
fn number(description: &str) -> u32 {
    let digits = description.split("AADSTS").nth(1).unwrap_or_default();
    let end = digits.find(|c: char| !c.is_ascii_digit());
    digits[..end.unwrap_or(digits.len())]
        .parse()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_code_or_a_refusal_comes_back_with_the_state() {
        let good = Returned::parse("code=a%2Fb&state=s&session_state=x").unwrap();
        assert_eq!(good.state, "s");
        assert_eq!(good.result.unwrap().expose_secret(), "a/b");
        let query = "error=access_denied&error_description=AADSTS65004%3A+declined&state=s";
        let refused = Refused {
            error: "access_denied".to_owned(),
            code: 65004,
        };
        let result = Returned::parse(query).unwrap().result;
        assert_eq!(result.unwrap_err(), refused);
    }

    #[test]
    fn anything_else_is_no_answer() {
        for query in [
            "",
            "code=a",
            "state=s",
            "code=a&state=s&state=t",
            "code=a&code=b&state=s",
            "code=a&error=b&state=s",
        ] {
            assert!(Returned::parse(query).is_none(), "{query}");
        }
    }

    #[test]
    fn words_of_others_are_not_passed_on() {
        let query = "error=Call+0900+now&error_description=AADSTS&state=s";
        let refused = Returned::parse(query).unwrap().result.unwrap_err();
        assert_eq!((refused.error.as_str(), refused.code), ("unknown", 0));
    }
}
