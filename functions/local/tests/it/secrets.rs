//! Secrets Manager through its SDK.

use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};

use crate::harness::{secrets, stack};

#[tokio::test(flavor = "multi_thread")]
async fn versions_move_their_stages() {
    let stack = stack().await;
    let client = secrets(&stack);
    let created = client
        .create_secret()
        .name("a/b")
        .secret_string("one")
        .send()
        .await
        .unwrap();
    let put = client
        .put_secret_value()
        .secret_id("a/b")
        .secret_string("two")
        .send()
        .await
        .unwrap();
    let value = |stage: &'static str| {
        client
            .get_secret_value()
            .secret_id("a/b")
            .version_stage(stage)
            .send()
    };
    let current = value("AWSCURRENT").await.unwrap();
    assert_eq!(
        (current.secret_string(), current.version_id()),
        (Some("two"), put.version_id())
    );
    let previous = value("AWSPREVIOUS").await.unwrap();
    assert_eq!(
        (previous.secret_string(), previous.version_id()),
        (Some("one"), created.version_id())
    );

    client
        .update_secret()
        .secret_id(created.arn().unwrap())
        .secret_string("three")
        .send()
        .await
        .unwrap();
    let described = client
        .describe_secret()
        .secret_id("a/b")
        .send()
        .await
        .unwrap();
    // The first version has no stage any more, so it is gone.
    assert_eq!(described.version_ids_to_stages().unwrap().len(), 2);
    let gone = client
        .get_secret_value()
        .secret_id("a/b")
        .version_id(created.version_id().unwrap())
        .send()
        .await;
    assert!(
        gone.unwrap_err()
            .into_service_error()
            .is_resource_not_found_exception()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_versions_do_not_become_current() {
    let stack = stack().await;
    let client = secrets(&stack);
    client
        .create_secret()
        .name("s")
        .secret_string("one")
        .send()
        .await
        .unwrap();
    let put = client
        .put_secret_value()
        .secret_id("s")
        .secret_string("two")
        .version_stages("AWSPENDING");
    put.send().await.unwrap();
    let current = client
        .get_secret_value()
        .secret_id("s")
        .send()
        .await
        .unwrap();
    assert_eq!(current.secret_string(), Some("one"));
    let pending = client
        .get_secret_value()
        .secret_id("s")
        .version_stage("AWSPENDING")
        .send()
        .await
        .unwrap();
    assert_eq!(pending.secret_string(), Some("two"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_twice_changes_nothing_and_another_value_is_refused() {
    let stack = stack().await;
    let client = secrets(&stack);
    let token = "11111111-2222-3333-4444-555555555555";
    let create = |value: &str| {
        client
            .create_secret()
            .name("s")
            .secret_string(value)
            .client_request_token(token)
            .send()
    };
    create("one").await.unwrap();
    create("one").await.unwrap();
    assert!(
        create("two")
            .await
            .unwrap_err()
            .into_service_error()
            .is_resource_exists_exception()
    );
    let put = client
        .put_secret_value()
        .secret_id("s")
        .secret_string("two")
        .client_request_token(token)
        .send()
        .await;
    assert!(
        put.unwrap_err()
            .into_service_error()
            .is_resource_exists_exception()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_secret_can_come_back_unless_forced() {
    let stack = stack().await;
    let client = secrets(&stack);
    client
        .create_secret()
        .name("s")
        .secret_binary(Blob::new([0, 255]))
        .send()
        .await
        .unwrap();
    client
        .delete_secret()
        .secret_id("s")
        .recovery_window_in_days(7)
        .send()
        .await
        .unwrap();
    let read = || client.get_secret_value().secret_id("s").send();
    assert!(
        read()
            .await
            .unwrap_err()
            .into_service_error()
            .is_invalid_request_exception()
    );
    let create = client
        .create_secret()
        .name("s")
        .secret_string("x")
        .send()
        .await;
    assert!(
        create
            .unwrap_err()
            .into_service_error()
            .is_invalid_request_exception()
    );
    client.restore_secret().secret_id("s").send().await.unwrap();
    assert_eq!(
        read().await.unwrap().secret_binary().unwrap().as_ref(),
        [0, 255]
    );

    let force = || {
        client
            .delete_secret()
            .secret_id("s")
            .force_delete_without_recovery(true)
            .send()
    };
    force().await.unwrap();
    assert!(
        read()
            .await
            .unwrap_err()
            .into_service_error()
            .is_resource_not_found_exception()
    );
    force().await.unwrap();
    client
        .create_secret()
        .name("s")
        .secret_string("new")
        .send()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_listed_in_pages() {
    let stack = stack().await;
    let client = secrets(&stack);
    for name in ["a/1", "a/2", "a/3", "b/1"] {
        client
            .create_secret()
            .name(name)
            .secret_string("x")
            .send()
            .await
            .unwrap();
    }
    let filter = Filter::builder()
        .key(FilterNameStringType::Name)
        .values("a/")
        .build();
    let pages = client
        .list_secrets()
        .filters(filter)
        .max_results(2)
        .into_paginator()
        .send();
    let pages: Vec<_> = pages.collect::<Result<_, _>>().await.unwrap();
    let names = |page: usize| {
        pages[page]
            .secret_list()
            .iter()
            .filter_map(|secret| secret.name())
            .collect::<Vec<_>>()
    };
    assert_eq!((names(0), names(1)), (vec!["a/1", "a/2"], vec!["a/3"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_get_typed_errors() {
    let stack = stack().await;
    let client = secrets(&stack);
    let error = client
        .create_secret()
        .name("a b")
        .secret_string("x")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(error.code(), Some("ValidationException"));
    let error = client
        .describe_secret()
        .secret_id("none")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_resource_not_found_exception());
    client
        .create_secret()
        .name("s")
        .secret_string("x")
        .send()
        .await
        .unwrap();
    let error = client
        .delete_secret()
        .secret_id("s")
        .recovery_window_in_days(1)
        .send()
        .await
        .unwrap_err();
    assert!(error.into_service_error().is_invalid_parameter_exception());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_says_which_key_it_is_encrypted_with() {
    let stack = stack().await;
    let client = secrets(&stack);
    for (name, key) in [("with", Some("arn:key")), ("without", None)] {
        let create = client.create_secret().name(name).secret_string("x");
        let create = create.set_kms_key_id(key.map(str::to_owned));
        create.send().await.unwrap();
        let described = client.describe_secret().secret_id(name).send().await;
        assert_eq!(described.unwrap().kms_key_id(), key);
    }
}
