//! A stack of the test template and clients for it.

use std::path::{Path, PathBuf};

use aws_sdk_sqs::config::{Credentials, Region};
use local::lambda::Programs;
use local::stack::{Options, Stack};

/// Returns options for the test template, whose functions are all the test function.
pub(crate) fn options() -> Options {
    let programs = Path::new(env!("CARGO_BIN_EXE_test-function"))
        .parent()
        .unwrap()
        .to_owned();
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/template.yaml");
    Options {
        concurrency: 2,
        ..Options::new(template, Programs::Separate(programs))
    }
}

pub(crate) async fn stack() -> Stack {
    Stack::start(options()).await.unwrap()
}

/// Returns a stack that keeps its state in `directory`.
pub(crate) async fn stack_in(directory: &Path) -> Stack {
    Stack::start(Options {
        data_dir: Some(PathBuf::from(directory)),
        ..options()
    })
    .await
    .unwrap()
}

fn variable<'a>(stack: &'a Stack, name: &str) -> &'a str {
    &stack.aws_environment()[name]
}

/// One configuration type per SDK, so one macro instead of three functions.
macro_rules! client {
    ($name:ident, $sdk:ident, $endpoint:literal) => {
        pub(crate) fn $name(stack: &Stack) -> $sdk::Client {
            let config = $sdk::Config::builder()
                .behavior_version_latest()
                .region(Region::new(variable(stack, "AWS_REGION").to_owned()))
                .credentials_provider(Credentials::new("local", "local", None, None, "test"))
                .endpoint_url(variable(stack, $endpoint))
                .build();
            $sdk::Client::from_conf(config)
        }
    };
}

client!(sqs, aws_sdk_sqs, "AWS_ENDPOINT_URL_SQS");
client!(
    secrets,
    aws_sdk_secretsmanager,
    "AWS_ENDPOINT_URL_SECRETS_MANAGER"
);
client!(dynamodb, aws_sdk_dynamodb, "AWS_ENDPOINT_URL_DYNAMODB");

/// Returns a queue's URL by its id in the template.
pub(crate) async fn queue_url(stack: &Stack, logical_id: &str) -> String {
    let name = stack.queue_name(logical_id).unwrap();
    sqs(stack)
        .get_queue_url()
        .queue_name(name)
        .send()
        .await
        .unwrap()
        .queue_url
        .unwrap()
}
