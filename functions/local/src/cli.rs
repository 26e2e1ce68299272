//! `cargo run`: the whole product against a simulated or a real organization, with progress and a verdict.

mod api;
mod arguments;
mod cold_starts;
mod departure;
mod failure;
mod origin;
mod processes;
mod progress;
mod queries;
mod report;
mod traffic;
mod upstream;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser as _;
use jiff::Timestamp;
use model::TenantId;
use tokio::signal;

use self::api::Api;
use self::arguments::Arguments;
use self::cold_starts::ColdStarts;
use self::departure::Departure;
use self::failure::Failure;
use self::processes::Usage;
use self::report::Report;
use self::traffic::Traffic;
use self::upstream::Upstream;
use crate::gateway::sign_in::TENANT;
use crate::private_file;
use crate::stack::{Options, Stack};
use crate::verify::Inventory;

/// Parses the command line and does what it asks for.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return complain(&Failure::Runtime(error)),
    };
    let code = match runtime.block_on(run(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => complain(&failure),
    };
    // Blocking work of a stopped stack is not worth waiting for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

fn log_to_stderr() {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

#[expect(
    clippy::print_stderr,
    reason = "this is the program's answer to its user"
)]
fn complain(failure: &Failure) -> ExitCode {
    eprintln!("error: {failure}");
    ExitCode::FAILURE
}

/// Syncs, reports, and serves until Ctrl-C unless told to run once; says whether everything is as it should be.
async fn run(arguments: &Arguments) -> Result<bool, Failure> {
    if let Some(programs) = &arguments.cold_starts {
        let measured = ColdStarts::measure(programs, &arguments.template).await?;
        measured.print(arguments.json);
        return Ok(true);
    }
    let started = Instant::now();
    // A measurement is like any other run, on a disk, but leaves nothing behind.
    let passing = match arguments.benchmark {
        true => Some(tempfile::tempdir().map_err(Failure::Runtime)?),
        false => None,
    };
    let data_dir = passing.as_ref().map(tempfile::TempDir::path);
    let data_dir = data_dir.unwrap_or(&arguments.data_dir);
    let mut upstream = Upstream::prepare(arguments).await?;
    let stack = Stack::start(options(arguments, data_dir, &upstream)?).await?;
    if !arguments.is_single_run() {
        // Before anything is there: seeing it come is what a first look is for.
        progress::say(&format!("the console is at {}/", stack.url()));
    }
    // One listener for all of it: a second one would not hear of a Ctrl-C that came before it.
    let mut interrupted = std::pin::pin!(signal::ctrl_c());
    let report = tokio::select! {
        report = work(arguments, &mut upstream, &stack, started) => report,
        heard = &mut interrupted => Err(heard.map_or_else(Failure::Runtime, |()| Failure::Interrupted)),
    };
    if let Ok(report) = &report {
        report.print(arguments.form());
        if !arguments.is_single_run() {
            invite(&stack)?;
            interrupted.await.map_err(Failure::Runtime)?;
        }
    }
    stack.shutdown().await;
    report.map(|report| report.is_good())
}

async fn work(
    arguments: &Arguments,
    upstream: &mut Upstream,
    stack: &Stack,
    started: Instant,
) -> Result<Report, Failure> {
    upstream.open(arguments, stack)?;
    let tenant = TenantId::new(TENANT).ok_or(Failure::Tenant)?;
    let sync = sync(arguments, upstream, stack, &tenant);
    let first_record_ms = timed(stack, started, sync).await?;
    let mut measured = Measured {
        first_record_ms,
        sync_ms: started.elapsed().as_millis(),
        usage: Usage::read(stack.lambda()),
        requests: upstream.requests(Timestamp::now(), arguments.retention_days),
        idle: None,
        queries: Vec::new(),
    };
    if arguments.has_idle_pass() {
        progress::say("looking for news");
        Api::new(stack, &tenant)?.look_for_news().await?;
        progress::follow(stack, &tenant).await?;
        let first = measured.requests.as_ref();
        measured.idle = first.and_then(|first| upstream.idle_requests(first));
    }
    if arguments.benchmark {
        progress::say("asking for numbers");
        let api = Api::new(stack, &tenant)?;
        measured.queries =
            queries::ask_all(&api, Timestamp::now(), arguments.retention_days).await?;
    }
    let mut report = report(arguments, upstream, stack, measured, started).await?;
    if arguments.delete {
        progress::say("deleting the connection");
        report.departure = Some(Departure::of_all(stack, &tenant).await?);
    }
    Ok(report)
}

