//! The meter from outside: what a patient, an impatient and a thoughtful caller meet, in virtual time.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::time::Duration;

use http::{Request, StatusCode};
use simulator::{Config, Elapsed, Fault, FaultKind, Throttle, Throttling, Tstu};
use support::{Answer, Client, config};
use tokio::time::Instant;

/// An organization whose clock is tokio's.
fn metered(throttle: Option<Throttle>) -> Client {
    let start = Instant::now();
    Client::new(Config {
        elapsed: Elapsed::from_fn(move || start.elapsed()),
        throttle,
        ..config()
    })
}

async fn ask(client: &Client) -> Answer {
    client.get("_apis/projects?$top=1").await
}

fn number(answer: &Answer, name: &str) -> Option<f64> {
    answer
        .header(name)
        .map(|value| value.parse().expect("a number"))
}

/// Sends so many requests one after the other, and after each waits as long as it was told.
async fn obey(client: &Client, requests: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..requests {
        let answer = ask(client).await;
        if let Some(wait) = number(&answer, "retry-after") {
            tokio::time::sleep(Duration::from_secs_f64(wait)).await;
        }
    }
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn who_obeys_is_never_refused() {
    for (name, thousandths) in [("0.1", 100), ("0.5", 500), ("1", 1_000), ("2", 2_000)] {
        let model: Throttle = name.parse().unwrap();
        let client = metered(Some(model));
        let requests = 700_000 / thousandths;
        let time = obey(&client, requests).await;
        let throttling = client.simulator.throttling();
        assert_eq!(
            (
                throttling.throttled_429,
                throttling.requests_inside_retry_after
            ),
            (0, 0),
            "{name}"
        );
        assert_eq!(throttling.bound_ms, 900_000, "{name}: four windows begun");
        assert!(
            throttling.delayed > 0,
            "{name}: only a Retry-After stops this caller"
        );
        let ratio = time.as_secs_f64() * 1_000.0 / throttling.bound_ms as f64;
        assert!((1.0..1.1).contains(&ratio), "{name}: {ratio}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_is_refused_as_long_as_he_goes_on() {
    let client = metered(Some(Throttle::costing(Tstu::units(2))));
    let burst = at_once(&client, 111).await;
    let refused = &burst[110];
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(
        refused.json()["message"]
            .as_str()
            .unwrap()
            .starts_with("TF400733")
    );
    // It went out after half a minute, with the answer that was held back the longest.
    assert_eq!(number(refused, "retry-after"), Some(300.0));
    assert_eq!(number(&burst[109], "retry-after"), Some(270.0));

    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(ask(&client).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    let throttling = client.simulator.throttling();
    assert_eq!(
        throttling,
        Throttling {
            requests_inside_retry_after: 10,
            throttled_429: 11,
            delayed: 10,
            tstu_spent: Tstu::units(242),
            bound_ms: 300_000,
        }
    );
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(ask(&client).await.status, StatusCode::OK, "calm heals");
}

/// Sends so many requests at once.
async fn at_once(client: &Client, requests: u32) -> Vec<Answer> {
    let mut tasks = tokio::task::JoinSet::new();
    for position in 0..requests {
        let own = Client::of(&client.simulator);
        tasks.spawn(async move { (position, ask(&own).await) });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(position, _)| *position);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_left_is_told_early_enough_to_avoid_every_delay() {
    let client = metered(Some(Throttle::costing(Tstu::units(1))));
    let mut told = 0;
    for _ in 0..500 {
        let answer = ask(&client).await;
        assert_eq!(answer.header("x-ratelimit-delay"), None);
        if let Some(remaining) = number(&answer, "x-ratelimit-remaining") {
            told += 1;
            assert_eq!(number(&answer, "x-ratelimit-limit"), Some(200.0));
            if remaining == 0.0 {
                let reset = number(&answer, "x-ratelimit-reset").unwrap();
                let now = client.simulator.now().as_duration().as_secs_f64();
                tokio::time::sleep(Duration::from_secs_f64(reset - now)).await;
            }
        }
    }
    let throttling = client.simulator.throttling();
    assert_eq!(
        (throttling.delayed, throttling.throttled_429, told),
        (0, 0, 101 + 101 + 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_faster_meter_tells_the_same_story_in_less_time() {
    let model = Throttle::costing(Tstu::units(2));
    let slow = metered(Some(model));
    let slow_time = obey(&slow, 350).await;
    let fast = metered(Some(model.at_speed(60)));
    let fast_time = obey(&fast, 350).await;
    let (slow, fast) = (slow.simulator.throttling(), fast.simulator.throttling());
    assert_eq!(
        Throttling {
            bound_ms: fast.bound_ms * 60,
            ..fast
        },
        slow
    );
    // Virtual timers tick in whole milliseconds: a few of them on each wait.
    let scaled = fast_time.as_secs_f64() * 60.0 / slow_time.as_secs_f64();
    assert!((0.99..1.02).contains(&scaled), "{scaled}");
}

#[tokio::test(start_paused = true)]
async fn scripted_waits_and_metered_ones_are_one_account() {
    let client = metered(Some(Throttle::costing(Tstu::units(1))));
    client.simulator.inject(Fault {
        matching: String::new(),
        after: 0,
        times: 1,
        kind: FaultKind::RetryAfterOn200 { seconds: 30 },
    });
    ask(&client).await;
    // Days that pass upstream are no time that a caller has waited.
    client.simulator.advance(1);
    ask(&client).await;
    let throttling = client.simulator.throttling();
    assert_eq!(
        (
            throttling.requests_inside_retry_after,
            throttling.tstu_spent
        ),
        (1, Tstu::units(2))
    );
}

#[tokio::test(start_paused = true)]
async fn scripts_choose_the_meter() {
    let client = metered(None);
    ask(&client).await;
    let post =
        |query: &str| client.send(Request::post(format!("/_simulator/throttle?{query}")), "");
    let unmetered = post("model=0.5&speed=60").await.json();
    assert_eq!(unmetered["tstu_spent"], 0.0);
    ask(&client).await;
    let get = Request::get("/_simulator/throttle");
    assert_eq!(client.send(get, "").await.json()["tstu_spent"], 0.5);
    assert_eq!(
        post("model=7").await.status,
        StatusCode::BAD_REQUEST,
        "no such model"
    );
    post("model=off").await;
    ask(&client).await;
    assert_eq!(
        client.simulator.throttling().tstu_spent,
        Tstu::thousandths(500)
    );
}
