//! The one place where an answer becomes a success or an error.

use http::{HeaderMap, header};

use crate::{Error, Host, Pacing, remote::Remote};

/// The head of an answer and the beginning of its body: all that decides what it is.
pub(crate) struct Head<'a> {
    pub(crate) host: Host,
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) pacing: &'a Pacing,
}

/// What a success holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A JSON document.
    Json,
    /// Nothing, by intention (status 204).
    Nothing,
}

/// Says what an answer is. `prefix` is the beginning of the body; for a failure it should hold all of a JSON body.
///
/// A success is only what is JSON: a credential that is no longer valid is answered with a sign-in page, whose status
/// depends on the path that led to it (203, 302 or 200).
pub(crate) fn classify(head: &Head<'_>, prefix: &[u8]) -> Result<Content, Error> {
    let &Head { host, status, .. } = head;
    match status {
        203 | 302 | 303 => Err(Error::SignIn { host, status }),
        204 => Ok(Content::Nothing),
        200..=202 => success(head, prefix),
        _ => Err(failure(head, Remote::parse(prefix))),
    }
}

fn success(head: &Head<'_>, prefix: &[u8]) -> Result<Content, Error> {
    let &Head {
        host,
        status,
        headers,
        ..
    } = head;
    let media_type = media_type(headers);
    let start = prefix
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(prefix)
        .trim_ascii_start();
    if media_type == "text/html" || is_html(start) {
        return Err(Error::SignIn { host, status });
    }
    let named = media_type == "application/json" || media_type.ends_with("+json");
    // An answer without a type is taken for what it looks like.
    let unnamed = media_type.is_empty() && matches!(start.first(), Some(b'{' | b'['));
    if named && start.is_empty() {
        return Err(Error::Truncated { host });
    }
    if !named && !unnamed {
        return Err(Error::NotJson {
            host,
            content_type: shown(media_type),
        });
    }
    Ok(Content::Json)
}

fn failure(head: &Head<'_>, remote: Remote) -> Error {
    let &Head {
        host,
        status,
        pacing,
        ..
    } = head;
    let after = pacing.retry_after;
    let stopped = remote.has_code("TF24668") && after.is_none();
    let blocked = remote.has_code("VS403463");
    // `TF400813` has the same class; it is about the credential in this organization, the class alone about one scope.
    let scope_only = remote.type_key.as_deref() == Some("UnauthorizedRequestException")
        && !remote.has_code("TF400813");
    let Remote {
        code,
        type_key,
        message,
    } = remote;
    match (status, code) {
        (401 | 403, Some(code)) if blocked => Error::ConditionalAccess { code, message },
        (401, code) if !scope_only => Error::Unauthorized {
            host,
            code,
            message,
        },
        (401 | 403, code) => Error::Forbidden {
            host,
            code,
            message,
        },
        (404, code) => Error::Missing {
            host,
            code,
            message,
        },
        (429, _) => Error::Throttled { host, after },
        (503, Some(code)) if stopped => Error::Stopped { code, message },
        (408 | 500.., code) => Error::Unavailable {
            host,
            status,
            code,
            after,
        },
        (_, code) => Error::Rejected {
            host,
            status,
            code: code.or(type_key),
            message,
        },
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}

fn is_html(start: &[u8]) -> bool {
    ["<!doctype html", "<html"].iter().any(|opening| {
        start
            .get(..opening.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(opening.as_bytes()))
    })
}

/// A media type for a message: named if there is none, bounded if it is long.
fn shown(media_type: String) -> String {
    if media_type.is_empty() {
        return "no content type".to_owned();
    }
    media_type.chars().take(100).collect()
}

#[cfg(test)]
mod tests;
