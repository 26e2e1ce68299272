//! What the service says about its load.

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::{Timestamp, fmt::rfc2822};

/// The headers by which Azure DevOps paces its clients; each may be absent, and may come with any status.
///
/// <https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits#api-client-experience>
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pacing {
    /// `Retry-After`: how long to send nothing, counted from the answer. Never more than [`Pacing::LONGEST`].
    pub retry_after: Option<Duration>,
    /// `X-RateLimit-Delay`: seconds for which this request was held back.
    pub delay: Option<f64>,
    /// `X-RateLimit-Limit`: throughput units allowed before requests are held back.
    pub limit: Option<f64>,
    /// `X-RateLimit-Remaining`: throughput units left.
    pub remaining: Option<f64>,
    /// `X-RateLimit-Reset`: when the usage would be zero again if nothing more were sent.
    pub reset: Option<Timestamp>,
    /// Whether `Retry-After` asked for more than [`Pacing::LONGEST`] and was cut to it.
    pub capped: bool,
}

impl Pacing {
    /// The longest `Retry-After` that is believed. The service counts load in windows of five minutes, so that a wish
    /// for days is an error on the way, and a connection that sleeps for days is one that nobody can repair.
    pub const LONGEST: Duration = Duration::from_secs(3600);

    /// Reads the headers of an answer that arrived at `now`.
    pub(crate) fn from_headers(headers: &HeaderMap, now: Timestamp) -> Self {
        let asked = retry_after(headers, server_time(headers).unwrap_or(now));
        Self {
            retry_after: asked.map(|wait| wait.min(Self::LONGEST)),
            delay: decimal(headers, "x-ratelimit-delay"),
            limit: decimal(headers, "x-ratelimit-limit"),
            remaining: decimal(headers, "x-ratelimit-remaining"),
            reset: decimal(headers, "x-ratelimit-reset").and_then(instant),
            capped: asked.is_some_and(|wait| wait > Self::LONGEST),
        }
    }
}

/// The time in the `Date` header.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(text(headers, header::DATE.as_str())?)
}

/// `Retry-After` in either of its forms, seconds or a date: <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER.as_str())?;
    match value.parse::<f64>() {
        Ok(seconds) if seconds.is_nan() || seconds < 0.0 => None,
        Ok(seconds) => Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
        Err(_) => {
            Some(Duration::try_from(http_date(value)?.duration_since(now)).unwrap_or_default())
        }
    }
}

fn http_date(value: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(value).ok()
}

fn instant(seconds: f64) -> Option<Timestamp> {
    let milliseconds = (seconds * 1000.0).round();
    // Beyond this a float no longer tells milliseconds apart, and the cast would invent a time.
    if milliseconds.abs() > 1e15 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded above and already rounded"
    )]
    Timestamp::from_millisecond(milliseconds as i64).ok()
}

fn decimal(headers: &HeaderMap, name: &str) -> Option<f64> {
    text(headers, name)?
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn pacing(pairs: &[(&'static str, &'static str)]) -> Pacing {
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        Pacing::from_headers(&headers.collect(), "2026-04-01T09:32:00Z".parse().unwrap())
    }

    #[test]
    fn silence_means_no_limit_is_near() {
        assert_eq!(pacing(&[]), Pacing::default());
    }

    #[test]
    fn every_header_is_read_as_a_decimal() {
        let expected = Pacing {
            retry_after: Some(Duration::from_millis(12_500)),
            delay: Some(0.173),
            limit: Some(200.0),
            remaining: Some(0.0),
            reset: Some("2026-04-01T09:35:00.5Z".parse().unwrap()),
            capped: false,
        };
        let headers = [
            ("retry-after", " 12.5 "),
            ("x-ratelimit-delay", "0.173"),
            ("x-ratelimit-limit", "200"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1775036100.5"),
        ];
        assert_eq!(pacing(&headers), expected);
    }

    #[test]
    fn a_date_counts_from_the_services_own_clock() {
        let at = ("retry-after", "Wed, 01 Apr 2026 09:33:00 GMT");
        let seconds = |pairs: &[_]| pacing(pairs).retry_after.unwrap().as_secs();
        assert_eq!(seconds(&[at]), 60);
        assert_eq!(
            seconds(&[at, ("date", "Wed, 01 Apr 2026 09:32:24 GMT")]),
            36
        );
        assert_eq!(seconds(&[at, ("date", "Wed, 01 Apr 2026 09:34:00 GMT")]), 0);
    }

    #[test]
    fn absurd_waits_are_cut_to_an_hour_and_say_so() {
        for wait in ["3601", "1e300", "inf", "Thu, 01 Apr 2027 00:00:00 GMT"] {
            let pacing = pacing(&[("retry-after", wait)]);
            assert_eq!(
                (pacing.retry_after, pacing.capped),
                (Some(Pacing::LONGEST), true),
                "{wait}"
            );
        }
        let hour = pacing(&[("retry-after", "3600")]);
        assert_eq!(
            (hour.retry_after, hour.capped),
            (Some(Pacing::LONGEST), false)
        );
    }

    #[test]
    fn what_cannot_be_read_is_as_good_as_absent() {
        let headers = [
            ("retry-after", "soon"),
            ("x-ratelimit-delay", "NaN"),
            ("x-ratelimit-limit", "inf"),
            ("x-ratelimit-remaining", ""),
            ("x-ratelimit-reset", "1e30"),
        ];
        assert_eq!(pacing(&headers), Pacing::default());
        assert_eq!(pacing(&[("retry-after", "-1")]).retry_after, None);
        assert_eq!(pacing(&[("retry-after", "nan")]).retry_after, None);
    }
}
