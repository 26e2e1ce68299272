//! How fast numbers are: ten questions that dashboards ask, each asked several times.

use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use super::api::Api;
use super::{failure::Failure, progress};

/// How often each is asked, after a first time that wakes the function up: as often as there is time for, and at least some
/// times. A debug build is too slow for more, and its times say little anyway.
const ROUNDS: std::ops::RangeInclusive<usize> = if cfg!(debug_assertions) {
    3..=3
} else {
    5..=100
};
/// For how long each is asked.
const PATIENCE: Duration = Duration::from_secs(15);

/// Ninety days of what dashboards show.
const QUESTIONS: [&str; 10] = [
    "run_duration?group_by=pipeline",
    "stage_duration?group_by=stage&interval=week",
    "stage_success_rate?group_by=stage",
    "deployment_frequency?interval=week",
    "change_failure_rate?group_by=pipeline",
    "lead_time_for_changes?interval=week",
    "pull_request_stage_time?group_by=phase",
    "coding_days?group_by=person",
    "throughput?interval=week",
    "time_in_state?group_by=state",
];

/// What was measured of a question.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// The question, without its range.
    pub(super) question: &'static str,
    /// How many records were read for one answer.
    pub(super) records: u64,
    /// In the handler, for each time that it was asked, in milliseconds and ascending order.
    pub(super) handler: Vec<f64>,
    /// The same without the time in which DynamoDB was waited for.
    pub(super) own: Vec<f64>,
}

/// Asks each question about the last ninety days, or the days that are kept.
pub(super) async fn ask_all(
    api: &Api,
    now: Timestamp,
    retention_days: u32,
) -> Result<Vec<Measured>, Failure> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let days = i64::from(retention_days.min(90)) - 1;
    let from = today.saturating_sub(days.days());
    let mut measured = Vec::new();
    for question in QUESTIONS {
        let path = format!("{question}&from={from}&to={today}");
        progress::say(&format!("asking for {question}"));
        measured.push(ask(api, question, &path).await?);
    }
    Ok(measured)
}

async fn ask(api: &Api, question: &'static str, path: &str) -> Result<Measured, Failure> {
    let mut measured = Measured {
        question,
        records: api.insight(path).await?.records,
        handler: Vec::new(),
        own: Vec::new(),
    };
    let began = Instant::now();
    while measured.handler.len() < *ROUNDS.start()
        || (measured.handler.len() < *ROUNDS.end() && began.elapsed() < PATIENCE)
    {
        let answer = api.insight(path).await?;
        measured.handler.push(answer.handler_ms);
        measured.own.push(answer.handler_ms - answer.reads_ms);
    }
    measured.handler.sort_unstable_by(f64::total_cmp);
    measured.own.sort_unstable_by(f64::total_cmp);
    Ok(measured)
}

/// The smallest of some ascending values that this share of them does not exceed; `None` if there are none.
pub(super) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=30).map(f64::from).collect();
        assert_eq!(percentile(&values, 0.5), Some(15.0));
        assert_eq!(percentile(&values, 0.99), Some(30.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn every_question_is_about_a_metric() {
        for question in QUESTIONS {
            let (name, _) = question.split_once('?').unwrap();
            assert!(metrics::find(name).is_some(), "{name}");
        }
    }
}
