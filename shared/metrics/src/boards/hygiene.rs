//! What open work items lack.

mod rules;

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use model::{
    Kind, OrganizationId,
    record::{WorkItemLink, work_item::Tracked},
};

use self::rules::{REQUIRED_FIELD, Rule, SETTINGS};
use super::{
    items::{OF_ITEMS, POINTS_FIELD, row_then, with},
    life::Life,
};
use crate::{Context, Dimension, Fact, Form, Input, Measure, Metric, Reach, Row, Rows, Who};

/// The score, and what brings it down.
pub(super) const METRICS: &[Metric] = &[SCORE, MISSES];

const INPUTS: &[Input] = &[
    Input::new(Kind::WorkItem, Reach::Hashed),
    Input::new(Kind::WorkItemLink, Reach::Hashed)
        .when(|settings| settings.number(Rule::MissingParent.weight()) > 0),
    Input::new(Kind::WorkItemType, Reach::Known),
    Input::new(Kind::Person, Reach::Known),
];

const DIMENSIONS: &[Dimension] = &{
    let [a, b, c, d, e, f, g, h, i, j, k, l, m] = OF_ITEMS;
    use Dimension::{Miss, Weight};
    [a, b, c, d, e, f, g, h, i, j, k, l, m, Miss, Weight]
};

/// How well open items are kept, from 0 to 100. Of four items two have no assignee (weight 20) and one is idle (weight 20), no other rule
/// has a weight: 50 % and 25 % are missed, so the score is 100 - 100 * (20 * 0.5 + 20 * 0.25) / 40 = 62.5.
const SCORE: Metric = Metric {
    name: "hygiene_score",
    definition: "How well the work items were kept that were open at the end of each period, and at the end of the range in total: 100 if no rule is missed, 0 if all are. Assignee, area, estimate and activity are those of then; due date, description, parent and required fields those of today. A rule that nothing is known of weighs nothing: descriptions are stored for few items.",
    formula: "100 - 100 * sum(weight * missed items / items) / sum(weight)",
    measure: Measure::Score,
    inputs: INPUTS,
    dimensions: DIMENSIONS,
    settings: SETTINGS,
    form: Form::Stat,
    rows: Rows::Joined {
        keep,
        rows: |facts, context| rows(facts, context, |_| true),
    },
};

/// The misses. Of the same four items it is 3; grouped by `miss` two are without an assignee and one is idle.
const MISSES: Metric = Metric {
    name: "hygiene_misses",
    definition: "How many rules of hygiene with a weight the work items missed that were open at the end of each period, and at the end of the range in total; group by miss. See hygiene_score.",
    formula: "1 for each rule that an open item misses",
    measure: Measure::Level,
    form: Form::StackedArea,
    rows: Rows::Joined {
        keep,
        rows: |facts, context| rows(facts, context, |is_missed| is_missed),
    },
    ..SCORE
};

/// Links that do not stand, or that do not say whose child an item is, tell nothing.
fn keep(fact: Fact, _: &Context) -> Option<Fact> {
    let is_needed = match &fact {
        Fact::WorkItem(item, _) => item.is_there(),
        Fact::WorkItemLink(link) => link.active && child_of(link).is_some(),
        _ => false,
    };
    is_needed.then_some(fact)
}

/// The child that a link says an item to be.
/// <https://learn.microsoft.com/azure/devops/boards/queries/link-type-reference>
fn child_of(link: &WorkItemLink) -> Option<u64> {
    match link.rel.strip_prefix("System.LinkTypes.Hierarchy")? {
        "-Reverse" => Some(link.source),
        _ => Some(link.target),
    }
}

/// What is known of all items together.
struct Surroundings {
    children: HashSet<(OrganizationId, u64)>,
    /// When people last did something, of which each is somebody in an organization.
    active: BTreeMap<Who, Vec<Timestamp>>,
}

impl Surroundings {
    fn of(facts: &[Fact], context: &Context) -> Self {
        let mut found = Self {
            children: HashSet::new(),
            active: BTreeMap::new(),
        };
        for fact in facts {
            match fact {
                Fact::WorkItemLink(link) => {
                    let child = child_of(link).map(|child| (link.organization, child));
                    found.children.extend(child);
                }
                Fact::WorkItem(item, _) => {
                    for revision in &item.revisions {
                        if let Some(by) = &revision.by {
                            let who = context.known.people.by_key(by);
                            found.active.entry(who).or_default().push(revision.at);
                        }
                    }
                }
                _ => {}
            }
        }
        found
            .active
            .values_mut()
            .for_each(|own| own.sort_unstable());
        found
    }

