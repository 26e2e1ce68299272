//! The HTTP side of Azure DevOps Services: where a request may go, how it is signed, what its answer means, and how to
//! ask for the next page.
//!
//! It deliberately knows no records and no catalog (that is `resources`), keeps no state, reads no configuration and
//! never retries or sleeps: one [`Client::send`] is one request, and its [`Answer`] says what the caller has to respect
//! before the next one. A redirect is an answer here, never an instruction. A credential goes only to a [`Host`] of the
//! allow-list, and no address that came in a body is ever followed as it stands.
//!
//! Start reading at [`Client::send`], then `classify.rs`, the one place where a status becomes a [`Result`], and
//! [`paging`], the five ways in which Azure DevOps continues a list. [`probe`] finds out what a
//! credential can read.

pub mod accounts;
mod answer;
mod classify;
mod client;
pub mod connection_data;
mod credential;
mod error;
mod hosts;
mod pacing;
pub mod paging;
mod pool;
pub mod probe;
mod remote;
mod request;

pub use answer::{Answer, Body};
pub use client::{Client, Options};
pub use connection_data::{ConnectionData, connection_data};
pub use credential::Credential;
pub use error::Error;
pub use hosts::{Host, Hosts};
pub use pacing::Pacing;
pub use paging::{Page, Paging, Position, parse_page};
pub use pool::Pool;
pub use request::{Method, Request};
