//! Each property has a scenario that trips it, a stream that leaves it undecided, and a stream that
//! a naive form of it would get wrong.

use byzsim_core::checkers::{Closing, RunInfo, Shared};
use byzsim_core::{
    Answer, Committee, Conviction, Digest, Evidence, NodeId, Observation, Operation, PROPERTIES,
    Span, Stamp, Time, Verdict, Verifier,
};

use crate::support::{scenario, sweep};

mod naive;
mod streams;

/// What correct nodes reported of a run that was made up.
pub(crate) struct Stream {
    corrupted: Vec<NodeId>,
    gst: Time,
    facts: Vec<(u64, NodeId, Observation)>,
    end_ms: u64,
    /// Who is down at the end.
    down: Vec<NodeId>,
}

impl Stream {
    fn info(&self) -> RunInfo {
        RunInfo {
            corrupted: self.corrupted.clone(),
            gst: self.gst,
            liveness_bound: Span::from_millis(1_000),
            search_budget: 1_000,
            delta: Span::from_millis(50),
            // Evidence proves what it says it does.
            verifier: Verifier::new(|it| *it.statements().unwrap_or(&Err("nothing is signed"))),
            ..RunInfo::of(Committee { replicas: 4, faults: 1, clients: 2 })
        }
    }

    /// What the property says to it.
    fn judged_by(&self, property: &str) -> Verdict {
        let row = PROPERTIES.iter().find(|it| it.name == property).expect("it is a property");
        let mut checker = (row.checker)(&self.info(), &Shared::default());
        let stamp = |ms: u64, event| Stamp { time: Time::ZERO + Span::from_millis(ms), event };
        for (event, (ms, node, what)) in (0..).zip(&self.facts) {
            checker.observe(stamp(*ms, event), *node, what);
        }
        let end = stamp(self.end_ms, self.facts.len() as u64);
        // The clients are done, correct nodes are at rest, and nobody sent anything too late.
        let closing = Closing {
            calm: self.gst,
            settled: (self.gst != Time::NEVER).then_some(self.gst),
            is_at_rest: true,
            late: None,
            has_pulses: false,
            open: Vec::new(),
            is_down: &|node| self.down.contains(&node),
            standing: &|_, _| None,
        };
        checker.close(end, &closing);
        checker.finish(end)
    }
}

/// When a property is undecided.
enum Undecided {
    /// In this stream.
    In(fn() -> Stream),
    /// Never: it demands only that something does not happen, so a run in which nothing of the
    /// kind happened satisfies it.
    Never,
}

/// What shows that a property is worth something.
struct Case {
    property: &'static str,
    /// A scenario of the library in which it is violated.
    tripped_by: &'static str,
    undecided: Undecided,
    /// A simpler form of the judge: whether it cries.
    naive: fn(&Stream) -> bool,
    /// What it gets wrong, and the right verdict: whether the property is violated.
    mistaken: fn() -> Stream,
    is_violated: bool,
}

