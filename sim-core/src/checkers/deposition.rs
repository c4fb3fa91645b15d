//! No needless deposition: after GST a correct primary is given up only for a cause that the
//! protocol's rules name.
//!
//! A protocol that deposes correct primaries again and again may still answer within the bound of
//! liveness, and be of no use. There are three ways to leave a view:
//!
//! * *A timer expires.* That says something of a correct primary only if the timer ran, in a
//!   network that had settled, for as long as a correct primary takes to serve ([`Promptness`]).
//!   Timeouts that are shorter than that are no mistake: they double until they are long enough.
//! * *A message arrives*, such as proof of misbehaviour. No message makes a correct replica give up
//!   a correct primary.
//! * *Others ask for it.* One of them is correct, so some correct replica gave up this view, or a
//!   later one. It was judged for that.
//!
//! A replica that is down is as good as a faulty one: it is one of the f without which the others
//! must serve. When it restarts it lacks what it missed, and has the time to fetch it. A primary
//! with a link that lost messages from GST on need not serve anybody.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, Findings, Happening, Promptness, RunInfo, Stamp, Verdict, Wait};
use crate::id::NodeId;
use crate::observation::Observation;
use crate::time::{Span, Time};

#[derive(Debug)]
pub(super) struct Deposition {
    findings: Findings,
    info: RunInfo,
    /// By correct replica: the view that it is in, or on the way to.
    goals: BTreeMap<NodeId, u64>,
    /// The highest view that a correct replica gave up for a cause of its own.
    given_up: Option<u64>,
    /// The correct replicas that are down.
    down: BTreeSet<NodeId>,
    /// The correct nodes with a link that loses messages although the network is synchronous.
    cut: BTreeSet<NodeId>,
    /// When all that was lost, before GST or by a crash, has been made good.
    whole: Time,
    /// When a correct replica last left or entered a view, or fetched a state.
    moved: Time,
    /// The timer that expired in the present event, if one did.
    expired: Option<Expired>,
    /// Whether a timer gave up a correct primary of which nobody says how soon it serves.
    is_open: bool,
}

/// A timer that expired.
#[derive(Clone, Copy, Debug)]
struct Expired {
    armed: Time,
    /// How long the slowest message between correct nodes took since GST.
    slowest: Span,
}

impl Deposition {
    pub(super) fn new(info: &RunInfo) -> Self {
        let correct = info.committee.replica_ids().filter(|node| !info.corrupted.contains(node));
        Self {
            findings: Findings::default(),
            goals: correct.map(|node| (node, 0)).collect(),
            given_up: None,
            down: BTreeSet::new(),
            cut: BTreeSet::new(),
            // In a network that is synchronous from the start nothing is ever lost.
            whole: match info.gst {
                Time::ZERO => Time::ZERO,
                gst => gst + settling(info),
            },
            moved: Time::ZERO,
            expired: None,
            is_open: false,
            info: info.clone(),
        }
    }

    /// Whether no more replicas are corrupted, or `down`, than the protocol tolerates.
    fn is_within_f(&self, down: usize) -> bool {
        let up = self.goals.len() - down;
        let all = usize::from(self.info.committee.replicas);
        all - up <= usize::from(self.info.committee.faults)
    }

    /// Whether the primary of a view is correct and up, and enough others are.
    fn can_serve(&self, primary: NodeId) -> bool {
        let is_up = !self.info.corrupted.contains(&primary) && !self.down.contains(&primary);
        is_up && !self.cut.contains(&primary) && self.is_within_f(self.down.len())
    }

