//! Turns planned pushes into history: one after the other, each on top of what it finds.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::world::code_lives::{PushKind, PushPlan};
use crate::world::git::{Commit, History, Push, RefUpdate, Sha};
use crate::world::pull_requests::PullRequest;
use crate::world::random::Random;
use crate::world::text;
use crate::world::work_items::WorkItem;

const MAIN: &str = "refs/heads/main";

/// Writes the histories of all repositories.
pub(crate) struct Pusher<'a> {
    pub(crate) seed: u64,
    pub(crate) work_items: &'a [WorkItem],
    pub(crate) pull_requests: &'a mut [PullRequest],
    pub(crate) histories: Vec<History>,
    next_id: u32,
    tags: HashMap<usize, u32>,
}

impl<'a> Pusher<'a> {
    pub(crate) fn new(
        seed: u64,
        repositories: usize,
        work_items: &'a [WorkItem],
        pull_requests: &'a mut [PullRequest],
    ) -> Self {
        let histories = (0..repositories).map(|_| History::default()).collect();
        Self {
            seed,
            work_items,
            pull_requests,
            histories,
            next_id: 1,
            tags: HashMap::new(),
        }
    }

    /// Applies a push; its `pull_request` is a position in the final list.
    pub(crate) fn push(&mut self, plan: &PushPlan) {
        let main = self.histories[plan.repository]
            .main
            .last()
            .map(|(_, tip)| *tip);
        let branch = plan
            .pull_request
            .map(|position| self.pull_requests[position].branch.clone());
        let branch_tip = plan
            .pull_request
            .and_then(|position| self.pull_requests[position].source());
        let mut writer = Writer::new(self, plan);
        let refs = match (plan.kind, branch) {
            (
                PushKind::Direct {
                    commits, has_tag, ..
                },
                _,
            ) => writer.direct(main, commits, has_tag),
            (PushKind::Open { commits }, Some(branch)) => {
                writer.branch(branch, None, main, commits)
            }
            (PushKind::Update { commits, is_force }, Some(branch)) => {
                let base = if is_force { main } else { branch_tip };
                writer.branch(branch, branch_tip, base, commits)
            }
            (PushKind::Merge, Some(_)) => writer.merge(main, branch_tip),
            (PushKind::DeleteBranch, Some(name)) => {
                vec![RefUpdate {
                    name,
                    old: branch_tip.unwrap_or(Sha::ZERO),
                    new: Sha::ZERO,
                }]
            }
            (_, None) => return,
        };
        let commits = writer.commits;
        self.record(plan, main, refs, commits);
    }

    fn record(
        &mut self,
        plan: &PushPlan,
        main: Option<Sha>,
        refs: Vec<RefUpdate>,
        commits: Vec<Commit>,
    ) {
        let tip = refs.first().map_or(Sha::ZERO, |update| update.new);
        if let Some(position) = plan.pull_request {
            let pull_request = &mut self.pull_requests[position];
            match plan.kind {
                PushKind::Open { .. } | PushKind::Update { .. } => {
                    pull_request.tips.push((plan.at, tip));
                    pull_request.target = main;
                }
                PushKind::Merge => {
                    pull_request.merge = Some(tip);
                    pull_request.target = main;
                }
                PushKind::Direct { .. } | PushKind::DeleteBranch => {}
            }
        }
        let history = &mut self.histories[plan.repository];
        if matches!(plan.kind, PushKind::Direct { .. } | PushKind::Merge) {
            history.main.push((plan.at, tip));
        }
        history.commits.extend(commits);
        history.pushes.push(Push {
            id: self.next_id,
            at: plan.at,
            by: plan.by,
            refs,
        });
        self.next_id += 1;
    }
}

/// Writes the commits of one push.
struct Writer<'a> {
    plan: &'a PushPlan,
    random: Random,
    work_items: &'a [WorkItem],
    pull_request: Option<&'a PullRequest>,
    tag: u32,
    push: usize,
    commits: Vec<Commit>,
}

