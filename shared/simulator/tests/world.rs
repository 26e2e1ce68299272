//! The world: the same for the same configuration, believable, and moved only by whole days.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use simulator::{Config, Scale, Simulator};
use support::{Client, config};

/// Everything that can be read, as one text.
async fn whole(client: &Client) -> String {
    let mut text = String::new();
    let mut paths = vec![
        "_apis/projects".to_owned(),
        "_apis/git/repositories".to_owned(),
        "_apis/wit/reporting/workitemrevisions?includeDeleted=true&includeIdentityRef=true"
            .to_owned(),
        "_apis/wit/reporting/workitemlinks".to_owned(),
        "_apis/tfvc/changesets?$orderby=id%20asc".to_owned(),
    ];
    for (id, _) in client.simulator.projects() {
        paths.push(format!(
            "{id}/_apis/build/builds?queryOrder=queueTimeAscending&$top=5000"
        ));
        paths.push(format!(
            "{id}/_apis/git/pullrequests?searchCriteria.status=all&$top=1000"
        ));
    }
    for repository in client.get("_apis/git/repositories").await.items() {
        if repository.get("defaultBranch").is_some() && repository["isDisabled"] == false {
            let id = repository["id"].as_str().expect("id");
            paths.push(format!(
                "_apis/git/repositories/{id}/pushes?searchCriteria.includeRefUpdates=true&$top=1000"
            ));
            paths.push(format!("_apis/git/repositories/{id}/commits?searchCriteria.includePushData=true&searchCriteria.$top=5000"));
        }
    }
    for path in paths {
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        text.push_str(&String::from_utf8(answer.bytes).expect("text"));
    }
    text
}

#[tokio::test]
async fn equal_configurations_make_equal_worlds_and_seeds_differ() {
    let (one, other) = (Client::new(config()), Client::new(config()));
    let text = whole(&one).await;
    assert_eq!(text, whole(&other).await);
    assert_ne!(
        text,
        whole(&Client::new(Config {
            seed: 2,
            ..config()
        }))
        .await
    );
}

#[tokio::test]
async fn a_restarted_simulator_continues_where_the_first_one_was() {
    let advanced = Client::new(config());
    advanced.simulator.advance(2);
    advanced.simulator.advance(3);
    let restarted = Client::new(Config {
        days: 5,
        ..config()
    });
    assert_eq!(advanced.simulator.now(), restarted.simulator.now());
    assert_eq!(whole(&advanced).await, whole(&restarted).await);
}

#[tokio::test]
async fn a_day_brings_new_life_and_leaves_identifiers_alone() {
    let client = Client::new(config());
    let since = client.simulator.now() - SignedDuration::from_hours(24 * 95);
    let token = client.simulator.default_pat();
    let ids = |simulator: &Simulator| -> BTreeSet<(&'static str, String)> {
        simulator
            .ledger(since, &token)
            .into_iter()
            .map(|own| (own.kind, own.id))
            .collect()
    };
    let before = ids(&client.simulator);
    let boundary = client.simulator.now();
    for _ in 0..7 {
        client.simulator.advance(1);
    }
    let after = ids(&client.simulator);
    assert!(
        before.is_subset(&after),
        "nothing vanishes: {:?}",
        before.difference(&after).next()
    );
    let changed = client
        .simulator
        .ledger(since, &token)
        .into_iter()
        .filter(|own| own.changed_at > boundary);
    let kinds: BTreeSet<&str> = changed.map(|own| own.kind).collect();
    for kind in [
        "work_item",
        "work_item_link",
        "run",
        "pull_request",
        "push",
        "commit",
        "changeset",
    ] {
        assert!(kinds.contains(kind), "a week brings a {kind}");
    }
}

#[tokio::test]
async fn revisions_after_a_token_are_those_of_the_days_since() {
    let client = Client::new(config());
    let path = "_apis/wit/reporting/workitemrevisions?includeDeleted=true";
    let (first, token) = client.all_by_batch(path, "startDateTime=2000-01-01").await;
    let (none, same) = client
        .all_by_batch(path, &format!("continuationToken={token}"))
        .await;
    assert_eq!(
        (none.len(), &same),
        (0, &token),
        "nothing new, and a token to keep"
    );
    client.simulator.advance(4);
    let (new, _) = client
        .all_by_batch(path, &format!("continuationToken={token}"))
        .await;
    let (all, _) = client.all_by_batch(path, "startDateTime=2000-01-01").await;
    assert!(!new.is_empty());
    assert_eq!(first.len() + new.len(), all.len());
}

