//! When a run has settled: every fault that ends is over, every client has its answers, and what
//! correct nodes still do is their own doing or was provoked.
//!
//! The run plays on after the last answer until correct nodes are at rest. What a corrupted node
//! says after the run has settled, and all that follows from it, was *provoked*: correct nodes
//! answer for as long as it speaks, and come to rest when it falls silent. So was what a replica
//! does that is left with something open that nobody can close ([`Settling::open`]). Everything
//! else is their own doing: what goes on from before, and what their own timers lead to.

use crate::checkers::{Late, Stamp};
use crate::id::{Committee, NodeId};
use crate::observation::Observation;
use crate::time::{Span, Time};
use crate::timers::Cause;

/// How far a run has settled.
#[derive(Debug)]
pub(super) struct Settling {
    committee: Committee,
    /// When the network is synchronous, and what was sent before has arrived.
    synchronous: Time,
    /// How long correct nodes may take to come to rest.
    bound: Span,
    /// By replica; of corrupted ones nothing is known.
    replicas: Vec<Known>,
    /// The last slot that a correct replica executed.
    executed: u64,
    /// Why correct nodes do what happens now.
    cause: Cause,
    /// When a correct replica went down, or was up again, last.
    shaken: Time,
    /// When the last thing came that provokes.
    stirred: Time,
    /// How many messages correct nodes sent since the run has settled.
    sent: u64,
    /// The first that came later than the bound allows.
    late: Option<Late>,
}

/// How often a replica suspects its primary before nobody else is expected to see the like any
/// more: if others could, they had as many timers to do so.
const JOINED_BY_NOW: u32 = 10;

/// What a correct replica reported.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The view that it asks for, while it is in none.
    asks: Option<u64>,
    /// The view whose primary it gave up, while it is in this view or on the way to it.
    gave_up: Option<u64>,
    /// How often it has suspected a primary since it executed something last: what it waits for has
    /// not come.
    suspicions: u32,
    /// The last slot for which it accepted a proposal in its view.
    accepted: u64,
    /// Whether it is down: nobody hears what it asks for.
    is_down: bool,
}

impl Known {
    /// The view that it asks for: the one that it named, or the one after the view whose primary it
    /// accuses, if it still does after so long.
    fn goal(self) -> Option<u64> {
        let accuses = self.gave_up.filter(|_| JOINED_BY_NOW <= self.suspicions);
        self.asks.max(accuses.map(|view| view + 1))
    }
}

/// What a correct replica has open, and nobody can close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// It asks for this view, and at most f correct ones that are up ask for any. With f + 1, all
    /// would join.
    View(u64),
    /// It accepted a proposal for this slot, which no correct replica executed: no client waits for
    /// it, so nobody owes that it is decided.
    Slot(u64),
}

impl std::fmt::Display for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::View(view) => write!(f, "asks for view {view}, as too few do"),
            Self::Slot(seq) => {
                write!(f, "accepted a proposal for slot s{seq}, which nobody executed")
            }
        }
    }
}

impl Settling {
    pub(super) fn new(committee: Committee, synchronous: Time, bound: Span) -> Self {
        Self {
            committee,
            synchronous,
            bound,
            replicas: vec![Known::default(); usize::from(committee.replicas)],
            executed: 0,
            cause: Cause::Own,
            shaken: Time::ZERO,
            stirred: Time::ZERO,
            sent: 0,
            late: None,
        }
    }

    /// Since when nothing hinders correct nodes any more but what does so for ever; never in a
    /// network that stays asynchronous. `faults_over`: when the faults that end are over.
    #[inline]
    pub(super) fn calm_at(&self, faults_over: Time) -> Time {
        self.synchronous.max(faults_over)
    }

    /// How long correct nodes may take to come to rest.
    #[inline]
    pub(super) const fn bound(&self) -> Span {
        self.bound
    }

    /// Says why correct nodes do what happens from now on.
    #[inline]
    pub(super) const fn attribute(&mut self, cause: Cause) {
        self.cause = cause;
    }

    /// Why correct nodes do what happens now.
    #[inline]
    pub(super) const fn cause(&self) -> Cause {
        self.cause
    }

    /// Something comes that provokes: a word of a faulty node, or the timer of a node that has
    /// something open which nobody can close.
    #[inline]
    pub(super) const fn stir(&mut self, now: Time) {
        self.stirred = now;
    }