    /// Whether somebody did something in a time.
    fn is_active(&self, who: &Who, from: Timestamp, to: Timestamp) -> bool {
        let Some(own) = self.active.get(who) else {
            return false;
        };
        let before = own.partition_point(|at| *at <= to);
        before > 0 && own[before - 1] >= from
    }
}

fn rows(facts: &[Fact], context: &Context, counts: fn(bool) -> bool) -> Vec<Row> {
    let around = Surroundings::of(facts, context);
    let rules: Vec<(Rule, u32)> = Rule::ALL
        .iter()
        .map(|rule| (*rule, context.settings.number(rule.weight())))
        .filter(|(_, weight)| *weight > 0)
        .collect();
    let mut rows = Vec::new();
    for fact in facts {
        let Fact::WorkItem(item, _) = fact else {
            continue;
        };
        let life = Life::of(item, context.planning().workflows(item.organization));
        for at in context.samples.iter().filter(|at| life.is_open_at(**at)) {
            for (rule, weight) in &rules {
                let item = Item {
                    life: &life,
                    at: *at,
                    around: &around,
                    context,
                };
                for (name, is_missed) in item.judged(*rule) {
                    if counts(is_missed) {
                        let value = f64::from(u8::from(is_missed));
                        let row = row_then(&life, context, *at, value);
                        let row = with(row, Dimension::Miss, name);
                        rows.push(with(row, Dimension::Weight, weight.to_string()));
                    }
                }
            }
        }
    }
    rows
}

/// An open item at a time.
struct Item<'a> {
    life: &'a Life<'a>,
    at: Timestamp,
    around: &'a Surroundings,
    context: &'a Context,
}

impl Item<'_> {
    /// Whether it misses a rule, by the name of what it lacks; nothing where that is not known.
    fn judged(&self, rule: Rule) -> Vec<(String, bool)> {
        let is_missed = match rule {
            Rule::Idle => Some(!self.was_changed_since(self.before(rule))),
            Rule::PoorDescription => self.has_poor_description(),
            Rule::NoDueDate => Some(self.is_empty("Microsoft.VSTS.Scheduling.DueDate")),
            Rule::NoAssignee => Some(self.text(Tracked::AssignedTo).is_none()),
            Rule::NoArea => Some(self.text(Tracked::AreaPath) == self.text(Tracked::Project)),
            Rule::NoEstimate => {
                let field = self.context.settings.text(&POINTS_FIELD);
                Some(self.life.points_at(field, self.at).is_none())
            }
            Rule::MissedResponse => self.has_waited(rule),
            Rule::MissedResolution => self.is_older_than(rule),
            Rule::InactiveAssignee => self.has_inactive_assignee(self.before(rule)),
            Rule::MissingParent => Some(!self.is_child()),
            Rule::RequiredField => return self.required_fields(),
        };
        let name = rule.name().to_owned();
        is_missed
            .map(|is_missed| (name, is_missed))
            .into_iter()
            .collect()
    }

    fn text(&self, field: Tracked) -> Option<&str> {
        let text = self.life.text_at(field, self.at);
        text.filter(|text| !text.is_empty())
    }

    /// So many days before as the rule has for a limit.
    fn before(&self, rule: Rule) -> Timestamp {
        let days = rule
            .limit()
            .map_or(0, |limit| self.context.settings.number(limit));
        let span = SignedDuration::from_hours(24 * i64::from(days));
        self.at.checked_sub(span).unwrap_or(Timestamp::MIN)
    }

    fn was_changed_since(&self, since: Timestamp) -> bool {
        let revisions = &self.life.item.revisions;
        let created = self.life.created_at();
        let changes = revisions.iter().map(|own| own.at).chain(created);
        changes.into_iter().any(|at| since <= at && at <= self.at)
    }

    fn has_poor_description(&self) -> Option<bool> {
        let text = self.life.item.text("System.Description")?;
        let limit = Rule::PoorDescription.limit()?;
        let least = self.context.settings.number(limit) as usize;
        Some(readable(text) < least)
    }

    fn is_empty(&self, field: &str) -> bool {
        use model::record::work_item::FieldValue::Text;
        match self.life.item.fields.get(field) {
            Some(Text(text)) => text.trim().is_empty(),
            other => other.is_none(),
        }
    }

    fn is_older_than(&self, rule: Rule) -> Option<bool> {
        Some(self.life.created_at()? < self.before(rule))
    }

    /// Whether its state did not change within the days of the rule, counted from its creation. Where an item came from is not
    /// known of those whose creation was not seen.
    fn has_waited(&self, rule: Rule) -> Option<bool> {
        let created = self.life.created_at()?;
        let goal = created
            .checked_add(self.at.duration_since(self.before(rule)))
            .ok()?;
        let answered = self.life.stays.get(1).and_then(|stay| stay.from);
        let in_time = answered.is_some_and(|answered| answered <= goal);
        self.life.is_whole().then_some(!in_time && goal < self.at)
    }

    fn has_inactive_assignee(&self, since: Timestamp) -> Option<bool> {
        let key = self.life.text_at(Tracked::AssignedTo, self.at)?;
        let who = self.context.known.people.by_key(key);
        Some(!self.around.is_active(&who, since, self.at))
    }

    fn is_child(&self) -> bool {
        let item = self.life.item;
        let linked = self.around.children.contains(&(item.organization, item.id));
        linked || !self.is_empty("System.Parent")
    }

    fn required_fields(&self) -> Vec<(String, bool)> {
        let fields = self.context.settings.texts(&REQUIRED_FIELD).into_iter();
        let fields = fields.filter(|field| !field.is_empty());
        fields
            .map(|field| (format!("no {field}"), self.is_empty(field)))
            .collect()
    }
}

