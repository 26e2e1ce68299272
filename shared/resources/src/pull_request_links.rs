//! The work items that pull requests are linked to.

use std::collections::BTreeMap;

use ado::Host;
use model::{Child, Facet, Kind, Service, record::PullRequestLinks};
use serde::Deserialize;

use crate::{
    API_VERSION, BatchOf, Every, FanOut, Fetch, MapError, Resource, Target, When, wire::Text,
};

/// The work items of many pull requests in one request, by the addresses under which work items link to them. How many
/// addresses a request takes is not documented; 200 is what other batches take.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/artifact-uri-query/query>
pub(crate) static PULL_REQUEST_LINKS: Resource = Resource {
    name: "pull_request_links",
    service: Service::Repos,
    kind: Kind::PullRequest,
    fan_out: FanOut::Children {
        of: &[
            "pull_requests_active",
            "pull_requests_completed",
            "pull_requests_abandoned",
        ],
        when: When::Stale(Facet::Links),
    },
    every: Every::Period,
    fetch: Fetch::Batch(BatchOf {
        host: Host::Core,
        path: "{project}/_apis/wit/artifacturiquery",
        query: &[API_VERSION],
        size: 200,
        facet: Facet::Links,
        body,
        map,
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow, default)]
    artifact_uris_query_result: BTreeMap<Text<'a>, Option<Vec<WireItem>>>,
}

#[derive(Deserialize)]
struct WireItem {
    id: u64,
}

fn body(_: &Target<'_>, children: &[Child]) -> String {
    let quoted: Vec<String> = children
        .iter()
        .map(|child| format!("\"{}\"", artifact(child)))
        .collect();
    format!("{{\"artifactUris\":[{}]}}", quoted.join(","))
}

/// The address of a pull request in links:
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/artifact-uri-query/query#examples>.
fn artifact(child: &Child) -> String {
    let project = child.row.sort.split('#').next().unwrap_or_default();
    let repository = child.repository.map(|id| id.to_string());
    let repository = repository.unwrap_or_default();
    format!(
        "vstfs:///Git/PullRequestId/{project}%2F{repository}%2F{}",
        child.id
    )
}

/// The links of every pull request; one that the answer does not name has none.
fn map(children: &[Child], answer: &[u8]) -> Result<Vec<(usize, String)>, MapError> {
    let wire: Wire<'_> = serde_json::from_slice(answer)?;
    // The service may write the address back in another case.
    let found: BTreeMap<String, Vec<u64>> = wire
        .artifact_uris_query_result
        .into_iter()
        .map(|(uri, items)| {
            let ids = items.unwrap_or_default().into_iter().map(|item| item.id);
            (uri.0.to_ascii_lowercase(), ids.collect())
        })
        .collect();
    let links = |child: &Child| {
        let mut work_items = found
            .get(&artifact(child).to_ascii_lowercase())
            .cloned()
            .unwrap_or_default();
        work_items.sort_unstable();
        work_items.dedup();
        serde_json::to_string(&PullRequestLinks { work_items })
    };
    let all = children.iter().enumerate();
    all.map(|(index, child)| Ok((index, links(child)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use model::{ProjectId, RepositoryId, RowKey};
    use uuid::Uuid;

    use super::*;

    fn child(id: u64) -> Child {
        let project = ProjectId(Uuid::from_u128(0xAB));
        Child {
            id: id.to_string(),
            repository: Some(RepositoryId(Uuid::from_u128(0xCD))),
            row: RowKey {
                kind: Kind::PullRequest,
                bucket: "2026-11-20".to_owned(),
                sort: format!("{project}#{id}"),
            },
            marker: String::new(),
        }
    }

    #[test]
    fn each_pull_request_gets_its_own_work_items_whatever_the_case_of_its_address() {
        let answer = format!(
            r#"{{"artifactUrisQueryResult":{{"{}":[{{"id":9}},{{"id":4}},{{"id":9}}],"{}":null}}}}"#,
            artifact(&child(17)).replace("%2F", "%2f"),
            artifact(&child(18)),
        );
        let found = map(&[child(18), child(17), child(19)], answer.as_bytes()).unwrap();
        let none = r#"{"work_items":[]}"#.to_owned();
        let some = r#"{"work_items":[4,9]}"#.to_owned();
        assert_eq!(found, [(0, none.clone()), (1, some), (2, none)]);
    }

    #[test]
    fn an_answer_that_is_none_is_no_answer_that_there_are_no_links() {
        assert!(map(&[child(1)], b"{\"artifactUrisQueryResult\":7}").is_err());
    }
}
