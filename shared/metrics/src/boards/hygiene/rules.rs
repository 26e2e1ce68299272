//! The rules of hygiene, what each weighs, and where its limit is.

use crate::{Setting, Values, boards::items::POINTS_FIELD};

/// What an item can lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nobody has changed it for some days.
    Idle,
    /// Its description is very short.
    PoorDescription,
    /// It has no due date.
    NoDueDate,
    /// It has no assignee.
    NoAssignee,
    /// It is in the root area of its project: no component or team.
    NoArea,
    /// It has no estimate.
    NoEstimate,
    /// Its state did not change in the days after its creation.
    MissedResponse,
    /// It is open for longer than some days.
    MissedResolution,
    /// Its assignee has not touched any work item for some days.
    InactiveAssignee,
    /// It is nobody's child.
    MissingParent,
    /// A field that must not be empty is.
    RequiredField,
}

impl Rule {
    /// Every rule.
    pub(super) const ALL: [Self; 11] = [
        Self::Idle,
        Self::PoorDescription,
        Self::NoDueDate,
        Self::NoAssignee,
        Self::NoArea,
        Self::NoEstimate,
        Self::MissedResponse,
        Self::MissedResolution,
        Self::InactiveAssignee,
        Self::MissingParent,
        Self::RequiredField,
    ];

    /// The name in the API; a required field is named instead.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::PoorDescription => "poor_description",
            Self::NoDueDate => "no_due_date",
            Self::NoAssignee => "no_assignee",
            Self::NoArea => "no_area",
            Self::NoEstimate => "no_estimate",
            Self::MissedResponse => "missed_response",
            Self::MissedResolution => "missed_resolution",
            Self::InactiveAssignee => "inactive_assignee",
            Self::MissingParent => "missing_parent",
            Self::RequiredField => "required_field",
        }
    }

    /// The setting that says what it weighs; 0 switches it off.
    pub(super) const fn weight(self) -> &'static Setting {
        &SETTINGS[self as usize]
    }

    /// The setting that says where its limit is, if it has one.
    pub(super) const fn limit(self) -> Option<&'static Setting> {
        match self {
            Self::Idle => Some(&SETTINGS[11]),
            Self::PoorDescription => Some(&SETTINGS[12]),
            Self::MissedResponse => Some(&SETTINGS[13]),
            Self::MissedResolution => Some(&SETTINGS[14]),
            Self::InactiveAssignee => Some(&SETTINGS[15]),
            _ => None,
        }
    }
}

/// A field that must not be empty.
pub(super) const REQUIRED_FIELD: Setting = Setting {
    name: "required_field",
    meaning: "The reference name of a field that must not be empty; given again, each of them is a rule of its own.",
    default: "",
    values: Values::Field,
};

const fn weight(name: &'static str, meaning: &'static str, default: &'static str) -> Setting {
    Setting {
        name,
        meaning,
        default,
        values: Values::Number(0, 100),
    }
}

const fn limit(name: &'static str, meaning: &'static str, default: &'static str) -> Setting {
    Setting {
        name,
        meaning,
        default,
        values: Values::Number(1, 1_000),
    }
}

/// The weights in the order of the rules, the limits, and the rest. The weights that hold by default are those of the stock dashboards
/// of the replaced product, but for a description, which brings their sum of 98 to 100.
pub(super) const SETTINGS: &[Setting] = &[
    weight(
        "weight_idle",
        "What it weighs that nobody changed an item for idle_days.",
        "20",
    ),
    weight(
        "weight_poor_description",
        "What it weighs that a description has fewer letters than description_letters.",
        "10",
    ),
    weight(
        "weight_no_due_date",
        "What it weighs that there is no due date.",
        "30",
    ),
    weight(
        "weight_no_assignee",
        "What it weighs that nobody is assigned.",
        "20",
    ),
    weight(
        "weight_no_area",
        "What it weighs that an item is in the root area of its project.",
        "20",
    ),
    weight(
        "weight_no_estimate",
        "What it weighs that there is no estimate.",
        "0",
    ),
    weight(
        "weight_missed_response",
        "What it weighs that the state of an item did not change within response_days of its creation.",
        "0",
    ),
    weight(
        "weight_missed_resolution",
        "What it weighs that an item has been open for more than resolution_days.",
        "0",
    ),
    weight(
        "weight_inactive_assignee",
        "What it weighs that the assignee has changed no work item for inactive_days.",
        "0",
    ),
    weight(
        "weight_missing_parent",
        "What it weighs that an item is nobody's child.",
        "0",
    ),
    weight(
        "weight_required_field",
        "What it weighs that a required_field is empty, each.",
        "10",
    ),
    limit(
        "idle_days",
        "After how many days without a change an item is idle.",
        "30",
    ),
    limit(
        "description_letters",
        "How many letters a description needs.",
        "10",
    ),
    limit(
        "response_days",
        "Within how many days of its creation the state of an item has to change.",
        "5",
    ),
    limit(
        "resolution_days",
        "For how many days an item may be open.",
        "30",
    ),
    limit(
        "inactive_days",
        "After how many days without a change of any work item an assignee is inactive.",
        "30",
    ),
    REQUIRED_FIELD,
    POINTS_FIELD,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_finds_its_own_weight_and_limit() {
        for rule in Rule::ALL {
            assert_eq!(rule.weight().name, format!("weight_{}", rule.name()));
        }
        let limits = Rule::ALL
            .iter()
            .filter_map(|rule| Some((rule.name(), rule.limit()?.name)));
        let expected = [
            ("idle", "idle_days"),
            ("poor_description", "description_letters"),
            ("missed_response", "response_days"),
            ("missed_resolution", "resolution_days"),
            ("inactive_assignee", "inactive_days"),
        ];
        assert_eq!(limits.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_default_weights_are_a_hundred_without_required_fields() {
        let weights = Rule::ALL
            .iter()
            .filter(|rule| **rule != Rule::RequiredField);
        let weights = weights.map(|rule| rule.weight().default.parse::<u32>().unwrap());
        assert_eq!(weights.sum::<u32>(), 100);
    }
}
