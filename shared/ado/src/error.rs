//! Everything that can go wrong with a request, and what it means for the job that sent it.

use std::time::Duration;

use model::Fault;
use reqwest::StatusCode;

use crate::Host;

/// Why there is no usable answer.
///
/// The messages name the object and hold no body, no credential and no query. Microsoft's own sentence, which can
/// name people, is in a field (see [`Error::message`]) and not in `Display`, so that logging an error is safe.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Status 429.
    /// <https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits#api-client-experience>
    #[error("throttled by {host}{}", wait(.after))]
    Throttled {
        /// Who.
        host: Host,
        /// `Retry-After`, where it was sent.
        after: Option<Duration>,
    },
    /// Status 408 or 5xx: overload, maintenance or a fault on the remote side.
    #[error("{host} is unavailable ({status}{}){}", comma(.code), wait(.after))]
    Unavailable {
        /// Who.
        host: Host,
        /// The status.
        status: u16,
        /// Microsoft's code.
        code: Option<String>,
        /// `Retry-After`, where it was sent.
        after: Option<Duration>,
    },
    /// The organization was switched off (`TF24668`), by its administrators or for being idle; the remote side gives
    /// no time at which it might be back: <https://aka.ms/adofootprintreduction>.
    #[error("the organization is stopped ({code})")]
    Stopped {
        /// Microsoft's code.
        code: String,
        /// Microsoft's sentence.
        message: Option<String>,
    },
    /// No connection, or it broke before the status came.
    #[error("cannot reach {host}")]
    Network {
        /// Who.
        host: Host,
        /// The failure below, without its address.
        source: reqwest::Error,
    },
    /// No complete answer within the time allowed.
    #[error("{host} did not answer in time")]
    Timeout {
        /// Who.
        host: Host,
    },
    /// The answer ended before its body did.
    #[error("the answer of {host} was cut off")]
    Truncated {
        /// Who.
        host: Host,
    },
    /// A sign-in page instead of an answer: the credential is invalid, expired or revoked.
    #[error("{host} answered with its sign-in page ({status})")]
    SignIn {
        /// Who.
        host: Host,
        /// The status.
        status: u16,
    },
    /// Status 401: the credential is not accepted here at all.
    #[error("{host} did not accept the credential (401{})", comma(.code))]
    Unauthorized {
        /// Who.
        host: Host,
        /// Microsoft's code. `TF400813` means that the user is not a member of the organization, or that the
        /// organization admits no third-party applications:
        /// <https://learn.microsoft.com/azure/devops/organizations/accounts/change-application-access-policies>.
        code: Option<String>,
        /// Microsoft's sentence.
        message: Option<String>,
    },
    /// A Conditional Access policy refused this machine (`VS403463`), whatever the credential:
    /// <https://learn.microsoft.com/azure/devops/organizations/accounts/manage-conditional-access>.
    #[error("a conditional access policy of the organization refused the request ({code})")]
    ConditionalAccess {
        /// Microsoft's code.
        code: String,
        /// Microsoft's sentence.
        message: Option<String>,
    },
    /// Status 403, or a 401 for this one scope: the credential is good, and lacks a scope or a permission.
    #[error("{host} refused access{}", brackets(.code))]
    Forbidden {
        /// Who.
        host: Host,
        /// Microsoft's code.
        code: Option<String>,
        /// Microsoft's sentence.
        message: Option<String>,
    },
    /// Status 404: deleted, renamed, never there, or hidden from this credential. It proves nothing about existence.
    #[error("{host} does not show what was asked for{}", brackets(.code))]
    Missing {
        /// Who.
        host: Host,
        /// Microsoft's code.
        code: Option<String>,
        /// Microsoft's sentence.
        message: Option<String>,
    },
    /// Any other status: the request is wrong.
    #[error("{host} rejected the request ({status}{})", comma(.code))]
    Rejected {
        /// Who.
        host: Host,
        /// The status.
        status: u16,
        /// Microsoft's code, or the `typeKey` where there is none.
        code: Option<String>,
        /// Microsoft's sentence.
        message: Option<String>,
    },
    /// A success that is not JSON.
    #[error("{host} answered with {content_type} instead of json")]
    NotJson {
        /// Who.
        host: Host,
        /// The media type without parameters.
        content_type: String,
    },
    /// A success that is larger than the caller allows.
    #[error("the answer of {host} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Who.
        host: Host,
        /// The limit, counted after decompression.
        limit_bytes: usize,
    },
    /// A body that ends in the middle of its JSON.
    #[error("the page ends in the middle of its json")]
    CutPage,
    /// A body that is not the list that was expected.
    #[error("the body is no page with `{expected}`: {problem}")]
    NotAPage {
        /// The missing or misshapen key.
        expected: String,
        /// What is wrong, with its position and without the text at it.
        problem: String,
    },
    /// The token for the next page is the one that was just sent, so that the list would never end.
    #[error("the list repeats its continuation token")]
    TokenRepeats,
    /// An address that no credential may be sent to.
    #[error("the address is not allowed: {reason}")]
    ForbiddenUrl {
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// The client cannot be built, or the credential has characters that no header can carry.
    #[error("cannot set up the request")]
    Setup {
        /// The failure below, without its address.
        source: reqwest::Error,
    },
}

