//! Leaving: after a deletion nothing is left but its receipt, whoever was at work and whatever was killed.

use std::{
    collections::BTreeSet,
    process::Command,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::Value;
use simulator::Lifetimes;

use crate::{PATIENCE, deployment::Deployment, regressions::tiny};

const ADMIN: (&str, &[&str]) = ("contoso", &["admin"]);

/// Where an item is: its table, partition and sort key.
type Place = (String, String, String);

impl Deployment {
    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(ADMIN, (Method::GET, path), None).await
    }

    /// Everything that the export names, from its first page to its last.
    async fn exported(&self, path: &str) -> BTreeSet<Place> {
        let mut places = BTreeSet::new();
        let mut cursor = String::new();
        loop {
            let (status, page) = self.get(&format!("{path}{cursor}")).await;
            assert_eq!(status, 200, "{page}");
            for item in page["items"].as_array().unwrap() {
                let part = |name: &str| item[name].as_str().unwrap().to_owned();
                let place = (part("table"), part("partition"), part("key"));
                assert!(item["content"].is_object(), "{item}");
                assert!(places.insert(place), "named twice: {item}");
            }
            match page["next"].as_str() {
                Some(next) => cursor = format!("?cursor={next}"),
                None => return places,
            }
        }
    }

    /// Everything that is in the tables: without the parts of long texts and the list of partitions, which are no things of
    /// their own.
    async fn places(&self) -> BTreeSet<Place> {
        let mut places = BTreeSet::new();
        for (table, id) in [("control", "ControlTable"), ("records", "RecordsTable")] {
            for (partition, key) in self.keys(id).await {
                let is_list = table == "records" && !partition.contains('#');
                if !is_list && !key.contains('\u{7f}') {
                    places.insert((table.to_owned(), partition, key));
                }
            }
        }
        places
    }

    /// Waits until a deletion says that it is done.
    async fn deleted(&self, connection: &str) -> Value {
        let begun = Instant::now();
        loop {
            let (status, deletion) = self.get(&format!("{connection}/deletion")).await;
            assert_eq!(status, 200, "{deletion}");
            if deletion["status"] == "deleted" {
                return deletion;
            }
            assert!(begun.elapsed() < PATIENCE, "{deletion}\n{}", self.logs());
            // Those who were killed are waited for by the clock, delays of queues are not.
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.stack.advance_queues(Duration::from_secs(60));
        }
    }

    /// Fails unless nothing is left anywhere but the receipt and the audit log.
    async fn assert_gone(&self, connection: &str) {
        self.settle().await;
        for (table, partition, key) in self.places().await {
            let is_kept = partition.starts_with("AUDIT#") || key.starts_with("DELETION#");
            assert!(is_kept, "{table} {partition} {key}\n{}", self.logs());
        }
        assert!(self.keys("RecordsTable").await.is_empty());
        assert_eq!(self.secret_names(), Vec::<String>::new());
        let depths = self.stack.depths();
        assert!(
            depths.values().all(|depth| depth.total() == 0),
            "{depths:?} {:?}\n{}",
            self.stack.dead_letters(),
            self.logs()
        );
        assert_eq!(self.get(connection).await.0, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_removes_what_the_export_names_and_keeps_a_receipt() {
    // An application whose access token has to be renewed, because that leaves more behind: whose turn it was.
    let deployment = Deployment::start(tiny()).await;
    let entra = deployment.simulator.entra();
    entra.set_lifetimes(Lifetimes {
        access: Duration::from_secs(240),
        ..entra.lifetimes()
    });
    let (status, answer) = deployment.connect_application().await;
    assert_eq!(status, 201, "{answer}");
    deployment.settle().await;
    let view = deployment.connection().await;
    let connection = format!("/api/v1/connections/{}", view["id"].as_str().unwrap());
    let mut exported = deployment.exported(&format!("{connection}/export")).await;
    for integration in view["integrations"].as_array().unwrap() {
        let path = format!(
            "/api/v1/integrations/{}/export",
            integration["id"].as_str().unwrap()
        );
        exported.extend(deployment.exported(&path).await);
    }
    let mut places = deployment.places().await;
    places.retain(|(_, partition, _)| !partition.starts_with("AUDIT#"));
    assert_eq!(exported, places);
    assert!(exported.iter().any(|(.., key)| key == "#TOKEN"));

    let (_, preview) = deployment.get(&format!("{connection}/deletion")).await;
    assert_eq!(preview["status"], "not_requested");
    let records = exported
        .iter()
        .filter(|(table, ..)| table == "records")
        .count();
    let counted: u64 = preview["holdings"]["records"]
        .as_object()
        .unwrap()
        .values()
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(usize::try_from(counted).unwrap(), records, "{preview}");

    let delete = (Method::DELETE, connection.as_str());
    let (status, answer) = deployment.call(ADMIN, delete.clone(), None).await;
    assert_eq!(
        (status, answer["status"].as_str()),
        (202, Some("deleting")),
        "{answer}"
    );
    let (status, _) = deployment.call(ADMIN, delete.clone(), None).await;
    assert!(
        status == 202 || status == 404,
        "asking again does no harm: {status}"
    );
    let (status, problem) = deployment
        .call(ADMIN, (Method::POST, &format!("{connection}/pause")), None)
        .await;
    assert!(status == 409 || status == 404, "{problem}");
    let receipt = deployment.deleted(&connection).await;
    assert_eq!(receipt["holdings"], preview["holdings"]);
    assert_eq!(receipt["requested_by"]["subject"], "local-user");
    deployment.assert_gone(&connection).await;
    assert_eq!(
        deployment.get(&format!("{connection}/deletion")).await.1,
        receipt
    );

    let (_, log) = deployment.get("/api/v1/audit?limit=2").await;
    let actions: Vec<&Value> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["action"])
        .collect();
    assert_eq!(actions, ["deleted", "deletion_requested"], "{log}");
    let next = log["next"].as_str().unwrap();
    let (_, rest) = deployment
        .get(&format!("/api/v1/audit?cursor={next}"))
        .await;
    assert_eq!(rest["entries"][0]["action"], "created", "{rest}");
    assert!(rest["next"].is_null(), "{rest}");
}

/// A small generator: the same seed makes the same run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The template with time limits that a killed worker reaches soon, so that a test need not wait for the real ones. So many
/// are killed by them on a busy machine that no number of attempts is too large.
fn impatient_template(directory: &std::path::Path) -> std::path::PathBuf {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
    let text = std::fs::read_to_string(template).unwrap();
    let text = text
        .replace("Timeout: 300", "Timeout: 4")
        .replace("Timeout: 60", "Timeout: 4")
        .replace("maxReceiveCount: 5", "maxReceiveCount: 1000");
    let path = directory.join("template.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

/// Connects, and deletes at some moment of the first synchronization while workers are killed at others.
async fn leave_in_the_middle(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let directory =
        std::env::temp_dir().join(format!("ado-lens-leave-{}-{seed}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let template = impatient_template(&directory);
    let deployment = Deployment::start_from(tiny(), &template).await;
    let (status, answer) = match seed % 2 {
        0 => deployment.connect_application().await,
        _ => deployment.connect(deployment.simulator.default_pat()).await,
    };
    assert_eq!(status, 201, "{answer}");
    let connection = format!("/api/v1/connections/{}", answer["id"].as_str().unwrap());
    tokio::time::sleep(Duration::from_millis(random.below(6_000))).await;
    for _ in 0..random.below(3) {
        kill_one(&deployment, &mut random);
        tokio::time::sleep(Duration::from_millis(random.below(300))).await;
    }
    let delete = (Method::DELETE, connection.as_str());
    let (status, answer) = deployment.call(ADMIN, delete, None).await;
    assert_eq!(status, 202, "{answer}");
    for _ in 0..random.below(6) {
        tokio::time::sleep(Duration::from_millis(random.below(800))).await;
        kill_one(&deployment, &mut random);
        deployment.stack.advance_queues(Duration::from_secs(400));
    }
    deployment.deleted(&connection).await;
    deployment.assert_gone(&connection).await;
    std::fs::remove_dir_all(&directory).unwrap();
}

/// Kills the process of a function, if one runs, as a machine that is switched off would.
fn kill_one(deployment: &Deployment, random: &mut Random) {
    let processes = deployment.stack.lambda().processes();
    let workers = processes
        .iter()
        .filter(|(name, _)| name.starts_with("Fetch") || name.as_str() == "FanOut");
    let pids: Vec<u32> = workers.flat_map(|(_, pids)| pids.clone()).collect();
    if pids.is_empty() {
        return;
    }
    let victim = pids[usize::try_from(random.below(pids.len() as u64)).unwrap()];
    let _ = Command::new("kill")
        .args(["-9", &victim.to_string()])
        .status();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_whoever_was_at_work_and_whatever_was_killed() {
    // A run is most of a synchronization; more of them with ADO_LENS_DELETIONS=100.
    let runs = std::env::var("ADO_LENS_DELETIONS").ok();
    let runs: u64 = runs.and_then(|runs| runs.parse().ok()).unwrap_or(2);
    for seed in 1..=runs {
        leave_in_the_middle(seed).await;
        println!("run {seed} of {runs} left nothing");
    }
}
