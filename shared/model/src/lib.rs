//! The words of the product as types: ids, connections, integrations, jobs, records, retention.
//!
//! No I/O, no clock, no async, no randomness: everything here is data and pure functions over it, so that the same
//! rule (a key, an expiry, a merge) cannot exist in two versions.
//!
//! Start reading at [`record::Record`], what is stored, and [`job::Job`], what is asked of a fetch function.
//! What Azure DevOps sends on the wire is not here: `resources` maps it into these types.

pub mod admission;
pub mod audit;
pub mod connection;
pub mod deletion;
pub mod discovery;
pub mod fault;
pub mod ids;
pub mod job;
pub mod people;
pub mod record;
pub mod retention;
pub mod selection;
pub mod service;
mod trace;

pub use admission::Admission;
pub use audit::{Action, Actor, Entry};
pub use connection::{
    Connection, ConnectionStatus, Expiry, GLOBAL_PATS_END, Integration, IntegrationStatus, Method,
    Standing,
};
pub use deletion::{Deletion, Errand, Holdings, Purge};
pub use discovery::{Discovery, Project, Repository};
pub use fault::Fault;
pub use ids::{
    ApplicationId, ConnectionId, DirectoryId, IntegrationId, InvalidOrganizationName, Organization,
    OrganizationId, OrganizationName, ProjectId, RepositoryId, TenantId,
};
pub use job::{Child, FanOut, Job, Reason, Scope, Work};
pub use record::{Aggregate, Details, Facet, Filing, Kind, Record, Row, RowKey, WriteRule};
pub use retention::Retention;
pub use selection::{InvalidPattern, Pattern, Patterns, Selection, Share};
pub use service::Service;
pub use trace::Trace;
