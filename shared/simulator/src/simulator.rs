//! The simulator itself: one world, its clock, its callers and its log.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::config::Config;
use crate::drift::{Drift, Drifting};
use crate::entra::{Entra, Organization, Registry};
use crate::faults::{Fault, FaultQueue};
use crate::floor::{self, Floors};
use crate::http::organization_of;
use crate::ledger::{self, Expected, Totals};
use crate::log::{LoggedRequest, RequestLog};
use crate::meter::{Admission, Meter, Notice};
use crate::pat::{self, ALL_SCOPES, Pat};
use crate::throttle::{Throttle, Throttling};
use crate::truth::{self, ChangeDelivery, DeploymentOutcome, PullRequestTimes, RunTimes};
use crate::world::World;
use crate::world::deeds::Deeds;
use crate::world::random::Random;

/// A simulated organization that can be served, changed and asked for the truth. Clones share everything.
#[derive(Clone, Debug)]
pub struct Simulator(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Config,
    state: RwLock<State>,
    pats: RwLock<Vec<Pat>>,
    entra: Entra,
    /// The other organizations that are served at this one's address.
    neighbours: RwLock<Vec<Simulator>>,
    /// Runs that someone has deleted.
    deleted_runs: RwLock<HashSet<u32>>,
    latency: RwLock<Duration>,
    log: RequestLog,
    faults: FaultQueue,
    meter: Mutex<Meter>,
    drifting: Drifting,
    /// Build list tokens handed out, each with the sort orders it belongs to.
    build_tokens: Mutex<HashMap<String, HashSet<String>>>,
    /// When each token of a reporting stream was last handed out.
    stream_tokens: Mutex<HashMap<String, Timestamp>>,
}

#[derive(Debug)]
struct State {
    days: u32,
    world: Arc<World>,
    deeds: Deeds,
}

impl Simulator {
    /// Makes the world of `config`, with one token that may read everything ([`Self::default_pat`]).
    pub fn new(config: Config) -> Self {
        let world = Arc::new(World::new(&config, config.days));
        let entra = Entra::new(Registry::new(&config, &world), config.seed);
        Self::with(config, world, entra)
    }

    /// Serves another organization at the same address, which knows the same people and applications. Nobody is a
    /// member of it yet; it has its own tokens, log and life.
    pub fn add_organization(&self, config: Config, directory: Uuid) -> Self {
        let world = Arc::new(World::new(&config, config.days));
        self.entra().put_organization(Organization {
            name: config.organization.clone(),
            directory,
            allows_oauth: true,
            blocks_calls: false,
            members: BTreeMap::new(),
        });
        let added = Self::with(config, world, self.entra().clone());
        let neighbours = self.0.neighbours.write();
        neighbours
            .unwrap_or_else(PoisonError::into_inner)
            .push(added.clone());
        added
    }

    fn with(config: Config, world: Arc<World>, entra: Entra) -> Self {
        let pats = vec![first_pat(&config, &world)];
        Self(Arc::new(Shared {
            state: RwLock::new(State {
                days: config.days,
                world,
                deeds: Deeds::default(),
            }),
            pats: RwLock::new(pats),
            entra,
            neighbours: RwLock::default(),
            deleted_runs: RwLock::default(),
            latency: RwLock::new(config.latency),
            log: RequestLog::default(),
            faults: FaultQueue::default(),
            drifting: Drifting::new(config.drift.clone()),
            meter: Mutex::new(Meter::new(config.throttle)),
            build_tokens: Mutex::default(),
            stream_tokens: Mutex::default(),
            config,
        }))
    }

    /// The HTTP surface: `dev.azure.com` at `/`, any other host at `/_host/{hostname}/`, and `/_simulator/` for scripts.
    ///
    /// `POST /_simulator/advance?days=N`, `GET /_simulator/ledger?since=T`, `GET /_simulator/requests`, `GET /_simulator/totals`,
    /// `GET /_simulator/throttle` and `POST /_simulator/throttle?model=0.5&speed=60` (or `model=off`) answer JSON, for the default
    /// token, to loopback peers only; so does `POST /_simulator/drift?matching=pushes&days=N`.
    pub fn router(&self) -> Router {
        crate::http::router(self.clone())
    }

