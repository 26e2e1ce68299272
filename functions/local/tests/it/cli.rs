//! The program as a person starts it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::Value;
use simulator::{Config, Simulator};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.args([
        "--template",
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml"),
    ]);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(Stdio::null());
    command
}

/// The last midnight. Every run of a test sees the same organization, and nothing in it lies near the border of the
/// retention window, where the seconds between two runs would matter.
static MIDNIGHT: LazyLock<String> = LazyLock::new(|| {
    let second = jiff::Timestamp::now().as_second() / 86_400 * 86_400;
    jiff::Timestamp::from_second(second).unwrap().to_string()
});

/// Starts a single run.
fn start(directory: &Path, arguments: &[&str]) -> Child {
    let mut command = program();
    command
        .args(["--once", "--json", "--epoch", &MIDNIGHT, "--data-dir"])
        .arg(directory)
        .args(arguments);
    command.spawn().unwrap()
}

fn finish(child: Child) -> (Output, String) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

fn result(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns what the program says when it refuses.
fn refusal(command: &mut Command) -> String {
    let (output, said) = finish(command.spawn().unwrap());
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty());
    let errors: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "one sentence: {said}");
    assert!(!said.contains("panicked"), "{said}");
    errors[0].to_owned()
}

#[test]
fn a_sync_killed_at_any_moment_ends_with_the_same_store_as_an_undisturbed_one() {
    let (quiet, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (output, said) = finish(start(quiet.path(), &[]));
    assert!(output.status.success(), "{said}");
    let reference = result(&output);
    assert_eq!(reference["dead_letters"], 0);
    for kind in ["work_item", "run", "pull_request", "changeset"] {
        assert!(
            reference["records"][kind].as_u64().unwrap() > 0,
            "{kind}: {reference}"
        );
    }

    // Spread over a whole sync, each time further: what was done before stays done.
    let step = Duration::from_millis(reference["duration_ms"].as_u64().unwrap() / 20);
    for kill in 1..=10 {
        let mut child = start(killed.path(), &[]);
        std::thread::sleep(step * (kill % 4) + Duration::from_millis(150 + 37 * u64::from(kill)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let (output, said) = finish(start(killed.path(), &[]));
    assert!(output.status.success(), "{said}");
    let survivor = result(&output);
    for part in ["digest", "records", "ledger", "dead_letters"] {
        assert_eq!(survivor[part], reference[part], "{part}");
    }

    // Nothing is due so soon, so a further run asks for nothing.
    let (output, said) = finish(start(quiet.path(), &[]));
    assert!(output.status.success(), "{said}");
    assert_eq!(result(&output)["requests"]["total"], 0);
    assert_eq!(result(&output)["digest"], reference["digest"]);

    let other_seed = refusal(
        program()
            .args(["--once", "--seed", "2", "--data-dir"])
            .arg(quiet.path()),
    );
    assert!(other_seed.contains("--fresh"), "{other_seed}");
}

/// What the program sets, and a resource that is none.
const PARAMETERS_ONLY: &str = "
Parameters: { AzureDevOpsUrl: { Type: String }, ConsoleClientId: { Type: String }, OAuthClientId: { Type: String }, RetentionDays: { Type: Number } }
Resources: { A: {} }
";

#[test]
fn what_is_wrong_is_said_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (data, empty) = (directory.path().join("data"), file("empty", "\n"));
    let (broken, wrong) = (
        file("broken.yaml", "Resources: [1\n"),
        file("wrong.yaml", PARAMETERS_ONLY),
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let text = |path: &Path| path.display().to_string();
    for (arguments, expected) in [
        (
            vec!["--organization", "a", "--pat-file", "/no/such/file"],
            "cannot read the token file /no/such/file",
        ),
        (
            vec!["--organization", "a", "--pat-file", &text(&empty)],
            "is empty",
        ),
        (vec!["--port", &port], "is in use"),
    ] {
        let said = refusal(
            program()
                .arg("--once")
                .arg("--data-dir")
                .arg(&data)
                .args(&arguments),
        );
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    for (template, expected) in [
        (text(&broken), "is not valid YAML"),
        (text(&wrong), "A: Type is missing"),
        ("/no".to_owned(), "cannot read"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let said = refusal(
            command
                .args(["--once", "--template", &template, "--data-dir"])
                .arg(&data),
        );
        assert!(said.contains(expected), "{template}: {said}");
    }
    let damaged = directory.path().join("damaged");
    std::fs::create_dir(&damaged).unwrap();
    std::fs::write(
        damaged.join("sqs.sqlite"),
        "no database at all, but long enough to be looked at",
    )
    .unwrap();
    let said = refusal(program().arg("--once").arg("--data-dir").arg(&damaged));
    assert!(said.contains("sqs.sqlite"), "{said}");
}

/// Serves a simulator as if it were a real organization, and returns its address.
async fn serve(simulator: &Simulator) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = simulator.clone();
    tokio::spawn(async move { served.serve(listener).await });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_or_an_organization_that_does_not_work_saves_nothing() {
    let simulator = Simulator::new(Config::default());
    let url = serve(&simulator).await;
    let directory = tempfile::tempdir().unwrap();
    let mut expired = simulator.make_pat(1);
    expired.expires_at = jiff::Timestamp::UNIX_EPOCH;
    let mut narrow = simulator.make_pat(2);
    narrow.scopes.remove("vso.work");
    let mut elsewhere = simulator.make_pat(3);
    elsewhere.organization = "contoso".to_owned();
    for (name, organization, pat) in [
        (
            "unknown organization",
            "nobody-has-this",
            simulator.make_pat(4),
        ),
        ("expired", "fabrikam", expired),
        ("without a scope", "fabrikam", narrow),
        ("of another organization", "fabrikam", elsewhere),
    ] {
        simulator.add_pat(pat.clone());
        let file = directory.path().join("pat");
        std::fs::write(&file, pat.token.expose_secret()).unwrap();
        let data = directory.path().join(name);
        let mut command = program();
        command.args([
            "--once",
            "--azure-devops-url",
            &url,
            "--organization",
            organization,
            "--pat-file",
        ]);
        command.arg(&file).arg("--data-dir").arg(&data);
        let said = tokio::task::spawn_blocking(move || refusal(&mut command))
            .await
            .unwrap();
        assert!(
            said.starts_with(&format!("error: the API refused to connect {organization}")),
            "{name}: {said}"
        );
        assert!(
            !said.contains(pat.token.expose_secret()),
            "{name} shows the token"
        );
        assert!(!data.join("secrets.json").exists(), "{name} left a secret");
    }
}

/// Presses Ctrl-C.
#[cfg(unix)]
fn interrupt(child: &Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn after_the_sync_it_serves_the_api_until_ctrl_c() {
    use std::io::{BufRead as _, BufReader};
    let directory = tempfile::tempdir().unwrap();
    let mut child = program()
        .args(["--port", "0", "--data-dir"])
        .arg(directory.path())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let serving = lines.find(|line| line.contains(" until Ctrl-C")).unwrap();
    let url = serving.strip_prefix("the console is at ").unwrap();
    let url = url.split("/ ").next().unwrap();
    let token = std::fs::read_to_string(directory.path().join("token")).unwrap();
    let request = reqwest::Client::new()
        .get(format!("{url}/api/v1/connections"))
        .bearer_auth(token);
    let answer: Value =
        serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap();
    assert_eq!(answer["connections"][0]["organizations"][0], "fabrikam");
    assert_eq!(
        answer["connections"][0]["integrations"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let summary = String::from_utf8(output.stdout).unwrap();
    assert!(
        summary.contains("everything upstream is stored"),
        "{summary}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_during_the_sync_ends_the_program_and_says_how_to_go_on() {
    use std::io::{BufRead as _, BufReader};
    let directory = tempfile::tempdir().unwrap();
    let mut child = program()
        .args(["--port", "0", "--data-dir"])
        .arg(directory.path())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    lines.find(|line| line.contains("connecting")).unwrap();
    interrupt(&child);
    let rest: Vec<_> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(
        rest.iter()
            .any(|line| line.contains("run it again to continue")),
        "{rest:?}"
    );
}
