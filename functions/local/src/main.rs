//! `cargo run`. The same program is also every function: the runner starts it again, as Lambda would start the function,
//! so that building one program is enough.

use std::env;
use std::process::ExitCode;

use lambda_runtime::Error;

fn main() -> ExitCode {
    match (env::var_os("AWS_LAMBDA_RUNTIME_API"), env::var("_HANDLER")) {
        (Some(_), Ok(handler)) => function(&handler),
        _ => local::cli::main(),
    }
}

/// Runs one function until the runner stops it.
#[expect(
    clippy::print_stderr,
    reason = "a function's standard error is its log"
)]
fn function(handler: &str) -> ExitCode {
    match serve(handler) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{handler}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve(handler: &str) -> Result<(), Error> {
    match handler {
        "connections" => connections::run().await,
        "fan-out" => fan_out::run().await,
        "fetch" => fetch::run().await,
        "validate-pat" => validate_pat::run().await,
        other => Err(format!("this program has no function {other}").into()),
    }
}
