use super::*;
use crate::run_activities::activity;

fn end() -> Timestamp {
    "2026-07-04T10:10:00Z".parse().unwrap()
}

fn ended(result: RunResult) -> Ended {
    Ended {
        result: Some(result),
        at: end(),
    }
}

/// A row of a job: its type, what it is called, how it ended, and its first and last minute.
fn row(job: &str, what: (&str, &str, Option<&str>), minutes: Option<(u8, u8)>) -> Activity {
    let (kind, task, outcome) = what;
    let at = |minute: Option<u8>| {
        minute.map_or("null".to_owned(), |m| {
            format!("\"2026-07-04T12:{m:02}:00+02:00\"")
        })
    };
    let outcome = outcome.map_or("null".to_owned(), |own| format!("\"{own}\""));
    let (stage, job) = job.split_once('/').unwrap_or(("", job));
    let row = format!(
        r#"{{"PipelineRunId":1,"ActivityType":"{kind}","ActivityStartedDate":{},"ActivityCompletedDate":{},
            "TaskDisplayName":"{task}","TaskOutcome":{outcome},"PipelineJob":{{"StageName":"{stage}","JobName":"{job}"}}}}"#,
        at(minutes.map(|own| own.0)),
        at(minutes.map(|own| own.1)),
    );
    activity(serde_json::from_str(&row).unwrap()).unwrap()
}

fn task(job: &str, name: &str, outcome: &str, minutes: (u8, u8)) -> Activity {
    row(job, ("Task", name, Some(outcome)), Some(minutes))
}

fn wait(job: &str, minutes: (u8, u8)) -> Activity {
    row(job, ("AgentWait", "", None), Some(minutes))
}

/// Each record as its kind, its name, its result and its minutes.
fn lines(timeline: &Timeline) -> Vec<String> {
    let minute =
        |at: Option<Timestamp>| at.map_or("-".to_owned(), |at| at.to_string()[14..16].to_owned());
    let line = |own: &TimelineRecord| {
        let (name, result) = (
            own.name.as_deref().unwrap_or("-"),
            own.result.as_ref().unwrap(),
        );
        let (from, to) = (minute(own.started_at), minute(own.finished_at));
        format!("{:?} {name} {result:?} {from}-{to}", own.kind)
    };
    timeline.records.iter().map(line).collect()
}

#[test]
fn jobs_end_like_their_worst_task_and_stages_like_their_worst_job() {
    let rows = [
        row(
            "Test/Slow",
            ("Task", "Publish", Some("Skipped")),
            Some((9, 9)),
        ),
        task("Test/Slow", "Run", "Failed", (5, 9)),
        task("Test/Slow", "Checkout", "Succeeded", (4, 5)),
        wait("Test/Slow", (3, 4)),
        task("Test/Quick", "Run", "Succeed", (4, 10)),
        row("Test/", ("Approval", "", Some("Succeeded")), Some((2, 3))),
        wait("Build/One", (0, 0)),
        task("Build/One", "Make", "SucceededWithIssues", (1, 2)),
    ];
    let timeline = timeline(&ended(RunResult::Failed), &rows).unwrap();
    assert_eq!(
        lines(&timeline),
        [
            "Stage Build SucceededWithIssues 00-02",
            "Job One SucceededWithIssues 01-02",
            "Task Make SucceededWithIssues 01-02",
            "Stage Test Failed 02-10",
            "Approval - Succeeded 02-03",
            "Job Slow Failed 04-09",
            "Task Checkout Succeeded 04-05",
            "Task Run Failed 05-09",
            "Task Publish Skipped ---",
            "Job Quick Succeeded 04-10",
            "Task Run Succeeded 04-10",
        ]
    );
    let parent = |n: usize| timeline.records[n].parent.clone();
    let id = |n: usize| Some(timeline.records[n].id.clone());
    assert_eq!((parent(4), parent(5), parent(7)), (id(3), id(3), id(5)));
    let since = timeline.records[5].waiting_since.unwrap();
    assert_eq!(since.to_string(), "2026-07-04T10:03:00Z");
    assert_eq!(timeline.source, TimelineSource::Analytics);
}

#[test]
fn the_order_of_rows_makes_no_difference() {
    let mut rows = vec![
        task("B/Two", "Run", "Succeeded", (4, 10)),
        task("A/One", "Run", "Succeeded", (4, 10)),
        task("A/One", "Check", "Succeeded", (2, 4)),
        wait("A/One", (1, 2)),
    ];
    let ended = ended(RunResult::Succeeded);
    let one = timeline(&ended, &rows).unwrap();
    rows.reverse();
    assert_eq!(timeline(&ended, &rows).unwrap(), one);
}

#[test]
fn jobs_of_a_pipeline_without_stages_have_no_parent() {
    let rows = [task("One", "Make", "Succeeded", (1, 10))];
    let timeline = timeline(&ended(RunResult::Succeeded), &rows).unwrap();
    assert_eq!(lines(&timeline)[0], "Job One Succeeded 01-10");
    assert_eq!(timeline.records[0].parent, None);
}

#[test]
fn what_the_rows_do_not_tell_truly_is_asked_of_the_run() {
    use RunResult::{Canceled, Failed, PartiallySucceeded, Succeeded};
    let good = || task("A/One", "Make", "Succeeded", (1, 10));
    let bad = || task("A/One", "Make", "Failed", (1, 10));
    let twice = vec![wait("A/One", (0, 1)), wait("A/One", (2, 3)), good()];
    let unnamed = row("A/One", ("Task", "Make", None), Some((1, 10)));
    let skipped = row("B/Two", ("Task", "Make", Some("Skipped")), None);
    let approval = row("B/", ("Approval", "", Some("Succeeded")), Some((2, 3)));
    #[rustfmt::skip]
    let rows = [
        ("retried", Succeeded, twice, Untold::Retried),
        ("failed, but the run did not", Succeeded, vec![bad()], Untold::Unexplained),
        ("only partly", PartiallySucceeded, vec![good()], Untold::Unexplained),
        ("canceled before the next stage", Canceled, vec![good()], Untold::Unexplained),
        ("a new outcome", Failed, vec![task("A/One", "Make", "Exploded", (1, 10)), bad()], Untold::Unexplained),
        ("no outcome", Succeeded, vec![unnamed], Untold::Unexplained),
        ("a job that only waited", Succeeded, vec![good(), wait("B/Two", (2, 3))], Untold::Idle),
        ("a job that skipped everything", Succeeded, vec![good(), skipped], Untold::Idle),
        ("a stage that was only approved", Succeeded, vec![good(), approval], Untold::Idle),
        ("not all rows are there", Succeeded, vec![task("A/One", "Make", "Succeeded", (1, 8))], Untold::OtherEnd),
        ("it went on", Succeeded, vec![task("A/One", "Make", "Succeeded", (1, 11))], Untold::OtherEnd),
        ("no rows", Succeeded, vec![], Untold::OtherEnd),
    ];
    for (name, result, rows, wanted) in rows {
        assert_eq!(timeline(&ended(result), &rows), Err(wanted), "{name}");
    }
    let other = Activity {
        run_result: Some(Failed),
        ..good()
    };
    assert_eq!(
        timeline(&ended(Succeeded), &[other]),
        Err(Untold::OtherResult)
    );
}
