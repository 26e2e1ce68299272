//! Work items, revision by revision, for the whole organization in one stream.

use std::collections::BTreeMap;

use ado::{Host, Paging};
use jiff::Timestamp;
use model::{
    Kind, Record, Service,
    record::{
        Identity,
        work_item::{FieldValue, Revision, Tracked, WorkItem},
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    API_VERSION, CursorRule, Every, FanOut, Fetch, List, Map, MapError, Resource, Target,
    wire::{IdentityRef, Text, Time, identity_in_text},
};

/// Every revision since the window began, in the order in which they were committed. One stream for all projects also
/// sees items that move between them.
/// <https://learn.microsoft.com/rest/api/azure/devops/wit/reporting-work-item-revisions/read-reporting-revisions-get>
pub(crate) static WORK_ITEM_REVISIONS: Resource = Resource {
    name: "work_item_revisions",
    service: Service::Boards,
    kind: Kind::WorkItem,
    fan_out: FanOut::Organization,
    every: Every::Period,
    fetch: Fetch::List(List {
        host: Host::Core,
        path: "_apis/wit/reporting/workitemrevisions",
        query: &[
            API_VERSION,
            ("includeIdentityRef", "true"),
            ("includeDeleted", "true"),
            ("$maxPageSize", "1000"),
        ],
        body: None,
        items: "values",
        paging: Paging::BodyToken,
        cursor: CursorRule::Token {
            start: "startDateTime",
        },
        map: Map::One(map),
    }),
};

#[derive(Deserialize)]
struct Wire<'a> {
    id: u64,
    rev: u32,
    #[serde(borrow)]
    fields: BTreeMap<Text<'a>, &'a RawValue>,
}

