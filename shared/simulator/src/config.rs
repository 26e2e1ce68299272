//! What a simulated organization is made from, and how it behaves where Microsoft's documentation is silent.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::drift::Drift;
use crate::throttle::Throttle;

/// Everything that determines a simulator's world and manners.
///
/// The world derives from `seed`, `scale` and `epoch` (and the number of days advanced) alone; the rest is behaviour.
#[derive(Clone, Debug)]
pub struct Config {
    /// Chooses the world: names stay, everything that happens differs.
    pub seed: u64,
    /// How much happens.
    pub scale: Scale,
    /// The end of the generated history: the simulated "now" before any day is advanced. Sub-second parts are dropped.
    pub epoch: Timestamp,
    /// Days already advanced when the simulator is made, so that a restarted process can continue an earlier world.
    pub days: u32,
    /// The organization's name, the first segment of every path.
    pub organization: String,
    /// Names for the first projects instead of the usual ones; ids and life stay.
    pub project_names: Vec<String>,
    /// Time since construction, added to the simulated clock.
    pub elapsed: Elapsed,
    /// Whether an unknown query parameter is refused with 400 (always logged as a violation either way).
    pub strict: bool,
    /// How a dead credential is answered when the caller did not send `X-TFS-FedAuthRedirect: Suppress`.
    pub sign_in: SignIn,
    /// How a token without the needed scope is answered.
    pub missing_scope: MissingScope,
    /// Waited before every answer (tokio time).
    pub latency: Duration,
    /// How requests are metered; `None` for not at all.
    pub throttle: Option<Throttle>,
    /// Life that goes on while lists are being read.
    pub drift: Drift,
    /// How far Analytics is behind, and whom it answers.
    pub analytics: Analytics,
    /// After how many days every project says that it deletes its runs. The runs themselves stay.
    pub run_retention_days: u32,
    /// Default and maximum page sizes.
    pub pages: PageCaps,
    /// Choices where the service's behaviour is not documented.
    pub unverified: Unverified,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            scale: Scale::Small,
            epoch: Timestamp::constant(1_793_491_200, 0),
            days: 0,
            organization: "fabrikam".to_owned(),
            project_names: Vec::new(),
            elapsed: Elapsed::real(),
            strict: true,
            sign_in: SignIn::Html203,
            missing_scope: MissingScope::Forbidden403,
            latency: Duration::ZERO,
            throttle: None,
            drift: Drift::default(),
            analytics: Analytics::default(),
            run_retention_days: 365,
            pages: PageCaps::default(),
            unverified: Unverified::default(),
        }
    }
}

/// How large a world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Three projects that a debug build syncs in seconds.
    Small,
    /// A company: 20 projects with about 200 repositories, 12,000 pull requests, 20,000 work items and 50,000 runs.
    Reference,
    /// One project with so much of everything that pages are as long as they get: 5,000 runs, 5,000 commits, 1,000 revisions.
    LongPages,
    /// Any other size.
    Custom(Sizes),
}

impl Scale {
    pub(crate) fn sizes(self) -> Sizes {
        match self {
            Self::Small => Sizes::SMALL,
            Self::Reference => Sizes::REFERENCE,
            Self::LongPages => Sizes::LONG_PAGES,
            Self::Custom(sizes) => sizes,
        }
    }
}

/// The numbers behind a [`Scale`]. Rates are thousandths per project and working day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Projects in the organization.
    pub projects: u16,
    /// Git repositories per project, the empty and the disabled one included.
    pub repositories_per_project: u16,
    /// People who work in the organization.
    pub people: u16,
    /// New work items.
    pub work_items: u32,
    /// New pull requests.
    pub pull_requests: u32,
    /// Pushes straight to the default branch.
    pub direct_pushes: u32,
    /// Scheduled and manual runs (pull requests and merges trigger their own).
    pub other_runs: u32,
    /// TFVC changesets, in projects that have TFVC.
    pub changesets: u32,
    /// Classic releases, in projects that have a classic release pipeline.
    pub releases: u32,
}

impl Sizes {
    /// About 150 work items with 1,100 revisions, 350 runs, 120 pull requests, 500 pushes and 900 commits in all, and 150
    /// deployments.
    pub const SMALL: Self = Self {
        projects: 3,
        repositories_per_project: 3,
        people: 14,
        work_items: 650,
        pull_requests: 520,
        direct_pushes: 360,
        other_runs: 250,
        changesets: 800,
        releases: 400,
    };

    /// About 20,000 work items with 130,000 revisions, 55,000 runs with 900,000 timeline records, 12,000 pull requests, 50,000
    /// pushes, 2,000 changesets and 2,000 deployments.
    pub const REFERENCE: Self = Self {
        projects: 20,
        repositories_per_project: 13,
        people: 200,
        work_items: 13_000,
        pull_requests: 8_000,
        direct_pushes: 6_000,
        other_runs: 20_000,
        changesets: 4_000,
        releases: 800,
    };

