//! The embedded services as their users see them: through the official SDKs, real child processes and HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

mod bad_tokens;
mod cli;
mod dynamodb;
mod gateway;
mod harness;
mod lambda;
mod readme;
mod restart;
mod secrets;
mod sign_in;
mod sources;
mod sqs;
mod starts;
