//! Two records of one thing, field by field. Pure.

use std::collections::BTreeMap;

use model::{Record, record::pull_request::DESCRIPTION_LIMIT};
use serde::Serialize;
use serde_json::Value;

/// One field of both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Field {
    /// Its name in the stored record; a field within a field has a dot before its name.
    pub(crate) name: String,
    /// What is stored; `null` for nothing.
    pub(crate) stored: Value,
    /// What Azure DevOps says; `null` for nothing.
    pub(crate) live: Value,
    /// How they differ.
    pub(crate) difference: Difference,
}

/// How the two sides of a field differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Difference {
    /// Not at all.
    Equal,
    /// Lists of the service cut the text; what is stored is its beginning.
    Cut,
    /// Ingestion does not bring it: at the same revision the field is there for one who asks for the item alone.
    NotIngested,
    /// The values are different.
    Changed,
    /// Only the stored record has it.
    OnlyStored,
    /// Only Azure DevOps has it.
    OnlyLive,
    /// There is only one side.
    Alone,
}

impl Difference {
    /// Whether the sides say different things.
    pub(crate) fn matters(self) -> bool {
        match self {
            Self::Changed | Self::OnlyStored | Self::OnlyLive => true,
            Self::Equal | Self::Cut | Self::NotIngested | Self::Alone => false,
        }
    }
}

/// What is ours and not upstream's: what was found out, and the history that one answer does not tell.
const OURS: [&str; 2] = ["gone_at", "revisions"];

/// More of a text is not shown; it is compared as a whole.
const SHOWN_CHARACTERS: usize = 1_000;

/// The fields of two records of one kind, by name; of one record, if there is only one.
///
/// # Errors
/// A record cannot be written as JSON, which would be a defect of its type.
pub(crate) fn compare(
    stored: Option<&Record>,
    live: Option<&Record>,
) -> Result<Vec<Field>, serde_json::Error> {
    let has_both = stored.is_some() && live.is_some();
    let is_same_revision = match (stored, live) {
        (Some(Record::WorkItem(stored)), Some(Record::WorkItem(live))) => stored.rev == live.rev,
        _ => false,
    };
    let (mut stored, mut live) = (leaves(stored)?, leaves(live)?);
    let mut names: Vec<String> = stored.keys().chain(live.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    let field = |name: String| {
        let stored = stored.remove(&name).unwrap_or_default();
        let live = live.remove(&name).unwrap_or_default();
        let difference = match difference(&stored, &live) {
            _ if !has_both => Difference::Alone,
            Difference::OnlyLive if is_same_revision && name.starts_with("fields.") => {
                Difference::NotIngested
            }
            Difference::Changed if name == "description" && is_cut(&stored, &live) => {
                Difference::Cut
            }
            difference => difference,
        };
        Field {
            name,
            stored: shown(stored),
            live: shown(live),
            difference,
        }
    };
    Ok(names.into_iter().map(field).collect())
}

fn difference(stored: &Value, live: &Value) -> Difference {
    match (stored, live) {
        _ if stored == live => Difference::Equal,
        (Value::Null, _) => Difference::OnlyLive,
        (_, Value::Null) => Difference::OnlyStored,
        _ => Difference::Changed,
    }
}

/// Whether a description is as long as lists give it, and the other one goes on from there. The service counts UTF-16 units.
fn is_cut(stored: &Value, live: &Value) -> bool {
    let (Some(stored), Some(live)) = (stored.as_str(), live.as_str()) else {
        return false;
    };
    stored.encode_utf16().count() == DESCRIPTION_LIMIT && live.starts_with(stored)
}

/// The fields of a record that are no objects themselves. Nothing and an empty list are the same, because both are left out
/// where a record is written.
fn leaves(record: Option<&Record>) -> Result<BTreeMap<String, Value>, serde_json::Error> {
    let mut found = BTreeMap::new();
    if let Some(record) = record {
        let body: Value = serde_json::from_str(&record.body()?)?;
        collect(String::new(), body, &mut found);
    }
    Ok(found)
}

fn collect(name: String, value: Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                match name.as_str() {
                    "" if OURS.contains(&member.as_str()) => {}
                    "" => collect(member, value, found),
                    _ => collect(format!("{name}.{member}"), value, found),
                }
            }
        }
        Value::Null => {}
        Value::Array(list) if list.is_empty() => {}
        value => {
            found.insert(name, value);
        }
    }
}

