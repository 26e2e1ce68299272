//! One request from arrival to answer: who is it, what is meant, what is true, what is scripted.

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header, request::Parts};
use jiff::Timestamp;
use uuid::Uuid;

use crate::entra::Grant;
use crate::faults::FaultKind;
use crate::http::call::Call;
use crate::http::endpoints::{self, Endpoint, PROFILE, ProjectInPath, Version};
use crate::http::path::ApiPath;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::{bearer, fault, sign_in, version};
use crate::log::LoggedRequest;
use crate::meter::Admission;
use crate::pat::Pat;
use crate::simulator::Simulator;
use crate::throttle::Tstu;

/// A request as it came in.
pub(crate) struct Arrival {
    at: Timestamp,
    pub(crate) parts: Parts,
    body: Bytes,
    path: Option<ApiPath>,
    endpoint: Option<(&'static Endpoint, Vec<String>)>,
    query: Query,
    credential: Credential,
    /// What an access token stands for, if that is what the caller sent.
    bearer: Option<Grant>,
    /// What the meter said.
    pub(crate) admission: Admission,
}

enum Credential {
    None,
    Dead,
    Alive(Box<Pat>),
}

impl Arrival {
    pub(crate) fn new(simulator: &Simulator, parts: Parts, body: Bytes) -> Self {
        let at = simulator.now();
        let path = ApiPath::parse(parts.uri.path());
        let endpoint = path
            .as_ref()
            .and_then(|path| endpoints::find(parts.method.as_str(), &path.host, &path.rest));
        let bearer = bearer::grant(simulator, &parts.headers, at);
        let credential = match &bearer {
            Some(grant) => Credential::Alive(Box::new(bearer::rights(simulator, grant))),
            None => credential(simulator, &parts.headers, at),
        };
        let admission = match &credential {
            Credential::Alive(pat) => simulator.arrive(pat.owner),
            Credential::None | Credential::Dead => Admission::default(),
        };
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        Self {
            at,
            parts,
            body,
            path,
            endpoint,
            query,
            credential,
            bearer,
            admission,
        }
    }

    /// Who asks, if the credential is good.
    pub(crate) fn identity(&self) -> Option<Uuid> {
        match &self.credential {
            Credential::Alive(pat) => Some(pat.owner),
            Credential::None | Credential::Dead => None,
        }
    }

    pub(crate) fn resource(&self) -> &'static str {
        self.endpoint
            .as_ref()
            .map_or("unknown", |(endpoint, _)| endpoint.name)
    }

    fn page(&self) -> Option<&str> {
        self.query.text(&[
            "continuationToken",
            "$skip",
            "searchCriteria.$skip",
            "skip",
            "$skiptoken",
        ])
    }

    /// Whether it asks for a page after the first.
    pub(crate) fn continues(&self) -> bool {
        self.page().is_some_and(|page| page != "0")
    }

    /// The answer, and what is wrong with the request if anything.
    pub(crate) fn reply(
        &self,
        simulator: &Simulator,
        fault: Option<&FaultKind>,
    ) -> (Reply, Option<String>) {
        if self.admission.is_blocked {
            return (fault::too_many_requests(), self.unknown_parameter());
        }
        if let Some(fault) = fault {
            if let (Some(seconds), Credential::Alive(pat)) =
                (fault::announced_wait(fault), &self.credential)
            {
                simulator.announce_retry_after(pat.owner, seconds);
            }
            if let Some(reply) = fault::replacement(fault, self.parts.uri.path()) {
                return (reply, self.unknown_parameter());
            }
        }
        let withholds_page = fault == Some(&FaultKind::EmptyPage) && self.page().is_none();
        let (reply, violation) = self.truth(simulator, withholds_page);
        let reply = match (fault, self.page()) {
            (Some(FaultKind::RepeatedToken), Some(sent)) => fault::repeat_token(reply, sent),
            (Some(fault), _) => fault::spoil(fault, reply, self.at.as_second()),
            (None, _) => reply,
        };
        (reply, violation)
    }

    fn truth(&self, simulator: &Simulator, withholds_page: bool) -> (Reply, Option<String>) {
        if let Err(reply) = self.admit(simulator) {
            return (*reply, self.unknown_parameter());
        }
        let violation = self.unknown_parameter();
        if let Some(violation) = violation.clone().filter(|_| simulator.config().strict) {
            return (
                Refusal::bad_request(format!("The simulator is strict: {violation}.")).into_reply(),
                Some(violation),
            );
        }
        let served = self.serve(simulator, withholds_page);
        let refused = served.as_ref().err().map(|refusal| {
            refusal
                .is_bad_request()
                .then(|| refusal.message().to_owned())
        });
        (
            served.unwrap_or_else(Refusal::into_reply),
            violation.or(refused.flatten()),
        )
    }