    /// Serves [`Self::router`] until the listener fails.
    ///
    /// # Errors
    /// Whatever accepting connections ends with.
    pub async fn serve(&self, listener: TcpListener) -> std::io::Result<()> {
        // Small answers must not wait for an acknowledgement; a socket that refuses this only answers later.
        let listener = listener.tap_io(|socket| {
            let _set = socket.set_nodelay(true);
        });
        axum::serve(
            listener,
            self.router()
                .into_make_service_with_connect_info::<SocketAddr>(),
        )
        .await
    }

    /// Microsoft Entra ID, which is served at `/_host/login.microsoftonline.com/`.
    pub fn entra(&self) -> &Entra {
        &self.0.entra
    }

    /// The organization that a path names, if it is one of the neighbours; else this one.
    pub(crate) fn serving(&self, path: &str) -> Self {
        let neighbours = self.0.neighbours.read();
        let neighbours = neighbours.unwrap_or_else(PoisonError::into_inner);
        let named = organization_of(path);
        let found = neighbours.iter().find(|other| {
            let is_it = |name: &String| name.eq_ignore_ascii_case(other.organization());
            named.as_ref().is_some_and(is_it)
        });
        found.unwrap_or(self).clone()
    }

    /// The organization's name.
    pub fn organization(&self) -> &str {
        &self.0.config.organization
    }

    /// The organization's stable key, as `connectionData` gives it.
    pub fn instance_id(&self) -> Uuid {
        self.world().instance_id
    }

    /// The ids and names of all projects.
    pub fn projects(&self) -> Vec<(Uuid, String)> {
        self.world()
            .projects
            .iter()
            .map(|project| (project.id, project.name.clone()))
            .collect()
    }

    /// The simulated time.
    pub fn now(&self) -> Timestamp {
        let elapsed =
            SignedDuration::try_from(self.0.config.elapsed.read()).unwrap_or(SignedDuration::MAX);
        self.world()
            .calendar
            .boundary()
            .saturating_add(elapsed)
            .unwrap_or(Timestamp::MAX)
    }

    /// How many days were advanced.
    pub fn days(&self) -> u32 {
        self.0
            .state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .days
    }

    /// Lets whole days pass: their life happens at once.
    pub fn advance(&self, days: u32) {
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        state.days += days;
        self.rebuild(&mut state);
    }

    /// Comments on a pull request now, which changes nothing else of it.
    pub fn comment(&self, pull_request: u32) {
        let at = self.now();
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        state.deeds.comments.push((pull_request, at));
        self.rebuild(&mut state);
    }

    /// Destroys a work item for good. [`Self::ledger`] goes on naming it: what was stored of it before stays.
    /// <https://learn.microsoft.com/azure/devops/boards/backlogs/remove-delete-work-items>
    pub fn destroy_work_item(&self, id: u32) {
        let mut state = self.0.state.write().unwrap_or_else(PoisonError::into_inner);
        state.deeds.destroyed.push(id);
        self.rebuild(&mut state);
    }

    fn rebuild(&self, state: &mut State) {
        let mut world = World::new(&self.0.config, state.days);
        state.deeds.apply(&mut world);
        state.world = Arc::new(world);
    }

    /// A token of this organization that may read everything and never expires in simulated time.
    pub fn default_pat(&self) -> SecretString {
        self.pats()[0].token.clone()
    }

    /// A copy of [`Self::default_pat`]'s rights under another token that derives from `name`, to be changed and added.
    pub fn make_pat(&self, name: u64) -> Pat {
        let mut random = Random::stream(&[self.0.config.seed, 0x9A7, name]);
        let world = self.world();
        let owner = world.people.get(world.people.human(&mut random)).id;
        Pat {
            token: pat::make_token(&mut random),
            owner,
            ..self.pats()[0].clone()
        }
    }

