//! One thing, asked for by its id: with the request that ingestion sends where it knows an id, and mapped by the same code,
//! so that what a person is shown beside a stored record is a record, and differs only where the thing does.

use ado::{Host, Request, parse_page};
use model::{Kind, Record, RowKey, Service, record::pull_request::PullRequestStatus};
use serde_json::value::RawValue;

use crate::{
    API_VERSION, MapError, Target,
    artifact_links::item_with_links,
    builds, changesets, commits,
    open_runs::{by_id_request, is_open},
    open_work_items::items_request,
    plan::address,
    pull_requests,
};

/// A kind of thing that people know by an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single {
    /// A work item, by its number.
    WorkItem,
    /// A run of a build pipeline, by its number.
    Run,
    /// A pull request, by its number.
    PullRequest,
    /// A commit, by its hash.
    Commit,
    /// A TFVC changeset, by its number.
    Changeset,
}

/// In what an id is unique, or has to be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// The organization.
    Organization,
    /// A project.
    Project,
    /// A repository.
    Repository,
}

impl Single {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::WorkItem,
        Self::Run,
        Self::PullRequest,
        Self::Commit,
        Self::Changeset,
    ];

    /// The kind of its records.
    pub const fn kind(self) -> Kind {
        match self {
            Self::WorkItem => Kind::WorkItem,
            Self::Run => Kind::Run,
            Self::PullRequest => Kind::PullRequest,
            Self::Commit => Kind::Commit,
            Self::Changeset => Kind::Changeset,
        }
    }

    /// The service whose integration stores it.
    pub const fn service(self) -> Service {
        match self {
            Self::WorkItem => Service::Boards,
            Self::Run => Service::Pipelines,
            Self::PullRequest | Self::Commit => Service::Repos,
            Self::Changeset => Service::Tfvc,
        }
    }

    /// Where it is looked for.
    pub const fn within(self) -> Within {
        match self {
            Self::WorkItem | Self::Changeset => Within::Organization,
            Self::Run | Self::PullRequest => Within::Project,
            Self::Commit => Within::Repository,
        }
    }
}

/// The request for one thing.
pub fn request(which: Single, target: &Target<'_>, id: &Id) -> Request {
    match (which, id) {
        (Single::WorkItem, Id::Number(id)) => items_request(target.organization, &[*id]),
        (Single::Run, Id::Number(id)) => by_id_request(target, &[*id]),
        (Single::Commit, id) => commits::by_id_request(target, &[id.to_string()]),
        (Single::PullRequest, id) => by_number("{project}/_apis/git/pullrequests", target, id),
        (_, id) => {
            // The list of ingestion asks for comments of this length, too.
            by_number("_apis/tfvc/changesets", target, id).query("maxCommentLength", "4000")
        }
    }
}

fn by_number(path: &str, target: &Target<'_>, id: &Id) -> Request {
    address((Host::Core, path), target, None)
        .segment(id.to_string())
        .query(API_VERSION.0, API_VERSION.1)
}

/// The record that an answer to [`request`] holds; `None` if it says that there is no such thing.
///
/// # Errors
/// The answer is of another shape.
pub fn record(which: Single, target: &Target<'_>, body: &[u8]) -> Result<Option<Record>, MapError> {
    let is_list = matches!(which, Single::WorkItem | Single::Run | Single::Commit);
    let items = if is_list { "value" } else { "" };
    let page = parse_page(body, items).map_err(|error| MapError::new(error.to_string()))?;
    let item: Option<&RawValue> = page.items.first().copied();
    let Some(item) = item.filter(|item| item.get() != "null") else {
        return Ok(None);
    };
    let record = match which {
        Single::WorkItem => item_with_links(target, item)?.0,
        Single::Run => builds::map(target, item)?,
        Single::PullRequest => pull_requests::map(target, item)?,
        Single::Commit => commits::map(target, item)?,
        Single::Changeset => changesets::map(target, item)?,
    };
    Ok(Some(record))
}

/// The name of a thing among those of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// A number.
    Number(u64),
    /// The whole hash of a commit, in lower case.
    Sha(String),
}

impl Id {
    /// Reads the id of a thing of this kind; `None` if it cannot be one.
    pub fn parse(which: Single, text: &str) -> Option<Self> {
        if which != Single::Commit {
            return text.parse().ok().filter(|id| *id > 0).map(Self::Number);
        }
        let is_sha = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_sha.then(|| Self::Sha(text.to_ascii_lowercase()))
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(id) => write!(formatter, "{id}"),
            Self::Sha(sha) => formatter.write_str(sha),
        }
    }
}

/// Where a thing of this kind is stored if it lies in this bucket; `None` if the target does not say enough.
pub fn key_in(which: Single, target: &Target<'_>, id: &Id, bucket: &str) -> Option<RowKey> {
    let organization = target.organization.id;
    let sort = match (which, id) {
        (Single::WorkItem, Id::Number(id)) => {
            return Some(model::record::WorkItem::row_key(organization, *id));
        }
        (Single::Changeset, id) => format!("{organization}#{id}"),
        (Single::Commit, id) => {
            let (project, repository) = (target.scope.project()?, target.scope.repository()?);
            format!("{project}#{repository}/{id}")
        }
        (_, id) => format!("{}#{id}", target.scope.project()?),
    };
    Some(RowKey {
        kind: which.kind(),
        bucket: bucket.to_owned(),
        sort,
    })
}

