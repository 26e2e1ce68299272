//! One request, before it has an address or a signature.

use model::OrganizationName;
use url::Url;

use crate::{Error, Host, Hosts};

/// The methods that reading needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Most lists.
    Get,
    /// Queries whose criteria are too long for an address.
    Post,
}

/// What to ask for, as parts: [`Client::send`](crate::Client::send) alone turns them into an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where.
    pub host: Host,
    /// Whose; it becomes the first part of the path on every host that names it.
    pub organization: OrganizationName,
    /// The rest of the path, one part each, not encoded.
    pub path: Vec<String>,
    /// The query in order, not encoded.
    pub query: Vec<(String, String)>,
    /// A JSON document, for [`Method::Post`].
    pub body: Option<String>,
    /// A next link from a body. Only its query is used, instead of [`Request::query`], and only if it lies on
    /// [`Request::host`] and ends in the same path part; so a body can never say where a credential goes.
    pub link: Option<String>,
}

impl Request {
    /// A `GET` on [`Host::Core`], of a path such as `_apis/projects`.
    ///
    /// The path is split at `/`: anything that came from outside and is no id goes through [`Request::segment`].
    pub fn get(organization: &OrganizationName, path: &str) -> Self {
        Self {
            method: Method::Get,
            host: Host::Core,
            organization: organization.clone(),
            path: path.split('/').map(str::to_owned).collect(),
            query: Vec::new(),
            body: None,
            link: None,
        }
    }

    /// A `POST` of a JSON document, otherwise as [`Request::get`].
    pub fn post(organization: &OrganizationName, path: &str, body: String) -> Self {
        Self {
            method: Method::Post,
            body: Some(body),
            ..Self::get(organization, path)
        }
    }

