//! What an error of Analytics means for the runs whose timelines are wanted.

use jiff::{SignedDuration, Timestamp};
use model::Fault;

/// How long Analytics may be out of order before the runs are asked one by one: shorter than it takes until a message
/// counts as dead.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// How the service says that it will not do a query again:
/// <https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits#api-client-experience>.
const BLOCKED: &str = "TF400733";

/// What becomes of the runs after an error of Analytics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are asked one by one, because Analytics does this.
    OneByOne(&'static str),
    /// They are asked one by one, if the token is good for everything else.
    OneByOneIfAlive,
    /// They wait, as for any other error.
    Wait,
}

/// Analytics is a convenience, and must not hold up what can be asked of the runs themselves. What concerns the whole
/// organization, and a pause, is no reason to do without.
pub(super) fn verdict(error: &ado::Error, began: Timestamp, now: Timestamp) -> Verdict {
    if matches!(
        error,
        ado::Error::Stopped { .. } | ado::Error::ConditionalAccess { .. }
    ) {
        return Verdict::Wait;
    }
    match error.fault() {
        Fault::Permanent => Verdict::OneByOne("is not to be had"),
        Fault::Reauthorize => Verdict::OneByOneIfAlive,
        Fault::Retryable { after: Some(_) } => Verdict::Wait,
        Fault::Retryable { after: None } if error.code() == Some(BLOCKED) => {
            Verdict::OneByOne("refuses the query")
        }
        Fault::Retryable { after: None } if now > began + PATIENCE => {
            Verdict::OneByOne("does not answer")
        }
        Fault::Retryable { after: None } => Verdict::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_final_at_once_and_silence_after_some_minutes() {
        let host = ado::Host::Analytics;
        let (code, message) = (None, None);
        let unavailable = |code: Option<&str>, after| ado::Error::Unavailable {
            host,
            status: 503,
            code: code.map(str::to_owned),
            after,
        };
        let rejected = |status| ado::Error::Rejected {
            host,
            status,
            code: None,
            message: None,
        };
        let gone = Verdict::OneByOne("is not to be had");
        let late = Some(Verdict::OneByOne("does not answer"));
        let pause = Some(std::time::Duration::from_secs(9));
        #[rustfmt::skip]
        let rows = [
            (ado::Error::Forbidden { host, code: code.clone(), message: message.clone() }, gone, None),
            (ado::Error::Missing { host, code: code.clone(), message: message.clone() }, gone, None),
            (rejected(410), gone, None),
            (rejected(400), gone, None),
            (ado::Error::Unauthorized { host, code, message }, Verdict::OneByOneIfAlive, None),
            (ado::Error::SignIn { host, status: 203 }, Verdict::OneByOneIfAlive, None),
            (unavailable(Some(BLOCKED), None), Verdict::OneByOne("refuses the query"), None),
            (unavailable(None, None), Verdict::Wait, late),
            (ado::Error::Timeout { host }, Verdict::Wait, late),
            (unavailable(None, pause), Verdict::Wait, None),
            (ado::Error::Throttled { host, after: None }, Verdict::Wait, None),
            (ado::Error::Stopped { code: "TF24668".to_owned(), message: None }, Verdict::Wait, None),
        ];
        let began = Timestamp::UNIX_EPOCH;
        for (error, at_once, later) in rows {
            let after = |minutes| began + SignedDuration::from_mins(minutes);
            assert_eq!(verdict(&error, began, after(4)), at_once, "{error}");
            assert_eq!(
                verdict(&error, began, after(6)),
                later.unwrap_or(at_once),
                "{error}"
            );
        }
    }
}
