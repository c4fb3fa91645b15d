//! The network accounts for each message that it moves, and a fault that moves none did not fire.

use byzsim::file::document::{Document, Language};
use byzsim::run::unfired::unfired;
use byzsim::{PlayOptions, Report, Scenario};
use byzsim_core::network::Transit;
use byzsim_core::{Moved, Recorder, Time, TraceEvent};

use crate::support::scenario;

const HEAD: &str = "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n\
    [cluster]\nreplicas = 4\nfaults = 1\nclients = 4\n[workload]\nthink = \"1ms\"\n";

fn of(more: &str) -> Scenario {
    let (name, file) = ("t".to_owned(), "t.toml".to_owned());
    let text = format!("{HEAD}{more}").into();
    let document = Document { name, file, text, language: Language::Toml };
    Scenario::from_document(&document, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn moved(report: &Report) -> Moved {
    report.result.as_ref().expect("no panic").outcome.metrics.moved
}

/// Counts the messages of a run by what becomes of them.
#[derive(Default)]
struct Count {
    lost: u64,
    copies: u64,
    held: u64,
    delivered: u64,
}

impl Recorder for Count {
    fn record(&mut self, _: u64, _: Time, event: &TraceEvent<'_>) {
        match event {
            TraceEvent::Sent { transit: Transit::Arrives(_, second), .. } => {
                self.copies += u64::from(second.is_some());
            }
            TraceEvent::Sent { transit: Transit::Held(..), .. } => self.held += 1,
            TraceEvent::Lost { .. } => self.lost += 1,
            TraceEvent::Delivered { .. } => self.delivered += 1,
            TraceEvent::Sent { transit: Transit::Lost, .. }
            | TraceEvent::Expired { .. }
            | TraceEvent::Crashed(_)
            | TraceEvent::Restarted(_)
            | TraceEvent::Observed(..) => {}
        }
    }
}

#[test]
fn every_loss_and_every_copy_has_a_reason() {
    let chaos = scenario("pbft/chaos", &[]);
    let mut all = Moved::default();
    for seed in 0..60 {
        let mut count = Count::default();
        let report = chaos.play_recorded(seed, &PlayOptions::default(), Some(&mut count));
        let moved = moved(&report);
        let lost = moved.lost_by_chance + moved.lost_by_faults + moved.lost_at_down_nodes;
        assert_eq!(lost, count.lost, "seed {seed}");
        assert_eq!(moved.copies_by_chance + moved.copies_by_faults, count.copies, "seed {seed}");
        assert!(moved.holds_ended + moved.held_to_the_end <= count.held, "seed {seed}");
        assert_eq!(moved.latencies_cut, 0, "seed {seed}: no latency exceeds Δ");
        all.add(&moved);
    }
    // Most of what faults drop in this scenario they may lose, and what they hold is released
    // before the runs end: both are rare.
    let rare = ["losses-refused", "held-to-the-end"];
    for (name, total) in all.counts().into_iter().filter(|(name, _)| !rare.contains(name)) {
        assert_eq!(total == 0, name == "latencies-cut", "{name} {total}");
    }
}

#[test]
fn a_latency_above_delta_is_cut_where_that_is_asked_for_and_counted() {
    let slow = of("[network]\nlatency = { constant = \"200ms\" }\nclamp = true\n");
    let mut count = Count::default();
    let report = slow.play_recorded(0, &PlayOptions::default(), Some(&mut count));
    assert!(0 < count.delivered && count.delivered <= moved(&report).latencies_cut);
}

/// The network delivers each message after Δ, so no fault can make one later.
#[test]
fn a_fault_that_the_network_model_undoes_did_not_fire() {
    let cut = |latency: &str| {
        of(&format!(
            "[network]\nlatency = {{ constant = \"{latency}\" }}\n\
             [[fault]]\n\
             do.reorder = {{ messages = {{ kinds = [\"pre-prepare\"] }}, within = 4, \
             by = \"40ms\" }}\n\
             [[fault]]\ndo.delay = {{ messages = {{ kinds = [\"commit\"] }}, by = \"5ms\" }}\n\
             [[fault]]\ndo.hold = {{ kinds = [\"prepare\"] }}\n\
             [[fault]]\ndo.drop = {{ kinds = [\"reply\"] }}\n"
        ))
    };
    let fired = |scenario: &Scenario| {
        let report = scenario.play(0, &PlayOptions::default());
        (moved(&report), report.result.expect("no panic").fired)
    };
    let longest = cut("50ms");
    let (counts, fires) = fired(&longest);
    assert_eq!(fires, [0; 4]);
    assert!(0 < counts.losses_refused && 0 < counts.holds_ended && 0 < counts.delays_cut);
    for fault in unfired(&longest, longest.file.seeds) {
        let whole = format!("{}: {}", fault.action, fault.why);
        assert!(whole.contains("longer than Δ"), "{whole}");
    }
    let (_, shorter) = fired(&cut("20ms"));
    assert!(shorter[1..].iter().all(|count| 0 < *count), "{shorter:?}");
    let alone = of("[network]\nlatency = { constant = \"20ms\" }\n[[fault]]\n\
         do.reorder = { messages = { kinds = [\"pre-prepare\"] }, within = 4, by = \"15ms\" }\n");
    assert_ne!(fired(&alone).1, [0], "nothing is cut: the messages change places");
}