    /// A correct replica gives up the primary of a view, for a cause of its own.
    fn give_up(&mut self, at: Stamp, node: NodeId, view: u64, primary: NodeId) {
        self.given_up = self.given_up.max(Some(view));
        // Where leaders are elected, who gives up itself knows of no leader in this view.
        let is_leaderless = self.info.elects && primary == node;
        if is_leaderless || at.time < self.info.gst || !self.can_serve(primary) {
            return;
        }
        self.findings.judge();
        let Some(Expired { armed, slowest }) = self.expired else {
            self.findings.violate(at, "by a message", || {
                format!(
                    "{node} gives up {primary}, the correct primary of v{view}, for a message: no \
                     message proves or shows that a correct primary is faulty"
                )
            });
            return;
        };
        let mut up = self.goals.iter().filter(|(node, _)| !self.down.contains(node));
        if up.any(|(_, goal)| *goal != view) {
            // Some are in other views: whom the primary can serve is open.
            return;
        }
        let Some(Promptness { settling, serving }) = self.info.promptness else {
            self.is_open = true;
            return;
        };
        // What was lost before is made good by retransmission; in a view change nothing is lost.
        let together = Wait { timers: Span::ZERO, ..settling };
        // Without a message since GST none is known to be fast.
        let slowest = if slowest == Span::ZERO { self.info.delta } else { slowest };
        let settled = self.whole.max(self.moved + together.at(slowest));
        let (from, enough) = (armed.max(settled), serving.at(slowest));
        let waited = at.time.since(from);
        if waited <= enough {
            return;
        }
        self.findings.violate(at, "by a timer", || {
            format!(
                "{node} gives up {primary}, the correct primary of v{view}, by a timer that ran \
                 since {armed}; all correct replicas that are up had this view for their goal \
                 since {}, the \
                 network was settled from {settled} on, and no message took longer than \
                 {slowest}, so the primary serves within {enough}, and {waited} went by",
                self.moved
            )
        });
    }

    /// A correct replica leaves its view, or the way to one, for another.
    fn leave(&mut self, at: Stamp, node: NodeId, view: u64) {
        let before = self.goals.insert(node, view).unwrap_or(0);
        self.moved = at.time;
        // No view 0 has a leader that was elected.
        let has_primary = 0 < before || !self.info.elects;
        if has_primary && self.given_up < Some(before) && self.is_within_f(0) {
            self.findings.judge();
            self.findings.violate(at, "asked by nobody correct", || {
                format!(
                    "{node} leaves v{before} for v{view}, although no correct replica gave up \
                     v{before} or a later view"
                )
            });
        }
    }

    /// From now on what was lost is made good.
    fn settle(&mut self, at: Stamp) {
        self.whole = self.whole.max(at.time + settling(&self.info));
    }
}

/// How long it takes until what was lost is made good.
fn settling(info: &RunInfo) -> Span {
    info.promptness.map_or(Span::ZERO, |it| it.settling.at(info.delta))
}

