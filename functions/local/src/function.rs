//! Being one of the functions: the runner starts its own program again, as Lambda would start the function.
//!
//! One program for all of them means that building one program is enough.

use std::env;
use std::process::ExitCode;

use lambda_runtime::Error;

/// Becomes the function that the environment names; `None` means that nobody asked for one.
#[must_use]
pub fn main() -> Option<ExitCode> {
    env::var_os("AWS_LAMBDA_RUNTIME_API")?;
    let handler = env::var("_HANDLER").ok()?;
    Some(match serve(&handler) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&handler, &error),
    })
}

#[expect(
    clippy::print_stderr,
    reason = "a function's standard error is its log"
)]
fn complain(handler: &str, error: &Error) -> ExitCode {
    eprintln!("{handler}: {error}");
    ExitCode::FAILURE
}

#[tokio::main(flavor = "current_thread")]
async fn serve(handler: &str) -> Result<(), Error> {
    match handler {
        "connections" => connections::run().await,
        "console" => console::run().await,
        "fan-out" => fan_out::run().await,
        "fetch" => fetch::run().await,
        "insights" => insights::run().await,
        "oauth" => oauth::run().await,
        "spot-check" => spot_check::run().await,
        "validate-pat" => validate_pat::run().await,
        other => Err(format!("this program has no function {other}").into()),
    }
}
