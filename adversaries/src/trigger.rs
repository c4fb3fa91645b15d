//! Whether a report is the one that a fault waits for.

use byzsim_core::{NodeId, Observation};

use crate::log::Demand;
use crate::plan::{Reported, Trigger};
use crate::range::within;

impl Trigger {
    /// The first demand that `node`'s report of an event, with its view and its slot or timestamp,
    /// fails; `None` if it meets all but the count.
    pub(crate) fn failed(
        &self,
        node: NodeId,
        (event, view, seq): (Reported, Option<u64>, Option<u64>),
    ) -> Option<Demand> {
        if event != self.event {
            Some(Demand::Kind)
        } else if self.node.is_some_and(|wanted| wanted != node) {
            Some(Demand::Sender)
        } else if !within(self.view, || view) {
            Some(Demand::View)
        } else if !within(self.seq, || seq) {
            Some(Demand::Slot)
        } else {
            None
        }
    }
}

impl Reported {
    /// All reports, in the order of a run.
    pub const ALL: [Self; 9] = [
        Self::Invoked,
        Self::Completed,
        Self::Accepted,
        Self::Committed,
        Self::Executed,
        Self::StableCheckpoint,
        Self::Restored,
        Self::ViewChangeStarted,
        Self::EnteredView,
    ];

    /// The name in scenario files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoked => "invoked",
            Self::Completed => "completed",
            Self::Accepted => "accepted",
            Self::Committed => "committed",
            Self::Executed => "executed",
            Self::StableCheckpoint => "stable-checkpoint",
            Self::Restored => "restored",
            Self::ViewChangeStarted => "view-change-started",
            Self::EnteredView => "entered-view",
        }
    }

    /// Whether clients report it, and not replicas.
    pub const fn is_of_clients(self) -> bool {
        matches!(self, Self::Invoked | Self::Completed)
    }

    /// Whether the report names a view.
    pub const fn has_view(self) -> bool {
        match self {
            Self::Accepted
            | Self::Committed
            | Self::Executed
            | Self::ViewChangeStarted
            | Self::EnteredView => true,
            Self::Invoked | Self::Completed | Self::StableCheckpoint | Self::Restored => false,
        }
    }

    /// Whether the report names a slot or a timestamp.
    pub const fn has_seq(self) -> bool {
        !matches!(self, Self::ViewChangeStarted | Self::EnteredView)
    }

    /// A report's event, view, and slot or timestamp; `None` for what no fault can wait for.
    pub const fn of(observation: &Observation) -> Option<(Self, Option<u64>, Option<u64>)> {
        Some(match *observation {
            Observation::Invoked { timestamp, .. } => (Self::Invoked, None, Some(timestamp)),
            Observation::Completed { timestamp, .. } => (Self::Completed, None, Some(timestamp)),
            Observation::Accepted { view, seq, .. } => (Self::Accepted, Some(view), Some(seq)),
            Observation::Committed { view, seq, .. } => (Self::Committed, Some(view), Some(seq)),
            Observation::Executed { view, seq, .. } | Observation::Speculated { view, seq, .. } => {
                (Self::Executed, Some(view), Some(seq))
            }
            Observation::StableCheckpoint { seq, .. } => (Self::StableCheckpoint, None, Some(seq)),
            Observation::Restored { seq, .. } => (Self::Restored, None, Some(seq)),
            Observation::ViewChangeStarted { view, .. } => {
                (Self::ViewChangeStarted, Some(view), None)
            }
            Observation::EnteredView { view } => (Self::EnteredView, Some(view), None),
            Observation::Applied { .. }
            | Observation::Read { .. }
            | Observation::RolledBack { .. }
            | Observation::Anchored { .. }
            | Observation::Checkpointed { .. }
            | Observation::Leads { .. }
            | Observation::Cut { .. }
            | Observation::GaveUp { .. }
            | Observation::Suspected { .. }
            | Observation::Proven { .. }
            | Observation::Reached(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::Range;
    use byzsim_core::{Answer, Decided, Digest};

    #[test]
    fn triggers_match_node_view_and_slot() {
        let decided = Decided::Batch(Digest::default());
        let committed = Observation::Committed { view: 1, seq: 7, decided };
        let entered = Observation::EnteredView { view: 1 };
        let completed = Observation::Completed { timestamp: 2, answer: Answer::Done };
        let (r1, c0) = (NodeId::Replica(1), NodeId::Client(0));
        let any = |event| Trigger { node: None, event, view: None, seq: None, count: 1 };
        let of = |node, event| Trigger { node: Some(node), ..any(event) };
        let in_view = |view, event| Trigger { view: Some(Range::only(view)), ..any(event) };
        let at = |min, max, event| Trigger { seq: Some(Range { min, max }), ..any(event) };
        for (trigger, node, observation, failed) in [
            (any(Reported::Committed), r1, &committed, None),
            (any(Reported::Executed), r1, &committed, Some(Demand::Kind)),
            (of(r1, Reported::Committed), r1, &committed, None),
            (of(NodeId::Replica(2), Reported::Committed), r1, &committed, Some(Demand::Sender)),
            (in_view(1, Reported::Committed), r1, &committed, None),
            (in_view(0, Reported::Committed), r1, &committed, Some(Demand::View)),
            (at(5, 7, Reported::Committed), r1, &committed, None),
            (at(8, 9, Reported::Committed), r1, &committed, Some(Demand::Slot)),
            (in_view(1, Reported::EnteredView), r1, &entered, None),
            (at(1, 1, Reported::EnteredView), r1, &entered, Some(Demand::Slot)),
            (at(2, 2, Reported::Completed), c0, &completed, None),
        ] {
            let report = Reported::of(observation).expect("a fault can wait for it");
            assert_eq!(trigger.failed(node, report), failed, "{trigger:?}");
        }
    }
}
