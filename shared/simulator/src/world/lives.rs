//! Which work items begin to live on which day, and how they are linked.

use jiff::Timestamp;

use crate::world::calendar::Calendar;
use crate::world::life_writer::{Fate, Writer};
use crate::world::people::People;
use crate::world::process::ItemType;
use crate::world::random::Random;
use crate::world::work_items::{LinkChange, LinkKind, Revision};

const DAY_MINUTES: i64 = 24 * 60;

/// A planned life; positions in links are positions in the list of plans.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) revisions: Vec<Revision>,
}

/// Plans the lives of all work items, day by day, and their links.
pub(crate) struct Planner<'a> {
    pub(crate) seed: u64,
    pub(crate) calendar: &'a Calendar,
    pub(crate) people: &'a People,
    pub(crate) projects: u16,
    pub(crate) lives: Vec<Life>,
    pub(crate) links: Vec<LinkChange>,
    /// Possible parents per project: epics, features, stories.
    families: Vec<[Vec<usize>; 3]>,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(
        seed: u64,
        calendar: &'a Calendar,
        people: &'a People,
        projects: u16,
    ) -> Self {
        let families = (0..projects).map(|_| Default::default()).collect();
        Self {
            seed,
            calendar,
            people,
            projects,
            lives: Vec::new(),
            links: Vec::new(),
            families,
        }
    }

    /// Plans what is created on one day in one project.
    pub(crate) fn plan_day(&mut self, day: i32, project: u16, mean: u32) {
        let mut random = Random::stream(&[self.seed, 0x301, day as u64, u64::from(project)]);
        let scripted = self.scripted(day, project);
        let count = random.count(mean).max(u32::from(scripted.is_some()));
        for n in 0..count {
            let fate = match scripted {
                Some(fate) if n == 0 => fate,
                _ if random.chance(2) => Fate::Deleted,
                _ => Fate::Ordinary,
            };
            // Ascending within the day, so that a parent is always older than its child.
            let slot = 19 * 3_600_000 / i64::from(count);
            let at = self.calendar.moment(
                day,
                i64::from(n) * slot + random.between(0, (slot - 60_000).max(0)),
            );
            self.plan_item(at, project, fate, &mut random);
        }
    }

    /// What must occur in every world, on fixed days of the first project; an old deletion included.
    fn scripted(&self, day: i32, project: u16) -> Option<Fate> {
        match (project, day) {
            (0, -150 | -60 | -8) => Some(Fate::Deleted),
            (0, -50 | -6) => Some(Fate::DeletedAndRestored),
            (0, -45 | -12) if self.projects > 1 => Some(Fate::MovedTo(1)),
            (0, -40) => Some(Fate::ChangedType),
            _ => None,
        }
    }

    fn plan_item(&mut self, at: Timestamp, project: u16, fate: Fate, random: &mut Random) {
        let kind = self.kind(project, random);
        let author = self.people.member(project, random);
        let mut writer = Writer::new(self.calendar, kind, project, at, author, random);
        writer.live(self.people, project, random);
        writer.suffer(fate, random);
        let position = self.lives.len();
        self.lives.push(Life {
            revisions: writer.revisions,
        });
        self.link(position, kind, project, random);
        let generation = match kind {
            ItemType::Epic => 0,
            ItemType::Feature => 1,
            ItemType::UserStory => 2,
            ItemType::Task | ItemType::Bug | ItemType::Issue => return,
        };
        self.families[usize::from(project)][generation].push(position);
    }

    fn kind(&self, project: u16, random: &mut Random) -> ItemType {
        let [epics, features, stories] = &self.families[usize::from(project)];
        match random.below(100) {
            _ if epics.is_empty() => ItemType::Epic,
            _ if features.is_empty() => ItemType::Feature,
            _ if stories.is_empty() => ItemType::UserStory,
            0..=2 => ItemType::Epic,
            3..=9 => ItemType::Feature,
            10..=39 => ItemType::UserStory,
            40..=69 => ItemType::Task,
            _ => ItemType::Bug,
        }
    }

    fn link(&mut self, position: usize, kind: ItemType, project: u16, random: &mut Random) {
        let generation = match kind {
            ItemType::Epic => return,
            ItemType::Feature => 0,
            ItemType::UserStory => 1,
            ItemType::Task | ItemType::Bug | ItemType::Issue => 2,
        };
        let possible = &self.families[usize::from(project)][generation];
        let recent = &possible[possible.len().saturating_sub(6)..];
        let (parent, other) = (*random.pick(recent), *random.pick(recent));
        let created = &self.lives[position].revisions[0];
        let (by, at) = (
            created.by,
            self.calendar
                .later(created.at, jiff::SignedDuration::from_millis(350)),
        );
        let link = LinkChange {
            at,
            by,
            kind: LinkKind::Hierarchy,
            source: parent,
            target: position,
            is_active: true,
        };
        self.links.push(link);
        let later = self
            .calendar
            .minutes_later(at, random.between(30, 9 * DAY_MINUTES));
        if random.chance(15) {
            self.links.push(LinkChange {
                at: later,
                is_active: false,
                ..link
            });
            if other != parent {
                let at = self
                    .calendar
                    .later(later, jiff::SignedDuration::from_millis(20));
                self.links.push(LinkChange {
                    at,
                    source: other,
                    ..link
                });
            }
        }
        if random.chance(10) {
            self.links.push(LinkChange {
                at: later,
                kind: LinkKind::Related,
                source: other,
                ..link
            });
        }
    }
}