/// How long to pause after a 429 that names no time: the window in which the service counts load.
/// <https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits#global-consumption-limit>
const THROTTLE_WINDOW: Duration = Duration::from_secs(300);

impl Error {
    /// What this means for the job and its integration.
    ///
    /// A repeated token is retryable: the job starts again from its stored cursor and loses nothing, a passing
    /// inconsistency heals, and a lasting one ends in the dead-letter queue by its receive count. Conditional access is
    /// a matter for people, like a dead credential: it concerns the whole integration and not one job.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Throttled { after, .. } => Fault::Retryable {
                after: Some(after.unwrap_or(THROTTLE_WINDOW)),
            },
            Self::Unavailable { after, .. } => Fault::Retryable { after: *after },
            Self::Network { .. }
            | Self::Timeout { .. }
            | Self::Truncated { .. }
            | Self::CutPage
            | Self::TokenRepeats => Fault::Retryable { after: None },
            Self::SignIn { .. } | Self::Unauthorized { .. } | Self::ConditionalAccess { .. } => {
                Fault::Reauthorize
            }
            Self::Stopped { .. }
            | Self::Forbidden { .. }
            | Self::Missing { .. }
            | Self::Rejected { .. }
            | Self::NotJson { .. }
            | Self::TooLarge { .. }
            | Self::NotAPage { .. }
            | Self::ForbiddenUrl { .. }
            | Self::Setup { .. } => Fault::Permanent,
        }
    }

    /// Microsoft's code (`TF401019`, `VS403463` ...), where it sent one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Stopped { code, .. } | Self::ConditionalAccess { code, .. } => Some(code),
            Self::Unavailable { code, .. }
            | Self::Unauthorized { code, .. }
            | Self::Forbidden { code, .. }
            | Self::Missing { code, .. }
            | Self::Rejected { code, .. } => code.as_deref(),
            _ => None,
        }
    }

    /// Microsoft's own sentence, where it sent one: for the administrator's eyes, not for logs.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Stopped { message, .. }
            | Self::ConditionalAccess { message, .. }
            | Self::Unauthorized { message, .. }
            | Self::Forbidden { message, .. }
            | Self::Missing { message, .. }
            | Self::Rejected { message, .. } => message.as_deref(),
            _ => None,
        }
    }

    /// The status of the answer, where it decided what this error is.
    pub fn status(&self) -> Option<StatusCode> {
        let status = match self {
            Self::Throttled { .. } => 429,
            Self::Unavailable { status, .. }
            | Self::SignIn { status, .. }
            | Self::Rejected { status, .. } => *status,
            Self::Stopped { .. } => 503,
            Self::Unauthorized { .. } => 401,
            Self::Missing { .. } => 404,
            _ => return None,
        };
        StatusCode::from_u16(status).ok()
    }
}

fn wait(after: &Option<Duration>) -> String {
    after
        .map(|after| format!(" for {}s", after.as_millis().div_ceil(1000)))
        .unwrap_or_default()
}

fn comma(code: &Option<String>) -> String {
    code.as_ref()
        .map(|code| format!(", {code}"))
        .unwrap_or_default()
}

fn brackets(code: &Option<String>) -> String {
    code.as_ref()
        .map(|code| format!(" ({code})"))
        .unwrap_or_default()
}
