//! Quiescence: when the faults are over and no client waits, correct nodes stop sending.
//!
//! The run *settles* when every correct client has its answers, the faults that end are over, and
//! the network is synchronous. From then on a correct node may send on its own account for the
//! liveness bound of the protocol, and no longer. What a corrupted node says after that moment, and
//! all that follows from it, was *provoked*: it is nobody's own doing, and has the same time from
//! the last word of a corrupted node on. So has what follows from the timers of a replica that is
//! left with something open which nobody can close: it asks for a view or accuses its primary, and
//! at most f correct ones that are up do; or it accepted a proposal, and no correct replica
//! executed the slot. A corrupted primary can leave both behind. The verdict names who is left out.
//!
//! Where a leader sends heartbeats for ever, these are a *pulse*, and what follows from one is left
//! out: the verdict says so.

use super::{Checker, Closing, Findings, Late, RunInfo, Stamp, Verdict};
use crate::id::NodeId;
use crate::observation::Observation;
use crate::time::{Span, Time};

#[derive(Debug)]
pub(super) struct Quiescence {
    findings: Findings,
    /// How long correct nodes may take to come to rest.
    bound: Span,
    /// How many nodes are correct.
    correct: usize,
    /// Why nothing can be said, if so.
    undecided: Option<String>,
    remark: Option<String>,
}

impl Quiescence {
    pub(super) fn new(info: &RunInfo) -> Self {
        Self {
            findings: Findings::default(),
            bound: info.liveness_bound,
            correct: info.committee.len() - info.corrupted.len(),
            undecided: None,
            remark: None,
        }
    }
}

impl Checker for Quiescence {
    fn observe(&mut self, _: Stamp, _: NodeId, _: &Observation) {}

    fn close(&mut self, end: Stamp, closing: &Closing<'_>) {
        let Some(settled) = closing.settled else {
            self.undecided = Some(unsettled(closing.calm, end));
            return;
        };
        let mut left_out = closing.open.clone();
        if closing.has_pulses {
            left_out.push("heartbeats, which never end, and what they lead to".to_owned());
        }
        if !left_out.is_empty() {
            self.remark = Some(format!("left out: {}", left_out.join("; ")));
        }
        let due = settled + self.bound;
        if let Some(Late { at, node, kind, since, sent }) = &closing.late {
            let shape = format!("goes on sending {kind}");
            let provoked = match settled < *since {
                true => format!("nothing provoked it since {since}, "),
                false => String::new(),
            };
            let due = *since + self.bound;
            self.findings.violate(*at, &shape, || {
                format!(
                    "{node} sends {kind}, though the last fault and the last answer were over at \
                     {settled}, {provoked}and correct nodes should have come to rest by {due}; it \
                     is their message {sent} since {settled}",
                )
            });
        } else if closing.is_at_rest || due < end.time {
            self.findings.judged = self.correct as u64;
        } else {
            self.undecided = Some(format!(
                "the run ended at {}: correct nodes were not at rest, and had until {due}",
                end.time
            ));
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        match self.undecided.take() {
            Some(why) => Verdict::Inconclusive(why),
            None => self.findings.verdict("no node is correct"),
        }
    }

    fn remark(&mut self) -> Option<String> {
        self.remark.take()
    }
}

/// Why a run that ended at `end` has not settled.
pub(super) fn unsettled(calm: Time, end: Stamp) -> String {
    let end = end.time;
    match calm {
        Time::NEVER => "the network never becomes synchronous".to_owned(),
        calm if end < calm => format!(
            "the run ended at {end}, and only from {calm} on is the network synchronous and are the \
             faults over that end"
        ),
        _ => "the run ended before the clients were done".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Committee;

    const R0: NodeId = NodeId::Replica(0);

    fn at(secs: u64) -> Stamp {
        Stamp { time: Time::ZERO + Span::from_secs(secs), event: secs }
    }

    /// What the checker says of a run that settled at 6 s, with a bound of 10 s.
    fn judge(
        closing: impl FnOnce(Closing<'_>) -> Closing<'_>,
        end: u64,
    ) -> (Verdict, Option<String>) {
        let mut checker = Quiescence::new(&RunInfo {
            corrupted: vec![R0],
            liveness_bound: Span::from_secs(10),
            ..RunInfo::of(Committee { replicas: 4, faults: 1, clients: 2 })
        });
        let closing = closing(Closing {
            calm: at(5).time,
            settled: Some(at(6).time),
            is_at_rest: false,
            late: None,
            has_pulses: false,
            open: Vec::new(),
            is_down: &|_| false,
            standing: &|_, _| None,
        });
        checker.close(at(end), &closing);
        let remark = checker.remark();
        (checker.finish(at(end)), remark)
    }

    #[test]
    fn correct_nodes_are_at_rest_in_time_or_send_too_late_or_the_run_ends_before() {
        for (since, due) in [(6, "at 6s, and correct nodes"), (8, "nothing provoked it since 8s")] {
            let (at, since) = (at(since + 11), at(since).time);
            let late = Late { at, node: R0, kind: "status", since, sent: 3 };
            let (verdict, _) = judge(|it| Closing { late: Some(late), ..it }, 19);
            let Verdict::Violated(it) = verdict else { panic!("{verdict:?}") };
            assert_eq!(it.shape, "goes on sending status");
            assert!(it.explanation.contains(due), "{it:?}");
        }
        let (verdict, _) = judge(|it| Closing { is_at_rest: true, ..it }, 6);
        assert_eq!(verdict, Verdict::Holds(5));
        // Their timers run, and nothing is sent.
        assert_eq!(judge(|it| it, 17).0, Verdict::Holds(5));
        assert!(matches!(judge(|it| it, 16).0, Verdict::Inconclusive(_)));
    }

    #[test]
    fn what_has_not_settled_is_not_judged_and_who_is_left_out_is_named() {
        let (verdict, remark) = judge(|it| Closing { settled: None, ..it }, 99);
        let Verdict::Inconclusive(why) = verdict else { panic!("{verdict:?}") };
        assert!(why.contains("before the clients were done") && remark.is_none(), "{why}");
        let (verdict, _) = judge(|it| Closing { settled: None, calm: Time::NEVER, ..it }, 99);
        assert!(matches!(verdict, Verdict::Inconclusive(why) if why.contains("synchronous")));
        let asks = vec!["r1 asks for view 1, as too few do".to_owned()];
        let (_, remark) = judge(|it| Closing { open: asks, is_at_rest: true, ..it }, 6);
        assert_eq!(remark.as_deref(), Some("left out: r1 asks for view 1, as too few do"));
        let (_, remark) = judge(|it| Closing { has_pulses: true, is_at_rest: true, ..it }, 6);
        assert!(remark.is_some_and(|it| it.starts_with("left out: heartbeats")));
    }
}
