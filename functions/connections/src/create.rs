//! Saving a connection: checked again, then all of it or nothing.

use std::{collections::BTreeMap, time::Duration};

use ado::probe::{Finding, OrganizationReport, ProblemKind};
use auth::Secret;
use entrypoint::problem::Problem;
use http_api::{Admin, Refusal};
use model::{
    Action, Connection, ConnectionId, ConnectionStatus, FanOut, Integration, IntegrationId,
    IntegrationStatus, OrganizationName, Reason, Selection, Service, TenantId, Trace,
};
use serde_json::{Map, Value};
use uuid::Uuid;
use validate_pat::form::{self, Form, Given};

use crate::{Context, change, edit::Wish};

/// The longest name of a connection.
const NAME_CHARACTERS: usize = 100;

/// What was saved.
pub(crate) struct Created {
    pub(crate) connection: Connection,
    pub(crate) integrations: Vec<Integration>,
}

/// Reads the form, looks whether the token does what the form says, saves, and has the first synchronization start.
pub(crate) async fn create(
    context: &Context,
    admin: &Admin,
    body: &[u8],
) -> Result<Created, Refusal> {
    let mut fields = form::fields(body)?;
    let name = name(&mut fields)?;
    let wish = Wish::take(&mut fields)?;
    let form = Form::from_fields(fields)?;
    let name = name.unwrap_or_else(|| form.organizations[0].to_string());
    free_name(context, admin, &name).await?;
    let Form {
        given,
        organizations,
        services,
    } = form;
    let Checked { given, identities } = check(context, given, &organizations, &services).await?;
    let draft = Draft {
        name,
        organizations,
        services,
        every_organization: false,
        given,
        identities,
        wish,
    };
    keep(context, admin, draft).await
}

/// Refuses a name that another connection of the tenant has.
pub(crate) async fn free_name(context: &Context, admin: &Admin, name: &str) -> Result<(), Refusal> {
    let existing = context.control.connections(&admin.tenant).await?;
    if existing.iter().any(|other| other.name == name) {
        let detail = format!("there is a connection called `{name}` already");
        return Err(Problem::field("name", detail).into());
    }
    Ok(())
}

/// A connection that was checked, before it is saved.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) organizations: Vec<OrganizationName>,
    pub(crate) services: Vec<Service>,
    /// Whether organizations that appear later are read, too.
    pub(crate) every_organization: bool,
    pub(crate) given: Given,
    /// Whom the credential acts as in each organization.
    pub(crate) identities: BTreeMap<OrganizationName, Uuid>,
    /// What else the user says of it.
    pub(crate) wish: Wish,
}

/// Saves a connection and has its first synchronization start.
pub(crate) async fn keep(
    context: &Context,
    admin: &Admin,
    draft: Draft,
) -> Result<Created, Refusal> {
    let secret = draft.given.secret.clone();
    let created = describe(context, &admin.tenant, draft);
    save(context, admin, &created, &secret).await?;
    start_all(context, &created.connection, Reason::Requested).await?;
    Ok(created)
}

/// Has a connection looked at now, for this reason.
pub(crate) async fn start_all(
    context: &Context,
    connection: &Connection,
    reason: Reason,
) -> Result<(), Refusal> {
    let trace = Trace::new(Uuid::new_v4());
    let messages: Vec<FanOut> = connection
        .organizations
        .iter()
        .map(|name| start(connection, name, (reason, trace)))
        .collect();
    context
        .queues
        .send_fan_out(&messages, Duration::ZERO)
        .await?;
    tracing::info!(trace.id = %trace, connection.id = %connection.id, ?reason, "a synchronization was asked for");
    Ok(())
}

/// Takes the name of a connection out of a form.
///
/// # Errors
/// It is no name.
pub fn name(fields: &mut Map<String, Value>) -> Result<Option<String>, Problem> {
    match fields.remove("name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => {
            let is_too_long = name.chars().count() > NAME_CHARACTERS;
            let name = name.trim();
            if name.is_empty() || is_too_long {
                let detail = format!("a name has 1 to {NAME_CHARACTERS} characters");
                return Err(Problem::field("name", detail));
            }
            if name.chars().any(char::is_control) {
                return Err(Problem::field("name", "a name has no control characters"));
            }
            Ok(Some(name.to_owned()))
        }
        Some(_) => Err(Problem::field("name", "a text is needed")),
    }
}

/// What was checked: it may have got an access token on the way.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) given: Given,
    /// Whom the credential acts as in each organization.
    pub(crate) identities: BTreeMap<OrganizationName, Uuid>,
}

