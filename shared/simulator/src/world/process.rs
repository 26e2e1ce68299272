//! The Agile process: work item types, their states and the states' categories.
//!
//! <https://learn.microsoft.com/azure/devops/boards/work-items/guidance/agile-process-workflow>

/// A work item type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemType {
    Epic,
    Feature,
    UserStory,
    Task,
    Bug,
    Issue,
}

/// A state; every type has some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    New,
    Active,
    Resolved,
    /// A state of the company's own: it ends an item without closing it.
    Shipped,
    Closed,
    Removed,
}

impl ItemType {
    pub(crate) const ALL: [Self; 6] = [
        Self::Epic,
        Self::Feature,
        Self::UserStory,
        Self::Task,
        Self::Bug,
        Self::Issue,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Epic => "Epic",
            Self::Feature => "Feature",
            Self::UserStory => "User Story",
            Self::Task => "Task",
            Self::Bug => "Bug",
            Self::Issue => "Issue",
        }
    }

    pub(crate) fn reference_name(self) -> String {
        format!(
            "Microsoft.VSTS.WorkItemTypes.{}",
            self.name().replace(' ', "")
        )
    }

    pub(crate) fn color(self) -> &'static str {
        match self {
            Self::Epic => "FF7B00",
            Self::Feature => "773B93",
            Self::UserStory => "009CCC",
            Self::Task => "F2CB1D",
            Self::Bug => "CC293D",
            Self::Issue => "B4009E",
        }
    }

    pub(crate) fn icon(self) -> &'static str {
        match self {
            Self::Epic => "icon_crown",
            Self::Feature => "icon_trophy",
            Self::UserStory => "icon_book",
            Self::Task => "icon_clipboard",
            Self::Bug => "icon_insect",
            Self::Issue => "icon_traffic_cone",
        }
    }

    pub(crate) fn states(self) -> &'static [State] {
        match self {
            Self::Epic | Self::Feature => &[
                State::New,
                State::Active,
                State::Resolved,
                State::Closed,
                State::Removed,
            ],
            Self::UserStory => &[
                State::New,
                State::Active,
                State::Resolved,
                State::Shipped,
                State::Closed,
                State::Removed,
            ],
            Self::Task => &[State::New, State::Active, State::Closed, State::Removed],
            Self::Bug => &[State::New, State::Active, State::Resolved, State::Closed],
            Self::Issue => &[State::Active, State::Closed],
        }
    }

    /// Whether finished work is resolved before it is closed.
    pub(crate) fn is_resolved_first(self) -> bool {
        self.states().contains(&State::Resolved)
    }
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Active => "Active",
            Self::Resolved => "Resolved",
            Self::Shipped => "Shipped",
            Self::Closed => "Closed",
            Self::Removed => "Removed",
        }
    }

    pub(crate) fn color(self) -> &'static str {
        match self {
            Self::New => "b2b2b2",
            Self::Active => "007acc",
            Self::Resolved => "ff9d00",
            Self::Shipped | Self::Closed => "339933",
            Self::Removed => "ffffff",
        }
    }

    pub(crate) fn category(self) -> &'static str {
        match self {
            Self::New => "Proposed",
            Self::Active => "InProgress",
            Self::Resolved => "Resolved",
            Self::Shipped | Self::Closed => "Completed",
            Self::Removed => "Removed",
        }
    }

    /// Whether work in this state is still to be done.
    pub(crate) fn is_open(self) -> bool {
        !matches!(self, Self::Shipped | Self::Closed | Self::Removed)
    }
}
