//! The house rules that no lint knows: what each layer must never do, and how files look.

use std::fs;
use std::path::{Path, PathBuf};

use byzsim::run::registry::PROTOCOLS;

use crate::support::root;

/// The source files below `folder`.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the workspace") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}

/// The sources of a protocol: a module has no hyphen in its name.
pub(crate) fn folder(protocol: &str) -> PathBuf {
    root().join("protocols/src").join(protocol.replace('-', "_"))
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of code, without comments.
pub(crate) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn forbid(folders: &[&str], words: &[&str], why: &str) {
    let mut broken = Vec::new();
    let mut seen = 0;
    for folder in folders {
        for path in sources(&root().join(folder)) {
            let text = read(&path);
            seen += 1;
            for (number, line) in code(&text) {
                if words.iter().any(|word| line.contains(word)) {
                    broken.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
                }
            }
        }
    }
    assert!(5 < seen, "the sources were found");
    assert!(broken.is_empty(), "{why}:\n{}", broken.join("\n"));
}

#[test]
fn the_core_names_no_protocol() {
    let words = ["pbft", "Pbft", "zyzzyva", "Zyzzyva", "raft::", "Raft"];
    forbid(&["sim-core/src"], &words, "sim-core knows no protocol");
}

#[test]
fn protocols_know_no_adversary_and_no_file() {
    let words = ["byzsim_adversaries", "toml::", "serde_json"];
    forbid(&["protocols/src"], &words, "a protocol knows no adversary and no file format");
    forbid(&["adversaries/src"], &["byzsim_protocols"], "adversaries know only the Message trait");
}

#[test]
fn only_rules_ask_for_flaws() {
    let mut seen = 0;
    for path in sources(&root().join("protocols/src")) {
        let text = read(&path);
        let asks = |line: &str| line.contains("flaws.has(") || line.contains("Flaw::");
        // What a protocol offers to files names its flaws.
        let offers = |line: &str| line.contains("Flaw::entries()");
        let asking: Vec<_> = code(&text).filter(|(_, line)| asks(line) && !offers(line)).collect();
        seen += asking.len();
        let is_rule = path.components().any(|it| it.as_os_str() == "rules")
            || path.file_name().is_some_and(|it| it == "rules.rs");
        assert!(is_rule || asking.is_empty(), "{}: {asking:?}: a flaw is seen", path.display());
    }
    assert!(50 < seen, "the rules were found");
}

#[test]
fn nothing_below_scenarios_touches_the_world() {
    let folders = ["sim-core/src", "protocols/src", "adversaries/src"];
    let words = [
        "std::fs",
        "std::net",
        "std::env",
        "std::thread",
        "std::process",
        "Instant",
        "SystemTime",
        "println!",
        "eprintln!",
        "f64",
        "f32",
        "HashMap",
        "HashSet",
        "unsafe",
    ];
    forbid(&folders, &words, "no clock, file, environment, thread or float below `scenarios`");
}

#[test]
fn checkers_share_no_code_with_what_they_judge() {
    let folders = ["sim-core/src/checkers", "sim-core/src/linearizability"];
    forbid(&folders, &["crate::node", "crate::sim", "Service"], "oracles stand apart");
}

#[test]
fn files_hold_one_idea() {
    let folders = ["sim-core/src", "protocols/src", "adversaries/src", "scenarios/src", "tests"];
    for path in folders.iter().flat_map(|folder| sources(&root().join(folder))) {
        let text = read(&path);
        let (lines, name) = (text.lines().count(), path.display());
        assert!(lines <= 450, "{name} has {lines} lines: split it");
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("//! "), "{name} does not say what it is: {first}");
        // What has no place to break, such as a table in a string, may be longer.
        let breaks = |line: &&str| !line.contains('"') && !line.contains(" if ");
        let longest = text.lines().filter(breaks).map(|line| line.chars().count()).max();
        assert!(longest.unwrap_or(0) <= 100, "{name} has a line of {longest:?} columns");
    }
}

#[test]
fn protocols_list_their_deviations() {
    for protocol in PROTOCOLS {
        let module = folder(protocol.name).join("mod.rs");
        let text = read(&module);
        for heading in ["# Deviations from the paper", "# The messages", "# The thresholds"] {
            assert!(text.contains(heading), "{} lacks `{heading}`", module.display());
        }
    }
}
