//! What a stack keeps, and what it refuses to start with.

use std::fs;
use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use local::sqs::NewMessage;
use local::stack::{Options, Stack, StackError};

use crate::harness::{dynamodb, options, queue_url, secrets, sqs, stack_in};

async fn receive(stack: &Stack) -> Vec<aws_sdk_sqs::types::Message> {
    let request = sqs(stack)
        .receive_message()
        .queue_url(queue_url(stack, "Plain").await)
        .max_number_of_messages(10);
    let all = aws_sdk_sqs::types::MessageSystemAttributeName::All;
    request
        .message_system_attribute_names(all)
        .send()
        .await
        .unwrap()
        .messages
        .unwrap_or_default()
}

fn receives(message: &aws_sdk_sqs::types::Message) -> &str {
    &message.attributes().unwrap()
        [&aws_sdk_sqs::types::MessageSystemAttributeName::ApproximateReceiveCount]
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_tables_secrets_and_tokens_survive() {
    let directory = tempfile::tempdir().unwrap();
    let stack = stack_in(directory.path()).await;
    stack
        .sqs()
        .send(
            "local-Plain",
            NewMessage {
                body: "kept".to_owned(),
                ..NewMessage::default()
            },
        )
        .unwrap();
    secrets(&stack)
        .create_secret()
        .name("s")
        .secret_string("kept")
        .send()
        .await
        .unwrap();
    let item = dynamodb(&stack)
        .put_item()
        .table_name("local-Items")
        .item("pk", AttributeValue::S("kept".to_owned()));
    item.send().await.unwrap();
    stack.token("t", &[]).unwrap();
    let key = fs::read(directory.path().join("issuer.key")).unwrap();
    stack.shutdown().await;

    let stack = stack_in(directory.path()).await;
    assert_eq!(receive(&stack).await[0].body(), Some("kept"));
    let secret = secrets(&stack)
        .get_secret_value()
        .secret_id("s")
        .send()
        .await
        .unwrap();
    assert_eq!(secret.secret_string(), Some("kept"));
    let items = dynamodb(&stack)
        .scan()
        .table_name("local-Items")
        .send()
        .await
        .unwrap();
    assert_eq!(items.items().len(), 1);
    stack.token("t", &[]).unwrap();
    assert_eq!(fs::read(directory.path().join("issuer.key")).unwrap(), key);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_receive_does_not_count_and_the_message_is_there_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let stack = stack_in(directory.path()).await;
    stack
        .sqs()
        .send(
            "local-Plain",
            NewMessage {
                body: "x".to_owned(),
                ..NewMessage::default()
            },
        )
        .unwrap();
    drop(stack);
    // More deaths than receives are allowed: the message must stay alive.
    for _ in 0..4 {
        let stack = stack_in(directory.path()).await;
        let received = receive(&stack).await;
        assert_eq!(receives(&received[0]), "1");
        drop(stack);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_receive_still_counts_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let stack = stack_in(directory.path()).await;
    stack
        .sqs()
        .send(
            "local-Plain",
            NewMessage {
                body: "x".to_owned(),
                ..NewMessage::default()
            },
        )
        .unwrap();
    receive(&stack).await;
    stack.advance_queues(Duration::from_secs(61));
    assert_eq!(receives(&receive(&stack).await[0]), "2");
    drop(stack);
    let stack = stack_in(directory.path()).await;
    assert_eq!(receives(&receive(&stack).await[0]), "2");
    stack.advance_queues(Duration::from_secs(61));
    assert!(receive(&stack).await.is_empty());
    drop(stack);
    let stack = stack_in(directory.path()).await;
    assert_eq!(stack.dead_letters()[0].body, "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_goes_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let stack = stack_in(directory.path()).await;
    let delay = Some(Duration::from_secs(600));
    stack
        .sqs()
        .send(
            "local-Plain",
            NewMessage {
                body: "x".to_owned(),
                delay,
                ..NewMessage::default()
            },
        )
        .unwrap();
    drop(stack);
    let stack = stack_in(directory.path()).await;
    assert_eq!(stack.depths()["Plain"].delayed, 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let stack = stack_in(directory.path()).await;
    secrets(&stack)
        .create_secret()
        .name("s")
        .secret_string("x")
        .send()
        .await
        .unwrap();
    stack.token("t", &[]).unwrap();
    for file in ["secrets.json", "issuer.key"] {
        let mode = fs::metadata(directory.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

async fn refused(options: Options) -> String {
    let error = Stack::start(options).await.unwrap_err().to_string();
    assert!(!error.contains('\n'), "one sentence: {error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_in_use_and_a_port_in_use_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let stack = stack_in(directory.path()).await;
    let again = Options {
        data_dir: Some(directory.path().to_owned()),
        ..options()
    };
    assert!(
        refused(again)
            .await
            .contains("is in use by another process")
    );
    let port = stack.url().rsplit(':').next().unwrap().parse().unwrap();
    let error = Stack::start(Options { port, ..options() })
        .await
        .unwrap_err();
    assert!(matches!(error, StackError::PortInUse(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_named() {
    for file in ["dynamodb.sqlite", "sqs.sqlite", "secrets.json"] {
        let directory = tempfile::tempdir().unwrap();
        stack_in(directory.path()).await.shutdown().await;
        for companion in ["-wal", "-shm"] {
            let _ = fs::remove_file(directory.path().join(format!("{file}{companion}")));
        }
        fs::write(
            directory.path().join(file),
            "this is not what was written here\n".repeat(200),
        )
        .unwrap();
        let error = refused(Options {
            data_dir: Some(directory.path().to_owned()),
            ..options()
        })
        .await;
        assert!(error.contains(file), "{file}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_template_is_named() {
    let template = Path::new("/no/such/template.yaml").to_owned();
    let error = refused(Options {
        template,
        ..options()
    })
    .await;
    assert!(error.contains("/no/such/template.yaml"), "{error}");
}