    /// The same on another host.
    #[must_use]
    pub fn on(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Appends one part to the path, whatever characters it has.
    #[must_use]
    pub fn segment(mut self, segment: impl Into<String>) -> Self {
        self.path.push(segment.into());
        self
    }

    /// Appends one query parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets a query parameter, replacing what it was.
    pub fn set_query(&mut self, name: &str, value: impl Into<String>) {
        self.remove_query(name);
        self.query.push((name.to_owned(), value.into()));
    }

    /// Removes a query parameter, if it is there.
    pub fn remove_query(&mut self, name: &str) {
        self.query.retain(|(present, _)| present != name);
    }

    /// The address of this request, encoded.
    pub(crate) fn url(&self, hosts: &Hosts) -> Result<Url, Error> {
        let mut url = hosts.root(self.host)?;
        let named = self
            .host
            .names_organization()
            .then(|| self.organization.as_str());
        append_path(
            &mut url,
            named
                .into_iter()
                .chain(self.path.iter().map(String::as_str)),
        )?;
        match &self.link {
            None if self.query.is_empty() => {}
            None => {
                url.query_pairs_mut().extend_pairs(&self.query);
            }
            Some(link) => url.set_query(Some(&self.query_of(link, hosts)?)),
        }
        Ok(url)
    }

    /// The query of a next link, if the link continues this very request.
    fn query_of(&self, link: &str, hosts: &Hosts) -> Result<String, Error> {
        let forbidden = |reason| Error::ForbiddenUrl { reason };
        let link = Url::parse(link).map_err(|_| forbidden("a next link is not an address"))?;
        if !hosts.lies_on(&link, self.host, &self.organization) {
            return Err(forbidden("a next link points outside the host of its list"));
        }
        let last = link.path_segments().and_then(|mut parts| parts.next_back());
        let same = match (last, self.path.last()) {
            (Some(theirs), Some(ours)) => theirs.eq_ignore_ascii_case(ours),
            _ => false,
        };
        if !same {
            return Err(forbidden("a next link belongs to another list"));
        }
        link.query()
            .map(str::to_owned)
            .ok_or_else(|| forbidden("a next link has no query"))
    }
}

/// Appends path parts. The dot segments that an address would swallow, and empty parts, are refused: without them the
/// address would silently mean something else.
fn append_path<'a>(url: &mut Url, parts: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut path = url.path_segments_mut().map_err(|()| Error::ForbiddenUrl {
        reason: "the base address cannot have a path",
    })?;
    path.pop_if_empty();
    for part in parts {
        if matches!(part, "" | "." | "..") {
            return Err(Error::ForbiddenUrl {
                reason: "a part of the path is empty or dots",
            });
        }
        path.push(part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fabrikam() -> OrganizationName {
        "fabrikam".parse().unwrap()
    }

    fn address(request: &Request) -> String {
        request.url(&Hosts::azure()).unwrap().into()
    }

    #[test]
    fn an_address_is_host_organization_path_and_query() {
        let request = Request::get(&fabrikam(), "_apis/projects").query("api-version", "7.1");
        assert_eq!(
            address(&request),
            "https://dev.azure.com/fabrikam/_apis/projects?api-version=7.1"
        );
    }

    #[test]
    fn the_profile_host_names_no_organization() {
        let request = Request::get(&fabrikam(), "_apis/profile/profiles/me").on(Host::Profile);
        assert_eq!(
            address(&request),
            "https://app.vssps.visualstudio.com/_apis/profile/profiles/me"
        );
    }

    #[test]
    fn names_from_outside_stay_inside_their_part() {
        let request = Request::get(&fabrikam(), "_apis/git")
            .segment("a/../b?c#d %2f")
            .query("$filter", "x&y=z +ü");
        assert_eq!(
            address(&request),
            "https://dev.azure.com/fabrikam/_apis/git/a%2F..%2Fb%3Fc%23d%20%252f\
             ?%24filter=x%26y%3Dz+%2B%C3%BC"
        );
    }

    #[test]
    fn parts_that_an_address_would_swallow_are_refused() {
        for path in ["a//b", "../other", "a/./b", ""] {
            let url = Request::get(&fabrikam(), path).url(&Hosts::azure());
            assert!(matches!(url, Err(Error::ForbiddenUrl { .. })), "{path:?}");
        }
    }

    #[test]
    fn a_query_parameter_can_be_replaced_and_removed() {
        let mut request = Request::get(&fabrikam(), "x")
            .query("a", "1")
            .query("b", "2");
        request.set_query("a", "3");
        request.remove_query("b");
        assert_eq!(request.query, [("a".to_owned(), "3".to_owned())]);
    }

    #[test]
    fn a_next_link_gives_its_query_and_nothing_else() {
        let mut request = Request::get(&fabrikam(), "_odata/v4.0-preview/WorkItems")
            .on(Host::Analytics)
            .query("$top", "1");
        request.link = Some(
            "https://fabrikam.analytics.visualstudio.com/Other/_odata/v4.0-preview/workitems\
             ?$skiptoken=a%20b"
                .to_owned(),
        );
        assert_eq!(
            address(&request),
            "https://analytics.dev.azure.com/fabrikam/_odata/v4.0-preview/WorkItems\
             ?$skiptoken=a%20b"
        );
    }

    #[test]
    fn a_next_link_that_leaves_its_list_is_refused() {
        for link in [
            "https://evil.example/fabrikam/_odata/v4.0-preview/WorkItems?$skiptoken=1",
            "https://analytics.dev.azure.com/fabrikam/_odata/v4.0-preview/Users?$skiptoken=1",
            "https://analytics.dev.azure.com/fabrikam/_odata/v4.0-preview/WorkItems",
            "/fabrikam/_odata/v4.0-preview/WorkItems?$skiptoken=1",
        ] {
            let mut request = Request::get(&fabrikam(), "_odata/v4.0-preview/WorkItems");
            request.host = Host::Analytics;
            request.link = Some(link.to_owned());
            let url = request.url(&Hosts::azure());
            assert!(matches!(url, Err(Error::ForbiddenUrl { .. })), "{link}");
        }
    }
}
