//! The commands of README's section on the API, copied from there and run against the program as a person runs it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const README: &str = include_str!("../../../../README.md");

/// What a shell finds before the commands: a `curl` that says nothing of its progress, and fails where the API refuses.
const PRELUDE: &str = "set -eu
curl() { command curl --silent --show-error --fail-with-body \"$@\"; printf '\\n'; }
";

/// The commands of a section, in their order.
fn commands(title: &str) -> Vec<&'static str> {
    let section = README
        .split("\n## ")
        .find(|section| section.starts_with(title));
    let blocks = section.unwrap().split("\n\n").filter(|block| {
        let first = block.trim_start();
        let is_assignment = first
            .split_once('=')
            .is_some_and(|(name, _)| name.chars().all(|letter| letter.is_ascii_uppercase()));
        block.starts_with("    ") && (first.starts_with("curl ") || is_assignment)
    });
    blocks.flat_map(str::lines).map(str::trim).collect()
}

/// The program, serving a simulated organization, and its address.
struct Serving {
    child: Child,
    url: String,
}

impl Serving {
    fn start(directory: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
        command.args(["--template", template, "--port", "0", "--data-dir"]);
        command
            .arg(directory.join(".ado-lens"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // What is said when everything is there.
        let said = lines.find_map(|line| {
            let line = line.unwrap();
            let (address, _) = line.split_once("/ until Ctrl-C")?;
            Some(address.strip_prefix("the console is at ")?.to_owned())
        });
        // Somebody has to read on, or the program would wait for it.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url: said.expect("the program serves"),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let serving = Serving::start(directory.path());
    let commands = commands("The API");
    let curls = commands.iter().filter(|line| line.contains("curl "));
    assert!(curls.count() >= 20, "{commands:#?}");
    let script = format!("{PRELUDE}{}\n", commands.join("\n"));
    let script = script.replace("http://127.0.0.1:3000", &serving.url);
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).current_dir(directory.path());
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last: String = said.chars().rev().take(2000).collect();
    let last: String = last.chars().rev().collect();
    assert!(output.status.success(), "{complaint}\n{last}");
    for part in [
        r#""status":"readable""#,
        r#""kind":"credential_refused""#,
        r#""method":"service_principal""#,
        "<h1>Connected</h1>",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
