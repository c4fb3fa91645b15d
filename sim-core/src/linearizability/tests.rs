//! The edges of linearizability, as tables.

use super::*;
use crate::history::Answer;
use crate::time::Time;

const BUDGET: u64 = 1_000_000;

/// A call as the tables write it: `c0 put x 1 @ 0..5 = ok`; a pending one ends in `@ 0..`.
/// Answers are `ok`, `swapped`, `kept`, `-` for nothing, or what was found, in quotes.
fn call(line: &str) -> Call {
    let (call, answer) = line.split_once(" = ").unwrap_or((line, ""));
    let (call, interval) = call.split_once(" @ ").expect("an interval");
    let (client, operation) = call.split_once(' ').expect("a client");
    let (from, to) = interval.split_once("..").expect("two ends");
    let time = |text: &str| Time::from_nanos(text.parse().expect("a time"));
    let answer = match answer {
        "" => None,
        "ok" => Some(Answer::Done),
        "swapped" => Some(Answer::Swapped(true)),
        "kept" => Some(Answer::Swapped(false)),
        "-" => Some(Answer::Value(None)),
        text => Some(Answer::Value(Some(text.trim_matches('"').into()))),
    };
    Call {
        client: client.parse().expect("a client"),
        operation: operation.parse().expect("an operation"),
        invoked: time(from),
        completed: answer.map(|answer| (time(to), answer)),
    }
}

fn history(lines: &[&str]) -> Vec<Call> {
    lines.iter().map(|line| call(line)).collect()
}

/// Why it is an edge, the initial value, the calls.
const LINEARIZABLE: &[(&str, Option<&str>, &[&str])] = &[
    ("no calls", None, &[]),
    ("only pending calls", None, &["c0 put x 1 @ 0..", "c1 get x @ 0.."]),
    ("absent at first", None, &["c0 get x @ 0..1 = -"]),
    ("given at first", Some(""), &["c0 get x @ 0..1 = \"\"", "c0 cas x - 1 @ 2..3 = kept"]),
    ("touching calls overlap", None, &["c0 put x 1 @ 0..5 = ok", "c1 get x @ 5..6 = -"]),
    ("in no time", None, &["c0 put x 1 @ 5..5 = ok", "c1 get x @ 5..5 = -"]),
    (
        "overlap both ways",
        None,
        &["c0 put x 1 @ 0..9 = ok", "c1 get x @ 1..2 = \"1\"", "c2 get x @ 1..8 = -"],
    ),
    (
        "a pending put is seen late",
        None,
        &["c0 put x 1 @ 0..", "c1 get x @ 1..2 = -", "c1 get x @ 3..4 = \"1\""],
    ),
    ("a pending put never happens", None, &["c0 put x 1 @ 0..", "c1 get x @ 1..2 = -"]),
    (
        "pending calls come in any order",
        None,
        &["c0 put x 9 @ 50..", "c1 put x 1 @ 0..", "c2 get x @ 1..2 = \"1\""],
    ),
    (
        "pending calls that do the same happen twice",
        None,
        &[
            "c0 put x 1 @ 0..",
            "c1 put x 1 @ 0..",
            "c2 get x @ 1..2 = \"1\"",
            "c2 put x 2 @ 3..4 = ok",
            "c2 get x @ 5..6 = \"2\"",
            "c2 get x @ 7..8 = \"1\"",
        ],
    ),
    (
        "a pending swap explains a failed one",
        None,
        &["c0 cas x - 1 @ 0..", "c1 cas x - 2 @ 1..2 = kept"],
    ),
    (
        "absent is an empty string to append to",
        None,
        &["c0 append x a @ 0..1 = ok", "c1 append x b @ 0..1 = ok", "c2 get x @ 2..3 = \"ba\""],
    ),
    (
        "an append in no observed string",
        None,
        &[
            "c0 append x a @ 0..1 = ok",
            "c0 put x b @ 2..3 = ok",
            "c0 append x c @ 4..5 = ok",
            "c0 get x @ 6..7 = \"bc\"",
        ],
    ),
    (
        "a put makes room for a string to come back",
        None,
        &[
            "c0 append x ab @ 0..4 = ok",
            "c0 put x a @ 0..3 = ok",
            "c0 append x b @ 8..10 = ok",
            "c0 get x @ 9..13 = \"ab\"",
        ],
    ),
    (
        "two open calls of one client",
        None,
        &[
            "c0 put x 1 @ 0..9 = ok",
            "c0 put x 2 @ 1..2 = ok",
            "c1 get x @ 3..4 = \"2\"",
            "c1 get x @ 5..6 = \"1\"",
        ],
    ),
    (
        "a put of the same value is spent while it changes nothing",
        None,
        &[
            "c0 put x 1 @ 0..9 = ok",
            "c1 put x 1 @ 0..1 = ok",
            "c1 put x 2 @ 2..3 = ok",
            "c1 get x @ 8..20 = \"2\"",
            "c1 get x @ 21..22 = \"2\"",
        ],
    ),
    (
        "an unread value explains a failed swap",
        None,
        &[
            "c0 put x 7 @ 0..9 = ok",
            "c1 put x 8 @ 0..9 = ok",
            "c2 put x 1 @ 0..1 = ok",
            "c2 cas x 1 2 @ 2..3 = kept",
            "c2 put x 1 @ 4..5 = ok",
            "c2 cas x 1 2 @ 6..7 = kept",
        ],
    ),
    ("keys do not meddle", None, &["c0 put x 1 @ 0..1 = ok", "c1 get y @ 2..3 = -"]),
];

