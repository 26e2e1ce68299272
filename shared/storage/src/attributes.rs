//! Reading and writing attribute values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn get_text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn get_number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// Reads a JSON attribute that every item of its kind has.
pub(crate) fn get_json<T: DeserializeOwned>(item: &Item, name: &str) -> Result<T, Error> {
    let corrupt = |reason: String| Error::Corrupt {
        item: name_of(item),
        reason,
    };
    let json = get_text(item, name).ok_or_else(|| corrupt(format!("no attribute {name}")))?;
    serde_json::from_str(json).map_err(|error| corrupt(error.to_string()))
}

/// Writes a value as a JSON attribute.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<AttributeValue, Error> {
    serde_json::to_string(value)
        .map(AttributeValue::S)
        .map_err(|error| Error::Corrupt {
            item: std::any::type_name::<T>().to_owned(),
            reason: error.to_string(),
        })
}

/// The key of an item, for messages.
pub(crate) fn name_of(item: &Item) -> String {
    let part = |name| get_text(item, name).unwrap_or("?");
    format!("{}/{}", part("pk"), part("sk"))
}
