//! What every protocol in the registry must show, without a test of its own.

use byzsim::run::registry::{PROTOCOLS, ProtocolEntry};
use byzsim::{Judgement, Scenario, ScenarioFile, SeedRange, Summary, SweepOptions};
use byzsim_core::Committee;

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

fn holds(protocol: &ProtocolEntry, rest: &str) -> Summary {
    let summary = conform(protocol, rest);
    assert_eq!(
        summary.judgement(),
        Judgement::Expected,
        "{protocol:?}\n{rest}\n{:?}\n{:?}",
        summary.findings,
        summary.undecided
    );
    assert_eq!(summary.reached.get("completed"), Some(&20), "{protocol:?}: every run completes");
    summary
}

/// Whether the protocol has no other replica in the place of this one.
fn rests_on(protocol: &ProtocolEntry, node: &str) -> bool {
    let committee = Committee { replicas: 4, faults: 1, clients: 2 };
    let instance = (protocol.prepare)(&(protocol.small)(), &[], committee);
    let trusted = instance.expect("small parameters are right").resilience(committee).trusted;
    trusted.is_some_and(|it| it.node.to_string() == node)
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

/// Whether a protocol promises anything of replicas and clients that break its rules, in a cluster
/// of 4 for f = 1.
fn tolerates_byzantine(protocol: &ProtocolEntry) -> bool {
    let committee = Committee { replicas: 4, faults: 1, clients: 2 };
    let instance = (protocol.prepare)(&(protocol.small)(), &[], committee).expect("parameters");
    let tolerated = instance.resilience(committee);
    assert_eq!(tolerated.faulty, 1, "{protocol:?}: f replicas may be down");
    assert_eq!(tolerated.any_client, 0 < tolerated.byzantine, "{protocol:?}");
    0 < tolerated.byzantine
}

/// A silent replica is as good as one that is down: it breaks a rule, so a protocol for crashes
/// promises nothing, and serves all the same.
#[test]
fn f_silent_replicas_are_tolerated() {
    for protocol in PROTOCOLS {
        let beyond = if tolerates_byzantine(protocol) { "" } else { "beyond-f = true\n" };
        let holds = |rest: &str| {
            let summary = holds(protocol, &format!("{beyond}{rest}"));
            let expected = if beyond.is_empty() { 0 } else { 20 };
            assert_eq!(summary.beyond_f_runs, expected, "{protocol:?}");
        };
        let silent = ["r0", "r1", "r3"].into_iter().filter(|node| !rests_on(protocol, node));
        for silent in silent {
            let fault = format!("[[fault]]\ndo.mute = \"{silent}\"");
            let cluster = "[cluster]\nreplicas = 4\nfaults = 1\nclients = 2";
            holds(&format!("{cluster}\n{fault}"));
        }
        let two = match rests_on(protocol, "r0") {
            true => "[[fault]]\ndo.mute = \"r5\"\n[[fault]]\ndo.mute = \"r6\"",
            false => "[[fault]]\ndo.mute = \"r0\"\n[[fault]]\ndo.mute = \"r1\"",
        };
        holds(&format!("[cluster]\nreplicas = 7\nfaults = 2\n{two}"));
    }
}

#[test]
fn f_twins_are_tolerated() {
    for protocol in PROTOCOLS.iter().filter(|it| tolerates_byzantine(it)) {
        for (node, left, right) in [
            ("r0", r#"["r1", "c0"]"#, r#"["r2", "r3", "c1"]"#),
            ("r1", r#"["r0"]"#, r#"["r2", "r3"]"#),
            ("c0", r#"["r0", "r1"]"#, r#"["r2", "r3"]"#),
        ] {
            if rests_on(protocol, node) {
                continue;
            }
            let fault = format!(
                "[[fault]]\ndo.twins = {{ node = \"{node}\", left = {left}, right = {right} }}"
            );
            let cluster = "[cluster]\nreplicas = 4\nfaults = 1\nclients = 2";
            holds(protocol, &format!("{cluster}\n{fault}"));
        }
    }
}

/// What lies beyond needs the file to say so, by the protocol's own words.
#[test]
fn what_lies_beyond_is_refused() {
    for protocol in PROTOCOLS {
        let twins = |node: &str| {
            format!(
                "[[fault]]\ndo.twins = {{ node = \"{node}\", left = [\"r2\"], right = [\"r3\"] }}\n"
            )
        };
        let crash = |node: u32| format!("[[fault]]\ndo.crash = \"r{node}\"\n");
        let is_refused = |faults: &str| {
            let name = protocol.name;
            let cluster = "[cluster]\nreplicas = 4\nfaults = 1\nclients = 2";
            let text =
                format!("format = 1\ntitle = \"t\"\nprotocol = \"{name}\"\n{cluster}\n{faults}");
            let file: ScenarioFile = toml::from_str(&text).expect("a scenario");
            Scenario::new("beyond", file, &[]).is_err()
        };
        let byzantine = tolerates_byzantine(protocol);
        // Some protocols rest on r0, and on no other.
        let rests = rests_on(protocol, "r0");
        assert_eq!(is_refused(&crash(0)), rests, "{protocol:?}: one may be down that is not it");
        assert!(!is_refused(&crash(1)), "{protocol:?}: one may be down");
        assert!(is_refused(&[crash(1), crash(2)].concat()), "{protocol:?}: two may not");
        assert_eq!(is_refused(&twins("r1")), !byzantine, "{protocol:?}: a corrupted replica");
        assert_eq!(is_refused(&twins("c0")), !byzantine, "{protocol:?}: a corrupted client");
        let forgets = "[[fault]]\nstart.at = \"1s\"\nend.at = \"2s\"\n\
                       do.forget = { node = \"r1\", loses = \"everything\" }\n";
        assert_eq!(is_refused(forgets), !byzantine, "{protocol:?}: a lost disk");
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