#[test]
fn the_edges_that_are_linearizable() {
    for (name, initial, lines) in LINEARIZABLE {
        let verdict = check(&history(lines), *initial, BUDGET);
        assert_eq!(verdict, Linearizability::Linearizable, "{name}");
    }
}

/// The calls, the one that cannot be explained, the sentence about it.
const NOT_LINEARIZABLE: &[(&[&str], usize, &str)] = &[
    (
        &["c0 put x 1 @ 0..4 = ok", "c1 get x @ 5..6 = -"],
        1,
        "get x of c1, invoked at 5ns, found nothing at 6ns, but it could only have found \"1\"",
    ),
    (
        &["c0 get x @ 0..1 = \"1\"", "c1 put x 1 @ 2..3 = ok"],
        0,
        "get x of c0, invoked at 0s, found \"1\" at 1ns, \
             but no client had written that: it could only have found nothing",
    ),
    (
        &["c0 put x 1 @ 0..1 = ok", "c1 put x 2 @ 2..3 = ok", "c2 get x @ 4..5 = \"1\""],
        2,
        "get x of c2, invoked at 4ns, found \"1\" at 5ns, but it could only have found \"2\"",
    ),
    (
        &["c0 put x 1 @ 0..1 = ok", "c1 cas x 1 2 @ 2..3 = kept"],
        1,
        "cas x 1 2 of c1, invoked at 2ns, did not swap at 3ns, \
             but in every order that explains the calls before it, it finds \"1\"",
    ),
    (
        &["c0 cas x - 1 @ 0..5 = swapped", "c1 cas x - 2 @ 1..6 = swapped"],
        1,
        "cas x - 2 of c1, invoked at 1ns, swapped at 6ns, \
             but it cannot swap in any order that explains the calls before it",
    ),
    (
        &["c0 append x a @ 0..1 = ok", "c1 get x @ 2..3 = \"aa\""],
        1,
        "get x of c1, invoked at 2ns, found \"aa\" at 3ns, but it could have found \"a\"",
    ),
    (
        &["c0 append x a @ 0..", "c1 get x @ 2..3 = \"aa\""],
        1,
        "get x of c1, invoked at 2ns, found \"aa\" at 3ns, but it could have found \
             nothing or \"a\"",
    ),
    (
        &["c0 put x 1 @ 5..", "c1 get x @ 2..3 = \"1\""],
        1,
        "get x of c1, invoked at 2ns, found \"1\" at 3ns, \
             but no client had written that: it could only have found nothing",
    ),
    (
        &["c0 get x @ 0..1 = ok"],
        0,
        "get x of c0, invoked at 0s, completed at 1ns, but this is not an answer to this operation",
    ),
    (
        &["c0 put x 1 @ 0..1 = swapped"],
        0,
        "put x 1 of c0, invoked at 0s, swapped at 1ns, but this is not an answer to this operation",
    ),
    (
        &[
            "c0 put y 1 @ 0..1 = ok",
            "c1 get x @ 0..1 = -",
            "c1 get y @ 2..3 = -",
            "c1 get y @ 4..5 = \"1\"",
        ],
        2,
        "get y of c1, invoked at 2ns, found nothing at 3ns, but it could only have found \"1\"",
    ),
];

