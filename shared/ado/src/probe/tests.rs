use std::sync::Arc;

use axum::{
    Router,
    extract::Request as HttpRequest,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::{Hosts, Options};

const BUDGET: Duration = Duration::from_secs(10);
const INSTANCE: &str = "2ad38d1e-3eaf-4769-931c-3a2da67bbb01";
const ONE: &str = "00000000-0000-0000-0000-000000000001";
const TWO: &str = "00000000-0000-0000-0000-000000000002";

type Log = Arc<Mutex<Vec<String>>>;

/// An organization with two projects, in which everything is readable but what `unusual` answers for itself.
async fn organization(
    unusual: impl Fn(&str) -> Option<Response> + Clone + Send + Sync + 'static,
) -> (Client, Log) {
    let log = Log::default();
    let seen = Arc::clone(&log);
    let router = Router::new().fallback(async move |request: HttpRequest| {
        let path = request.uri().to_string();
        seen.lock().unwrap().push(path.clone());
        unusual(&path).unwrap_or_else(|| usual(&path))
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (
        Client::new(Hosts::from_base(&base).unwrap(), Options::default()),
        log,
    )
}

fn usual(path: &str) -> Response {
    let body = if path.contains("connectionData") {
        json!({
            "authenticatedUser": { "id": ONE, "providerDisplayName": "Jamal" },
            "instanceId": INSTANCE,
        })
    } else if path.contains("_apis/projects") {
        json!({ "value": [{ "id": ONE, "name": "Red" }, { "id": TWO, "name": "Blue" }] })
    } else {
        json!({ "count": 0, "value": [] })
    };
    answer(StatusCode::OK, &body)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [("content-type", "application/json")],
        body.to_string(),
    )
        .into_response()
}

fn denied(status: StatusCode, message: &str) -> Option<Response> {
    Some(answer(
        status,
        &json!({ "message": message, "typeKey": "SomeException" }),
    ))
}

fn pat() -> Credential {
    Credential::Pat("secret".to_owned().into())
}

fn wanted(services: &[Service]) -> Wanted {
    Wanted {
        services: services.to_vec(),
        window: None,
        selection: None,
    }
}

async fn report(client: &Client) -> OrganizationReport {
    let name = "fabrikam".parse().unwrap();
    probe(client, &pat(), &name, &wanted(&Service::ALL), BUDGET).await
}

async fn report_of(
    unusual: impl Fn(&str) -> Option<Response> + Clone + Send + Sync + 'static,
) -> OrganizationReport {
    report(&organization(unusual).await.0).await
}

/// The kind of the problem with an organization whose sign-in check answers so.
async fn sign_in_problem(
    unusual: impl Fn() -> Option<Response> + Clone + Send + Sync + 'static,
) -> ProblemKind {
    let report = report_of(move |path| {
        if path.contains("connectionData") {
            unusual()
        } else {
            None
        }
    })
    .await;
    assert!(!report.reachable && report.services.is_empty());
    report.problem.unwrap().kind
}

fn of(report: &OrganizationReport, service: Service) -> &ServiceReport {
    report
        .services
        .iter()
        .find(|report| report.service == service)
        .unwrap()
}

#[tokio::test]
async fn a_good_credential_reads_everything() {
    let report = report_of(|_| None).await;
    assert!(report.reachable);
    assert_eq!(report.instance_id, Some(INSTANCE.parse().unwrap()));
    assert_eq!(
        report.identity.as_ref().unwrap().name.as_deref(),
        Some("Jamal")
    );
    assert_eq!(report.problem, None);
    assert_eq!(report.services.len(), 4);
    for service in Service::ALL {
        assert!(report.reads(service));
        assert_eq!(of(&report, service).projects.len(), 2);
    }
}

#[tokio::test]
async fn only_the_services_asked_about_are_asked() {
    let (client, log) = organization(|_| None).await;
    let name = "fabrikam".parse().unwrap();
    let report = probe(
        &client,
        &pat(),
        &name,
        &wanted(&[Service::Pipelines]),
        BUDGET,
    )
    .await;
    assert_eq!(report.services.len(), 1);
    assert!(report.reads(Service::Pipelines) && !report.reads(Service::Boards));
    let mut seen = log.lock().unwrap().clone();
    seen.sort();
    assert_eq!(
        seen,
        [
            &format!("/fabrikam/{ONE}/_apis/build/builds?%24top=1&api-version=7.1"),
            &format!("/fabrikam/{TWO}/_apis/build/builds?%24top=1&api-version=7.1"),
            "/fabrikam/_apis/connectionData?api-version=7.1-preview.1",
            "/fabrikam/_apis/projects?stateFilter=wellFormed&%24top=5&api-version=7.1",
        ]
    );
}

#[tokio::test]
async fn a_dead_credential_is_refused_however_the_service_says_it() {
    let html = || (StatusCode::NON_AUTHORITATIVE_INFORMATION, "<html>").into_response();
    let anonymous = || {
        let id = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
        answer(
            StatusCode::OK,
            &json!({ "authenticatedUser": { "id": id }, "instanceId": INSTANCE }),
        )
    };
    assert_eq!(
        sign_in_problem(move || Some(html())).await,
        ProblemKind::CredentialRefused
    );
    assert_eq!(
        sign_in_problem(move || Some(anonymous())).await,
        ProblemKind::CredentialRefused
    );
    let plain = || Some(StatusCode::UNAUTHORIZED.into_response());
    assert_eq!(sign_in_problem(plain).await, ProblemKind::CredentialRefused);
}

#[tokio::test]
async fn what_is_wrong_with_an_organization_is_told_apart() {
    let rows = [
        (
            StatusCode::UNAUTHORIZED,
            "TF400813: not authorized",
            ProblemKind::NotAdmitted,
        ),
        (
            StatusCode::UNAUTHORIZED,
            "TF400813: The user '' is not",
            ProblemKind::CredentialRefused,
        ),
        (
            StatusCode::UNAUTHORIZED,
            "TF400813: The user 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa' is not",
            ProblemKind::CredentialRefused,
        ),
        (StatusCode::FORBIDDEN, "no", ProblemKind::NotAdmitted),
        (
            StatusCode::FORBIDDEN,
            "VS403463: policy",
            ProblemKind::ConditionalAccess,
        ),
        (
            StatusCode::NOT_FOUND,
            "no such",
            ProblemKind::UnknownOrganization,
        ),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "TF24668: stopped",
            ProblemKind::Stopped,
        ),
        (StatusCode::BAD_GATEWAY, "", ProblemKind::Unreachable),
        (StatusCode::TOO_MANY_REQUESTS, "", ProblemKind::Unreachable),
    ];
    for (status, message, kind) in rows {
        assert_eq!(
            sign_in_problem(move || denied(status, message)).await,
            kind,
            "{status} {message}"
        );
    }
}

#[tokio::test]
async fn a_credential_that_works_elsewhere_is_another_organizations() {
    let good = report_of(|_| None).await;
    let mut bad = report_of(|_| Some(StatusCode::UNAUTHORIZED.into_response())).await;
    bad.organization = "contoso".parse().unwrap();
    let mut reports = [bad.clone(), good.clone()];
    compare(&mut reports);
    let problem = reports[0].problem.as_ref().unwrap();
    assert_eq!(problem.kind, ProblemKind::OtherOrganization);
    assert!(problem.reason.contains("fabrikam") && problem.reason.contains("contoso"));
    assert_eq!(reports[1], good);
    let mut alone = [bad.clone()];
    compare(&mut alone);
    assert_eq!(alone, [bad]);
}

#[tokio::test]
async fn a_missing_scope_names_the_scope_to_add() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        let report = report_of(move |path| {
            if path.contains("/build/") {
                denied(status, "TF401027: no")
            } else {
                None
            }
        })
        .await;
        let Finding::Forbidden {
            missing,
            scope,
            next_step,
            detail,
            ..
        } = &of(&report, Service::Pipelines).finding
        else {
            panic!("{report:?}");
        };
        let expected = match status {
            StatusCode::UNAUTHORIZED => Lacking::Scope,
            _ => Lacking::ScopeOrPermission,
        };
        assert_eq!((*missing, *scope), (expected, "vso.build"));
        assert!(next_step.contains("Build (Read)"), "{next_step}");
        assert_eq!(detail.as_deref(), Some("TF401027: no"));
        assert!(report.reads(Service::Boards));
    }
}

