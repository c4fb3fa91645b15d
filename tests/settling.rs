//! What a run is worth that ends before it has settled; faults of the file beside drawn ones.

use byzsim::Judgement;
use byzsim_core::{Audit, Ended, NodeId, Verdict};

use crate::support::{from_text, play, scenario, sweep};

/// A scenario of four replicas and two clients, with these lines.
fn four_replicas(protocol: &str, lines: &str) -> String {
    format!(
        "format = 1\ntitle = \"Of a test\"\nprotocol = \"{protocol}\"\n\
         cluster = {{ replicas = 4, faults = 1, clients = 2 }}\n{lines}"
    )
}

/// A replica never catches up, and a fault would end after the run.
#[test]
fn a_run_that_ends_before_its_faults_are_over_is_undecided() {
    let text = |at_most: &str| {
        let lines = format!(
            r#"
            workload = {{ operations = 12, think = "60ms" }}
            network = {{ gst = "1s", loss-allowed = true }}
            run.at-most = "{at_most}"
            [params]
            checkpoint-interval = 4
            window = 8
            flaws = ["P40c-state-not-fetched"]
            [[fault]]
            end.at = "1s"
            do.partition = {{ groups = [["r3"]], lose = true }}
            [[fault]]
            start.at = "2s"
            end.at = "61s"
            do.delay = {{ messages = {{ kinds = ["new-view"] }}, by = "1ms" }}
            "#
        );
        four_replicas("pbft", &lines)
    };
    let report = play(&from_text(&text("60s")), 0);
    for property in ["convergence", "quiescence"] {
        let verdict = report.verdict(property);
        let Some(Verdict::Inconclusive(why)) = verdict else { panic!("{property}: {verdict:?}") };
        assert!(why.contains("only from 61s on"), "{property}: {why}");
    }
    let verdict = play(&from_text(&text("3600s")), 0);
    let verdict = verdict.verdict("convergence").expect("it is judged");
    assert!(!matches!(verdict, Verdict::Inconclusive(_)), "{verdict:?}");
}

/// So is one that ends before the network is synchronous.
#[test]
fn a_run_that_ends_before_gst_is_undecided() {
    let set = [r#"network.gst="4000s""#];
    let scenario = scenario("pbft/fault-free", &set);
    let report = play(&scenario, 1);
    for property in ["convergence", "quiescence"] {
        let verdict = report.verdict(property);
        assert!(matches!(verdict, Some(Verdict::Inconclusive(_))), "{property}: {verdict:?}");
    }
}

/// A client is down when it turns out that it never restarts: nobody waits for it, and another
/// client reads for the audit.
#[test]
fn a_client_may_crash_for_good_while_it_is_down() {
    const TWICE: &str = r#"fault=[
        { start.at = "20ms", end.at = "200ms", do.crash = "c0" },
        { start.at = "150ms", do.crash = "c0" },
    ]"#;
    let report = play(&scenario("pbft/fault-free", &[TWICE]), 0);
    let outcome = &report.result.as_ref().expect("no panic").outcome;
    assert_eq!(outcome.ended, Ended::Done);
    assert!(matches!(outcome.audit, Audit::Reads(reads) if 0 < reads), "{:?}", outcome.audit);
    let of_audit = outcome.served.iter().filter(|it| it.of_audit);
    assert!(of_audit.clone().all(|it| it.client == NodeId::Client(1) && it.completed.is_some()));
    assert!(0 < of_audit.count());
}

/// Generators do not know what the file itself does to replicas.
#[test]
fn drawn_faults_stay_within_f_beside_those_of_the_file() {
    for (protocol, fault) in [
        ("pbft", r#"do.mute = "r0""#),
        ("zyzzyva", r#"do.mute = "r0""#),
        (
            "pbft",
            r#"start.at = "100ms"
            end.at = "300ms"
            do.forget = { node = "r0", loses = "everything" }"#,
        ),
    ] {
        let lines = format!(
            r#"
            workload = {{ operations = 4 }}
            random.network = {{ gst = ["1s", "2s"] }}
            random.faults = {{ strikes-max = 6 }}
            [[fault]]
            {fault}
            "#
        );
        let text = four_replicas(protocol, &lines);
        let scenario = from_text(&text);
        let mut beside = 0;
        for seed in 0..60 {
            let drawn = scenario.draw(seed);
            let faulty = drawn.plan.faulty_replicas(drawn.network.gst);
            assert_eq!(faulty, [NodeId::Replica(0)], "seed {seed}: {:#?}", drawn.plan);
            beside += drawn.plan.faults.len() - 1;
        }
        assert!(60 <= beside, "few faults are drawn beside that of the file: {beside}");
        // Zyzzyva decides nothing in runs as short as these.
        let summary = sweep(&scenario, 0..60);
        assert_ne!(summary.judgement(), Judgement::Violation, "{:#?}", summary.findings);
        assert!(summary.findings.is_empty(), "{:#?}", summary.findings);
    }
}

/// Where only `[random.network]` says when GST is, crashes may be over by then.
#[test]
fn crashes_that_are_over_by_the_earliest_gst_are_no_faults() {
    let text = |gst: &str| {
        let lines = format!(
            r#"
            workload = {{ operations = 4 }}
            random.network = {{ gst = ["{gst}", "2s"] }}
            fault = [
                {{ start.at = "100ms", end.at = "500ms", do.crash = "r1" }},
                {{ start.at = "100ms", end.at = "500ms", do.crash = "r2" }},
            ]
            "#
        );
        four_replicas("pbft", &lines)
    };
    let summary = sweep(&from_text(&text("1s")), 0..5);
    assert_eq!(summary.judgement(), Judgement::Expected, "{:#?}", summary.findings);
    let file = toml::from_str(&text("400ms")).expect("it is well formed");
    let refused = byzsim::Scenario::new("inline", file, &[]);
    assert!(refused.is_err(), "GST may be before the replicas are up again");
}
