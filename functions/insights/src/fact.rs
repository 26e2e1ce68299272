//! Stored records as metrics want them.

use std::collections::BTreeMap;

use metrics::Fact;
use model::{Facet, Record};
use serde::de::DeserializeOwned;
use storage::Selected;

/// A stored record with its details; `None` for things without a moment, which are no facts.
///
/// # Errors
/// Details do not read back.
pub(crate) fn fact(selected: Selected) -> Result<Option<Fact>, serde_json::Error> {
    let Selected { record, details } = selected;
    Ok(Some(match record {
        Record::Run(run) => Fact::Run(run, read(&details, Facet::Timeline)?),
        Record::PullRequest(own) => {
            let activity = read(&details, Facet::Threads)?;
            Fact::PullRequest(own, activity, read(&details, Facet::Links)?)
        }
        Record::Push(own) => Fact::Push(own),
        Record::Commit(own) => Fact::Commit(own),
        Record::Changeset(own) => Fact::Changeset(own, read(&details, Facet::Changes)?),
        Record::Deployment(own) => Fact::Deployment(own),
        Record::EnvironmentDeployment(own) => Fact::EnvironmentDeployment(own),
        Record::TestRun(own) => Fact::TestRun(own),
        Record::WorkItem(own) => Fact::WorkItem(own, read(&details, Facet::Links)?),
        Record::WorkItemLink(own) => Fact::WorkItemLink(own),
        _ => return Ok(None),
    }))
}

fn read<T: DeserializeOwned>(
    details: &BTreeMap<Facet, String>,
    facet: Facet,
) -> Result<Option<T>, serde_json::Error> {
    let text = details.get(&facet);
    text.map(|text| serde_json::from_str(text)).transpose()
}
