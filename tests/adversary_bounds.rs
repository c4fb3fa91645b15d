//! The adversary stays within its bounds: what it wishes for is clamped to the network model.

use std::collections::BTreeSet;

use byzsim::{PlayOptions, Scenario};
use byzsim_core::network::Transit;
use byzsim_core::{CryptoBackend, NodeId, Recorder, Span, Time, TraceEvent};

use crate::support::scenario;

/// Watches what becomes of messages between correct nodes.
struct Watch {
    corrupted: BTreeSet<NodeId>,
    gst: Time,
    delta: Span,
    natural_max: Span,
    broken: Vec<String>,
    late: u64,
    lost: u64,
    held: u64,
}

impl Recorder for Watch {
    fn record(&mut self, number: u64, now: Time, event: &TraceEvent<'_>) {
        let TraceEvent::Sent { from, to, what, transit } = event else { return };
        if self.corrupted.contains(from) || self.corrupted.contains(to) {
            return;
        }
        let deadline = now.max(self.gst) + self.delta;
        match *transit {
            Transit::Arrives(first, second) => {
                self.late += u64::from(now + self.natural_max < first);
                if deadline < first || second.is_some_and(|second| deadline < second) {
                    self.broken.push(format!("event {number}: {what:?} arrives at {first}"));
                }
            }
            Transit::Held(_, until) => {
                self.held += 1;
                if deadline < until {
                    self.broken.push(format!("event {number}: {what:?} is held until {until}"));
                }
            }
            Transit::Lost => {
                self.lost += 1;
                if self.gst <= now {
                    self.broken.push(format!("event {number}: {what:?} is lost after GST"));
                }
            }
        }
    }
}

fn watch(scenario: &Scenario, seed: u64) -> Watch {
    let drawn = scenario.draw(seed);
    let mut watch = Watch {
        corrupted: drawn.plan.corrupted().into_iter().collect(),
        gst: drawn.network.gst,
        delta: drawn.network.delta,
        natural_max: drawn.network.latency.max(),
        broken: Vec::new(),
        late: 0,
        lost: 0,
        held: 0,
    };
    let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
    let report = scenario.play_recorded(seed, &options, Some(&mut watch));
    assert!(report.result.is_ok(), "byzsim replay {} --seed {seed}", scenario.name);
    watch
}

#[test]
fn nothing_is_late_or_lost_after_gst() {
    let scenario = scenario("pbft/chaos", &[]);
    let (mut late, mut lost, mut held) = (0, 0, 0);
    for seed in 0..300 {
        let seen = watch(&scenario, seed);
        assert!(seen.broken.is_empty(), "seed {seed}: {}", seen.broken.join("\n"));
        late += seen.late;
        lost += seen.lost;
        held += seen.held;
    }
    assert!(0 < late && 0 < lost && 0 < held, "{late} late, {lost} lost, {held} held: all occur");
}

#[test]
fn a_network_that_keeps_messages_loses_none() {
    let set = ["network.loss-allowed=false", "random.network.loss-ppm=[0, 0]"];
    let scenario = scenario("pbft/chaos", &set);
    let (mut late, mut lost) = (0, 0);
    for seed in 0..300 {
        let seen = watch(&scenario, seed);
        assert!(seen.broken.is_empty(), "seed {seed}: {}", seen.broken.join("\n"));
        late += seen.late;
        lost += seen.lost;
    }
    assert_eq!(lost, 0);
    assert!(0 < late, "what the adversary drops arrives late");
}
