//! What each source makes of its records, and what it leaves out.

use model::record::{git::RefUpdate, run::TimelineRecord, work_item::Tracked};

use super::*;
use crate::{
    Setting,
    boards::samples::{as_fact, change, moved, on, planned_context, story},
    dora::rule::{FAILURE, SOURCE},
    samples::{clock, context, pull_request, push, record, run},
};

/// The attempts that a source makes of records, with other settings.
fn read(source: &str, facts: &[Fact], others: &[(&Setting, &str)], known: Context) -> Vec<Attempt> {
    let mut context = known;
    for (setting, value) in [(&SOURCE, source)].iter().chain(others) {
        context.settings.choose(setting, value).unwrap();
    }
    attempts(facts, &context, chosen)
}

fn ended(id: u64, finished: &str, result: RunResult) -> Run {
    Run {
        id,
        result: Some(result),
        ..run("08:00", "08:10", finished)
    }
}

#[test]
fn a_run_deploys_if_it_came_to_an_end_of_its_own() {
    let of = |id, finished, result| Fact::Run(Box::new(ended(id, finished, result)), None);
    let facts = [
        of(1, "09:00", RunResult::Succeeded),
        of(2, "10:00", RunResult::PartiallySucceeded),
        of(3, "11:00", RunResult::Failed),
        of(4, "12:00", RunResult::Canceled),
    ];
    let found = read("runs", &facts, &[], context());
    let told: Vec<_> = found
        .iter()
        .map(|own| (own.version, own.succeeded))
        .collect();
    assert_eq!(told, [(1, true), (2, true), (3, false)]);
    assert!(found.iter().all(|own| own.target == found[0].target));
    assert_eq!(
        found[0].runs,
        [(Some(OrganizationId(uuid::Uuid::nil())), 1)]
    );
    let none = read("runs", &facts, &[(&PIPELINE, "other")], context());
    assert!(none.is_empty());
    assert!(
        read("stages", &facts, &[], context()).is_empty(),
        "they have no stages"
    );
}

#[test]
fn stages_of_a_run_deploy_to_the_places_that_are_chosen() {
    let mut timeline = Timeline::default();
    let stage = |name, result: StepResult, attempt| TimelineRecord {
        result: Some(result),
        attempt,
        ..record(TimelineKind::Stage, name, "08:20", "08:40")
    };
    timeline.records = vec![
        stage("Build", StepResult::Succeeded, 1),
        stage("Deploy to Production EU", StepResult::Failed, 1),
        stage("Deploy to Production EU", StepResult::Succeeded, 2),
        stage("Deploy to Production US", StepResult::Skipped, 1),
        record(TimelineKind::Job, "Production", "08:20", "08:40"),
    ];
    let facts = [Fact::Run(
        Box::new(ended(7, "09:00", RunResult::Failed)),
        Some(timeline),
    )];
    let found = read("stages", &facts, &[], context());
    let told: Vec<_> = found.iter().map(|own| own.succeeded).collect();
    assert_eq!(
        told,
        [false, true],
        "each attempt, and not what was skipped"
    );
    let everywhere = read("stages", &facts, &[(&PLACE, "")], context());
    assert_eq!(everywhere.len(), 3);
    let europe = (Dimension::Environment, "Deploy to Production EU".to_owned());
    assert!(found.iter().all(|own| own.dimensions.contains(&europe)));
}

fn merged(id: u64, at: &str, title: &str, labels: &[&str]) -> Fact {
    let own = PullRequest {
        id,
        title: title.to_owned(),
        labels: labels.iter().map(|&own| own.to_owned()).collect(),
        ..pull_request("08:00", Some(at))
    };
    Fact::PullRequest(Box::new(own), None, None)
}

