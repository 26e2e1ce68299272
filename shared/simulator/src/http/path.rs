//! Where a request goes: host, organization, what stands before `_apis` and what after it.

/// A request path taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiPath {
    /// The host meant: `dev.azure.com` unless the path starts with `/_host/{name}`.
    pub(crate) host: String,
    pub(crate) organization: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) team: Option<String>,
    /// The decoded segments behind `_apis`; those of Analytics begin with `_odata`, which stands in its place.
    pub(crate) rest: Vec<String>,
}

impl ApiPath {
    /// Takes a path apart; `None` when it has no `_apis` segment in a possible place.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let mut segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode)
            .collect::<Vec<_>>();
        let host = if segments.len() >= 2 && segments[0] == "_host" {
            segments.drain(..2).nth(1)?
        } else {
            "dev.azure.com".to_owned()
        };
        let apis = segments.iter().position(|segment| is_area(segment))?;
        let mut rest = segments.split_off(apis);
        if rest[0].eq_ignore_ascii_case("_apis") {
            rest.remove(0);
        }
        if segments.len() > 3 {
            return None;
        }
        let mut before = segments.into_iter();
        Some(Self {
            host,
            organization: before.next(),
            project: before.next(),
            team: before.next(),
            rest,
        })
    }
}

fn is_area(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("_apis") || segment.eq_ignore_ascii_case("_odata")
}

fn decode(segment: &str) -> String {
    // Plus signs are literal in a path; the form decoder would turn them into spaces.
    let escaped = format!(
        "x={}",
        segment
            .replace('+', "%2B")
            .replace('&', "%26")
            .replace('=', "%3D")
    );
    url::form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_apart_and_decoded() {
        let path = ApiPath::parse("/fabrikam/Fabrikam%20Caf%C3%A9/_APIS/wit/wiql").expect("path");
        assert_eq!(path.organization.as_deref(), Some("fabrikam"));
        assert_eq!(path.project.as_deref(), Some("Fabrikam Café"));
        assert_eq!(path.team, None);
        assert_eq!(path.rest, ["wit", "wiql"]);
    }

    #[test]
    fn another_host_is_recognised() {
        let path = ApiPath::parse("/_host/vssps.dev.azure.com/fabrikam/_apis/a+b").expect("path");
        assert_eq!(
            (path.host.as_str(), path.rest[0].as_str()),
            ("vssps.dev.azure.com", "a+b")
        );
        assert_eq!(ApiPath::parse("/fabrikam/web"), None);
    }
}
