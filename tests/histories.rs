//! The linearizability search against recorded histories whose verdict is known.
//!
//! The histories in `data/histories` come with the project. A larger set is read from beside the
//! repository if it is there: runs of etcd under Jepsen and of a key-value service, as the checker
//! porcupine distributes them. Each folder has a `manifest.json` that says what to expect.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use byzsim_core::linearizability::{Linearizability, check, is_witness};
use byzsim_core::{Answer, Call, NodeId, Operation, Text, Time};
use serde_json::Value;

/// Thirty times what the hardest of them needs.
const BUDGET: u64 = 1_000_000;

#[test]
fn our_histories_get_their_verdicts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/histories");
    let reached = check_folder(&folder);
    assert_eq!((reached.linearizable, reached.not_linearizable), (2, 2));
    assert_eq!(reached.witnesses, 2);
}

#[test]
fn published_histories_get_their_verdicts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/histories/open");
    if !folder.exists() {
        eprintln!("skipped: there are no histories at {}", folder.display());
        return;
    }
    let reached = check_folder(&folder);
    assert!(19 <= reached.linearizable, "{reached:?}");
    assert!(51 <= reached.not_linearizable, "{reached:?}");
    assert!(4 <= reached.witnesses, "{reached:?}");
}

/// How many histories of each kind a test has seen.
#[derive(Debug, Default)]
struct Reached {
    linearizable: usize,
    not_linearizable: usize,
    witnesses: usize,
}

fn check_folder(folder: &Path) -> Reached {
    let manifest = json(&folder.join("manifest.json"));
    let mut reached = Reached::default();
    for entry in manifest["histories"].as_array().expect("a list of histories") {
        let file = text(&entry["file"]);
        let model = text(&entry["model"]);
        let history = History::read(&folder.join(file), model);
        let initial = (model == "kv").then_some("");
        let verdict = check(&history.calls, initial, BUDGET);
        match text(&entry["expected"]) {
            "linearizable" => {
                reached.linearizable += 1;
                assert_eq!(verdict, Linearizability::Linearizable, "{file}");
            }
            "not-linearizable" => {
                reached.not_linearizable += 1;
                let Linearizability::NotLinearizable(why) = verdict else {
                    panic!("{file}: {verdict:?}")
                };
                assert!(why.is_shortest, "{file}: {}", why.explanation);
                // What completed before the culprit is linearizable, and with it is not.
                let (mut prefix, culprit) = history.until(why.call);
                let verdict = check(&prefix, initial, BUDGET);
                assert!(matches!(verdict, Linearizability::NotLinearizable(_)), "{file}");
                prefix[culprit].completed = None;
                let verdict = check(&prefix, initial, BUDGET);
                assert_eq!(verdict, Linearizability::Linearizable, "{file}");
            }
            other => panic!("{file}: `{other}` is no verdict"),
        }
        if let Some(witness) = entry["witness"].as_str() {
            reached.witnesses += 1;
            let order = history.order(&json(&folder.join(witness)));
            assert!(is_witness(&history.calls, &order, initial), "{file}");
            let reversed: Vec<usize> = order.into_iter().rev().collect();
            assert!(!is_witness(&history.calls, &reversed, initial), "{file}");
        }
    }
    reached
}

/// A history as it was recorded.
struct History {
    calls: Vec<Call>,
    /// For each invocation in the file, its index among the calls; `None` if it was dropped.
    places: Vec<Option<usize>>,
}

impl History {
    fn read(path: &Path, model: &str) -> Self {
        let mut calls: Vec<Option<Call>> = Vec::new();
        let mut open: BTreeMap<u64, usize> = BTreeMap::new();
        let lines = fs::read_to_string(path).expect("the manifest names files that are there");
        for line in lines.lines() {
            let event: Value = serde_json::from_str(line).expect("each line is one JSON object");
            let process = event["process"].as_u64().expect("a process is a number");
            let time = Time::from_nanos(event["time"].as_u64().expect("a time is a number"));
            let kind = text(&event["type"]);
            if kind == "invoke" {
                let client = NodeId::Client(u16::try_from(process).expect("few processes"));
                let operation = operation(&event);
                let earlier = open.insert(process, calls.len());
                assert_eq!(earlier, None, "process {process} has one call open at a time");
                calls.push(Some(Call { client, operation, invoked: time, completed: None }));
                continue;
            }
            let place = open.remove(&process).expect("a completion follows its invocation");
            match kind {
                "info" => {}
                // It timed out and had no effect.
                "fail" if event.get("error").is_some() => calls[place] = None,
                _ => {
                    let call = calls[place].as_mut().expect("only a completion drops a call");
                    call.completed = Some((time, answer(&event, model)));
                }
            }
        }
        // A pending read says nothing.
        for call in &mut calls {
            call.take_if(|call| {
                call.completed.is_none() && matches!(call.operation, Operation::Get { .. })
            });
        }
        let mut kept = 0..;
        let places = calls.iter().map(|call| call.as_ref().and_then(|_| kept.next())).collect();
        Self { calls: calls.into_iter().flatten().collect(), places }
    }

    /// A recorded order, in which calls are numbered by their place in the file.
    fn order(&self, witness: &Value) -> Vec<usize> {
        let numbers = witness.as_array().expect("a witness is a list").iter();
        numbers
            .filter_map(|number| {
                let number = number.as_u64().and_then(|number| usize::try_from(number).ok());
                self.places[number.expect("a list of indices")]
            })
            .collect()
    }

    /// The history of the key of `culprit` until its completion, and the place of `culprit` in it.
    fn until(&self, culprit: usize) -> (Vec<Call>, usize) {
        let Call { operation, completed, .. } = &self.calls[culprit];
        let (end, _) = completed.as_ref().expect("a culprit has an answer");
        let key = operation.key();
        let started = |call: &&Call| call.invoked <= *end && call.operation.key() == key;
        let place = self.calls[..culprit].iter().filter(started).count();
        let mut calls: Vec<Call> = self.calls.iter().filter(started).cloned().collect();
        for call in &mut calls {
            call.completed.take_if(|(at, _)| end < at);
        }
        (calls, place)
    }
}

fn operation(event: &Value) -> Operation {
    let value = &event["value"];
    let key = Text::from(event["key"].as_str().unwrap_or("register"));
    match text(&event["f"]) {
        "read" | "get" => Operation::Get { key },
        "write" | "put" => Operation::Put { key, value: held(value).expect("a value") },
        "append" => Operation::Append { key, value: held(value).expect("a value") },
        "cas" => Operation::Cas {
            key,
            expected: held(&value[0]),
            new: held(&value[1]).expect("a value is swapped in"),
        },
        other => panic!("`{other}` is no operation"),
    }
}

fn answer(event: &Value, model: &str) -> Answer {
    match (text(&event["f"]), text(&event["type"])) {
        ("read" | "get", "ok") => Answer::Value(held(&event["value"])),
        ("write" | "put" | "append", "ok") => Answer::Done,
        ("cas", "ok") => Answer::Swapped(true),
        ("cas", "fail") => Answer::Swapped(false),
        (function, kind) => panic!("`{kind}` completes no `{function}` of a {model}"),
    }
}

/// What the register holds, as text; numbers in decimal.
fn held(value: &Value) -> Option<Text> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Text::from(text.as_str())),
        Value::Number(number) => Some(Text::from(number.to_string())),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => panic!("{value} is no value"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} should be a string"))
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}
