//! Who is to blame after a violation: the culprits that theory promises, never a correct node, and
//! the protocol where it is at fault.

use byzsim::run::accountability::{Accountability, Blame};
use byzsim::{PlayOptions, Scenario};
use byzsim_adversaries::{Action, Fault, Moment};
use byzsim_core::{CryptoBackend, NodeId, Span, Time};

use crate::support::{play, scenario};
use crate::workdir::Workdir;

fn options() -> PlayOptions {
    PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false }
}

/// What the run of `seed` is blamed on; it violates something.
fn blamed(scenario: &Scenario, seed: u64) -> Accountability {
    let report = play(scenario, seed);
    let blame = scenario.blame(&report, &options());
    blame.unwrap_or_else(|| panic!("{} --seed {seed} violates no safety property", scenario.name))
}

fn culprits(it: &Accountability) -> Vec<NodeId> {
    it.culprits.iter().map(|culprit| culprit.node).collect()
}

fn replicas(numbers: &[u16]) -> Vec<NodeId> {
    numbers.iter().map(|number| NodeId::Replica(*number)).collect()
}

#[test]
fn agreement_beyond_f_is_lost_by_f_plus_1_culprits_who_are_found() {
    // The scenario, the rule that tells how agreement was lost, and all culprits.
    let table: &[(&str, &str, &[u16])] = &[
        ("pbft/twins-beyond-f", "R1", &[0, 1]),
        ("pbft/accountability/cross-view", "R2", &[0, 3]),
        ("pbft/accountability/late-follower", "R2", &[0, 3]),
        ("pbft/accountability/five-of-seven", "R1", &[0, 1, 2, 3, 4]),
        ("pbft/accountability/executed-again", "R1", &[0, 1]),
    ];
    for (name, rule, expected) in table {
        let scenario = scenario(name, &[]);
        let it = blamed(&scenario, scenario.file.seeds.start);
        assert_eq!(culprits(&it), replicas(expected), "{name}: {it:#?}");
        assert_eq!(it.blame, Blame::FaultBoundExceeded, "{name}: {}", it.verdict());
        let dispute = it.dispute.as_ref().unwrap_or_else(|| panic!("{name}: {it:#?}"));
        assert_eq!(dispute.rule, *rule, "{name}: {}", dispute.about);
        assert!(dispute.missing.is_empty(), "{name}: {dispute:?}");
        assert_eq!(it.omniscient, replicas(expected), "{name}");
    }
}

#[test]
fn who_forgets_is_convicted_by_its_own_words() {
    let it = blamed(&scenario("pbft/accountability/cross-view", &[]), 0);
    for culprit in &it.culprits {
        let forgot = culprit.offences.iter().find(|offence| offence.rule == "E5");
        let forgot = forgot.unwrap_or_else(|| panic!("{culprit:#?}"));
        let said: Vec<&str> = forgot.evidence.iter().map(|it| it.what.as_str()).collect();
        assert!(said[0].starts_with("COMMIT v0 s1 "), "{said:?}");
        assert_eq!(said[1], "VIEW-CHANGE v1 after s0, prepared: nothing");
    }
}

/// Votes that went to a corrupted collector only are in what it shows, whatever form that has.
#[test]
fn certificates_convict_as_lists_and_as_aggregates() {
    for form in ["list", "aggregate"] {
        let set = format!("params.certificates=\"{form}\"");
        let it = blamed(&scenario("linear-pbft/twins-beyond-f", &[&set]), 0);
        assert_eq!(culprits(&it), replicas(&[0, 1]), "{form}");
    }
}

/// With at most f faulty replicas it is the published rule that loses the request.
#[test]
fn the_published_view_change_of_zyzzyva_is_to_blame_itself() {
    for (schedule, expected) in [("a", &[3][..]), ("b", &[0]), ("b-prime", &[0])] {
        let name = format!("zyzzyva/agm/{schedule}");
        let it = blamed(&scenario(&name, &["params.view-change=\"original\""]), 0);
        assert_eq!(it.blame, Blame::ProtocolAtFault, "{name}: {it:#?}");
        assert_eq!(culprits(&it), replicas(expected), "{name}: {it:#?}");
        let followed = it.notes.iter().any(|note| note.contains("by the rule `original`"));
        assert!(followed, "{name}: {:?}", it.notes);
    }
}

/// A replica that is down after the loss signed nothing wrong: it is no culprit, and its absence
/// takes nothing from what the protocol owes.
#[test]
fn a_replica_that_only_crashes_is_not_to_blame() {
    let mut scenario = scenario("zyzzyva/agm/a", &["params.view-change=\"original\""]);
    let start = Some(Moment::At(Time::ZERO + Span::from_secs(5)));
    let action = Action::Crash(NodeId::Replica(1));
    let crash = Fault { note: None, start, end: None, action };
    scenario.file.faults.faults.push(crash);
    let it = blamed(&scenario, 0);
    assert_eq!(it.blame, Blame::ProtocolAtFault, "{it:#?}");
    assert_eq!((it.faulty.clone(), culprits(&it)), (replicas(&[3]), replicas(&[3])), "{it:#?}");
}

/// With more than f faulty replicas a stable checkpoint can undo what a correct primary ordered. It
/// orders nothing else in these slots, which would convict it.
#[test]
fn a_primary_whose_orders_are_undone_is_not_convicted() {
    let scenario = scenario("zyzzyva/ordered-once", &[]);
    for seed in 0..2 {
        let it = blamed(&scenario, seed);
        assert_eq!(culprits(&it), replicas(&[0, 1]), "{it:#?}");
        assert_eq!(it.blame, Blame::FaultBoundExceeded, "{it:#?}");
    }
}

