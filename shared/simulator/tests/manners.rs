//! Who gets in, what is refused, and how the simulator misbehaves on request.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flate2::read::GzDecoder;
use http::{Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::json;
use simulator::{Config, Elapsed, Fault, FaultKind, MissingScope, PageCaps, SignIn, Simulator};
use support::{Answer, Client, config};

const PROJECTS: &str = "/fabrikam/_apis/projects?api-version=7.1";

fn always(matching: &str, kind: FaultKind) -> Fault {
    Fault {
        matching: matching.to_owned(),
        after: 0,
        times: u32::MAX,
        kind,
    }
}

async fn suppressed(client: &Client) -> Answer {
    client
        .send(
            Request::get(PROJECTS).header("X-TFS-FedAuthRedirect", "Suppress"),
            "",
        )
        .await
}

#[tokio::test]
async fn a_dead_token_gets_the_sign_in_page_or_a_bare_401() {
    let client = Client::new(config());
    let now = client.simulator.now();
    let mut dead = Vec::new();
    for (name, spoil) in [1, 2, 3].into_iter().zip([
        (|pat, now| pat.expires_at = now - SignedDuration::from_secs(1))
            as fn(&mut simulator::Pat, Timestamp),
        |pat, _| pat.revoked = true,
        |pat, _| pat.organization = "contoso".to_owned(),
    ]) {
        let mut pat = client.simulator.make_pat(name);
        spoil(&mut pat, now);
        dead.push(pat.token.clone());
        client.simulator.add_pat(pat);
    }
    dead.push(SecretString::from("nonsense"));
    for token in &dead {
        let other = client.with_token(token);
        let page = other.get("_apis/projects").await;
        assert_eq!(page.status, StatusCode::NON_AUTHORITATIVE_INFORMATION);
        assert!(
            page.header("content-type")
                .is_some_and(|value| value.starts_with("text/html"))
        );
        let bare = suppressed(&other).await;
        assert_eq!(
            (bare.status, bare.bytes.len()),
            (StatusCode::UNAUTHORIZED, 0)
        );
        assert!(bare.header("www-authenticate").is_some());
    }
    assert!(
        client
            .simulator
            .requests()
            .iter()
            .all(|request| request.identity.is_none())
    );
}

#[tokio::test]
async fn a_dead_token_can_be_redirected() {
    let client = Client::new(Config {
        sign_in: SignIn::Redirect302,
        ..config()
    });
    let answer = client
        .with_token(&SecretString::from("nonsense"))
        .get("_apis/projects")
        .await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert!(
        answer
            .header("location")
            .is_some_and(|target| target.contains("/_signin?"))
    );
}

#[tokio::test]
async fn anonymous_callers_get_connection_data_and_nothing_else() {
    let client = Client::new(config());
    let anonymous = |path: &str| Request::get(path.to_owned()).header(header::AUTHORIZATION, "");
    // An empty header is a malformed credential; a missing one is an anonymous caller.
    let malformed = client
        .send(
            anonymous("/fabrikam/_apis/connectionData?api-version=7.1-preview.1"),
            "",
        )
        .await;
    assert_eq!(malformed.status, StatusCode::NON_AUTHORITATIVE_INFORMATION);
    let router = client.simulator.router();
    let request = Request::get("/fabrikam/_apis/connectionData?api-version=7.1-preview.1")
        .body(axum::body::Body::empty());
    let response = tower::ServiceExt::oneshot(router, request.expect("request"))
        .await
        .expect("answer");
    let body = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .expect("body");
    let data: serde_json::Value = serde_json::from_slice(&body).expect("json");
    assert_eq!(
        data["authenticatedUser"]["id"],
        "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
    );
    assert_eq!(
        data["instanceId"],
        client.simulator.instance_id().to_string()
    );
}

#[tokio::test]
async fn a_missing_scope_closes_its_resources_only() {
    for (manner, status) in [
        (MissingScope::Forbidden403, 403),
        (MissingScope::Unauthorized401, 401),
    ] {
        let client = Client::new(Config {
            missing_scope: manner,
            ..config()
        });
        let mut pat = client.simulator.make_pat(1);
        pat.scopes = BTreeSet::from(["vso.project".to_owned(), "vso.work".to_owned()]);
        let token = pat.token.clone();
        client.simulator.add_pat(pat);
        let limited = client.with_token(&token);
        assert_eq!(limited.get("_apis/projects").await.status, StatusCode::OK);
        assert_eq!(
            limited
                .get("_apis/wit/reporting/workitemlinks")
                .await
                .status,
            StatusCode::OK
        );
        let refused = limited.get("_apis/git/repositories").await;
        assert_eq!(refused.status.as_u16(), status);
        assert!(
            refused.json()["message"]
                .as_str()
                .is_some_and(|message| message.starts_with("TF40"))
        );
    }
}

#[tokio::test]
async fn a_denied_project_does_not_seem_to_exist() {
    let client = Client::new(config());
    let (hidden, name) = client.simulator.projects()[1].clone();
    let mut pat = client.simulator.make_pat(1);
    pat.denied_projects.insert(hidden);
    let token = pat.token.clone();
    client.simulator.add_pat(pat);
    let limited = client.with_token(&token);
    assert_eq!(limited.get("_apis/projects").await.items().len(), 2);
    for path in [
        format!("_apis/projects/{hidden}"),
        format!("{hidden}/_apis/build/builds"),
    ] {
        let answer = limited.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(
            answer.json()["message"]
                .as_str()
                .is_some_and(|message| message.starts_with("TF200016"))
        );
    }
    let repositories = limited.get("_apis/git/repositories").await.items();
    assert!(
        repositories
            .iter()
            .all(|own| own["project"]["name"] != name.as_str())
    );
}

#[tokio::test]
async fn projects_and_repositories_are_found_by_encoded_name_and_any_case() {
    let client = Client::new(config());
    for path in [
        "Fabrikam%20Caf%C3%A9/_apis/build/builds?$top=1",
        "fabrikam%20caf%C3%A9/_apis/BUILD/Builds?%24top=1",
        "Fabrikam%20Caf%C3%A9/_apis/git/repositories/web/pushes",
        "Fabrikam-Fiber/_apis/git/pullRequests",
    ] {
        assert_eq!(client.get(path).await.status, StatusCode::OK, "{path}");
    }
    let by_name_alone = client.get("_apis/git/repositories/web/pushes").await;
    assert_eq!(
        by_name_alone.status,
        StatusCode::NOT_FOUND,
        "names are unique within a project only"
    );
}

#[tokio::test]
async fn what_is_not_simulated_is_not_found() {
    let client = Client::new(config());
    for path in [
        "_apis/git/refs",
        "_apis/build/builds",
        "web/x",
        "p/_apis/projects",
        "_apis/graph/users",
        "a/b/c/d/_apis/wit/wiql",
    ] {
        assert_eq!(
            client.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let other_host = client
        .send(
            Request::get("/_host/vssps.dev.azure.com/fabrikam/_apis/projects?api-version=7.1"),
            "",
        )
        .await;
    assert_eq!(other_host.status, StatusCode::NOT_FOUND);
    let other_organization = client
        .send(Request::get("/contoso/_apis/projects?api-version=7.1"), "")
        .await;
    assert_eq!(other_organization.status, StatusCode::NOT_FOUND);
    let written = client.send(Request::delete(PROJECTS), "").await;
    assert_eq!(written.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn versions_and_parameters_are_checked_and_logged() {
    let client = Client::new(config());
    let key = |answer: &Answer| answer.json()["typeKey"].as_str().map(str::to_owned);
    let unversioned = client
        .send(Request::get("/fabrikam/_apis/projects"), "")
        .await;
    assert_eq!(
        key(&unversioned).as_deref(),
        Some("VssVersionNotSpecifiedException")
    );
    let preview = client.get("_apis/connectionData").await;
    assert_eq!(
        key(&preview).as_deref(),
        Some("VssInvalidPreviewVersionException")
    );
    let unknown = client.get("_apis/projects?$topp=3").await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
    let requests = client.simulator.requests();
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.strict_violation.is_some())
            .count(),
        3
    );

    let lenient = Client::new(Config {
        strict: false,
        ..config()
    });
    assert_eq!(
        lenient.get("_apis/projects?$topp=3").await.status,
        StatusCode::OK
    );
    assert!(
        lenient.simulator.requests()[0]
            .strict_violation
            .as_ref()
            .is_some_and(|own| own.contains("$topp"))
    );
}

#[tokio::test]
async fn every_answer_carries_the_simulated_date_and_an_activity() {
    let client = Client::new(config());
    let answer = client.get("_apis/projects").await;
    assert_eq!(answer.header("date"), Some("Sun, 01 Nov 2026 00:00:00 GMT"));
    assert!(answer.header("activityid").is_some() && answer.header("x-vss-e2eid").is_some());
    client.simulator.advance(1);
    assert_eq!(
        client.get("_apis/nothing").await.header("date"),
        Some("Mon, 02 Nov 2026 00:00:00 GMT")
    );
}

#[tokio::test]
async fn answers_are_compressed_when_asked() {
    let client = Client::new(config());
    let plain = client.get("_apis/git/repositories").await;
    let request = Request::get("/fabrikam/_apis/git/repositories?api-version=7.1")
        .header(header::ACCEPT_ENCODING, "gzip");
    let packed = client.send(request, "").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut GzDecoder::new(packed.bytes.as_slice()), &mut unpacked)
        .expect("gzip");
    assert_eq!(unpacked, plain.bytes);
    assert!(packed.bytes.len() < plain.bytes.len() / 2);
}

#[tokio::test]
async fn faults_replace_or_spoil_the_answer() {
    let client = Client::new(config());
    let truth = client.get("_apis/projects").await.bytes;
    let wait = Some(7);
    for (kind, status, is_json) in [
        (
            FaultKind::TooManyRequests429 { retry_after: wait },
            429,
            true,
        ),
        (FaultKind::Unavailable503 { retry_after: None }, 503, true),
        (FaultKind::ServerError500, 500, true),
        (FaultKind::Stopped503, 503, true),
        (FaultKind::Html203, 203, false),
        (FaultKind::Redirect302, 302, false),
        (FaultKind::Unauthorized401, 401, false),
        (FaultKind::Forbidden403, 403, true),
        (FaultKind::NotFound404, 404, true),
        (FaultKind::Html200, 200, false),
        (FaultKind::EmptyBody, 200, false),
        (FaultKind::TruncatedJson, 200, false),
    ] {
        client.simulator.inject(Fault {
            times: 1,
            ..always("projects", kind.clone())
        });
        let answer = client.get("_apis/projects").await;
        let parsed = serde_json::from_slice::<serde_json::Value>(&answer.bytes);
        assert_eq!(
            (answer.status.as_u16(), parsed.is_ok()),
            (status, is_json),
            "{kind:?}"
        );
    }
    client.simulator.inject(Fault {
        times: 1,
        ..always("projects", FaultKind::CutBody)
    });
    let cut = client.get("_apis/projects").await;
    assert!(cut.is_cut && truth.starts_with(&cut.bytes) && cut.bytes.len() < truth.len());
    let answer = client.get("_apis/projects").await;
    assert_eq!(
        (answer.bytes, answer.is_cut),
        (truth, false),
        "the queue is empty again"
    );
}

#[tokio::test]
async fn an_empty_page_or_a_repeated_token_is_not_the_end() {
    let client = Client::new(Config {
        pages: PageCaps::all(20),
        ..config()
    });
    let project = client.simulator.projects()[0].0;
    let runs = format!("{project}/_apis/build/builds?statusFilter=completed");
    let links = "_apis/wit/reporting/workitemlinks";
    let whole = client.get(&runs).await.items();
    let batch = client.get(links).await.json();

    client.simulator.inject(always("", FaultKind::EmptyPage));
    let empty = client.get(&runs).await;
    let token = empty.header("x-ms-continuationtoken").expect("a token");
    let left_out = client
        .get(&format!("{runs}&continuationToken={token}"))
        .await;
    assert_eq!((empty.items().len(), left_out.items()), (0, whole));
    let empty = client.get(links).await.json();
    let token = empty["continuationToken"].as_str().expect("a token");
    let left_out = client
        .get(&format!("{links}?continuationToken={token}"))
        .await;
    assert_eq!(left_out.json()["values"], batch["values"]);
    assert_eq!(
        (&empty["values"], &empty["isLastBatch"]),
        (&json!([]), &json!(false))
    );

    client.simulator.clear_faults();
    client
        .simulator
        .inject(always("", FaultKind::RepeatedToken));
    let token = client
        .get(&runs)
        .await
        .header("x-ms-continuationtoken")
        .map(str::to_owned);
    let token = token.expect("a token");
    let same = client
        .get(&format!("{runs}&continuationToken={token}"))
        .await;
    assert_eq!(same.header("x-ms-continuationtoken"), Some(token.as_str()));
    let same = client
        .get(&format!("{links}?continuationToken=20"))
        .await
        .json();
    assert_eq!(
        (&same["continuationToken"], &same["isLastBatch"]),
        (&json!("20"), &json!(false))
    );
}

#[tokio::test]
async fn projects_can_have_any_name() {
    let name = "R+D #1 \"Größe\" & 50 %";
    let client = Client::new(Config {
        project_names: vec![name.to_owned()],
        ..config()
    });
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let path = format!("{}/_apis/build/builds", encoded.replace('+', "%20"));
    let runs = client.get(&path).await.items();
    assert_eq!(runs[0]["project"]["name"], name);
    let usual = Client::new(config());
    assert_eq!(
        client.simulator.projects()[0].0,
        usual.simulator.projects()[0].0,
        "the id stays"
    );
}

#[tokio::test(start_paused = true)]
async fn slow_answers_and_latency_take_simulated_network_time() {
    let client = Client::new(config());
    client.simulator.set_latency(Duration::from_secs(3));
    client.simulator.inject(always(
        "projects",
        FaultKind::SlowBody {
            pause: Duration::from_secs(10),
        },
    ));
    let start = tokio::time::Instant::now();
    let answer = client.get("_apis/projects").await;
    let taken = start.elapsed();
    assert_eq!(answer.items().len(), 3);
    assert!(
        (Duration::from_secs(40)..Duration::from_secs(60)).contains(&taken),
        "{taken:?}"
    );
}

#[tokio::test]
async fn requests_inside_an_announced_wait_are_counted() {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let elapsed = Elapsed::from_fn(move || Duration::from_secs(clock.load(Ordering::SeqCst)));
    let client = Client::new(Config {
        elapsed,
        ..config()
    });
    client.simulator.inject(Fault {
        times: 1,
        ..always("", FaultKind::RetryAfterOn200 { seconds: 30 })
    });
    let warned = client.get("_apis/projects").await;
    assert_eq!(
        (warned.status, warned.header("retry-after")),
        (StatusCode::OK, Some("30"))
    );
    for at in [29, 30] {
        seconds.store(at, Ordering::SeqCst);
        client.get("_apis/projects").await;
    }
    let inside: Vec<bool> = client
        .simulator
        .requests()
        .iter()
        .map(|request| request.inside_retry_after)
        .collect();
    assert_eq!(inside, [false, true, false]);
}

#[tokio::test]
async fn rate_limit_headers_are_those_of_the_documentation() {
    let client = Client::new(config());
    client.simulator.inject(always(
        "",
        FaultKind::RateLimitHeaders {
            remaining: 12,
            delay_ms: 0,
        },
    ));
    let answer = client.get("_apis/projects").await;
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("12"));
    assert_eq!(answer.header("x-ratelimit-limit"), Some("200"));
    assert!(answer.header("x-ratelimit-delay").is_none());
}

#[tokio::test]
async fn the_log_says_what_was_asked_and_answered() {
    let client = Client::new(config());
    client.get("_apis/projects?$top=2").await;
    client
        .get("_apis/projects?$top=2&continuationToken=2")
        .await;
    client.get("_apis/nothing").await;
    let requests = client.simulator.requests();
    let pages: Vec<_> = requests
        .iter()
        .map(|request| (request.resource, request.items, request.page.as_deref()))
        .collect();
    assert_eq!(
        pages,
        [
            ("projects", 2, None),
            ("projects", 1, Some("2")),
            ("unknown", 0, None)
        ]
    );
    assert_eq!(client.simulator.request_counts()["projects"], 2);
    client.simulator.clear_requests();
    assert!(client.simulator.requests().is_empty());
}

#[tokio::test]
async fn scripts_reach_the_clock_and_the_truth() {
    let client = Client::new(config());
    let advanced = client
        .send(Request::post("/_simulator/advance?days=3"), "")
        .await;
    assert_eq!(
        (advanced.json()["days"].as_u64(), client.simulator.days()),
        (Some(3), 3)
    );
    let since = client.simulator.now() - SignedDuration::from_hours(24 * 90);
    let ledger = client
        .send(Request::get("/_simulator/ledger"), "")
        .await
        .json();
    let owed = client
        .simulator
        .ledger(since, &client.simulator.default_pat());
    assert_eq!(ledger.as_array().map(Vec::len), Some(owed.len()));
    let totals = client
        .send(Request::get("/_simulator/totals"), "")
        .await
        .json();
    assert_eq!(
        totals,
        serde_json::to_value(client.simulator.totals(&client.simulator.default_pat()))
            .expect("json")
    );
    assert!(
        client.simulator.requests().is_empty(),
        "control requests are not logged"
    );
}

#[tokio::test]
async fn the_official_clients_find_their_way() {
    let client = Client::new(config());
    let locations = client
        .send(Request::options("/fabrikam/_apis"), "")
        .await
        .items();
    let ids: BTreeSet<&str> = locations
        .iter()
        .filter_map(|own| own["id"].as_str())
        .collect();
    assert!(ids.len() >= 20 && ids.len() == locations.len());
    let of_git = client
        .send(Request::options("/fabrikam/_apis/git"), "")
        .await
        .items();
    assert!(!of_git.is_empty() && of_git.iter().all(|own| own["area"] == "git"));
    let request = Request::get("/fabrikam/_apis/resourceAreas?api-version=7.1-preview.1")
        .header(header::HOST, "127.0.0.1:8080");
    for area in client.send(request, "").await.items() {
        assert_eq!(area["locationUrl"], "http://127.0.0.1:8080/fabrikam/");
    }
}

#[test]
fn the_default_token_follows_from_the_seed() {
    use secrecy::ExposeSecret;
    let token = |seed| {
        Simulator::new(Config { seed, ..config() })
            .default_pat()
            .expose_secret()
            .to_owned()
    };
    assert_eq!(token(1), token(1));
    assert_ne!(token(1), token(2));
    assert!(
        !format!("{:?}", Simulator::new(config())).contains(&token(1)),
        "tokens stay out of debug output"
    );
}