    /// Whether the caller gets past the door: credential, organization, scope.
    fn admit(&self, simulator: &Simulator) -> Result<(), Box<Reply>> {
        let config = simulator.config();
        let organization = self
            .path
            .as_ref()
            .and_then(|path| path.organization.as_deref());
        if let Some(other) =
            organization.filter(|name| !name.eq_ignore_ascii_case(&config.organization))
        {
            return Err(Box::new(Refusal::no_such_organization(other).into_reply()));
        }
        if let Some(grant) = &self.bearer
            && organization.is_some()
        {
            bearer::admit(
                simulator,
                grant,
                self.endpoint.as_ref().map(|(own, _)| *own),
            )?;
        }
        let is_profile = self.path.as_ref().is_some_and(|path| path.host == PROFILE);
        if is_profile && self.bearer.is_none() {
            // Profiles and accounts are for people who signed in, not for tokens of one organization.
            return Err(Box::new(sign_in::unauthorized()));
        }
        match (&self.credential, &self.endpoint) {
            (Credential::None, Some((endpoint, _)))
                if matches!(endpoint.name, "connectionData" | "locations") =>
            {
                Ok(())
            }
            (Credential::None | Credential::Dead, _) => {
                Err(Box::new(sign_in::required(config, &self.parts.headers)))
            }
            (Credential::Alive(pat), Some((endpoint, _)))
                if !endpoint.scopes.is_empty()
                    && !endpoint.scopes.iter().any(|scope| pat.has_scope(scope)) =>
            {
                Err(Box::new(sign_in::missing_scope(
                    config.missing_scope,
                    pat.owner,
                )))
            }
            (Credential::Alive(_), _) => Ok(()),
        }
    }

    fn serve(&self, simulator: &Simulator, withholds_page: bool) -> Result<Reply, Refusal> {
        let no_route = || Refusal::no_such_route(self.parts.uri.path());
        let path = self.path.as_ref().ok_or_else(no_route)?;
        let (endpoint, captured) = self.endpoint.as_ref().ok_or_else(no_route)?;
        check_place(endpoint, path).ok_or_else(no_route)?;
        if endpoint.version != Version::Free {
            let preview_only = endpoint.version == Version::PreviewOnly;
            version::check(
                endpoint.method,
                &self.query,
                &self.parts.headers,
                preview_only,
            )?;
        }
        let world = simulator.world();
        let mut call = Call {
            simulator,
            world: &world,
            pat: if let Credential::Alive(pat) = &self.credential {
                Some(pat)
            } else {
                None
            },
            subject: self.bearer.as_ref().map(|grant| grant.subject),
            now: self.at,
            project: None,
            team: path.team.as_deref(),
            captured: captured.clone(),
            query: self.query.clone(),
            body: &self.body,
            withholds_page,
            address_length: self.parts.uri.to_string().len(),
            origin: origin(&self.parts.headers),
        };
        call.project = path
            .project
            .as_deref()
            .map(|name| call.find_project(name))
            .transpose()?;
        (endpoint.handler)(&call)
    }

    fn unknown_parameter(&self) -> Option<String> {
        let (endpoint, _) = self.endpoint.as_ref()?;
        let unknown = self.query.names().find(|name| !endpoint.knows(name))?;
        Some(format!(
            "{} has no query parameter '{unknown}'",
            endpoint.name
        ))
    }

    pub(crate) fn log(
        &self,
        simulator: &Simulator,
        reply: &Reply,
        strict_violation: Option<String>,
    ) {
        simulator.log().push(LoggedRequest {
            at: self.at,
            method: self.parts.method.to_string(),
            path_template: self
                .endpoint
                .as_ref()
                .map_or("", |(endpoint, _)| endpoint.template),
            resource: self.resource(),
            path: self.parts.uri.path().to_owned(),
            query: self.parts.uri.query().unwrap_or_default().to_owned(),
            body: String::from_utf8_lossy(&self.body).into_owned(),
            status: reply.status.as_u16(),
            items: reply.items,
            bytes: reply.body.len(),
            identity: self.identity(),
            tstu: Tstu::thousandths(self.admission.cost),
            delay_ms: self.admission.delay.as_millis() as u64,
            inside_retry_after: self.admission.inside_retry_after,
            strict_violation,
            page: self.page().map(str::to_owned),
        });
    }

    /// Adds the headers that every answer of the service has.
    pub(crate) fn finish(&self, simulator: &Simulator, reply: Reply) -> Reply {
        let activity = Uuid::new_v4().to_string();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&simulator.now());
        let reply = match date {
            Ok(date) => reply.header("date", date),
            Err(_) => reply,
        };
        reply
            .header("x-vss-e2eid", activity.clone())
            .header("activityid", activity)
            .header("vary", "Accept-Encoding")
    }
}

fn check_place(endpoint: &Endpoint, path: &ApiPath) -> Option<()> {
    let fits = match endpoint.project {
        ProjectInPath::Never => path.project.is_none(),
        ProjectInPath::Optional => path.team.is_none(),
        ProjectInPath::Required => path.project.is_some() && path.team.is_none(),
        ProjectInPath::WithTeam => true,
    };
    let has_organization =
        path.organization.is_some() || endpoint.scopes.is_empty() || endpoint.host == PROFILE;
    (fits && has_organization).then_some(())
}

fn origin(headers: &HeaderMap) -> String {
    match headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
    {
        Some(host) if host != "dev.azure.com" => format!("http://{host}"),
        _ => "https://dev.azure.com".to_owned(),
    }
}

fn credential(simulator: &Simulator, headers: &HeaderMap, now: Timestamp) -> Credential {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Credential::None;
    };
    let token = value.to_str().ok().and_then(basic_password);
    let pat = token.and_then(|token| simulator.find_pat(&token));
    match pat.filter(|pat| pat.is_alive(simulator.organization(), now)) {
        Some(pat) => Credential::Alive(Box::new(pat)),
        None => Credential::Dead,
    }
}

fn basic_password(value: &str) -> Option<String> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded
        .split_once(':')
        .map(|(_, password)| password.to_owned())
}
