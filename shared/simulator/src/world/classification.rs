//! Areas and iterations.
//!
//! <https://learn.microsoft.com/azure/devops/boards/plans/set-iteration-paths-sprints>

use jiff::Timestamp;
use uuid::Uuid;

use crate::world::calendar::Calendar;
use crate::world::projects::Project;

/// Teams' areas below each project's root area, parents first.
pub(crate) const AREAS: [&str; 4] = [
    "Web Team",
    "Platform Team",
    "Platform Team\\Runtime",
    "Équipe Paiement",
];
const SPRINT_DAYS: i64 = 14;
const SPRINTS_PER_RELEASE: i64 = 8;
const RELEASES: i64 = 3;

/// One node of an area or iteration tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) id: u32,
    pub(crate) identifier: Uuid,
    pub(crate) name: String,
    pub(crate) is_area: bool,
    /// First and last day, for releases and sprints.
    pub(crate) dates: Option<(Timestamp, Timestamp)>,
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// This node and everything below it, parents first.
    pub(crate) fn walk(&self) -> Vec<&Self> {
        let mut nodes = vec![self];
        let mut next = 0;
        while next < nodes.len() {
            nodes.extend(&nodes[next].children);
            next += 1;
        }
        nodes
    }
}

/// The sprint that contains an instant, counted from the first.
pub(crate) fn sprint_at(calendar: &Calendar, at: Timestamp) -> i64 {
    calendar
        .days_since_start(at)
        .div_euclid(SPRINT_DAYS)
        .clamp(0, RELEASES * SPRINTS_PER_RELEASE - 1)
}

/// The name of a work item's iteration; `None` is the backlog.
pub(crate) fn iteration_path(project: &Project, sprint: Option<i64>) -> String {
    match sprint {
        None => project.name.clone(),
        Some(sprint) => {
            format!(
                "{}\\Release {}\\Sprint {}",
                project.name,
                sprint / SPRINTS_PER_RELEASE + 1,
                sprint + 1
            )
        }
    }
}

/// The name of a work item's area; `None` is the root.
pub(crate) fn area_path(project: &Project, area: Option<usize>) -> String {
    area.map_or_else(
        || project.name.clone(),
        |area| format!("{}\\{}", project.name, AREAS[area % AREAS.len()]),
    )
}

/// The area tree of a project.
pub(crate) fn areas(number: u16, project: &Project) -> Node {
    let mut maker = Maker {
        project,
        next_id: 1_500 + u32::from(number) * 100,
        is_area: true,
    };
    let mut root = maker.node(project.name.clone(), None);
    for area in AREAS {
        let (parent, name) = area
            .rsplit_once('\\')
            .map_or((None, area), |(parent, name)| (Some(parent), name));
        let node = maker.node(name.to_owned(), None);
        match root
            .children
            .iter()
            .position(|own| Some(own.name.as_str()) == parent)
        {
            Some(above) => root.children[above].children.push(node),
            None => root.children.push(node),
        }
    }
    root
}

/// The iteration tree of a project: releases of sprints of two weeks.
pub(crate) fn iterations(number: u16, project: &Project, calendar: &Calendar) -> Node {
    let mut maker = Maker {
        project,
        next_id: 1_550 + u32::from(number) * 100,
        is_area: false,
    };
    let mut root = maker.node(project.name.clone(), None);
    for release in 0..RELEASES {
        let first = release * SPRINTS_PER_RELEASE;
        let dates = span(calendar, first, first + SPRINTS_PER_RELEASE);
        let mut node = maker.node(format!("Release {}", release + 1), Some(dates));
        for sprint in first..first + SPRINTS_PER_RELEASE {
            let dates = span(calendar, sprint, sprint + 1);
            node.children
                .push(maker.node(format!("Sprint {}", sprint + 1), Some(dates)));
        }
        root.children.push(node);
    }
    root
}

fn span(calendar: &Calendar, from: i64, to: i64) -> (Timestamp, Timestamp) {
    (
        calendar.start_plus_days(from * SPRINT_DAYS),
        calendar.start_plus_days(to * SPRINT_DAYS - 1),
    )
}

struct Maker<'a> {
    project: &'a Project,
    next_id: u32,
    is_area: bool,
}

impl Maker<'_> {
    fn node(&mut self, name: String, dates: Option<(Timestamp, Timestamp)>) -> Node {
        let id = self.next_id;
        self.next_id += 1;
        let identifier = Uuid::new_v5(&self.project.id, format!("node/{id}").as_bytes());
        Node {
            id,
            identifier,
            name,
            is_area: self.is_area,
            dates,
            children: Vec::new(),
        }
    }
}