fn shown(value: Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > SHOWN_CHARACTERS => {
            let beginning: String = text.chars().take(SHOWN_CHARACTERS).collect();
            Value::String(format!("{beginning}…"))
        }
        value => value,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use model::Kind;
    use serde_json::json;

    use super::*;

    pub(crate) fn run(change: impl FnOnce(&mut Value)) -> Record {
        let mut body = json!({
            "id": 7, "project": "00000000-0000-0000-0000-000000000001", "number": "20261102.1",
            "pipeline": { "id": 3, "name": "web", "folder": null, "revision": 2 },
            "status": "completed", "result": "succeeded", "reason": null,
            "queued_at": "2026-11-02T10:00:00Z", "started_at": "2026-11-02T10:00:05Z",
            "finished_at": "2026-11-02T10:05:00Z", "last_changed_at": "2026-11-02T10:05:00Z",
            "source_branch": null, "source_version": null, "repository": null,
            "requested_for": { "id": "a1", "name": "Ann" }, "pull_request": null, "triggered_by": null,
        });
        change(&mut body);
        Record::from_body(Kind::Run, &body.to_string()).unwrap()
    }

    pub(crate) fn work_item(change: impl FnOnce(&mut Value)) -> Record {
        let mut body = json!({
            "organization": "00000000-0000-0000-0000-000000000000", "id": 9, "rev": 4, "is_deleted": false,
            "created_at": null, "created_by": null, "changed_at": "2026-11-02T10:00:00Z", "changed_by": null,
            "closed_at": null, "title": "Wrong output", "fields": { "System.State": "Active" },
            "revisions": [{ "rev": 4, "at": "2026-11-02T10:00:00Z", "changes": {} }],
        });
        change(&mut body);
        Record::from_body(Kind::WorkItem, &body.to_string()).unwrap()
    }

    pub(crate) fn pull_request(change: impl FnOnce(&mut Value)) -> Record {
        let mut body = json!({
            "id": 5, "project": "00000000-0000-0000-0000-000000000001",
            "repository": "00000000-0000-0000-0000-000000000002", "status": "active", "is_draft": false,
            "title": "Fix", "description": null, "description_truncated": false, "created_by": null,
            "created_at": "2026-11-02T10:00:00Z", "closed_at": null, "source_branch": "refs/heads/fix",
            "target_branch": "refs/heads/main", "merge_status": null, "merge_strategy": null,
            "source_commit": null, "target_commit": null, "merge_commit": null, "reviewers": [],
        });
        change(&mut body);
        Record::from_body(Kind::PullRequest, &body.to_string()).unwrap()
    }

    /// The fields that are not equal.
    fn differing(stored: &Record, live: &Record) -> Vec<(String, Difference)> {
        let fields = compare(Some(stored), Some(live)).unwrap();
        let differ = fields
            .into_iter()
            .filter(|own| own.difference != Difference::Equal);
        differ.map(|own| (own.name, own.difference)).collect()
    }

    #[test]
    fn equal_records_differ_in_no_field_and_show_all_of_them() {
        let fields = compare(Some(&run(|_| {})), Some(&run(|_| {}))).unwrap();
        assert!(fields.iter().all(|own| own.difference == Difference::Equal));
        let name = fields
            .iter()
            .find(|own| own.name == "pipeline.name")
            .unwrap();
        assert_eq!((&name.stored, &name.live), (&json!("web"), &json!("web")));
    }

    #[test]
    fn each_difference_is_found_where_it_is() {
        let live = run(|body| {
            body["result"] = json!("failed");
            body["requested_for"] = Value::Null;
            body["tags"] = json!(["late"]);
        });
        let expected = [
            ("requested_for.id", Difference::OnlyStored),
            ("requested_for.name", Difference::OnlyStored),
            ("result", Difference::Changed),
            ("tags", Difference::OnlyLive),
        ];
        let expected = expected.map(|(name, difference)| (name.to_owned(), difference));
        assert_eq!(differing(&run(|_| {}), &live), expected);
    }

    #[test]
    fn what_is_ours_is_not_compared() {
        let gone = run(|body| body["gone_at"] = json!("2026-11-03T00:00:00Z"));
        assert_eq!(differing(&gone, &run(|_| {})), []);
        let longer = work_item(|body| {
            body["revisions"] = json!([{ "rev": 3, "at": "2026-11-01T10:00:00Z", "changes": {} }]);
        });
        assert_eq!(differing(&longer, &work_item(|_| {})), []);
    }

    #[test]
    fn at_the_same_revision_a_field_that_only_one_item_shows_is_not_ingested() {
        let text =
            |body: &mut Value| body["fields"]["System.Description"] = json!("<div>long</div>");
        let name = "fields.System.Description".to_owned();
        let same = differing(&work_item(|_| {}), &work_item(text));
        assert_eq!(same, [(name.clone(), Difference::NotIngested)]);
        let later = work_item(|body| {
            text(body);
            body["rev"] = json!(5);
        });
        let later = differing(&work_item(|_| {}), &later);
        assert!(later.contains(&(name, Difference::OnlyLive)), "{later:?}");
    }

    #[test]
    fn a_description_that_lists_cut_is_as_good_as_its_beginning() {
        let described = |text: &str| pull_request(|body| body["description"] = json!(text));
        let (long, cut) = ("é".repeat(500), "é".repeat(400));
        let name = "description".to_owned();
        let same = differing(&described(&cut), &described(&long));
        assert_eq!(same, [(name.clone(), Difference::Cut)]);
        let other = differing(&described(&"x".repeat(400)), &described(&long));
        assert_eq!(other, [(name.clone(), Difference::Changed)]);
        let shorter = differing(&described(&"é".repeat(399)), &described(&long));
        assert_eq!(shorter, [(name, Difference::Changed)]);
    }

    #[test]
    fn one_side_alone_is_shown_and_differs_from_nothing() {
        for (stored, live) in [(Some(run(|_| {})), None), (None, Some(run(|_| {})))] {
            let fields = compare(stored.as_ref(), live.as_ref()).unwrap();
            assert!(fields.len() > 5);
            assert!(fields.iter().all(|own| own.difference == Difference::Alone));
        }
    }

    #[test]
    fn a_long_text_is_compared_to_its_end_and_shown_in_part() {
        let titled = |end: &str| run(|body| body["number"] = json!("n".repeat(2_000) + end));
        let fields = compare(Some(&titled("a")), Some(&titled("b"))).unwrap();
        let number = fields.iter().find(|own| own.name == "number").unwrap();
        assert_eq!(number.difference, Difference::Changed);
        assert!(number.live.as_str().unwrap().chars().count() <= SHOWN_CHARACTERS + 1);
    }
}