/// A value as the wire has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum WireValue<'a> {
    Boolean(bool),
    Number(f64),
    Text(#[serde(borrow)] Text<'a>),
    Identity(#[serde(borrow)] IdentityRef<'a>),
}

/// A work item with the one revision that the item is.
///
/// # Errors
/// It has no id, no revision number, or no date of change.
pub(crate) fn map(target: &Target<'_>, item: &RawValue) -> Result<Record, MapError> {
    let wire: Wire<'_> = serde_json::from_str(item.get())?;
    let mut fields = Fields::read(&wire.fields);
    let changed_at = fields
        .time("System.ChangedDate")
        .required_as("System.ChangedDate")?;
    let changed_by = fields.person("System.ChangedBy");
    let revision = Revision {
        rev: wire.rev,
        at: changed_at,
        by: changed_by.as_ref().and_then(name_of),
        changes: fields.tracked(),
    };
    Ok(Record::WorkItem(Box::new(WorkItem {
        organization: target.organization.id,
        id: wire.id,
        rev: wire.rev,
        is_deleted: fields.take("System.IsDeleted") == Some(FieldValue::Boolean(true)),
        gone_at: None,
        created_at: fields.time("System.CreatedDate"),
        created_by: fields.person("System.CreatedBy"),
        changed_at,
        changed_by,
        closed_at: fields.time("Microsoft.VSTS.Common.ClosedDate"),
        title: fields.text("System.Title"),
        fields: fields.rest(),
        revisions: vec![revision],
    })))
}

/// How a revision refers to a person: by id, or by sign-in name where the service gives no id.
fn name_of(identity: &Identity) -> Option<String> {
    identity
        .id
        .clone()
        .or_else(|| identity.unique_name.clone())
        .or_else(|| identity.name.clone())
}

/// The fields by reference name; each is taken out by the part of the record that it fills.
struct Fields(BTreeMap<String, FieldValue>);

/// What a process calls its estimate: Agile, Scrum, CMMI.
const POINTS: [&str; 3] = [
    "Microsoft.VSTS.Scheduling.StoryPoints",
    "Microsoft.VSTS.Scheduling.Effort",
    "Microsoft.VSTS.Scheduling.Size",
];

/// Fields whose history is kept, and which therefore also stay among the current fields.
const TRACKED: [(&str, Tracked); 12] = [
    ("System.TeamProject", Tracked::Project),
    ("System.WorkItemType", Tracked::Type),
    ("System.State", Tracked::State),
    ("System.AssignedTo", Tracked::AssignedTo),
    ("System.AreaPath", Tracked::AreaPath),
    ("System.IterationPath", Tracked::IterationPath),
    ("System.Tags", Tracked::Tags),
    ("System.BoardColumn", Tracked::BoardColumn),
    ("System.BoardColumnDone", Tracked::BoardColumnDone),
    ("System.BoardLane", Tracked::BoardLane),
    ("Microsoft.VSTS.Common.Priority", Tracked::Priority),
    ("System.CommentCount", Tracked::Comments),
];

/// What the fields of single boards are called; each board has its own, with its id in front. Answers without the
/// `System` fields have these only.
/// <https://learn.microsoft.com/azure/devops/boards/queries/query-by-workflow-changes>
const BOARD: [(&str, Tracked); 3] = [
    ("_Kanban.Column", Tracked::BoardColumn),
    ("_Kanban.Column.Done", Tracked::BoardColumnDone),
    ("_Kanban.Lane", Tracked::BoardLane),
];

/// Fields that hold people. Answers without identity references write them as text.
const PEOPLE: [&str; 6] = [
    "System.AssignedTo",
    "System.ChangedBy",
    "System.CreatedBy",
    "Microsoft.VSTS.Common.ActivatedBy",
    "Microsoft.VSTS.Common.ResolvedBy",
    "Microsoft.VSTS.Common.ClosedBy",
];

/// Fields that say what the record says elsewhere, or that are about the request and not about the item.
const REDUNDANT: [&str; 6] = [
    "System.Id",
    "System.Rev",
    "System.Watermark",
    "System.AuthorizedDate",
    "System.RevisedDate",
    "System.PersonId",
];

impl Fields {
    fn read(wire: &BTreeMap<Text<'_>, &RawValue>) -> Self {
        let mut fields = BTreeMap::new();
        for (name, value) in wire {
            let value = match serde_json::from_str(value.get()) {
                Ok(WireValue::Boolean(value)) => FieldValue::Boolean(value),
                Ok(WireValue::Number(value)) => FieldValue::Number(value),
                Ok(WireValue::Text(text)) if PEOPLE.contains(&name.0.as_ref()) => {
                    FieldValue::Identity(identity_in_text(&text.0))
                }
                Ok(WireValue::Text(text)) => FieldValue::Text(text.owned()),
                Ok(WireValue::Identity(person)) => match person.identity() {
                    Some(person) => FieldValue::Identity(person),
                    None => continue,
                },
                // An empty field is `null`; lists and other shapes are not values of a field.
                Err(_) => continue,
            };
            fields.insert(name.0.clone().into_owned(), value);
        }
        Self(fields)
    }

    fn take(&mut self, name: &str) -> Option<FieldValue> {
        self.0.remove(name)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            FieldValue::Text(text) => Some(text),
            _ => None,
        }
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.text(name).and_then(|text| Time::parse(&text).0)
    }

    fn person(&mut self, name: &str) -> Option<Identity> {
        match self.take(name)? {
            FieldValue::Identity(person) => Some(person),
            _ => None,
        }
    }

    fn tracked(&self) -> BTreeMap<Tracked, Option<FieldValue>> {
        let mut tracked: BTreeMap<_, _> = TRACKED
            .iter()
            .filter_map(|(name, field)| Some((*field, Some(self.value_of(name)?))))
            .collect();
        if let Some(points) = POINTS.iter().find_map(|name| self.value_of(name)) {
            tracked.insert(Tracked::Points, Some(points));
        }
        for (suffix, field) in BOARD {
            if let Some(value) = self.of_first_board(suffix) {
                tracked.entry(field).or_insert(Some(value));
            }
        }
        tracked
    }

    fn of_first_board(&self, suffix: &str) -> Option<FieldValue> {
        let mut boards = self.0.range("WEF_".to_owned()..);
        let (_, value) = boards
            .by_ref()
            .take_while(|(name, _)| name.starts_with("WEF_"))
            .find(|(name, _)| name.ends_with(suffix))?;
        Some(value.clone())
    }

    /// A value as history keeps it: people by their id.
    fn value_of(&self, name: &str) -> Option<FieldValue> {
        match self.0.get(name)? {
            FieldValue::Identity(person) => name_of(person).map(FieldValue::Text),
            value => Some(value.clone()),
        }
    }

    fn rest(mut self) -> BTreeMap<String, FieldValue> {
        self.0.retain(|name, _| !REDUNDANT.contains(&name.as_str()));
        self.0
    }
}

