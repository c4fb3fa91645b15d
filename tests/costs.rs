//! Messages, delays and bytes against the closed formulas of the literature: not against ourselves.
//! The formulas count the requests of the workload, so all runs are without the audit.

use byzsim::{Report, Scenario};
use byzsim_core::{NodeId, Span, Time};

use crate::support::{play, scenario};

const LATENCY_MS: u64 = 10;

/// How many messages of each named kind were sent.
fn sent(scenario: &Scenario, report: &Report, kinds: &[&str]) -> Vec<u64> {
    let played = report.result.as_ref().expect("no panic");
    let place = |kind: &&str| {
        let known = scenario.protocol.vocabulary.kinds.iter().position(|name| name == kind);
        known.unwrap_or_else(|| panic!("no kind {kind}"))
    };
    let traffic = &played.outcome.metrics.traffic;
    kinds.iter().map(|kind| traffic[place(kind)].messages()).collect()
}

fn total(report: &Report) -> u64 {
    report.result.as_ref().expect("no panic").outcome.metrics.messages()
}

/// How long each operation took.
fn latencies(report: &Report) -> Vec<Span> {
    let served = &report.result.as_ref().expect("no panic").outcome.served;
    let latency = |it: &byzsim_core::Served| {
        it.completed.as_ref().expect("every operation completes").0.since(it.asked)
    };
    served.iter().map(latency).collect()
}

fn cluster(n: u64) -> [String; 2] {
    [format!("cluster.replicas={n}"), format!("cluster.faults={}", (n - 1) / 3)]
}

fn pbft(name: &str, n: u64, more: &[&str]) -> Scenario {
    let [replicas, faults] = cluster(n);
    let set = [&[&*replicas, &*faults, "workload.audit=false"], more].concat();
    scenario(name, &set)
}

const NORMAL_CASE: [&str; 5] = ["request", "pre-prepare", "prepare", "commit", "reply"];

#[test]
fn pbft_sends_2n2_minus_n_plus_1_messages_for_a_request() {
    const REQUESTS: u64 = 10;
    for (n, expected) in [(4, 29), (7, 92), (10, 191), (31, 1892)] {
        assert_eq!(expected, 2 * n * n - n + 1);
        let set = ["cluster.clients=1", "workload.operations=10"];
        let scenario = pbft("pbft/fault-free", n, &set);
        let report = play(&scenario, 1);
        assert_eq!(total(&report), REQUESTS * expected, "n = {n}");
        let by_kind = [1, n - 1, (n - 1) * (n - 1), n * (n - 1), n].map(|count| REQUESTS * count);
        assert_eq!(sent(&scenario, &report, &NORMAL_CASE), by_kind, "n = {n}");
        let five_delays = Span::from_millis(5 * LATENCY_MS);
        assert_eq!(latencies(&report), vec![five_delays; 10], "n = {n}");
    }
}

#[test]
fn pbft_signs_and_verifies_what_the_paper_says() {
    let scenario = pbft("pbft/fault-free", 4, &["cluster.clients=1", "workload.operations=10"]);
    let report = play(&scenario, 1);
    let crypto = &report.result.as_ref().expect("no panic").outcome.metrics.crypto;
    // Per request: the primary signs PRE-PREPARE, COMMIT and REPLY, a backup PREPARE, COMMIT and
    // REPLY, the client its REQUEST.
    assert_eq!(crypto.iter().map(|node| node.signed).collect::<Vec<_>>(), [30, 30, 30, 30, 10]);
    // The primary verifies the request, 3 PREPAREs and 3 COMMITs; a backup the request, the
    // PRE-PREPARE, 2 PREPAREs and 3 COMMITs; the client f + 1 = 2 replies, after which it is done.
    assert_eq!(crypto.iter().map(|node| node.verified).collect::<Vec<_>>(), [70, 70, 70, 70, 20]);
}

