//! What work items are linked to besides other work items: commits, pull requests, branches, runs, changesets.

use ado::{Host, Request, parse_page};
use jiff::Timestamp;
use model::{
    Child, Facet, Kind, Organization, ProjectId, Record, RepositoryId, Service,
    record::artifact::{Artifact, ArtifactLink, ArtifactLinks},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    API_VERSION, BatchOf, Every, FanOut, Fetch, MapError, Resource, Target, When,
    open_work_items::{BATCH, items_body, wiql},
    wire::{Text, Time, is},
    work_item_revisions,
};

/// The links of all items of the window that have any: ids by a query, then items in batches. Once a week again, because
/// nobody promises that a new link makes a revision.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/wiql/query-by-wiql>
pub(crate) static LINKED_WORK_ITEMS: Resource = Resource {
    name: "linked_work_items",
    service: Service::Boards,
    kind: Kind::WorkItem,
    fan_out: FanOut::OrganizationAfter("work_item_revisions"),
    every: Every::Week,
    fetch: Fetch::LinkedWorkItems,
};

/// The links of items that have a new revision and may have links.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/work-items/get-work-items-batch>
pub(crate) static WORK_ITEM_ARTIFACTS: Resource = Resource {
    name: "work_item_artifacts",
    service: Service::Boards,
    kind: Kind::WorkItem,
    fan_out: FanOut::Children {
        of: &["work_item_revisions"],
        when: When::StaleLater(Facet::Links),
    },
    every: Every::Period,
    fetch: Fetch::Batch(BatchOf {
        host: Host::Core,
        path: "_apis/wit/workitemsbatch",
        query: &[API_VERSION],
        size: BATCH,
        facet: Facet::Links,
        body: batch_body,
        map: map_batch,
    }),
};

/// The request for the ids behind `last` of items that changed since `window_start` and have links to artifacts.
pub fn ids_request(organization: &Organization, window_start: Timestamp, last: u64) -> Request {
    let condition = format!(
        "[System.Id] > {last} AND [System.ChangedDate] >= '{window_start}' \
         AND [System.ExternalLinkCount] > 0"
    );
    wiql(organization, &condition)
}

fn batch_body(_: &Target<'_>, children: &[Child]) -> String {
    let ids: Vec<&str> = children.iter().map(|child| child.id.as_str()).collect();
    items_body(&ids.join(","))
}

/// Items come in the order in which they were asked for, and `null` for those that are gone.
fn map_batch(children: &[Child], body: &[u8]) -> Result<Vec<(usize, String)>, MapError> {
    let page = parse_page(body, "value").map_err(|error| MapError::new(error.to_string()))?;
    let mut found = Vec::new();
    for item in page.items.iter().filter(|item| item.get() != "null") {
        let wire: Wire<'_> = serde_json::from_str(item.get())?;
        let id = wire.id.to_string();
        let position = children.iter().position(|child| child.id == id);
        let position = position.ok_or_else(|| MapError::new("nobody asked for this item"))?;
        found.push((position, body_of(wire)?));
    }
    Ok(found)
}

/// The record that an item is, and its links as JSON.
///
/// # Errors
/// It is not a work item.
pub fn item_with_links(target: &Target<'_>, item: &RawValue) -> Result<(Record, String), MapError> {
    let record = work_item_revisions::map(target, item)?;
    Ok((record, body_of(serde_json::from_str(item.get())?)?))
}

fn body_of(wire: Wire<'_>) -> Result<String, MapError> {
    let relations = wire.relations.unwrap_or_default().into_iter();
    let links = relations.filter(|own| is(&own.rel.0, "ArtifactLink"));
    let links = ArtifactLinks {
        links: links.map(link).collect(),
    };
    Ok(serde_json::to_string(&links)?)
}

#[derive(Deserialize)]
struct Wire<'a> {
    id: u64,
    #[serde(borrow, default)]
    relations: Option<Vec<WireRelation<'a>>>,
}

