//! Finding both sides: the thing in Azure DevOps, and the record in the table.

use auth::Owner;
use entrypoint::problem::Problem;
use http_api::Refusal;
use jiff::{SignedDuration, Timestamp};
use model::{
    Admission, Connection, ConnectionStatus, Discovery, Fault, Integration, Organization, Project,
    Record, Repository, RowKey, Scope, Standing,
    record::{Filing, day},
};
use resources::single::{Within, brought_by, key_in, record, request};
use storage::{StoredRecord, Stream, StreamKey};
use tokio::time::timeout;
use upstream::Upstream;

use crate::{BUDGET, Context, question::Question};

/// How long before now a thing may have begun that is stored still, because it is open. It matters only for what Azure DevOps
/// does not show any more; otherwise its answer tells the day.
const OLDEST_DAYS: i64 = 3 * 366;

/// Where a thing belongs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) integration: Integration,
    pub(crate) organization: Organization,
    pub(crate) scope: Scope,
    /// What was last found in the organization.
    pub(crate) discovery: Discovery,
}

/// What Azure DevOps says.
#[derive(Clone, Debug)]
pub(crate) enum Live {
    /// It is there.
    Found(Box<Record>),
    /// It is not there, or hidden from this credential.
    Missing,
    /// The credential may not look.
    NotReadable {
        /// Why, and what to do.
        reason: String,
    },
    /// There was no answer that could be used, or nobody was asked.
    Unavailable {
        /// Why, and what to do.
        reason: String,
    },
}

impl Live {
    /// The record, if it is there.
    pub(crate) fn record(&self) -> Option<&Record> {
        match self {
            Self::Found(record) => Some(record),
            Self::Missing | Self::NotReadable { .. } | Self::Unavailable { .. } => None,
        }
    }
}

/// What is known of why the sides could differ.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The stream that brings things of this kind and state.
    pub(crate) stream: Stream,
    /// Why the thing was set aside, if it was.
    pub(crate) set_aside: Option<String>,
    /// Whether the connection leaves it out.
    pub(crate) is_excluded: bool,
    /// Whether a user has paused what reads it.
    pub(crate) is_paused: bool,
}

/// The integration, the organization and the part of it that a question is about.
pub(crate) async fn place(
    context: &Context,
    connection: &Connection,
    question: &Question,
) -> Result<Place, Refusal> {
    let service = question.which.service();
    let control = &context.control;
    let integrations = control.integrations(&connection.tenant, connection.id);
    let mut integrations = integrations.await?.into_iter();
    let integration = integrations.find(|own| own.service == service);
    let integration = integration.ok_or_else(|| {
        let detail = format!(
            "the connection does not read {}, to which a {} belongs",
            service.title(),
            question.which.kind()
        );
        Problem::field("kind", detail)
    })?;
    let discovery = control.discovery(connection.id, &question.organization);
    let discovery = discovery
        .await?
        .ok_or_else(|| not_yet(&question.organization))?;
    let scope = scope(question, &discovery)?;
    Ok(Place {
        integration,
        organization: discovery.organization.clone(),
        scope,
        discovery,
    })
}

fn not_yet(organization: &model::OrganizationName) -> Problem {
    Problem {
        kind: "/problems/not-yet",
        status: 409,
        title: "nothing was read yet",
        detail: format!(
            "{organization} has not been looked at since it was connected; try again when its first synchronization has begun"
        ),
        field: None,
    }
}

/// The part of the organization that a question names.
fn scope(question: &Question, discovery: &Discovery) -> Result<Scope, Problem> {
    let named = question.project.as_deref();
    let project = named.map(|name| project(name, discovery)).transpose()?;
    match question.which.within() {
        Within::Organization => Ok(Scope::Organization),
        Within::Project => {
            let only = discovery.projects.first();
            let only = only.filter(|_| discovery.projects.len() == 1);
            let own = project.or(only).ok_or_else(|| {
                let detail =
                    "the project is needed, by name or id: it is where the thing is looked for";
                Problem::field("project", detail)
            })?;
            Ok(Scope::Project(own.id))
        }
        Within::Repository => {
            let own = repository(question, project, discovery)?;
            Ok(Scope::Repository {
                project: own.project,
                repository: own.id,
            })
        }
    }
}

