//! Projects and their repositories.

use jiff::Timestamp;
use uuid::Uuid;

use crate::config::Sizes;
use crate::world::calendar::Calendar;
use crate::world::random::Random;

/// A team project.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: Option<&'static str>,
    pub(crate) revision: u32,
    pub(crate) last_update: Timestamp,
    pub(crate) has_tfvc: bool,
}

/// A Git repository.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) project: u16,
    pub(crate) state: RepositoryState,
    pub(crate) size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepositoryState {
    Live,
    /// No default branch yet.
    Empty,
    /// Refuses everything but being listed.
    Disabled,
}

const NAMES: [&str; 3] = ["Fabrikam-Fiber", "Fabrikam Café", "Contoso.Legacy"];
const REPOSITORIES: [&str; 6] = [
    "web",
    "api",
    "Mobile App",
    "infra",
    "shared-library",
    "docs",
];

pub(crate) fn projects(
    namespace: Uuid,
    seed: u64,
    sizes: Sizes,
    calendar: &Calendar,
) -> Vec<Project> {
    let mut random = Random::stream(&[seed, 0x71]);
    (0..sizes.projects)
        .map(|n| project(namespace, n, &mut random, calendar))
        .collect()
}

fn project(namespace: Uuid, n: u16, random: &mut Random, calendar: &Calendar) -> Project {
    let base = NAMES[usize::from(n) % NAMES.len()];
    let round = usize::from(n) / NAMES.len();
    Project {
        id: Uuid::new_v5(&namespace, format!("project/{n}").as_bytes()),
        name: if round == 0 {
            base.to_owned()
        } else {
            format!("{base} {}", round + 1)
        },
        description: n
            .is_multiple_of(2)
            .then_some("Everything the fiber team ships."),
        revision: 400 + random.below(4_000) as u32,
        last_update: calendar.start_plus_days(random.between(0, 90)),
        has_tfvc: n % NAMES.len() as u16 == 2,
    }
}

/// The repositories of all projects; in every second project one is empty, and in every third one is disabled.
pub(crate) fn repositories(
    namespace: Uuid,
    seed: u64,
    sizes: Sizes,
    projects: &[Project],
) -> Vec<Repository> {
    let mut random = Random::stream(&[seed, 0x72]);
    let mut repositories = Vec::new();
    for (p, project) in (0_u16..).zip(projects) {
        let count = if project.has_tfvc {
            sizes.repositories_per_project.min(2)
        } else {
            sizes.repositories_per_project
        };
        for n in 0..count {
            repositories.push(Repository {
                id: Uuid::new_v5(&namespace, format!("repository/{p}/{n}").as_bytes()),
                name: repository_name(project, n),
                project: p,
                state: state_of(p, n, count),
                size: 1_000 + random.below(90_000_000),
            });
        }
    }
    repositories
}

fn repository_name(project: &Project, n: u16) -> String {
    match n {
        0 => project.name.clone(),
        _ => {
            let base = REPOSITORIES[usize::from(n - 1) % REPOSITORIES.len()];
            let round = usize::from(n - 1) / REPOSITORIES.len();
            if round == 0 {
                base.to_owned()
            } else {
                format!("{base}-{}", round + 1)
            }
        }
    }
}

fn state_of(project: u16, n: u16, count: u16) -> RepositoryState {
    match (n + 1 == count && count > 1, project % 3) {
        (true, 0) => RepositoryState::Empty,
        (true, 1) => RepositoryState::Disabled,
        _ => RepositoryState::Live,
    }
}