#[test]
fn the_edges_that_are_not_linearizable() {
    for (lines, culprit, explanation) in NOT_LINEARIZABLE {
        let verdict = check(&history(lines), None, BUDGET);
        let Linearizability::NotLinearizable(why) = verdict else {
            panic!("{lines:?}: {verdict:?}")
        };
        assert_eq!(why.call, *culprit, "{lines:?}");
        assert_eq!(why.explanation, *explanation);
        assert!(why.is_shortest);
    }
}

#[test]
fn a_spent_budget_is_no_verdict() {
    // The order of completion does not explain this, so it takes a search.
    let calls = history(&["c0 put x 1 @ 0..9 = ok", "c1 get x @ 1..2 = \"1\""]);
    let unknown = Linearizability::Unknown { key: "x".into(), budget: 0 };
    assert_eq!(check(&calls, None, 0), unknown);
    assert_eq!(check(&calls, None, BUDGET), Linearizability::Linearizable);
}

#[test]
fn one_bad_key_decides_before_the_hard_ones_are_done() {
    // All orders of the appends to `hard` must be tried, as the last get is wrong in each.
    let append = |i| call(&format!("c{i} append hard {} @ 0..1 = ok", i % 3));
    let mut calls: Vec<Call> = (0..30).map(append).collect();
    calls.extend((0..30).map(|i| call(&format!("c{i} put hard {i} @ 2.."))));
    calls.push(call("c0 cas hard q r @ 3..4 = swapped"));
    let Linearizability::Unknown { key, budget: 5_000 } = check(&calls, None, 5_000) else {
        panic!("{:?}", check(&calls, None, 5_000))
    };
    assert_eq!(&*key, "hard");
    calls.extend(history(&["c0 put z 1 @ 0..1 = ok", "c1 get z @ 2..3 = -"]));
    let verdict = check(&calls, None, 5_000);
    assert!(matches!(verdict, Linearizability::NotLinearizable(why) if &*why.key == "z"));
}

#[test]
fn any_number_of_calls_may_be_open() {
    for (count, is_decided) in [(64, true), (65, true), (300, true), (2_500, false)] {
        // The gets find the puts in the reverse order of their completion.
        let put = |i| format!("c0 put x {i} @ 0..{} = ok", 10_000 + i);
        let pending = |i| format!("c0 put x {i} @ 0..");
        let get = |i| format!("c1 get x @ {0}..{0} = \"{1}\"", i + 1, count - 1 - i);
        let puts: [Vec<String>; 2] =
            [(0..count).map(put).collect(), (0..count).map(pending).collect()];
        for puts in puts {
            let calls: Vec<Call> =
                puts.into_iter().chain((0..count).map(get)).map(|line| call(&line)).collect();
            match check(&calls, None, BUDGET) {
                Linearizability::Linearizable => assert!(is_decided, "{count}"),
                Linearizability::Unknown { .. } => assert!(!is_decided, "{count}"),
                Linearizability::NotLinearizable(why) => panic!("{count}: {}", why.explanation),
            }
        }
    }
}

#[test]
fn a_witness_is_complete_legal_and_in_real_time() {
    let calls = history(&[
        "c0 put x 1 @ 0..9 = ok",
        "c1 get x @ 1..2 = \"1\"",
        "c2 put x 2 @ 3..",
        "c1 get x @ 4..5 = \"2\"",
        "c1 put y 1 @ 6..7 = ok",
    ]);
    let cases: &[(&str, &[usize], bool)] = &[
        ("the order", &[0, 1, 2, 3, 4], true),
        ("a call is missing", &[0, 1, 2, 3], false),
        ("a pending call is missing that was seen", &[0, 1, 3, 4], false),
        ("a call comes twice", &[0, 1, 2, 3, 3, 4], false),
        ("a wrong answer", &[1, 0, 2, 3, 4], false),
        ("against real time, across keys", &[0, 1, 4, 2, 3], false),
        ("no such call", &[0, 1, 2, 3, 4, 5], false),
    ];
    for (name, order, expected) in cases {
        assert_eq!(is_witness(&calls, order, None), *expected, "{name}");
    }
}
