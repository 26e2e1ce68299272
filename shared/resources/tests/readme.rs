//! README's table of what is fetched is this crate's catalog.

use resources::{CATALOG, Every, FanOut, Fetch, Resource, When, find};

const README: &str = include_str!("../../../README.md");

/// The row of a resource, as README shows it.
fn row(resource: &Resource) -> String {
    let Resource {
        name,
        service,
        kind,
        fetch,
        ..
    } = resource;
    let record = match fetch {
        Fetch::Details(details) => format!("`{kind}`, its {}", details.facet.name()),
        Fetch::Batch(batch) => format!("`{kind}`, its {}", batch.facet.name()),
        Fetch::RunActivities => format!("`{kind}`, its timeline"),
        Fetch::Again { details, .. } => match find(details).map(|own| own.fetch) {
            Some(Fetch::Details(own)) => format!("`{kind}`, its {}", own.facet.name()),
            other => panic!("{details} is {other:?}"),
        },
        _ => format!("`{kind}`"),
    };
    let (scope, often) = (scope(resource.fan_out), often(resource));
    format!(
        "| `{name}` | {} | {scope} | {often} | {record} |",
        service.title()
    )
}

fn scope(fan_out: FanOut) -> String {
    match fan_out {
        FanOut::Organization | FanOut::OrganizationAfter(_) => "organization".into(),
        FanOut::Project
        | FanOut::ProjectAfter(_)
        | FanOut::ProjectWith(_)
        | FanOut::ProjectWithBoth(..) => "project".into(),
        FanOut::Repository | FanOut::RepositoryAfter(_) | FanOut::RepositoryWith(_) => {
            "repository".into()
        }
        FanOut::Children { of, .. } => {
            let of: Vec<String> = of.iter().map(|name| format!("`{name}`")).collect();
            format!("an item of {}", of.join(", "))
        }
    }
}

fn often(resource: &Resource) -> String {
    match resource.fan_out {
        FanOut::Children {
            when: When::New, ..
        } => return "when it is new".into(),
        FanOut::Children {
            when: When::Tested, ..
        } => return "when its tests have ended".into(),
        FanOut::Children { .. } => return "when its state is new".into(),
        _ => {}
    }
    let every = match resource.every {
        Every::Period => "every 15 minutes",
        Every::PeriodWhereUsed => "every 15 minutes; daily where there never was any",
        Every::Day => "daily",
        Every::Week => "weekly",
        Every::Once => "once",
    };
    match resource.fan_out {
        FanOut::ProjectWith(other) | FanOut::RepositoryWith(other) => {
            format!("with news of `{other}`; {every}")
        }
        FanOut::ProjectWithBoth(one, other) => {
            format!("with news of `{one}` or `{other}`; {every}")
        }
        FanOut::OrganizationAfter(other)
        | FanOut::ProjectAfter(other)
        | FanOut::RepositoryAfter(other) => {
            format!("after `{other}`; {every}")
        }
        _ => every.into(),
    }
}

#[test]
fn readme_shows_the_catalog_row_by_row() {
    let table: Vec<String> = CATALOG.iter().map(|resource| row(resource)).collect();
    let shown: Vec<&str> = README
        .lines()
        .skip_while(|line| *line != "## What is fetched")
        .filter(|line| line.starts_with("| `"))
        .take(table.len())
        .collect();
    assert_eq!(shown, table, "the table must read:\n{}", table.join("\n"));
}