    /// Since when nothing provokes correct nodes any more, if the run has `settled` then.
    pub(super) fn unprovoked_since(&self, settled: Time) -> Time {
        settled.max(self.stirred)
    }

    /// Since when all correct replicas that are up have been so, in a synchronous network.
    pub(super) fn together_since(&self) -> Time {
        self.synchronous.max(self.shaken)
    }

    /// A correct node goes down, or is up again.
    pub(super) fn note_down(&mut self, now: Time, node: NodeId, is_down: bool) {
        if !node.is_client() {
            self.shaken = now;
            self.replicas[usize::from(node.number())].is_down = is_down;
        }
    }

    /// A correct node reports something.
    pub(super) fn note(&mut self, node: NodeId, observation: &Observation) {
        let number = usize::from(node.number());
        if let Observation::Accepted { seq, .. } = observation {
            let known = &mut self.replicas[number];
            known.accepted = known.accepted.max(*seq);
        } else if let Observation::Executed { seq, .. }
        | Observation::Speculated { seq, .. }
        | Observation::Restored { seq, .. } = observation
        {
            self.executed = self.executed.max(*seq);
            // What it waited for may have come. If not, it suspects the primary again.
            self.replicas[number].suspicions = 0;
        } else if let Observation::ViewChangeStarted { view, .. } = observation {
            let known = &mut self.replicas[number];
            (known.asks, known.accepted) = (Some(*view), 0);
        } else if let Observation::GaveUp { view, .. } = observation {
            // Zyzzyva's replicas accuse, and stay in their view until f + 1 do.
            self.replicas[number].gave_up = Some(*view);
        } else if let Observation::Suspected { .. } = observation
            && !node.is_client()
        {
            let known = &mut self.replicas[number];
            known.suspicions = known.suspicions.saturating_add(1);
        } else if let Observation::EnteredView { view } = observation {
            // It may have given up the primary of this view on the way to it.
            let known = &mut self.replicas[number];
            known.gave_up = known.gave_up.filter(|gave_up| view <= gave_up);
            known.asks = None;
        }
    }

    /// Whether at most f correct replicas ask for a view that are up.
    fn few_ask(&self) -> bool {
        let asking = self.replicas.iter().filter(|it| it.goal().is_some() && !it.is_down);
        asking.count() <= usize::from(self.committee.faults)
    }

    /// What a correct node has open, and nobody can close.
    pub(super) fn open(&self, node: NodeId) -> Option<Open> {
        if node.is_client() {
            return None;
        }
        let known = self.replicas[usize::from(node.number())];
        let slot = || (self.executed < known.accepted).then_some(Open::Slot(known.accepted));
        known.goal().filter(|_| self.few_ask()).map(Open::View).or_else(slot)
    }

