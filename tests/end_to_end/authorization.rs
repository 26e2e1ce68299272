//! Who may do what, for every route of the template: whatever is added there is tested here.
//!
//! | Who asks | Route without a token | Reading | Changing | Something of another tenant, of nobody, or no id |
//! |---|---|---|---|---|
//! | nobody, or with a token that is none | as anybody | 401 | 401 | 401 |
//! | no role | as anybody | 403 | 403 | 403 |
//! | viewer | as anybody | allowed, but for what only administrators read | 403 | 404, 403 where it would change |
//! | admin | as anybody | allowed | allowed | 404 |

use std::collections::BTreeSet;

use local::template::Route;
use reqwest::Method;
use serde_json::Value;
use simulator::Config;

use crate::{deployment::Deployment, described};

const OWN: &str = "contoso";
const OTHER: &str = "northwind";
/// An id of nothing, and a text that is no id.
const NOTHING: [&str; 2] = ["00000000-0000-4000-8000-000000000000", "nonsense"];
/// What anybody may ask for: the pages of the console, the document of the API, and the way back from a sign-in, which brings
/// its own proof.
const OPEN: [&str; 4] = [
    "GET /",
    "GET /api/v1/openapi.json",
    "GET /oauth/callback",
    "GET /{path+}",
];

/// What only administrators read: who did what, and whole items of the tables.
const FOR_ADMINS: [&str; 3] = [
    "GET /api/v1/audit",
    "GET /api/v1/connections/{connection}/export",
    "GET /api/v1/integrations/{integration}/export",
];

/// A route, and the ids that its path can have.
struct Asked<'a> {
    deployment: &'a Deployment,
    route: &'a Route,
}

/// An answer, to the byte.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    media_type: String,
    body: String,
}

impl Asked<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.route.method, self.route.path)
    }

    fn names_something(&self) -> bool {
        ["{connection}", "{integration}"]
            .iter()
            .any(|name| self.route.path.contains(name))
    }

    fn changes(&self) -> bool {
        self.route.method != "GET"
    }

    /// The path for something of this id.
    fn path(&self, (connection, integration): (&str, &str)) -> String {
        let path = self
            .route
            .path
            .replace("{connection}", connection)
            .replace("{integration}", integration)
            .replace("{metric}", "run_duration")
            .replace("{kind}", "run");
        assert!(!path.contains('{'), "{path}: say here what stands for it");
        // What cannot be asked without saying for what.
        match self.route.path.ends_with("/spot-check") {
            true => format!("{path}?kind=work_item&id=1"),
            false => path,
        }
    }

    async fn answer(&self, token: Option<&str>, ids: (&str, &str)) -> Answer {
        let url = format!("{}{}", self.deployment.stack.url(), self.path(ids));
        let method: Method = self.route.method.parse().unwrap();
        let client = reqwest::Client::new();
        let request = client.request(method, url);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answered = described::send(&client, request).await;
        Answer {
            status: answered.status,
            media_type: answered.header("content-type").to_owned(),
            body: answered.text(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_knows_who_may() {
    let deployment = Deployment::synchronized(Config::default()).await;
    let connection = deployment.connection().await;
    let text = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let (id, integration) = (text(&connection), text(&connection["integrations"][0]));
    let own = (id.as_str(), integration.as_str());
    let token = |tenant: &str, roles: &[&str]| deployment.stack.token(tenant, roles).unwrap();
    let (nobody, viewer, admin) = (
        token(OWN, &[]),
        token(OWN, &["viewer"]),
        token(OWN, &["admin"]),
    );
    let other = token(OTHER, &["admin"]);
    let forged = format!("{}x", admin);

    let routes = &deployment.stack.template().routes;
    let (closed, open): (Vec<_>, Vec<_>) =
        routes.iter().partition(|route| route.authorizer.is_some());
    let open: BTreeSet<String> = open
        .into_iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(open, OPEN.map(str::to_owned).into());

    let (mut reading, mut changing) = (0, 0);
    for route in closed {
        let deployment = &deployment;
        let asked = Asked { deployment, route };
        let name = asked.name();
        for token in [None, Some(forged.as_str())] {
            assert_eq!(asked.answer(token, own).await.status, 401, "{name}");
        }
        let refused = asked.answer(Some(&nobody), own).await;
        assert_eq!(refused.status, 403, "{name}: {refused:?}");
        let seen = asked.answer(Some(&viewer), own).await;
        if asked.changes() {
            changing += 1;
            assert_eq!(seen.status, 403, "{name}: {seen:?}");
        } else {
            reading += 1;
            let is_for_admins = FOR_ADMINS.contains(&name.as_str());
            let expected = if is_for_admins { 403 } else { 200 };
            assert_eq!(seen.status, expected, "{name}: {seen:?}");
            let seen = asked.answer(Some(&admin), own).await;
            assert_eq!(seen.status, 200, "{name}: {seen:?}");
        }
        if asked.names_something() {
            let malformed = asked.answer(Some(&admin), ("%ff", "%ff")).await;
            assert_eq!(malformed.status, 400, "{name}: {malformed:?}");
            let foreign = asked.answer(Some(&other), own).await;
            assert_eq!(foreign.status, 404, "{name}: {foreign:?}");
            assert_eq!(foreign.media_type, "application/problem+json", "{name}");
            for nothing in NOTHING {
                for token in [&other, &admin] {
                    let missing = asked.answer(Some(token), (nothing, nothing)).await;
                    assert_eq!(missing, foreign, "{name} of {nothing}");
                }
            }
        } else if !asked.changes() {
            let theirs = asked.answer(Some(&other), own).await;
            assert_eq!(theirs.status, 200, "{name}: {theirs:?}");
            for id in [own.0, own.1] {
                assert!(!theirs.body.contains(id), "{name} tells of another tenant");
            }
        }
    }
    assert!(reading >= 13 && changing >= 10, "{reading}, {changing}");
}
