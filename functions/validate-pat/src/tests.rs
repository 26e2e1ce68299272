use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use entrypoint::problem::MEDIA_TYPE;
use lambda_http::request::RequestContext;
use model::Service;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use simulator::{Config, Fault, FaultKind, Pat, Simulator};
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::*;

/// A simulated organization, `fabrikam`, and the function in front of it.
async fn start() -> (Simulator, Router) {
    start_with(Config::default()).await
}

async fn start_with(config: Config) -> (Simulator, Router) {
    let simulator = Simulator::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = simulator.clone();
    tokio::spawn(async move { server.serve(listener).await });
    let hosts = Hosts::from_base(&base).unwrap();
    (simulator, router(Context::new(hosts).unwrap()))
}

/// What API Gateway says of a verified token.
fn administrator() -> RequestContext {
    let event = include_str!("../../../events/validate-pat.json");
    let event: Value = serde_json::from_str(event).unwrap();
    let context = event["requestContext"].clone();
    RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap())
}

async fn post_to(router: Router, path: &str, body: String) -> (StatusCode, String, Value) {
    let mut request = Request::post(path).body(Body::from(body)).unwrap();
    request.extensions_mut().insert(administrator());
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let content_type = response.headers()[header::CONTENT_TYPE]
        .to_str()
        .unwrap()
        .to_owned();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, content_type, serde_json::from_slice(&body).unwrap())
}

async fn ask(router: Router, body: Value) -> (StatusCode, String, Value) {
    post_to(router, "/api/v1/connections/validate", body.to_string()).await
}

/// The simulator refuses and notes what the real service does not know: nothing of the kind may be sent.
fn assert_orderly(simulator: &Simulator) {
    for request in simulator.requests() {
        assert_eq!(request.strict_violation, None, "{request:?}");
        assert!(!request.inside_retry_after, "{request:?}");
    }
}

/// The report on `fabrikam` of a token that differs from the default one.
async fn report_on(change: impl FnOnce(&Simulator, &mut Pat)) -> Value {
    let (simulator, router) = start().await;
    let mut pat = simulator.make_pat(1);
    change(&simulator, &mut pat);
    let token = pat.token.expose_secret().to_owned();
    simulator.add_pat(pat);
    let (status, _, mut answer) =
        ask(router, json!({ "organization": "fabrikam", "pat": token })).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!answer.to_string().contains(&token));
    assert_orderly(&simulator);
    answer["organizations"][0].take()
}

#[tokio::test]
async fn a_good_token_is_shown_what_it_reads() {
    let report = report_on(|_, _| {}).await;
    assert_eq!(report["reachable"], true);
    assert_eq!(report["problem"], Value::Null);
    assert!(report["instance_id"].is_string() && report["identity"]["id"].is_string());
    for (index, service) in Service::ALL.into_iter().enumerate() {
        assert_eq!(report["services"][index]["service"], service.name());
        assert_eq!(
            report["services"][index]["status"], "readable",
            "{report:#}"
        );
    }
}

#[tokio::test]
async fn an_expired_a_revoked_and_a_foreign_token_are_refused_with_a_next_step() {
    let expired = report_on(|simulator, pat| pat.expires_at = simulator.now()).await;
    let revoked = report_on(|_, pat| pat.revoked = true).await;
    let foreign = report_on(|_, pat| pat.organization = "contoso".to_owned()).await;
    for report in [expired, revoked, foreign] {
        assert_eq!(report["reachable"], false);
        assert_eq!(report["problem"]["kind"], "credential_refused");
        let reason = report["problem"]["reason"].as_str().unwrap();
        for cause in ["expired", "revoked", "another organization"] {
            assert!(reason.contains(cause), "{reason}");
        }
        assert!(
            report["problem"]["next_step"]
                .as_str()
                .unwrap()
                .contains("_usersSettings/tokens")
        );
        assert_eq!(report["services"], json!([]));
    }
}

#[tokio::test]
async fn an_organization_that_is_not_the_tokens_own_is_told_apart_where_it_can_be() {
    let (simulator, router) = start().await;
    let pat = simulator.default_pat();
    let body = json!({ "organizations": ["nobody-has-this-name", "fabrikam"], "pat": pat.expose_secret() });
    let (status, _, answer) = ask(router, body).await;
    assert_eq!(status, StatusCode::OK);
    let [unknown, own] = [&answer["organizations"][0], &answer["organizations"][1]];
    assert_eq!(unknown["organization"], "nobody-has-this-name");
    assert_eq!(unknown["problem"]["kind"], "unknown_organization");
    assert_eq!(own["reachable"], true);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let report = report_on(|_, pat| {
        pat.scopes.remove("vso.code");
    })
    .await;
    let repos = &report["services"][2];
    assert_eq!(repos["status"], "forbidden");
    assert_eq!(repos["scope"], "vso.code");
    assert_eq!(report["services"][0]["status"], "readable");
    assert_eq!(report["services"][3]["status"], "forbidden");
    assert!(repos["next_step"].as_str().unwrap().contains("Code (Read)"));
}

