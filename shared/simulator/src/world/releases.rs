//! Classic releases: what was deployed where, who let it pass, and how it ended.

use jiff::Timestamp;

use crate::world::people::PersonId;

/// The stages of every classic pipeline, in their order.
pub(crate) const STAGES: [&str; 3] = ["Test", "Staging", "Production"];
/// The stage that customers see.
pub(crate) const PRODUCTION: usize = STAGES.len() - 1;

/// A classic release pipeline.
#[derive(Clone, Debug)]
pub(crate) struct ReleaseDefinition {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) project: u16,
}

/// One release: the output of a run on its way through the stages.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) id: u32,
    /// Position in `World::release_definitions`.
    pub(crate) definition: usize,
    /// Counts within the pipeline, from 1.
    pub(crate) number: u32,
    pub(crate) created: Timestamp,
    pub(crate) by: PersonId,
    /// Position in `World::builds`.
    pub(crate) build: usize,
}

/// One attempt to bring a release to a stage.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) id: u32,
    /// Position in `World::releases`.
    pub(crate) release: usize,
    /// Position in [`STAGES`].
    pub(crate) stage: usize,
    pub(crate) attempt: u32,
    pub(crate) reason: Reason,
    pub(crate) by: PersonId,
    pub(crate) queued: Timestamp,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) done: Option<(Timestamp, Outcome)>,
}

/// What must be said before or after the work of a deployment.
#[derive(Clone, Debug)]
pub(crate) struct Approval {
    pub(crate) is_post: bool,
    /// Whose word is wanted; `None` where the pipeline asks nobody.
    pub(crate) approver: Option<PersonId>,
    /// Who gave it: often another member of the group.
    pub(crate) by: Option<PersonId>,
    pub(crate) created: Timestamp,
    pub(crate) decided: Option<(Timestamp, Decision)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Approved,
    Rejected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    PartiallySucceeded,
    Failed,
    Canceled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Automated,
    Manual,
    Redeploy,
}

/// How far a deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waits for a word before its work.
    Waiting,
    /// Was refused before its work.
    Rejected,
    Queued,
    Working,
    /// Has done its work and waits for a word after it.
    Checking,
    /// Was refused after its work.
    Withdrawn,
    Over(Outcome),
}

impl Deployment {
    pub(crate) fn phase(&self) -> Phase {
        let decision = |is_post: bool| {
            let mut wanted = self.approvals.iter().filter(|own| own.is_post == is_post);
            let open = wanted.clone().any(|own| own.decided.is_none());
            let refused = wanted.any(|own| matches!(own.decided, Some((_, Decision::Rejected))));
            (open, refused)
        };
        match (decision(false), self.started, self.done) {
            ((_, true), ..) => Phase::Rejected,
            ((true, _), ..) => Phase::Waiting,
            (_, None, _) => Phase::Queued,
            (_, Some(_), None) => Phase::Working,
            (_, _, Some((_, outcome @ (Outcome::Failed | Outcome::Canceled)))) => {
                Phase::Over(outcome)
            }
            (_, _, Some((_, outcome))) => match decision(true) {
                (_, true) => Phase::Withdrawn,
                (true, _) => Phase::Checking,
                _ => Phase::Over(outcome),
            },
        }
    }

    /// `deploymentStatus` and `operationStatus`.
    pub(crate) fn statuses(&self) -> (&'static str, &'static str) {
        match self.phase() {
            Phase::Waiting => ("notDeployed", "pending"),
            Phase::Rejected => ("notDeployed", "rejected"),
            Phase::Queued => ("notDeployed", "queued"),
            Phase::Working => ("inProgress", "phaseInProgress"),
            Phase::Checking => ("inProgress", "pending"),
            Phase::Withdrawn => ("failed", "rejected"),
            // The service writes this one value in upper case.
            Phase::Over(Outcome::Succeeded) => ("succeeded", "Approved"),
            Phase::Over(Outcome::PartiallySucceeded) => {
                ("partiallySucceeded", "phasePartiallySucceeded")
            }
            Phase::Over(Outcome::Failed) => ("failed", "phaseFailed"),
            Phase::Over(Outcome::Canceled) => ("notDeployed", "canceled"),
        }
    }

    /// Whether nothing more will happen to it.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(
            self.phase(),
            Phase::Waiting | Phase::Queued | Phase::Working | Phase::Checking
        )
    }

    /// When its work and what had to be said after it was over; one that was refused before its work never has this.
    pub(crate) fn completed(&self) -> Option<Timestamp> {
        let (done, _) = self.done.filter(|_| self.is_over())?;
        Some(done.max(self.modified()))
    }

    /// When anything happened to it last.
    pub(crate) fn modified(&self) -> Timestamp {
        let approvals = self.approvals.iter().map(|own| {
            let decided = own.decided.map(|(at, _)| at);
            decided.unwrap_or(own.created)
        });
        let work = [self.started, self.done.map(|(at, _)| at)];
        approvals
            .chain(work.into_iter().flatten())
            .fold(self.queued, Timestamp::max)
    }

    /// The deployment as it stood at `boundary`.
    pub(crate) fn seen_at(mut self, boundary: Timestamp) -> Self {
        self.approvals.retain(|own| own.created <= boundary);
        for own in &mut self.approvals {
            own.decided = own.decided.filter(|(at, _)| *at <= boundary);
            own.by = own.by.filter(|_| own.decided.is_some());
        }
        self.started = self.started.filter(|at| *at <= boundary);
        self.done = self.done.filter(|(at, _)| *at <= boundary);
        self
    }
}

impl Reason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Automated => "automated",
            Self::Manual => "manual",
            Self::Redeploy => "redeployTrigger",
        }
    }
}

impl Decision {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}
