//! The life of one execution environment: back off, start, watch, and say what its end means.

use std::process::ExitStatus;

use tokio::process::Child;

use super::pool::{Ended, Start};
use super::{Function, InvokeError, Lambda, programs};

/// Runs one environment to its end. It is in the pool already: a fast process asks for work within milliseconds.
pub(super) async fn run(lambda: Lambda, name: String, start: Start) {
    let Some(function) = lambda.0.functions.get(&name) else {
        return;
    };
    let environment = start.environment;
    tokio::select! {
        () = tokio::time::sleep(start.after) => {}
        () = start.kill.notified() => return,
    }
    let end = match programs::command(&lambda.0.config, &function.spec, environment)
        .and_then(|mut command| command.spawn())
    {
        Ok(child) => watch(&lambda, function, &start, child).await,
        Err(error) => End {
            error_type: "Runtime.InvalidEntrypoint",
            message: format!("cannot start {}: {error}", function.spec.binary),
        },
    };
    ended(&lambda, &name, function, environment, end);
}

struct End {
    error_type: &'static str,
    message: String,
}

async fn watch(lambda: &Lambda, function: &Function, start: &Start, mut child: Child) -> End {
    function.pool().set_process(start.environment, child.id());
    let init = tokio::time::sleep(lambda.0.config.init_timeout);
    tokio::pin!(init);
    let mut initialising = true;
    loop {
        tokio::select! {
            status = child.wait() => return exit(status),
            () = start.kill.notified() => {
                kill(&mut child).await;
                return End { error_type: "Sandbox.Killed", message: "the environment was killed".to_owned() };
            }
            () = &mut init, if initialising => {
                initialising = false;
                if function.pool().is_starting(start.environment) {
                    kill(&mut child).await;
                    let limit = lambda.0.config.init_timeout.as_secs();
                    return End { error_type: "Sandbox.Timedout", message: format!("init timed out after {limit} seconds") };
                }
            }
        }
    }
}

async fn kill(child: &mut Child) {
    if let Err(error) = child.kill().await {
        tracing::warn!(%error, "cannot kill a function's process");
    }
}

fn exit(status: std::io::Result<ExitStatus>) -> End {
    let message = match status {
        Ok(status) => format!("runtime exited: {status}"),
        Err(error) => format!("runtime lost: {error}"),
    };
    End {
        error_type: "Runtime.ExitError",
        message,
    }
}

fn ended(lambda: &Lambda, name: &str, function: &Function, environment: u64, end: End) {
    let mut pool = function.pool();
    let ended = pool.ended(environment);
    let starting = pool.scale();
    drop(pool);
    lambda.start(name, starting);
    match ended {
        Ended::Starting(waiting, reason) => {
            let (error_type, message) = reason.unwrap_or((end.error_type.to_owned(), end.message));
            tracing::warn!(
                function = name,
                error_type,
                message,
                "a function could not start"
            );
            if let Some(invocation) = waiting {
                let function = name.to_owned();
                invocation.answer(Err(InvokeError::Failed {
                    function,
                    error_type,
                    message,
                }));
            }
        }
        Ended::Busy(invocation) => {
            tracing::warn!(
                function = name,
                message = end.message,
                "a function's process ended while it worked"
            );
            let message = format!("RequestId: {} {}", invocation.id, end.message);
            invocation.answer(Err(function.failed(end.error_type, message)));
        }
        Ended::Unused => {}
    }
    lambda.0.activity.bump();
}
