//! Operations that arrive on their own: when they are asked, how long they wait, and what is owed.

use byzsim::Scenario;
use byzsim_core::{Served, Span, Time, Verdict};

use crate::support::{from_text, play, scenario};

fn ms(ms: u64) -> Time {
    Time::ZERO + Span::from_millis(ms)
}

/// PBFT over links of 10 ms, where an operation takes 50 ms, with these lines of the workload.
fn pbft(workload: &str, rest: &str) -> Scenario {
    from_text(&format!(
        "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n[cluster]\nreplicas = 4\nfaults = 1\n\
         [workload]\naudit = false\n{workload}\n{rest}"
    ))
}

fn served(scenario: &Scenario, seed: u64) -> Vec<Served> {
    let report = play(scenario, seed);
    let outcome = &report.result.as_ref().expect("it does not panic").outcome;
    for (property, verdict) in &outcome.verdicts {
        assert!(!matches!(verdict, Verdict::Violated(_)), "{property}: {verdict:?}");
    }
    assert!(outcome.served.iter().all(|it| it.completed.is_some()), "all are served");
    outcome.served.clone()
}

/// When each operation arrived, was asked, and was answered, in milliseconds.
fn times(served: &[Served]) -> Vec<[u64; 3]> {
    let ms = |time: Time| time.nanos() / 1_000_000;
    let answered = |it: &Served| it.completed.as_ref().map_or(0, |(at, _)| ms(*at));
    served.iter().map(|it| [ms(it.arrived), ms(it.asked), answered(it)]).collect()
}

#[test]
fn what_arrives_too_soon_waits_at_its_client() {
    let every = |gap: &str| pbft(&format!("operations = 4\narrival = {{ every = \"{gap}\" }}"), "");
    assert_eq!(
        times(&served(&every("20ms"), 0)),
        [[20, 20, 70], [40, 70, 120], [60, 120, 170], [80, 170, 220]],
    );
    assert_eq!(
        times(&served(&every("80ms"), 0)),
        [[80, 80, 130], [160, 160, 210], [240, 240, 290], [320, 320, 370]],
        "nobody waits"
    );
    let closed = times(&served(&pbft("operations = 2", ""), 0));
    assert_eq!(closed, [[0, 0, 50], [50, 50, 100]], "in a closed loop arriving is asking");
}

/// The queue grows beyond every bound, and no operation is overdue: each counts from when it is
/// asked.
#[test]
fn nothing_is_owed_to_an_operation_that_waits_at_its_client() {
    let scenario = pbft("operations = 500\narrival = { every = \"1ms\" }", "");
    let served = served(&scenario, 0);
    let last = served.last().expect("500 operations");
    let slack = play(&scenario, 0).result.expect("it does not panic").outcome.slack;
    let bound = slack.expect("liveness is judged").bound;
    let (at, _) = last.completed.as_ref().expect("it is served");
    assert!(bound < at.since(last.arrived), "it took longer than {bound} from its arrival on");
    assert!(at.since(last.asked) < bound);
}

#[test]
fn who_is_down_asks_later_for_what_arrived() {
    let crash = "[network]\ngst = \"1s\"\n[[fault]]\nstart.at = \"75ms\"\nend.at = \"400ms\"\n\
                 do.crash = \"c0\"\n";
    let scenario = pbft("operations = 3\narrival = { every = \"80ms\" }", crash);
    assert_eq!(times(&served(&scenario, 0)), [[80, 400, 450], [160, 450, 500], [240, 500, 550]]);
}

#[test]
fn gaps_are_drawn_from_a_stream_of_their_own() {
    let uniform =
        pbft("operations = 50\narrival = { uniform = { min = \"5ms\", max = \"60ms\" } }", "");
    let gaps = |seed| {
        let arrived: Vec<Time> = served(&uniform, seed).iter().map(|it| it.arrived).collect();
        let before = [ms(0)].into_iter().chain(arrived.clone());
        arrived.iter().zip(before).map(|(at, before)| at.since(before)).collect::<Vec<Span>>()
    };
    let first = gaps(1);
    let [min, max] = [5, 60].map(Span::from_millis);
    assert!(first.iter().all(|gap| (min..=max).contains(gap)), "{first:?}");
    assert!(first.iter().any(|gap| *gap < Span::from_millis(15)), "{first:?}");
    assert!(first.iter().any(|gap| Span::from_millis(50) < *gap), "{first:?}");
    assert_ne!(first, gaps(2));
    assert_eq!(first, gaps(1));
    // What is asked does not depend on when.
    let asked = |scenario: &Scenario| format!("{:?}", answers(&served(scenario, 1)));
    assert_eq!(
        asked(&uniform),
        asked(&pbft("operations = 50", "")),
        "one client: the same history"
    );
}

fn answers(served: &[Served]) -> Vec<String> {
    let answer = |it: &Served| it.completed.as_ref().map(|(_, answer)| answer.to_string());
    served.iter().filter_map(answer).collect()
}

#[test]
fn a_run_says_how_long_operations_waited() {
    let workdir = crate::workdir::Workdir::new("arrival");
    let output = workdir.byzsim("run pbft/open-arrival --quiet");
    assert!(output.stdout.contains("from arrival to answer "), "{}", output.stdout);
    let closed = workdir.byzsim("run pbft/fault-free --quiet");
    assert!(!closed.stdout.contains("from arrival"), "{}", closed.stdout);
    let set = "--set workload.think=\"5ms\"";
    let both = workdir.byzsim(&format!("run pbft/open-arrival {set}"));
    both.refuses("two ways to wait", &["thinks, or its operations arrive"]);
    let known = scenario("pbft/open-arrival", &[]);
    assert!(known.file.workload.arrival.is_some());
}
