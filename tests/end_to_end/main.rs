//! The whole product from outside: an organization goes in, records come out, and the simulator's own log says what was
//! asked. The functions are the real binaries, run as child processes as AWS runs them.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panics and print what they found"
)]

mod alarms;
mod any_order;
mod authorization;
mod canaries;
mod certificate;
#[path = "../../shared/api-document/tests/checker/mod.rs"]
#[expect(
    dead_code,
    reason = "the document's own tests look at it as a whole, these ask about requests and answers"
)]
mod checker;
mod credentials;
mod deletion;
mod deployment;
mod described;
mod edit;
mod faults;
mod first_sync;
mod insights;
mod later_passes;
mod life;
mod oauth;
#[path = "../../shared/simulator/tests/openapi/mod.rs"]
#[expect(
    dead_code,
    reason = "the simulator's own tests check answers with it, these check requests"
)]
mod openapi;
mod organizations;
mod pause;
mod permissions;
mod regressions;
mod samples;
mod second_looks;
mod sight;
mod spot_check;
mod timelines;
mod tokens;
mod traces;

use std::time::Duration;

/// As long as a debug build of everything may take for one step on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
