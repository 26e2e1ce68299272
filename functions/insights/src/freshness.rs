//! How current and how complete the records are that an answer is made of.

use std::collections::BTreeSet;

use http_api::Refusal;
use jiff::Timestamp;
use metrics::Input;
use model::{Integration, IntegrationId, Kind, Service};
use resources::FanOut;
use serde::Serialize;
use storage::Stream;

use crate::{Context, data::brings};

/// What is known of the integrations that an answer is made of; the report of their connection tells more.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Freshness {
    /// Nothing older than this is missing; `None` if something was never read to its end, or there is nothing to read.
    complete_as_of: Option<Timestamp>,
    integrations: Vec<Source>,
}

#[derive(Clone, Debug, Serialize)]
struct Source {
    integration: IntegrationId,
    service: Service,
    #[serde(flatten)]
    coverage: Coverage,
}

/// What the streams of an integration say together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Coverage {
    /// The oldest of the last complete passes; `None` if a stream had none yet.
    complete_as_of: Option<Timestamp>,
    /// Streams that have not seen everything yet.
    syncing: u64,
    /// Streams whose last visit failed: what is stored is from before.
    failing: u64,
    /// Items that could not be stored.
    missing: u64,
}

impl Freshness {
    /// Of the integrations that bring what is read.
    pub(crate) async fn of(
        context: &Context,
        inputs: &[&Input],
        integrations: &[Integration],
    ) -> Result<Self, Refusal> {
        // People have no stream of their own: whoever is named is stored before what names them.
        let kinds = inputs.iter().map(|input| input.kind);
        let kinds: Vec<Kind> = kinds.filter(|kind| *kind != Kind::Person).collect();
        let mut sources = Vec::new();
        for integration in integrations {
            if kinds.iter().any(|kind| brings(integration, *kind)) {
                let streams = context.control.streams(integration.id).await?;
                sources.push(Source {
                    integration: integration.id,
                    service: integration.service,
                    coverage: coverage(&streams, &kinds),
                });
            }
        }
        Ok(Self {
            complete_as_of: oldest(sources.iter().map(|own| own.coverage.complete_as_of)),
            integrations: sources,
        })
    }
}

/// The oldest of some instants; `None` if one of them is missing, or there are none.
fn oldest(instants: impl Iterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    // `None` is smaller than any instant.
    instants.min().flatten()
}

fn coverage(streams: &[Stream], kinds: &[Kind]) -> Coverage {
    let resources = resources::CATALOG.iter();
    let names: BTreeSet<&str> = resources
        .filter(|own| kinds.contains(&own.kind) && !matches!(own.fan_out, FanOut::Children { .. }))
        .map(|own| own.name)
        .collect();
    let own = streams
        .iter()
        .filter(|stream| names.contains(stream.parts().0));
    let own: Vec<&Stream> = own.collect();
    let number =
        |accept: fn(&Stream) -> bool| own.iter().filter(|stream| accept(stream)).count() as u64;
    Coverage {
        complete_as_of: oldest(own.iter().map(|stream| stream.completed_at)),
        syncing: number(|stream| stream.completed_at.is_none()),
        failing: number(|stream| stream.last_error.is_some()),
        missing: own.iter().map(|stream| stream.holes).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(resource: &str, completed_at: Option<&str>) -> Stream {
        Stream {
            name: format!("2ad38d1e-3eaf-4769-931c-3a2da67bbb01#{resource}#-"),
            completed_at: completed_at.map(|at| at.parse().unwrap()),
            ..Stream::default()
        }
    }

    #[test]
    fn an_answer_is_as_current_as_its_oldest_stream() {
        let streams = [
            stream("builds", Some("2026-11-23T10:00:00Z")),
            stream("open_runs", Some("2026-11-23T09:00:00Z")),
            // Brings no runs, so it does not matter here.
            stream("definitions", None),
            // Is fetched when a run wants it, so it is never complete.
            stream("timelines", None),
        ];
        let found = coverage(&streams, &[Kind::Run]);
        assert_eq!(found.complete_as_of, streams[1].completed_at);
        assert_eq!((found.syncing, found.failing), (0, 0));
    }

    #[test]
    fn an_answer_is_not_complete_while_a_stream_is_not() {
        let streams = [
            stream("builds", Some("2026-11-23T10:00:00Z")),
            stream("open_runs", None),
        ];
        let found = coverage(&streams, &[Kind::Run]);
        assert_eq!((found.complete_as_of, found.syncing), (None, 1));
        assert_eq!(coverage(&[], &[Kind::Run]).complete_as_of, None);
    }
}