/// The resource that brings a record in the state in which it is.
pub fn brought_by(record: &Record) -> &'static str {
    match record {
        Record::WorkItem(_) => "work_item_revisions",
        Record::Run(_) if is_open(record) => "open_runs",
        Record::Run(_) => "builds",
        Record::PullRequest(own) => match own.status {
            PullRequestStatus::Completed => "pull_requests_completed",
            PullRequestStatus::Abandoned => "pull_requests_abandoned",
            PullRequestStatus::Active | PullRequestStatus::Unknown(_) => "pull_requests_active",
        },
        Record::Commit(_) => "pushes",
        _ => "changesets",
    }
}

#[cfg(test)]
mod tests {
    use model::{Organization, OrganizationId, ProjectId, RepositoryId, Scope};
    use uuid::Uuid;

    use super::*;
    use crate::find;

    fn with_target<T>(use_it: impl FnOnce(&Target<'_>) -> T) -> T {
        let organization = Organization {
            id: OrganizationId(Uuid::nil()),
            name: "fabrikam".parse().unwrap(),
        };
        let scope = Scope::Repository {
            project: ProjectId(Uuid::from_u128(1)),
            repository: RepositoryId(Uuid::from_u128(2)),
        };
        use_it(&Target {
            organization: &organization,
            scope: &scope,
        })
    }

    fn mapped(which: Single, body: &str) -> Option<Record> {
        with_target(|target| record(which, target, body.as_bytes()).unwrap())
    }

    const RUN: &str = r#"{"id":7,"definition":{"id":1},"queueTime":"2026-11-02T10:00:00Z"}"#;
    const CHANGESET: &str = r#"{"changesetId":7,"createdDate":"2026-11-02T10:00:00Z"}"#;
    const PULL_REQUEST: &str = r#"{"pullRequestId":7,"creationDate":"2026-11-02T10:00:00Z",
        "repository":{"id":"00000000-0000-0000-0000-000000000002"}}"#;
    const COMMIT: &str = r#"{"commitId":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
        "push":{"pushId":3,"date":"2026-11-02T10:00:00Z"}}"#;
    const WORK_ITEM: &str =
        r#"{"id":7,"rev":2,"fields":{"System.ChangedDate":"2026-11-02T10:00:00Z"}}"#;

    #[test]
    fn an_answer_becomes_the_record_that_its_key_is_made_for() {
        let list = |item: &str| format!(r#"{{"count":1,"value":[{item}]}}"#);
        let sha = "0a".repeat(20);
        for (which, body, id) in [
            (Single::WorkItem, list(WORK_ITEM), "7"),
            (Single::Run, list(RUN), "7"),
            (Single::Commit, list(COMMIT), sha.as_str()),
            (Single::PullRequest, PULL_REQUEST.to_owned(), "7"),
            (Single::Changeset, CHANGESET.to_owned(), "7"),
        ] {
            let key = mapped(which, &body).expect("it is there").key();
            let id = Id::parse(which, id).unwrap();
            let expected = with_target(|target| key_in(which, target, &id, &key.bucket));
            assert_eq!(Some(key), expected, "{which:?}");
        }
    }

    #[test]
    fn a_list_that_names_nothing_says_that_there_is_nothing() {
        let empty = r#"{"count":0,"value":[]}"#;
        assert_eq!(mapped(Single::Run, empty), None);
        assert_eq!(mapped(Single::Commit, empty), None);
        assert_eq!(
            mapped(Single::WorkItem, r#"{"count":1,"value":[null]}"#),
            None
        );
        let page = with_target(|target| record(Single::Run, target, b"<html>"));
        assert!(page.is_err(), "a page is no empty list");
    }

    #[test]
    fn ids_are_read_before_they_become_part_of_an_address() {
        let is_id = |which, text: &str| Id::parse(which, text).is_some();
        assert!(is_id(Single::Run, "17") && is_id(Single::Commit, &"aB".repeat(20)));
        for text in [
            "",
            "0",
            "-1",
            "1/2",
            "7 ",
            "1.5",
            "../x",
            "99999999999999999999",
        ] {
            assert!(!is_id(Single::Run, text), "{text}");
        }
        for text in ["", "abc", &"x".repeat(40), &"a".repeat(41)] {
            assert!(!is_id(Single::Commit, text), "{text}");
        }
    }

    #[test]
    fn what_brings_a_record_is_in_the_catalog_and_of_its_service() {
        let list = |item: &str| format!(r#"{{"value":[{item}]}}"#);
        let records = [
            (Single::WorkItem, list(WORK_ITEM)),
            (Single::Run, list(RUN)),
            (Single::Commit, list(COMMIT)),
            (Single::PullRequest, PULL_REQUEST.to_owned()),
            (Single::Changeset, CHANGESET.to_owned()),
        ];
        for (which, body) in records {
            let name = brought_by(&mapped(which, &body).unwrap());
            let resource = find(name).unwrap_or_else(|| panic!("{name} is not in the catalog"));
            assert_eq!(resource.service, which.service(), "{name}");
        }
    }
}
