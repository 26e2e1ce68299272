//! A message and the checksums that SQS and its clients compare.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

/// A message attribute, in the shape that the API uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, optionally with a suffix.
    pub data_type: String,
    /// The value of a `String` or `Number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string_value: Option<String>,
    /// The value of a `Binary`, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

/// Message attributes by name.
pub type Attributes = BTreeMap<String, Attribute>;

/// What a producer sends.
#[derive(Clone, Debug, Default)]
pub struct NewMessage {
    /// The text.
    pub body: String,
    /// The message attributes.
    pub attributes: Attributes,
    /// Which messages a fair queue serves in turn with others.
    pub group: Option<String>,
    /// Overrides the queue's delay.
    pub delay: Option<std::time::Duration>,
}

/// What a consumer receives.
#[derive(Clone, Debug)]
pub struct Received {
    /// The id that the message keeps for life.
    pub id: String,
    /// Names this delivery; a later delivery has another one.
    pub receipt: String,
    /// The text.
    pub body: String,
    /// The message attributes.
    pub attributes: Attributes,
    /// The group that it was sent with.
    pub group: Option<String>,
    /// How often it was received, this time included.
    pub receives: u32,
    /// When it was sent, in milliseconds since 1970.
    pub sent_ms: i64,
    /// When it was first received, in milliseconds since 1970.
    pub first_received_ms: i64,
    /// In a dead-letter queue: the ARN of the queue it came from.
    pub source_arn: Option<String>,
}

/// Returns the size that counts against the limit: body plus attributes' names, types and values.
pub(super) fn size(body: &str, attributes: &Attributes) -> usize {
    let attribute = |(name, attribute): (&String, &Attribute)| {
        let text = attribute.string_value.as_ref().map_or(0, String::len);
        name.len() + attribute.data_type.len() + text + binary(attribute).len()
    };
    body.len() + attributes.iter().map(attribute).sum::<usize>()
}

fn binary(attribute: &Attribute) -> Vec<u8> {
    attribute
        .binary_value
        .as_ref()
        .and_then(|value| STANDARD.decode(value).ok())
        .unwrap_or_default()
}

/// Returns a text's MD5 in hexadecimal.
#[must_use]
pub fn md5_of_body(body: &str) -> String {
    hex(&Md5::digest(body))
}

/// Returns the MD5 of message attributes.
///
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation>
#[must_use]
pub fn md5_of_attributes(attributes: &Attributes) -> String {
    let mut digest = Md5::new();
    for (name, attribute) in attributes {
        let (transport, value) = match &attribute.string_value {
            Some(text) => (1, text.clone().into_bytes()),
            None => (2, binary(attribute)),
        };
        add(&mut digest, name.as_bytes());
        add(&mut digest, attribute.data_type.as_bytes());
        digest.update([transport]);
        add(&mut digest, &value);
    }
    hex(&digest.finalize())
}

fn add(digest: &mut Md5, bytes: &[u8]) {
    digest.update((bytes.len() as u32).to_be_bytes());
    digest.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