#[test]
fn a_merge_deploys_and_one_that_reverts_says_so() {
    let facts = [
        merged(9, "09:00", "Sell more", &["ship"]),
        merged(4, "10:00", "Sell less", &["ship", "hotfix"]),
        merged(5, "11:00", "Revert \"Sell less\"", &["ship"]),
        merged(6, "12:00", "Write it down", &[]),
        Fact::PullRequest(Box::new(pull_request("08:00", None)), None, None),
    ];
    let found = read("pull_requests", &facts, &[(&LABEL, "ship")], context());
    let told: Vec<_> = found
        .iter()
        .map(|own| (own.is_hotfix, own.is_redeployment))
        .collect();
    assert_eq!(told, [(false, false), (true, false), (false, true)]);
    let main = (Dimension::Branch, "main".to_owned());
    assert!(found.iter().all(|own| own.dimensions.contains(&main)));
    assert_eq!(read("pull_requests", &facts, &[], context()).len(), 4);
    let elsewhere = [(&BRANCH, "release")];
    assert!(read("pull_requests", &facts, &elsewhere, context()).is_empty());
}

/// Pull request 4 was opened before 9 and merged after it: that takes nothing back.
#[test]
fn what_waited_long_for_its_merge_is_no_rollback() {
    let facts = [
        merged(9, "09:00", "Sell more", &[]),
        merged(4, "10:00", "Sell less", &[]),
        merged(5, "11:00", "Revert \"Sell less\"", &[]),
    ];
    let mut asked = context();
    for (setting, value) in [(&SOURCE, "pull_requests"), (&FAILURE, "rollback")] {
        asked.settings.choose(setting, value).unwrap();
    }
    let outcomes = crate::dora::failures::outcomes(&facts, &asked);
    let mut failed: Vec<_> = outcomes
        .into_iter()
        .map(|own| (own.attempt.at, own.failure.is_some()))
        .collect();
    failed.sort_unstable();
    let expected = [("09:00", false), ("10:00", true), ("11:00", false)];
    assert_eq!(failed, expected.map(|(at, failed)| (clock(at), failed)));
}

#[test]
fn a_tag_deploys_when_it_is_pushed_and_not_when_it_is_taken_away_or_moved() {
    let moved = |name: &str, old: Option<&str>, new: Option<&str>| RefUpdate {
        name: name.to_owned(),
        old: old.map(str::to_owned),
        new: new.map(str::to_owned),
    };
    let Fact::Push(mut own) = push(3, "09:00", "main", false) else {
        panic!("no push")
    };
    own.ref_updates = vec![
        moved("refs/tags/v1.0", None, Some("1a")),
        moved("refs/tags/v0.9", Some("1b"), None),
        moved("refs/tags/latest", Some("1b"), Some("1a")),
        moved("refs/tags/hotfix-7", None, Some("1c")),
        moved("refs/heads/v2", None, Some("1d")),
    ];
    let repository = own.repository;
    let facts = [Fact::Push(own)];
    let found = read("tags", &facts, &[], context());
    let told: Vec<_> = found.iter().map(|own| own.is_hotfix).collect();
    assert_eq!(told, [false, true]);
    assert_eq!(found[0].target.2, repository.to_string());
    let versions = read("tags", &facts, &[(&BRANCH, "^v")], context());
    let name = (Dimension::Branch, "v1.0".to_owned());
    assert_eq!(versions.len(), 1);
    assert!(versions[0].dimensions.contains(&name));
}

#[test]
fn a_work_item_deploys_when_it_is_closed_in_a_state_that_completes_it() {
    let closed = |id, state: &str, tags: &str| {
        let item = change(
            story(id, on(10, "09:00")),
            on(11, "09:00"),
            "ann",
            &[(Tracked::Tags, tags)],
        );
        let mut item = moved(item, on(12, "09:00"), state);
        item.closed_at = Some(on(12, "09:00"));
        item
    };
    let mut binned = closed(4, "Closed", "Rollout");
    binned.is_deleted = true;
    let facts = [
        as_fact(closed(1, "Closed", "Rollout")),
        as_fact(closed(2, "Removed", "Rollout")),
        as_fact(closed(3, "Closed", "Research")),
        as_fact(binned),
        as_fact(story(5, on(10, "09:00"))),
    ];
    let known = || planned_context(&[]);
    let found = read("work_items", &facts, &[(&LABEL, "rollout")], known());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].at, on(12, "09:00"));
    let kind = (Dimension::Type, "User Story".to_owned());
    assert!(found[0].dimensions.contains(&kind));
    assert_eq!(read("work_items", &facts, &[], known()).len(), 2);
    assert!(read("work_items", &facts, &[(&TYPE, "bug")], known()).is_empty());
}
