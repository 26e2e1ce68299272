//! Azure DevOps as the functions will find it: the simulator in this process, or a real organization.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use simulator::{Application, Config, Elapsed, Expected, Floors, Simulator, Throttling};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::arguments::Arguments;
use super::failure::Failure;
use super::origin::Origin;
use super::traffic::Traffic;
use crate::private_file;
use crate::server::{bind, url_of};
use crate::stack::{Stack, StackError};

/// The application that people sign in to at the simulated Entra ID. Its id is settled before the simulator is.
const APPLICATION: Uuid = Uuid::from_u128(0x0ad0_1e45_0000_4000_8000_0000_0000_0001);

/// A day, as the simulator advances.
const DAY_S: i64 = 86_400;

/// Where the functions will ask.
#[derive(Debug)]
pub(super) struct Upstream {
    url: String,
    organization: String,
    /// Bound before the stack starts, because its functions need the address, and served once the state is known.
    listener: Option<TcpListener>,
    simulator: Option<(Simulator, JoinHandle<()>)>,
}

impl Upstream {
    /// Settles the address.
    pub(super) async fn prepare(arguments: &Arguments) -> Result<Self, Failure> {
        let (url, organization, listener) = match &arguments.organization {
            Some(organization) => {
                // A missing file should be noticed before anything is started.
                read_pat(arguments)?;
                (
                    arguments.azure_devops_url.clone(),
                    organization.clone(),
                    None,
                )
            }
            None => {
                let listener = bind(0).await.map_err(StackError::Listen)?;
                (
                    url_of(&listener).map_err(StackError::Listen)?,
                    Config::default().organization,
                    Some(listener),
                )
            }
        };
        Ok(Self {
            url,
            organization,
            listener,
            simulator: None,
        })
    }

