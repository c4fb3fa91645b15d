//! `byzsim compare` against the tables of the literature, written out: not against its own
//! formulas.

#![expect(clippy::float_arithmetic, reason = "shares and standard errors of samples")]

use byzsim::compare::measure::Measure;
use byzsim::compare::settings::Setting;
use byzsim::compare::{Cell, Comparison, Grid, Ratio, compare, scenario};
use byzsim::run::registry::PROTOCOLS;
use byzsim::{Judgement, Scenario, SeedRange};
use byzsim_core::{Span, Time};
use serde_json::Value;

use crate::support::{play, root};
use crate::workdir::{Output, program};

/// Those of these protocols that there are.
fn registered(names: &[&'static str]) -> Vec<&'static str> {
    let known = |name: &&str| PROTOCOLS.iter().any(|entry| entry.name == *name);
    names.iter().copied().filter(known).collect()
}

fn settings(names: &[&str]) -> Vec<Setting> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Setting::read(&names).expect("the settings are known")
}

fn grid(replicas: &[u16], names: &[&str], seeds: u64) -> Grid {
    let protocols = registered(&["pbft", "linear-pbft", "zyzzyva", "raft"]);
    let protocols = protocols.into_iter().map(str::to_owned).collect();
    let seeds = SeedRange { start: 0, end: seeds };
    Grid { protocols, replicas: replicas.to_vec(), settings: settings(names), seeds, jobs: 2 }
}

fn run(grid: &Grid) -> Comparison {
    compare(grid, |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

/// The figure of a cell; not a number if the protocol is not registered.
fn figure(all: &Comparison, protocol: &str, n: u16, setting: &str, measure: Measure) -> f64 {
    let cell = all
        .cells
        .iter()
        .find(|it| it.protocol == protocol && it.replicas == n && it.setting == setting);
    let figure = cell.unwrap_or_else(|| panic!("{protocol} n={n} {setting} is not there"));
    figure.figure(measure).unwrap_or_else(|| panic!("{measure:?} was not measured")).measured.mean
}

/// The totals and delays of a fault-free run, and those of f silent backups: Zyzzyva 4n − 2f
/// messages, and two delays after the client's timer of 300 ms. If all respond, and one too late,
/// it is 4n: the client as collector.
#[test]
fn totals_and_delays_are_those_of_the_table() {
    let names = ["none", "silent-backups", "slow-answers", "checkpoints"];
    let all = run(&grid(&[4, 7, 10, 31], &names, 1));
    let tables: [(&str, &str, [(u16, f64); 4], f64); 10] = [
        ("pbft", "none", [(4, 29.0), (7, 92.0), (10, 191.0), (31, 1892.0)], 5.0),
        ("pbft", "silent-backups", [(4, 22.0), (7, 66.0), (10, 134.0), (31, 1282.0)], 5.0),
        ("linear-pbft", "none", [(4, 20.0), (7, 38.0), (10, 56.0), (31, 182.0)], 7.0),
        ("linear-pbft", "silent-backups", [(4, 17.0), (7, 32.0), (10, 47.0), (31, 152.0)], 7.0),
        ("zyzzyva", "slow-answers", [(4, 16.0), (7, 28.0), (10, 40.0), (31, 124.0)], 32.0),
        ("zyzzyva", "none", [(4, 8.0), (7, 14.0), (10, 20.0), (31, 62.0)], 3.0),
        ("zyzzyva", "silent-backups", [(4, 14.0), (7, 24.0), (10, 34.0), (31, 104.0)], 32.0),
        ("raft", "none", [(4, 8.0), (7, 14.0), (10, 20.0), (31, 62.0)], 4.0),
        ("raft", "silent-backups", [(4, 7.0), (7, 12.0), (10, 17.0), (31, 52.0)], 4.0),
        ("raft", "checkpoints", [(4, 8.0), (7, 14.0), (10, 20.0), (31, 62.0)], 4.0),
    ];
    let known = registered(&["pbft", "linear-pbft", "zyzzyva", "raft"]);
    for (protocol, setting, totals, delays) in tables {
        if !known.contains(&protocol) {
            continue;
        }
        for (n, total) in totals {
            let measured = |measure| figure(&all, protocol, n, setting, measure).to_bits();
            assert_eq!(measured(Measure::Messages), total.to_bits(), "{protocol} {setting} n={n}");
            assert_eq!(measured(Measure::Delays), delays.to_bits(), "{protocol} {setting} n={n}");
        }
    }
    if known.contains(&"zyzzyva") {
        let is_it = |it: &&Ratio| it.measure == Measure::Messages && it.under == "zyzzyva";
        let ratio = all.ratios.iter().find(is_it);
        assert!(ratio.is_some_and(|it| (it.ratio - 29.0 / 8.0).abs() < 1e-9 && it.low >= it.high));
    }
}

/// What it takes to replace a silent primary: n − 1 VIEW-CHANGEs of n − 1 messages and a NEW-VIEW;
/// in Zyzzyva accusations and VIEW-CONFIRMs besides; in Raft one server that asks, and n − 2 votes.
#[test]
fn replacing_a_silent_primary_costs_what_the_table_says() {
    let all = run(&grid(&[4, 7, 10, 31], &["silent-primary"], 1));
    let tables: [(&str, [(u16, f64); 4], f64); 4] = [
        ("pbft", [(4, 12.0), (7, 42.0), (10, 90.0), (31, 930.0)], 1.0),
        ("linear-pbft", [(4, 12.0), (7, 42.0), (10, 90.0), (31, 930.0)], 1.0),
        ("zyzzyva", [(4, 30.0), (7, 114.0), (10, 252.0), (31, 2730.0)], 1.0),
        ("raft", [(4, 5.0), (7, 11.0), (10, 17.0), (31, 59.0)], 2.0),
    ];
    for (protocol, totals, view) in tables {
        for (n, total) in totals {
            let measured = |measure| figure(&all, protocol, n, "silent-primary", measure).to_bits();
            assert_eq!(measured(Measure::ViewChangeMessages), total.to_bits(), "{protocol} {n}");
            assert_eq!(measured(Measure::HighestView), view.to_bits(), "{protocol} {n}");
        }
    }
    assert_eq!(all.tally.differ, 0);
    let has_formula = |it: &&Cell| {
        it.figure(Measure::ViewChangeMessages).is_some_and(|figure| figure.formula.is_some())
    };
    assert_eq!(all.cells.iter().filter(has_formula).count(), all.cells.len());
}

#[test]
fn every_figure_agrees_with_its_formula() {
    let all = run(&grid(&[4, 7], &["all"], 400));
    assert_eq!(all.judgement(), Judgement::Expected, "{}", byzsim::report::compare::human(&all));
    assert_eq!(all.tally.differ, 0);
    // PBFT alone has 6 random figures with a formula and 2 that give the shape.
    assert!(100 < all.tally.agree && 2 <= all.tally.shape_only, "{:?}", all.tally);
}

/// Aggregates change no count of messages; a backup verifies two of them instead of 4f + 1 votes.
#[test]
fn aggregates_cost_fewer_bytes_and_verifications() {
    let forms = ["linear-pbft", "linear-pbft:certificates=aggregate"];
    let protocols = forms.map(str::to_owned).to_vec();
    let all = run(&Grid { protocols, ..grid(&[4, 31], &["none", "silent-primary"], 1) });
    assert_eq!(all.tally.differ, 0, "{}", byzsim::report::compare::human(&all));
    for (n, f) in [(4_u16, 1_u16), (31, 10)] {
        let [list, sum] = forms.map(|form| {
            let of = |measure| figure(&all, form, n, "none", measure);
            (of(Measure::Messages), of(Measure::AllVerified), of(Measure::Bytes))
        });
        assert_eq!(list.0.to_bits(), sum.0.to_bits(), "n = {n}: as many messages");
        let (n, f) = (f64::from(n), f64::from(f));
        let fewer = (n - 1.0) * (4.0 * f + 1.0 - 2.0);
        assert!((list.1 - sum.1 - fewer).abs() < 1e-9, "n = {n}: {} {}", list.1, sum.1);
        // The votes of a list have 115 bytes each: signer 3, statement 48, signature 64. An
        // aggregate has one statement, the bitmap and 48 bytes of signature.
        let bitmap = (n / 8.0).ceil();
        let saved = (n - 1.0) * ((4.0 * f + 1.0) * 115.0 - 2.0 * (48.0 + bitmap + 48.0));
        assert!((list.2 - sum.2 - saved).abs() < 1e-9, "n = {n}: {} {}", list.2, sum.2);
    }
}

#[test]
fn a_wrong_formula_is_found() {
    use byzsim::compare::stats::{Agreement, Relation, agreement};
    let all = run(&grid(&[4], &["none", "loss-5%"], 400));
    for (setting, measure, wrong) in [(0, Measure::Messages, 30.0), (1, Measure::FirstTry, 0.98)] {
        let cell = &all.cells[setting * all.protocols.len()];
        let estimate = cell.figure(measure).expect("it was measured").measured;
        let kind = (measure.scale(), cell.random);
        assert_eq!(agreement(&estimate, wrong, Relation::Equal, kind), Agreement::Differs);
    }
}

/// What comes out does not depend on the number of threads.
#[test]
fn jobs_change_nothing() {
    let text = |jobs| {
        let all = run(&Grid { jobs, ..grid(&[4], &["loss-5%"], 50) });
        serde_json::to_string(&all).expect("plain data")
    };
    assert_eq!(text(1), text(3));
}

/// One lossy cell with other parameters and another end.
fn without_retransmission(
    protocol: &str,
    loss: &str,
    timers: &[(&str, &str)],
    end_ms: u64,
) -> Scenario {
    let setting = &settings(&[loss])[0];
    let mut file = scenario(protocol, 4, setting).expect("the cell is right").file;
    for (timer, span) in timers {
        file.params.insert((*timer).to_owned(), (*span).into());
    }
    file.run.at_most = Time::ZERO + Span::from_millis(end_ms);
    Scenario::new("loss", file, &[]).unwrap_or_else(|problem| panic!("{problem}"))
}

/// The share of runs whose only request completed with nothing retransmitted.
fn completes(scenario: &Scenario) -> f64 {
    let completed = |seed: &u64| {
        let report = play(scenario, *seed);
        let outcome = &report.result.as_ref().expect("no panic").outcome;
        let again = outcome.milestones.counts().contains_key("client-retransmission");
        outcome.served[0].completed.is_some() && !again
    };
    (0..LOSS_SEEDS).filter(completed).fold(0.0, |sum, _| sum + 1.0) / LOSS_RUNS
}

const LOSS_SEEDS: u64 = 4_000;
const LOSS_RUNS: f64 = 4_000.0;

/// The published shares come from 200 000 runs and are rounded to three digits.
fn assert_three_sigma(what: &str, measured: f64, published: f64) {
    let variance = published * (1.0 - published);
    let sigma = (variance / LOSS_RUNS + variance / 200_000.0).sqrt();
    let off = (measured - published).abs();
    assert!(off <= 3.0 * sigma + 0.0005, "{what}: {measured}, published {published}");
}

/// n = 4, each message lost independently, nothing retransmitted: how many requests complete.
#[test]
fn the_loss_table_holds() {
    const NEVER: &str = "3600s";
    let rows = [
        ("loss-1%", 0.988, 0.923, 0.987),
        ("loss-5%", 0.912, 0.663, 0.878),
        ("loss-10%", 0.761, 0.430, 0.673),
    ];
    for (loss, pbft, fast, fast_or_slow) in rows {
        let timers =
            ["client-timeout", "status-interval", "view-change-timeout"].map(|it| (it, NEVER));
        let measured = completes(&without_retransmission("pbft", loss, &timers, 1_000));
        assert_three_sigma(&format!("pbft {loss}"), measured, pbft);
        if registered(&["zyzzyva"]).is_empty() {
            continue;
        }
        let replicas =
            ["commit-timeout", "order-timeout", "status-interval", "view-change-timeout"]
                .map(|it| (it, NEVER));
        // The slow path ends two delays after the timer; a replica that first fetches the order
        // that it lacks answers later.
        for (timer, published, end_ms) in [(NEVER, fast, 1_000), ("100ms", fast_or_slow, 121)] {
            let timers = [&replicas[..], &[("client-timeout", timer)]].concat();
            let measured = completes(&without_retransmission("zyzzyva", loss, &timers, end_ms));
            assert_three_sigma(&format!("zyzzyva {loss} timer {timer}"), measured, published);
        }
    }
}

/// One-way delay in milliseconds from replica to replica of seven; the client is where r0 is.
const fn delay_ms(from: u64, to: u64) -> u64 {
    3 + (7 * from * from + 11 * to + 5 * from * to) % 40
}

/// Zyzzyva over unequal links: the slowest of all replicas decides the fast path, the (2f + 1)-th
/// fastest the slow one.
#[test]
fn zyzzyva_latency_over_unequal_links_is_the_closed_form() {
    if registered(&["zyzzyva"]).is_empty() {
        return;
    }
    let (d, timer_ms) = (delay_ms, 300);
    // The primary does not send to itself.
    let fast =
        d(0, 0) + (0..7).map(|i| d(i, 0) + if i == 0 { 0 } else { d(0, i) }).max().expect("7");
    let mut round_trips: Vec<u64> = (0..6).map(|i| d(0, i) + d(i, 0)).collect();
    round_trips.sort_unstable();
    let slow = timer_ms + round_trips[4];
    for (setting, expected_ms) in [("none", fast), ("silent-backup", slow)] {
        let mut file = scenario("zyzzyva", 7, &settings(&[setting])[0]).expect("a cell").file;
        let row = |i| (0..7).map(|j| Span::from_millis(d(i, j))).collect();
        let matrix = (0..7).map(row).collect();
        file.network.latency = byzsim_core::Latency::Wan { matrix, jitter: Span::ZERO };
        let scenario = Scenario::new("wan", file, &[]).unwrap_or_else(|it| panic!("{it}"));
        let report = play(&scenario, 1);
        let served = &report.result.as_ref().expect("no panic").outcome.served;
        assert_eq!(served.len(), 10);
        for it in served {
            let completed = it.completed.as_ref().expect("every request completes").0;
            assert_eq!(completed.since(it.asked), Span::from_millis(expected_ms), "{setting}");
        }
    }
}

fn byzsim(arguments: &str) -> Output {
    let output = program(&root()).args(arguments.split_whitespace()).output();
    Output::of(output.expect("the program can be started"))
}

const COMMAND: &str =
    "compare pbft --replicas 4,7 --faults none,silent-primary,loss-10% --seeds 0..50";

#[test]
fn json_holds_everything() {
    let Output { stdout: text, code, .. } = byzsim(&format!("{COMMAND} --format json"));
    assert_eq!(code, 0);
    let all: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(all["format"], 1);
    assert_eq!(all["protocols"][0]["params"]["checkpoint-interval"], 10_000);
    assert_eq!(all["cells"].as_array().map(Vec::len), Some(6));
    let messages = &all["cells"][0]["figures"][0];
    assert_eq!(messages["name"], "messages");
    assert_eq!(messages["measured"]["mean"], 29.0);
    assert_eq!(messages["formula"]["text"], "2n² − n + 1");
    assert_eq!(messages["formula"]["agreement"], "agrees");
}

#[test]
fn csv_has_the_same_columns_everywhere() {
    let Output { stdout: text, code, .. } = byzsim(&format!("{COMMAND} --format csv"));
    assert_eq!(code, 0);
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    assert_eq!(header, byzsim::report::compare::CSV_HEADER);
    let columns = header.split(',').count();
    assert!(lines.clone().count() > 60, "a line per figure");
    for line in lines {
        // No formula of today has a comma.
        assert_eq!(line.split(',').count(), columns, "{line}");
        let mean = line.split(',').nth(4).expect("it has as many columns");
        assert!(mean.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn markdown_tables_are_rectangular() {
    let Output { stdout: text, code, .. } = byzsim(&format!("{COMMAND} --format md"));
    assert_eq!(code, 0);
    assert!(text.contains("| messages per request | 29 | ✓ 2n² − n + 1 |"), "{text}");
    for line in text.lines().filter(|line| line.starts_with('|')) {
        assert_eq!(line.matches('|').count(), 4, "{line}");
    }
}

#[test]
fn wrong_words_get_the_right_ones() {
    for (arguments, words) in [
        ("compare pbtf", "`pbft`"),
        ("compare pbft --faults silent-bakup", "`silent-backup`"),
        ("compare pbft --faults loss-200%", "`loss-10%`"),
        ("compare linear-pbft:certificates", "certificates=aggregate"),
        ("compare linear-pbft:certificates=sum", "`aggregate`"),
        ("compare pbft:widnow=8", "`window`"),
        ("compare pbft --replicas 5", "use 4 or 7"),
        ("compare pbft --replicas 0", "use 4 or 7"),
        ("compare pbft --replicas 1000", "128"),
    ] {
        let Output { stdout, stderr, code } = byzsim(arguments);
        assert_eq!((code, &*stdout), (2, ""), "{arguments}: {stderr}");
        assert!(stderr.contains(words), "{arguments}: {stderr}");
    }
    let Output { stdout: help, code, .. } = byzsim("compare --help");
    assert_eq!(code, 0);
    for setting in
        settings(&["none", "silent-backup", "silent-primary", "slow-backup", "checkpoints"])
    {
        assert!(help.contains(&setting.name) && help.contains(&setting.about), "{help}");
    }
}
