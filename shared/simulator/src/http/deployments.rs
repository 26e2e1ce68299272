//! Deployments of classic releases.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/release/deployments/list>

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::identity;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::releases::{Approval, Deployment, Release, STAGES};

/// What stands where there is no instant.
const NEVER: &str = "0001-01-01T00:00:00";

/// `GET release/deployments`: by id, newest first unless asked otherwise.
///
/// The header token is the id of the next deployment
/// (<https://github.com/MicrosoftDocs/vsts-rest-api-specs/issues/216>).
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let query = &call.query;
    let is_ascending = match query.text(&["queryOrder"]).map(str::to_ascii_lowercase) {
        None => false,
        Some(order) if order == "descending" => false,
        Some(order) if order == "ascending" => true,
        Some(other) => return Err(Refusal::bad_value("queryOrder", &other)),
    };
    let filter = Filter::new(call)?;
    let mut found: Vec<&Deployment> = call
        .world
        .deployments
        .iter()
        .filter(|own| filter.accepts(own))
        .collect();
    if !is_ascending {
        found.reverse();
    }
    let from: Option<u32> = query.number(&["continuationToken"])?;
    let start = from.map_or(0, |from| {
        let is_behind = |own: &&Deployment| match is_ascending {
            true => own.id < from,
            false => own.id > from,
        };
        found.partition_point(is_behind)
    });
    let page = call.config().pages.deployments;
    let page = page.of(query.number(&["$top"])?).max(1);
    let end = found.len().min(start + page);
    let reply = Reply::list(found[start..end].iter().map(|own| body(call, own)));
    Ok(match found.get(end) {
        Some(next) => reply.header("x-ms-continuationtoken", next.id.to_string()),
        None => reply,
    })
}

/// The conditions of a list; all must hold.
struct Filter<'a> {
    call: &'a Call<'a>,
    modified: (Option<Timestamp>, Option<Timestamp>),
    started: (Option<Timestamp>, Option<Timestamp>),
    definition: Option<u32>,
    stage: Option<u32>,
    statuses: Option<Vec<&'a str>>,
    operations: Option<Vec<&'a str>>,
    branch: Option<&'a str>,
    created_by: Option<&'a str>,
    created_for: Option<&'a str>,
    latest_only: bool,
}

impl<'a> Filter<'a> {
    fn new(call: &'a Call<'a>) -> Result<Self, Refusal> {
        let query = &call.query;
        let any = |names: Option<Vec<&'a str>>| {
            names.filter(|names| !names.iter().any(|name| name.eq_ignore_ascii_case("all")))
        };
        Ok(Self {
            call,
            modified: (
                query.time(&["minModifiedTime"])?,
                query.time(&["maxModifiedTime"])?,
            ),
            started: (
                query.time(&["minStartedTime"])?,
                query.time(&["maxStartedTime"])?,
            ),
            definition: query.number(&["definitionId"])?,
            stage: query.number(&["definitionEnvironmentId"])?,
            statuses: any(query.list(&["deploymentStatus"])),
            operations: any(query.list(&["operationStatus"])),
            branch: query.text(&["sourceBranch"]),
            created_by: query.text(&["createdBy"]),
            created_for: query.text(&["createdFor"]),
            latest_only: query.flag("latestAttemptsOnly")?,
        })
    }

    fn accepts(&self, own: &Deployment) -> bool {
        let world = self.call.world;
        let release = &world.releases[own.release];
        let definition = &world.release_definitions[release.definition];
        let (status, operation) = own.statuses();
        let is_named = |names: &Option<Vec<&str>>, own: &str| {
            let has = |names: &Vec<&str>| names.iter().any(|name| name.eq_ignore_ascii_case(own));
            names.as_ref().is_none_or(has)
        };
        let person = world.people.get(own.by);
        let is_person = |wanted: &str| {
            wanted.eq_ignore_ascii_case(&person.unique_name)
                || wanted.eq_ignore_ascii_case(&person.id.to_string())
        };
        self.call.covers(definition.project)
            && is_within(own.modified(), self.modified)
            && is_within(own.started.unwrap_or(own.queued), self.started)
            && self.definition.is_none_or(|wanted| wanted == definition.id)
            && self
                .stage
                .is_none_or(|wanted| wanted == stage_id(definition.id, own.stage))
            && is_named(&self.statuses, status)
            && is_named(&self.operations, operation)
            && self
                .branch
                .is_none_or(|wanted| wanted == world.builds[release.build].branch)
            && self.created_by.is_none_or(is_person)
            && self.created_for.is_none_or(is_person)
            && (!self.latest_only || self.is_latest(own))
    }

    fn is_latest(&self, own: &Deployment) -> bool {
        let is_later = |other: &Deployment| {
            other.release == own.release && other.stage == own.stage && other.attempt > own.attempt
        };
        !self.call.world.deployments.iter().any(is_later)
    }
}

fn is_within(at: Timestamp, (min, max): (Option<Timestamp>, Option<Timestamp>)) -> bool {
    min.is_none_or(|min| at >= min) && max.is_none_or(|max| at <= max)
}

/// The id of a stage of a pipeline.
fn stage_id(definition: u32, stage: usize) -> u32 {
    definition * 10 + stage as u32
}