fn project<'a>(name: &str, discovery: &'a Discovery) -> Result<&'a Project, Problem> {
    let is_it = |own: &&Project| own.name.eq_ignore_ascii_case(name) || own.id.to_string() == name;
    discovery.projects.iter().find(is_it).ok_or_else(|| {
        let detail = format!(
            "the credential saw no project `{name}` in {} when it was last looked at, at {}",
            discovery.organization.name, discovery.at
        );
        Problem::field("project", detail)
    })
}

fn repository<'a>(
    question: &Question,
    project: Option<&Project>,
    discovery: &'a Discovery,
) -> Result<&'a Repository, Problem> {
    let problem = |detail: String| Problem::field("repository", detail);
    let name = question.repository.as_deref().ok_or_else(|| {
        problem(
            "the repository is needed, by name or id: it is where a commit is looked for".into(),
        )
    })?;
    let is_it = |own: &&Repository| {
        (own.name.eq_ignore_ascii_case(name) || own.id.to_string() == name)
            && project.is_none_or(|project| project.id == own.project)
    };
    let mut found = discovery.repositories.iter().filter(is_it);
    match (found.next(), found.next()) {
        (Some(own), None) => Ok(own),
        (Some(_), Some(_)) => Err(Problem::field(
            "project",
            format!("more than one project has a repository `{name}`; say which is meant"),
        )),
        (None, _) => Err(problem(format!(
            "the credential saw no repository `{name}` in {} when it was last looked at, at {}",
            discovery.organization.name, discovery.at
        ))),
    }
}

/// What Azure DevOps says, asked once and with a bound.
pub(crate) async fn live(
    context: &Context,
    connection: &Connection,
    place: &Place,
    question: &Question,
) -> Live {
    match connection.status {
        ConnectionStatus::Active => {}
        ConnectionStatus::ReauthorizationNeeded => {
            let reason = "the credential of the connection is dead; reauthenticate it".to_owned();
            return Live::NotReadable { reason };
        }
        ConnectionStatus::Deleting => {
            let reason = "the connection is being deleted, so nobody is asked any more".to_owned();
            return Live::Unavailable { reason };
        }
    }
    let asked = timeout(BUDGET, ask(context, connection, place, question));
    asked.await.unwrap_or_else(|_| Live::Unavailable {
        reason: "Azure DevOps did not answer in time; try again in a minute".to_owned(),
    })
}

async fn ask(
    context: &Context,
    connection: &Connection,
    place: &Place,
    question: &Question,
) -> Live {
    let (organization, which) = (&place.organization.name, question.which);
    let owner = Owner {
        tenant: &connection.tenant,
        connection: connection.id,
    };
    let credential = match context.tokens.credential(owner, organization).await {
        Ok(credential) => credential,
        Err(error) => {
            let (reason, next_step) = error.explanation();
            return refused(error.fault(), format!("{reason} {next_step}"));
        }
    };
    let ways = (&context.client, &context.control);
    let clock = context.clock;
    let upstream = Upstream::new(ways, connection.id, organization, &credential, clock);
    let target = place.target();
    match upstream.send(&request(which, &target, &question.id)).await {
        Ok(reply) => match record(which, &target, &reply.body.bytes) {
            Ok(Some(record)) => Live::Found(Box::new(record)),
            Ok(None) => Live::Missing,
            Err(error) => Live::Unavailable {
                reason: format!("the answer of Azure DevOps makes no record: {error}"),
            },
        },
        Err(upstream::Error::Ado(ado::Error::Missing { .. })) => Live::Missing,
        Err(upstream::Error::Ado(error @ ado::Error::Forbidden { .. })) => Live::NotReadable {
            reason: format!("{error}: the credential lacks a scope or a permission"),
        },
        Err(error) => refused(error.fault(), format!("{error}")),
    }
}