#[derive(Deserialize)]
struct WireRelation<'a> {
    #[serde(borrow)]
    rel: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow, default)]
    attributes: Option<WireAttributes<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAttributes<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(default)]
    authorized_date: Time,
    #[serde(default)]
    resource_created_date: Time,
}

fn link(wire: WireRelation<'_>) -> ArtifactLink {
    let attributes = wire.attributes.unwrap_or_default();
    ArtifactLink {
        artifact: artifact(&wire.url.0),
        name: crate::wire::some(attributes.name),
        made_at: (attributes.authorized_date.0).or(attributes.resource_created_date.0),
    }
}

/// What a URI such as `vstfs:///Git/PullRequestId/{project}%2F{repository}%2F{id}` names.
/// <https://learn.microsoft.com/azure/devops/boards/queries/link-type-reference#external-link-type>
fn artifact(uri: &str) -> Artifact {
    known(uri).unwrap_or_else(|| Artifact::Other {
        uri: uri.to_owned(),
    })
}

fn known(uri: &str) -> Option<Artifact> {
    let mut parts = uri.get(SCHEME.len()..)?.splitn(3, '/');
    let (tool, kind, tail) = (parts.next()?, parts.next()?, decoded(parts.next()?)?);
    if !is(uri.get(..SCHEME.len())?, SCHEME) {
        return None;
    }
    match (
        tool.to_ascii_lowercase().as_str(),
        kind.to_ascii_lowercase().as_str(),
    ) {
        ("git", "commit") => git(&tail, |project, repository, sha| {
            let sha = sha.to_owned();
            Some(Artifact::Commit {
                project,
                repository,
                sha,
            })
        }),
        ("git", "pullrequestid") => git(&tail, |project, repository, id| {
            let id = id.parse().ok()?;
            Some(Artifact::PullRequest {
                project,
                repository,
                id,
            })
        }),
        ("git", "ref") => git(&tail, reference),
        ("build", "build") => Some(Artifact::Build {
            id: tail.parse().ok()?,
        }),
        ("versioncontrol", "changeset") => Some(Artifact::Changeset {
            id: tail.parse().ok()?,
        }),
        ("github", kind) => github(kind, &tail),
        _ => None,
    }
}

const SCHEME: &str = "vstfs:///";

/// `GB` stands before the name of a branch, `GT` before that of a tag, `GC` before a commit.
fn reference(project: ProjectId, repository: RepositoryId, tail: &str) -> Option<Artifact> {
    let (kind, name) = tail.split_at_checked(2)?;
    let name = name.to_owned();
    match kind.to_ascii_uppercase().as_str() {
        "GB" => Some(Artifact::Branch {
            project,
            repository,
            name,
        }),
        "GT" => Some(Artifact::Tag {
            project,
            repository,
            name,
        }),
        "GC" => Some(Artifact::Commit {
            project,
            repository,
            sha: name,
        }),
        _ => None,
    }
}

/// `{project}/{repository}/{rest}`; a branch's name may have slashes of its own.
fn git(
    tail: &str,
    artifact: impl Fn(ProjectId, RepositoryId, &str) -> Option<Artifact>,
) -> Option<Artifact> {
    let mut parts = tail.splitn(3, '/');
    let project = parts.next()?.parse().ok()?;
    let repository = parts.next()?.parse().ok()?;
    artifact(project, repository, parts.next()?)
}

fn github(kind: &str, tail: &str) -> Option<Artifact> {
    let (connection, rest) = tail.split_once('/')?;
    let connection: Uuid = connection.parse().ok()?;
    match kind {
        "commit" => Some(Artifact::GitHubCommit {
            connection,
            sha: rest.to_owned(),
        }),
        "pullrequest" => Some(Artifact::GitHubPullRequest {
            connection,
            number: rest.parse().ok()?,
        }),
        _ => None,
    }
}