    /// A correct node sends a message of this kind, for this cause; the run has `settled` then.
    /// What a pulse leads to goes on for ever, and is left out.
    pub(super) fn sent(
        &mut self,
        at: Stamp,
        settled: Time,
        node: NodeId,
        (kind, cause): (&'static str, Cause),
    ) {
        let since = match cause {
            Cause::Own => settled,
            Cause::Provoked => self.unprovoked_since(settled),
            Cause::Pulse => return,
        };
        self.sent += u64::from(settled < at.time);
        if self.late.is_none() && since + self.bound < at.time {
            self.late = Some(Late { at, node, kind, since, sent: self.sent });
        }
    }

    /// The first message that a correct node sent too late.
    #[inline]
    pub(super) const fn late(&self) -> Option<&Late> {
        self.late.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Digest;

    const R: [NodeId; 4] =
        [NodeId::Replica(0), NodeId::Replica(1), NodeId::Replica(2), NodeId::Replica(3)];

    fn settling() -> Settling {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        Settling::new(committee, Time::ZERO, Span::from_secs(9))
    }

    fn asks(view: u64) -> Observation {
        Observation::ViewChangeStarted { view, reason: "a timeout" }
    }

    #[test]
    fn one_replica_asks_for_a_view_for_ever_and_two_are_joined() {
        let mut settling = settling();
        settling.note(R[1], &asks(1));
        settling.note(R[1], &asks(2));
        assert_eq!(settling.open(R[1]), Some(Open::View(2)));
        assert_eq!(settling.open(R[2]), None);
        settling.note(R[2], &asks(1));
        assert_eq!(settling.open(R[1]), None, "f + 1 ask: everyone owes that the view opens");
        settling.note(R[2], &Observation::EnteredView { view: 1 });
        settling.note(R[1], &Observation::EnteredView { view: 2 });
        settling.note(R[3], &asks(3));
        assert_eq!((settling.open(R[1]), settling.open(R[3])), (None, Some(Open::View(3))));
    }

    #[test]
    fn who_asks_beside_one_that_crashed_asks_alone() {
        let mut settling = settling();
        settling.note(R[1], &asks(1));
        settling.note(R[2], &asks(1));
        assert_eq!(settling.open(R[1]), None);
        let at = |secs| Time::ZERO + Span::from_secs(secs);
        settling.note_down(at(7), R[2], true);
        settling.note_down(at(8), NodeId::Client(0), true);
        assert_eq!(settling.together_since(), at(7));
        assert_eq!(settling.open(R[1]), Some(Open::View(1)));
        settling.note_down(at(9), R[2], false);
        assert_eq!(settling.open(R[1]), None, "it asks again: the two are joined");
    }

    #[test]
    fn one_replica_accuses_for_ever_and_two_are_joined() {
        let mut settling = settling();
        let gives_up = Observation::GaveUp { view: 1, primary: R[1] };
        let suspects = Observation::Suspected { node: R[1], reason: "no order" };
        for node in [R[0], R[2]] {
            settling.note(node, &gives_up);
        }
        assert_eq!(settling.open(R[0]), None, "others may still join");
        for _ in 0..10 {
            settling.note(R[0], &suspects);
        }
        assert_eq!(settling.open(R[0]), Some(Open::View(2)));
        for _ in 0..10 {
            settling.note(R[2], &suspects);
        }
        assert_eq!(settling.open(R[0]), None, "f + 1 accuse: everyone owes that the view opens");
        settling.note(R[2], &Observation::EnteredView { view: 2 });
        assert_eq!(settling.open(R[0]), Some(Open::View(2)));
        // On the way to a view whose primary it has given up already, it enters it.
        settling.note(R[0], &Observation::EnteredView { view: 1 });
        assert_eq!(settling.open(R[0]), Some(Open::View(2)));
        // What it waited for may have come.
        let (batch, history) = (Digest::default(), Digest::default());
        settling.note(R[0], &Observation::Speculated { view: 1, seq: 1, batch, history });
        assert_eq!(settling.open(R[0]), None);
    }

    #[test]
    fn a_proposal_is_left_open_until_somebody_executes_it() {
        let (mut settling, batch) = (settling(), Digest::default());
        settling.note(R[1], &Observation::Accepted { view: 0, seq: 3, batch });
        assert_eq!(settling.open(R[1]), Some(Open::Slot(3)));
        let executed = Observation::Executed { view: 0, seq: 3, batch, null: false };
        settling.note(R[2], &executed);
        assert_eq!(settling.open(R[1]), None, "now it lags behind");
        settling.note(R[1], &Observation::Accepted { view: 0, seq: 4, batch });
        settling.note(R[1], &asks(1));
        settling.note(R[1], &Observation::EnteredView { view: 1 });
        assert_eq!(settling.open(R[1]), None, "the proposal was of another view");
    }

    #[test]
    fn who_sends_too_late_is_remembered_with_how_much_was_sent_before() {
        let mut settling = settling();
        let at = |secs| Stamp { time: Time::ZERO + Span::from_secs(secs), event: 0 };
        let settled = at(1).time;
        for (secs, node) in [(1, R[0]), (2, R[0]), (10, R[1]), (11, R[2]), (12, R[3])] {
            settling.sent(at(secs), settled, node, ("status", Cause::Own));
        }
        let late = settling.late().expect("11 s is more than 1 s + 9 s");
        assert_eq!((late.node, late.at.time, late.sent), (R[2], at(11).time, 3));
        assert_eq!(late.since, settled);
    }

    #[test]
    fn what_was_provoked_has_the_time_from_the_last_provocation_on() {
        use Cause::{Own, Provoked, Pulse};
        for (sent, cause, is_late) in [
            (14, Provoked, false),
            (15, Provoked, true),
            (11, Own, true),
            (10, Own, false),
            (99, Pulse, false),
        ] {
            let mut settling = settling();
            let at = |secs| Stamp { time: Time::ZERO + Span::from_secs(secs), event: 0 };
            settling.stir(at(5).time);
            settling.sent(at(sent), at(1).time, R[0], ("status", cause));
            assert_eq!(settling.late().is_some(), is_late, "at {sent} s: {cause:?}");
        }
    }
}