/// What was measured before anything was read back.
struct Measured {
    first_record_ms: Option<u128>,
    sync_ms: u128,
    usage: Usage,
    requests: Option<Traffic>,
    idle: Option<Traffic>,
    queries: Vec<queries::Measured>,
}

/// Says how to call the API, with a token that only the owner of the data directory can read.
fn invite(stack: &Stack) -> Result<(), Failure> {
    let path = stack.data_file("token");
    let token = stack.token(TENANT, &["admin", "viewer"])?;
    let failed = |source| Failure::TokenFile {
        path: path.clone(),
        source,
    };
    let mut file = private_file::create(&path).map_err(failed)?;
    file.write_all(token.as_bytes()).map_err(failed)?;
    progress::say(&format!(
        "the console is at {url}/ until Ctrl-C; for scripts, the token in {path} is good for an hour:\n  curl -H \"Authorization: Bearer $(cat {path})\" {url}/api/v1/connections",
        url = stack.url(),
        path = path.display(),
    ));
    Ok(())
}

fn options(
    arguments: &Arguments,
    data_dir: &Path,
    upstream: &Upstream,
) -> Result<Options, Failure> {
    let program = std::env::current_exe().map_err(Failure::Runtime)?;
    let options = Options {
        data_dir: Some(data_dir.to_owned()),
        fresh: arguments.fresh,
        port: arguments.port(),
        concurrency: arguments.concurrency,
        schedules: !arguments.is_single_run(),
        // What is measured is the product and not what stands in for IAM.
        roles: !arguments.benchmark,
        ..Options::new(
            &arguments.template,
            crate::lambda::Programs::ReExec(program),
        )
    };
    let options = options.parameter("AzureDevOpsUrl", upstream.url());
    let options = options.parameter("RetentionDays", arguments.retention_days.to_string());
    let options = options.parameter("ConsoleClientId", "console");
    Ok(match upstream.application() {
        Some(id) => options.parameter("OAuthClientId", id),
        None => options,
    })
}

/// Connects the organization if that is new, else does what the schedule would do next, and waits until all is done.
async fn sync(
    arguments: &Arguments,
    upstream: &Upstream,
    stack: &Stack,
    tenant: &TenantId,
) -> Result<(), Failure> {
    let api = Api::new(stack, tenant)?;
    let organization = upstream.organization();
    let is_connected = api
        .connected_organizations()
        .await?
        .iter()
        .any(|name| name.eq_ignore_ascii_case(organization));
    if is_connected {
        progress::say(&format!(
            "{organization} is connected already, looking for what is due"
        ));
        for schedule in stack.schedules() {
            stack
                .run_schedule_now(schedule)
                .await
                .map_err(Failure::Tick)?;
        }
    } else {
        progress::say(&format!("connecting {organization}"));
        api.connect(organization, &upstream.pat(arguments)?).await?;
    }
    progress::follow(stack, tenant).await
}

/// Runs `sync` and returns how long after the start the first record was there, or `None` if there never was one.
async fn timed(
    stack: &Stack,
    started: Instant,
    sync: impl Future<Output = Result<(), Failure>>,
) -> Result<Option<u128>, Failure> {
    let look = async {
        loop {
            if stack.has_items("RecordsTable")? {
                return Ok::<_, Failure>(started.elapsed().as_millis());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::pin!(look, sync);
    let mut first = None;
    loop {
        tokio::select! {
            biased;
            found = &mut look, if first.is_none() => first = Some(found?),
            done = &mut sync => return done.map(|()| first),
        }
    }
}

async fn report(
    arguments: &Arguments,
    upstream: &Upstream,
    stack: &Stack,
    measured: Measured,
    started: Instant,
) -> Result<Report, Failure> {
    let now = Timestamp::now();
    let mut stored = Inventory::default();
    progress::records(stack)
        .each(now, |record| stored.add(&record))
        .await?;
    let expected = upstream.expected(now, arguments.retention_days);
    Ok(Report {
        organization: upstream.organization().to_owned(),
        scale: arguments.scale.name(),
        records: stored.by_kind().clone(),
        digest: stored.digest(),
        requests: measured.requests,
        idle: measured.idle,
        queries: measured.queries,
        throttling: upstream.throttling(),
        ledger: expected.map(|expected| stored.compare(&expected)),
        dead_letters: stack.dead_letters(),
        first_record_ms: measured.first_record_ms,
        sync_ms: measured.sync_ms,
        duration_ms: started.elapsed().as_millis(),
        usage: measured.usage,
        departure: None,
    })
}
