//! The clients' applications: what is asked next, and when an answer is overdue.

use std::collections::BTreeSet;

use super::corrupted::Corrupted;
use super::outcome::{Audit, Served, Slack};
use crate::history::{Answer, Operation, Text};
use crate::id::{Committee, NodeId};
use crate::time::{Span, Time};
use crate::workload::Workload;

/// The workload, and how far the clients are with it.
pub(super) struct Clients {
    workload: Workload,
    corrupted: Corrupted,
    times: Times,
    audit: Audit,
    /// Who reads for the audit, or what is left of it, if it has not begun.
    auditor: Option<NodeId>,
    /// Who reads, if it has.
    reader: Option<NodeId>,
    /// What is left to read when nobody does.
    unread: Vec<Operation>,
    progress: Vec<Progress>,
    served: Vec<Served>,
    /// How many operations the correct clients ask in all, and how many of them are not complete.
    operations: u64,
    unfinished: u64,
    next_deadline: Time,
    done_at: Option<Time>,
}

/// The times of a run that clients are measured by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) gst: Time,
    pub(super) delta: Span,
    /// The run ends then at the latest.
    pub(super) at_most: Time,
    /// How long an operation may take after GST, or after it was asked if that is later.
    pub(super) liveness_bound: Span,
}

/// What comes next, when a client completed an operation.
pub(super) enum Next {
    /// It asks for its next one then.
    Ask(Time),
    /// The workload is done, and the audit begins.
    Audit,
}

/// Where a client stands in its workload.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    asked: usize,
    completed: usize,
    /// The place of the operation under way in `served`.
    open: Option<usize>,
    /// Whether it is down: nobody expects an answer of it.
    is_down: bool,
    /// When it restarted last.
    restarted: Time,
    /// Whether it is to ask as soon as it restarts.
    is_due: bool,
    /// Whether it surely never restarts.
    is_gone: bool,
}

impl Clients {
    pub(super) fn new(
        committee: Committee,
        workload: Workload,
        corrupted: Corrupted,
        times: Times,
    ) -> Self {
        let correct: Vec<NodeId> =
            committee.client_ids().filter(|client| !corrupted.contains(*client)).collect();
        let count =
            |client: &NodeId| workload.operations[usize::from(client.number())].len() as u64;
        let operations = correct.iter().map(count).sum();
        let auditor = correct.first().copied();
        let unread: Vec<Operation> =
            keys(&workload).into_iter().map(|key| Operation::Get { key }).collect();
        let audit = match unread.len() as u64 {
            keys if keys == 0 || !workload.audit => Audit::Off,
            _ if auditor.is_none() => Audit::NoCorrectClient,
            keys => Audit::Reads(keys),
        };
        let auditor = auditor.filter(|_| matches!(audit, Audit::Reads(_)));
        Self {
            progress: vec![Progress::default(); workload.operations.len()],
            workload,
            corrupted,
            times,
            audit,
            auditor,
            reader: None,
            unread,
            served: Vec::new(),
            operations,
            unfinished: operations,
            next_deadline: Time::NEVER,
            done_at: (operations == 0 && auditor.is_none()).then_some(Time::ZERO),
        }
    }

    /// Begins the audit: who asks next, and when. None if it could not begin before the run ends,
    /// or is not due: there is none, it began, or a correct client is not done.
    ///
    /// The audit waits until the network is synchronous, if it ever is, and until the adversary has
    /// `settled`: what was written last is read when nothing hides it any more.
    pub(super) fn begin_audit(&mut self, now: Time, settled: Time) -> Option<(NodeId, Time)> {
        let auditor = self.auditor.take_if(|_| self.unfinished == 0)?;
        let Times { gst, delta, at_most, .. } = self.times;
        let synchronous = if gst == Time::NEVER { now } else { gst + delta };
        let begin = now.max(synchronous).max(settled);
        if at_most <= begin {
            self.done_at = Some(now);
            return None;
        }
        let reads = std::mem::take(&mut self.unread);
        self.unfinished = reads.len() as u64;
        self.reader = Some(auditor);
        self.workload.operations[usize::from(auditor.number())].extend(reads);
        Some((auditor, begin))
    }

