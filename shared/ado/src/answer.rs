//! What came back.

use bytes::Bytes;
use jiff::Timestamp;

use crate::{Error, Pacing};

/// The answer to one request. What the service says of pace and time holds for a failure as well as for a success.
#[derive(Debug)]
pub struct Answer<T = Body> {
    /// What to respect before the next request to this organization, also after a success.
    pub pacing: Pacing,
    /// The service's clock (the `Date` header), or `None` if there was no answer or it named no time.
    pub server_time: Option<Timestamp>,
    /// The body, or why there is none.
    pub result: Result<T, Error>,
}

impl<T> Answer<T> {
    /// The same answer with its body read as something else.
    pub fn and_then<U>(self, read: impl FnOnce(T) -> Result<U, Error>) -> Answer<U> {
        Answer {
            pacing: self.pacing,
            server_time: self.server_time,
            result: self.result.and_then(read),
        }
    }

    /// A failure before anything was received.
    pub(crate) fn unanswered(error: Error) -> Self {
        Self {
            pacing: Pacing::default(),
            server_time: None,
            result: Err(error),
        }
    }
}

/// The body of a success. It is JSON by its content type, or empty (status 204).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The bytes after decompression, with a byte order mark if the service sent one.
    pub bytes: Bytes,
    /// The header `x-ms-continuationtoken`; `None` if it is absent or empty.
    pub continuation: Option<String>,
}