#[tokio::test]
async fn nothing_happened_around_the_ninetieth_day() {
    for seed in 1..4 {
        let client = Client::new(Config { seed, ..config() });
        let now = client.simulator.now();
        let (from, to) = (
            now - SignedDuration::from_hours(95 * 24),
            now - SignedDuration::from_hours(89 * 24 + 12),
        );
        let ledger = client
            .simulator
            .ledger(Timestamp::MIN, &client.simulator.default_pat());
        let is_metadata = |kind: &str| {
            matches!(
                kind,
                "work_item_type" | "classification_node" | "definition"
            )
        };
        let life = ledger.iter().filter(|own| !is_metadata(own.kind));
        for own in life {
            assert!(own.changed_at < from || own.changed_at >= to, "{own:?}");
            assert!(own.changed_at <= now, "{own:?} is in the future");
        }
        assert!(
            ledger
                .iter()
                .any(|own| own.kind == "run" && own.changed_at < from),
            "there is an old life"
        );
    }
}

/// How often each value occurs.
fn tally(items: &[Value], pointer: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for value in items.iter().filter_map(|item| item.pointer(pointer)) {
        *counts
            .entry(
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            )
            .or_insert(0) += 1;
    }
    counts
}

#[tokio::test]
async fn boards_hold_what_syncs_stumble_over() {
    let client = Client::new(config());
    let (revisions, _) = client
        .all_by_batch(
            "_apis/wit/reporting/workitemrevisions?includeDeleted=true",
            "startDateTime=2000-01-01",
        )
        .await;
    let mut items: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for revision in &revisions {
        items
            .entry(revision["id"].as_u64().expect("id"))
            .or_default()
            .push(&revision["fields"]);
    }
    let changes = |name: &str| {
        items
            .values()
            .filter(|all| all.iter().any(|own| own[name] != all[0][name]))
            .count()
    };
    let is_deleted = |own: &&Value| own["System.IsDeleted"] == true;
    let deleted = items
        .values()
        .filter(|all| all.last().is_some_and(is_deleted))
        .count();
    let restored = items
        .values()
        .filter(|all| all.iter().any(is_deleted) && !all.last().is_some_and(is_deleted))
        .count();
    let reopened = items.values().filter(|all| {
        let states: Vec<&str> = all
            .iter()
            .filter_map(|own| own["System.State"].as_str())
            .collect();
        states
            .windows(2)
            .any(|pair| matches!(pair, ["Closed" | "Resolved", "Active"]))
    });
    assert!(
        items.len() >= 120 && revisions.len() >= 600,
        "{} items, {} revisions",
        items.len(),
        revisions.len()
    );
    assert!(
        deleted >= 2 && restored >= 1,
        "{deleted} deleted, {restored} restored"
    );
    assert!(changes("System.TeamProject") >= 1, "one moved");
    assert!(changes("System.WorkItemType") >= 1, "one changed its type");
    assert!(changes("System.BoardLane") > 5 && changes("System.BoardColumnDone") > 5);
    let newest = |name: &'static str| items.values().filter_map(move |all| all.last()?.get(name));
    let shipped = |own: &&Value| **own == "Shipped";
    assert!(
        newest("System.State").filter(shipped).count() >= 2,
        "a state of one's own"
    );
    assert!(newest("Custom.IsRegulated").count() > 30);
    assert!(newest("Custom.Approver").count() > 5);
    let keeps_date = |all: &&Vec<&Value>| {
        let is_active = |own: &&&Value| own["System.State"] == "Active";
        all.iter()
            .filter(is_active)
            .any(|own| own.get("Microsoft.VSTS.Common.ClosedDate").is_some())
    };
    assert!(
        items.values().filter(keeps_date).count() >= 1,
        "one kept its date"
    );
    assert!(changes("System.ExternalLinkCount") > 30);
    assert!(changes("System.AssignedTo") > 10 && changes("System.IterationPath") > 50);
    assert!(reopened.count() >= 3);
    let (links, _) = client
        .all_by_batch(
            "_apis/wit/reporting/workitemlinks",
            "startDateTime=2000-01-01",
        )
        .await;
    assert!(
        links.iter().any(|link| link["isActive"] == false),
        "a link was removed"
    );
    let kinds = tally(&revisions, "/fields/System.WorkItemType");
    assert!(
        ["Epic", "Feature", "User Story", "Task", "Bug"]
            .iter()
            .all(|kind| kinds.contains_key(*kind)),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn pipelines_hold_what_syncs_stumble_over() {
    let client = Client::new(config());
    let (mut builds, mut records, mut absent) = (Vec::new(), Vec::new(), 0);
    for (project, _) in client.simulator.projects() {
        for build in client
            .all_by_token(&format!(
                "{project}/_apis/build/builds?queryOrder=queueTimeAscending"
            ))
            .await
        {
            let timeline = client
                .get(&format!(
                    "{project}/_apis/build/builds/{}/timeline",
                    build["id"]
                ))
                .await;
            match timeline.status.as_u16() {
                404 => absent += 1,
                _ => records.extend(
                    timeline.json()["records"]
                        .as_array()
                        .expect("records")
                        .clone(),
                ),
            }
            builds.push(build);
        }
    }
    assert!(
        (250..600).contains(&builds.len()),
        "{} builds",
        builds.len()
    );
    let (results, statuses, reasons) = (
        tally(&builds, "/result"),
        tally(&builds, "/status"),
        tally(&builds, "/reason"),
    );
    assert!(
        ["succeeded", "partiallySucceeded", "failed", "canceled"]
            .iter()
            .all(|own| results.contains_key(*own)),
        "{results:?}"
    );
    assert!(statuses.contains_key("inProgress"), "{statuses:?}");
    assert!(
        ["pullRequest", "individualCI", "schedule", "manual"]
            .iter()
            .all(|own| reasons.contains_key(*own)),
        "{reasons:?}"
    );
    assert!(absent > 5, "{absent} without a timeline");
    let finishes = tally(&builds, "/finishTime");
    assert!(
        finishes.values().any(|count| *count > 1),
        "two runs end at the same instant"
    );
    let (kinds, results) = (tally(&records, "/type"), tally(&records, "/result"));
    assert!(
        [
            "Stage",
            "Phase",
            "Job",
            "Task",
            "Checkpoint",
            "Checkpoint.Approval"
        ]
        .iter()
        .all(|own| kinds.contains_key(*own)),
        "{kinds:?}"
    );
    assert!(
        [
            "succeeded",
            "succeededWithIssues",
            "failed",
            "canceled",
            "skipped"
        ]
        .iter()
        .all(|own| results.contains_key(*own)),
        "{results:?}"
    );
    assert!(records.iter().any(|own| {
        own["attempt"] == 2
            && own["previousAttempts"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
    }));
    assert!(
        records.iter().any(|own| own["state"] == "inProgress")
            && records.iter().any(|own| own["state"] == "pending")
    );
}

#[tokio::test]
async fn the_timeline_of_an_earlier_attempt_holds_the_record_that_points_to_it() {
    let client = Client::new(config());
    let mut checked = 0;
    for (project, _) in client.simulator.projects() {
        for build in client
            .all_by_token(&format!(
                "{project}/_apis/build/builds?resultFilter=succeeded"
            ))
            .await
        {
            let path = format!("{project}/_apis/build/builds/{}/timeline", build["id"]);
            let newest = client.get(&path).await.json();
            let records = newest["records"].as_array().cloned().unwrap_or_default();
            let ids: BTreeSet<&str> = records
                .iter()
                .filter_map(|own| own["id"].as_str())
                .collect();
            assert_eq!(ids.len(), records.len(), "record ids are unique");
            assert!(
                records
                    .iter()
                    .filter_map(|own| own["parentId"].as_str())
                    .all(|parent| ids.contains(parent))
            );
            let stages: Vec<u64> = records
                .iter()
                .filter(|own| own["type"] == "Stage")
                .filter_map(|own| own["order"].as_u64())
                .collect();
            assert_eq!(
                stages,
                (1..=stages.len() as u64).collect::<Vec<_>>(),
                "every stage is there once"
            );
            for previous in records
                .iter()
                .flat_map(|own| own["previousAttempts"].as_array().into_iter().flatten())
            {
                let timeline = previous["timelineId"].as_str().expect("timeline");
                let earlier = client.get(&format!("{path}/{timeline}")).await.json();
                let earlier = earlier["records"].as_array().expect("records");
                assert!(earlier.iter().any(|own| own["id"] == previous["recordId"]
                    && own["attempt"] == previous["attempt"]));
                checked += 1;
            }
        }
    }
    assert!(checked > 5, "{checked} earlier attempts");
}

#[tokio::test]
async fn repositories_hold_what_syncs_stumble_over() {
    let client = Client::new(config());
    let (mut pushes, mut commits, mut pulls) = (Vec::new(), Vec::new(), Vec::new());
    for (project, _) in client.simulator.projects() {
        pulls.extend(
            client
                .all_by_skip(&format!(
                    "{project}/_apis/git/pullrequests?searchCriteria.status=all"
                ))
                .await,
        );
    }
    let repositories = client.get("_apis/git/repositories").await.items();
    for repository in repositories
        .iter()
        .filter(|own| own.get("defaultBranch").is_some() && own["isDisabled"] == false)
    {
        let base = format!(
            "_apis/git/repositories/{}",
            repository["id"].as_str().expect("id")
        );
        pushes.extend(
            client
                .all_by_skip(&format!(
                    "{base}/pushes?searchCriteria.includeRefUpdates=true"
                ))
                .await,
        );
        commits.extend(
            client
                .all_by_skip(&format!(
                    "{base}/commits?searchCriteria.includePushData=true"
                ))
                .await,
        );
    }
    assert!(
        pushes.len() >= 300 && commits.len() >= 500,
        "{} pushes, {} commits",
        pushes.len(),
        commits.len()
    );
    let zeros = "0".repeat(40);
    let updates: Vec<&Value> = pushes
        .iter()
        .flat_map(|push| push["refUpdates"].as_array().expect("updates"))
        .collect();
    assert!(
        updates
            .iter()
            .any(|own| own["newObjectId"] == zeros.as_str()),
        "a branch was deleted"
    );
    assert!(updates.iter().any(|own| {
        own["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("refs/tags/"))
    }));
    let instant = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<Timestamp>().ok())
            .expect("an instant")
    };
    let backdated = commits.iter().filter(|own| {
        instant(&own["push"]["date"]).duration_since(instant(&own["committer"]["date"]))
            > SignedDuration::from_hours(24 * 95)
    });
    assert!(backdated.count() > 0, "a push brought commits of long ago");
    let statuses = tally(&pulls, "/status");
    assert!(
        ["active", "completed", "abandoned"]
            .iter()
            .all(|own| statuses.contains_key(*own)),
        "{statuses:?}"
    );
    assert!(pulls.iter().any(|own| own["isDraft"] == true));
    let reviewers: Vec<Value> = pulls
        .iter()
        .flat_map(|own| own["reviewers"].as_array().expect("reviewers").clone())
        .collect();
    let votes = tally(&reviewers, "/vote");
    assert!(
        ["10", "5", "0", "-5"]
            .iter()
            .all(|own| votes.contains_key(*own)),
        "{votes:?}"
    );
    assert!(
        reviewers.iter().any(|own| own["isContainer"] == true)
            && reviewers.iter().any(|own| own.get("votedFor").is_some())
    );
    let now = client.simulator.now();
    let old = now - SignedDuration::from_hours(24 * 95);
    assert!(
        pulls
            .iter()
            .any(|own| own["status"] == "active" && instant(&own["creationDate"]) < old),
        "an old one is still active"
    );
}

#[tokio::test]
async fn every_tip_of_a_push_is_a_commit_or_nothing() {
    let client = Client::new(config());
    let repositories = client.get("_apis/git/repositories").await.items();
    for repository in repositories
        .iter()
        .filter(|own| own.get("defaultBranch").is_some() && own["isDisabled"] == false)
    {
        let base = format!(
            "_apis/git/repositories/{}",
            repository["id"].as_str().expect("id")
        );
        let commits = client.all_by_skip(&format!("{base}/commits")).await;
        let known: BTreeSet<&str> = commits
            .iter()
            .filter_map(|own| own["commitId"].as_str())
            .collect();
        let mut tips: BTreeMap<String, String> = BTreeMap::new();
        let mut pushes = client
            .all_by_skip(&format!(
                "{base}/pushes?searchCriteria.includeRefUpdates=true"
            ))
            .await;
        pushes.reverse();
        for update in pushes
            .iter()
            .flat_map(|push| push["refUpdates"].as_array().expect("updates"))
        {
            let text = |name: &str| update[name].as_str().expect("text").to_owned();
            let before = tips
                .insert(text("name"), text("newObjectId"))
                .unwrap_or_else(|| "0".repeat(40));
            assert_eq!(
                before,
                text("oldObjectId"),
                "{} moves on from where it was",
                text("name")
            );
            assert!(
                text("newObjectId") == "0".repeat(40)
                    || known.contains(text("newObjectId").as_str())
            );
        }
    }
}

#[tokio::test]
async fn an_update_builds_on_the_branch_and_a_force_push_does_not() {
    let client = Client::new(config());
    let (mut on_top, mut forced) = (0, 0);
    let repositories = client.get("_apis/git/repositories").await.items();
    for repository in repositories
        .iter()
        .filter(|own| own.get("defaultBranch").is_some() && own["isDisabled"] == false)
    {
        let base = format!(
            "_apis/git/repositories/{}",
            repository["id"].as_str().expect("id")
        );
        for push in client
            .all_by_skip(&format!(
                "{base}/pushes?searchCriteria.includeRefUpdates=true"
            ))
            .await
        {
            let update = &push["refUpdates"][0];
            let zeros = "0".repeat(40);
            let is_update = [&update["oldObjectId"], &update["newObjectId"]]
                .iter()
                .all(|own| **own != zeros.as_str());
            let commits = client
                .get(&format!("{base}/commits?pushId={}", push["pushId"]))
                .await
                .items();
            assert!(
                commits.is_empty() || commits[0]["commitId"] == update["newObjectId"],
                "the newest commit is the tip"
            );
            let Some(oldest) = commits.last().filter(|_| is_update) else {
                continue;
            };
            let oldest = client
                .get(&format!(
                    "{base}/commits/{}",
                    oldest["commitId"].as_str().expect("sha")
                ))
                .await
                .json();
            let is_on_top = oldest["parents"][0] == update["oldObjectId"];
            assert!(
                is_on_top || update["name"] != "refs/heads/main",
                "nobody rewrites the default branch"
            );
            on_top += usize::from(is_on_top);
            forced += usize::from(!is_on_top);
        }
    }
    assert!(
        forced > 0 && on_top > 10 * forced,
        "{on_top} on top, {forced} forced"
    );
}

#[test]
fn the_reference_scale_has_its_announced_size() {
    let simulator = Simulator::new(Config {
        scale: Scale::Reference,
        ..config()
    });
    let totals = simulator.totals(&simulator.default_pat());
    assert_eq!(totals.projects, 20);
    for (name, count, about) in [
        ("repositories", totals.repositories, 200),
        ("work items", totals.work_items, 20_000),
        ("revisions", totals.work_item_revisions, 120_000),
        ("runs", totals.builds, 55_000),
        ("timeline records", totals.timeline_records, 900_000),
        ("pull requests", totals.pull_requests, 12_000),
        ("pushes", totals.pushes, 50_000),
        ("changesets", totals.changesets, 2_000),
    ] {
        assert!(
            (about * 8 / 10..about * 12 / 10).contains(&count),
            "{count} {name}, not about {about}"
        );
    }
}

#[test]
fn a_retry_moves_the_finish_of_a_run_that_was_seen_finished() {
    let simulator = Simulator::new(config());
    let (token, start) = (simulator.default_pat(), simulator.now());
    let finishes = || -> BTreeMap<String, String> {
        let ledger = simulator.ledger(start, &token).into_iter();
        ledger
            .filter(|own| own.kind == "run" && !own.version.is_empty())
            .map(|own| (own.id, own.version))
            .collect()
    };
    let (mut before, mut moved) = (finishes(), 0);
    for _ in 0..40 {
        simulator.advance(1);
        let after = finishes();
        for (id, finish) in &before {
            let now = after.get(id).expect("a finished run stays finished");
            let instant = |text: &str| text.parse::<Timestamp>().expect("an instant");
            assert!(
                instant(now) >= instant(finish),
                "{id} finished earlier than before"
            );
            moved += usize::from(now != finish);
        }
        assert!(after.values().all(|finish| {
            finish
                .parse::<Timestamp>()
                .is_ok_and(|at| at <= simulator.now())
        }));
        before = after;
    }
    assert!(moved > 0, "no retry came a day later");
}
