//! `cargo run`, and every function that it runs: see [`local::function`].

use std::process::ExitCode;

fn main() -> ExitCode {
    local::function::main().unwrap_or_else(local::cli::main)
}
