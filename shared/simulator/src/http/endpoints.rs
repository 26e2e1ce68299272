//! The table of everything that is answered.
//!
//! Location ids, areas and route templates are those of the service, as the official clients look them up with
//! `OPTIONS {organization}/_apis` (<https://github.com/microsoft/azure-devops-python-api>).

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::{
    builds, changesets, classification, commits, discovery, projects, pull_requests, pushes,
    reporting, repositories, threads, timeline, wiql, work_item_types, work_items,
};

/// One thing that can be asked.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Its name in the log.
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    /// Its path behind `_apis`; `{name}` stands for one segment, `{name*}` for the rest.
    pub(crate) template: &'static str,
    pub(crate) project: ProjectInPath,
    /// One of these scopes is needed; none for discovery.
    pub(crate) scopes: &'static [&'static str],
    /// The query parameters it knows besides `api-version`.
    pub(crate) parameters: &'static [&'static str],
    pub(crate) version: Version,
    pub(crate) handler: fn(&Call<'_>) -> Result<Reply, Refusal>,
}

/// Whether a project stands before `_apis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProjectInPath {
    Never,
    Optional,
    Required,
    /// Optional, with an optional team behind it.
    WithTeam,
}

/// What `api-version` must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// None needed.
    Free,
    Released,
    PreviewOnly,
}

const PROJECT_SCOPES: &[&str] = &["vso.profile", "vso.project"];
const CODE: &[&str] = &["vso.code"];
const WORK: &[&str] = &["vso.work"];
const BUILD: &[&str] = &["vso.build"];