/// How many letters of a text people read: those that are no markup and no space.
fn readable(text: &str) -> usize {
    let mut is_markup = false;
    let mut count = 0;
    for letter in text.chars() {
        match letter {
            '<' => is_markup = true,
            '>' => is_markup = false,
            _ => count += usize::from(!is_markup && !letter.is_whitespace()),
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use model::record::{WorkItem, work_item::FieldValue};

    use super::*;
    use crate::{
        Query, Range, Setting, Statistic,
        boards::samples::{as_fact, change, moved, on, planned_context, story},
        report,
        samples::rows,
    };

    /// The rules that one of the items misses on the 24th, if this rule alone has a weight.
    fn missed(rule: Rule, facts: &[Fact], more: &[(&Setting, &str)]) -> Vec<String> {
        let mut settings: Vec<(&Setting, &str)> = Rule::ALL
            .iter()
            .map(|own| (own.weight(), if *own == rule { "10" } else { "0" }))
            .collect();
        settings.extend(more);
        let rows = rows(&MISSES, facts, &planned_context(&settings));
        let names = rows
            .iter()
            .map(|row| row.dimension(Dimension::Miss).unwrap().to_owned());
        names.collect()
    }

    fn with_field(mut item: WorkItem, field: &str, value: &str) -> WorkItem {
        let value = FieldValue::Text(value.to_owned());
        item.fields.insert(field.to_owned(), value);
        item
    }

    fn assigned(item: WorkItem, day: u32, who: &str) -> WorkItem {
        change(item, on(day, "10:00"), "ann", &[(Tracked::AssignedTo, who)])
    }

    fn misses(rule: Rule, item: WorkItem) -> bool {
        !missed(rule, &[as_fact(item)], &[]).is_empty()
    }

    #[test]
    fn an_item_misses_what_it_lacks() {
        let bare = || story(1, on(2, "09:00"));
        assert!(misses(Rule::NoAssignee, bare()));
        assert!(!misses(Rule::NoAssignee, assigned(bare(), 3, "bo")));
        assert!(misses(Rule::NoDueDate, bare()));
        let due = with_field(bare(), "Microsoft.VSTS.Scheduling.DueDate", "2026-12-01");
        assert!(!misses(Rule::NoDueDate, due));
        let area = |path| change(bare(), on(3, "09:00"), "ann", &[(Tracked::AreaPath, path)]);
        assert!(
            misses(Rule::NoArea, area("Shop")),
            "the root is no component"
        );
        assert!(!misses(Rule::NoArea, area("Shop\\Web")));
        assert!(misses(Rule::NoEstimate, bare()));
        let estimated = change(bare(), on(3, "09:00"), "ann", &[(Tracked::Points, "3")]);
        assert!(!misses(Rule::NoEstimate, estimated));
        assert!(
            !misses(Rule::NoAssignee, moved(bare(), on(3, "09:00"), "Closed")),
            "it is over"
        );
    }

    #[test]
    fn a_description_is_poor_if_it_is_known_to_be() {
        let described = |text| with_field(story(1, on(2, "09:00")), "System.Description", text);
        assert!(misses(
            Rule::PoorDescription,
            described("<div><b>Fix</b> it</div>")
        ));
        assert!(!misses(
            Rule::PoorDescription,
            described("<p>The basket is empty.</p>")
        ));
        assert!(
            !misses(Rule::PoorDescription, story(1, on(2, "09:00"))),
            "nobody knows"
        );
    }

    #[test]
    fn time_runs_out() {
        let old = || story(1, on(2, "09:00") - SignedDuration::from_hours(24 * 40));
        assert!(misses(Rule::Idle, old()));
        assert!(!misses(Rule::Idle, assigned(old(), 3, "bo")));
        assert!(
            misses(Rule::MissedResolution, old())
                && !misses(Rule::MissedResolution, story(1, on(2, "09:00")))
        );
        let begun = |day| moved(story(1, on(2, "09:00")), on(day, "09:00"), "Active");
        assert!(misses(Rule::MissedResponse, begun(8)) && !misses(Rule::MissedResponse, begun(7)));
        assert!(misses(Rule::MissedResponse, story(1, on(2, "09:00"))));
        assert!(
            !misses(Rule::MissedResponse, story(1, on(22, "09:00"))),
            "there is time left"
        );
    }

    #[test]
    fn an_assignee_is_active_who_changes_any_item() {
        let item = || assigned(story(1, on(2, "09:00")), 3, "bo");
        assert!(misses(Rule::InactiveAssignee, item()));
        let other = change(story(2, on(2, "09:00")), on(20, "09:00"), "bo", &[]);
        let facts = [as_fact(item()), as_fact(other)];
        assert!(missed(Rule::InactiveAssignee, &facts, &[]).is_empty());
    }

    #[test]
    fn a_child_has_a_parent_by_a_link_or_by_its_field() {
        let item = || story(7, on(2, "09:00"));
        assert!(misses(Rule::MissingParent, item()));
        let link = |active| {
            Fact::WorkItemLink(WorkItemLink {
                organization: item().organization,
                source: 1,
                rel: "System.LinkTypes.Hierarchy".to_owned(),
                target: 7,
                changed_at: on(2, "10:00"),
                active,
            })
        };
        let with = |active| missed(Rule::MissingParent, &[as_fact(item()), link(active)], &[]);
        assert!(with(true).is_empty() && !with(false).is_empty());
        let mut told = item();
        told.fields
            .insert("System.Parent".to_owned(), FieldValue::Number(1.0));
        assert!(!misses(Rule::MissingParent, told));
    }

    #[test]
    fn fields_of_ones_own_can_be_required() {
        let required = [
            (&REQUIRED_FIELD, "Custom.Customer"),
            (&REQUIRED_FIELD, "Custom.Region"),
        ];
        let item = with_field(story(1, on(2, "09:00")), "Custom.Customer", "Contoso");
        let found = missed(Rule::RequiredField, &[as_fact(item)], &required);
        assert_eq!(found, ["no Custom.Region"]);
    }

    #[test]
    fn half_of_the_items_without_assignee_and_a_quarter_idle_are_62_and_a_half() {
        let old = on(2, "09:00") - SignedDuration::from_hours(24 * 40);
        let facts = [
            as_fact(assigned(story(1, on(2, "09:00")), 3, "bo")),
            as_fact(assigned(story(2, old), 3, "bo")),
            as_fact(story(3, on(2, "09:00"))),
            as_fact(story(4, old)),
        ];
        let off = Rule::ALL
            .iter()
            .filter(|rule| !matches!(rule, Rule::Idle | Rule::NoAssignee));
        let off: Vec<(&Setting, &str)> = off.map(|rule| (rule.weight(), "0")).collect();
        let context = planned_context(&off);
        let query = Query {
            range: Range {
                from: on(1, "00:00"),
                to: on(25, "00:00"),
            },
            zone: jiff::tz::TimeZone::UTC,
            interval: None,
            statistic: Statistic::default(),
            with_negative: true,
            group_by: Vec::new(),
            filters: Vec::new(),
            now: context.now,
        };
        let ask =
            |metric: &Metric| report(metric.measure, &rows(metric, &facts, &context), &query).total;
        assert_eq!(ask(&SCORE).value, Some(62.5));
        assert_eq!(ask(&MISSES).value, Some(3.0));
    }
}
