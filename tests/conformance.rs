//! What every protocol in the registry must show, without a test of its own.

use byzsim::run::registry::{PROTOCOLS, ProtocolEntry};
use byzsim::{Judgement, Scenario, ScenarioFile, SeedRange, Summary, SweepOptions};

/// Sweeps a scenario made of a head for the protocol, its small parameters, and `rest`.
fn conform(protocol: &ProtocolEntry, rest: &str) -> Summary {
    let name = protocol.name;
    let text = format!("format = 1\ntitle = \"conformance\"\nprotocol = \"{name}\"\n{rest}");
    let file: ScenarioFile = toml::from_str(&text).expect("a scenario");
    let file = ScenarioFile { params: (protocol.small)(), ..file };
    let scenario = Scenario::new("conformance", file, &[]);
    let scenario = scenario.unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    let seeds = SeedRange { start: 0, end: 20 };
    let options = SweepOptions { jobs: 2, ..SweepOptions::of(seeds) };
    byzsim::sweep(&scenario, &options, |_| std::ops::ControlFlow::Continue(()))
}

fn holds(protocol: &ProtocolEntry, rest: &str) {
    let summary = conform(protocol, rest);
    assert_eq!(
        summary.judgement(),
        Judgement::Expected,
        "{protocol:?}\n{rest}\n{:?}\n{:?}",
        summary.findings,
        summary.undecided
    );
    assert_eq!(summary.reached.get("completed"), Some(&20), "{protocol:?}: every run completes");
}

#[test]
fn fault_free_runs_complete() {
    for protocol in PROTOCOLS {
        for (replicas, faults) in [(4, 1), (5, 1), (6, 1), (7, 2), (10, 3)] {
            let cluster =
                format!("[cluster]\nreplicas = {replicas}\nfaults = {faults}\nclients = 2");
            holds(protocol, &cluster);
            let jitter = "[network]\nlatency = { uniform = { min = \"1ms\", max = \"45ms\" } }";
            holds(protocol, &format!("{cluster}\n{jitter}"));
        }
    }
}

#[test]
fn f_silent_replicas_are_tolerated() {
    for protocol in PROTOCOLS {
        for silent in ["r0", "r1", "r3"] {
            let fault = format!("[[fault]]\ndo.mute = \"{silent}\"");
            let cluster = "[cluster]\nreplicas = 4\nfaults = 1\nclients = 2";
            holds(protocol, &format!("{cluster}\n{fault}"));
        }
        let two = "[[fault]]\ndo.mute = \"r0\"\n[[fault]]\ndo.mute = \"r1\"";
        holds(protocol, &format!("[cluster]\nreplicas = 7\nfaults = 2\n{two}"));
    }
}

#[test]
fn f_twins_are_tolerated() {
    for protocol in PROTOCOLS {
        for (node, left, right) in [
            ("r0", r#"["r1", "c0"]"#, r#"["r2", "r3", "c1"]"#),
            ("r1", r#"["r0"]"#, r#"["r2", "r3"]"#),
            ("c0", r#"["r0", "r1"]"#, r#"["r2", "r3"]"#),
        ] {
            let fault = format!(
                "[[fault]]\ndo.twins = {{ node = \"{node}\", left = {left}, right = {right} }}"
            );
            let cluster = "[cluster]\nreplicas = 4\nfaults = 1\nclients = 2";
            holds(protocol, &format!("{cluster}\n{fault}"));
        }
    }
}

/// Beyond f nothing is promised: what breaks must be seen.
#[test]
fn f_plus_1_twins_are_seen_to_break_agreement() {
    for protocol in PROTOCOLS {
        let twins = |node: &str| {
            format!(
                "[[fault]]\ndo.twins = {{ node = \"{node}\", left = [\"r2\", \"c0\"], \
                 right = [\"r3\", \"c1\"] }}"
            )
        };
        let rest = format!(
            "beyond-f = true\nexpect.violated = [\"agreement\"]\n\
             [cluster]\nreplicas = 4\nfaults = 1\nclients = 2\n{}\n{}",
            twins("r0"),
            twins("r1")
        );
        let summary = conform(protocol, &rest);
        assert_eq!(summary.beyond_f_runs, 20, "{}: labelled as beyond f", protocol.name);
        let broken = summary.properties["agreement"].violated;
        assert!(0 < broken, "{}: agreement is seen to break", protocol.name);
    }
}

#[test]
fn crashes_and_restarts_of_all_replicas_are_tolerated() {
    for protocol in PROTOCOLS {
        let crash = |node: u32| {
            let (start, end) = (100 + 150 * node, 400 + 150 * node);
            format!(
                "[[fault]]\nstart.at = \"{start}ms\"\nend.at = \"{end}ms\"\ndo.crash = \"r{node}\"\n"
            )
        };
        let crashes: String = (0..4).map(crash).collect();
        let rest = format!(
            "[cluster]\nreplicas = 4\nfaults = 1\nclients = 2\n[workload]\nthink = \"90ms\"\n\
             [network]\ngst = \"2s\"\n{crashes}"
        );
        holds(protocol, &rest);
    }
}
