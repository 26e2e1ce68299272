//! Serves a simulated organization and prints where, and the token that opens it:
//!
//! `cargo run -p simulator --example serve -- --port 8090 --seed 1`
//!
//! Without `--port` a free one is taken. `tests/python/judge.py URL PAT` is one thing to point at it. With `--ledger-days N` it also
//! prints, as JSON, what of the last N days whoever reads all of it must have found.
#![expect(
    clippy::print_stdout,
    reason = "printing the address is what this program is for"
)]

use std::error::Error;

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::json;
use simulator::{Config, Simulator};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut port = 0_u16;
    let mut config = Config::default();
    let mut ledger_days: Option<i64> = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--port" => port = value.parse()?,
            "--seed" => config.seed = value.parse()?,
            "--ledger-days" => ledger_days = Some(value.parse()?),
            other => {
                let known = "--port, --seed and --ledger-days";
                return Err(format!("unknown argument {other}; known are {known}").into());
            }
        }
    }
    let simulator = Simulator::new(config);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!(
        "URL=http://{}/{}",
        listener.local_addr()?,
        simulator.organization()
    );
    println!("PAT={}", simulator.default_pat().expose_secret());
    if let Some(days) = ledger_days {
        let since = Timestamp::now() - SignedDuration::from_hours(24 * days);
        let expected = simulator.ledger(since, &simulator.default_pat());
        let expected: Vec<_> = expected
            .iter()
            .map(|record| {
                json!({
                    "kind": record.kind,
                    "scope": record.scope,
                    "id": record.id,
                    "version": record.version,
                    "children": record.children,
                })
            })
            .collect();
        println!("LEDGER={}", json!(expected));
    }
    simulator.serve(listener).await?;
    Ok(())
}
