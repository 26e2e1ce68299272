//! A partition page by page, for lists that callers go through themselves.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, types::AttributeValue};

use crate::{
    Error,
    attributes::{Item, get_text, text},
};

/// At most `limit` items of a partition behind a sort key, as they are now, and the key behind which there may be more.
pub(crate) async fn page(
    (client, table): (&Client, &str),
    (pk, after): (&str, Option<&str>),
    limit: i32,
) -> Result<(Vec<Item>, Option<String>), Error> {
    let start = after.map(|after| {
        let key = [("pk", pk), ("sk", after)];
        HashMap::<String, AttributeValue>::from(key.map(|(name, key)| (name.to_owned(), text(key))))
    });
    let output = client
        .query()
        .table_name(table)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", text(pk))
        .set_exclusive_start_key(start)
        .consistent_read(true)
        .limit(limit)
        .send()
        .await
        .map_err(|error| Error::dynamodb("Query", &error))?;
    let last = output.last_evaluated_key;
    let last = last.and_then(|last| get_text(&last, "sk").map(str::to_owned));
    Ok((output.items.unwrap_or_default(), last))
}