trait RequiredAs {
    fn required_as(self, name: &str) -> Result<Timestamp, MapError>;
}

impl RequiredAs for Option<Timestamp> {
    fn required_as(self, name: &str) -> Result<Timestamp, MapError> {
        Time(self).required(name)
    }
}

#[cfg(test)]
mod tests {
    use model::{Organization, OrganizationId, Scope};

    use super::*;

    fn item(fields: &str) -> WorkItem {
        let organization = Organization {
            id: OrganizationId(uuid::Uuid::nil()),
            name: "fabrikam".parse().unwrap(),
        };
        let target = Target {
            organization: &organization,
            scope: &Scope::Organization,
        };
        let dated = r#""System.ChangedDate":"2026-11-23T10:00:00.5Z""#;
        let json = format!(r#"{{"id":7,"rev":3,"fields":{{{dated},{fields}}}}}"#);
        let raw = RawValue::from_string(json).unwrap();
        match map(&target, &raw).unwrap() {
            Record::WorkItem(item) => *item,
            other => panic!("{other:?}"),
        }
    }

    fn tracked(item: &WorkItem, field: Tracked) -> Option<FieldValue> {
        item.revisions[0].changes.get(&field).cloned().flatten()
    }

    fn text(text: &str) -> Option<FieldValue> {
        Some(FieldValue::Text(text.to_owned()))
    }

    #[test]
    fn fields_of_ones_own_are_kept_whatever_their_type() {
        let item = item(
            r#""Custom.Team":"Blue","Custom.Cost":1.5,"Custom.IsRegulated":true,"Custom.Empty":null,
               "Custom.Approver":{"id":"a1","displayName":"Ann","uniqueName":"ann@fabrikam.example"}"#,
        );
        assert_eq!(item.text("Custom.Team"), Some("Blue"));
        assert_eq!(item.fields["Custom.Cost"], FieldValue::Number(1.5));
        assert_eq!(item.fields["Custom.IsRegulated"], FieldValue::Boolean(true));
        assert!(
            matches!(&item.fields["Custom.Approver"], FieldValue::Identity(ann) if ann.id.as_deref() == Some("a1"))
        );
        assert!(!item.fields.contains_key("Custom.Empty"));
    }

    #[test]
    fn the_board_is_tracked_by_whichever_fields_the_answer_has() {
        let both = r#""System.BoardColumn":"Doing","WEF_0A_Kanban.Column":"Other","WEF_0A_Kanban.Lane":"Expedite""#;
        let both = item(both);
        assert_eq!(tracked(&both, Tracked::BoardColumn), text("Doing"));
        assert_eq!(tracked(&both, Tracked::BoardLane), text("Expedite"));
        let own = r#""WEF_0B_Kanban.Column":"Second","WEF_0A_Kanban.Column":"First","WEF_0A_Kanban.Column.Done":true"#;
        let own = item(own);
        assert_eq!(tracked(&own, Tracked::BoardColumn), text("First"));
        let done = Some(FieldValue::Boolean(true));
        assert_eq!(tracked(&own, Tracked::BoardColumnDone), done);
        assert_eq!(tracked(&own, Tracked::BoardLane), None);
    }

    #[test]
    fn an_estimate_is_tracked_by_the_name_of_any_process() {
        for name in POINTS {
            let item = item(&format!(r#""{name}":5"#));
            assert_eq!(
                tracked(&item, Tracked::Points),
                Some(FieldValue::Number(5.0)),
                "{name}"
            );
        }
    }
}
