//! Saving what a person has signed in for; `oauth` has checked who they are.

use std::collections::BTreeMap;

use ado::probe::OrganizationReport;
use entrypoint::problem::Problem;
use http_api::{Admin, Refusal};
use model::{Connection, ConnectionId, OrganizationName, Service};
use storage::Control;
use validate_pat::form::Given;

use crate::{
    Context, change,
    create::{self, Draft, free_name, keep, usable},
    reauthenticate,
};
pub use crate::{create::name, edit::Wish as Details};

/// The connections of a deployment, for a function that gives them credentials.
#[derive(Clone, Debug)]
pub struct Connections(Context);

/// What a new connection is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name; that of its first organization if it is `None`.
    pub name: Option<String>,
    /// What it reads.
    pub services: Vec<Service>,
    /// Where.
    pub organizations: Vec<OrganizationName>,
    /// Whether these are just all that there are: then the unusable ones are left out, and new ones are taken in.
    pub every_organization: bool,
    /// What else is said of it.
    pub details: Details,
}

/// What was saved.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The connection as it is now.
    pub connection: Connection,
    /// Organizations that would not work, and why.
    pub left_out: Vec<(OrganizationName, String)>,
}

impl Connections {
    /// Reads the environment that the template sets.
    ///
    /// # Errors
    /// A variable is missing, or the address of Azure DevOps is not allowed.
    pub async fn from_env() -> Result<Self, lambda_http::Error> {
        Ok(Self(Context::from_env().await?))
    }

    /// What it reaches Azure DevOps with.
    pub fn client(&self) -> ado::Client {
        self.0.client.clone()
    }

    /// What it reaches Entra ID with.
    pub fn entra(&self) -> auth::Entra {
        self.0.entra.clone()
    }

    /// The table that it keeps them in.
    pub fn control(&self) -> Control {
        self.0.control.clone()
    }

    /// The secrets that it keeps their credentials in.
    pub fn secrets(&self) -> auth::Secrets {
        self.0.secrets.clone()
    }

    /// Whether a new connection may have this name.
    ///
    /// # Errors
    /// It may not, or the table failed.
    pub async fn is_free(&self, admin: &Admin, name: &str) -> Result<(), Refusal> {
        free_name(&self.0, admin, name).await
    }

    /// The services that a connection is read for.
    ///
    /// # Errors
    /// There is no such connection, or the table failed.
    pub async fn services(&self, admin: &Admin, id: ConnectionId) -> Result<Vec<Service>, Refusal> {
        let connection = self.changeable(admin, id).await?;
        let integrations = self
            .0
            .control
            .integrations(&connection.tenant, connection.id)
            .await?;
        Ok(integrations.iter().map(|own| own.service).collect())
    }

    /// Saves a new connection and has its first synchronization start.
    ///
    /// # Errors
    /// It would not work, and nothing is saved.
    pub async fn connect(
        &self,
        admin: &Admin,
        wanted: Wanted,
        given: Given,
    ) -> Result<Outcome, Refusal> {
        let context = &self.0;
        let ways = (&context.client, &context.entra);
        let (given, reports) =
            validate_pat::reports(ways, given, &wanted.organizations, &wanted.services).await?;
        let given = given.ok_or_else(Problem::unavailable)?;
        let (reports, left_out) = sorted(&given, reports, wanted.every_organization)?;
        let organizations: Vec<_> = reports
            .iter()
            .map(|report| report.organization.clone())
            .collect();
        // Whoever reads nothing anywhere is told why not in the first place.
        let Some(first) = organizations.first() else {
            let why = left_out.into_iter().next().map(|(_, problem)| problem);
            return Err(why.unwrap_or_else(Problem::unavailable).into());
        };
        let name = wanted.name.unwrap_or_else(|| first.to_string());
        free_name(context, admin, &name).await?;
        let identities: BTreeMap<_, _> = create::identities(reports);
        let draft = Draft {
            name,
            organizations,
            services: wanted.services,
            every_organization: wanted.every_organization,
            given,
            identities,
            wish: wanted.details,
        };
        let created = keep(context, admin, draft).await?;
        let left_out = left_out.into_iter();
        Ok(Outcome {
            connection: created.connection,
            left_out: left_out
                .map(|(organization, problem)| (organization, problem.detail))
                .collect(),
        })
    }

    /// Gives a connection a sign-in instead of its credential.
    ///
    /// # Errors
    /// There is none, it would not work, or it is somebody else's and that was not `confirmed`.
    pub async fn reauthenticate(
        &self,
        admin: &Admin,
        (id, confirmed): (ConnectionId, bool),
        given: Given,
    ) -> Result<Outcome, Refusal> {
        let connection = self.changeable(admin, id).await?;
        let connection =
            reauthenticate::with(&self.0, admin, connection, (given, confirmed)).await?;
        Ok(Outcome {
            connection,
            left_out: Vec::new(),
        })
    }

    async fn changeable(&self, admin: &Admin, id: ConnectionId) -> Result<Connection, Refusal> {
        change::changeable(&self.0, &admin.tenant, &id.to_string()).await
    }
}

/// What works, and what is left out and why. If everything was meant to work, the first thing that does not is an error.
#[expect(
    clippy::type_complexity,
    reason = "two lists that are taken apart at once"
)]
fn sorted(
    given: &Given,
    reports: Vec<OrganizationReport>,
    leaves_out: bool,
) -> Result<(Vec<OrganizationReport>, Vec<(OrganizationName, Problem)>), Problem> {
    let (mut good, mut left_out) = (Vec::new(), Vec::new());
    for (index, report) in reports.into_iter().enumerate() {
        match usable(given.field(), index, &report) {
            Ok(()) => good.push(report),
            Err(problem) if leaves_out => left_out.push((report.organization, problem)),
            Err(problem) => return Err(problem),
        }
    }
    Ok((good, left_out))
}