#[test]
fn a_silent_backup_costs_pbft_messages_and_no_time() {
    for (n, expected) in [(4, Some(22)), (7, None)] {
        let silent = format!(r#"fault=[{{ do = {{ mute = "r{}" }} }}]"#, n - 1);
        let set = ["cluster.clients=1", "workload.operations=10", &*silent];
        let report = play(&pbft("pbft/fault-free", n, &set), 1);
        let formula = 1 + (n - 1) + (n - 2) * (n - 1) + (n - 1) * (n - 1) + (n - 1);
        assert_eq!(total(&report), 10 * formula, "n = {n}");
        assert!(expected.is_none_or(|expected| expected == formula));
        assert!(latencies(&report).iter().all(|it| *it == Span::from_millis(5 * LATENCY_MS)));
    }
}

#[test]
fn a_pbft_checkpoint_costs_n_times_n_minus_1_messages() {
    for n in [4, 7] {
        let set = [
            "cluster.clients=1",
            "workload.operations=8",
            "params.checkpoint-interval=4",
            "params.window=8",
        ];
        let scenario = pbft("pbft/fault-free", n, &set);
        let report = play(&scenario, 1);
        assert_eq!(sent(&scenario, &report, &["checkpoint"]), [2 * n * (n - 1)], "n = {n}");
    }
}

/// One request, whose COMMITs of view 0 are held. No retransmissions: they are not part of the
/// formulas.
const ONE_SLOT_IN_TWO_VIEWS: [&str; 5] = [
    "cluster.clients=1",
    "workload.operations=1",
    r#"network.gst="30s""#,
    r#"params.status-interval="20s""#,
    r#"fault=[{ do = { hold = { kinds = ["commit"], view = 0 } } }]"#,
];

/// All replicas ask for view 1, its primary opens it: n(n − 1) + (n − 1) = n² − 1. Then one slot is
/// agreed on again: (n − 1)(2n − 1) PREPAREs and COMMITs.
#[test]
fn a_pbft_view_change_costs_n2_minus_1_messages() {
    for n in [4, 7, 10] {
        let scenario = pbft("pbft/fault-free", n, &ONE_SLOT_IN_TWO_VIEWS);
        let report = play(&scenario, 1);
        let cost: u64 = sent(&scenario, &report, &["view-change", "new-view"]).iter().sum();
        assert_eq!(cost, n * n - 1, "n = {n}");
        // The slot prepares and commits in both views.
        let [prepares, commits] = [(n - 1) * (n - 1), n * (n - 1)].map(|count| 2 * count);
        assert_eq!(sent(&scenario, &report, &["prepare", "commit"]), [prepares, commits]);
    }
    // A silent primary neither asks nor answers.
    let scenario = pbft("pbft/silent-primary", 4, &["workload.operations=1"]);
    let report = play(&scenario, 1);
    assert_eq!(sent(&scenario, &report, &["view-change", "new-view"]), [9, 3]);
}

/// The same messages, and then one slot with a collector: 4(n − 1) PREPAREs, COMMITs and
/// certificates.
#[test]
fn a_view_change_with_a_collector_costs_n2_minus_1_messages_and_few_votes() {
    for n in [4, 7, 10] {
        let set = [&ONE_SLOT_IN_TWO_VIEWS[..], &["params.tells-progress=false"]].concat();
        let scenario = pbft("linear-pbft/fault-free", n, &set);
        let report = play(&scenario, 1);
        let cost: u64 = sent(&scenario, &report, &["view-change", "new-view"]).iter().sum();
        assert_eq!(cost, n * n - 1, "n = {n}");
        // No COMMIT of view 0 arrived, so nobody was shown a COMMIT-CERT of it.
        let votes = ["prepare", "prepare-cert", "commit", "commit-cert"];
        let expected = [2, 2, 2, 1].map(|times| times * (n - 1));
        assert_eq!(sent(&scenario, &report, &votes), expected, "n = {n}");
    }
}

/// What is told of progress costs n(n − 1) messages, once in each pause.
#[test]
fn a_pause_costs_linear_pbft_n_times_n_minus_1_messages() {
    let set = ["cluster.clients=1", "workload.operations=2", r#"workload.think="2s""#];
    for n in [4, 7] {
        let scenario = pbft("linear-pbft/fault-free", n, &set);
        let report = play(&scenario, 1);
        assert_eq!(sent(&scenario, &report, &["status"]), [2 * n * (n - 1)], "n = {n}");
        assert_eq!(total(&report), 2 * (6 * n - 4) + 2 * n * (n - 1), "n = {n}");
    }
}

/// One-way delays in milliseconds; client c0 is where r0 is.
const DELAY_MS: [[u64; 4]; 4] = [[3, 17, 29, 41], [13, 2, 23, 37], [31, 19, 5, 11], [43, 7, 47, 1]];

fn d(from: usize, to: usize) -> u64 {
    DELAY_MS[from][to]
}

/// From a replica to another; no message goes to oneself.
fn between(from: usize, to: usize) -> u64 {
    if from == to { 0 } else { d(from, to) }
}

fn nth(values: impl Iterator<Item = u64>, n: usize) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values[n - 1]
}

/// A run over these links takes so long for each request.
fn takes_over_unequal_links(name: &str, accept_ms: u64) {
    let row = |row: &[u64; 4]| {
        let cells: Vec<String> = row.iter().map(|ms| format!("\"{ms}ms\"")).collect();
        format!("[{}]", cells.join(", "))
    };
    let matrix: Vec<String> = DELAY_MS.iter().map(row).collect();
    let wan = format!(
        "network.latency={{ wan = {{ matrix = [{}], jitter = \"0ms\" }} }}",
        matrix.join(", ")
    );
    let set = ["cluster.clients=1", "workload.operations=3", &*wan];
    let report = play(&pbft(name, 4, &set), 1);
    assert_eq!(latencies(&report), vec![Span::from_millis(accept_ms); 3], "{name}");
}

/// The closed form of PBFT's latency over unequal links: order statistics at every step.
#[test]
fn pbft_latency_over_unequal_links_is_the_closed_form() {
    let accepted = |i| d(0, 0) + between(0, i);
    let prepared = |i| accepted(i).max(nth((1..4).map(|j| accepted(j) + between(j, i)), 2));
    let committed = |i| prepared(i).max(nth((0..4).map(|j| prepared(j) + between(j, i)), 3));
    takes_over_unequal_links("pbft/fault-free", nth((0..4).map(|i| committed(i) + d(i, 0)), 2));
}

/// With a collector p = r0 every quorum is complete there, and everybody else hears of it:
/// A_i = d(c, p) + d(p, i); P = the 2f-th smallest of A_j + d(j, p) over the backups;
/// C = the (2f + 1)-th smallest of P + d(p, j) + d(j, p) over all, d(p, p) = 0;
/// accept = the (f + 1)-th smallest of C + d(p, i) + d(i, c) over all.
#[test]
fn linear_pbft_latency_over_unequal_links_is_the_closed_form() {
    let accepted = |i| d(0, 0) + between(0, i);
    let prepared = nth((1..4).map(|j| accepted(j) + d(j, 0)), 2);
    let committed = nth((0..4).map(|j| prepared + between(0, j) + between(j, 0)), 3);
    let accept = nth((0..4).map(|i| committed + between(0, i) + d(i, 0)), 2);
    takes_over_unequal_links("linear-pbft/fault-free", accept);
}

#[test]
fn operations_are_asked_one_after_the_other() {
    let report = play(&pbft("pbft/fault-free", 4, &[r#"workload.think="7ms""#]), 3);
    let served = &report.result.as_ref().expect("no panic").outcome.served;
    let of_c0: Vec<_> = served.iter().filter(|it| it.client == NodeId::Client(0)).collect();
    assert_eq!(of_c0[0].asked, Time::ZERO);
    for pair in of_c0.windows(2) {
        let answered = pair[0].completed.as_ref().expect("it completes").0;
        assert_eq!(pair[1].asked, answered + Span::from_millis(7));
    }
}

/// 2n messages and four delays for a request; to tell the followers at once what is committed costs
/// 2(n - 1) more, and an election with the no-op that follows 4(n - 1). Nothing is signed.
#[test]
fn raft_sends_2n_messages_for_a_request() {
    for n in [3, 4, 5, 7, 31] {
        let of = |more: &[&str]| {
            let cluster = [format!("cluster.replicas={n}"), "cluster.faults=1".to_owned()];
            let quiet = [
                "cluster.clients=1",
                "workload={ operations = 10, audit = false }",
                r#"params.heartbeat="20s""#,
                r#"params.election-timeout="60s""#,
                // The first heartbeat would tell of the last commit.
                r#"run.at-most="5s""#,
            ];
            let mut set: Vec<&str> = cluster.iter().map(String::as_str).collect();
            set.extend(quiet.iter().chain(more));
            let scenario = scenario("raft/fault-free", &set);
            let report = play(&scenario, 1);
            let crypto = &report.result.as_ref().expect("no panic").outcome.metrics.crypto;
            assert!(crypto.iter().all(|node| node.signed + node.verified == 0), "n = {n}");
            (scenario, report)
        };
        let (scenario, report) = of(&["params.no-op=false"]);
        let kinds = ["request", "append-entries", "append-reply", "reply"];
        let each = [1, n - 1, n - 1, 1].map(|count| 10 * count);
        assert_eq!(sent(&scenario, &report, &kinds), each, "n = {n}");
        assert_eq!(total(&report), 10 * 2 * n, "n = {n}");
        assert_eq!(latencies(&report), vec![Span::from_millis(4 * LATENCY_MS); 10], "n = {n}");

        let (_, eager) = of(&["params.no-op=false", "params.eager-commit=true"]);
        assert_eq!(total(&eager), 10 * (2 * n + 2 * (n - 1)), "n = {n}: told at once");

        let campaign = r#"params.campaigns=[{ server = "r1", at = "1s" }]"#;
        let (scenario, elected) = of(&["params.no-op=false", campaign, r#"run.at-least="2s""#]);
        let votes = sent(&scenario, &elected, &["request-vote", "vote"]);
        assert_eq!(votes, [n - 1, n - 1], "n = {n}");
        assert_eq!(total(&elected), 10 * 2 * n + 4 * (n - 1), "n = {n}: an election");
    }
}
