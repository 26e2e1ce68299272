//! What commits are asked for: the same criteria from a query string or from a body.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits-batch#gitquerycommitscriteria>

use jiff::Timestamp;
use serde_json::Value;

use crate::http::call::Call;
use crate::http::query::{Query, parse_time};
use crate::http::refusal::Refusal;
use crate::world::git::Commit;

/// Filters and page of a commit list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Criteria {
    pub(crate) top: Option<usize>,
    pub(crate) skip: Option<usize>,
    pub(crate) ids: Vec<String>,
    /// Compared with the committer's date, which the client chose.
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    author: Option<String>,
    user: Option<String>,
    pub(crate) branch: Option<String>,
    pub(crate) has_push: bool,
    pub(crate) has_work_items: bool,
    pub(crate) oldest_first: bool,
}

impl Criteria {
    /// Reads the criteria from a query; the prefix `searchCriteria.` may be left out.
    pub(crate) fn of_query(query: &Query) -> Result<Self, Refusal> {
        let text = |name: &str| {
            query
                .text(&[&format!("searchCriteria.{name}"), name])
                .map(str::to_owned)
        };
        let flag = |name: &str| -> Result<bool, Refusal> {
            Ok(query.flag(&format!("searchCriteria.{name}"))? || query.flag(name)?)
        };
        Ok(Self {
            top: query.number(&["searchCriteria.$top", "$top", "top"])?,
            skip: query.number(&["searchCriteria.$skip", "$skip", "skip"])?,
            ids: query
                .list(&["searchCriteria.ids", "ids"])
                .unwrap_or_default()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            from: query.time(&["searchCriteria.fromDate", "fromDate"])?,
            to: query.time(&["searchCriteria.toDate", "toDate"])?,
            author: text("author"),
            user: text("user"),
            branch: branch(
                text("itemVersion.versionType").as_deref(),
                text("itemVersion.version"),
            )?,
            has_push: flag("includePushData")?,
            has_work_items: flag("includeWorkItems")?,
            oldest_first: flag("showOldestCommitsFirst")?,
        })
    }

    /// Reads the criteria from a `GitQueryCommitsCriteria`.
    pub(crate) fn of_body(body: &Value) -> Result<Self, Refusal> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
        let number = |name: &str| {
            body.get(name)
                .and_then(Value::as_u64)
                .and_then(|number| usize::try_from(number).ok())
        };
        let time = |name: &str| {
            let parse =
                |value: String| parse_time(&value).ok_or_else(|| Refusal::bad_value(name, &value));
            text(name).map(parse).transpose()
        };
        let version = |name: &str| {
            body.pointer(&format!("/itemVersion/{name}"))
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let ids = body
            .get("ids")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        Ok(Self {
            top: number("$top"),
            skip: number("$skip"),
            ids: ids.filter_map(Value::as_str).map(str::to_owned).collect(),
            from: time("fromDate")?,
            to: time("toDate")?,
            author: text("author"),
            user: text("user"),
            branch: branch(version("versionType").as_deref(), version("version"))?,
            has_push: flag("includePushData"),
            has_work_items: flag("includeWorkItems"),
            oldest_first: flag("showOldestCommitsFirst"),
        })
    }

    /// Whether a commit fits everything but the branch.
    pub(crate) fn accepts(&self, call: &Call<'_>, commit: &Commit) -> bool {
        let author = call.world.people.get(commit.author);
        let is_author = |wanted: &String| {
            *wanted == author.display_name || wanted.eq_ignore_ascii_case(&author.unique_name)
        };
        let is_listed = |id: &String| id.eq_ignore_ascii_case(&commit.sha.to_string());
        (self.ids.is_empty() || self.ids.iter().any(is_listed))
            && self.from.is_none_or(|from| commit.committed >= from)
            && self.to.is_none_or(|to| commit.committed <= to)
            && self.author.as_ref().is_none_or(is_author)
            && self.user.as_ref().is_none_or(is_author)
    }
}

fn branch(kind: Option<&str>, version: Option<String>) -> Result<Option<String>, Refusal> {
    match kind.map(str::to_ascii_lowercase).as_deref() {
        None | Some("branch") => Ok(version),
        Some("tag") => Ok(version.map(|name| format!("refs/tags/{name}"))),
        Some(other) => Err(Refusal::bad_value(
            "searchCriteria.itemVersion.versionType",
            other,
        )),
    }
}
