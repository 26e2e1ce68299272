//! Serves a simulated organization and prints where, and the token that opens it:
//!
//! `cargo run -p simulator --example serve -- --port 8090 --seed 1`
//!
//! Without `--port` a free one is taken. `tests/python/judge.py URL PAT` is one thing to point at it.
#![expect(
    clippy::print_stdout,
    reason = "printing the address is what this program is for"
)]

use std::error::Error;

use secrecy::ExposeSecret;
use simulator::{Config, Simulator};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut port = 0_u16;
    let mut config = Config::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--port" => port = value.parse()?,
            "--seed" => config.seed = value.parse()?,
            other => {
                return Err(
                    format!("unknown argument {other}; known are --port and --seed").into(),
                );
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
    simulator.serve(listener).await?;
    Ok(())
}
