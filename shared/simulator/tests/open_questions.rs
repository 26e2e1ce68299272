//! Both answers to what Microsoft's documentation leaves open; those about paging and times are in `paging.rs`.

#[expect(dead_code, reason = "every test file uses a part")]
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use http::{Request, StatusCode};
use secrecy::SecretString;
use simulator::{
    BuildToken, Config, CoverageAbsence, PageCap, PageCaps, Scale, Sizes, TfvcAbsence, Unverified,
};
use support::{Client, config};

fn answering(unverified: Unverified) -> Client {
    Client::new(Config {
        unverified,
        ..config()
    })
}

#[test]
fn the_contrary_differs_in_everything_that_has_two_answers() {
    let (usual, contrary) = (Unverified::default(), Unverified::contrary());
    let mut merged = contrary.clone();
    merged.deleted_field = "somewhere else".to_owned();
    let (usual, merged) = (format!("{usual:?}"), format!("{merged:?}"));
    let both = usual.split(", ").zip(merged.split(", "));
    let same: Vec<_> = both.filter(|(one, other)| one == other).collect();
    assert!(same.is_empty(), "{same:?}");
}

#[tokio::test]
async fn a_reporting_token_may_grow_old() {
    for (lifetime, status) in [
        (None, StatusCode::OK),
        (Some(Duration::from_secs(3_600)), StatusCode::BAD_REQUEST),
    ] {
        let client = answering(Unverified {
            token_lifetime: lifetime,
            ..Unverified::default()
        });
        for stream in ["workitemrevisions", "workitemlinks"] {
            let path = format!("_apis/wit/reporting/{stream}");
            let batch = client.get(&path).await.json();
            let token = batch["continuationToken"].as_str().expect("a token");
            let next = format!("{path}?continuationToken={token}");
            assert_eq!(client.get(&next).await.status, StatusCode::OK);
            client.simulator.advance(1);
            assert_eq!(client.get(&next).await.status, status, "{stream}");
        }
    }
}

#[tokio::test]
async fn a_token_of_runs_may_name_the_last_one_and_repeat_it() {
    let mut lists = Vec::new();
    for build_token in [BuildToken::NextRun, BuildToken::LastRun] {
        let client = Client::new(Config {
            unverified: Unverified {
                build_token,
                ..Unverified::default()
            },
            pages: PageCaps {
                builds: PageCap::new(2, 2),
                ..PageCaps::default()
            },
            ..config()
        });
        let project = client.simulator.projects()[0].0;
        let path = format!(
            "{project}/_apis/build/builds?queryOrder=finishTimeAscending&statusFilter=completed"
        );
        let runs = client.all_by_token(&path).await;
        let ids: Vec<u64> = runs.iter().filter_map(|run| run["id"].as_u64()).collect();
        lists.push((ids.len(), ids.into_iter().collect::<BTreeSet<_>>()));
    }
    let [(next, usual), (last, contrary)] = <[_; 2]>::try_from(lists).expect("two lists");
    assert_eq!(contrary, usual, "nothing is lost");
    assert!(
        last > next + usual.len() / 3,
        "{last} and {next} of {}: each page begins with the end of the one before",
        usual.len()
    );
}

