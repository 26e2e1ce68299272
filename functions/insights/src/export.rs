//! Every record of a kind as it is stored, one line of JSON each (<https://github.com/ndjson/ndjson-spec>).
//!
//! Neither an HTTP API nor this function can stream, so an export comes in pages: a header of each tells where the next one
//! begins. What changes while pages are read is told as it is when its page is read.

use std::collections::BTreeMap;

use axum::http::HeaderName;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use entrypoint::problem::Problem;
use http_api::Refusal;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use model::{
    ConnectionId, Filing, Integration, IntegrationId, Kind, TenantId,
    record::{NO_DAY, WorkItem},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use storage::Raw;
use url::form_urlencoded;

use crate::{
    Context,
    data::{Scope, brings},
};

/// Where an export goes on; absent at the end.
pub(crate) const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");

/// The media type of lines of JSON.
pub(crate) const MEDIA_TYPE: &str = "application/x-ndjson";

/// An answer of a Lambda function has 6 MB at most, and one that is not known to be text grows by a third on its way:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const PAGE_BYTES: usize = 4 << 20;

/// Partitions that a page looks into at most: so many of them may be empty.
const PAGE_PARTITIONS: usize = 500;

/// Things that are still open are kept however long ago they began; nothing that began earlier is looked for.
const LONGEST_LIFE_DAYS: i64 = 730;

/// The parameters of an export.
pub(crate) const PARAMETERS: [&str; 4] = ["from", "to", "connection", "cursor"];

/// What is exported.
#[derive(Debug)]
pub(crate) struct Export {
    kind: Kind,
    /// The first and the last day, for kinds that are filed by day.
    days: (Date, Date),
    pub(crate) connection: Option<ConnectionId>,
    cursor: Option<Cursor>,
}

/// Where an export goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    integration: IntegrationId,
    bucket: String,
    /// The sort key of the last record that was told of the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl Cursor {
    fn write(&self) -> Result<String, serde_json::Error> {
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?))
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

/// A line.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    integration: IntegrationId,
    key: &'a str,
    record: &'a RawValue,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    details: BTreeMap<&'static str, &'a RawValue>,
}

impl Export {
    /// Reads the path and the query string of a request.
    pub(crate) fn parse(
        kind: &str,
        text: &str,
        (oldest, now): (Timestamp, Timestamp),
    ) -> Result<Self, Problem> {
        let kind = Kind::from_name(kind).ok_or_else(|| {
            let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            let detail = format!("there is no kind `{kind}`; there are {}", names.join(", "));
            Problem::field("kind", detail)
        })?;
        let date = |at: Timestamp| TimeZone::UTC.to_datetime(at).date();
        let first = date(oldest).saturating_sub(LONGEST_LIFE_DAYS.days());
        let mut export = Self {
            kind,
            days: (first, date(now)),
            connection: None,
            cursor: None,
        };
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match &*name {
                "from" => export.days.0 = day("from", &value)?.max(first),
                "to" => export.days.1 = day("to", &value)?.min(date(now)),
                "connection" => {
                    export.connection = Some(crate::question::connection(&value)?);
                }
                "cursor" => export.cursor = Some(cursor(&value)?),
                other => {
                    let detail = format!("there are {}", PARAMETERS.join(", "));
                    return Err(Problem::field(other, detail));
                }
            }
        }
        Ok(export)
    }

    /// The partitions of the export, in one order that does not change. The days are those on which things began.
    fn partitions(&self, integrations: &[Integration]) -> Vec<(IntegrationId, String)> {
        let buckets: Vec<String> = match self.kind.filing() {
            Filing::Day => {
                let days = self.days.0.series(1.day());
                let days = days.take_while(|day| *day <= self.days.1);
                days.map(|day| day.to_string()).collect()
            }
            Filing::Id => WorkItem::buckets().collect(),
            Filing::Together => vec![NO_DAY.to_owned()],
        };
        let own = integrations.iter().filter(|own| brings(own, self.kind));
        let mut ids: Vec<IntegrationId> = own.map(|own| own.id).collect();
        ids.sort_unstable();
        let of = |id: IntegrationId| buckets.iter().map(move |bucket| (id, bucket.clone()));
        ids.into_iter().flat_map(of).collect()
    }
}

fn day(name: &str, text: &str) -> Result<Date, Problem> {
    text.parse().map_err(|_| {
        let detail = format!("`{text}` is no day such as `2026-11-23`");
        Problem::field(name, detail)
    })
}

fn cursor(text: &str) -> Result<Cursor, Problem> {
    let refused = || {
        let detail = "it is not one that an export gave; begin again without it";
        Problem::field("cursor", detail.to_owned())
    };
    Cursor::read(text).ok_or_else(refused)
}