    /// About 7,000 runs and 6,000 commits in one project with one repository that is pushed to.
    pub const LONG_PAGES: Self = Self {
        projects: 1,
        repositories_per_project: 1,
        people: 60,
        work_items: 20_000,
        pull_requests: 10_000,
        direct_pushes: 40_000,
        other_runs: 40_000,
        changesets: 0,
        releases: 0,
    };
}

/// How much time has passed since the simulator was made.
///
/// Simulated time is `epoch + days + elapsed`. Tests freeze it or drive it.
#[derive(Clone)]
pub struct Elapsed(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Elapsed {
    /// Follows the machine's monotonic clock, starting at zero now.
    pub fn real() -> Self {
        let start = Instant::now();
        Self(Arc::new(move || start.elapsed()))
    }

    /// Never moves: "now" changes by advancing days only.
    pub fn frozen() -> Self {
        Self(Arc::new(|| Duration::ZERO))
    }

    /// Asks `read` each time.
    pub fn from_fn(read: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn read(&self) -> Duration {
        (self.0)()
    }
}

impl fmt::Debug for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Elapsed")
    }
}

/// The answer to a dead credential from a caller that did not ask to suppress the sign-in redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// `203 Non-Authoritative Information` with the HTML sign-in page.
    Html203,
    /// `302 Found` to the sign-in page.
    Redirect302,
}

/// The answer to a live credential that lacks the scope of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingScope {
    /// `403` with a `TF401027` JSON body.
    Forbidden403,
    /// `401` with a `TF400813` JSON body.
    Unauthorized401,
}

/// A page size used when none is asked for, and the most that is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageCap {
    /// Items when the caller names no page size.
    pub default: usize,
    /// Items at most; a larger wish is silently lowered.
    pub max: usize,
}

impl PageCap {
    /// A cap with the given default and maximum.
    pub const fn new(default: usize, max: usize) -> Self {
        Self { default, max }
    }

    pub(crate) fn of(self, asked: Option<usize>) -> usize {
        asked.unwrap_or(self.default).min(self.max)
    }
}

/// Page sizes per endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageCaps {
    /// `projects`: the maximum is undocumented.
    pub projects: PageCap,
    /// `build/builds`: 1,000 and 5,000 are community-reported.
    pub builds: PageCap,
    /// `build/definitions`: the maximum is undocumented.
    pub definitions: PageCap,
    /// `git/pullrequests`: 101 and 1,000.
    pub pull_requests: PageCap,
    /// `pushes`: the maximum is undocumented.
    pub pushes: PageCap,
    /// `commits`: 100 by default, the maximum is undocumented.
    pub commits: PageCap,
    /// `commitsbatch`: `$top` up to 50,000.
    pub commits_batch: PageCap,
    /// `tfvc/changesets/{id}/changes`: undocumented.
    pub changeset_changes: PageCap,
    /// `policy/configurations`: undocumented.
    pub policies: PageCap,
    /// `tfvc/changesets`: 256.
    pub changesets: PageCap,
    /// `wit/reporting/workitemrevisions` without `$expand`: 1,000.
    pub revisions: PageCap,
    /// `wit/reporting/workitemrevisions` with `$expand=fields`: 200.
    pub revisions_expanded: PageCap,
    /// `wit/reporting/workitemlinks`: 1,000.
    pub links: PageCap,
    /// `teams`: 100 by default, the maximum is undocumented.
    pub teams: PageCap,
    /// `release/deployments`: 50, and at most 100.
    pub deployments: PageCap,
    /// `distributedtask/environments`: the sizes are undocumented.
    pub environments: PageCap,
    /// `environmentdeploymentrecords`: the sizes are undocumented.
    pub deployment_records: PageCap,
    /// `test/runs`: 100.
    pub test_runs: PageCap,
    /// Sets of Analytics: 10,000 rows.
    pub activities: PageCap,
}

impl Default for PageCaps {
    fn default() -> Self {
        Self {
            projects: PageCap::new(100, 500),
            builds: PageCap::new(1_000, 5_000),
            definitions: PageCap::new(1_000, 10_000),
            pull_requests: PageCap::new(101, 1_000),
            pushes: PageCap::new(100, 1_000),
            commits: PageCap::new(100, 5_000),
            commits_batch: PageCap::new(100, 50_000),
            changeset_changes: PageCap::new(100, 1_000),
            policies: PageCap::new(100, 1_000),
            changesets: PageCap::new(256, 256),
            revisions: PageCap::new(1_000, 1_000),
            revisions_expanded: PageCap::new(200, 200),
            links: PageCap::new(1_000, 1_000),
            teams: PageCap::new(100, 1_000),
            deployments: PageCap::new(50, 100),
            environments: PageCap::new(50, 1_000),
            deployment_records: PageCap::new(50, 1_000),
            test_runs: PageCap::new(100, 100),
            activities: PageCap::new(10_000, 10_000),
        }
    }
}