#[tokio::test]
async fn one_closed_project_is_a_matter_of_permission() {
    let report = report_of(|path| {
        let closed = path.contains(TWO) && path.contains("/git/");
        if closed {
            denied(StatusCode::FORBIDDEN, "TF401027: no")
        } else {
            None
        }
    })
    .await;
    let repos = of(&report, Service::Repos);
    assert_eq!(repos.finding, Finding::Readable);
    assert_eq!(repos.projects[0].finding, Finding::Readable);
    let blue = &repos.projects[1];
    assert!(matches!(
        blue.finding,
        Finding::Forbidden {
            missing: Lacking::Permission,
            ..
        }
    ));
}

#[tokio::test]
async fn a_project_without_tfvc_lacks_nothing() {
    let report = report_of(|path| {
        if path.contains("/tfvc/") {
            denied(StatusCode::NOT_FOUND, "none")
        } else {
            None
        }
    })
    .await;
    assert_eq!(of(&report, Service::Tfvc).finding, Finding::Absent);
}

#[tokio::test]
async fn a_service_that_fails_is_unreachable_and_not_forbidden() {
    let report = report_of(|path| {
        if path.contains("/wit/") {
            denied(StatusCode::INTERNAL_SERVER_ERROR, "")
        } else {
            None
        }
    })
    .await;
    assert!(matches!(
        of(&report, Service::Boards).finding,
        Finding::Unreachable { .. }
    ));
    let report = report_of(|path| {
        path.contains("/wit/")
            .then(|| answer(StatusCode::OK, &json!({ "unexpected": true })))
    })
    .await;
    assert!(matches!(
        of(&report, Service::Boards).finding,
        Finding::Unreachable { .. }
    ));
}

