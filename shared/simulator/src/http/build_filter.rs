//! Which runs are asked for, and in which order.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list#uri-parameters>

use jiff::Timestamp;

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::world::builds::Build;

/// A sort order: by which time, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    by: Field,
    is_ascending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Finish,
    Start,
    Queue,
}

impl Order {
    /// Without a wish the service puts finished runs first, the newest on top.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        let order = |by, is_ascending| Ok(Self { by, is_ascending });
        match text.map(str::to_ascii_lowercase).as_deref() {
            None | Some("finishtimedescending") => order(Field::Finish, false),
            Some("finishtimeascending") => order(Field::Finish, true),
            Some("starttimeascending") => order(Field::Start, true),
            Some("starttimedescending") => order(Field::Start, false),
            Some("queuetimeascending") => order(Field::Queue, true),
            Some("queuetimedescending") => order(Field::Queue, false),
            Some(other) => Err(Refusal::bad_value("queryOrder", other)),
        }
    }

    /// The time that the order goes by, if the run has it.
    pub(crate) fn time(self, build: &Build) -> Option<Timestamp> {
        match self.by {
            Field::Finish => build.finished(),
            Field::Start => build.started(),
            Field::Queue => Some(build.queued),
        }
    }

    pub(crate) fn sort(self, builds: &mut [&Build]) {
        builds.sort_by_key(|build| build.id);
        if self.is_ascending {
            builds.sort_by_key(|build| self.time(build).unwrap_or(Timestamp::MAX));
        } else {
            // Runs without that time come last in both directions.
            builds
                .sort_by_key(|build| std::cmp::Reverse(self.time(build).unwrap_or(Timestamp::MIN)));
        }
    }

    /// Whether a run stands at or behind the point that a token names.
    pub(crate) fn is_from(self, build: &Build, token: Timestamp) -> bool {
        match self.time(build) {
            None => true,
            Some(time) if self.is_ascending => time >= token,
            Some(time) => time <= token,
        }
    }
}

/// The conditions of a list; all must hold.
pub(crate) struct Filter<'a> {
    call: &'a Call<'a>,
    order: Order,
    min: Option<Timestamp>,
    max: Option<Timestamp>,
    statuses: Choice<'a>,
    results: Choice<'a>,
    reasons: Choice<'a>,
    definitions: Choice<'a>,
    ids: Choice<'a>,
    tags: Choice<'a>,
    branch: Option<&'a str>,
    number: Option<&'a str>,
    repository: Option<&'a str>,
    requested_for: Option<&'a str>,
    /// Only deleted runs are wanted, and there are none.
    wants_deleted: bool,
}

/// A comma list of accepted values; absent means any.
struct Choice<'a>(Option<Vec<&'a str>>);

impl Choice<'_> {
    fn has(&self, own: &str) -> bool {
        let is_it =
            |item: &&str| item.eq_ignore_ascii_case("all") || item.eq_ignore_ascii_case(own);
        self.0.as_ref().is_none_or(|list| list.iter().any(is_it))
    }

    fn has_number(&self, own: u32) -> bool {
        self.0.is_none() || self.has(&own.to_string())
    }
}

impl<'a> Filter<'a> {
    pub(crate) fn new(call: &'a Call<'a>, order: Order) -> Result<Self, Refusal> {
        let query = &call.query;
        let choice = |name: &str| Choice(query.list(&[name]));
        if let Some(several) = query
            .text(&["statusFilter"])
            .filter(|text| text.contains(',') && !call.config().unverified.statuses_combine)
        {
            return Err(Refusal::bad_value("statusFilter", several));
        }
        Ok(Self {
            call,
            order,
            min: query.time(&["minTime"])?,
            max: query.time(&["maxTime"])?,
            statuses: choice("statusFilter"),
            results: choice("resultFilter"),
            reasons: choice("reasonFilter"),
            definitions: choice("definitions"),
            ids: choice("buildIds"),
            tags: choice("tagFilters"),
            branch: query.text(&["branchName"]),
            number: query.text(&["buildNumber"]),
            repository: query.text(&["repositoryId"]),
            requested_for: query.text(&["requestedFor"]),
            wants_deleted: query
                .text(&["deletedFilter"])
                .is_some_and(|own| own.eq_ignore_ascii_case("onlyDeleted")),
        })
    }

    pub(crate) fn accepts(&self, build: &Build) -> bool {
        !self.wants_deleted
            && !self.call.simulator.is_deleted_run(build.id)
            && self.call.covers(self.call.world.project_of(build))
            && self.is_in_time(build)
            && self.statuses.has(build.status())
            && self.results.has(build.result().unwrap_or("none"))
            && self.reasons.has(build.reason.name())
            && self.ids.has_number(build.id)
            && self
                .tags
                .0
                .as_ref()
                .is_none_or(|tags| tags.iter().all(|tag| build.tags.contains(tag)))
            && self.branch.is_none_or(|wanted| wanted == build.branch)
            && self.number.is_none_or(|wanted| wanted == build.number)
            && self.is_of_definition(build)
            && self.is_for_person(build)
    }

    /// Runs without the time of the sort order are left out when a time is asked for.
    fn is_in_time(&self, build: &Build) -> bool {
        match self.order.time(build) {
            None => self.min.is_none() && self.max.is_none(),
            Some(time) => {
                self.min.is_none_or(|min| time >= min) && self.max.is_none_or(|max| time <= max)
            }
        }
    }

    fn is_of_definition(&self, build: &Build) -> bool {
        let definition = &self.call.world.definitions[build.definition];
        let repository = self.call.world.repositories[definition.repository].id;
        self.definitions.has_number(definition.id)
            && self
                .repository
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(&repository.to_string()))
    }

    fn is_for_person(&self, build: &Build) -> bool {
        let person = self.call.world.people.get(build.requested_for);
        self.requested_for.is_none_or(|wanted| {
            wanted == person.display_name
                || wanted.eq_ignore_ascii_case(&person.unique_name)
                || wanted.eq_ignore_ascii_case(&person.id.to_string())
        })
    }
}
