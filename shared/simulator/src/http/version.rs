//! The `api-version` rules.
//!
//! <https://learn.microsoft.com/azure/devops/integrate/concepts/rest-api-versioning>

use http::{HeaderMap, StatusCode, header};

use crate::http::query::Query;
use crate::http::refusal::Refusal;

/// Checks the version that a request names in its query or in its `Accept` header.
pub(crate) fn check(
    method: &str,
    query: &Query,
    headers: &HeaderMap,
    preview_only: bool,
) -> Result<(), Refusal> {
    let asked = query
        .text(&["api-version"])
        .map(str::to_owned)
        .or_else(|| from_accept(headers));
    let Some(version) = asked else {
        return Err(not_specified(method));
    };
    let (number, preview) = version
        .split_once('-')
        .map_or((version.as_str(), None), |(number, rest)| {
            (number, Some(rest))
        });
    let tenths = number.split_once('.').and_then(|(major, minor)| {
        Some(major.parse::<u32>().ok()? * 10 + minor.parse::<u32>().ok()?)
    });
    let is_preview = preview.is_some_and(|rest| rest == "preview" || rest.starts_with("preview."));
    if preview.is_some() && !is_preview {
        return Err(Refusal::bad_value("api-version", &version));
    }
    match tenths {
        None => Err(Refusal::bad_value("api-version", &version)),
        Some(50..=72) if is_preview => Ok(()),
        Some(50..=71) if !preview_only => Ok(()),
        Some(50..=72) => Err(under_preview(&version)),
        Some(_) => Err(out_of_range(&version)),
    }
}

fn from_accept(headers: &HeaderMap) -> Option<String> {
    let accept = headers.get(header::ACCEPT)?.to_str().ok()?;
    let mut parts = accept.split([';', ',']).map(str::trim);
    parts
        .find_map(|part| part.strip_prefix("api-version="))
        .map(str::to_owned)
}

fn not_specified(method: &str) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "VssVersionNotSpecifiedException",
        format!(
            "No api-version was supplied for the \"{method}\" request. The version must be supplied either as part of the Accept \
             header (e.g. \"application/json; api-version=1.0\") or as a query parameter (e.g. \"?api-version=1.0\")."
        ),
    )
}

fn under_preview(version: &str) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "VssInvalidPreviewVersionException",
        format!(
            "The requested version \"{version}\" of the resource is under preview. The -preview flag must be supplied in the \
             api-version for such requests. For example: \"{version}-preview\""
        ),
    )
}

fn out_of_range(version: &str) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "VssVersionOutOfRangeException",
        format!(
            "The requested REST API version of {version} is out of range for this server. The latest REST API version this server supports is 7.2."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(query: &str, preview_only: bool) -> bool {
        check("GET", &Query::parse(query), &HeaderMap::new(), preview_only).is_ok()
    }

    #[test]
    fn a_version_is_required_and_must_be_a_served_one() {
        assert!(!is_accepted("", false));
        for good in ["5.0", "7.1", "7.1-preview.4", "7.2-preview.1"] {
            assert!(is_accepted(&format!("api-version={good}"), false), "{good}");
        }
        for bad in ["4.1", "7.2", "7.3-preview", "seven", "7.1-beta"] {
            assert!(!is_accepted(&format!("api-version={bad}"), false), "{bad}");
        }
    }

    #[test]
    fn a_preview_only_resource_refuses_a_plain_version() {
        assert!(!is_accepted("api-version=7.1", true));
        assert!(is_accepted("api-version=7.1-preview.1", true));
    }

    #[test]
    fn the_accept_header_may_carry_the_version() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            http::HeaderValue::from_static("application/json;api-version=7.1-preview.1"),
        );
        assert!(check("GET", &Query::default(), &headers, true).is_ok());
    }
}
