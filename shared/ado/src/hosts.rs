//! The allow-list: the only places that a credential is ever sent to.

use std::fmt;

use model::OrganizationName;
use url::{Host as UrlHost, Url};

use crate::Error;

/// A host of Azure DevOps Services that this product talks to.
///
/// <https://learn.microsoft.com/azure/devops/organizations/security/allow-list-ip-url#domain-urls-to-allow>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// `dev.azure.com`: Boards, Pipelines, Repos, TFVC and nearly everything else.
    Core,
    /// `vsrm.dev.azure.com`: classic releases.
    Release,
    /// `vssps.dev.azure.com`: users and groups.
    Graph,
    /// `app.vssps.visualstudio.com`: the signed-in user and their organizations. Its paths name no organization.
    Profile,
    /// `analytics.dev.azure.com`: bulk queries.
    Analytics,
    /// `vstmr.dev.azure.com`: test results and coverage.
    TestResults,
}

impl Host {
    /// Every host of the allow-list.
    pub const ALL: [Self; 6] = [
        Self::Core,
        Self::Release,
        Self::Graph,
        Self::Profile,
        Self::Analytics,
        Self::TestResults,
    ];

    /// The name under which Microsoft serves it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "dev.azure.com",
            Self::Release => "vsrm.dev.azure.com",
            Self::Graph => "vssps.dev.azure.com",
            Self::Profile => "app.vssps.visualstudio.com",
            Self::Analytics => "analytics.dev.azure.com",
            Self::TestResults => "vstmr.dev.azure.com",
        }
    }

    /// The name of the same host in the old address scheme, which still stands in some response bodies.
    ///
    /// <https://learn.microsoft.com/azure/devops/organizations/security/allow-list-ip-url#domain-urls-to-allow>
    fn old_name(self, organization: &OrganizationName) -> Option<String> {
        let infix = match self {
            Self::Core => "",
            Self::Release => "vsrm.",
            Self::Graph => "vssps.",
            Self::Analytics => "analytics.",
            Self::TestResults => "vstmr.",
            Self::Profile => return None,
        };
        Some(format!(
            "{}.{infix}visualstudio.com",
            organization.as_str().to_ascii_lowercase()
        ))
    }

    /// Whether its paths begin with the organization.
    pub(crate) const fn names_organization(self) -> bool {
        !matches!(self, Self::Profile)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Where each [`Host`] is found: at Microsoft, or at one base address that stands in for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// `None` for Microsoft's own hosts; otherwise an address whose path ends in `/`.
    base: Option<Url>,
}

impl Hosts {
    /// Microsoft's own hosts, by HTTPS.
    pub const fn azure() -> Self {
        Self { base: None }
    }

    /// One address for every host: `dev.azure.com` at `{base}/`, any other host `H` at `{base}/_host/H/`.
    ///
    /// # Errors
    /// [`Error::ForbiddenUrl`] if a credential must not be sent there: anything but HTTPS, or HTTP to this machine; or
    /// an address with a user, a query or a fragment.
    pub fn at(mut base: Url) -> Result<Self, Error> {
        let forbidden = |reason| Err(Error::ForbiddenUrl { reason });
        match base.scheme() {
            "https" => {}
            "http" if is_loopback(&base) => {}
            "http" => return forbidden("plain http is for this machine only, use https"),
            _ => return forbidden("the base address is not an https address"),
        }
        if !base.username().is_empty() || base.password().is_some() {
            return forbidden("the base address holds a user name or password");
        }
        if base.query().is_some() || base.fragment().is_some() {
            return forbidden("the base address holds a query or a fragment");
        }
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        Ok(Self { base: Some(base) })
    }

    /// The hosts that a configured address means: `https://dev.azure.com` is [`Hosts::azure`], any other is
    /// [`Hosts::at`].
    ///
    /// # Errors
    /// [`Error::ForbiddenUrl`] as for [`Hosts::at`], and if the text is no absolute address.
    pub fn from_base(text: &str) -> Result<Self, Error> {
        let base = Url::parse(text.trim()).map_err(|_| Error::ForbiddenUrl {
            reason: "the base address is not an address",
        })?;
        let hosts = Self::at(base)?;
        let azure = Self::azure();
        Ok(if hosts.base == azure.root(Host::Core).ok() {
            azure
        } else {
            hosts
        })
    }

    /// Whether every host is reached by HTTPS, so that the client can refuse anything else.
    pub(crate) fn are_https(&self) -> bool {
        self.base
            .as_ref()
            .is_none_or(|base| base.scheme() == "https")
    }

    /// The address of Microsoft Entra ID, which gives out access tokens; its path ends in `/`. What stands in for Azure
    /// DevOps stands in for it, too, so that no credential leaves the place that was chosen.
    ///
    /// <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud#microsoft-entra-authentication-endpoints>
    ///
    /// # Errors
    /// [`Error::ForbiddenUrl`] if it has no address.
    pub fn sign_in(&self) -> Result<Url, Error> {
        const NAME: &str = "login.microsoftonline.com";
        let address = match &self.base {
            None => Url::parse(&format!("https://{NAME}/")),
            Some(base) => base.join(&format!("_host/{NAME}/")),
        };
        address.map_err(|_| Error::ForbiddenUrl {
            reason: "the sign-in host has no address",
        })
    }