pub(crate) static ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        name: "locations",
        method: "OPTIONS",
        template: "",
        project: ProjectInPath::Never,
        scopes: &[],
        parameters: &["allHostTypes"],
        version: Version::Free,
        handler: discovery::locations,
    },
    Endpoint {
        name: "connectionData",
        method: "GET",
        template: "connectiondata",
        project: ProjectInPath::Never,
        scopes: &[],
        parameters: &["connectOptions", "lastChangeId", "lastChangeId64"],
        version: Version::PreviewOnly,
        handler: discovery::connection_data,
    },
    Endpoint {
        name: "resourceAreas",
        method: "GET",
        template: "resourceareas",
        project: ProjectInPath::Never,
        scopes: &[],
        parameters: &["enterpriseName", "organizationName", "hostId"],
        version: Version::Released,
        handler: discovery::resource_areas,
    },
    Endpoint {
        name: "resourceArea",
        method: "GET",
        template: "resourceareas/{area}",
        project: ProjectInPath::Never,
        scopes: &[],
        parameters: &["enterpriseName", "organizationName", "hostId"],
        version: Version::Released,
        handler: discovery::resource_area,
    },
    Endpoint {
        name: "projects",
        method: "GET",
        template: "projects",
        project: ProjectInPath::Never,
        scopes: PROJECT_SCOPES,
        parameters: &[
            "stateFilter",
            "$top",
            "$skip",
            "continuationToken",
            "getDefaultTeamImageUrl",
        ],
        version: Version::Released,
        handler: projects::list,
    },
    Endpoint {
        name: "project",
        method: "GET",
        template: "projects/{project}",
        project: ProjectInPath::Never,
        scopes: PROJECT_SCOPES,
        parameters: &["includeCapabilities", "includeHistory"],
        version: Version::Released,
        handler: projects::get,
    },
    Endpoint {
        name: "repositories",
        method: "GET",
        template: "git/repositories",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &["includeLinks", "includeAllUrls", "includeHidden"],
        version: Version::Released,
        handler: repositories::list,
    },
    Endpoint {
        name: "repository",
        method: "GET",
        template: "git/repositories/{repository}",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &["includeParent"],
        version: Version::Released,
        handler: repositories::get,
    },
    Endpoint {
        name: "workItemRevisions",
        method: "GET",
        template: "wit/reporting/workitemrevisions",
        project: ProjectInPath::Optional,
        scopes: WORK,
        parameters: &[
            "fields",
            "types",
            "continuationToken",
            "startDateTime",
            "includeIdentityRef",
            "includeDeleted",
            "includeTagRef",
            "includeLatestOnly",
            "$expand",
            "includeDiscussionChangesOnly",
            "$maxPageSize",
            "watermark",
        ],
        version: Version::Released,
        handler: reporting::revisions,
    },
    Endpoint {
        name: "workItemRevisions",
        method: "POST",
        template: "wit/reporting/workitemrevisions",
        project: ProjectInPath::Optional,
        scopes: WORK,
        parameters: &[
            "continuationToken",
            "startDateTime",
            "$expand",
            "$maxPageSize",
            "watermark",
        ],
        version: Version::Released,
        handler: reporting::revisions_by_post,
    },
    Endpoint {
        name: "workItemLinks",
        method: "GET",
        template: "wit/reporting/workitemlinks",
        project: ProjectInPath::Optional,
        scopes: WORK,
        parameters: &[
            "linkTypes",
            "types",
            "continuationToken",
            "startDateTime",
            "watermark",
        ],
        version: Version::Released,
        handler: reporting::links,
    },
    Endpoint {
        name: "wiql",
        method: "POST",
        template: "wit/wiql",
        project: ProjectInPath::WithTeam,
        scopes: WORK,
        parameters: &["timePrecision", "$top"],
        version: Version::Released,
        handler: wiql::query,
    },
    Endpoint {
        name: "workItemsBatch",
        method: "POST",
        template: "wit/workitemsbatch",
        project: ProjectInPath::Optional,
        scopes: WORK,
        parameters: &[],
        version: Version::Released,
        handler: work_items::batch,
    },
    Endpoint {
        name: "workItems",
        method: "GET",
        template: "wit/workitems",
        project: ProjectInPath::Optional,
        scopes: WORK,
        parameters: &["ids", "fields", "asOf", "$expand", "errorPolicy"],
        version: Version::Released,
        handler: work_items::list,
    },
    Endpoint {
        name: "workItem",
        method: "GET",
        template: "wit/workitems/{id}",
        project: ProjectInPath::Optional,
        scopes: WORK,
        parameters: &["fields", "asOf", "$expand"],
        version: Version::Released,
        handler: work_items::get,
    },
    Endpoint {
        name: "workItemTypes",
        method: "GET",
        template: "wit/workitemtypes",
        project: ProjectInPath::Required,
        scopes: WORK,
        parameters: &[],
        version: Version::Released,
        handler: work_item_types::list,
    },
    Endpoint {
        name: "workItemType",
        method: "GET",
        template: "wit/workitemtypes/{type}",
        project: ProjectInPath::Required,
        scopes: WORK,
        parameters: &[],
        version: Version::Released,
        handler: work_item_types::get,
    },
    Endpoint {
        name: "fields",
        method: "GET",
        template: "wit/fields",
        project: ProjectInPath::Optional,
        scopes: WORK,
        parameters: &["$expand"],
        version: Version::Released,
        handler: work_item_types::fields,
    },
    Endpoint {
        name: "classificationNodes",
        method: "GET",
        template: "wit/classificationnodes",
        project: ProjectInPath::Required,
        scopes: WORK,
        parameters: &["$depth", "ids", "errorPolicy"],
        version: Version::Released,
        handler: classification::list,
    },
    Endpoint {
        name: "classificationNode",
        method: "GET",
        template: "wit/classificationnodes/{group}/{path*}",
        project: ProjectInPath::Required,
        scopes: WORK,
        parameters: &["$depth"],
        version: Version::Released,
        handler: classification::get,
    },
    Endpoint {
        name: "builds",
        method: "GET",
        template: "build/builds",
        project: ProjectInPath::Required,
        scopes: BUILD,
        parameters: &[
            "definitions",
            "queues",
            "buildNumber",
            "minTime",
            "maxTime",
            "requestedFor",
            "reasonFilter",
            "statusFilter",
            "resultFilter",
            "tagFilters",
            "properties",
            "$top",
            "continuationToken",
            "maxBuildsPerDefinition",
            "deletedFilter",
            "queryOrder",
            "branchName",
            "buildIds",
            "repositoryId",
            "repositoryType",
        ],
        version: Version::Released,
        handler: builds::list,
    },
    Endpoint {
        name: "build",
        method: "GET",
        template: "build/builds/{build}",
        project: ProjectInPath::Required,
        scopes: BUILD,
        parameters: &["propertyFilters"],
        version: Version::Released,
        handler: builds::get,
    },
    Endpoint {
        name: "timeline",
        method: "GET",
        template: "build/builds/{build}/timeline/{timeline*}",
        project: ProjectInPath::Required,
        scopes: BUILD,
        parameters: &["changeId", "planId"],
        version: Version::Released,
        handler: timeline::get,
    },
    Endpoint {
        name: "pullRequests",
        method: "GET",
        template: "git/pullrequests",
        project: ProjectInPath::Required,
        scopes: CODE,
        parameters: &[
            "searchCriteria.creatorId",
            "searchCriteria.includeLinks",
            "searchCriteria.maxTime",
            "searchCriteria.minTime",
            "searchCriteria.queryTimeRangeType",
            "searchCriteria.repositoryId",
            "searchCriteria.reviewerId",
            "searchCriteria.sourceRefName",
            "searchCriteria.sourceRepositoryId",
            "searchCriteria.status",
            "searchCriteria.targetRefName",
            "maxCommentLength",
            "$skip",
            "$top",
        ],
        version: Version::Released,
        handler: pull_requests::list,
    },
    Endpoint {
        name: "pullRequest",
        method: "GET",
        template: "git/pullrequests/{pullRequest}",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &[],
        version: Version::Released,
        handler: pull_requests::get,
    },
    Endpoint {
        name: "pullRequests",
        method: "GET",
        template: "git/repositories/{repository}/pullrequests",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &[
            "searchCriteria.creatorId",
            "searchCriteria.includeLinks",
            "searchCriteria.maxTime",
            "searchCriteria.minTime",
            "searchCriteria.queryTimeRangeType",
            "searchCriteria.repositoryId",
            "searchCriteria.reviewerId",
            "searchCriteria.sourceRefName",
            "searchCriteria.sourceRepositoryId",
            "searchCriteria.status",
            "searchCriteria.targetRefName",
            "maxCommentLength",
            "$skip",
            "$top",
        ],
        version: Version::Released,
        handler: pull_requests::list_of_repository,
    },
    Endpoint {
        name: "pullRequest",
        method: "GET",
        template: "git/repositories/{repository}/pullrequests/{pullRequest}",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &[
            "maxCommentLength",
            "$skip",
            "$top",
            "includeCommits",
            "includeWorkItemRefs",
        ],
        version: Version::Released,
        handler: pull_requests::get_of_repository,
    },
    Endpoint {
        name: "threads",
        method: "GET",
        template: "git/repositories/{repository}/pullrequests/{pullRequest}/threads",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &["$iteration", "$baseIteration"],
        version: Version::Released,
        handler: threads::list,
    },
    Endpoint {
        name: "pushes",
        method: "GET",
        template: "git/repositories/{repository}/pushes",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &[
            "$skip",
            "$top",
            "searchCriteria.fromDate",
            "searchCriteria.includeLinks",
            "searchCriteria.includeRefUpdates",
            "searchCriteria.pusherId",
            "searchCriteria.refName",
            "searchCriteria.toDate",
        ],
        version: Version::Released,
        handler: pushes::list,
    },
    Endpoint {
        name: "push",
        method: "GET",
        template: "git/repositories/{repository}/pushes/{push}",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &["includeCommits", "includeRefUpdates"],
        version: Version::Released,
        handler: pushes::get,
    },
    Endpoint {
        name: "commits",
        method: "GET",
        template: "git/repositories/{repository}/commits",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &[
            "searchCriteria.$skip",
            "searchCriteria.$top",
            "searchCriteria.author",
            "searchCriteria.compareVersion.version",
            "searchCriteria.compareVersion.versionOptions",
            "searchCriteria.compareVersion.versionType",
            "searchCriteria.excludeDeletes",
            "searchCriteria.fromCommitId",
            "searchCriteria.fromDate",
            "searchCriteria.historyMode",
            "searchCriteria.ids",
            "searchCriteria.includeLinks",
            "searchCriteria.includePushData",
            "searchCriteria.includeUserImageUrl",
            "searchCriteria.includeWorkItems",
            "searchCriteria.itemPath",
            "searchCriteria.itemVersion.version",
            "searchCriteria.itemVersion.versionOptions",
            "searchCriteria.itemVersion.versionType",
            "searchCriteria.showOldestCommitsFirst",
            "searchCriteria.toCommitId",
            "searchCriteria.toDate",
            "searchCriteria.user",
            "pushId",
            "top",
            "skip",
            "includeLinks",
            "$top",
            "$skip",
        ],
        version: Version::Released,
        handler: commits::list,
    },
    Endpoint {
        name: "commit",
        method: "GET",
        template: "git/repositories/{repository}/commits/{commit}",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &["changeCount"],
        version: Version::Released,
        handler: commits::get,
    },
    Endpoint {
        name: "commitsBatch",
        method: "POST",
        template: "git/repositories/{repository}/commitsbatch",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &["$skip", "$top", "includeStatuses"],
        version: Version::Released,
        handler: commits::batch,
    },
    Endpoint {
        name: "changesets",
        method: "GET",
        template: "tfvc/changesets",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &[
            "maxCommentLength",
            "$skip",
            "$top",
            "$orderby",
            "searchCriteria.author",
            "searchCriteria.followRenames",
            "searchCriteria.fromDate",
            "searchCriteria.fromId",
            "searchCriteria.includeLinks",
            "searchCriteria.itemPath",
            "searchCriteria.mappings",
            "searchCriteria.toDate",
            "searchCriteria.toId",
        ],
        version: Version::Released,
        handler: changesets::list,
    },
    Endpoint {
        name: "changeset",
        method: "GET",
        template: "tfvc/changesets/{id}",
        project: ProjectInPath::Optional,
        scopes: CODE,
        parameters: &[
            "maxChangeCount",
            "includeDetails",
            "includeWorkItems",
            "maxCommentLength",
            "includeSourceRename",
            "$skip",
            "$top",
            "$orderby",
            "searchCriteria.author",
            "searchCriteria.followRenames",
            "searchCriteria.fromDate",
            "searchCriteria.fromId",
            "searchCriteria.includeLinks",
            "searchCriteria.itemPath",
            "searchCriteria.mappings",
            "searchCriteria.toDate",
            "searchCriteria.toId",
        ],
        version: Version::Released,
        handler: changesets::get,
    },
    Endpoint {
        name: "changesetsBatch",
        method: "POST",
        template: "tfvc/changesetsbatch",
        project: ProjectInPath::Never,
        scopes: CODE,
        parameters: &[],
        version: Version::Released,
        handler: changesets::batch,
    },
];