/// One page: its lines, and where the next one begins.
pub(crate) async fn page(
    context: &Context,
    tenant: &TenantId,
    export: &Export,
    now: Timestamp,
) -> Result<(String, Option<String>), Refusal> {
    let scope = Scope::of(context, tenant, export.connection).await?;
    let partitions = export.partitions(scope.integrations());
    let mut after = None;
    let mut begin = 0;
    if let Some(cursor) = &export.cursor {
        let is_place = |(integration, bucket): &(IntegrationId, String)| {
            *integration == cursor.integration && *bucket == cursor.bucket
        };
        // Nor does it lead to somebody else's records: a place of theirs is none of these.
        let place = partitions.iter().position(is_place);
        begin = place.ok_or_else(|| {
            let detail = "it belongs to another export; begin again without it";
            Problem::field("cursor", detail.to_owned())
        })?;
        after.clone_from(&cursor.after);
    }
    let mut text = String::new();
    for (number, (integration, bucket)) in partitions[begin..].iter().enumerate() {
        let next = |after| Cursor {
            integration: *integration,
            bucket: bucket.clone(),
            after,
        };
        if number == PAGE_PARTITIONS {
            return Ok((text, Some(next(None).write()?)));
        }
        loop {
            let place = (export.kind, bucket.as_str());
            let page = context
                .records
                .page(*integration, place, after.as_deref(), now);
            let (found, last) = page.await?;
            for raw in &found {
                write_line(&mut text, export.kind, *integration, raw)?;
                if text.len() >= PAGE_BYTES {
                    return Ok((text, Some(next(Some(raw.sort.clone())).write()?)));
                }
            }
            after = last;
            if after.is_none() {
                break;
            }
        }
    }
    Ok((text, None))
}

fn write_line(
    text: &mut String,
    kind: Kind,
    integration: IntegrationId,
    raw: &Raw,
) -> Result<(), serde_json::Error> {
    let mut details = BTreeMap::new();
    for (facet, body) in &raw.details {
        details.insert(facet.name(), serde_json::from_str(body)?);
    }
    let line = Line {
        kind: kind.name(),
        integration,
        key: &raw.sort,
        record: serde_json::from_str(&raw.body)?,
        details,
    };
    text.push_str(&serde_json::to_string(&line)?);
    text.push('\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: &str, query: &str) -> Result<Export, Problem> {
        let at = |text: &str| text.parse().unwrap();
        let known = (at("2026-08-26T12:00:00Z"), at("2026-11-24T12:00:00Z"));
        Export::parse(kind, query, known)
    }

    fn boards() -> Integration {
        Integration {
            tenant: TenantId::new("contoso").unwrap(),
            id: IntegrationId(uuid::Uuid::from_u128(5)),
            connection: ConnectionId(uuid::Uuid::from_u128(4)),
            service: model::Service::Boards,
            name: "Boards".to_owned(),
            status: model::IntegrationStatus::Active,
            story_points_field: None,
        }
    }

    #[test]
    fn a_cursor_is_read_back() {
        let cursor = Cursor {
            integration: IntegrationId(uuid::Uuid::from_u128(5)),
            bucket: "2026-11-23".into(),
            after: Some("a#1/é".into()),
        };
        let text = cursor.write().unwrap();
        assert!(
            text.bytes()
                .all(|own| own.is_ascii_alphanumeric() || b"-_".contains(&own))
        );
        assert_eq!(Cursor::read(&text), Some(cursor));
    }

    #[test]
    fn an_export_looks_where_its_kind_is_filed() {
        let count = |kind: &str, query: &str| {
            let export = parse(kind, query).unwrap();
            let integration = boards();
            let service = model::Service::Pipelines;
            let pipelines = Integration {
                service,
                ..integration.clone()
            };
            export.partitions(&[integration, pipelines]).len()
        };
        assert_eq!(count("work_item", ""), 16);
        assert_eq!(count("team", ""), 1);
        assert_eq!(count("person", ""), 2, "both know people");
        assert_eq!(count("run", "from=2026-11-20&to=2026-11-22"), 3);
        assert_eq!(count("run", ""), 91 + 730, "open things may be old");
        assert_eq!(count("changeset", ""), 0, "neither brings any");
    }

    #[test]
    fn what_means_nothing_is_refused_by_name_with_what_would_do() {
        let cases = [
            ("colour", "", "kind", "pull_request"),
            ("run", "from=yesterday", "from", "2026-11-23"),
            ("run", "colour=red", "colour", "cursor"),
            ("run", "cursor=e30", "cursor", "without it"),
            ("run", "cursor=%00", "cursor", "without it"),
            ("run", "connection=1", "connection", "id"),
        ];
        for (kind, query, field, detail) in cases {
            let problem = parse(kind, query).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{query}");
            assert!(problem.detail.contains(detail), "{}", problem.detail);
        }
    }

    #[test]
    fn a_line_has_the_record_as_it_is_stored() {
        let raw = Raw {
            sort: "p#1".into(),
            body: r#"{"id":1,"x":[1.0]}"#.into(),
            details: BTreeMap::from([(model::Facet::Links, r#"{"work_items":[7]}"#.into())]),
        };
        let mut text = String::new();
        write_line(&mut text, Kind::GitRepository, boards().id, &raw).unwrap();
        assert_eq!(
            text,
            "{\"kind\":\"repository\",\"integration\":\"00000000-0000-0000-0000-000000000005\",\"key\":\"p#1\",\
             \"record\":{\"id\":1,\"x\":[1.0]},\"details\":{\"links\":{\"work_items\":[7]}}}\n"
        );
    }
}