#[tokio::test]
async fn projects_are_where_everything_starts() {
    let forbidden = report_of(|path| {
        if path.contains("_apis/projects") {
            denied(StatusCode::FORBIDDEN, "no")
        } else {
            None
        }
    })
    .await;
    assert!(forbidden.reachable);
    let problem = forbidden.problem.unwrap();
    assert_eq!(problem.kind, ProblemKind::ProjectsForbidden);
    assert!(problem.next_step.contains("Project and Team (Read)"));
    let none = report_of(|path| {
        path.contains("_apis/projects")
            .then(|| answer(StatusCode::OK, &json!({ "value": [] })))
    })
    .await;
    assert_eq!(none.problem.unwrap().kind, ProblemKind::NoProjects);
}

#[tokio::test]
async fn a_sample_is_a_sample_even_if_the_service_sends_more() {
    let report = report_of(|path| {
        path.contains("_apis/projects").then(|| {
            let projects: Vec<_> =
                (0..9).map(|n| json!({ "id": format!("00000000-0000-0000-0000-00000000000{n}"), "name": "x" })).collect();
            answer(StatusCode::OK, &json!({ "value": projects }))
        })
    })
    .await;
    assert_eq!(of(&report, Service::Boards).projects.len(), SAMPLE);
}

#[tokio::test]
async fn nothing_is_sent_while_the_service_wants_quiet() {
    let (client, log) = organization(|path| {
        let mut response = usual(path);
        response
            .headers_mut()
            .insert("retry-after", "60".parse().unwrap());
        Some(response)
    })
    .await;
    let report = report(&client).await;
    assert_eq!(log.lock().unwrap().len(), 1);
    assert!(report.reachable);
    let problem = report.problem.unwrap();
    assert_eq!(problem.kind, ProblemKind::Unreachable);
    assert_eq!(
        problem.reason,
        "No usable answer: throttled by dev.azure.com for 60s."
    );
}

#[tokio::test]
async fn a_short_wish_for_quiet_is_waited_for() {
    let report = report_of(|path| {
        let mut response = usual(path);
        response
            .headers_mut()
            .insert("retry-after", "0.01".parse().unwrap());
        Some(response)
    })
    .await;
    assert!(Service::ALL.iter().all(|service| report.reads(*service)));
}

#[tokio::test]
async fn the_budget_ends_a_probe_that_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::new(Hosts::from_base(&base).unwrap(), Options::default());
    let name = "fabrikam".parse().unwrap();
    let started = Instant::now();
    let report = probe(
        &client,
        &pat(),
        &name,
        &wanted(&Service::ALL),
        Duration::from_millis(20),
    )
    .await;
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(
        report.problem.unwrap().reason,
        "No usable answer: dev.azure.com did not answer in time."
    );
}

#[tokio::test]
async fn a_report_is_a_table_that_programs_and_people_read() {
    let report = report_of(|path| {
        if path.contains("/build/") {
            denied(StatusCode::UNAUTHORIZED, "")
        } else {
            None
        }
    })
    .await;
    let report = serde_json::to_value(report).unwrap();
    assert_eq!(report["organization"], "fabrikam");
    assert_eq!(report["identity"], json!({ "id": ONE, "name": "Jamal" }));
    assert_eq!(report["services"][0]["service"], "boards");
    assert_eq!(report["services"][0]["status"], "readable");
    assert_eq!(
        report["services"][1]["projects"][0],
        json!({
            "id": ONE,
            "name": "Red",
            "status": "forbidden",
            "missing": "scope",
            "scope": "vso.build",
            "reason": "The token lacks the scope Build (Read), which Pipelines needs.",
            "next_step": "Edit the token at https://dev.azure.com/fabrikam/_usersSettings/tokens and add Build (Read).",
            "detail": null,
        })
    );
}

#[tokio::test]
async fn no_report_shows_the_credential() {
    let report = report_of(|_| Some(StatusCode::UNAUTHORIZED.into_response())).await;
    assert!(!format!("{report:?}").contains("secret"));
}