    /// Adds a token, or replaces the one with the same secret.
    pub fn add_pat(&self, pat: Pat) {
        let mut pats = self.0.pats.write().unwrap_or_else(PoisonError::into_inner);
        match pats
            .iter_mut()
            .find(|own| own.token.expose_secret() == pat.token.expose_secret())
        {
            Some(own) => *own = pat,
            None => pats.push(pat),
        }
    }

    /// Deletes a run, as someone might who wants a queue empty: it is in no list any more, and its id is not found. The
    /// ledger still has it, because who has seen it may keep it.
    pub fn delete_run(&self, id: u32) {
        let deleted = self.0.deleted_runs.write();
        deleted.unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    pub(crate) fn is_deleted_run(&self, id: u32) -> bool {
        let deleted = self.0.deleted_runs.read();
        deleted
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&id)
    }

    /// Everything that a complete sync with this token since `since` must have stored; empty for a token that is not known.
    pub fn ledger(&self, since: Timestamp, token: &SecretString) -> Vec<Expected> {
        self.find_pat(token.expose_secret())
            .map_or_else(Vec::new, |pat| {
                ledger::expected(&self.world(), &self.config().unverified, &pat, since)
            })
    }

    /// The times of every run that is over, as they really were.
    pub fn run_times(&self) -> Vec<RunTimes> {
        truth::run_times(&self.world())
    }

    /// When what happened to every pull request, as it really was.
    pub fn pull_request_times(&self) -> Vec<PullRequestTimes> {
        truth::pull_request_times(&self.world())
    }

    /// What became of everything that was brought to production, as it really was.
    pub fn deployment_outcomes(&self) -> Vec<DeploymentOutcome> {
        truth::deployment_outcomes(&self.world())
    }

    /// What became of every pull request that was merged, as it really was.
    pub fn change_deliveries(&self) -> Vec<ChangeDelivery> {
        truth::change_deliveries(&self.world())
    }

    /// The fewest requests in which a complete sync with this token since `since` can be done, by endpoint; empty for a
    /// token that is not known.
    pub fn floor(&self, since: Timestamp, token: &SecretString) -> Floors {
        let pat = self.find_pat(token.expose_secret());
        pat.map_or_else(Floors::new, |pat| {
            floor::first_sync(&self.world(), self.config(), &pat, since)
        })
    }

    /// The fewest requests of a pass that finds nothing new: one for each stream that has no wider scope.
    pub fn idle_floor(&self, token: &SecretString) -> Floors {
        self.find_pat(token.expose_secret())
            .map_or_else(Floors::new, |pat| floor::idle_pass(&self.world(), &pat))
    }

    /// How much this token can see in all; zeros for a token that is not known.
    pub fn totals(&self, token: &SecretString) -> Totals {
        self.find_pat(token.expose_secret())
            .map_or_else(Totals::default, |pat| ledger::totals(&self.world(), &pat))
    }

