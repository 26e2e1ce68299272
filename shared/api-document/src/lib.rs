//! The HTTP API as a document: OpenAPI 3.1, for people, for tools that write clients, and for the tests that hold the API
//! to it.
//!
//! It is written by hand in the files below `document/`, because what it says of a field is for whoever calls, and one
//! field has many readers: types, problems, parameters, pages. What keeps it true are tests. Those of this crate hold it to
//! `template.yaml` and to the names in the code; the end-to-end tests hold every request and answer of theirs to it
//! (`tests/checker`); `.ci/run` has Schemathesis ask whatever it allows, and what it does not.
//!
//! It names no host and nothing of a tenant. `console` serves it, since that is the function that may do nothing.

/// The document as JSON.
pub const JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));