/// A planted bug is one of correct replicas. Where it makes them break a rule, they are found out,
/// and the report says that nothing made them faulty.
#[test]
fn planted_bugs_are_blamed_on_the_implementation() {
    for (name, blame) in [
        ("pbft/flaws/P23-prepared-forgotten", Blame::CorrectNodeConvicted),
        ("pbft/flaws/P10-proposal-replaced", Blame::CorrectNodeConvicted),
        ("pbft/flaws/P02-commit-quorum", Blame::ProtocolAtFault),
        ("pbft/flaws/P17-client-trusts", Blame::ProtocolAtFault),
        ("zyzzyva/flaws/Z01-original-view-change", Blame::ProtocolAtFault),
        ("zyzzyva/flaws/Z03-cc-by-view", Blame::ProtocolAtFault),
    ] {
        let scenario = scenario(name, &[]);
        let found = scenario.file.seeds;
        let violating = (found.start..found.end).find_map(|seed| {
            let report = play(&scenario, seed);
            scenario.blame(&report, &options())
        });
        let it = violating.unwrap_or_else(|| panic!("{name} violates no safety property"));
        assert_eq!(it.blame, blame, "{name}: {it:#?}");
    }
}

/// Who forgot what it signed is faulty, and what it holds counts for nothing.
#[test]
fn who_forgot_is_no_witness() {
    let it = blamed(&scenario("pbft/amnesia-beyond-f", &[]), 0);
    assert_eq!(it.faulty, replicas(&[1, 2]), "{it:#?}");
    let witnesses: Vec<NodeId> = it.witnesses.iter().map(|witness| witness.node).collect();
    let correct = [NodeId::Replica(0), NodeId::Replica(3), NodeId::Client(0)];
    assert!(correct.iter().all(|node| witnesses.contains(node)), "{witnesses:?}");
    assert!(!replicas(&[1, 2]).iter().any(|node| witnesses.contains(node)), "{witnesses:?}");
}

/// Nobody who is correct is convicted, in runs of every kind.
fn nobody_correct_is_convicted(seeds: u64) {
    let beyond: &[&str] = &["beyond-f=true", "random.faults.corrupt-max=3"];
    let mut convicted = 0;
    for (name, set) in [
        ("pbft/chaos", &[][..]),
        ("pbft/hostile", &[]),
        ("pbft/hostile", beyond),
        ("pbft/chaos", beyond),
        ("zyzzyva/chaos", &[]),
        ("zyzzyva/hostile", &[]),
        ("zyzzyva/hostile", beyond),
        ("zyzzyva/chaos", beyond),
    ] {
        let scenario = scenario(name, set);
        for seed in 0..seeds {
            let drawn = scenario.draw(seed);
            let it = scenario.investigate(seed, &drawn, false, &options());
            let set: String = set.iter().map(|it| format!(" --set {it}")).collect();
            let run = format!("byzsim run {name}{set} --seed {seed}");
            assert_eq!(it.blame, Blame::NothingViolated, "{run}\n{:#?}", it.culprits);
            convicted += it.culprits.len();
        }
    }
    assert!(seeds / 4 < convicted as u64, "corrupted nodes are convicted: {convicted}");
}

#[test]
fn no_correct_node_is_convicted() {
    nobody_correct_is_convicted(40);
}

/// `cargo test -p byzsim-tests --profile checked -- --ignored convicted_in_many`
#[test]
#[ignore = "it takes minutes"]
fn no_correct_node_is_convicted_in_many_runs() {
    nobody_correct_is_convicted(2_000);
}

/// The report does not depend on how signatures are made.
#[test]
fn both_backends_blame_the_same() {
    let scenario = scenario("pbft/accountability/cross-view", &[]);
    let [one, other] = [CryptoBackend::Ideal, CryptoBackend::Ed25519].map(|crypto| {
        let options = PlayOptions { crypto, with_marks: false };
        scenario.blame(&scenario.play(0, &options), &options)
    });
    assert!(one.is_some());
    assert_eq!(one, other);
}

#[test]
fn the_command_line_says_who_is_to_blame() {
    let workdir = Workdir::new("accountability");
    let violated = workdir.byzsim("run pbft/accountability/cross-view --format json");
    let row: serde_json::Value = serde_json::from_str(&violated.stdout).expect("a row");
    let it = &row["accountability"];
    assert_eq!(it["blame"], "fault-bound-exceeded", "{it:#}");
    assert_eq!(it["culprits"][0]["node"], "r0", "{it:#}");
    assert_eq!(it["culprits"][0]["offences"][0]["evidence"][0]["event"], 14, "{it:#}");

    let quiet = workdir.byzsim("run pbft/equivocating-primary --quiet");
    assert!(!quiet.stdout.contains("\nblame "), "nothing is violated: {}", quiet.stdout);
    let asked = workdir.byzsim("run pbft/equivocating-primary --quiet --blame");
    assert!(asked.stdout.contains("\n        r0 (faulty) E1 "), "{}", asked.stdout);

    workdir.byzsim("run zyzzyva/agm/a --quiet");
    let replayed = workdir.byzsim("replay runs/agm-a-0.json");
    assert!(replayed.stdout.contains("the protocol is at fault"), "{}", replayed.stdout);
}