    /// Every request since the start or the last [`Self::clear_requests`], control requests excluded.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.0.log.all()
    }

    /// The number of logged requests by resource name.
    pub fn request_counts(&self) -> BTreeMap<String, u64> {
        self.0.log.counts()
    }

    /// Forgets the logged requests; what they spent still counts.
    pub fn clear_requests(&self) {
        self.0.log.clear();
        lock(&self.0.meter).clear_bound();
    }

    /// Lets life go on while lists are being read from now on.
    pub fn set_drift(&self, drift: Drift) {
        self.0.drifting.set(drift);
    }

    /// Meters requests in another way from now on; `None` for not at all.
    pub fn set_throttle(&self, throttle: Option<Throttle>) {
        lock(&self.0.meter).set_model(throttle);
    }

    /// How the callers of the logged requests got along with the limits.
    pub fn throttling(&self) -> Throttling {
        let bound = lock(&self.0.meter).bound();
        self.0.log.throttling(bound)
    }

    /// Adds a scripted fault behind the ones already waiting.
    pub fn inject(&self, fault: Fault) {
        self.0.faults.push(fault);
    }

    /// The scripted faults that are not used up.
    pub fn faults_left(&self) -> Vec<Fault> {
        self.0.faults.all()
    }

    /// Drops all scripted faults.
    pub fn clear_faults(&self) {
        self.0.faults.clear();
    }

    /// Changes the time waited before every answer.
    pub fn set_latency(&self, latency: Duration) {
        *self
            .0
            .latency
            .write()
            .unwrap_or_else(PoisonError::into_inner) = latency;
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn world(&self) -> Arc<World> {
        Arc::clone(
            &self
                .0
                .state
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .world,
        )
    }

    pub(crate) fn latency(&self) -> Duration {
        *self
            .0
            .latency
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn log(&self) -> &RequestLog {
        &self.0.log
    }

    pub(crate) fn faults(&self) -> &FaultQueue {
        &self.0.faults
    }

    /// Lets a day pass if one is to pass before this page of a list.
    pub(crate) fn drift(&self, path: &str, resource: &str) {
        if self.0.drifting.take(path, resource) {
            self.advance(1);
        }
    }

    pub(crate) fn find_pat(&self, token: &str) -> Option<Pat> {
        self.pats()
            .iter()
            .find(|pat| pat.token.expose_secret() == token)
            .cloned()
    }

    /// Charges a request of `identity`.
    pub(crate) fn arrive(&self, identity: Uuid) -> Admission {
        let now = self.0.config.elapsed.read();
        lock(&self.0.meter).arrive(identity, now)
    }

    /// What the answer to a request of `identity` says about the limit, if it says anything.
    pub(crate) fn depart(&self, identity: Uuid) -> Option<(Throttle, Notice)> {
        let now = self.0.config.elapsed.read();
        let mut meter = lock(&self.0.meter);
        meter.model().zip(meter.depart(identity, now))
    }

    /// Remembers that `identity` was told to wait.
    pub(crate) fn announce_retry_after(&self, identity: Uuid, seconds: u32) {
        let until = self.0.config.elapsed.read() + Duration::from_secs(u64::from(seconds));
        lock(&self.0.meter).announce(identity, until);
    }

    pub(crate) fn issue_build_token(&self, token: &str, order: &str) {
        lock(&self.0.build_tokens)
            .entry(token.to_owned())
            .or_default()
            .insert(order.to_owned());
    }

    /// Whether a build token was handed out for other sort orders only.
    pub(crate) fn is_build_token_of_another_order(&self, token: &str, order: &str) -> bool {
        lock(&self.0.build_tokens)
            .get(token)
            .is_some_and(|orders| !orders.contains(order))
    }

    pub(crate) fn issue_stream_token(&self, token: &str) {
        lock(&self.0.stream_tokens).insert(token.to_owned(), self.now());
    }

    /// Whether a token of a reporting stream was handed out too long ago.
    pub(crate) fn is_stale_token(&self, token: &str) -> bool {
        let Some(lifetime) = self.0.config.unverified.token_lifetime else {
            return false;
        };
        lock(&self.0.stream_tokens)
            .get(token)
            .is_some_and(|issued| self.now().duration_since(*issued).unsigned_abs() > lifetime)
    }

    fn pats(&self) -> std::sync::RwLockReadGuard<'_, Vec<Pat>> {
        self.0.pats.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn first_pat(config: &Config, world: &World) -> Pat {
    Pat {
        token: pat::make_token(&mut Random::stream(&[config.seed, 0x9A7])),
        owner: world.people.all[0].id,
        organization: config.organization.clone(),
        scopes: ALL_SCOPES.iter().map(|&scope| scope.to_owned()).collect(),
        expires_at: Timestamp::MAX,
        revoked: false,
        denied_projects: BTreeSet::new(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