const CASES: &[Case] = &[
    Case {
        property: "agreement",
        tripped_by: "pbft/flaws/P02-commit-quorum",
        undecided: Undecided::In(streams::nothing),
        naive: naive::compares_what_replicas_executed_last,
        mistaken: streams::a_laggard_disagrees,
        is_violated: true,
    },
    Case {
        property: "validity",
        tripped_by: "pbft/flaws/P15-request-unverified",
        undecided: Undecided::In(streams::nothing),
        naive: naive::knows_requests_by_their_number,
        mistaken: streams::another_operation_is_applied,
        is_violated: true,
    },
    Case {
        property: "exactly-once",
        tripped_by: "pbft/flaws/P19-executes-again",
        undecided: Undecided::In(streams::nothing),
        naive: naive::counts_what_was_rolled_back,
        mistaken: streams::a_request_is_rolled_back_and_applied_again,
        is_violated: false,
    },
    Case {
        property: "replicated-state",
        tripped_by: "pbft/state-diverges",
        undecided: Undecided::In(streams::nothing),
        naive: naive::compares_the_digests_of_states,
        mistaken: streams::a_replica_skips_a_request_and_reports_the_same_digest,
        is_violated: true,
    },
    Case {
        property: "result-integrity",
        tripped_by: "pbft/flaws/P18-cache-answers-all",
        undecided: Undecided::In(streams::nothing),
        naive: naive::believes_the_answers_of_replicas,
        mistaken: streams::all_replicas_answer_wrongly,
        is_violated: true,
    },
    Case {
        property: "durability",
        tripped_by: "zyzzyva/agm/a",
        undecided: Undecided::Never,
        naive: naive::compares_the_histories_of_replicas,
        mistaken: streams::all_replicas_lose_a_completed_operation,
        is_violated: true,
    },
    Case {
        property: "linearizability",
        tripped_by: "pbft/flaws/P08-digest-ignored",
        undecided: Undecided::In(streams::nothing),
        naive: naive::orders_operations_by_their_completion,
        mistaken: streams::a_read_that_ends_first_sees_a_later_write,
        is_violated: false,
    },
    Case {
        property: "liveness",
        tripped_by: "pbft/flaws/P34b-never-joins",
        undecided: Undecided::In(streams::the_network_never_becomes_synchronous),
        naive: naive::counts_from_the_invocation,
        mistaken: streams::an_operation_waits_for_gst,
        is_violated: false,
    },
    Case {
        property: "deposition",
        tripped_by: "zyzzyva/flaws/Z20-confirm-ignored",
        undecided: Undecided::Never,
        naive: naive::wants_no_primary_given_up,
        mistaken: streams::a_primary_is_given_up_before_gst,
        is_violated: false,
    },
    Case {
        property: "coherence",
        tripped_by: "pbft/flaws/P08-digest-ignored",
        undecided: Undecided::In(streams::nothing),
        naive: naive::wants_every_view,
        mistaken: streams::a_replica_skips_a_view,
        is_violated: false,
    },
    Case {
        property: "leadership",
        tripped_by: "raft/twins-beyond-f",
        undecided: Undecided::In(streams::nothing),
        naive: naive::wants_one_leader_at_a_time,
        mistaken: streams::an_old_leader_does_not_know_that_it_is_one,
        is_violated: false,
    },
    Case {
        property: "convergence",
        tripped_by: "pbft/flaws/P40c-state-not-fetched",
        undecided: Undecided::In(streams::nothing),
        naive: naive::wants_every_slot_everywhere,
        mistaken: streams::a_replica_stays_crashed,
        is_violated: false,
    },
    Case {
        property: "quiescence",
        tripped_by: "pbft/flaws/P47-votes-kept",
        undecided: Undecided::In(streams::the_network_never_becomes_synchronous),
        naive: naive::wants_silence_after_the_last_answer,
        mistaken: streams::a_corrupted_replica_asks_later,
        is_violated: false,
    },
    Case {
        property: "accusation",
        tripped_by: "pbft/flaws/P37-numbers-reused",
        undecided: Undecided::Never,
        naive: naive::believes_who_hits_the_corrupted,
        mistaken: streams::a_corrupted_node_is_accused_by_luck,
        is_violated: true,
    },
];

#[test]
fn every_property_has_its_case() {
    let cases: Vec<&str> = CASES.iter().map(|case| case.property).collect();
    let properties: Vec<&str> = PROPERTIES.iter().map(|property| property.name).collect();
    assert_eq!(cases, properties, "tests/properties.rs has a case for each property, in order");
}

#[test]
fn every_property_is_tripped_by_a_scenario_of_the_library() {
    for Case { property, tripped_by, .. } in CASES {
        let summary = sweep(&scenario(tripped_by, &[]), 0..5);
        let tally = &summary.properties[*property];
        assert!(0 < tally.violated, "{tripped_by} does not violate {property}");
    }
}

#[test]
fn every_property_can_be_undecided_or_demands_only_absence() {
    for Case { property, undecided, .. } in CASES {
        match undecided {
            Undecided::In(stream) => {
                let verdict = stream().judged_by(property);
                let is_open = matches!(verdict, Verdict::Inconclusive(_));
                assert!(is_open, "{property}: {verdict:?}");
            }
            Undecided::Never => {
                let verdict = streams::nothing().judged_by(property);
                assert_eq!(verdict, Verdict::Holds(0), "{property} demands more than absence");
            }
        }
    }
}

#[test]
fn naive_forms_of_the_properties_are_mistaken() {
    for Case { property, naive, mistaken, is_violated, .. } in CASES {
        let stream = mistaken();
        let verdict = stream.judged_by(property);
        assert_eq!(verdict.is_violated(), *is_violated, "{property}: {verdict:?}");
        let is_decided = !matches!(verdict, Verdict::Inconclusive(_));
        assert!(is_decided, "{property}: {verdict:?}");
        assert_ne!(naive(&stream), *is_violated, "the naive form of {property} is right");
    }
}
