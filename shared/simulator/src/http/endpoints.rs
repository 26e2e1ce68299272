//! What can be asked, and how a request is matched with it.

use crate::http::call::Call;
use crate::http::endpoint_table::ENDPOINTS;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;

/// What answers a request that got through.
pub(crate) type Handler = fn(&Call<'_>) -> Result<Reply, Refusal>;

/// One thing that can be asked.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Its name in the log.
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    /// Where it is served.
    pub(crate) host: &'static str,
    /// Its path behind `_apis`; `{name}` stands for one segment, `{name*}` for the rest.
    pub(crate) template: &'static str,
    pub(crate) project: ProjectInPath,
    /// One of these scopes is needed; none for discovery.
    pub(crate) scopes: &'static [&'static str],
    /// The query parameters it knows besides `api-version`.
    pub(crate) parameters: &'static [&'static str],
    pub(crate) version: Version,
    pub(crate) handler: Handler,
}

/// Whether a project stands before `_apis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProjectInPath {
    Never,
    Optional,
    Required,
    /// Optional, with an optional team behind it.
    WithTeam,
}

/// What `api-version` must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// None needed.
    Free,
    Released,
    PreviewOnly,
}

/// The host of nearly everything.
pub(crate) const CORE: &str = "dev.azure.com";
/// The host of classic releases: <https://learn.microsoft.com/rest/api/azure/devops/release/deployments/list>.
pub(crate) const RELEASE: &str = "vsrm.dev.azure.com";

/// The host of bulk queries: <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-query-guidelines>.
pub(crate) const ANALYTICS: &str = "analytics.dev.azure.com";

/// The host of people and their organizations; its paths name none:
/// <https://learn.microsoft.com/rest/api/azure/devops/account/accounts/list>.
pub(crate) const PROFILE: &str = "app.vssps.visualstudio.com";

/// The host of test results: <https://learn.microsoft.com/rest/api/azure/devops/testresults/codecoverage/get>.
pub(crate) const TEST_RESULTS: &str = "vstmr.dev.azure.com";

/// Finds the endpoint for a method, a host and the segments behind `_apis`, with the values of its placeholders.
pub(crate) fn find(
    method: &str,
    host: &str,
    rest: &[String],
) -> Option<(&'static Endpoint, Vec<String>)> {
    ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.method == method && endpoint.host == host)
        .find_map(|endpoint| Some((endpoint, endpoint.captures(rest)?)))
}

impl Endpoint {
    /// An endpoint that is read with `GET` under a released version.
    pub(crate) const fn get(
        name: &'static str,
        template: &'static str,
        project: ProjectInPath,
        scopes: &'static [&'static str],
        parameters: &'static [&'static str],
        handler: Handler,
    ) -> Self {
        Self {
            name,
            method: "GET",
            host: CORE,
            template,
            project,
            scopes,
            parameters,
            version: Version::Released,
            handler,
        }
    }

    /// The same with `POST`.
    pub(crate) const fn post(
        name: &'static str,
        template: &'static str,
        project: ProjectInPath,
        scopes: &'static [&'static str],
        parameters: &'static [&'static str],
        handler: Handler,
    ) -> Self {
        Self {
            method: "POST",
            ..Self::get(name, template, project, scopes, parameters, handler)
        }
    }

    fn captures(&self, rest: &[String]) -> Option<Vec<String>> {
        let mut captured = Vec::new();
        let mut segments = rest.iter();
        for part in self.template.split('/').filter(|part| !part.is_empty()) {
            if part.ends_with("*}") {
                let tail: Vec<String> = segments.by_ref().cloned().collect();
                captured.push(tail.join("\\"));
                continue;
            }
            let segment = segments.next()?;
            if part.starts_with('{') {
                captured.push(segment.clone());
            } else if !part.eq_ignore_ascii_case(segment) {
                return None;
            }
        }
        segments.next().is_none().then_some(captured)
    }

    /// Whether the endpoint knows a query parameter.
    pub(crate) fn knows(&self, parameter: &str) -> bool {
        parameter.eq_ignore_ascii_case("api-version")
            || self
                .parameters
                .iter()
                .any(|own| own.eq_ignore_ascii_case(parameter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(method: &str, path: &str) -> Option<&'static str> {
        let rest: Vec<String> = path.split('/').map(str::to_owned).collect();
        find(method, CORE, &rest).map(|(endpoint, _)| endpoint.name)
    }

    #[test]
    fn endpoints_are_found_without_regard_to_case() {
        assert_eq!(name_of("GET", "GIT/Repositories"), Some("repositories"));
        assert_eq!(name_of("GET", "git/repositories/x"), Some("repository"));
        assert_eq!(name_of("POST", "git/repositories"), None);
        assert_eq!(name_of("GET", "git/refs"), None);
    }

    #[test]
    fn every_endpoint_has_a_name_of_its_own_within_its_method_and_template() {
        for (n, one) in ENDPOINTS.iter().enumerate() {
            for other in &ENDPOINTS[n + 1..] {
                assert!(
                    (one.method, one.host, one.template)
                        != (other.method, other.host, other.template),
                    "{} is shadowed",
                    other.name
                );
            }
        }
    }
}
