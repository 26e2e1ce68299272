//! What comes into sight: a project or repository that the credential could not see before.
//!
//! A list of the whole organization goes on behind what it has shown already, and shows nothing of what was done out of sight
//! before: neither a new permission nor a project that is restored moves a token, an id or a time. So such lists are read from
//! the beginning of the window again, once. Lists of the project itself need nothing: they begin, or stand where they stood.

use model::{Discovery, FanOut, ProjectId, Repository, Scope};
use resources::{CATALOG, Resource};

use crate::{Context, Error, organization::key};

/// Has the lists started over that hold more since `after` was found than while `before` was true.
pub(crate) async fn widen(
    context: &Context,
    message: &FanOut,
    (before, after): (&Discovery, &Discovery),
) -> Result<(), Error> {
    let streams = widened(before, after);
    if streams.is_empty() {
        return Ok(());
    }
    let control = &context.control;
    let integrations = control.integrations(&message.tenant, message.connection);
    for integration in integrations.await? {
        for (resource, scope) in &streams {
            if resource.service == integration.service {
                let name = key(&integration, after, resource, scope.clone()).name();
                control.start_over(integration.id, &name).await?;
            }
        }
    }
    tracing::info!(streams = streams.len(), "more came into sight");
    Ok(())
}

/// The streams that hold more than before.
fn widened(before: &Discovery, after: &Discovery) -> Vec<(&'static Resource, Scope)> {
    let has_more_projects = after.projects.iter().any(|own| !knows(before, own.id));
    let of_organization = CATALOG
        .iter()
        .filter(|resource| has_more_projects && resource.goes_over_all_projects())
        .map(|resource| (*resource, Scope::Organization));
    let of_projects = after.projects.iter().filter(|own| {
        knows(before, own.id) && {
            let mut repositories = after.repositories.iter();
            repositories.any(|repository| is_news(before, repository, own.id))
        }
    });
    let of_projects = of_projects.flat_map(|own| {
        CATALOG
            .iter()
            .filter(|resource| resource.goes_over_all_repositories())
            .map(|resource| (*resource, Scope::Project(own.id)))
    });
    of_organization.chain(of_projects).collect()
}

fn knows(discovery: &Discovery, project: ProjectId) -> bool {
    discovery.projects.iter().any(|own| own.id == project)
}

/// Whether a repository of the project answers that did not. One that was never pushed to has no history to miss.
fn is_news(before: &Discovery, repository: &Repository, project: ProjectId) -> bool {
    let answers = |own: &Repository| !own.is_disabled;
    let mut known = before.repositories.iter();
    repository.project == project
        && answers(repository)
        && repository.default_branch.is_some()
        && !known.any(|own| own.id == repository.id && answers(own))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use model::{Organization, OrganizationId, Project, RepositoryId};
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn repository(number: u128, is_disabled: bool) -> Repository {
        Repository {
            id: RepositoryId(id(number)),
            project: ProjectId(id(1)),
            name: format!("r{number}"),
            default_branch: Some("refs/heads/main".to_owned()),
            is_disabled,
        }
    }

    fn discovery(projects: &[u128], repositories: &[Repository]) -> Discovery {
        let project = |number: &u128| Project {
            id: ProjectId(id(*number)),
            name: format!("p{number}"),
        };
        Discovery {
            organization: Organization {
                id: OrganizationId(id(0)),
                name: "fabrikam".parse().unwrap(),
            },
            at: Timestamp::UNIX_EPOCH,
            projects: projects.iter().map(project).collect(),
            repositories: repositories.to_vec(),
        }
    }

    /// The names of what starts over.
    fn names(before: &Discovery, after: &Discovery) -> Vec<(&'static str, Scope)> {
        let widened = widened(before, after).into_iter();
        widened
            .map(|(resource, scope)| (resource.name, scope))
            .collect()
    }

    #[test]
    fn a_project_that_comes_starts_the_lists_of_the_organization_over() {
        let (few, all) = (discovery(&[1], &[]), discovery(&[1, 2], &[]));
        let started = names(&few, &all);
        for name in ["work_item_revisions", "open_work_items", "changesets"] {
            assert!(
                started.contains(&(name, Scope::Organization)),
                "{started:?}"
            );
        }
        for name in ["gone_work_items", "work_item_ends", "builds"] {
            assert!(started.iter().all(|own| own.0 != name), "{started:?}");
        }
        assert_eq!(
            names(&all, &few),
            [],
            "what goes out of sight stays as it is"
        );
        assert_eq!(names(&all, &all), []);
    }

    #[test]
    fn a_repository_that_answers_starts_the_lists_of_its_project_over() {
        let before = discovery(&[1, 2], &[repository(11, false), repository(12, true)]);
        let scope = Scope::Project(ProjectId(id(1)));
        let expected = [
            ("pull_requests_completed", scope.clone()),
            ("pull_requests_abandoned", scope),
        ];
        let enabled = discovery(&[1, 2], &[repository(11, false), repository(12, false)]);
        assert_eq!(names(&before, &enabled), expected);
        let added = discovery(&[1, 2], &[repository(11, false), repository(13, false)]);
        assert_eq!(names(&before, &added), expected);

        let empty = Repository {
            default_branch: None,
            ..repository(14, false)
        };
        let made = discovery(&[1, 2], &[repository(11, false), empty]);
        assert_eq!(names(&before, &made), []);
        assert_eq!(names(&before, &before), []);
    }
}