impl PageCaps {
    /// The same small cap wherever Microsoft documents none, so that tests page a lot. Where it documents a cap or a page
    /// that is served when none is asked for, a client may rely on it, and so it stays.
    pub const fn undocumented(max: usize) -> Self {
        Self {
            pull_requests: PageCap::new(101, 1_000),
            pushes: PageCap::new(100, 100),
            commits: PageCap::new(100, 100),
            commits_batch: PageCap::new(100, 50_000),
            activities: PageCap::new(10_000, 10_000),
            ..Self::all(max)
        }
    }

    /// The same small cap everywhere, so that tests page a lot.
    pub const fn all(max: usize) -> Self {
        let cap = PageCap::new(max, max);
        Self {
            projects: cap,
            builds: cap,
            definitions: cap,
            pull_requests: cap,
            pushes: cap,
            commits: cap,
            commits_batch: cap,
            changeset_changes: PageCap::new(100, 100),
            policies: cap,
            changesets: cap,
            revisions: cap,
            revisions_expanded: cap,
            links: cap,
            teams: cap,
            deployments: cap,
            environments: cap,
            deployment_records: cap,
            test_runs: cap,
            activities: cap,
        }
    }
}

/// Behaviour that Microsoft's documentation leaves open; each default is the likelier answer, [`Self::contrary`] the other one.
///
/// The sizes of pages are open too for builds, pushes, commits and projects: those are in [`PageCaps`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified {
    /// Whether `searchCriteria.fromId` of changesets includes that id itself.
    /// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get-changesets#uri-parameters>
    pub from_id_inclusive: bool,
    /// How changesets are listed where nobody uses TFVC.
    /// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/changesets/get-changesets>
    pub tfvc_absence: TfvcAbsence,
    /// Whether pull requests of `status=all` in a `closed` time range leave out active ones (else they answer by creation).
    /// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project#pullrequesttimerangetype>
    pub all_closed_excludes_active: bool,
    /// Which commits a list without `itemVersion` covers.
    /// <https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits>
    pub commits_without_version: CommitReach,
    /// The field that marks the newest revision of a deleted work item.
    /// <https://learn.microsoft.com/rest/api/azure/devops/wit/reporting-work-item-revisions/read-reporting-revisions-get>
    pub deleted_field: String,
    /// How long the token of a reporting stream is good for after it was given; a later use is a `400`. `None` is for ever.
    /// <https://learn.microsoft.com/rest/api/azure/devops/wit/reporting-work-item-revisions/read-reporting-revisions-get#uri-parameters>
    pub token_lifetime: Option<Duration>,
    /// Which run the token of a list of runs names.
    /// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list#uri-parameters>
    pub build_token: BuildToken,
    /// Whether `statusFilter` of runs takes several values, or answers `400` to a comma.
    /// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list#buildstatus>
    pub statuses_combine: bool,
    /// Whether the reporting endpoints give `System.BoardColumn`, `System.BoardColumnDone` and `System.BoardLane`; if not, only
    /// the fields that each board has of its own.
    /// <https://learn.microsoft.com/azure/devops/boards/queries/query-by-workflow-changes>
    pub board_fields: bool,
    /// Whether the reporting endpoints give `System.ExternalLinkCount`.
    /// <https://learn.microsoft.com/azure/devops/boards/queries/linking-attachments>
    pub external_link_count: bool,
    /// Whether each revision tells how many comments there were when it was made, or how many there are now.
    /// <https://learn.microsoft.com/azure/devops/boards/queries/history-and-auditing>
    pub comment_count_is_historic: bool,
    /// Whether a link to a commit, pull request, branch, run or changeset makes a revision.
    /// <https://learn.microsoft.com/azure/devops/boards/queries/link-type-reference>
    pub artifact_links_revise: bool,
    /// How a timeline that never existed is answered.
    /// <https://learn.microsoft.com/rest/api/azure/devops/build/timeline/get>
    pub timeline_absence: TimelineAbsence,
    /// Whether the list of runs says what was wrong with a definition that was refused.
    /// <https://learn.microsoft.com/rest/api/azure/devops/build/builds/list#buildrequestvalidationresult>
    pub refusals_are_listed: bool,
    /// Whether `X-TFS-FedAuthRedirect: Suppress` turns the sign-in page for a dead credential into a bare `401`.
    /// <https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate>
    pub suppress_is_heard: bool,
    /// Whether what was deployed to an environment is listed newest first (else oldest first).
    /// <https://learn.microsoft.com/rest/api/azure/devops/environments/environmentdeploymentrecords/list>
    pub deployments_newest_first: bool,
    /// Whether Analytics tells what a retry replaced beside what replaced it.
    /// <https://learn.microsoft.com/azure/devops/report/analytics/entity-reference-pipelines#pipelinerunactivityresults>
    pub analytics_keeps_retries: bool,
    /// Whether the days off of a team count among the days off that a sprint has in all.
    /// <https://learn.microsoft.com/rest/api/azure/devops/work/iterationcapacities/get>
    pub team_days_off_are_totalled: bool,
    /// How the code coverage of a run that published none is answered.
    /// <https://learn.microsoft.com/rest/api/azure/devops/testresults/codecoverage/get>
    pub coverage_absence: CoverageAbsence,
}