fn refused(fault: Fault, reason: String) -> Live {
    match fault {
        Fault::Reauthorize => Live::NotReadable {
            reason: format!("{reason}; if it stays so, reauthenticate the connection"),
        },
        Fault::Retryable { after: Some(after) } => Live::Unavailable {
            reason: format!("{reason}; try again in {} seconds", after.as_secs().max(1)),
        },
        Fault::Retryable { after: None } | Fault::Permanent => Live::Unavailable { reason },
    }
}

/// The stored record, unless it has expired.
pub(crate) async fn stored(
    context: &Context,
    place: &Place,
    question: &Question,
    live: &Live,
    now: Timestamp,
) -> Result<Option<StoredRecord>, Refusal> {
    let keys = match live.record() {
        Some(record) => vec![record.key()],
        None => keys(place, question, now),
    };
    let found = context.records.read(place.integration.id, &keys).await?;
    let is_live = |own: &StoredRecord| own.expires_at.is_none_or(|at| at > now.as_second());
    Ok(found.into_values().find(is_live))
}

/// Every key under which a thing can be whose day only Azure DevOps could tell.
fn keys(place: &Place, question: &Question, now: Timestamp) -> Vec<RowKey> {
    let target = place.target();
    let key = |bucket: &str| key_in(question.which, &target, &question.id, bucket);
    if question.which.kind().filing() != Filing::Day {
        return key("").into_iter().collect();
    }
    // A day ahead, because upstream's clock may be ahead of ours.
    let days = (-1..OLDEST_DAYS)
        .filter_map(|ago| now.checked_sub(SignedDuration::from_hours(24 * ago)).ok());
    days.filter_map(|at| key(&day(at))).collect()
}

/// Whether a connection leaves a thing out that is there.
fn is_excluded(connection: &Connection, discovery: &Discovery, live: &Live) -> bool {
    let mut admission = Admission::new(connection.selection.clone());
    admission.learn(discovery);
    live.record()
        .is_some_and(|record| !admission.admits(record))
}

/// What is known of the stream that brings the thing, and of the thing itself if it could not be stored.
pub(crate) async fn known(
    context: &Context,
    connection: &Connection,
    (place, question): (&Place, &Question),
    (stored, live): (Option<&StoredRecord>, &Live),
) -> Result<Known, Refusal> {
    let is_excluded = is_excluded(connection, &place.discovery, live);
    let is_paused = place.integration.standing(connection) == Standing::Paused;
    let record = live.record().or(stored.map(|stored| &stored.record));
    let Some(record) = record else {
        return Ok(Known::default());
    };
    let key = StreamKey {
        integration: place.integration.id,
        organization: place.organization.id,
        resource: brought_by(record).to_owned(),
        scope: place.scope.clone(),
    };
    let stream = context.control.stream(&key).await?;
    let set_aside = match stored {
        Some(_) => None,
        None => set_aside(context, place, question).await?,
    };
    Ok(Known {
        stream,
        set_aside,
        is_excluded,
        is_paused,
    })
}

/// Why the thing is among the items that could not be stored, if it is.
async fn set_aside(
    context: &Context,
    place: &Place,
    question: &Question,
) -> Result<Option<String>, Refusal> {
    let id = question.id.to_string();
    let aside = context.control.quarantined(place.integration.id).await?;
    let is_of_kind = |stream: &str| {
        let resource = stream.split('#').nth(1).and_then(resources::find);
        resource.is_some_and(|own| own.kind == question.which.kind())
    };
    let mut own = aside
        .into_iter()
        .filter(|item| item.item == id && is_of_kind(&item.stream));
    Ok(own.next().map(|item| item.reason))
}

