//! The tour of the lecture: each stop is on the page, pairs of runs differ in a rule alone, and the
//! runs show what the page says beyond their output.

use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;

use byzsim::PlayOptions;
use byzsim::file::format::{Expect, ScenarioFile};
use byzsim_core::{
    CryptoBackend, Digest, NodeId, Recorder, Signed, Span, Time, TraceEvent, Verdict,
};
use byzsim_protocols::pbft::Msg;
use byzsim_protocols::pbft::message::NewView;
use serde_json::Value;

use crate::support::{play, root, scenario};

/// The names of the stops' scenarios, in order.
fn stops() -> Vec<String> {
    let all = byzsim::file::library::all().into_keys();
    all.filter(|name| name.starts_with("lecture/")).collect()
}

/// `18` and `b` of `lecture/18b-…`.
fn number(name: &str) -> (u32, &str) {
    let stop = name.strip_prefix("lecture/").expect("a stop of the lecture");
    let (number, rest) = stop.split_at(2);
    let letter = rest.split('-').next().expect("a split has a first part");
    (number.parse().expect("its name begins with a number"), letter)
}

#[test]
fn the_tour_stops_at_every_scenario_in_order() {
    let page = fs::read_to_string(root().join("docs/lecture.md")).expect("there is a tour");
    let shown: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("$ byzsim run lecture/"))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let stops = stops();
    let names: Vec<&str> = stops.iter().filter_map(|name| name.strip_prefix("lecture/")).collect();
    assert!(20 < names.len(), "the stops were found");
    assert_eq!(shown, names);
    // A stop without a scenario of its own has a heading, too.
    let headings = page.lines().filter_map(|line| line.strip_prefix("### ")?.split('.').next());
    let numbers: Vec<u32> = headings.map(|it| it.parse().expect("a number")).collect();
    let last = u32::try_from(numbers.len()).expect("a few stops");
    assert_eq!(numbers, (1..=last).collect::<Vec<u32>>(), "headings are numbered");
    assert!(stops.iter().all(|name| (1..=last).contains(&number(name).0)));
}