#[tokio::test]
async fn statuses_of_runs_may_not_combine() {
    for (statuses_combine, status) in [(true, StatusCode::OK), (false, StatusCode::BAD_REQUEST)] {
        let client = answering(Unverified {
            statuses_combine,
            ..Unverified::default()
        });
        let project = client.simulator.projects()[0].0;
        let several = format!("{project}/_apis/build/builds?statusFilter=inProgress,notStarted");
        assert_eq!(client.get(&several).await.status, status);
        let one = format!("{project}/_apis/build/builds?statusFilter=inProgress");
        assert_eq!(client.get(&one).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_organization_without_tfvc_has_no_changesets_or_no_such_place() {
    for (tfvc_absence, status) in [
        (TfvcAbsence::EmptyList, StatusCode::OK),
        (TfvcAbsence::NotFound404, StatusCode::NOT_FOUND),
    ] {
        let unverified = Unverified {
            tfvc_absence,
            ..Unverified::default()
        };
        // The third project is the first with TFVC.
        let without = Client::new(Config {
            scale: Scale::Custom(Sizes {
                projects: 2,
                ..Sizes::SMALL
            }),
            unverified: unverified.clone(),
            ..config()
        });
        assert_eq!(without.get("_apis/tfvc/changesets").await.status, status);
        let with = answering(unverified);
        assert!(!with.get("_apis/tfvc/changesets").await.items().is_empty());
    }
}

#[tokio::test]
async fn the_wish_for_no_sign_in_page_may_go_unheard() {
    for (suppress_is_heard, status) in [(true, 401), (false, 203)] {
        let client = answering(Unverified {
            suppress_is_heard,
            ..Unverified::default()
        });
        let dead = client.with_token(&SecretString::from("nonsense"));
        let request = Request::get("/fabrikam/_apis/projects?api-version=7.1")
            .header("X-TFS-FedAuthRedirect", "Suppress");
        assert_eq!(dead.send(request, "").await.status.as_u16(), status);
    }
}

#[tokio::test]
async fn a_link_to_an_artifact_may_make_no_revision() {
    let mut counted = Vec::new();
    for artifact_links_revise in [true, false] {
        let client = answering(Unverified {
            artifact_links_revise,
            ..Unverified::default()
        });
        let path = "_apis/wit/reporting/workitemrevisions?includeDeleted=true";
        let (revisions, _) = client.all_by_batch(path, "startDateTime=2000-01-01").await;
        let query = "SELECT [System.Id] FROM WorkItems WHERE [System.ExternalLinkCount] > 0 ORDER BY [System.Id]";
        let query = serde_json::json!({ "query": query });
        let linked = client.post("_apis/wit/wiql", &query).await.json();
        let linked = linked["workItems"].as_array().expect("items").len();
        counted.push((revisions.len(), linked));
    }
    let [(revising, linked), (silent, as_many)] = counted[..] else {
        panic!("two answers")
    };
    assert!(revising > silent + 50 && linked > 30, "{counted:?}");
    assert_eq!(as_many, linked, "{counted:?}");
}

#[tokio::test]
async fn days_off_of_a_team_may_be_left_out_of_the_totals_of_a_sprint() {
    let mut sums = Vec::new();
    for team_days_off_are_totalled in [true, false] {
        let client = answering(Unverified {
            team_days_off_are_totalled,
            ..Unverified::default()
        });
        let project = client.simulator.projects()[0].0;
        let sprints = format!("{project}/_apis/work/teamsettings/iterations");
        let mut sum = 0;
        for sprint in client.get(&sprints).await.items() {
            let id = sprint["id"].as_str().expect("id");
            let path = format!("{project}/_apis/work/iterations/{id}/iterationcapacities");
            let totals = client.get(&path).await.json();
            sum += totals["totalIterationDaysOff"].as_i64().expect("days");
        }
        sums.push(sum);
    }
    assert!(sums[0] > sums[1] && sums[1] > 0, "{sums:?}");
}

#[tokio::test]
async fn a_run_without_coverage_may_be_empty_or_missing() {
    for (coverage_absence, status) in [
        (CoverageAbsence::EmptySummary, StatusCode::OK),
        (CoverageAbsence::NotFound404, StatusCode::NOT_FOUND),
    ] {
        let client = answering(Unverified {
            coverage_absence,
            ..Unverified::default()
        });
        let project = client.simulator.projects()[0].0;
        let runs = client
            .get(&format!("{project}/_apis/build/builds?$top=200"))
            .await
            .items();
        let mut empty = 0;
        for run in &runs {
            let path = format!(
                "{project}/_apis/testresults/codecoverage?buildId={}",
                run["id"]
            );
            let path = format!("_host/vstmr.dev.azure.com/{path}&api-version=7.1-preview.1");
            let answer = client.get(&path).await;
            let has_data = answer.status == StatusCode::OK
                && answer.json()["coverageData"]
                    .as_array()
                    .is_some_and(|data| !data.is_empty());
            if !has_data {
                assert_eq!(answer.status, status, "{path}");
                empty += 1;
            }
        }
        assert!(empty > 0 && empty < runs.len(), "{empty} of {}", runs.len());
    }
}