fn body(call: &Call<'_>, own: &Deployment) -> Value {
    let world = call.world;
    let release = &world.releases[own.release];
    let definition = &world.release_definitions[release.definition];
    let project = &world.projects[usize::from(definition.project)];
    let base = format!(
        "https://vsrm.dev.azure.com/{}/_apis/Release",
        world.organization
    );
    let (status, operation) = own.statuses();
    let person = identity::reference(world, own.by);
    let environment = json!({
        "id": release.id * 10 + own.stage as u32,
        "name": STAGES[own.stage],
        "url": format!("{base}/releases/{}/environments/{}", release.id, release.id * 10 + own.stage as u32),
        "_links": {},
    });
    let definition_body = json!({
        "id": definition.id,
        "name": definition.name,
        "path": "\\",
        "projectReference": null,
        "url": format!("{base}/definitions/{}", definition.id),
        "_links": {
            "self": { "href": format!("{base}/definitions/{}", definition.id) },
            "web": { "href": format!("{}/{}/_release?definitionId={}", call.base(), project.id, definition.id) },
        },
    });
    let words = |is_post: bool| -> Vec<Value> {
        let numbered = (1..).zip(&own.approvals);
        numbered
            .filter(|(_, word)| word.is_post == is_post)
            .map(|(n, word)| approval(call, own, n, word, (&definition_body, &environment)))
            .collect()
    };
    json!({
        "id": own.id,
        "release": release_body(call, release, &definition_body),
        "releaseDefinition": definition_body,
        "releaseEnvironment": environment,
        "projectReference": { "id": project.id, "name": project.name },
        "definitionEnvironmentId": stage_id(definition.id, own.stage),
        "attempt": own.attempt,
        "reason": own.reason.name(),
        "deploymentStatus": status,
        "operationStatus": operation,
        "requestedBy": person,
        "requestedFor": person,
        "queuedOn": own.queued,
        "startedOn": own.started.map_or_else(|| NEVER.to_owned(), |at| at.to_string()),
        "completedOn": own.completed().map_or_else(|| NEVER.to_owned(), |at| at.to_string()),
        "lastModifiedOn": own.modified(),
        "lastModifiedBy": identity::reference(world, world.people.system()),
        "conditions": [],
        "preDeployApprovals": words(false),
        "postDeployApprovals": words(true),
        "scheduledDeploymentTime": NEVER,
        "_links": {},
    })
}

fn release_body(call: &Call<'_>, release: &Release, definition: &Value) -> Value {
    let world = call.world;
    let url = format!(
        "https://vsrm.dev.azure.com/{}/_apis/Release/releases/{}",
        world.organization, release.id
    );
    json!({
        "id": release.id,
        "name": format!("Release-{}", release.number),
        "url": url,
        "artifacts": [artifact(call, release)],
        "webAccessUri": format!("{}/_release?releaseId={}&_a=release-summary", call.base(), release.id),
        "_links": { "self": { "href": url } },
        "description": format!("Triggered by {}.", world.builds[release.build].number),
        "releaseDefinition": definition,
        "createdOn": release.created,
        "createdBy": identity::reference(world, release.by),
        "modifiedBy": null,
        "reason": if release.by == world.people.build_service() { "continuousIntegration" } else { "manual" },
    })
}

/// The run whose output is released, as Microsoft describes artifacts of builds:
/// <https://learn.microsoft.com/azure/devops/release/artifacts#artifact-variables>.
fn artifact(call: &Call<'_>, release: &Release) -> Value {
    let world = call.world;
    let build = &world.builds[release.build];
    let definition = &world.definitions[build.definition];
    let project = &world.projects[usize::from(definition.project)];
    let repository = &world.repositories[definition.repository];
    let named = |id: String, name: &str| json!({ "id": id, "name": name });
    json!({
        "sourceId": format!("{}:{}", project.id, definition.id),
        "type": "Build",
        "alias": format!("_{}", definition.name),
        "definitionReference": {
            "branch": named(build.branch.clone(), &build.branch),
            "definition": named(definition.id.to_string(), &definition.name),
            "project": named(project.id.to_string(), &project.name),
            "repository": named(repository.id.to_string(), &repository.name),
            "repository.provider": named("TfsGit".to_owned(), "TfsGit"),
            "sourceVersion": named(build.version.to_string(), ""),
            "version": named(build.id.to_string(), &build.number),
        },
        "isPrimary": true,
        "isRetained": false,
    })
}

fn approval(
    call: &Call<'_>,
    own: &Deployment,
    n: u32,
    word: &Approval,
    (definition, environment): (&Value, &Value),
) -> Value {
    let release = &call.world.releases[own.release];
    let id = own.id * 10 + n;
    let url = format!(
        "https://vsrm.dev.azure.com/{}/_apis/Release/approvals/{id}",
        call.world.organization
    );
    let mut body = json!({
        "id": id,
        "revision": if word.decided.is_some() { 2 } else { 1 },
        "approvalType": if word.is_post { "postDeploy" } else { "preDeploy" },
        "createdOn": word.created,
        "modifiedOn": word.decided.map_or(word.created, |(at, _)| at),
        "status": word.decided.map_or("pending", |(_, decision)| decision.name()),
        "comments": "",
        "isAutomated": word.approver.is_none(),
        "isNotificationOn": false,
        "trialNumber": 1,
        "attempt": own.attempt,
        "rank": 1,
        "release": { "id": release.id, "name": format!("Release-{}", release.number), "url": "", "_links": {} },
        "releaseDefinition": definition,
        "releaseEnvironment": environment,
        "url": url,
    });
    if let Some(approver) = word.approver {
        body["approver"] = identity::reference(call.world, approver);
    }
    if let Some(by) = word.by {
        body["approvedBy"] = identity::reference(call.world, by);
    }
    body
}