impl Default for Unverified {
    fn default() -> Self {
        Self {
            from_id_inclusive: true,
            tfvc_absence: TfvcAbsence::EmptyList,
            all_closed_excludes_active: true,
            commits_without_version: CommitReach::EveryPush,
            deleted_field: "System.IsDeleted".to_owned(),
            token_lifetime: None,
            build_token: BuildToken::NextRun,
            statuses_combine: true,
            board_fields: true,
            external_link_count: true,
            comment_count_is_historic: true,
            artifact_links_revise: true,
            timeline_absence: TimelineAbsence::NotFound404,
            refusals_are_listed: true,
            suppress_is_heard: true,
            deployments_newest_first: true,
            analytics_keeps_retries: true,
            team_days_off_are_totalled: true,
            coverage_absence: CoverageAbsence::EmptySummary,
        }
    }
}

impl Unverified {
    /// The other answer to every question that has two.
    pub fn contrary() -> Self {
        Self {
            from_id_inclusive: false,
            tfvc_absence: TfvcAbsence::NotFound404,
            all_closed_excludes_active: false,
            commits_without_version: CommitReach::DefaultBranch,
            token_lifetime: Some(Duration::from_secs(3_600)),
            build_token: BuildToken::LastRun,
            statuses_combine: false,
            board_fields: false,
            external_link_count: false,
            comment_count_is_historic: false,
            artifact_links_revise: false,
            timeline_absence: TimelineAbsence::NoContent204,
            refusals_are_listed: false,
            suppress_is_heard: false,
            deployments_newest_first: false,
            analytics_keeps_retries: false,
            team_days_off_are_totalled: false,
            coverage_absence: CoverageAbsence::NotFound404,
            // What else could mark a deleted item is anybody's guess.
            deleted_field: Self::default().deleted_field,
        }
    }
}

/// How Analytics behaves.
/// <https://learn.microsoft.com/azure/devops/report/powerbi/performance-latency>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Analytics {
    /// Whom it answers.
    pub access: AnalyticsAccess,
    /// Rows of what ended less than this ago are not there yet.
    pub lag: Duration,
}

/// Whether Analytics answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnalyticsAccess {
    /// Everybody who has the scope.
    #[default]
    Served,
    /// Nobody, because the permission to view Analytics is missing: `403`.
    /// <https://learn.microsoft.com/azure/devops/report/powerbi/analytics-security>
    NoPermission403,
    /// Nobody, because Analytics is not enabled for the organization: `404`.
    NotEnabled404,
    /// Nobody, because the version is not served any more: `410`.
    /// <https://learn.microsoft.com/azure/devops/report/extend-analytics/odata-api-version>
    Removed410,
    /// Everybody, but the columns are called otherwise than documented: `400`.
    Renamed400,
}

/// Which commits a commit list without `itemVersion` covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitReach {
    /// Everything ever pushed to the repository.
    EveryPush,
    /// The history of the default branch.
    DefaultBranch,
}

/// The answer to a list of changesets where nobody uses TFVC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TfvcAbsence {
    /// An empty list.
    EmptyList,
    /// `404` with a JSON error.
    NotFound404,
}

/// The answer for the code coverage of a run that published none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoverageAbsence {
    /// A summary without data.
    EmptySummary,
    /// `404` with a JSON error.
    NotFound404,
}

/// The run whose time is the token of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildToken {
    /// The first one of the next page, so that pages repeat nothing but runs of one instant.
    NextRun,
    /// The last one of this page: the next page begins with it again.
    LastRun,
}

/// The answer for the timeline of a run that never had a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineAbsence {
    /// `404` with a JSON error.
    NotFound404,
    /// `204` without a body.
    NoContent204,
    /// `200` with a page for people.
    Html200,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_wish_above_the_maximum_is_lowered() {
        let cap = PageCap::new(10, 20);
        assert_eq!(
            (cap.of(None), cap.of(Some(15)), cap.of(Some(500))),
            (10, 15, 20)
        );
    }
}