    /// Whether what is asked now is the audit's.
    const fn audits(&self) -> bool {
        matches!(self.audit, Audit::Reads(_)) && self.auditor.is_none()
    }

    /// When the first of the operations under way is overdue.
    #[inline]
    pub(super) const fn next_deadline(&self) -> Time {
        self.next_deadline
    }

    /// When the correct clients had completed all of their operations.
    #[inline]
    pub(super) const fn done_at(&self) -> Option<Time> {
        self.done_at
    }

    /// Whether the client has an operation left to ask.
    pub(super) fn has_next(&self, client: NodeId) -> bool {
        let number = usize::from(client.number());
        self.progress[number].asked < self.workload.operations[number].len()
    }

    /// The next operation of a client, which is under way from now on.
    pub(super) fn ask(&mut self, now: Time, client: NodeId) -> Operation {
        let number = usize::from(client.number());
        let place = self.progress[number].asked;
        self.progress[number].asked += 1;
        if !self.corrupted.contains(client) {
            self.progress[number].open = Some(self.served.len());
            let timestamp = place as u64 + 1;
            let of_audit = self.audits();
            let arrived = self.arrival(client, place).unwrap_or(now);
            let (asked, completed) = (now, None);
            self.served.push(Served { client, timestamp, of_audit, arrived, asked, completed });
            self.note_deadline();
        }
        self.workload.operations[number][place].clone()
    }

    /// A client completed the operation of this number. What comes next, if something does.
    pub(super) fn completed(
        &mut self,
        now: Time,
        client: NodeId,
        (timestamp, answer): (u64, &Answer),
    ) -> Option<Next> {
        let number = usize::from(client.number());
        if !self.corrupted.contains(client) {
            let open = self.progress[number].open.take();
            let open = open.unwrap_or_else(|| panic!("{client} completed #{timestamp} twice"));
            assert_eq!(self.served[open].timestamp, timestamp, "{client} answers what it asked");
            self.served[open].completed = Some((now, answer.clone()));
            self.unfinished -= 1;
            self.note_deadline();
            if self.unfinished == 0 && self.auditor.is_none() {
                self.done_at = Some(now);
            }
        }
        let has_next = self.has_next(client);
        let progress = &mut self.progress[number];
        progress.completed += 1;
        if self.unfinished == 0 && self.auditor.is_some() {
            return Some(Next::Audit);
        }
        // A corrupted client's copies may report one operation twice; it asks on once.
        if progress.completed < progress.asked || !has_next {
            return None;
        }
        progress.completed = progress.asked;
        // The audit is no workload: nobody thinks, and nothing arrives.
        let pause = if self.audits() { Span::ZERO } else { self.workload.think };
        let arrival = self.arrival(client, self.progress[number].asked);
        Some(Next::Ask(arrival.map_or(now + pause, |arrival| arrival.max(now))))
    }

    /// When the operation at this place of a client arrives, if operations arrive on their own.
    fn arrival(&self, client: NodeId, place: usize) -> Option<Time> {
        let arrivals = self.workload.arrivals.get(usize::from(client.number()))?;
        arrivals.get(place).copied()
    }

    /// When a client asks for its first operation.
    pub(super) fn first(&self, client: NodeId) -> Time {
        self.arrival(client, 0).unwrap_or(Time::ZERO)
    }

