//! Where the official clients find things: they look resources up by id before they ask for them.
//!
//! Ids, areas and route templates are those of the service, as its own `OPTIONS {organization}/_apis` lists them
//! (<https://github.com/microsoft/azure-devops-python-api>).

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
