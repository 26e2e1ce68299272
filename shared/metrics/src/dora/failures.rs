//! Which deployments failed, and when what they broke was whole again.

use std::collections::{BTreeMap, HashSet};

use super::{
    attempts::{Attempt, RunId, Target, attempts, chosen, found_in},
    rule::fails_by,
};
use crate::{Context, Evidence, Fact};

/// An attempt to deploy with what became of it.
pub(crate) struct Outcome {
    /// The attempt.
    pub(crate) attempt: Attempt,
    /// Why it failed; `None` if it did not.
    pub(crate) failure: Option<Evidence>,
    /// The attempt that made the target whole again; `None` if it did not fail, or the target is not whole yet.
    pub(crate) restored_by: Option<Evidence>,
    /// Whether the attempt before at the same target had failed, too, so that it broke nothing new.
    pub(crate) continues: bool,
}

/// What became of every attempt that the rule chooses.
pub(crate) fn outcomes(facts: &[Fact], context: &Context) -> Vec<Outcome> {
    let bugs = found_in(facts);
    let mut by_target: BTreeMap<Target, Vec<Attempt>> = BTreeMap::new();
    for attempt in attempts(facts, context, chosen) {
        by_target
            .entry(attempt.target.clone())
            .or_default()
            .push(attempt);
    }
    let of_target = |attempts: Vec<Attempt>| of_target(attempts, &bugs, context);
    by_target.into_values().flat_map(of_target).collect()
}

/// Attempts at one target follow each other: each is judged with the next one, and is restored by the first one after it that
/// did not fail.
fn of_target(attempts: Vec<Attempt>, bugs: &HashSet<RunId>, context: &Context) -> Vec<Outcome> {
    let failures: Vec<Option<Evidence>> = (0..attempts.len())
        .map(|place| failure(&attempts[place], attempts.get(place + 1), bugs, context))
        .collect();
    let mut restored_by = None;
    let mut outcomes = Vec::new();
    for (place, attempt) in attempts.into_iter().enumerate().rev() {
        let failure = failures[place].clone();
        if failure.is_none() {
            restored_by = Some(Evidence {
                role: "restored by",
                reason: "next deployment to the same place that did not fail",
                at: Some(attempt.at),
                link: Some(attempt.link.clone()),
            });
        }
        let before = place
            .checked_sub(1)
            .and_then(|place| failures[place].as_ref());
        outcomes.push(Outcome {
            restored_by: restored_by.clone().filter(|_| failure.is_some()),
            continues: failure.is_some() && before.is_some(),
            attempt,
            failure,
        });
    }
    outcomes
}

/// Why an attempt failed, by the first of the chosen ways that tells.
fn failure(
    own: &Attempt,
    next: Option<&Attempt>,
    bugs: &HashSet<RunId>,
    context: &Context,
) -> Option<Evidence> {
    let by = |way| fails_by(&context.settings, way);
    let evidence = |reason, with: &Attempt| Evidence {
        role: "failed",
        reason,
        at: Some(with.at),
        link: Some(with.link.clone()),
    };
    if by("result") && !own.succeeded {
        return Some(evidence("its result", own));
    }
    // What did not get there can neither be taken back nor mended.
    if !own.succeeded {
        return None;
    }
    let is_rollback = |next: &&Attempt| next.version < own.version || next.is_redeployment;
    if by("rollback")
        && let Some(next) = next.filter(is_rollback)
    {
        return Some(evidence("rolled back", next));
    }
    if by("hotfix")
        && let Some(next) = next.filter(|next| next.is_hotfix)
    {
        return Some(evidence("followed by a hotfix", next));
    }
    let is_buggy = own.runs.iter().any(|run| bugs.contains(run));
    (by("linked_bug") && is_buggy).then(|| evidence("a bug was found in it", own))
}
