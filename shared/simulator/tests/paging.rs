//! Page sizes, tokens, sort orders and filters, endpoint by endpoint.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{
    CommitReach, Config, PageCap, PageCaps, Scale, Sizes, TimelineAbsence, Unverified,
};
use support::{Client, config};

fn ids(items: &[Value], name: &str) -> Vec<u64> {
    items
        .iter()
        .filter_map(|item| item[name].as_u64())
        .collect()
}

fn instant(value: &Value) -> Timestamp {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no instant: {value}"))
}

fn project(client: &Client, position: usize) -> String {
    client.simulator.projects()[position].0.to_string()
}

async fn repository(client: &Client) -> String {
    let all = client.get("_apis/git/repositories").await.items();
    let live = all
        .iter()
        .find(|own| own.get("defaultBranch").is_some() && own["isDisabled"] == false);
    format!(
        "_apis/git/repositories/{}",
        live.expect("a live repository")["id"].as_str().expect("id")
    )
}

#[tokio::test]
async fn build_tokens_are_timestamps_of_the_sort_field() {
    let client = Client::new(config());
    let project = project(&client, 0);
    for order in [
        "finishTimeAscending",
        "finishTimeDescending",
        "queueTimeAscending",
        "startTimeDescending",
    ] {
        let path = format!("{project}/_apis/build/builds?queryOrder={order}");
        let whole = ids(&client.get(&path).await.items(), "id");
        let mut paged = ids(&client.all_by_token(&format!("{path}&$top=9")).await, "id");
        paged.dedup();
        assert_eq!(paged, whole, "{order}");
        let first = client.get(&format!("{path}&$top=9")).await;
        let token: Timestamp = first
            .header("x-ms-continuationtoken")
            .expect("a token")
            .parse()
            .expect("an instant");
        let field = order
            .trim_end_matches("Ascending")
            .trim_end_matches("Descending");
        let next = client
            .get(&format!("{path}&$top=9&continuationToken={token}"))
            .await
            .items();
        assert_eq!(instant(&next[0][field]), token);
    }
}

#[tokio::test]
async fn changing_the_order_while_paging_starts_over() {
    let client = Client::new(config());
    let path = format!("{}/_apis/build/builds?$top=5", project(&client, 0));
    let first = client
        .get(&format!("{path}&queryOrder=finishTimeAscending"))
        .await;
    let token = first
        .header("x-ms-continuationtoken")
        .expect("a token")
        .to_owned();
    let other = format!("{path}&queryOrder=finishTimeDescending");
    let start = ids(&client.get(&other).await.items(), "id");
    assert_eq!(
        ids(
            &client
                .get(&format!("{other}&continuationToken={token}"))
                .await
                .items(),
            "id"
        ),
        start
    );
    let same = client
        .get(&format!(
            "{path}&queryOrder=finishTimeAscending&continuationToken={token}"
        ))
        .await
        .items();
    assert_ne!(ids(&same, "id"), ids(&first.items(), "id"));
}

#[tokio::test]
async fn runs_that_share_the_boundary_timestamp_repeat() {
    let client = Client::new(Config {
        pages: PageCaps::all(1),
        ..config()
    });
    let mut repeated = 0;
    for (project, _) in client.simulator.projects() {
        let path = format!(
            "{project}/_apis/build/builds?queryOrder=finishTimeAscending&statusFilter=completed"
        );
        let all = ids(&client.all_by_token(&path).await, "id");
        let distinct: std::collections::BTreeSet<u64> = all.iter().copied().collect();
        repeated += all.len() - distinct.len();
        assert!(!distinct.is_empty());
    }
    // Pages of one run would otherwise never get past two runs of one instant: such runs come together.
    assert_eq!(repeated, 0);
    let client = Client::new(Config {
        pages: PageCaps {
            builds: PageCap::new(2, 2),
            ..PageCaps::default()
        },
        ..config()
    });
    for (project, _) in client.simulator.projects() {
        let path = format!(
            "{project}/_apis/build/builds?queryOrder=finishTimeAscending&statusFilter=completed"
        );
        let all = ids(&client.all_by_token(&path).await, "id");
        let distinct: std::collections::BTreeSet<u64> = all.iter().copied().collect();
        repeated += all.len() - distinct.len();
    }
    assert!(repeated > 0, "a pair split by a page border comes again");
}

