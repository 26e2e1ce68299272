//! What the states of work items mean, as far as the types of the organization are stored.

use model::{
    Kind, Record,
    record::{NO_DAY, Workflows},
};

use crate::{Error, pass::Held};

/// What is known of an organization's types.
pub(crate) struct Known {
    pub(crate) workflows: Workflows,
    /// Whether the types of every project are stored.
    pub(crate) is_whole: bool,
}

/// Reads the types of the projects of the stream's organization.
pub(crate) async fn known(held: &Held<'_>) -> Result<Known, Error> {
    let (context, job) = (held.context, &held.delivery.message);
    let discovery = context
        .control
        .discovery(job.connection, &job.organization.name)
        .await?;
    let projects = discovery.map(|found| found.projects).unwrap_or_default();
    let partition = (Kind::WorkItemType, NO_DAY);
    let stored = context
        .records
        .bucket(job.integration, partition, "", context.now())
        .await?;
    let types = stored.iter().filter_map(|stored| match &stored.record {
        Record::WorkItemType(kind) => Some(kind),
        _ => None,
    });
    let is_own = |id| projects.iter().any(|project| project.id == id);
    let workflows = Workflows::new(&projects, types.filter(|kind| is_own(kind.project)));
    Ok(Known {
        is_whole: workflows.cover(&projects),
        workflows,
    })
}
