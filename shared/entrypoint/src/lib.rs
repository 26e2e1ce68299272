//! From what Lambda sends to what a handler takes: logging, configuration, the one batch loop.
//!
//! AWS event types stop here. A handler gets a typed message and answers with a result; [`batch`] decides what becomes
//! of the message: done, seen again, or buried with its reason. Handlers read the clock here and nowhere else.

pub mod batch;
pub mod config;
pub mod problem;

use jiff::Timestamp;

pub use batch::{Delivery, Pending};
pub use config::{Config, MissingVariable};

/// The time now, for handlers, which pass it on as an argument.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Starts logging as JSON lines on standard output; the level comes from `AWS_LAMBDA_LOG_LEVEL`, else `RUST_LOG`, else
/// it is `info`.
pub fn init() {
    use tracing_subscriber::{EnvFilter, fmt};

    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").or_else(|_| std::env::var("RUST_LOG"));
    let filter = EnvFilter::new(level.unwrap_or_else(|_| "info".into()));
    let subscriber = fmt()
        .json()
        .with_env_filter(filter)
        .with_ansi(false)
        .finish();
    // A second call in one process keeps the first subscriber, which is what a test wants.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