/// A scenario without its words and what it expects, and the flaws that it plants.
fn plain(name: &str) -> (ScenarioFile, Option<Value>) {
    let path = root().join(format!("scenarios/library/{name}.toml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{name}: {why}"));
    // As it is written: where a flaw has a parameter of its own, loading would fill that in.
    let file: ScenarioFile = toml::from_str(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
    let mut params = file.params.clone();
    let flaws = params.remove("flaws");
    let (title, about) = (String::new(), String::new());
    let expect = Expect::Holds;
    (ScenarioFile { title, about, expect, reaches: Vec::new(), params, ..file }, flaws)
}

/// What a run without a rule shows is the doing of that rule: all else is as in the run with it,
/// which is the first of the same number.
#[test]
fn a_run_without_a_rule_differs_in_the_rule_alone() {
    let stops = stops();
    let mut pairs = 0;
    for name in &stops {
        let (file, flaws) = plain(name);
        if flaws.is_none() {
            continue;
        }
        let is_other = |it: &&String| number(it).0 == number(name).0 && plain(it).1.is_none();
        let with_rule = stops.iter().filter(is_other).map(|it| plain(it).0);
        assert!(with_rule.into_iter().any(|it| it == file), "{name}: no run with the rule");
        pairs += 1;
    }
    assert!(15 < pairs, "the pairs were found");
}

/// Runs of one stop that differ in a parameter which is no flaw, or in the protocol.
const OTHERWISE: [(&str, &str, &str); 6] = [
    ("lecture/04a-commit-claimed", "lecture/04b-success-signed", "acks"),
    ("lecture/04b-success-signed", "lecture/04c-index-signed", "acks"),
    ("lecture/05a-index-signed", "lecture/05b-digest-signed", "acks"),
    ("lecture/05b-digest-signed", "lecture/05c-three-followers", "ack-quorum"),
    ("lecture/12a-votes-to-all", "lecture/12b-votes-to-collector", "the protocol"),
    ("lecture/25a-read-past-the-order", "lecture/25b-read-in-order", "read-only"),
];

#[test]
fn runs_that_stand_side_by_side_differ_in_one_thing() {
    for (one, other, in_what) in OTHERWISE {
        let [one_file, other_file] = [one, other].map(|name| {
            let mut file = plain(name).0;
            if in_what == "the protocol" {
                file.protocol = String::new();
            } else {
                file.params.remove(in_what);
            }
            file
        });
        assert_eq!(one_file, other_file, "{one}, {other}: only {in_what} differs");
        assert_ne!(
            (plain(one).0.params, plain(one).0.protocol),
            (plain(other).0.params, plain(other).0.protocol),
            "{one}, {other}: {in_what} differs"
        );
    }
}

/// The table of stop 5: what signatures say and whose they are, and whether correct servers decide
/// differently where a commit is claimed, and where a slot gets two entries.
#[test]
fn signatures_stop_what_the_table_of_the_tour_says() {
    let rows: [(&[&str], bool, bool); 5] = [
        (&["params.acks=plain"], true, true),
        (&["params.acks=unbound"], true, true),
        (&["params.acks=index"], false, true),
        (&["params.acks=digest"], false, true),
        (&["params.acks=digest", "params.ack-quorum=followers"], false, false),
    ];
    for (set, claimed, two_entries) in rows {
        for (name, is_lost) in
            [("lecture/04a-commit-claimed", claimed), ("lecture/05a-index-signed", two_entries)]
        {
            let report = play(&scenario(name, set), 0);
            let verdict = report.verdict("agreement").expect("it is judged");
            assert_eq!(matches!(verdict, Verdict::Violated(_)), is_lost, "{name} with {set:?}");
        }
    }
}

#[test]
fn a_read_past_the_order_takes_two_delays_and_8_messages() {
    for (name, messages, answered_ms) in
        [("lecture/25a-read-past-the-order", 8, 20), ("lecture/25b-read-in-order", 29, 50)]
    {
        let outcome = play(&scenario(name, &[]), 0).result.expect("no panic").outcome;
        assert_eq!(outcome.metrics.messages(), messages, "{name}");
        let answered = outcome.served[0].completed.as_ref().expect("it completes").0;
        assert_eq!(answered, Time::ZERO + Span::from_millis(answered_ms), "{name}");
    }
}

#[test]
fn a_request_takes_five_delays_and_29_messages() {
    let scenario = scenario("lecture/08-normal-case", &[]);
    let outcome = play(&scenario, 0).result.expect("no panic").outcome;
    assert_eq!(outcome.metrics.messages(), 29);
    let answered = outcome.served[0].completed.as_ref().expect("it completes").0;
    assert_eq!(answered.nanos(), 50_000_000);
}

#[test]
fn asynchrony_deposes_more_leaders_than_f() {
    let view_max = |name: &str| {
        let scenario = scenario(name, &[]);
        let report = play(&scenario, 0);
        let faulty = report.drawn.plan.corrupted().len() as u64;
        let view = report.result.expect("no panic").outcome.view_max;
        (view, faulty, u64::from(scenario.committee.faults))
    };
    assert_eq!(view_max("lecture/19a-two-faulty-primaries"), (2, 2, 2), "f view changes");
    let (view, faulty, f) = view_max("lecture/19b-correct-primaries-deposed");
    assert_eq!((faulty, f), (0, 1));
    assert!(f < view, "{view} view changes, and nobody is faulty");
}

/// The first NEW-VIEW of each view.
#[derive(Debug, Default)]
struct NewViews(BTreeMap<u64, Rc<Signed<NewView>>>);

impl Recorder for NewViews {
    fn record(&mut self, _: u64, _: Time, event: &TraceEvent<'_>) {
        if let TraceEvent::Sent { what, .. } = event
            && let Some(Msg::NewView(it)) = what.downcast::<Msg>()
        {
            self.0.entry(it.view).or_insert_with(|| Rc::clone(it));
        }
    }
}

/// Of a NEW-VIEW: who reports what for slot 1, as (replica, view, digest), and what it proposes.
type Merge = (Vec<(u16, Option<(u64, Digest)>)>, Option<Digest>);

fn merge(name: &str, view: u64) -> Merge {
    let mut new_views = NewViews::default();
    let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
    scenario(name, &[]).play_recorded(0, &options, Some(&mut new_views));
    let new_view = &new_views.0[&view];
    let mut reports: Vec<_> = new_view
        .view_changes
        .iter()
        .map(|report| {
            let certificates = report.prepared.iter().map(|it| it.pre_prepare.body());
            let of_slot_1 = certificates.filter(|it| it.seq == 1).map(|it| (it.view, it.digest));
            (report.signer().number(), of_slot_1.last())
        })
        .collect();
    reports.sort_unstable();
    let proposed = new_view.proposals.iter().find(|it| it.seq == 1).map(|it| it.digest);
    (reports, proposed)
}

/// The answers to "can d differ from d'?", by what the NEW-VIEWs rest on and propose.
#[test]
fn d_differs_as_the_tour_says() {
    let (reports, proposed) = merge("lecture/18a-quorum-of-three", 1);
    assert_eq!(reports, [(0, None), (1, None), (4, None)], "nobody reports d");
    assert_eq!(proposed, None, "slot 1 is free");

    let (reports, proposed) = merge("lecture/18b-quorum-of-four", 1);
    let reported: Vec<_> = reports.iter().filter_map(|(_, of_slot_1)| *of_slot_1).collect();
    assert_eq!(reports.len(), 4);
    let [(0, d)] = reported[..] else { panic!("one certificate of view 0: {reports:?}") };
    assert_eq!(proposed, Some(d), "d' = d is forced");

    let (reports, proposed) = merge("lecture/18c-d-differs-harmlessly", 3);
    let [(1, Some((0, d))), (2, Some((2, other))), (3, Some((2, third)))] = reports[..] else {
        panic!("r1 reports view 0, r2 and r3 report view 2: {reports:?}")
    };
    assert_eq!(other, third);
    assert_ne!(d, other, "d differs from d'");
    assert_eq!(proposed, Some(other), "the highest view wins");
}

/// What a server receives: when, from whom, and the fingerprint of the message.
#[derive(Debug)]
struct Inbox {
    of: NodeId,
    received: Vec<(Time, NodeId, u64)>,
}

impl Recorder for Inbox {
    fn record(&mut self, _: u64, time: Time, event: &TraceEvent<'_>) {
        if let TraceEvent::Delivered { from, to, what } = event
            && *to == self.of
        {
            self.received.push((time, *from, what.fingerprint));
        }
    }
}

/// A follower of a two-faced leader receives what one of an honest leader receives.
#[test]
fn a_follower_cannot_know() {
    let received = |name: &str, of: u16| {
        let mut inbox = Inbox { of: NodeId::Replica(of), received: Vec::new() };
        let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
        scenario(name, &[]).play_recorded(0, &options, Some(&mut inbox));
        inbox.received.retain(|(time, ..)| *time <= Time::ZERO + Span::from_millis(100));
        inbox.received
    };
    let honest = received("lecture/02a-leader-one-log", 1);
    assert!(3 <= honest.len(), "the no-op, the entry, and that they are committed: {honest:?}");
    assert_eq!(received("lecture/02b-leader-two-logs", 1), honest);
    assert_eq!(received("lecture/02a-leader-one-log", 3), honest, "all hear the same");
    assert_ne!(received("lecture/02b-leader-two-logs", 3), honest, "r3 hears another entry");
}
