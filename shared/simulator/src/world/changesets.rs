//! TFVC changesets.

use jiff::Timestamp;

use crate::world::calendar::Calendar;
use crate::world::people::{People, PersonId};
use crate::world::random::Random;

/// One check-in; ids increase over the whole organization.
#[derive(Clone, Debug)]
pub(crate) struct Changeset {
    pub(crate) id: u32,
    pub(crate) project: u16,
    pub(crate) created: Timestamp,
    pub(crate) author: PersonId,
    /// Somebody else when a service checked in on behalf of the author.
    pub(crate) checked_in_by: PersonId,
    pub(crate) title: u32,
    /// Characters of the comment.
    pub(crate) comment_length: usize,
    pub(crate) files: u8,
}

/// Plans the check-ins of one day in one project; their ids are given later.
pub(crate) fn plan_day(
    seed: u64,
    calendar: &Calendar,
    people: &People,
    day: i32,
    project: u16,
    mean: u32,
) -> Vec<Changeset> {
    let mut random = Random::stream(&[seed, 0x5C5, day as u64, u64::from(project)]);
    (0..random.count(mean))
        .map(|_| plan(calendar, people, day, project, &mut random))
        .collect()
}

fn plan(
    calendar: &Calendar,
    people: &People,
    day: i32,
    project: u16,
    random: &mut Random,
) -> Changeset {
    let author = people.member(project, random);
    Changeset {
        id: 0,
        project,
        created: calendar.moment(day, random.between(0, 19 * 3_600_000)),
        author,
        checked_in_by: if random.chance(10) {
            people.build_service()
        } else {
            author
        },
        title: random.next() as u32,
        comment_length: *random.pick(&[0, 40, 79, 80, 81, 240]),
        files: random.between(1, 9) as u8,
    }
}