    /// Checks that the data directory belongs to this organization, and starts the simulator if it is a simulated one.
    pub(super) fn open(&mut self, arguments: &Arguments, stack: &Stack) -> Result<(), Failure> {
        let origin = Origin::settle(arguments, stack)?;
        if let (
            Some(listener),
            Origin::Simulated {
                seed,
                epoch,
                frozen,
                ..
            },
        ) = (self.listener.take(), origin)
        {
            let simulator = simulate(arguments, seed, epoch, frozen);
            offer_tokens(&simulator, &stack.data_file("simulated-tokens"))?;
            offer_application(&simulator, &stack.data_file("simulated-application"))?;
            register_application(&simulator, stack)?;
            let served = simulator.clone();
            let server = tokio::spawn(async move {
                if let Err(error) = served.serve(listener).await {
                    tracing::error!(%error, "the simulator stopped");
                }
            });
            self.simulator = Some((simulator, server));
        }
        Ok(())
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the id of the application that people can sign in to; only a simulated Entra ID has one by itself.
    pub(super) fn application(&self) -> Option<String> {
        self.listener.as_ref().map(|_| APPLICATION.to_string())
    }

    pub(super) fn organization(&self) -> &str {
        &self.organization
    }

    /// Returns the token to connect with.
    pub(super) fn pat(&self, arguments: &Arguments) -> Result<SecretString, Failure> {
        match &self.simulator {
            Some((simulator, _)) => Ok(simulator.default_pat()),
            None => read_pat(arguments),
        }
    }

    /// Returns what a complete sync must have stored; only the simulator knows.
    pub(super) fn expected(&self, now: Timestamp, retention_days: u32) -> Option<Vec<Expected>> {
        let (simulator, _) = self.simulator.as_ref()?;
        let since = window_start(now, retention_days);
        Some(simulator.ledger(since, &simulator.default_pat()))
    }

    /// Returns the requests so far beside the fewest that a first sync needs; only the simulator knows them.
    pub(super) fn requests(&self, now: Timestamp, retention_days: u32) -> Option<Traffic> {
        let (simulator, _) = self.simulator.as_ref()?;
        let since = window_start(now, retention_days);
        let floors = simulator.floor(since, &simulator.default_pat());
        Some(Traffic::new(simulator.request_counts(), floors))
    }

    /// Returns the requests since `earlier` ones beside the fewest that a pass with nothing new needs.
    pub(super) fn idle_requests(&self, earlier: &Traffic) -> Option<Traffic> {
        let (simulator, _) = self.simulator.as_ref()?;
        let floors = simulator.idle_floor(&simulator.default_pat());
        let all = Traffic::new(simulator.request_counts(), Floors::new());
        Some(all.since(earlier, floors))
    }

    /// Returns how the functions got along with the limits; only the simulator knows.
    pub(super) fn throttling(&self) -> Option<Throttling> {
        self.simulator
            .as_ref()
            .map(|(simulator, _)| simulator.throttling())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some((_, server)) = &self.simulator {
            server.abort();
        }
    }
}

/// Writes down tokens to connect the simulated organization with: a good one, and some with what is often wrong with them.
fn offer_tokens(simulator: &Simulator, path: &Path) -> Result<(), Failure> {
    let mut expired = simulator.make_pat(1);
    expired.expires_at = Timestamp::UNIX_EPOCH;
    let mut foreign = simulator.make_pat(2);
    "contoso".clone_into(&mut foreign.organization);
    let mut narrow = simulator.make_pat(3);
    narrow.scopes.remove("vso.build");
    let pats = [
        ("good", simulator.make_pat(4)),
        ("expired", expired),
        ("of another organization", foreign),
        ("without Build", narrow),
    ];
    let failed = |source| Failure::TokenFile {
        path: path.to_owned(),
        source,
    };
    let mut file = private_file::create(path).map_err(failed)?;
    for (what, pat) in pats {
        writeln!(file, "{what}: {}", pat.token.expose_secret()).map_err(failed)?;
        simulator.add_pat(pat);
    }
    let entra = simulator.entra();
    let application = entra.application();
    let (secret, _) = &application.secrets[0];
    writeln!(file, "directory: {}", entra.directory()).map_err(failed)?;
    writeln!(file, "application: {}", application.id).map_err(failed)?;
    writeln!(file, "client secret: {}", secret.expose_secret()).map_err(failed)
}

/// Writes down an application that is a user of the simulated organization, in the form in which the API takes it.
fn offer_application(simulator: &Simulator, path: &Path) -> Result<(), Failure> {
    let entra = simulator.entra();
    let application = entra.application();
    let form = json!({
        "tenant_id": entra.directory(),
        "client_id": application.id,
        "client_secret": application.secrets[0].0.expose_secret(),
    });
    let failed = |source| Failure::TokenFile {
        path: path.to_owned(),
        source,
    };
    let mut file = private_file::create(path).map_err(failed)?;
    writeln!(file, "{form}").map_err(failed)
}

/// Registers the application that people sign in to, and puts its secret where the functions find it.
fn register_application(simulator: &Simulator, stack: &Stack) -> Result<(), Failure> {
    let entra = simulator.entra();
    let application = Application {
        id: APPLICATION,
        redirect_uris: BTreeSet::from([format!("{}/oauth/callback", stack.url())]),
        principals: BTreeMap::new(),
        ..entra.application()
    };
    let (secret, _) = &application.secrets[0];
    stack
        .keep_secret("oauth-client-secret", secret)
        .map_err(StackError::from)?;
    entra.put_application(application);
    Ok(())
}

/// The simulated clock is the machine's, unless the history is to stay where it ended.
fn simulate(arguments: &Arguments, seed: u64, epoch: Timestamp, frozen: bool) -> Simulator {
    let past_s = if frozen {
        0
    } else {
        (Timestamp::now().as_second() - epoch.as_second()).max(0)
    };
    let days = u32::try_from(past_s / DAY_S).unwrap_or(0);
    let boundary_s = epoch.as_second() + i64::from(days) * DAY_S;
    let elapsed = if frozen {
        Elapsed::real()
    } else {
        Elapsed::from_fn(move || {
            // To the millisecond: the meter counts in fractions of a second.
            let since_ms = Timestamp::now().as_millisecond() - boundary_s * 1_000;
            Duration::from_millis(u64::try_from(since_ms).unwrap_or(0))
        })
    };
    Simulator::new(Config {
        seed,
        scale: arguments.scale.scale(),
        epoch,
        days,
        elapsed,
        throttle: arguments.throttle(),
        pages: arguments.pages(),
        analytics: arguments.analytics(),
        ..Config::default()
    })
}

/// The earliest instant that is kept.
fn window_start(now: Timestamp, retention_days: u32) -> Timestamp {
    let window = SignedDuration::from_secs(i64::from(retention_days) * DAY_S);
    now.saturating_sub(window).unwrap_or(Timestamp::MIN)
}

fn read_pat(arguments: &Arguments) -> Result<SecretString, Failure> {
    let path = arguments.pat_file.clone().unwrap_or_default();
    let text = std::fs::read_to_string(&path).map_err(|source| Failure::PatFile {
        path: path.clone(),
        source,
    })?;
    let pat = SecretString::from(text.trim());
    if text.trim().is_empty() {
        Err(Failure::EmptyPatFile(path))
    } else {
        Ok(pat)
    }
}