    /// A client crashed. If it surely never restarts, nobody waits for its operations, and another
    /// reads for the audit, or what it left unread. Whether that is due now.
    pub(super) fn crashed(&mut self, now: Time, node: NodeId, is_final: bool) -> bool {
        if !node.is_client() {
            return false;
        }
        let number = usize::from(node.number());
        let progress = &mut self.progress[number];
        progress.is_down = true;
        let is_news = is_final && !std::mem::replace(&mut progress.is_gone, is_final);
        if is_news {
            let all = self.workload.operations[number].len();
            let answered = progress.asked - usize::from(progress.open.is_some());
            self.unfinished -= (all - answered) as u64;
            let reader = self.reader.take_if(|reader| *reader == node && answered < all);
            if reader.is_some() {
                self.unread = self.workload.operations[number].split_off(answered);
            }
            if reader.is_some() || self.auditor == Some(node) {
                self.auditor = self.another_auditor();
            }
            if self.unfinished == 0 && self.auditor.is_none() && self.done_at.is_none() {
                self.done_at = Some(now);
            }
        }
        self.note_deadline();
        is_news && self.unfinished == 0 && self.auditor.is_some()
    }

    /// A correct client that may still be up, to read for the audit.
    fn another_auditor(&mut self) -> Option<NodeId> {
        let mut clients = (0..).map(NodeId::Client).zip(&self.progress);
        let may_be_up =
            |(client, it): &(NodeId, &Progress)| !it.is_gone && !self.corrupted.contains(*client);
        let left = clients.find(may_be_up).map(|(client, _)| client);
        if left.is_none() {
            let keys = keys(&self.workload).len();
            self.audit = match self.unread.len() {
                unread if unread == keys => Audit::NoCorrectClient,
                _ => Audit::CutShort(keys as u64),
            };
        }
        left
    }

    /// A client restarted. Whether it is to ask for its next operation at once.
    pub(super) fn restarted(&mut self, now: Time, node: NodeId) -> bool {
        if !node.is_client() {
            return false;
        }
        let progress = &mut self.progress[usize::from(node.number())];
        (progress.is_down, progress.restarted) = (false, now);
        let is_due = std::mem::replace(&mut progress.is_due, false);
        self.note_deadline();
        is_due
    }

    /// A client that is down asks when it restarts.
    pub(super) fn postpone(&mut self, client: NodeId) {
        self.progress[usize::from(client.number())].is_due = true;
    }

    /// How near the run, which ended at `end`, came to an overdue operation.
    pub(super) fn slack(&self, end: Time) -> Option<Slack> {
        let Times { gst, liveness_bound: bound, .. } = self.times;
        let taken = |it: &Served| {
            let Progress { is_down, restarted, .. } =
                self.progress[usize::from(it.client.number())];
            let answered = match &it.completed {
                Some((at, _)) => *at,
                None if is_down => return None,
                None => end,
            };
            let again = if restarted <= answered { restarted } else { Time::ZERO };
            Some(answered.since(it.asked.max(gst).max(again)))
        };
        let slowest = self.served.iter().filter(|_| gst != Time::NEVER).filter_map(taken).max();
        slowest.map(|slowest| Slack { slowest, bound })
    }

    /// The operations of the correct clients, how many they were to ask in all, and the audit.
    pub(super) fn finish(self) -> (Vec<Served>, u64, Audit) {
        (self.served, self.operations, self.audit)
    }

    fn note_deadline(&mut self) {
        let Times { gst, liveness_bound, .. } = self.times;
        if gst == Time::NEVER {
            return;
        }
        let up = self.progress.iter().filter(|progress| !progress.is_down);
        // An operation during which its client restarts is asked anew.
        let asked = up.filter_map(|it| Some(self.served[it.open?].asked.max(it.restarted)));
        let deadline = |asked: Time| asked.max(gst) + liveness_bound;
        self.next_deadline = asked.map(deadline).min().unwrap_or(Time::NEVER);
    }
}

/// The keys that any client's operations are about, corrupted clients included.
fn keys(workload: &Workload) -> BTreeSet<Text> {
    workload.operations.iter().flatten().map(|operation| operation.key().clone()).collect()
}