impl<'a> Writer<'a> {
    fn new(pusher: &'a mut Pusher<'_>, plan: &'a PushPlan) -> Self {
        let second = plan.at.as_microsecond() as u64;
        let tag = pusher.tags.entry(plan.repository).or_insert(0);
        if matches!(plan.kind, PushKind::Direct { has_tag: true, .. }) {
            *tag += 1;
        }
        Self {
            random: Random::stream(&[
                pusher.seed,
                0x517,
                plan.repository as u64,
                second,
                u64::from(pusher.next_id),
            ]),
            tag: *tag,
            push: pusher.histories[plan.repository].pushes.len(),
            work_items: pusher.work_items,
            pull_request: plan
                .pull_request
                .map(|position| &pusher.pull_requests[position]),
            plan,
            commits: Vec::new(),
        }
    }

    fn direct(&mut self, main: Option<Sha>, commits: u8, has_tag: bool) -> Vec<RefUpdate> {
        let tip = self.chain(main, commits);
        let mut refs = vec![RefUpdate {
            name: MAIN.to_owned(),
            old: main.unwrap_or(Sha::ZERO),
            new: tip,
        }];
        if has_tag {
            refs.push(RefUpdate {
                name: format!("refs/tags/v1.{}", self.tag),
                old: Sha::ZERO,
                new: tip,
            });
        }
        refs
    }

    fn branch(
        &mut self,
        name: String,
        old: Option<Sha>,
        base: Option<Sha>,
        commits: u8,
    ) -> Vec<RefUpdate> {
        let new = self.chain(base, commits);
        vec![RefUpdate {
            name,
            old: old.unwrap_or(Sha::ZERO),
            new,
        }]
    }

    fn merge(&mut self, main: Option<Sha>, source: Option<Sha>) -> Vec<RefUpdate> {
        let is_squash = self.pull_request.is_some_and(|own| own.is_squash);
        let parents = main
            .into_iter()
            .chain(source.filter(|_| !is_squash))
            .collect();
        let title = self
            .pull_request
            .map_or_else(String::new, |own| text::title(own.title));
        let id = self.pull_request.map_or(0, |own| own.id);
        let new = self.commit(parents, self.plan.at, format!("Merged PR {id}: {title}"));
        vec![RefUpdate {
            name: MAIN.to_owned(),
            old: main.unwrap_or(Sha::ZERO),
            new,
        }]
    }

    fn chain(&mut self, base: Option<Sha>, commits: u8) -> Sha {
        let mut tip = base;
        let backdated_days = if let PushKind::Direct { backdated_days, .. } = self.plan.kind {
            backdated_days
        } else {
            0
        };
        for n in 0..commits {
            let minutes = i64::from(commits - n) * 7 - self.random.between(0, 5);
            let age = SignedDuration::from_hours(24 * backdated_days)
                + SignedDuration::from_mins(minutes);
            let comment = self.comment();
            tip = Some(self.commit(tip.into_iter().collect(), self.plan.at - age, comment));
        }
        tip.unwrap_or(Sha::ZERO)
    }

    fn comment(&mut self) -> String {
        let title = text::title(self.random.next() as u32);
        if self.random.chance(20) {
            format!("{title}\n\n{}", text::prose(300))
        } else {
            title
        }
    }

    fn commit(&mut self, parents: Vec<Sha>, at: Timestamp, mut comment: String) -> Sha {
        let sha = Sha::random(&mut self.random);
        let known = self
            .work_items
            .partition_point(|item| item.created().at < self.plan.at);
        let work_items = if self.random.chance(30) && known > 0 {
            vec![self.work_items[self.random.index(known.min(40)) + known - known.min(40)].id]
        } else {
            Vec::new()
        };
        for id in &work_items {
            comment.push_str(&format!(" #{id}"));
        }
        let committed = Timestamp::from_second(at.as_second()).unwrap_or(at);
        let authored = committed - SignedDuration::from_mins(self.random.between(0, 40));
        self.commits.push(Commit {
            sha,
            parents,
            author: self.plan.by,
            committer: self.plan.by,
            authored,
            committed,
            comment,
            counts: [
                self.random.below(4) as u16,
                1 + self.random.below(12) as u16,
                self.random.below(2) as u16,
            ],
            push: self.push,
            work_items,
        });
        sha
    }
}
