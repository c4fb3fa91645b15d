//! A steady leader: the part of liveness that concerns elections.
//!
//! Where primaries are elected, the protocol owes that they do not change for ever: "to elect and
//! maintain a steady leader" (Ongaro and Ousterhout, USENIX ATC 2014, §5.6). Operations alone do
//! not tell: leaders may change for ever, and each of them serve a few clients first; and where
//! nobody asks for anything, none is overdue.
//!
//! From the liveness bound after GST on, or after a correct replica crashed or restarted last, no
//! replica may win an election any more, and one that won leads on. A faulty replica says nothing:
//! where there is one, it may be the one that leads.

use std::collections::BTreeSet;

use super::{Happening, RunInfo, Stamp};
use crate::id::NodeId;
use crate::observation::Observation;
use crate::time::{Span, Time};

#[derive(Debug)]
pub(super) struct Steadiness {
    /// Nothing is owed where primaries are not elected, or the network is never synchronous.
    is_owed: bool,
    bound: Span,
    /// GST + Δ; or when a replica crashed or restarted last, if that is later.
    since: Time,
    /// How many elections were won since.
    elections: u64,
    /// The correct replicas that lead, by what they last said.
    leaders: BTreeSet<NodeId>,
    /// Whether all replicas are correct: else one that says nothing may lead.
    all_speak: bool,
    /// The first election that came too late: where it was won, by whom and in which view.
    late: Option<(Stamp, NodeId, u64)>,
}

/// Why leaders are not steady.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unsteady {
    /// Where it shows.
    pub(super) at: Stamp,
    /// What happened.
    pub(super) what: String,
    /// Whether a leader leads on when the run ends.
    pub(super) is_led: bool,
}

impl Steadiness {
    pub(super) fn new(info: &RunInfo) -> Self {
        Self {
            is_owed: info.elects && info.gst != Time::NEVER,
            bound: info.liveness_bound,
            // What was sent before has arrived then.
            since: info.gst + info.delta,
            elections: 0,
            leaders: BTreeSet::new(),
            all_speak: info.corrupted.iter().all(|node| node.is_client()),
            late: None,
        }
    }

    fn due(&self) -> Time {
        self.since + self.bound
    }