/// Saving revalidates: between looking and saving a token may have died.
pub(crate) async fn check(
    context: &Context,
    given: Given,
    organizations: &[OrganizationName],
    services: &[Service],
) -> Result<Checked, Problem> {
    let field = given.field();
    let ways = (&context.client, &context.entra);
    let (given, reports) = validate_pat::reports(ways, given, organizations, services).await?;
    for (index, report) in reports.iter().enumerate() {
        usable(field, index, report)?;
    }
    // Without a credential every report has a problem, which was answered with above.
    let given = given.ok_or_else(Problem::unavailable)?;
    Ok(Checked {
        given,
        identities: identities(reports),
    })
}

/// Whom a credential acts as, where it is known.
pub(crate) fn identities(reports: Vec<OrganizationReport>) -> BTreeMap<OrganizationName, Uuid> {
    let reports = reports.into_iter();
    reports
        .filter_map(|report| Some((report.organization, report.identity?.id)))
        .collect()
}

/// Refuses what would not work, with the field to change and the next step.
pub(crate) fn usable(
    credential: &str,
    index: usize,
    report: &OrganizationReport,
) -> Result<(), Problem> {
    if let Some(problem) = &report.problem {
        let field = match problem.kind {
            ProblemKind::CredentialRefused
            | ProblemKind::ProjectsForbidden
            | ProblemKind::NoProjects => credential.to_owned(),
            ProblemKind::OtherOrganization
            | ProblemKind::NotAdmitted
            | ProblemKind::UnknownOrganization
            | ProblemKind::ConditionalAccess
            | ProblemKind::Stopped
            | ProblemKind::Unreachable => format!("organizations[{index}]"),
        };
        let detail = sentences(&problem.reason, &problem.next_step);
        return Err(not_usable(field, detail));
    }
    for service in &report.services {
        if let Finding::Forbidden {
            reason, next_step, ..
        }
        | Finding::Unreachable { reason, next_step } = &service.finding
        {
            let detail = sentences(reason, next_step);
            return Err(not_usable(credential, detail));
        }
    }
    Ok(())
}

/// What is wrong, then what to do.
fn sentences(reason: &str, next_step: &str) -> String {
    let end = |text: &str| format!("{}.", text.trim_end_matches('.'));
    format!("{} {}", end(reason), end(next_step))
}

fn not_usable(field: impl Into<String>, detail: String) -> Problem {
    Problem {
        kind: "/problems/connection-not-usable",
        status: 422,
        title: "the connection would not work",
        detail,
        field: Some(field.into()),
    }
}

fn describe(context: &Context, tenant: &TenantId, draft: Draft) -> Created {
    let id = ConnectionId(Uuid::new_v4());
    let integration = |service: &Service| Integration {
        tenant: tenant.clone(),
        id: IntegrationId(Uuid::new_v4()),
        connection: id,
        service: *service,
        name: format!("{} - {}", draft.name, service.title()),
        status: IntegrationStatus::Active,
        story_points_field: None,
    };
    let wish = draft.wish;
    let mut created = Created {
        integrations: draft.services.iter().map(integration).collect(),
        connection: Connection {
            tenant: tenant.clone(),
            id,
            method: draft.given.secret.method(),
            name: draft.name,
            organizations: draft.organizations,
            status: ConnectionStatus::Active,
            created_at: (context.clock)(),
            every_organization: draft.every_organization,
            expiries: draft.given.expiries,
            identities: draft.identities,
            paused_at: None,
            reauthenticated_at: None,
            description: None,
            tags: Vec::new(),
            selection: Selection::default(),
        },
    };
    wish.apply(&mut created.connection);
    let name = created.connection.name.clone();
    for integration in &mut created.integrations {
        wish.apply_to(&name, integration);
    }
    created
}

/// The secret first, because a connection without one is worse than a secret without a connection; that one is taken
/// back at once.
async fn save(
    context: &Context,
    admin: &Admin,
    created: &Created,
    secret: &Secret,
) -> Result<(), Refusal> {
    let Created {
        connection,
        integrations,
    } = created;
    context
        .secrets
        .create(&connection.tenant, connection.id, secret)
        .await?;
    let entry = change::entry(context, admin, Action::Created, connection);
    let saved = context.control.create(connection, integrations, &entry);
    if let Err(error) = saved.await {
        if let Err(left) = context
            .secrets
            .delete(&connection.tenant, connection.id)
            .await
        {
            tracing::error!(connection.id = %connection.id, error = %left, "a secret was left behind");
        }
        return Err(error.into());
    }
    Ok(())
}

/// The message that starts a synchronization at once instead of at the next tick.
pub(crate) fn start(
    connection: &Connection,
    organization: &OrganizationName,
    (reason, trace): (Reason, Trace),
) -> FanOut {
    FanOut {
        tenant: connection.tenant.clone(),
        connection: connection.id,
        organization: organization.clone(),
        reason,
        trace,
    }
}
