//! What a data directory was filled from, so that one organization's data is never measured by another one's truth.

use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};

use super::arguments::Arguments;
use super::failure::Failure;
use crate::stack::Stack;

/// Where the data comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Origin {
    /// The simulator with these settings.
    Simulated {
        seed: u64,
        scale: String,
        /// When its history ended when it was first seen.
        epoch: Timestamp,
        /// Whether it stays there; else it goes on with the calendar.
        frozen: bool,
    },
    /// An organization.
    Real { url: String, organization: String },
}

impl Origin {
    /// Returns what the directory was filled from, or fills it from what is asked for now.
    pub(super) fn settle(arguments: &Arguments, stack: &Stack) -> Result<Self, Failure> {
        let path = stack.data_file("origin.json");
        let wanted = Self::wanted(arguments, Timestamp::now());
        match read(&path)? {
            Some(kept) if kept.is_same(&wanted, arguments.epoch.is_some()) => Ok(kept),
            Some(kept) => Err(Failure::OtherOrigin {
                kept: kept.to_string(),
                wanted: wanted.to_string(),
            }),
            None => {
                let text = serde_json::to_string(&wanted)?;
                std::fs::write(&path, text).map_err(|error| Failure::Origin {
                    path,
                    reason: error.to_string(),
                })?;
                Ok(wanted)
            }
        }
    }

    fn wanted(arguments: &Arguments, now: Timestamp) -> Self {
        match &arguments.organization {
            Some(organization) => Self::Real {
                url: arguments.azure_devops_url.clone(),
                organization: organization.clone(),
            },
            None => Self::Simulated {
                seed: arguments.seed,
                scale: arguments.scale.name().to_owned(),
                epoch: arguments.epoch.unwrap_or_else(|| midnight(now)),
                frozen: arguments.epoch.is_some(),
            },
        }
    }

    /// An epoch that nobody asked for may differ: the kept one counts.
    fn is_same(&self, wanted: &Self, with_epoch: bool) -> bool {
        match (self, wanted) {
            (
                Self::Simulated {
                    seed, scale, epoch, ..
                },
                Self::Simulated {
                    seed: wanted_seed,
                    scale: wanted_scale,
                    epoch: wanted_epoch,
                    ..
                },
            ) => {
                seed == wanted_seed
                    && scale == wanted_scale
                    && (!with_epoch || epoch == wanted_epoch)
            }
            (kept, wanted) => kept == wanted,
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Simulated {
                seed, scale, epoch, ..
            } => {
                write!(
                    f,
                    "the simulated organization of seed {seed}, scale {scale} and epoch {epoch}"
                )
            }
            Self::Real { url, organization } => {
                write!(f, "the organization {organization} at {url}")
            }
        }
    }
}

fn read(path: &Path) -> Result<Option<Origin>, Failure> {
    let failed = |reason: String| Failure::Origin {
        path: path.to_owned(),
        reason,
    };
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| failed(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Returns the beginning of the UTC day.
fn midnight(now: Timestamp) -> Timestamp {
    let day = now
        .to_zoned_datetime(TimeZone::UTC)
        .start_of_day()
        .map(|day| day.timestamp());
    day.or_else(|_| now.round(Unit::Hour)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn wanted(arguments: &[&str]) -> (Origin, bool) {
        let arguments = Arguments::parse_from([&["local"], arguments].concat());
        let origin = Origin::wanted(&arguments, "2026-11-23T17:30:00Z".parse().unwrap());
        (origin, arguments.epoch.is_some())
    }

    #[test]
    fn the_history_ends_at_midnight_unless_told_otherwise() {
        let (Origin::Simulated { epoch, frozen, .. }, _) = wanted(&[]) else {
            panic!("not simulated")
        };
        assert_eq!(
            (epoch.to_string().as_str(), frozen),
            ("2026-11-23T00:00:00Z", false)
        );
        let (Origin::Simulated { epoch, frozen, .. }, _) =
            wanted(&["--epoch", "2026-11-01T06:00:00Z"])
        else {
            panic!("not simulated")
        };
        assert_eq!(
            (epoch.to_string().as_str(), frozen),
            ("2026-11-01T06:00:00Z", true)
        );
    }

    #[test]
    fn only_the_same_organization_continues() {
        let kept = wanted(&["--epoch", "2026-11-01T06:00:00Z"]).0;
        for (arguments, same) in [
            (&[][..], true),
            (&["--epoch", "2026-11-01T06:00:00Z"], true),
            (&["--epoch", "2026-11-02T06:00:00Z"], false),
            (&["--seed", "2"], false),
            (&["--organization", "a", "--pat-file", "f"], false),
        ] {
            let (wanted, with_epoch) = wanted(arguments);
            assert_eq!(kept.is_same(&wanted, with_epoch), same, "{arguments:?}");
        }
    }

    #[test]
    fn it_reads_back() {
        let origin = wanted(&["--organization", "a", "--pat-file", "f"]).0;
        let text = serde_json::to_string(&origin).unwrap();
        assert_eq!(serde_json::from_str::<Origin>(&text).unwrap(), origin);
    }
}