#[cfg(test)]
mod tests {
    use model::{OrganizationId, ProjectId, RepositoryId};
    use resources::single::{Id, Single};
    use uuid::Uuid;

    use super::*;

    fn discovery() -> Discovery {
        let project = |id: u128, name: &str| Project {
            id: ProjectId(Uuid::from_u128(id)),
            name: name.to_owned(),
        };
        let repository = |id: u128, project: u128, name: &str| Repository {
            id: RepositoryId(Uuid::from_u128(id)),
            project: ProjectId(Uuid::from_u128(project)),
            name: name.to_owned(),
            default_branch: None,
            is_disabled: false,
        };
        Discovery {
            organization: Organization {
                id: OrganizationId(Uuid::nil()),
                name: "fabrikam".parse().unwrap(),
            },
            at: Timestamp::UNIX_EPOCH,
            projects: vec![project(1, "Fiber"), project(2, "Copper")],
            repositories: vec![
                repository(11, 1, "web"),
                repository(12, 2, "web"),
                repository(13, 2, "app"),
            ],
            selection: model::Selection::default(),
        }
    }

    fn asked(which: Single, project: Option<&str>, repository: Option<&str>) -> Question {
        Question {
            which,
            id: Id::Number(7),
            organization: "fabrikam".parse().unwrap(),
            project: project.map(str::to_owned),
            repository: repository.map(str::to_owned),
        }
    }

    #[test]
    fn a_part_is_named_by_name_or_id_and_never_guessed() {
        let field = |question: Question| scope(&question, &discovery()).unwrap_err().field;
        let id = Uuid::from_u128(2).to_string();
        for name in ["copper", id.as_str()] {
            let found = scope(&asked(Single::Run, Some(name), None), &discovery());
            assert_eq!(
                found,
                Ok(Scope::Project(ProjectId(Uuid::from_u128(2)))),
                "{name}"
            );
        }
        assert_eq!(
            field(asked(Single::Run, None, None)).as_deref(),
            Some("project")
        );
        assert_eq!(
            field(asked(Single::Run, Some("x"), None)).as_deref(),
            Some("project")
        );
        assert_eq!(
            field(asked(Single::Commit, None, None)).as_deref(),
            Some("repository")
        );
        assert_eq!(
            field(asked(Single::Commit, None, Some("web"))).as_deref(),
            Some("project")
        );
        let in_fiber = asked(Single::Commit, Some("Fiber"), Some("app"));
        assert_eq!(field(in_fiber).as_deref(), Some("repository"));
        let found = scope(
            &asked(Single::Commit, Some("Copper"), Some("web")),
            &discovery(),
        );
        assert_eq!(
            found.unwrap().repository(),
            Some(RepositoryId(Uuid::from_u128(12)))
        );
    }

    #[test]
    fn what_upstream_does_not_show_is_looked_for_under_every_day_that_it_can_have() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let project = ProjectId(Uuid::from_u128(1));
        let place = Place {
            integration: serde_json::from_str(
                r#"{"tenant":"t","id":"6affcbef-37b1-4d7c-a5a6-0f0f6d4a3b11","name":"Fabrikam - Pipelines",
                    "connection":"6affcbef-37b1-4d7c-a5a6-0f0f6d4a3b12","service":"pipelines","status":"active"}"#,
            )
            .unwrap(),
            organization: discovery().organization,
            scope: Scope::Project(project),
            discovery: discovery(),
        };
        let keys_of = |which| keys(&place, &asked(which, None, None), now);
        let runs = keys_of(Single::Run);
        assert_eq!(runs[0].bucket, "2026-11-30");
        assert!(runs.iter().any(|key| key.bucket == "2025-01-02"));
        assert!(runs.iter().all(|key| key.sort == format!("{project}#7")));
        assert_eq!(keys_of(Single::WorkItem).len(), 1);
    }
}
