//! How long functions take to start, beside a function that does nothing, and how large their programs are.
//!
//! What is started are the programs that are deployed, with the environment that the template gives them. Each is started
//! often and in turn with the others, so that whatever else the machine does troubles all of them alike.

mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use flate2::{Compression, write::DeflateEncoder};
use serde_json::{Value, json};

use super::failure::Failure;
use super::progress;
use super::queries::percentile;
use crate::lambda::{Config, Programs};
use crate::server::{bind, url_of};
use crate::stack::{Options, Stack};
use crate::template::Function;

/// How often each is started, after a first time that brings its program into memory.
const ROUNDS: usize = 20;
/// How long AWS lets a function initialise:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>.
const PATIENCE: Duration = Duration::from_secs(10);
/// The function that does nothing: `shared/entrypoint/src/bin/empty.rs`.
const EMPTY: &str = "empty";

/// What was measured of a program.
#[derive(Debug)]
struct Measured {
    /// Whether somebody waits for it: it answers the API.
    is_http: bool,
    /// From the start to the first request for work, in milliseconds and ascending order.
    starts: Vec<f64>,
    program_bytes: u64,
    /// The same compressed as in the archive that is deployed.
    zip_bytes: u64,
}

/// What was measured, by program.
#[derive(Debug)]
pub(super) struct ColdStarts(BTreeMap<String, Measured>);

impl ColdStarts {
    /// Starts the programs of a directory, which is one that Cargo builds into.
    pub(super) async fn measure(directory: &Path, template: &Path) -> Result<Self, Failure> {
        let options = Options::new(template, Programs::Separate(directory.to_owned()))
            .parameter("ConsoleClientId", "console")
            .parameter("OAuthClientId", uuid::Uuid::nil().to_string());
        // Nothing of it is asked. It knows what the template means, and lends its addresses.
        let stack = Stack::start(options).await?;
        let functions = functions(&stack);
        let mut measured = BTreeMap::new();
        for (binary, (_, is_http)) in &functions {
            let program = directory.join(binary);
            let read = std::fs::read(&program).map_err(|error| failed(binary, &error))?;
            let own = Measured {
                is_http: *is_http,
                starts: Vec::new(),
                program_bytes: read.len() as u64,
                zip_bytes: zipped(&read).map_err(|error| failed(binary, &error))?,
            };
            measured.insert(binary.clone(), own);
        }
        let listener = bind(0).await.map_err(Failure::Runtime)?;
        let config = Config {
            runtime_url: url_of(&listener).map_err(Failure::Runtime)?,
            programs: Programs::Separate(directory.to_owned()),
            logs: stack.data_file("cold-starts"),
            environment: stack.aws_environment().clone(),
            concurrency: 1,
            init_timeout: PATIENCE,
        };
        progress::say(&format!(
            "starting each of {} {ROUNDS} times",
            functions.len()
        ));
        for round in 0..=ROUNDS {
            for (binary, (function, _)) in &functions {
                let time = start::time(&config, function, &listener).await;
                let time = time.map_err(|error| failed(binary, &error))?;
                let own = measured.get_mut(binary).filter(|_| round > 0);
                own.into_iter()
                    .for_each(|own| own.starts.push(time.as_secs_f64() * 1e3));
            }
        }
        for own in measured.values_mut() {
            own.starts.sort_unstable_by(f64::total_cmp);
        }
        stack.shutdown().await;
        Ok(Self(measured))
    }

    #[expect(clippy::print_stdout, reason = "this is the program's result")]
    pub(super) fn print(&self, as_json: bool) {
        match as_json {
            true => println!("{}", self.json()),
            false => print!("{}", self.markdown()),
        }
    }

    fn json(&self) -> Value {
        let programs = self.0.iter().map(|(binary, own)| {
            let figures = json!({
                "http": own.is_http,
                "start_ms": percentile(&own.starts, 0.5),
                "fastest_start_ms": own.starts.first(),
                "times_empty": self.times_empty(own),
                "program_bytes": own.program_bytes,
                "zip_bytes": own.zip_bytes,
            });
            (binary.clone(), figures)
        });
        Value::Object(programs.collect())
    }