#[tokio::test]
async fn build_filters_narrow_the_list() {
    let client = Client::new(config());
    let base = format!("{}/_apis/build/builds", project(&client, 0));
    let all = client.get(&base).await.items();
    for (name, field) in [
        ("resultFilter", "result"),
        ("statusFilter", "status"),
        ("reasonFilter", "reason"),
    ] {
        for value in ["failed", "completed", "inProgress", "schedule"] {
            let found = client.get(&format!("{base}?{name}={value}")).await.items();
            assert_eq!(
                found.len(),
                all.iter().filter(|own| own[field] == value).count(),
                "{name}={value}"
            );
        }
    }
    let now = client.simulator.now();
    let (min, max) = (
        now - SignedDuration::from_hours(24 * 30),
        now - SignedDuration::from_hours(24 * 10),
    );
    let found = client
        .get(&format!(
            "{base}?queryOrder=queueTimeAscending&minTime={min}&maxTime={max}"
        ))
        .await
        .items();
    let is_inside = |own: &&Value| (min..=max).contains(&instant(&own["queueTime"]));
    assert_eq!(found.len(), all.iter().filter(is_inside).count());
    let definition = &all[0]["definition"]["id"];
    let found = client
        .get(&format!("{base}?definitions={definition}"))
        .await
        .items();
    assert!(
        !found.is_empty()
            && found
                .iter()
                .all(|own| &own["definition"]["id"] == definition)
    );
    let wanted = format!("{},{}", all[0]["id"], all[1]["id"]);
    assert_eq!(
        client
            .get(&format!("{base}?buildIds={wanted}"))
            .await
            .items()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_timeline_that_never_was_is_absent_as_configured() {
    for (manner, status) in [
        (TimelineAbsence::NotFound404, 404),
        (TimelineAbsence::NoContent204, 204),
    ] {
        let unverified = Unverified {
            timeline_absence: manner,
            ..Unverified::default()
        };
        let client = Client::new(Config {
            unverified,
            ..config()
        });
        let project = project(&client, 0);
        let canceled = client
            .get(&format!(
                "{project}/_apis/build/builds?resultFilter=canceled"
            ))
            .await
            .items();
        let never_started = canceled
            .iter()
            .find(|own| own.get("startTime").is_none())
            .expect("one canceled in the queue");
        let answer = client
            .get(&format!(
                "{project}/_apis/build/builds/{}/timeline",
                never_started["id"]
            ))
            .await;
        assert_eq!(answer.status.as_u16(), status);
    }
}

#[tokio::test]
async fn pull_requests_are_active_newest_first_and_101_at_a_time() {
    let client = Client::new(config());
    let path = format!("{}/_apis/git/pullrequests", project(&client, 0));
    let active = client.get(&path).await.items();
    assert!(!active.is_empty() && active.iter().all(|own| own["status"] == "active"));
    let all = client
        .get(&format!("{path}?searchCriteria.status=all&$top=5000"))
        .await
        .items();
    assert!(
        all.windows(2)
            .all(|pair| instant(&pair[0]["creationDate"]) >= instant(&pair[1]["creationDate"]))
    );
    let capped = Client::new(Config {
        pages: PageCaps {
            pull_requests: PageCap::new(3, 4),
            ..PageCaps::default()
        },
        ..config()
    });
    assert_eq!(
        capped
            .get(&format!("{path}?searchCriteria.status=all"))
            .await
            .items()
            .len(),
        3
    );
    assert_eq!(
        capped
            .get(&format!("{path}?searchCriteria.status=all&$top=5000"))
            .await
            .items()
            .len(),
        4
    );
    let paged = capped
        .all_by_skip(&format!("{path}?searchCriteria.status=all"))
        .await;
    assert_eq!(ids(&paged, "pullRequestId"), ids(&all, "pullRequestId"));
}

#[tokio::test]
async fn closed_pull_requests_are_found_by_closing_time() {
    let client = Client::new(config());
    let path = format!("{}/_apis/git/pullrequests", project(&client, 0));
    let all = client
        .get(&format!("{path}?searchCriteria.status=all&$top=1000"))
        .await
        .items();
    let min = client.simulator.now() - SignedDuration::from_hours(24 * 40);
    for status in ["completed", "abandoned"] {
        let query = format!(
            "searchCriteria.status={status}&searchCriteria.queryTimeRangeType=closed&searchCriteria.minTime={min}"
        );
        let found = client
            .get(&format!("{path}?{query}&$top=1000"))
            .await
            .items();
        let is_wanted =
            |own: &&Value| own["status"] == status && instant(&own["closedDate"]) >= min;
        assert_eq!(
            found.len(),
            all.iter().filter(is_wanted).count(),
            "{status}"
        );
        assert!(!found.is_empty());
    }
    let query = format!(
        "searchCriteria.status=all&searchCriteria.queryTimeRangeType=closed&searchCriteria.minTime={min}&$top=1000"
    );
    let closed = client.get(&format!("{path}?{query}")).await.items();
    assert!(closed.iter().all(|own| own["status"] != "active"));
    let unverified = Unverified {
        all_closed_excludes_active: false,
        ..Unverified::default()
    };
    let other = Client::new(Config {
        unverified,
        ..config()
    });
    assert!(
        other
            .get(&format!("{path}?{query}"))
            .await
            .items()
            .iter()
            .any(|own| own["status"] == "active")
    );
}

#[tokio::test]
async fn the_closing_time_filter_reaches_a_moment_too_far() {
    let client = Client::new(config());
    let path = format!("{}/_apis/git/pullrequests", project(&client, 0));
    let completed = client
        .get(&format!("{path}?searchCriteria.status=completed"))
        .await
        .items();
    let one = &completed[0];
    let min = instant(&one["closedDate"]) + SignedDuration::from_millis(1);
    let query = format!(
        "searchCriteria.status=completed&searchCriteria.queryTimeRangeType=closed&searchCriteria.minTime={min}"
    );
    let found = ids(
        &client.get(&format!("{path}?{query}")).await.items(),
        "pullRequestId",
    );
    assert!(found.contains(&one["pullRequestId"].as_u64().expect("id")));
}

#[tokio::test]
async fn descriptions_are_cut_in_lists_only() {
    let client = Client::new(config());
    let project = project(&client, 0);
    let list = client
        .get(&format!(
            "{project}/_apis/git/pullrequests?searchCriteria.status=all&$top=1000"
        ))
        .await
        .items();
    let length = |own: &Value| {
        own["description"]
            .as_str()
            .map_or(0, |text| text.chars().count())
    };
    assert!(list.iter().all(|own| length(own) <= 400));
    let mut longest = 0;
    for own in list.iter().filter(|own| length(own) == 400) {
        let single = client
            .get(&format!(
                "{project}/_apis/git/pullrequests/{}",
                own["pullRequestId"]
            ))
            .await
            .json();
        longest = longest.max(length(&single));
    }
    assert!(longest > 400);
}

#[tokio::test]
async fn pushes_come_newest_first_and_by_time() {
    let client = Client::new(config());
    let base = repository(&client).await;
    let all = client.all_by_skip(&format!("{base}/pushes?$top=7")).await;
    assert!(ids(&all, "pushId").windows(2).all(|pair| pair[0] > pair[1]));
    assert!(
        all.iter().all(|own| own.get("refUpdates").is_none()),
        "only when asked for"
    );
    let from = client.simulator.now() - SignedDuration::from_hours(24 * 20);
    let recent = client
        .get(&format!(
            "{base}/pushes?searchCriteria.fromDate={from}&$top=1000"
        ))
        .await
        .items();
    assert_eq!(
        recent.len(),
        all.iter()
            .filter(|own| instant(&own["date"]) >= from)
            .count()
    );
    let asked_too_much = Client::new(Config {
        pages: PageCaps {
            pushes: PageCap::new(5, 10),
            ..PageCaps::default()
        },
        ..config()
    });
    assert_eq!(
        asked_too_much
            .get(&format!("{base}/pushes?$top=1000"))
            .await
            .items()
            .len(),
        10
    );
}

#[tokio::test]
async fn commits_carry_only_what_is_asked_for() {
    let client = Client::new(config());
    let base = repository(&client).await;
    let bare = client.get(&format!("{base}/commits")).await.items();
    assert!(
        bare.len() <= 100
            && bare.iter().all(|own| own.get("push").is_none()
                && own.get("workItems").is_none()
                && own.get("parents").is_none())
    );
    let full = client.get(&format!("{base}/commits?searchCriteria.includePushData=true&searchCriteria.includeWorkItems=true")).await.items();
    assert!(
        full.iter()
            .all(|own| own["push"]["pushId"].is_u64() && own["workItems"].is_array())
    );
    assert!(full.iter().any(|own| {
        own["workItems"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    }));
    let one = client
        .get(&format!(
            "{base}/commits/{}",
            full[0]["commitId"].as_str().expect("sha")
        ))
        .await
        .json();
    assert!(one["parents"].is_array() && one["push"]["pushId"] == full[0]["push"]["pushId"]);
}

#[tokio::test]
async fn commit_dates_are_the_clients_and_no_cursor() {
    let client = Client::new(config());
    let base = repository(&client).await;
    let from = client.simulator.now() - SignedDuration::from_hours(24 * 90);
    let all = client
        .all_by_skip(&format!(
            "{base}/commits?searchCriteria.includePushData=true"
        ))
        .await;
    let query = json!({ "fromDate": from.to_string(), "includePushData": true });
    let by_date = client
        .post(&format!("{base}/commitsbatch?$top=50000"), &query)
        .await
        .items();
    assert_eq!(
        by_date.len(),
        all.iter()
            .filter(|own| instant(&own["committer"]["date"]) >= from)
            .count()
    );
    let pushed_since = all
        .iter()
        .filter(|own| instant(&own["push"]["date"]) >= from)
        .count();
    assert!(by_date.len() <= pushed_since);
}

#[tokio::test]
async fn commit_lists_can_be_narrowed_to_a_branch() {
    let client = Client::new(config());
    let base = repository(&client).await;
    let all = client.all_by_skip(&format!("{base}/commits")).await;
    let version =
        "searchCriteria.itemVersion.version=main&searchCriteria.itemVersion.versionType=branch";
    let main = client
        .all_by_skip(&format!("{base}/commits?{version}"))
        .await;
    assert!(
        !main.is_empty() && main.len() < all.len(),
        "{} of {}",
        main.len(),
        all.len()
    );
    let unverified = Unverified {
        commits_without_version: CommitReach::DefaultBranch,
        ..Unverified::default()
    };
    let other = Client::new(Config {
        unverified,
        ..config()
    });
    assert_eq!(other.all_by_skip(&format!("{base}/commits")).await, main);
    let missing = client
        .get(&format!(
            "{base}/commits?searchCriteria.itemVersion.version=nowhere"
        ))
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn empty_and_disabled_repositories_refuse_to_be_read() {
    let client = Client::new(config());
    let all = client.get("_apis/git/repositories").await.items();
    let id = |own: &Value| own["id"].as_str().expect("id").to_owned();
    let empty = all
        .iter()
        .find(|own| own.get("defaultBranch").is_none() && own["isDisabled"] == false)
        .map(id)
        .expect("an empty one");
    let disabled = all
        .iter()
        .find(|own| own["isDisabled"] == true)
        .map(id)
        .expect("a disabled one");
    assert_eq!(
        client
            .get(&format!("_apis/git/repositories/{empty}/commits"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    assert!(
        client
            .get(&format!("_apis/git/repositories/{empty}/pushes"))
            .await
            .items()
            .is_empty()
    );
    let refused = client
        .get(&format!("_apis/git/repositories/{disabled}/pushes"))
        .await;
    assert!(
        refused.json()["message"]
            .as_str()
            .is_some_and(|message| message.starts_with("TF401019"))
    );
}

#[tokio::test]
async fn changesets_are_ordered_bounded_and_truncated() {
    let client = Client::new(config());
    let ascending = client
        .get("_apis/tfvc/changesets?$orderby=id%20asc&$top=1000")
        .await
        .items();
    let mut descending = client.get("_apis/tfvc/changesets?$top=1000").await.items();
    descending.reverse();
    assert_eq!(ascending, descending);
    let middle = ascending[ascending.len() / 2]["changesetId"]
        .as_u64()
        .expect("id");
    let from = format!("_apis/tfvc/changesets?$orderby=id%20asc&searchCriteria.fromId={middle}");
    assert_eq!(client.get(&from).await.items()[0]["changesetId"], middle);
    let unverified = Unverified {
        from_id_inclusive: false,
        ..Unverified::default()
    };
    let exclusive = Client::new(Config {
        unverified,
        ..config()
    });
    assert_eq!(
        exclusive.get(&from).await.items()[0]["changesetId"],
        middle + 1
    );
    let is_cut = |own: &&Value| own["commentTruncated"] == true;
    assert!(ascending.iter().filter(is_cut).count() > 0);
    assert!(
        ascending
            .iter()
            .filter_map(|own| own["comment"].as_str())
            .all(|comment| comment.chars().count() <= 80)
    );
    let whole = client
        .get("_apis/tfvc/changesets?maxCommentLength=4000")
        .await
        .items();
    assert_eq!(whole.iter().filter(is_cut).count(), 0);
}

#[tokio::test]
async fn the_revisions_stream_is_read_by_start_or_by_token_but_not_both() {
    let client = Client::new(Config {
        pages: PageCaps {
            revisions: PageCap::new(50, 60),
            revisions_expanded: PageCap::new(20, 20),
            ..PageCaps::default()
        },
        ..config()
    });
    let path = "_apis/wit/reporting/workitemrevisions";
    let first = client
        .get(&format!("{path}?$maxPageSize=1000"))
        .await
        .json();
    assert_eq!(
        first["values"].as_array().map(Vec::len),
        Some(60),
        "too large a wish is lowered"
    );
    assert_eq!(first["isLastBatch"], false);
    let token = first["continuationToken"].as_str().expect("a token");
    assert_eq!(token.split(';').count(), 3, "{token}");
    assert!(
        first["nextLink"]
            .as_str()
            .is_some_and(|link| link.contains(token))
    );
    let expanded = client.get(&format!("{path}?$expand=fields")).await.json();
    assert_eq!(expanded["values"].as_array().map(Vec::len), Some(20));
    assert!(expanded["values"][0]["fields"]["System.Description"].is_string());
    assert!(
        first["values"][0]["fields"]
            .get("System.Description")
            .is_none()
    );
    let both = client
        .get(&format!(
            "{path}?continuationToken={token}&startDateTime=2026-09-01"
        ))
        .await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        client
            .get(&format!("{path}?continuationToken=nonsense"))
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn the_revisions_stream_hides_deleted_items_unless_asked() {
    let client = Client::new(config());
    let path = "_apis/wit/reporting/workitemrevisions";
    let (all, _) = client
        .all_by_batch(
            &format!("{path}?includeDeleted=true"),
            "startDateTime=2000-01-01",
        )
        .await;
    let (visible, _) = client.all_by_batch(path, "startDateTime=2000-01-01").await;
    let (latest, _) = client
        .all_by_batch(
            &format!("{path}?includeLatestOnly=true"),
            "startDateTime=2000-01-01",
        )
        .await;
    assert!(visible.len() < all.len());
    let distinct: std::collections::BTreeSet<u64> = ids(&visible, "id").into_iter().collect();
    assert_eq!(latest.len(), distinct.len());
    let identity = client
        .get(&format!(
            "{path}?includeIdentityRef=true&fields=System.ChangedBy"
        ))
        .await
        .json();
    assert!(identity["values"][0]["fields"]["System.ChangedBy"]["uniqueName"].is_string());
    assert_eq!(
        identity["values"][0]["fields"]
            .as_object()
            .map(serde_json::Map::len),
        Some(1)
    );
    assert!(
        all[0]["fields"]["System.ChangedBy"]
            .as_str()
            .is_some_and(|text| text.ends_with('>'))
    );
}

async fn wiql(client: &Client, path: &str, clause: &str) -> support::Answer {
    let query = format!("SELECT [System.Id] FROM WorkItems WHERE {clause} ORDER BY [System.Id]");
    client
        .post(&format!("{path}_apis/wit/wiql"), &json!({ "query": query }))
        .await
}

#[tokio::test]
async fn wiql_finds_what_the_items_say() {
    let client = Client::new(config());
    let found =
        |answer: support::Answer| ids(answer.json()["workItems"].as_array().expect("items"), "id");
    let all = found(wiql(&client, "", "[System.Id] > 0").await);
    assert!(all.is_sorted() && all.len() > 100);
    let open = found(wiql(&client, "", "[System.State] NOT IN ('Closed', 'Removed')").await);
    let done = found(wiql(&client, "", "[System.State] IN ('Closed', 'Removed')").await);
    assert_eq!(open.len() + done.len(), all.len());
    let project = project(&client, 1);
    let bugs = found(
        wiql(
            &client,
            &format!("{project}/"),
            "[System.TeamProject] = @project AND [System.WorkItemType] = 'Bug'",
        )
        .await,
    );
    let items = client
        .post("_apis/wit/workitemsbatch", &json!({ "ids": bugs }))
        .await
        .items();
    assert!(
        !items.is_empty()
            && items
                .iter()
                .all(|own| own["fields"]["System.WorkItemType"] == "Bug"
                    && own["fields"]["System.TeamProject"] == "Fabrikam Café")
    );
    let middle = all[all.len() / 2];
    assert_eq!(
        found(wiql(&client, "", &format!("[System.Id] > {middle}")).await).first(),
        Some(&all[all.len() / 2 + 1])
    );
    let top = client
        .post(
            "_apis/wit/wiql?$top=4",
            &json!({ "query": "SELECT [System.Id] FROM WorkItems" }),
        )
        .await;
    assert_eq!(found(top), all[..4]);
}

#[tokio::test]
async fn wiql_refuses_times_without_precision() {
    let client = Client::new(config());
    let clause = "[System.ChangedDate] >= '2026-10-01T12:00:00Z'";
    assert_eq!(
        wiql(&client, "", clause).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        wiql(&client, "", "[System.ChangedDate] >= '2026-10-01'")
            .await
            .status,
        StatusCode::OK
    );
    let query = json!({ "query": format!("SELECT [System.Id] FROM WorkItems WHERE {clause}") });
    assert_eq!(
        client
            .post("_apis/wit/wiql?timePrecision=true", &query)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn wiql_refuses_more_than_it_may_return() {
    let none = Sizes {
        work_items: 110_000,
        pull_requests: 0,
        direct_pushes: 0,
        other_runs: 0,
        changesets: 0,
        releases: 0,
        ..Sizes::SMALL
    };
    let client = Client::new(Config {
        scale: Scale::Custom(none),
        ..config()
    });
    let total = client
        .simulator
        .totals(&client.simulator.default_pat())
        .work_items;
    assert!(total > 20_000, "{total}");
    let refused = wiql(&client, "", "[System.Id] > 0").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        refused.json()["typeKey"],
        "WorkItemTrackingQueryResultSizeLimitExceededException"
    );
    let query = json!({ "query": "SELECT [System.Id] FROM WorkItems ORDER BY [System.Id]" });
    let cut = client
        .post("_apis/wit/wiql?$top=19999", &query)
        .await
        .json();
    assert_eq!(cut["workItems"].as_array().map(Vec::len), Some(19_999));
}

#[tokio::test]
async fn work_item_batches_have_their_limits() {
    let client = Client::new(config());
    let path = "_apis/wit/workitemsbatch";
    let too_many: Vec<u32> = (1..=201).collect();
    let refused = client.post(path, &json!({ "ids": too_many })).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(
        refused.json()["message"]
            .as_str()
            .is_some_and(|message| message.starts_with("VS403474"))
    );
    let both = client
        .post(
            path,
            &json!({ "ids": [101], "fields": ["System.Id"], "$expand": "relations" }),
        )
        .await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST);
    let missing = client.post(path, &json!({ "ids": [101, 999_999] })).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let omitted = client
        .post(
            path,
            &json!({ "ids": [999_999, 101], "errorPolicy": "omit" }),
        )
        .await
        .items();
    assert!(omitted[0].is_null() && omitted[1]["id"] == 101);
}

#[tokio::test]
async fn a_deleted_item_is_in_the_revisions_stream_only() {
    let client = Client::new(config());
    let path = "_apis/wit/reporting/workitemrevisions?includeDeleted=true&includeLatestOnly=true";
    let (latest, _) = client.all_by_batch(path, "startDateTime=2000-01-01").await;
    let deleted = latest
        .iter()
        .find(|own| own["fields"]["System.IsDeleted"] == true)
        .expect("a deleted item");
    let id = deleted["id"].as_u64().expect("id");
    assert_eq!(
        client
            .get(&format!("_apis/wit/workitems/{id}"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let omitted = client
        .post(
            "_apis/wit/workitemsbatch",
            &json!({ "ids": [id], "errorPolicy": "omit" }),
        )
        .await
        .items();
    assert!(omitted[0].is_null());
    let found = wiql(&client, "", &format!("[System.Id] = {id}"))
        .await
        .json();
    assert_eq!(found["workItems"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn relations_agree_with_the_links_stream() {
    let client = Client::new(config());
    let (links, _) = client
        .all_by_batch(
            "_apis/wit/reporting/workitemlinks",
            "startDateTime=2000-01-01",
        )
        .await;
    let mut newest = std::collections::BTreeMap::new();
    for link in &links {
        newest.insert(
            (
                link["sourceId"].as_u64(),
                link["rel"].as_str(),
                link["targetId"].as_u64(),
            ),
            link["isActive"] == true,
        );
    }
    let child = newest
        .iter()
        .find(|((_, rel, _), active)| **active && *rel == Some("System.LinkTypes.Hierarchy"));
    let ((parent, _, child), _) = child.expect("an active parent link");
    let query = json!({ "ids": [child], "$expand": "relations", "errorPolicy": "omit" });
    let item = &client
        .post("_apis/wit/workitemsbatch", &query)
        .await
        .items()[0];
    let parents = item["relations"].as_array().expect("relations").iter();
    let urls: Vec<_> = parents
        .filter(|own| own["rel"] == "System.LinkTypes.Hierarchy-Reverse")
        .filter_map(|own| own["url"].as_str())
        .collect();
    assert!(
        urls.iter()
            .any(|url| url.ends_with(&format!("/{}", parent.expect("id")))),
        "{urls:?}"
    );
}
