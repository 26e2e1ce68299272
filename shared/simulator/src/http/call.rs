//! One authenticated request, as a handler sees it.

use jiff::Timestamp;
use uuid::Uuid;

use crate::config::Config;
use crate::entra::Subject;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::pat::Pat;
use crate::simulator::Simulator;
use crate::world::World;
use crate::world::projects::{Repository, RepositoryState};

/// Everything a handler may look at.
pub(crate) struct Call<'a> {
    pub(crate) simulator: &'a Simulator,
    pub(crate) world: &'a World,
    /// `None` for the few things that anonymous callers get.
    pub(crate) pat: Option<&'a Pat>,
    /// Who signed in to Entra ID, if the caller did not come with a personal access token.
    pub(crate) subject: Option<Subject>,
    pub(crate) now: Timestamp,
    /// The project named before `_apis`.
    pub(crate) project: Option<u16>,
    /// The team named behind it.
    pub(crate) team: Option<&'a str>,
    /// The placeholders' values.
    pub(crate) captured: Vec<String>,
    pub(crate) query: Query,
    pub(crate) body: &'a [u8],
    /// Whether this page is to be empty, with a token for what it would have had.
    pub(crate) withholds_page: bool,
    /// How long the address is, as it was sent.
    pub(crate) address_length: usize,
    /// Scheme and host that the caller used.
    pub(crate) origin: String,
}

impl Call<'_> {
    pub(crate) fn config(&self) -> &Config {
        self.simulator.config()
    }

    /// Whether the caller may see a project.
    pub(crate) fn sees(&self, project: u16) -> bool {
        let id = self.world.projects[usize::from(project)].id;
        self.pat
            .is_some_and(|pat| !pat.denied_projects.contains(&id))
    }

    /// Whether the caller may see a project, and asks for it or for all.
    pub(crate) fn covers(&self, project: u16) -> bool {
        self.sees(project) && self.project.is_none_or(|own| own == project)
    }

    pub(crate) fn find_project(&self, name: &str) -> Result<u16, Refusal> {
        find_project(self.world, name)
            .filter(|&project| self.sees(project))
            .ok_or_else(|| Refusal::no_such_project(name))
    }

    /// The repository named by the first placeholder, if the caller may read it.
    pub(crate) fn repository(&self) -> Result<(usize, &Repository), Refusal> {
        let name = &self.captured[0];
        let id = Uuid::parse_str(name).ok();
        let is_it = |repository: &Repository| {
            // Names are only unique within a project.
            self.covers(repository.project)
                && (Some(repository.id) == id
                    || (self.project.is_some() && repository.name.eq_ignore_ascii_case(name)))
        };
        let found = self
            .world
            .repositories
            .iter()
            .enumerate()
            .find(|(_, repository)| is_it(repository));
        found
            .filter(|(_, repository)| repository.state != RepositoryState::Disabled)
            .ok_or_else(|| Refusal::no_such_repository(name))
    }

    /// The request's body as JSON.
    pub(crate) fn json(&self) -> Result<serde_json::Value, Refusal> {
        serde_json::from_slice(self.body).map_err(|error| {
            Refusal::bad_request(format!("The request body is not valid JSON: {error}"))
        })
    }

    /// `https://dev.azure.com/{organization}`: the links in bodies name the real service, whatever host was asked.
    pub(crate) fn base(&self) -> String {
        format!("https://dev.azure.com/{}", self.world.organization)
    }
}

/// A project by GUID or by name.
pub(crate) fn find_project(world: &World, name: &str) -> Option<u16> {
    let id = Uuid::parse_str(name).ok();
    let lower = name.to_lowercase();
    let is_it = |project: &crate::world::projects::Project| {
        Some(project.id) == id || project.name.to_lowercase() == lower
    };
    world
        .projects
        .iter()
        .position(is_it)
        .and_then(|position| u16::try_from(position).ok())
}