    pub(super) fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        match observation {
            Observation::Leads { view } => {
                self.leaders.insert(node);
                self.elections += u64::from(self.since < at.time);
                if self.is_owed && self.due() < at.time && self.late.is_none() {
                    self.late = Some((at, node, *view));
                }
            }
            Observation::ViewChangeStarted { .. } | Observation::GaveUp { .. } => {
                self.leaders.remove(&node);
            }
            _ => {}
        }
    }

    pub(super) fn happen(&mut self, at: Stamp, happening: Happening) {
        match happening {
            Happening::Crashed(node) | Happening::Restarted(node) if !node.is_client() => {
                self.leaders.remove(&node);
                (self.since, self.elections) = (self.since.max(at.time), 0);
            }
            Happening::Crashed(_)
            | Happening::Restarted(_)
            | Happening::Expired { .. }
            | Happening::Handled
            | Happening::Lost { .. } => {}
        }
    }

    /// What is wrong when the run ends; or whether it was judged at all.
    pub(super) fn finish(&self, end: Stamp) -> Result<bool, Unsteady> {
        let Self { since, elections, .. } = self;
        let due = self.due();
        if let Some((at, node, view)) = self.late {
            let what = format!(
                "{node} wins the election of v{view}, and the leader was to be steady from {due} \
                 on; elections won since {since}: {elections}"
            );
            return Err(Unsteady { at, what, is_led: !self.leaders.is_empty() });
        }
        if !self.is_owed || end.time < due {
            return Ok(false);
        }
        if self.leaders.is_empty() && !self.all_speak {
            return Ok(false);
        }
        if self.leaders.is_empty() {
            let what = format!(
                "nobody leads at {}, and a leader was to be steady from {due} on; elections won \
                 since {since}: {elections}",
                end.time
            );
            return Err(Unsteady { at: end, what, is_led: false });
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Committee;

    const R: [NodeId; 3] = [NodeId::Replica(0), NodeId::Replica(1), NodeId::Replica(2)];

    fn at(secs: u64) -> Stamp {
        Stamp { time: Time::ZERO + Span::from_secs(secs), event: secs }
    }

    /// A run that is synchronous from 5 s on, and whose bound is 10 s.
    fn steadiness(elects: bool) -> Steadiness {
        Steadiness::new(&RunInfo {
            elects,
            gst: at(4).time,
            delta: Span::from_secs(1),
            liveness_bound: Span::from_secs(10),
            ..RunInfo::of(Committee { replicas: 3, faults: 1, clients: 1 })
        })
    }

    fn leads(checker: &mut Steadiness, secs: u64, node: NodeId) {
        checker.observe(at(secs), node, &Observation::Leads { view: secs });
    }

    fn asks(checker: &mut Steadiness, secs: u64, node: NodeId) {
        let it = Observation::ViewChangeStarted { view: secs, reason: "a higher term" };
        checker.observe(at(secs), node, &it);
    }

    #[test]
    fn a_leader_of_before_the_bound_leads_on() {
        let mut checker = steadiness(true);
        leads(&mut checker, 6, R[0]);
        asks(&mut checker, 7, R[0]);
        leads(&mut checker, 15, R[1]);
        assert_eq!(checker.finish(at(14)), Ok(false), "the bound is not over");
        assert_eq!(checker.finish(at(15)), Ok(true));
        // That others stand in vain changes no leader.
        asks(&mut checker, 20, R[2]);
        assert_eq!(checker.finish(at(99)), Ok(true));
    }

    #[test]
    fn an_election_that_is_won_later_violates_it_and_so_does_none() {
        let mut checker = steadiness(true);
        for secs in [6, 8, 16, 18] {
            leads(&mut checker, secs, R[0]);
        }
        let Err(Unsteady { at: place, what, is_led }) = checker.finish(at(20)) else {
            panic!("{checker:?}")
        };
        assert_eq!((place, is_led), (at(16), true));
        assert!(what.contains("elections won since 5s: 4"), "{what}");

        let mut checker = steadiness(true);
        leads(&mut checker, 6, R[0]);
        asks(&mut checker, 7, R[0]);
        let unsteady = checker.finish(at(15)).expect_err("nobody leads");
        assert!(unsteady.what.starts_with("nobody leads at 15s"), "{unsteady:?}");
        let mut deposed = steadiness(true);
        leads(&mut deposed, 16, R[0]);
        asks(&mut deposed, 17, R[0]);
        assert!(deposed.finish(at(20)).is_err_and(|it| !it.is_led), "nobody leads at the end");
        let mut nobody_elects = steadiness(false);
        leads(&mut nobody_elects, 16, R[0]);
        assert_eq!(nobody_elects.finish(at(20)), Ok(false));
    }

    #[test]
    fn a_leader_that_says_nothing_may_be_faulty() {
        for (faulty, is_judged) in [(NodeId::Replica(2), false), (NodeId::Client(0), true)] {
            let mut checker = Steadiness::new(&RunInfo {
                elects: true,
                liveness_bound: Span::from_secs(10),
                corrupted: vec![faulty],
                ..RunInfo::of(Committee { replicas: 3, faults: 1, clients: 1 })
            });
            assert_eq!(checker.finish(at(99)).is_err(), is_judged, "{faulty}");
            // That it wins again and again is told by those who win in between.
            leads(&mut checker, 20, R[0]);
            assert!(checker.finish(at(99)).is_err(), "{faulty}");
        }
    }

    #[test]
    fn after_a_crash_or_a_restart_there_is_time_again() {
        for (happening, counts) in [
            (Happening::Crashed(R[1]), true),
            (Happening::Restarted(R[1]), true),
            (Happening::Crashed(NodeId::Client(0)), false),
            (Happening::Lost { from: R[0], to: R[1] }, false),
        ] {
            let mut checker = steadiness(true);
            leads(&mut checker, 6, R[0]);
            checker.happen(at(9), happening);
            leads(&mut checker, 17, R[0]);
            assert_eq!(checker.finish(at(18)).is_ok(), counts, "{happening:?}");
        }
        let mut checker = steadiness(true);
        leads(&mut checker, 6, R[0]);
        checker.happen(at(9), Happening::Crashed(R[0]));
        assert!(checker.finish(at(19)).is_err(), "who crashed leads no longer");
    }
}