impl Checker for Deposition {
    fn happen(&mut self, at: Stamp, happening: Happening) {
        match happening {
            Happening::Expired { armed, slowest } => {
                self.expired = Some(Expired { armed, slowest });
            }
            Happening::Handled => self.expired = None,
            Happening::Lost { from, to } => self.cut.extend([from, to]),
            // Correct replicas serve the others while a client is down.
            Happening::Crashed(node) | Happening::Restarted(node) if node.is_client() => {}
            Happening::Crashed(node) => {
                self.down.insert(node);
                // Another one may not yet have what it lacks, and have waited for this one.
                if at.time < self.whole {
                    self.settle(at);
                }
            }
            Happening::Restarted(node) => {
                self.down.remove(&node);
                self.settle(at);
            }
        }
    }

    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        match *observation {
            Observation::GaveUp { view, primary } => self.give_up(at, node, view, primary),
            Observation::ViewChangeStarted { view, .. } => self.leave(at, node, view),
            Observation::EnteredView { view } => {
                self.goals.insert(node, view);
                self.moved = at.time;
            }
            Observation::Restored { .. } => self.moved = at.time,
            _ => {}
        }
    }

    /// A run in which nobody gave up a correct primary satisfies the property.
    fn finish(&mut self, _: Stamp) -> Verdict {
        match self.findings.verdict_on_absence() {
            Verdict::Holds(_) if self.is_open => Verdict::Inconclusive(
                "the protocol does not say how soon a correct primary serves".to_owned(),
            ),
            verdict => verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Committee;

    const R: [NodeId; 4] =
        [NodeId::Replica(0), NodeId::Replica(1), NodeId::Replica(2), NodeId::Replica(3)];

    const fn at(ms: u64) -> Stamp {
        Stamp { time: Time::from_nanos(ms * 1_000_000), event: ms }
    }

    /// A correct primary serves within 100 ms, and a replica that restarts has what it lacks 300 ms
    /// later.
    fn deposition(corrupted: &[NodeId]) -> Deposition {
        let wait = |ms| Wait { messages: 0, timers: Span::from_millis(ms) };
        Deposition::new(&RunInfo {
            corrupted: corrupted.to_vec(),
            delta: Span::from_millis(10),
            promptness: Some(Promptness { settling: wait(300), serving: wait(100) }),
            ..RunInfo::of(Committee { replicas: 4, faults: 1, clients: 1 })
        })
    }

    /// A replica gives up r0, the primary of view 0, by a timer that ran since then.
    fn gives_up(checker: &mut Deposition, node: NodeId, [armed, now]: [u64; 2]) {
        let (armed, slowest) = (at(armed).time, Span::from_millis(10));
        checker.happen(at(now), Happening::Expired { armed, slowest });
        checker.observe(at(now), node, &Observation::GaveUp { view: 0, primary: R[0] });
        let asks = Observation::ViewChangeStarted { view: 1, reason: "no progress" };
        checker.observe(at(now), node, &asks);
        checker.happen(at(now), Happening::Handled);
    }

    /// What the checker says when r1 gives up r0 at 1 s, by a timer that ran since 400 ms.
    fn verdict(corrupted: &[NodeId], happenings: &[(u64, Happening)]) -> Verdict {
        let mut checker = deposition(corrupted);
        for (ms, happening) in happenings {
            checker.happen(at(*ms), *happening);
        }
        gives_up(&mut checker, R[1], [400, 1_000]);
        checker.finish(at(1_000))
    }

    #[test]
    fn a_replica_that_stays_down_is_one_of_the_f_and_excuses_nobody() {
        let crashes = |ms, place: usize| (ms, Happening::Crashed(R[place]));
        let restarts = |ms, place: usize| (ms, Happening::Restarted(R[place]));
        assert!(verdict(&[], &[]).is_violated());
        assert!(verdict(&R[3..], &[]).is_violated());
        assert!(verdict(&[], &[crashes(100, 3)]).is_violated(), "the others are 2f + 1");
        // Too few are left, or it is the primary that is down.
        assert_eq!(verdict(&[R[2]], &[crashes(100, 3)]), Verdict::Holds(0));
        assert_eq!(verdict(&[], &[crashes(100, 2), crashes(100, 3)]), Verdict::Holds(0));
        assert_eq!(verdict(&[], &[crashes(100, 0)]), Verdict::Holds(0));
        // It has what it lacks for more than 100 ms, or for less.
        assert!(verdict(&[], &[crashes(100, 3), restarts(590, 3)]).is_violated());
        assert_eq!(verdict(&[], &[crashes(100, 3), restarts(610, 3)]), Verdict::Holds(1));
        // Another one, from which it may have hoped to have it, crashes before.
        let next = [crashes(100, 3), restarts(500, 3), crashes(750, 2)];
        assert!(verdict(&[], &next[..2]).is_violated());
        assert_eq!(verdict(&[], &next), Verdict::Holds(1));
    }

    #[test]
    fn what_nobody_says_of_correct_primaries_is_not_judged() {
        let mut checker = deposition(&[]);
        checker.info.promptness = None;
        assert_eq!(checker.finish(at(1_000)), Verdict::Holds(0), "nobody was given up");
        gives_up(&mut checker, R[1], [400, 1_000]);
        assert!(matches!(checker.finish(at(1_000)), Verdict::Inconclusive(_)));
        // No message makes a correct replica give up a correct primary, in any protocol.
        checker.observe(at(1_100), R[2], &Observation::GaveUp { view: 0, primary: R[0] });
        assert!(checker.finish(at(1_100)).is_violated());
    }

    #[test]
    fn a_primary_with_a_link_that_loses_messages_need_not_serve() {
        for (lost, expected) in [([R[2], R[3]], true), ([R[0], R[3]], false), ([R[3], R[0]], false)]
        {
            let mut checker = deposition(&[]);
            let [from, to] = lost;
            checker.happen(at(100), Happening::Lost { from, to });
            gives_up(&mut checker, R[1], [400, 1_000]);
            assert_eq!(checker.finish(at(1_000)).is_violated(), expected, "{from} to {to}");
        }
    }

    #[test]
    fn the_goal_of_a_replica_that_is_down_does_not_count() {
        for (is_down, expected) in [(false, false), (true, true)] {
            let mut checker = deposition(&[]);
            gives_up(&mut checker, R[3], [40, 50]);
            if is_down {
                checker.happen(at(100), Happening::Crashed(R[3]));
            }
            gives_up(&mut checker, R[1], [400, 1_000]);
            assert_eq!(checker.finish(at(1_000)).is_violated(), expected, "{is_down}");
        }
    }
}