    fn markdown(&self) -> String {
        let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        let figure = |own: Option<f64>, unit: &str| {
            own.map_or("-".to_owned(), |own| format!("{own:.2}{unit}"))
        };
        let mut lines = vec![
            "| Function | for | start | times the empty one | program | zipped |".to_owned(),
            "|---|---|---:|---:|---:|---:|".to_owned(),
        ];
        let (empty, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|own| own.0 == EMPTY);
        lines.extend(empty.into_iter().chain(others).map(|(binary, own)| {
            let (name, purpose) = match (binary.as_str(), own.is_http) {
                (EMPTY, _) => ("an empty one".to_owned(), "comparison"),
                (name, true) => (format!("`{name}`"), "API"),
                (name, false) => (format!("`{name}`"), "queue"),
            };
            format!(
                "| {name} | {purpose} | {} | {} | {} | {} |",
                figure(percentile(&own.starts, 0.5), " ms"),
                figure(self.times_empty(own), ""),
                megabytes(own.program_bytes),
                megabytes(own.zip_bytes),
            )
        }));
        lines.join("\n") + "\n"
    }

    /// How many times as long as the empty function it takes to start, by the middle of all starts.
    fn times_empty(&self, own: &Measured) -> Option<f64> {
        let empty = percentile(&self.0.get(EMPTY)?.starts, 0.5)?;
        Some(percentile(&own.starts, 0.5)? / empty)
    }
}

/// One function for each program, and whether it answers the API; the empty one is none of the template's.
fn functions(stack: &Stack) -> BTreeMap<String, (Function, bool)> {
    let template = stack.template();
    let asked: BTreeSet<&str> = template
        .routes
        .iter()
        .map(|route| route.function.as_str())
        .collect();
    let mut functions: BTreeMap<_, _> = template
        .functions
        .values()
        .map(|own| {
            let is_http = asked.contains(own.logical_id.as_str());
            (own.binary.clone(), (own.clone(), is_http))
        })
        .collect();
    let any = template.functions.values().next();
    functions.extend(any.map(|own| {
        let empty = Function {
            binary: EMPTY.to_owned(),
            logical_id: "Empty".to_owned(),
            ..own.clone()
        };
        (EMPTY.to_owned(), (empty, false))
    }));
    functions
}

/// How large a file is in an archive, as `sam build` and `sam deploy` make it.
fn zipped(program: &[u8]) -> std::io::Result<u64> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(program)?;
    Ok(encoder.finish()?.len() as u64)
}

fn failed(binary: &str, reason: &impl ToString) -> Failure {
    Failure::ColdStart {
        binary: binary.to_owned(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(is_http: bool, starts: &[f64]) -> Measured {
        Measured {
            is_http,
            starts: starts.to_vec(),
            program_bytes: 8_040_000,
            zip_bytes: 3_960_000,
        }
    }

    #[test]
    fn a_program_is_compared_by_the_middle_of_its_starts() {
        let programs = [
            (EMPTY, measured(false, &[1.0, 4.0, 90.0])),
            ("console", measured(true, &[3.0, 6.0, 7.0])),
            ("fetch", measured(false, &[])),
        ];
        let own = ColdStarts(programs.map(|(name, own)| (name.to_owned(), own)).into());
        assert_eq!(own.json()["console"]["times_empty"], 1.5);
        let table = own.markdown();
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "| an empty one | comparison | 4.00 ms | 1.00 | 8.0 MB | 4.0 MB |",
                "| `console` | API | 6.00 ms | 1.50 | 8.0 MB | 4.0 MB |",
                "| `fetch` | queue | - | - | 8.0 MB | 4.0 MB |",
            ]
        );
    }

    #[test]
    fn an_archive_is_smaller_than_what_repeats() {
        let size = zipped(&[7; 100_000]).unwrap();
        assert!((10..1_000).contains(&size), "{size}");
    }
}
