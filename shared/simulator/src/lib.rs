//! A stateful, strict, simulated Azure DevOps Services organization.
//!
//! The measuring instrument of the product: it stands in for `dev.azure.com` in `cargo run` and in tests, answers
//! with the real paging styles, page caps, defaults, filters and error bodies, logs every request, and keeps a ledger
//! of what a complete sync must have stored. It is never deployed.
//!
//! It deliberately does not share a line with the client it judges: it depends on no other crate of this workspace. It does
//! not accept writes, and knows only the endpoints that the product reads; everything
//! else is a 404.
//!
//! The world is a pure function of ([`Config`], days): two simulators with the same configuration are byte-identical, and a
//! restarted one that is told the same number of days is too.
//!
//! Start reading at [`Simulator`], then `world/mod.rs` (what exists), `http/endpoints.rs` (what is answered) and
//! `ledger.rs` (what a sync owes).

mod config;
mod drift;
mod entra;
mod faults;
mod floor;
mod http;
mod ledger;
mod log;
mod meter;
mod pat;
mod simulator;
mod throttle;
mod truth;
mod world;

pub use config::{
    Analytics, AnalyticsAccess, BuildToken, CommitReach, Config, CoverageAbsence, Elapsed,
    MissingScope, PageCap, PageCaps, Scale, SignIn, Sizes, TfvcAbsence, TimelineAbsence,
    Unverified,
};
pub use drift::Drift;
pub use entra::{
    AZURE_DEVOPS, AccessLevel, Account, Application, Directory, Entra, Lifetimes, Member,
    Organization, PERSONAL_ACCOUNTS, TokenRequest,
};
pub use faults::{Fault, FaultKind};
pub use floor::{Because, Floor, Floors};
pub use ledger::{Expected, Totals};
pub use log::LoggedRequest;
pub use pat::{ALL_SCOPES, Pat};
pub use simulator::Simulator;
pub use throttle::{Throttle, Throttling, Tstu, UnknownThrottle};
pub use truth::{ChangeDelivery, DeploymentOutcome, PullRequestTimes, RunTimes};