/// Finds the endpoint for a method and the segments behind `_apis`, with the values of its placeholders.
pub(crate) fn find(method: &str, rest: &[String]) -> Option<(&'static Endpoint, Vec<String>)> {
    ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.method == method)
        .find_map(|endpoint| Some((endpoint, endpoint.captures(rest)?)))
}

impl Endpoint {
    fn captures(&self, rest: &[String]) -> Option<Vec<String>> {
        let mut captured = Vec::new();
        let mut segments = rest.iter();
        for part in self.template.split('/').filter(|part| !part.is_empty()) {
            if part.ends_with("*}") {
                let tail: Vec<String> = segments.by_ref().cloned().collect();
                captured.push(tail.join("\\"));
                continue;
            }
            let segment = segments.next()?;
            if part.starts_with('{') {
                captured.push(segment.clone());
            } else if !part.eq_ignore_ascii_case(segment) {
                return None;
            }
        }
        segments.next().is_none().then_some(captured)
    }

    /// Whether the endpoint knows a query parameter.
    pub(crate) fn knows(&self, parameter: &str) -> bool {
        parameter.eq_ignore_ascii_case("api-version")
            || self
                .parameters
                .iter()
                .any(|own| own.eq_ignore_ascii_case(parameter))
    }
}

/// A resource location, as `OPTIONS _apis` lists it.
#[derive(Debug)]
pub(crate) struct Location {
    pub(crate) id: &'static str,
    pub(crate) area: &'static str,
    pub(crate) resource: &'static str,
    pub(crate) route: &'static str,
    pub(crate) resource_version: u32,
    /// `0.0` for preview-only resources.
    pub(crate) released: &'static str,
}