/// A text without its percent signs; `None` if that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use model::RowKey;

    use super::*;

    const ONE: &str = "3065bb47-344e-4d71-95e8-66f0f2a4d9f1";
    const TWO: &str = "649107bd-b3d6-4d13-a4b4-c4b9a3c1a2b0";

    #[test]
    fn every_form_of_a_link_is_understood_in_either_case() {
        let (project, repository) = (ONE.parse().unwrap(), TWO.parse().unwrap());
        let connection = ONE.parse().unwrap();
        let table = [
            (
                format!("vstfs:///Git/Commit/{ONE}%2F{TWO}%2Fabc123"),
                Artifact::Commit {
                    project,
                    repository,
                    sha: "abc123".into(),
                },
            ),
            (
                format!("VSTFS:///git/pullRequestID/{ONE}%2f{TWO}%2f17"),
                Artifact::PullRequest {
                    project,
                    repository,
                    id: 17,
                },
            ),
            (
                format!("vstfs:///Git/Ref/{ONE}/{TWO}/GBfeature%2Fcaf%C3%A9%20x"),
                Artifact::Branch {
                    project,
                    repository,
                    name: "feature/café x".into(),
                },
            ),
            (
                format!("vstfs:///Git/Ref/{ONE}%2F{TWO}%2FGTv1.0"),
                Artifact::Tag {
                    project,
                    repository,
                    name: "v1.0".into(),
                },
            ),
            (
                format!("vstfs:///Git/Ref/{ONE}%2F{TWO}%2FGCabc"),
                Artifact::Commit {
                    project,
                    repository,
                    sha: "abc".into(),
                },
            ),
            ("vstfs:///Build/Build/42".into(), Artifact::Build { id: 42 }),
            (
                "vstfs:///VersionControl/Changeset/7".into(),
                Artifact::Changeset { id: 7 },
            ),
            (
                format!("vstfs:///GitHub/PullRequest/{ONE}%2F1234"),
                Artifact::GitHubPullRequest {
                    connection,
                    number: 1234,
                },
            ),
            (
                format!("vstfs:///GitHub/Commit/{ONE}%2Fdef"),
                Artifact::GitHubCommit {
                    connection,
                    sha: "def".into(),
                },
            ),
        ];
        for (uri, expected) in table {
            assert_eq!(artifact(&uri), expected, "{uri}");
        }
    }

    #[test]
    fn what_is_not_understood_is_kept_as_it_is() {
        for uri in [
            "vstfs:///Wiki/WikiPage/one",
            "vstfs:///Build/Build/latest",
            "vstfs:///Git/Commit/one%2Ftwo",
            "vstfs:///Git/Ref/x%2",
            "https://example.com/1",
            "",
            "vstfs:///é",
        ] {
            assert_eq!(
                artifact(uri),
                Artifact::Other {
                    uri: uri.to_owned()
                }
            );
        }
    }

    fn child(id: u64) -> Child {
        Child {
            id: id.to_string(),
            repository: None,
            row: RowKey {
                kind: Kind::WorkItem,
                bucket: "0".into(),
                sort: id.to_string(),
            },
            marker: "3".into(),
        }
    }

    #[test]
    fn items_that_are_gone_leave_the_others_their_links() {
        let body = r#"{"count":3,"value":[null,{"id":9,"rev":2},{"id":8,"rev":3,"relations":[
            {"rel":"System.LinkTypes.Related","url":"https://dev.azure.com/x/_apis/wit/workItems/3","attributes":{"isLocked":false}},
            {"rel":"ArtifactLink","url":"vstfs:///Build/Build/42","attributes":{"authorizedDate":"2026-11-01T00:00:00Z",
             "resourceCreatedDate":"2026-10-01T00:00:00Z","name":"Build"}}]}]}"#;
        let found = map_batch(&[child(7), child(8), child(9)], body.as_bytes()).unwrap();
        let [(2, none), (1, one)] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(none, r#"{"links":[]}"#);
        let links: ArtifactLinks = serde_json::from_str(one).unwrap();
        let expected = ArtifactLink {
            artifact: Artifact::Build { id: 42 },
            name: Some("Build".into()),
            made_at: Some("2026-11-01T00:00:00Z".parse().unwrap()),
        };
        assert_eq!(links.links, [expected]);
        assert!(map_batch(&[child(7)], body.as_bytes()).is_err());
    }
}
