//! The fields of a work item revision.
//!
//! <https://learn.microsoft.com/azure/devops/boards/work-items/guidance/work-item-field>

use serde_json::{Map, Value, json};

use crate::http::call::Call;
use crate::http::identity;
use crate::world::classification;
use crate::world::people::PersonId;
use crate::world::process::{ItemType, State};
use crate::world::text;
use crate::world::work_items::{Revision, WorkItem};

/// How values are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Identities as objects rather than as `Name <mail>`.
    pub(crate) is_object: bool,
    /// With description and discussion.
    pub(crate) has_long_text: bool,
    /// Tags as objects rather than as `a; b`.
    pub(crate) tag_objects: bool,
    /// With what only the reporting endpoints give: `System.RevisedDate` and the deleted marker.
    pub(crate) is_reporting: bool,
}

/// What the fields of the one board begin with: every board adds fields of its own.
const BOARD: &str = "WEF_6CB513B6E70E43499D9FC94E5BBFB784";

/// Reference name, display name and type of every field.
pub(crate) const FIELDS: [(&str, &str, &str); 40] = [
    ("System.Id", "ID", "integer"),
    ("System.Rev", "Rev", "integer"),
    ("System.AreaPath", "Area Path", "treePath"),
    ("System.TeamProject", "Team Project", "string"),
    ("System.IterationPath", "Iteration Path", "treePath"),
    ("System.WorkItemType", "Work Item Type", "string"),
    ("System.State", "State", "string"),
    ("System.Reason", "Reason", "string"),
    ("System.AssignedTo", "Assigned To", "string"),
    ("System.CreatedDate", "Created Date", "dateTime"),
    ("System.CreatedBy", "Created By", "string"),
    ("System.ChangedDate", "Changed Date", "dateTime"),
    ("System.ChangedBy", "Changed By", "string"),
    ("System.RevisedDate", "Revised Date", "dateTime"),
    ("System.CommentCount", "Comment Count", "integer"),
    ("System.ExternalLinkCount", "External Link Count", "integer"),
    ("System.Title", "Title", "string"),
    ("System.Description", "Description", "html"),
    ("System.History", "History", "history"),
    ("System.Tags", "Tags", "plainText"),
    ("System.Parent", "Parent", "integer"),
    ("System.BoardColumn", "Board Column", "string"),
    ("System.BoardColumnDone", "Board Column Done", "boolean"),
    ("System.BoardLane", "Board Lane", "string"),
    (
        "WEF_6CB513B6E70E43499D9FC94E5BBFB784_Kanban.Column",
        "Board Column",
        "string",
    ),
    (
        "WEF_6CB513B6E70E43499D9FC94E5BBFB784_Kanban.Column.Done",
        "Board Column Done",
        "boolean",
    ),
    (
        "WEF_6CB513B6E70E43499D9FC94E5BBFB784_Kanban.Lane",
        "Board Lane",
        "string",
    ),
    (
        "Microsoft.VSTS.Common.ActivatedBy",
        "Activated By",
        "string",
    ),
    ("Microsoft.VSTS.Common.ResolvedBy", "Resolved By", "string"),
    ("Microsoft.VSTS.Common.ClosedBy", "Closed By", "string"),
    ("Custom.Customer", "Customer", "string"),
    ("Custom.CostCenter", "Cost Center", "integer"),
    ("Custom.IsRegulated", "Is Regulated", "boolean"),
    ("Custom.Approver", "Approver", "string"),
    ("Microsoft.VSTS.Common.Priority", "Priority", "integer"),
    (
        "Microsoft.VSTS.Common.StateChangeDate",
        "State Change Date",
        "dateTime",
    ),
    (
        "Microsoft.VSTS.Common.ActivatedDate",
        "Activated Date",
        "dateTime",
    ),
    (
        "Microsoft.VSTS.Common.ResolvedDate",
        "Resolved Date",
        "dateTime",
    ),
    (
        "Microsoft.VSTS.Common.ClosedDate",
        "Closed Date",
        "dateTime",
    ),
    (
        "Microsoft.VSTS.Scheduling.StoryPoints",
        "Story Points",
        "double",
    ),
];

/// The fields of the revision number `rev`, counted from 1.
pub(crate) fn of(
    call: &Call<'_>,
    item: &WorkItem,
    rev: usize,
    manner: Manner,
) -> Map<String, Value> {
    let revision = &item.revisions[rev - 1];
    let mut writer = Writer {
        call,
        manner,
        map: Map::new(),
    };
    writer.identity_of_the_item(item, revision, rev);
    writer.progress(revision);
    writer.board(revision);
    writer.own_fields(item, revision);
    if let Some(parent) = item.parent_at(revision.at) {
        writer.put("System.Parent", call.world.work_items[parent].id);
    }
    if manner.is_reporting {
        let revised = item.revisions.get(rev).map_or_else(
            || "9999-01-01T00:00:00Z".to_owned(),
            |next| next.at.to_string(),
        );
        writer.put("System.RevisedDate", revised);
        if revision.fields.is_deleted {
            writer.put(&call.config().unverified.deleted_field, true);
        }
    }
    writer.map
}