const fn location(
    id: &'static str,
    area: &'static str,
    resource: &'static str,
    route: &'static str,
    resource_version: u32,
) -> Location {
    Location {
        id,
        area,
        resource,
        route,
        resource_version,
        released: "7.1",
    }
}

pub(crate) static LOCATIONS: &[Location] = &[
    Location {
        released: "0.0",
        ..location(
            "00d9565f-ed9c-4a06-9a50-00e7896ccab4",
            "Location",
            "ConnectionData",
            "_apis/{resource}",
            1,
        )
    },
    location(
        "e81700f7-3be2-46de-8624-2eb35882fcaa",
        "Location",
        "ResourceAreas",
        "_apis/{resource}/{areaId}",
        1,
    ),
    location(
        "603fe2ac-9723-48b9-88ad-09305aa6c6e1",
        "core",
        "projects",
        "_apis/{resource}/{*projectId}",
        4,
    ),
    location(
        "225f7195-f9c7-4d14-ab28-a83f7ff77e1f",
        "git",
        "repositories",
        "{project}/_apis/{area}/{resource}/{repositoryId}",
        1,
    ),
    location(
        "c2570c3b-5b3f-41b8-98bf-5407bfde8d58",
        "git",
        "commits",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{commitId}",
        1,
    ),
    location(
        "6400dfb2-0bcb-462b-b992-5a57f8f1416c",
        "git",
        "commitsBatch",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}",
        1,
    ),
    location(
        "01a46dea-7d46-4d40-bc84-319e7c260d99",
        "git",
        "pullRequests",
        "{project}/_apis/{area}/{resource}/{pullRequestId}",
        1,
    ),
    location(
        "a5d28130-9cd2-40fa-9f08-902e7daa9efb",
        "git",
        "pullRequests",
        "{project}/_apis/{area}/{resource}",
        1,
    ),
    location(
        "9946fd70-0d40-406e-b686-b4744cbbcc37",
        "git",
        "pullRequests",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{pullRequestId}",
        1,
    ),
    location(
        "ab6e2e5d-a0b7-4153-b64a-a4efe0d49449",
        "git",
        "pullRequestThreads",
        "{project}/_apis/{area}/repositories/{repositoryId}/pullRequests/{pullRequestId}/threads/{threadId}",
        1,
    ),
    location(
        "ea98d07b-3c87-4971-8ede-a613694ffb55",
        "git",
        "pushes",
        "{project}/_apis/{area}/repositories/{repositoryId}/{resource}/{pushId}",
        2,
    ),
    location(
        "0cd358e1-9217-4d94-8269-1c1ee6f93dcf",
        "build",
        "builds",
        "{project}/_apis/{area}/{resource}/{buildId}",
        7,
    ),
    location(
        "8baac422-4c6e-4de5-8532-db96d92acffa",
        "build",
        "Timeline",
        "{project}/_apis/{area}/builds/{buildId}/{resource}/{timelineId}",
        2,
    ),
    location(
        "a70579d1-f53a-48ee-a5be-7be8659023b9",
        "wit",
        "classificationNodes",
        "{project}/_apis/{area}/{resource}",
        2,
    ),
    location(
        "5a172953-1b41-49d3-840a-33f79c3ce89f",
        "wit",
        "classificationNodes",
        "{project}/_apis/{area}/{resource}/{structureGroup}/{*path}",
        2,
    ),
    location(
        "b51fd764-e5c2-4b9b-aaf7-3395cf4bdd94",
        "wit",
        "fields",
        "{project}/_apis/{area}/{resource}/{fieldNameOrRefName}",
        3,
    ),
    location(
        "1a9c53f7-f243-4447-b110-35ef023636e4",
        "wit",
        "wiql",
        "{project}/{team}/_apis/{area}/{resource}",
        2,
    ),
    location(
        "b5b5b6d0-0308-40a1-b3f4-b9bb3c66878f",
        "wit",
        "reporting/workItemLinks",
        "{project}/_apis/{area}/reporting/workItemLinks",
        3,
    ),
    location(
        "f828fe59-dd87-495d-a17c-7a8d6211ca6c",
        "wit",
        "reporting/workItemRevisions",
        "{project}/_apis/{area}/reporting/workItemRevisions",
        2,
    ),
    location(
        "72c7ddf8-2cdc-4f60-90cd-ab71c14a399b",
        "wit",
        "workItems",
        "{project}/_apis/{area}/{resource}/{id}",
        3,
    ),
    location(
        "908509b6-4248-4475-a1cd-829139ba419f",
        "wit",
        "workItemsBatch",
        "{project}/_apis/{area}/{resource}",
        1,
    ),
    location(
        "7c8d7a76-4a09-43e8-b5df-bd792f4ac6aa",
        "wit",
        "workItemTypes",
        "{project}/_apis/{area}/{resource}/{type}",
        2,
    ),
    location(
        "0bc8f0a4-6bfb-42a9-ba84-139da7b99c49",
        "tfvc",
        "changesets",
        "{project}/_apis/{area}/{resource}/{id}",
        3,
    ),
    location(
        "b7e7c173-803c-4fea-9ec8-31ee35c5502a",
        "tfvc",
        "changesetsBatch",
        "_apis/{area}/{resource}",
        1,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(method: &str, path: &str) -> Option<&'static str> {
        let rest: Vec<String> = path.split('/').map(str::to_owned).collect();
        find(method, &rest).map(|(endpoint, _)| endpoint.name)
    }

    #[test]
    fn endpoints_are_found_without_regard_to_case() {
        assert_eq!(name_of("GET", "GIT/Repositories"), Some("repositories"));
        assert_eq!(name_of("GET", "git/repositories/x"), Some("repository"));
        assert_eq!(name_of("POST", "git/repositories"), None);
        assert_eq!(name_of("GET", "git/refs"), None);
    }

    #[test]
    fn every_endpoint_has_a_name_of_its_own_within_its_method_and_template() {
        for (n, one) in ENDPOINTS.iter().enumerate() {
            for other in &ENDPOINTS[n + 1..] {
                assert!(
                    (one.method, one.template) != (other.method, other.template),
                    "{} is shadowed",
                    other.name
                );
            }
        }
    }
}
