//! What a list of open things held, from pass to pass.
//!
//! An open thing leaves its list when it is over, and then a list of what is over brings it. A list that is paged by
//! skipping can lose one on its way from the one to the other, so what has left and was not brought is remembered.

use std::collections::{BTreeMap, BTreeSet};

use model::{Kind, ProjectId, Record, RowKey};
use serde::{Deserialize, Serialize};

/// What was open when a list was last read whole, and what has left it since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// What the last pass saw.
    pub listed: Places,
    /// What the pass before saw and the last one did not: other lists have a pass' time to bring it.
    #[serde(default, skip_serializing_if = "Places::is_empty")]
    pub gone: Places,
    /// What has been gone for a pass: if it still seems open, it is asked for.
    #[serde(default, skip_serializing_if = "Places::is_empty")]
    pub doubtful: Places,
}

impl Open {
    /// What is known when a pass that began with `since` has seen `listed`.
    pub(crate) fn after(since: &super::plan::Since, listed: Places) -> Self {
        let super::plan::Since::Open(before) = since else {
            return Self {
                listed,
                ..Self::default()
            };
        };
        Self {
            gone: before.listed.without(&listed),
            doubtful: before.doubtful.with(&before.gone).without(&listed),
            listed,
        }
    }
}

/// Where things are stored: their ids by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places(BTreeMap<String, BTreeSet<u64>>);

impl Places {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the places of pull requests; other records have no such list.
    pub(crate) fn extend(&mut self, records: &[Record]) {
        for record in records {
            if let Record::PullRequest(own) = record {
                self.0
                    .entry(record.key().bucket)
                    .or_default()
                    .insert(own.id);
            }
        }
    }

    /// Adds other places.
    pub(crate) fn join(&mut self, more: &Self) {
        for (bucket, ids) in &more.0 {
            self.0.entry(bucket.clone()).or_default().extend(ids);
        }
    }

    /// The ids and keys of the things, which are of one project.
    pub fn keys(&self, kind: Kind, project: ProjectId) -> Vec<(u64, RowKey)> {
        let key = |bucket: &String, id: u64| {
            let (bucket, sort) = (bucket.clone(), format!("{project}#{id}"));
            (id, RowKey { kind, bucket, sort })
        };
        let buckets = self.0.iter();
        buckets
            .flat_map(|(bucket, ids)| ids.iter().map(move |id| key(bucket, *id)))
            .collect()
    }

    fn without(&self, other: &Self) -> Self {
        let left = self.0.iter().map(|(bucket, ids)| {
            let others = other.0.get(bucket);
            let is_left = |id: &&u64| others.is_none_or(|others| !others.contains(*id));
            (
                bucket.clone(),
                ids.iter().filter(is_left).copied().collect(),
            )
        });
        Self(
            left.filter(|(_, ids): &(_, BTreeSet<_>)| !ids.is_empty())
                .collect(),
        )
    }

    fn with(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.join(other);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Since;

    fn places(ids: &[u64]) -> Places {
        let mut places = Places::default();
        for id in ids {
            let bucket = format!("2026-11-{:02}", id % 3 + 1);
            places.0.entry(bucket).or_default().insert(*id);
        }
        places
    }

    fn after(before: Open, listed: &[u64]) -> Open {
        Open::after(&Since::Open(before), places(listed))
    }

    #[test]
    fn what_left_the_list_is_doubtful_a_pass_later() {
        let first = Open::after(&Since::Window, places(&[1, 2, 3]));
        assert!(first.gone.is_empty() && first.doubtful.is_empty());
        let second = after(first, &[1, 3, 4]);
        assert_eq!(
            (&second.gone, second.doubtful.is_empty()),
            (&places(&[2]), true)
        );
        let third = after(second, &[1, 4]);
        assert_eq!((third.gone, third.doubtful), (places(&[3]), places(&[2])));
    }

    #[test]
    fn what_comes_back_is_not_asked_for_and_what_was_not_asked_for_is_not_forgotten() {
        let doubtful = |doubtful: &[u64], gone: &[u64]| Open {
            listed: places(&[1]),
            gone: places(gone),
            doubtful: places(doubtful),
        };
        assert_eq!(after(doubtful(&[], &[2]), &[1, 2]).doubtful, places(&[]));
        assert_eq!(after(doubtful(&[5], &[2]), &[1]).doubtful, places(&[2, 5]));
    }

    #[test]
    fn places_are_the_keys_of_the_records() {
        let project = ProjectId(uuid::Uuid::nil());
        let (id, key) = places(&[7]).keys(Kind::PullRequest, project).remove(0);
        assert_eq!((id, key.bucket.as_str()), (7, "2026-11-02"));
        assert_eq!(key.sort, format!("{project}#7"));
    }
}
