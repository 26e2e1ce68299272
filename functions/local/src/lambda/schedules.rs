//! EventBridge Scheduler: invokes functions at a rate, or now.
//!
//! A failed invocation is logged and not repeated: retry policies are for deliveries, and locally a delivery cannot fail.

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{InvokeError, Lambda};
use crate::template::Schedule;

/// Starts the ticker of a schedule; the first tick comes after one interval.
pub(crate) fn start(schedule: Schedule, lambda: Lambda, tasks: &mut JoinSet<()>) {
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(schedule.every).await;
            if let Err(error) = run(&schedule, &lambda).await {
                tracing::warn!(%error, schedule = schedule.name, "a scheduled invocation failed");
            }
        }
    });
}

/// Invokes the schedule's function once.
pub(crate) async fn run(schedule: &Schedule, lambda: &Lambda) -> Result<Bytes, InvokeError> {
    lambda
        .invoke(&schedule.function, payload(schedule, Timestamp::now()))
        .await
}

/// Returns the schedule's input with its context attributes filled in, or Scheduler's own event.
///
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>
fn payload(schedule: &Schedule, now: Timestamp) -> Bytes {
    let time = now.round(jiff::Unit::Second).unwrap_or(now).to_string();
    let id = Uuid::new_v4().to_string();
    match &schedule.input {
        Some(input) => input
            .replace("<aws.scheduler.schedule-arn>", &schedule.arn)
            .replace("<aws.scheduler.scheduled-time>", &time)
            .replace("<aws.scheduler.execution-id>", &id)
            .replace("<aws.scheduler.attempt-number>", "1")
            .into(),
        None => json!({
            "version": "0", "id": id, "detail-type": "Scheduled Event", "source": "aws.scheduler",
            "account": "000000000000", "time": time, "region": "local", "resources": [schedule.arn], "detail": "{}",
        })
        .to_string()
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn context_attributes_are_filled_in() {
        let schedule = Schedule {
            name: "Tick".to_owned(),
            arn: "arn:tick".to_owned(),
            function: "F".to_owned(),
            every: Duration::from_secs(60),
            input: Some(
                r#"{"at":"<aws.scheduler.scheduled-time>","by":"<aws.scheduler.schedule-arn>"}"#
                    .to_owned(),
            ),
        };
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(
            payload(&schedule, now),
            r#"{"at":"2026-11-23T10:00:00Z","by":"arn:tick"}"#
        );
        let event: serde_json::Value = serde_json::from_slice(&payload(
            &Schedule {
                input: None,
                ..schedule
            },
            now,
        ))
        .unwrap();
        assert_eq!(event["source"], "aws.scheduler");
    }
}
