//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, ValueEnum};
use jiff::Timestamp;
use simulator::{AnalyticsAccess, PageCaps, Throttle, UnknownThrottle};

use super::report::Form;
use crate::stack::default_concurrency;

/// Syncs an Azure DevOps organization into a local deployment, proves that nothing is missing, and serves the API.
///
/// Without --organization the organization is a simulated one.
#[derive(Debug, Parser)]
#[command(name = "local")]
pub(super) struct Arguments {
    /// Exit after the first sync: 0 only if everything upstream is stored and no message is dead.
    #[arg(long)]
    pub(super) once: bool,
    /// After the first sync look for news once, as the schedule does every period, and count what that asks for.
    #[arg(long)]
    pub(super) idle_pass: bool,
    /// In the end delete the connection and count what that takes; with --once 0 only if nothing is left of it.
    #[arg(long, conflicts_with = "organization")]
    pub(super) delete: bool,
    /// Measure: a sync and a pass with nothing new, kept nowhere; prints the figures that README quotes.
    #[arg(long, conflicts_with_all = ["json", "organization"])]
    pub(super) benchmark: bool,
    /// Measure only how long the programs of a directory take to start, and how large they are.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["benchmark", "once", "organization"])]
    pub(super) cold_starts: Option<PathBuf>,
    /// Print the summary as one JSON object.
    #[arg(long)]
    pub(super) json: bool,
    /// Forget what the data directory kept.
    #[arg(long)]
    pub(super) fresh: bool,
    /// Where state is kept between runs.
    #[arg(long, value_name = "DIR", default_value = ".ado-lens")]
    pub(super) data_dir: PathBuf,
    /// A real organization instead of the simulated one.
    #[arg(long, value_name = "NAME", requires = "pat_file")]
    pub(super) organization: Option<String>,
    /// The file with a personal access token for the organization.
    #[arg(long, value_name = "FILE", requires = "organization")]
    pub(super) pat_file: Option<PathBuf>,
    /// Where the real organization is.
    #[arg(
        long,
        value_name = "URL",
        requires = "organization",
        default_value = "https://dev.azure.com"
    )]
    pub(super) azure_devops_url: String,
    /// Which simulated organization.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// How large the simulated organization is.
    #[arg(long, value_enum, default_value_t = Size::Small)]
    pub(super) scale: Size,
    /// What a request costs of the 200 units that the simulated organization grants in five minutes: 0.1, 0.5, 1, 2, or off.
    #[arg(long, value_name = "MODEL", default_value = "off")]
    pub(super) throttle: Metering,
    /// How many times faster than the clock the simulated organization's five minutes pass.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) throttle_speed: u32,
    /// How many rows a page of the simulated organization has at most, whatever Azure DevOps allows there.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) page_rows: Option<u32>,
    /// Whether the simulated organization's Analytics answers; if not, each run is asked for its timeline.
    #[arg(long, value_enum, default_value_t = Analytics::Served)]
    pub(super) analytics: Analytics,
    /// When the simulated organization's history ends; by default it goes on with the calendar.
    #[arg(long, value_name = "INSTANT")]
    pub(super) epoch: Option<Timestamp>,
    /// How many days a record is kept after its last event.
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    pub(super) retention_days: u32,
    /// Port of the API on 127.0.0.1; 0 is any free one [default: 3000, with --once 0].
    #[arg(long, value_name = "N")]
    pub(super) port: Option<u16>,
    /// Most processes per function.
    #[arg(long, value_name = "N", default_value_t = default_concurrency())]
    pub(super) concurrency: usize,
    /// The template to run.
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    pub(super) template: PathBuf,
}

/// How large a simulated organization is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Size {
    /// Syncs in seconds.
    Small,
    /// A company of 20 projects with 50,000 runs; the runner should be a release build.
    Reference,
    /// One project in which pages are as long as they get: what a process needs then is the most that it ever needs.
    LongPages,
}

impl Size {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Reference => "reference",
            Self::LongPages => "long-pages",
        }
    }

    pub(super) fn scale(self) -> simulator::Scale {
        match self {
            Self::Small => simulator::Scale::Small,
            Self::Reference => simulator::Scale::Reference,
            Self::LongPages => simulator::Scale::LongPages,
        }
    }
}

/// Whether the Analytics of a simulated organization answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Analytics {
    /// It does.
    Served,
    /// The token's owner lacks the permission.
    Forbidden,
}

/// How a simulated organization meters requests; `None` for not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Metering(Option<Throttle>);

impl FromStr for Metering {
    type Err = UnknownThrottle;

    fn from_str(name: &str) -> Result<Self, UnknownThrottle> {
        Ok(Self(if name == "off" {
            None
        } else {
            Some(name.parse()?)
        }))
    }
}

impl Arguments {
    /// Returns how the simulated organization meters requests.
    pub(super) fn throttle(&self) -> Option<Throttle> {
        let Metering(model) = self.throttle;
        model.map(|model| model.at_speed(self.throttle_speed))
    }

    /// Whether to exit when the work is done.
    pub(super) fn is_single_run(&self) -> bool {
        self.once || self.benchmark
    }

    /// Whether to look for news at once after the first sync.
    pub(super) fn has_idle_pass(&self) -> bool {
        self.idle_pass || self.benchmark
    }

    pub(super) fn form(&self) -> Form {
        match (self.benchmark, self.json) {
            (true, _) => Form::Markdown,
            (false, true) => Form::Json,
            (false, false) => Form::Text,
        }
    }

    /// Returns the page sizes of the simulated organization.
    pub(super) fn pages(&self) -> PageCaps {
        let rows = self.page_rows.map(|rows| rows as usize);
        rows.map_or_else(PageCaps::default, PageCaps::all)
    }

    pub(super) fn analytics(&self) -> simulator::Analytics {
        let access = match self.analytics {
            Analytics::Served => AnalyticsAccess::Served,
            Analytics::Forbidden => AnalyticsAccess::NoPermission403,
        };
        simulator::Analytics {
            access,
            ..simulator::Analytics::default()
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
            .unwrap_or(if self.is_single_run() { 0 } else { 3000 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::try_parse_from([&["local"], arguments].concat())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_single_run_takes_any_port() {
        assert_eq!(parse(&[]).unwrap().port(), 3000);
        assert_eq!(parse(&["--once"]).unwrap().port(), 0);
        assert_eq!(parse(&["--once", "--port", "8080"]).unwrap().port(), 8080);
    }

    #[test]
    fn a_measurement_is_a_single_run_with_a_second_pass() {
        let arguments = parse(&["--benchmark"]).unwrap();
        assert!(arguments.is_single_run() && arguments.has_idle_pass());
        assert_eq!(arguments.form(), Form::Markdown);
        assert!(parse(&["--benchmark", "--json"]).is_err());
    }

    #[test]
    fn the_meter_is_named_after_what_a_request_costs() {
        assert_eq!(parse(&[]).unwrap().throttle(), None);
        let half = parse(&["--throttle", "0.5", "--throttle-speed", "30"]).unwrap();
        let model = half.throttle().unwrap();
        assert_eq!((model.cost.to_string().as_str(), model.speed), ("0.5", 30));
        assert!(parse(&["--throttle", "3"]).unwrap_err().contains("0.1"));
        assert!(parse(&["--throttle-speed", "0"]).is_err());
    }

    #[test]
    fn an_organization_needs_its_token_file() {
        assert!(
            parse(&["--organization", "fabrikam"])
                .unwrap_err()
                .contains("--pat-file")
        );
        parse(&["--organization", "fabrikam", "--pat-file", "pat"]).unwrap();
    }
}
