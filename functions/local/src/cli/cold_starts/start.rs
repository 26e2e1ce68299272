//! One start of one function, until it asks for work.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::PATIENCE;
use crate::lambda::{Config, programs};
use crate::template::Function;

/// Why a start could not be timed.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoStart {
    #[error(transparent)]
    System(#[from] std::io::Error),
    #[error("it ended with {0} instead of asking for work")]
    Ended(ExitStatus),
    #[error("it asked for `{0}` instead of for work")]
    OtherRequest(String),
    #[error("it did not ask for work within {} s", PATIENCE.as_secs())]
    Silence,
}

/// Starts a function, returns how long it took until its first request for work had arrived, and ends it.
pub(super) async fn time(
    config: &Config,
    function: &Function,
    listener: &TcpListener,
) -> Result<Duration, NoStart> {
    let mut command = programs::command(config, function, 0)?;
    let begun = Instant::now();
    let mut child = command.spawn()?;
    let asked = tokio::select! {
        biased;
        request = first_line(listener) => request.map(|line| (begun.elapsed(), line)),
        status = child.wait() => return Err(NoStart::Ended(status?)),
        () = tokio::time::sleep(PATIENCE) => Err(NoStart::Silence),
    };
    child.kill().await?;
    let (time, line) = asked?;
    let is_for_work = line.starts_with("GET ") && line.contains("/runtime/invocation/next ");
    match is_for_work {
        true => Ok(time),
        false => Err(NoStart::OtherRequest(line)),
    }
}

/// Waits for a request, and returns its first line as soon as all of its head is there.
async fn first_line(listener: &TcpListener) -> Result<String, NoStart> {
    let (mut stream, _) = listener.accept().await?;
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    let head = String::from_utf8_lossy(&head);
    Ok(head.lines().next().unwrap_or_default().to_owned())
}
