//! The template's tables through the SDK.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::harness::{dynamodb, stack};

#[tokio::test(flavor = "multi_thread")]
async fn the_templates_tables_exist_and_no_others() {
    let stack = stack().await;
    let client = dynamodb(&stack);
    let tables = client.list_tables().send().await.unwrap();
    assert_eq!(tables.table_names(), ["local-Items"]);
    let ttl = client
        .describe_time_to_live()
        .table_name("local-Items")
        .send()
        .await
        .unwrap();
    assert_eq!(
        ttl.time_to_live_description().unwrap().attribute_name(),
        Some("expires_at")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_hold_and_expired_items_are_swept() {
    let stack = stack().await;
    let client = dynamodb(&stack);
    let put = |key: &str, expires: i64| {
        client
            .put_item()
            .table_name("local-Items")
            .item("pk", AttributeValue::S(key.to_owned()))
            .item("expires_at", AttributeValue::N(expires.to_string()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
    };
    let now = jiff::Timestamp::now().as_second();
    put("old", now - 10).await.unwrap();
    put("new", now + 1000).await.unwrap();
    assert!(
        put("new", now)
            .await
            .unwrap_err()
            .into_service_error()
            .is_conditional_check_failed_exception()
    );
    assert_eq!(stack.sweep_ttl().unwrap(), 1);
    let left = client
        .scan()
        .table_name("local-Items")
        .send()
        .await
        .unwrap();
    assert_eq!(left.items().len(), 1);
    assert_eq!(left.items()[0]["pk"].as_s().unwrap(), "new");
}