struct Writer<'a, 'b> {
    call: &'a Call<'b>,
    manner: Manner,
    map: Map<String, Value>,
}

impl Writer<'_, '_> {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.map.insert(name.to_owned(), value.into());
    }

    fn person(&mut self, name: &str, person: PersonId) {
        let value = match self.manner.is_object {
            true => identity::reference(self.call.world, person),
            false => identity::combined(self.call.world, person).into(),
        };
        self.put(name, value);
    }

    fn identity_of_the_item(&mut self, item: &WorkItem, revision: &Revision, rev: usize) {
        let fields = &revision.fields;
        let project = &self.call.world.projects[usize::from(fields.project)];
        self.put("System.Id", item.id);
        self.put("System.Rev", rev);
        self.put("System.TeamProject", project.name.as_str());
        self.put(
            "System.AreaPath",
            classification::area_path(project, fields.area),
        );
        self.put(
            "System.IterationPath",
            classification::iteration_path(project, fields.sprint),
        );
        self.put("System.WorkItemType", fields.kind.name());
        self.put("System.Title", text::title(fields.title));
        self.put("System.CreatedDate", item.created().at.to_string());
        self.person("System.CreatedBy", item.created().by);
        self.put("System.ChangedDate", revision.at.to_string());
        self.person("System.ChangedBy", revision.by);
        let unverified = &self.call.config().unverified;
        let is_historic = unverified.comment_count_is_historic || !self.manner.is_reporting;
        let (now, then) = (item.latest().fields.comments, fields.comments);
        let tells_links = unverified.external_link_count || !self.manner.is_reporting;
        self.put("System.CommentCount", if is_historic { then } else { now });
        if tells_links {
            self.put("System.ExternalLinkCount", item.external_links(rev));
        }
        if self.manner.has_long_text {
            self.put(
                "System.Description",
                format!("<div>{}</div>", text::prose(120)),
            );
            if let Some(comment) = revision.comment {
                self.put("System.History", comment);
            }
        }
    }

    fn progress(&mut self, revision: &Revision) {
        let fields = &revision.fields;
        self.put("System.State", fields.state.name());
        self.put("System.Reason", fields.reason);
        self.put(
            "Microsoft.VSTS.Common.StateChangeDate",
            fields.state_changed.to_string(),
        );
        let steps = [
            ("Activated", fields.activated),
            ("Resolved", fields.resolved),
            ("Closed", fields.closed),
        ];
        for (step, (at, by)) in steps
            .into_iter()
            .filter_map(|(step, done)| Some((step, done?)))
        {
            self.put(&format!("Microsoft.VSTS.Common.{step}Date"), at.to_string());
            self.person(&format!("Microsoft.VSTS.Common.{step}By"), by);
        }
        if let Some(assignee) = fields.assignee {
            self.person("System.AssignedTo", assignee);
        }
    }

    fn board(&mut self, revision: &Revision) {
        let fields = &revision.fields;
        self.put("Microsoft.VSTS.Common.Priority", fields.priority);
        if let Some(points) = fields.points {
            self.put("Microsoft.VSTS.Scheduling.StoryPoints", f64::from(points));
        }
        if matches!(fields.kind, ItemType::UserStory | ItemType::Bug) {
            let lane = match fields.priority == 1 && fields.state == State::Active {
                true => "Expedite",
                false => "",
            };
            let values: [(&str, &str, Value); 3] = [
                ("System.BoardColumn", "Column", fields.state.name().into()),
                (
                    "System.BoardColumnDone",
                    "Column.Done",
                    fields.column_done.into(),
                ),
                ("System.BoardLane", "Lane", lane.into()),
            ];
            let has_system =
                self.call.config().unverified.board_fields || !self.manner.is_reporting;
            for (system, own, value) in values {
                if has_system && value != "" {
                    self.put(system, value.clone());
                }
                self.put(&format!("{BOARD}_Kanban.{own}"), value);
            }
        }
        if !fields.tags.is_empty() {
            let tags = match self.manner.tag_objects {
                true => fields
                    .tags
                    .iter()
                    .map(|tag| json!({ "name": tag }))
                    .collect(),
                false => Value::String(fields.tags.join("; ")),
            };
            self.put("System.Tags", tags);
        }
    }

    /// Fields that the company added to its process; some are empty, and one names a person.
    fn own_fields(&mut self, item: &WorkItem, revision: &Revision) {
        if !item.id.is_multiple_of(3) {
            return;
        }
        let customers = ["Contoso", "Wide World Importers", "Tailspin Toys"];
        let customer = customers[item.id as usize % customers.len()];
        self.put("Custom.Customer", customer);
        self.put("Custom.CostCenter", 4_000 + item.id % 90);
        self.put("Custom.IsRegulated", item.id.is_multiple_of(2));
        if let Some((_, approver)) = revision.fields.resolved {
            self.person("Custom.Approver", approver);
        }
    }
}
