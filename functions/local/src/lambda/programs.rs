//! Which process a function is, and what it finds in its environment.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use super::Config;
use crate::iam::Iam;
use crate::template;

/// Where the functions' programs come from.
#[derive(Clone, Debug)]
pub enum Programs {
    /// One program for all: it looks at `_HANDLER` and becomes that function.
    ReExec(PathBuf),
    /// A directory with one program per function, named as the template's `Binary` says.
    Separate(PathBuf),
}

/// Returns the command of one environment, with nothing of the runner's own environment in it.
pub(crate) fn command(
    config: &Config,
    function: &template::Function,
    environment: u64,
) -> std::io::Result<Command> {
    let program = match &config.programs {
        Programs::ReExec(program) => program.clone(),
        Programs::Separate(directory) => directory.join(&function.binary),
    };
    let log = log_file(config, &function.logical_id)?;
    let mut command = Command::new(program);
    command.env_clear();
    command.envs(&config.environment);
    command.envs(&function.environment);
    command.envs(lambda_variables(config, function, environment));
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    // Ctrl-C in a terminal reaches the whole group; the runner wants to end its functions itself.
    #[cfg(unix)]
    command.process_group(0);
    Ok(command)
}

fn log_file(config: &Config, function: &str) -> std::io::Result<File> {
    std::fs::create_dir_all(&config.logs)?;
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(config.logs.join(format!("{function}.log")))
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
fn lambda_variables(
    config: &Config,
    function: &template::Function,
    environment: u64,
) -> impl Iterator<Item = (&'static str, String)> {
    let name = &function.logical_id;
    [
        // With a scheme it may have a path, by which one listener knows who is asking.
        (
            "AWS_LAMBDA_RUNTIME_API",
            format!("{}/{name}/{environment}", config.runtime_url),
        ),
        // By which the embedded services know whose role to look at.
        ("AWS_ACCESS_KEY_ID", Iam::access_key(name)),
        ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            function.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", format!("local/{environment}")),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_rust_local".to_owned()),
        ("_HANDLER", function.binary.clone()),
        ("TZ", ":UTC".to_owned()),
    ]
    .into_iter()
}
