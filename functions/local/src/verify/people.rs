//! One entry for every person, however many records name them.

use std::collections::BTreeMap;

use model::people::{self, Names};

use super::Found;

/// Puts the rows of people together as whoever reads them does: each integration has its own, and Git's have no id.
pub(super) fn merged(found: impl IntoIterator<Item = Found>) -> Vec<Found> {
    let mut rest = Vec::new();
    let mut named: BTreeMap<String, (Vec<Names>, Found)> = BTreeMap::new();
    for mut row in found {
        match row.named.take() {
            None => rest.push(row),
            Some(names) => {
                let (organization, _) = row.sort.split_once('#').unwrap_or_default();
                let place = named.entry(organization.to_owned());
                place.or_insert((Vec::new(), row)).0.push(*names);
            }
        }
    }
    for (organization, (names, row)) in named {
        rest.extend(people::merge(names).into_iter().map(|person| {
            let id = person.ids.first().or(person.addresses.first());
            Found {
                sort: format!("{organization}#{}", id.map_or("", String::as_str)),
                version: person.kind().as_str().to_owned(),
                children: 1,
                ..row.clone()
            }
        }));
    }
    rest
}
