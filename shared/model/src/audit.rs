//! Who changed what, and when.

use serde::{Deserialize, Serialize};

/// Who makes a change, as the token of the request names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The token's subject: what stays the same when the person is renamed. `system` for what no person did.
    pub subject: String,
    /// The token's `name`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