    /// The address below which everything of a host lives; its path ends in `/`.
    pub(crate) fn root(&self, host: Host) -> Result<Url, Error> {
        let unparsable = |_| Error::ForbiddenUrl {
            reason: "the host has no address",
        };
        match &self.base {
            None => Url::parse(&format!("https://{}/", host.name())).map_err(unparsable),
            Some(base) if host == Host::Core => Ok(base.clone()),
            Some(base) => base
                .join(&format!("_host/{}/", host.name()))
                .map_err(unparsable),
        }
    }

    /// Whether an address that came from outside lies on `host`, under its new or, at Microsoft, its old name.
    pub(crate) fn lies_on(&self, url: &Url, host: Host, organization: &OrganizationName) -> bool {
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        if self.base.is_none() && is_old_address(url, host, organization) {
            return true;
        }
        self.root(host).is_ok_and(|root| {
            root.origin() == url.origin()
                && url.path().starts_with(root.path())
                && (host != Host::Core || !url.path().contains("/_host/"))
        })
    }
}

fn is_old_address(url: &Url, host: Host, organization: &OrganizationName) -> bool {
    url.scheme() == "https"
        && url.port().is_none()
        && url.host_str().map(str::to_owned) == host.old_name(organization)
}

/// Whether an address is this machine's own: `localhost`, which RFC 6761 reserves for it, 127.0.0.0/8 or `::1`.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(UrlHost::Domain(name)) => name == "localhost",
        Some(UrlHost::Ipv4(address)) => address.is_loopback(),
        Some(UrlHost::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fabrikam() -> OrganizationName {
        "Fabrikam".parse().unwrap()
    }

    #[test]
    fn azure_has_one_address_for_each_host() {
        for host in Host::ALL {
            let root = Hosts::azure().root(host).unwrap();
            assert_eq!(root.as_str(), format!("https://{}/", host.name()));
        }
    }

    #[test]
    fn a_base_serves_the_core_at_its_root_and_the_others_below() {
        let hosts = Hosts::from_base("http://127.0.0.1:8080/ado").unwrap();
        assert_eq!(
            hosts.root(Host::Core).unwrap().as_str(),
            "http://127.0.0.1:8080/ado/"
        );
        assert_eq!(
            hosts.root(Host::Analytics).unwrap().as_str(),
            "http://127.0.0.1:8080/ado/_host/analytics.dev.azure.com/"
        );
    }

    #[test]
    fn people_sign_in_where_everything_else_is() {
        let sign_in = |hosts: Hosts| hosts.sign_in().unwrap().to_string();
        assert_eq!(
            sign_in(Hosts::azure()),
            "https://login.microsoftonline.com/"
        );
        assert_eq!(
            sign_in(Hosts::from_base("http://127.0.0.1:8080").unwrap()),
            "http://127.0.0.1:8080/_host/login.microsoftonline.com/"
        );
    }

    #[test]
    fn the_public_address_means_microsofts_own_hosts() {
        for text in [
            "https://dev.azure.com",
            "https://dev.azure.com/",
            " https://DEV.azure.com ",
        ] {
            assert_eq!(Hosts::from_base(text).unwrap(), Hosts::azure(), "{text}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for text in [
            "http://localhost:1",
            "http://127.9.9.9",
            "http://[::1]:8080/x",
        ] {
            assert!(Hosts::from_base(text).is_ok(), "{text}");
        }
        for text in [
            "http://dev.azure.com",
            "http://10.0.0.1",
            "http://localhost.evil.example",
        ] {
            assert!(
                matches!(Hosts::from_base(text), Err(Error::ForbiddenUrl { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn an_address_that_could_leak_or_mislead_is_no_base() {
        for text in [
            "",
            "dev.azure.com",
            "file:///etc/passwd",
            "https://user:secret@dev.azure.com",
            "https://example.com/?a=b",
            "https://example.com/#x",
        ] {
            assert!(
                matches!(Hosts::from_base(text), Err(Error::ForbiddenUrl { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn only_addresses_of_the_same_host_lie_on_it() {
        let lies = |text: &str| {
            let url = Url::parse(text).unwrap();
            Hosts::azure().lies_on(&url, Host::Analytics, &fabrikam())
        };
        assert!(lies(
            "https://analytics.dev.azure.com/fabrikam/_odata/v4.0-preview/WorkItems"
        ));
        assert!(lies(
            "https://fabrikam.analytics.visualstudio.com/_odata/v4.0-preview/WorkItems"
        ));
        for foreign in [
            "http://analytics.dev.azure.com/fabrikam",
            "https://analytics.dev.azure.com:8443/fabrikam",
            "https://dev.azure.com/fabrikam",
            "https://contoso.analytics.visualstudio.com/",
            "https://analytics.dev.azure.com.evil.example/",
            "https://analytics.dev.azure.com@evil.example/",
            "https://u:p@analytics.dev.azure.com/",
        ] {
            assert!(!lies(foreign), "{foreign}");
        }
    }

    #[test]
    fn with_a_base_microsofts_hosts_are_foreign() {
        let hosts = Hosts::from_base("http://127.0.0.1:1").unwrap();
        let lies = |text: &str, host| hosts.lies_on(&Url::parse(text).unwrap(), host, &fabrikam());
        let own = "http://127.0.0.1:1/_host/analytics.dev.azure.com/fabrikam";
        assert!(lies(own, Host::Analytics));
        assert!(!lies(own, Host::Core));
        assert!(lies("http://127.0.0.1:1/fabrikam/_apis/x", Host::Core));
        assert!(!lies(
            "https://analytics.dev.azure.com/fabrikam",
            Host::Analytics
        ));
        assert!(!lies("https://fabrikam.visualstudio.com/", Host::Core));
    }
}
