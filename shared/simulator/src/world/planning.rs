//! What teams have planned for their sprints.
//!
//! Capacity is planned shortly before a sprint begins, so later sprints have none:
//! <https://learn.microsoft.com/azure/devops/boards/sprints/set-capacity>

use jiff::{SignedDuration, Timestamp};

use crate::world::World;
use crate::world::classification::Node;
use crate::world::people::PersonId;
use crate::world::random::Random;
use crate::world::teams::{Team, default_team};

/// How long after the oldest life (200 days before the epoch) a sprint may begin that is planned already.
const PLANNED_DAYS: i64 = 220;
const MEMBERS: usize = 3;

/// What a team has planned for a sprint.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) members: Vec<Member>,
    pub(crate) days_off: Vec<DaysOff>,
}

/// What one person has planned.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) person: PersonId,
    /// Hours of each working day, by the name of the work.
    pub(crate) activities: Vec<(&'static str, f64)>,
    pub(crate) days_off: Vec<DaysOff>,
}

/// The midnights of the first and the last day on which nobody works.
pub(crate) type DaysOff = (Timestamp, Timestamp);

impl World {
    /// What a team has planned for a sprint; `None` if nothing. The team of the platform plans every other one.
    pub(crate) fn plan(&self, team: &Team, sprint: &Node) -> Option<Plan> {
        let (start, finish) = sprint.dates?;
        let project = &self.projects[usize::from(team.project)];
        let is_platform = team.id != default_team(project);
        let is_skipped = is_platform && sprint.id.is_multiple_of(2);
        if start > self.calendar.start_plus_days(PLANNED_DAYS) || is_skipped {
            return None;
        }
        let seed = u64::from(sprint.id) << 1 | u64::from(is_platform);
        let mut random = Random::stream(&[self.seed, 0xCA9, seed]);
        let day = |number: i64| (start + SignedDuration::from_hours(24 * number)).min(finish);
        let mut members: Vec<Member> = Vec::new();
        for _ in 0..MEMBERS {
            let person = self.people.member(team.project, &mut random);
            if members.iter().any(|member| member.person == person) {
                continue;
            }
            let days_off = match random.chance(30) {
                true => vec![(day(2), day(random.between(2, 6)))],
                false => Vec::new(),
            };
            let mut activities = vec![("Development", 0.5 * random.between(4, 12) as f64)];
            if random.chance(40) {
                activities.push(("Testing", 1.5));
            }
            members.push(Member {
                person,
                activities,
                days_off,
            });
        }
        let days_off = match sprint.id % 3 {
            0 => vec![(day(8), day(9))],
            _ => Vec::new(),
        };
        Some(Plan { members, days_off })
    }
}

impl Plan {
    /// Hours of each working day.
    pub(crate) fn per_day(&self) -> f64 {
        let activities = self.members.iter().flat_map(|member| &member.activities);
        activities.map(|(_, hours)| hours).sum()
    }

    /// Days on which somebody does not work, whether the days of the whole team count or not.
    pub(crate) fn total_days_off(&self, with_team: bool) -> i64 {
        let own = self.members.iter().flat_map(|member| &member.days_off);
        let team = self.days_off.iter().filter(|_| with_team);
        let length = |(first, last): &DaysOff| (last.as_second() - first.as_second()) / 86_400 + 1;
        own.chain(team).map(length).sum()
    }

    /// How many parts it has.
    pub(crate) fn parts(&self) -> u64 {
        let own = self.members.iter().map(|member| &member.days_off);
        let days_off = own.chain([&self.days_off]).map(Vec::len).sum::<usize>();
        (self.members.len() + days_off) as u64
    }
}
