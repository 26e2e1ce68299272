//! The whole product on one machine.
//!
//! Reads `template.yaml` and provides what it declares: DynamoDB tables, SQS queues, Secrets Manager, Lambda functions
//! as child processes with their event sources and schedules, and the HTTP API with its authorizer. The functions are
//! the ones that are deployed; they find these services through the SDK's own `AWS_ENDPOINT_URL_*` variables.
//!
//! Of IAM it emulates what the roles of functions grant, and nothing of keys, networks and people. It deliberately does not
//! emulate billing, throttling by AWS, or anything that the template does not declare.
//!
//! Start reading at [`stack::Stack`]; [`template`] is what drives it, [`cli`] is what `cargo run` does with it, and
//! [`verify`] compares what it stored with what the simulator knows.

mod activity;
mod aws_json;
pub mod cli;
mod data_dir;
mod dynamodb;
pub mod function;
mod gateway;
pub mod iam;
pub mod lambda;
mod private_file;
pub mod secrets;
mod server;
pub mod sqs;
pub mod stack;
pub mod template;
pub mod verify;