#[tokio::test]
async fn projects_that_the_owner_cannot_see_are_not_shown() {
    let report = report_on(|simulator, pat| {
        pat.denied_projects
            .extend(simulator.projects().iter().skip(1).map(|(id, _)| *id));
    })
    .await;
    assert_eq!(
        report["services"][2]["projects"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_a_problem_that_names_the_field() {
    let (simulator, router) = start().await;
    let (status, content_type, problem) =
        ask(router, json!({ "organization": "fabrikam", "pat": "" })).await;
    assert_eq!(
        (status, content_type.as_str()),
        (StatusCode::BAD_REQUEST, MEDIA_TYPE)
    );
    assert_eq!(problem["type"], "/problems/invalid-field");
    assert_eq!(problem["field"], "pat");
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn other_paths_and_endless_bodies_are_problems_too() {
    let (_, router) = start().await;
    let (status, content_type, _) = post_to(router.clone(), "/api/v1/other", String::new()).await;
    assert_eq!(
        (status, content_type.as_str()),
        (StatusCode::NOT_FOUND, MEDIA_TYPE)
    );
    let endless = " ".repeat(LONGEST_BODY_BYTES + 1);
    let (status, content_type, _) = post_to(router, "/api/v1/connections/validate", endless).await;
    assert_eq!(
        (status, content_type.as_str()),
        (StatusCode::BAD_REQUEST, MEDIA_TYPE)
    );
}

#[tokio::test]
async fn a_service_that_wants_quiet_is_left_in_peace() {
    let (simulator, router) = start().await;
    simulator.inject(Fault {
        matching: "projects".to_owned(),
        after: 0,
        times: 1,
        kind: FaultKind::RetryAfterOn200 { seconds: 60 },
    });
    let pat = simulator.default_pat();
    let body = json!({ "organization": "fabrikam", "pat": pat.expose_secret() });
    let (_, _, answer) = ask(router, body).await;
    for service in answer["organizations"][0]["services"].as_array().unwrap() {
        assert_eq!(service["status"], "unreachable");
        assert!(service["reason"].as_str().unwrap().contains("throttled"));
    }
    assert_eq!(simulator.requests().len(), 2);
    assert_orderly(&simulator);
}

/// What the function says of the simulated application, whose form and organization were changed.
async fn application(change: impl FnOnce(&Simulator, &mut Value)) -> Value {
    let (simulator, router) = start().await;
    let application = simulator.entra().application();
    let mut form = json!({ "organization": "fabrikam", "service_principal": {
        "tenant_id": simulator.entra().directory(),
        "client_id": application.id,
        "client_secret": application.secrets[0].0.expose_secret(),
    } });
    change(&simulator, &mut form["service_principal"]);
    let (status, _, mut answer) = ask(router, form).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(
        !answer
            .to_string()
            .contains(application.secrets[0].0.expose_secret())
    );
    assert_orderly(&simulator);
    answer["organizations"][0].take()
}

#[tokio::test]
async fn an_application_with_a_licence_reads_everything() {
    let report = application(|_, _| {}).await;
    assert_eq!(report["problem"], Value::Null);
    for service in report["services"].as_array().unwrap() {
        assert_eq!(service["status"], "readable", "{service}");
    }
}

#[tokio::test]
async fn the_wrong_object_id_and_a_missing_licence_are_told_apart() {
    let unknown = application(|simulator, _| {
        let mut organization = simulator.entra().organization("fabrikam").unwrap();
        organization.members.clear();
        simulator.entra().put_organization(organization);
    })
    .await;
    let step = unknown["problem"]["next_step"].as_str().unwrap();
    // The id that has to be added stands in the sentence.
    assert!(
        step.contains("enterprise application") && step.contains("object ID "),
        "{step}"
    );
    assert_eq!(unknown["problem"]["kind"], "not_admitted");
    let unlicensed = application(|simulator, _| {
        let mut organization = simulator.entra().organization("fabrikam").unwrap();
        for member in organization.members.values_mut() {
            member.access = simulator::AccessLevel::Stakeholder;
        }
        simulator.entra().put_organization(organization);
    })
    .await;
    assert_eq!(unlicensed["services"][0]["status"], "readable");
    let repos = &unlicensed["services"][2];
    assert_eq!(repos["status"], "forbidden");
    assert!(
        repos["reason"].as_str().unwrap().contains("licence"),
        "{repos}"
    );
}

#[tokio::test]
async fn what_entra_id_refuses_is_explained() {
    let wrong = |field: &'static str, value: &'static str| {
        application(move |_, form| form[field] = json!(value))
    };
    for (report, word) in [
        (wrong("client_secret", "8Q~wrong").await, "value"),
        (
            wrong("client_id", "00000000-0000-4000-8000-000000000009").await,
            "client",
        ),
        (
            wrong("tenant_id", "00000000-0000-4000-8000-000000000009").await,
            "tenant",
        ),
    ] {
        assert_eq!(report["problem"]["kind"], "credential_refused");
        let step = report["problem"]["next_step"].as_str().unwrap();
        assert!(step.contains(word), "{step}");
    }
}

/// Every reason that an answer gives, with its next step.
fn messages(answer: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut look = vec![answer];
    while let Some(value) = look.pop() {
        if let (Some(reason), Some(step)) = (value["reason"].as_str(), value["next_step"].as_str())
        {
            found.push((reason.to_owned(), step.to_owned()));
        }
        match value {
            Value::Object(fields) => look.extend(fields.values()),
            Value::Array(items) => look.extend(items),
            _ => {}
        }
    }
    if let Some(detail) = answer["detail"].as_str() {
        found.push((detail.to_owned(), detail.to_owned()));
    }
    found.sort();
    found.dedup();
    found
}

#[tokio::test]
async fn each_wrong_turn_of_a_new_user_gets_one_message_with_cause_and_next_step() {
    let (simulator, router) = start().await;
    let mut expired = simulator.make_pat(1);
    expired.expires_at = simulator.now();
    let mut narrow = simulator.make_pat(2);
    narrow.scopes.remove("vso.work");
    let good = simulator.default_pat().expose_secret().to_owned();
    let form = |pat: &str| json!({ "organization": "fabrikam", "pat": pat });
    let (project, name) = simulator.projects()[1].clone();
    let turns = [
        (
            "a wrong organization name",
            json!({ "organization": "fabricam", "pat": good }),
            ["no organization fabricam", "https://dev.azure.com/<name>"],
        ),
        (
            "an address instead of a name",
            json!({ "organization": "https://dev.azure.com/fabrikam", "pat": good }),
            ["`fabrikam`", "`fabrikam`"],
        ),
        (
            "a blank inside of the token",
            form(&format!("{} {}", &good[..20], &good[20..])),
            ["a space or a line break", "copy it again"],
        ),
        (
            "an expired token",
            form(expired.token.expose_secret()),
            ["it has expired", "fabrikam/_usersSettings/tokens"],
        ),
        (
            "no permission on one project",
            form(&good),
            [
                "in other projects, and not in this one",
                "project administrator",
            ],
        ),
        (
            "Boards without its scope",
            json!({ "organization": "fabrikam", "pat": narrow.token.expose_secret(), "services": ["boards"] }),
            [
                "Work Items (Read), which Boards needs",
                "add Work Items (Read)",
            ],
        ),
    ];
    simulator.add_pat(expired);
    simulator.add_pat(narrow);
    for (turn, form, [cause, step]) in turns {
        if turn.contains("one project") {
            simulator.inject(Fault {
                matching: format!("{project}/_apis/build/builds"),
                after: 0,
                times: 1,
                kind: FaultKind::Forbidden403,
            });
        }
        let (_, _, answer) = ask(router.clone(), form).await;
        let messages = messages(&answer);
        let [(reason, next_step)] = &messages[..] else {
            panic!("{turn} of {name}: {messages:#?}");
        };
        assert!(reason.contains(cause), "{turn}: {reason}");
        assert!(next_step.contains(step), "{turn}: {next_step}");
        assert!(!answer.to_string().contains(&good), "{turn}");
    }
    // Blanks around a token are what copying leaves, and no mistake.
    let (_, _, answer) = ask(router, form(&format!(" \t{good}\r\n"))).await;
    assert_eq!(messages(&answer), []);
    assert_eq!(answer["organizations"][0]["reachable"], true);
}

#[tokio::test]
async fn a_report_says_what_will_come_and_what_is_gone_already() {
    let config = Config {
        run_retention_days: 30,
        ..Config::default()
    };
    let (simulator, router) = start_with(config).await;
    let pat = simulator.default_pat();
    let (_, _, answer) = ask(
        router,
        json!({ "organization": "fabrikam", "pat": pat.expose_secret(), "expires_on": "2020-01-31" }),
    )
    .await;
    assert_orderly(&simulator);
    let outlook = &answer["organizations"][0]["outlook"];
    let projects = simulator.projects().len();
    assert_eq!(
        outlook["projects"],
        json!({ "precision": "exact", "count": projects })
    );
    for kind in ["repositories", "work_items", "runs", "pull_requests"] {
        let count = outlook[kind]["count"].as_u64();
        assert!(count.is_some_and(|count| count > 0), "{kind}: {outlook:#}");
    }
    let short = outlook["short_retention"].as_array().unwrap();
    assert_eq!(short.len(), projects);
    assert_eq!(short[0]["days"], 30);
    assert!(short[0]["reason"].as_str().unwrap().contains("30 days"));
    assert_eq!(
        answer["expiries"],
        json!([{ "organization": "fabrikam", "on": "2020-01-31" }])
    );
    let warnings = answer["warnings"].as_array().unwrap();
    assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().contains("2020-01-31"));
}

#[tokio::test]
async fn a_report_says_what_a_selection_takes_and_leaves_out() {
    let (simulator, router) = start().await;
    let projects = simulator.projects();
    let (first, others) = projects.split_first().unwrap();
    let pat = simulator.default_pat();
    let body = |selection: Value| json!({ "organization": "fabrikam", "pat": pat.expose_secret(), "selection": selection });
    let without = json!({ "projects": { "exclude": [first.1.to_uppercase()] } });
    let (_, _, answer) = ask(router.clone(), body(without)).await;
    let outlook = &answer["organizations"][0]["outlook"];
    let selected = &outlook["selected"]["projects"];
    assert_eq!(selected["included"], others.len());
    assert_eq!(selected["excluded_sample"], json!([first.1]));
    // What lies in the project goes with it, and nothing else does.
    let repositories = &outlook["selected"]["repositories"];
    let own = repositories["excluded"].as_u64().unwrap();
    assert!(
        own > 0 && repositories["included"].as_u64().unwrap() > 0,
        "{repositories}"
    );
    let all = own + repositories["included"].as_u64().unwrap();
    assert_eq!(outlook["repositories"]["count"], all);
    let (status, _, problem) =
        ask(router.clone(), body(json!({ "projects": { "only": [] } }))).await;
    assert_eq!(
        (status, &problem["field"]),
        (StatusCode::BAD_REQUEST, &json!("selection.projects.only"))
    );
    let (_, _, answer) = ask(
        router,
        json!({ "organization": "fabrikam", "pat": pat.expose_secret() }),
    )
    .await;
    assert!(
        answer["organizations"][0]["outlook"]
            .get("selected")
            .is_none()
    );
}

#[tokio::test]
async fn a_token_for_all_organizations_is_warned_of_with_the_day_on_which_it_ends() {
    let (simulator, router) = start().await;
    let pat = simulator.default_pat();
    let body = json!({ "organizations": ["fabrikam", "contoso"], "pat": pat.expose_secret() });
    let (_, _, answer) = ask(router, body).await;
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("2026-12-01"), "{warnings}");
    assert_eq!(answer["expiries"][0]["on"], "2026-12-01");
}

#[tokio::test]
async fn an_answer_comes_within_ten_seconds_whatever_upstream_does() {
    let config = Config {
        latency: Duration::from_secs(4),
        ..Config::default()
    };
    let (simulator, router) = start_with(config).await;
    // An application has to ask Entra ID first, whose answer comes in four pieces, each a second late.
    let entra = simulator.entra();
    entra.set_lifetimes(simulator::Lifetimes {
        latency: Duration::from_secs(1),
        ..entra.lifetimes()
    });
    let application = entra.application();
    let principal = json!({
        "tenant_id": entra.directory(),
        "client_id": application.id,
        "client_secret": application.secrets[0].0.expose_secret(),
    });
    let pat = simulator.default_pat();
    let began = Instant::now();
    let answers = [
        json!({ "organization": "fabrikam", "pat": pat.expose_secret() }),
        json!({ "organization": "fabrikam", "service_principal": principal }),
    ]
    .map(|form| tokio::spawn(ask(router.clone(), form)));
    for answer in answers {
        let (status, _, answer) = answer.await.unwrap();
        assert_eq!(status, StatusCode::OK);
        let text = answer.to_string();
        assert!(text.contains("unreachable") && text.contains("Try again"));
    }
    assert!(began.elapsed() < Duration::from_millis(10_500));
}
