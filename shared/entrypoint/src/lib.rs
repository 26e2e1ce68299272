//! From what Lambda sends to what a handler takes: logging, configuration, the one batch loop.
//!
//! AWS event types stop here. A handler gets a typed message and answers with a result; [`batch`] decides what becomes
//! of the message: done, seen again, or buried with its reason. Handlers read the clock here and nowhere else.

pub mod batch;
pub mod config;
mod connections;
pub mod problem;

use jiff::Timestamp;

pub use batch::{Delivery, Pending};
pub use config::{Config, MissingVariable};

/// The time now, for handlers, which pass it on as an argument.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Starts logging as JSON lines on standard output; the level comes from `AWS_LAMBDA_LOG_LEVEL`, else `RUST_LOG`, else
/// it is `info`. Whatever it says, libraries are heard up to `info` only: below that they print requests as they are,
/// with the credentials in them.
pub fn init() {
    use tracing_subscriber::{
        EnvFilter, Layer as _, filter::filter_fn, fmt, layer::SubscriberExt as _, registry,
    };

    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| std::env::var("RUST_LOG"));
    let filter = EnvFilter::new(level.unwrap_or_else(|_| "info".into()));
    let lines = fmt::layer().json().with_ansi(false);
    let safe = filter_fn(|metadata| is_safe(*metadata.level(), metadata.target()));
    let subscriber = registry().with(lines.with_filter(safe).with_filter(filter));
    // A second call in one process keeps the first subscriber, which is what a test wants.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Our own crates, which keep secrets in types that print nothing.
const OURS: [&str; 20] = [
    "ado",
    "api_document",
    "auth",
    "connections",
    "console",
    "entrypoint",
    "fan_out",
    "fetch",
    "http_api",
    "insights",
    "metrics",
    "model",
    "oauth",
    "queue",
    "resources",
    "spot_check",
    "storage",
    "telemetry",
    "upstream",
    "validate_pat",
];

/// Whether a line of this level and origin holds no secret for certain.
fn is_safe(level: tracing::Level, target: &str) -> bool {
    let root = target.split("::").next().unwrap_or_default();
    level <= tracing::Level::INFO || OURS.contains(&root)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_are_not_heard_below_info() {
        assert!(is_safe(Level::TRACE, "ado::client"));
        for library in [
            "lambda_runtime::layers",
            "hyper",
            "aws_smithy_runtime",
            "adoption",
        ] {
            assert!(is_safe(Level::INFO, library) && is_safe(Level::ERROR, library));
            assert!(!is_safe(Level::DEBUG, library) && !is_safe(Level::TRACE, library));
        }
    }

    #[test]
    fn every_crate_that_is_deployed_is_one_of_ours() {
        let manifest = include_str!("../../../Cargo.toml");
        let lines = manifest.lines().filter(|line| line.contains("{ path = "));
        let crates = lines.filter_map(|line| line.split(' ').next());
        let deployed: Vec<_> = crates
            .filter(|name| !matches!(*name, "local" | "simulator"))
            .map(|name| name.replace('-', "_"))
            .collect();
        assert_eq!(deployed.len(), OURS.len());
        for name in deployed {
            assert!(OURS.contains(&name.as_str()), "{name}");
        }
    }
}
