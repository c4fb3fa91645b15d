//! Fixed sweeps need no more instructions than they did when that was recorded.
//!
//! Instructions are counted by callgrind, which says the same on a busy machine as on an idle one.
//! It knows no SHA extensions, so hashing weighs more here than it does in a run. Compilers differ:
//! counts are compared with those of the same one, and machines without valgrind compare none.

use std::fs;
use std::process::Command;

use crate::readme::is_update;
use crate::support::root;
use crate::workdir::Workdir;

/// Where the counts are: the compiler, then a line for each sweep.
const RECORD: &str = "tests/data/instructions.tsv";

/// What is counted. Sweeps have signatures of the ideal backend, so that byzsim is what is counted.
const SWEEPS: [&str; 4] = [
    "pbft/fault-free --seeds 0..1 --set cluster.clients=4 --set workload.operations=100",
    "pbft/chaos --seeds 0..10",
    "zyzzyva/chaos --seeds 0..10",
    "raft/chaos --seeds 0..5",
];

/// How much more a sweep may need, in percent.
const MARGIN: u64 = 5;

/// The compiler, and the profile that the program was built with: the counts are of these.
fn build() -> String {
    let asserts = if cfg!(debug_assertions) { "with" } else { "without" };
    format!("{} {asserts} debug assertions", env!("COMPILER"))
}

/// How many instructions a sweep needs; none without valgrind.
fn count(sweep: &str) -> Option<u64> {
    let workdir = Workdir::new(&format!("instructions-{}", sweep.replace(['/', ' '], "-")));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env!("CARGO_BIN_EXE_byzsim-under-test"))
        .args(["sweep", "--jobs", "1", "--no-shrink"])
        .args(sweep.split_whitespace())
        .current_dir(&workdir.folder)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    Some(count.unwrap_or_else(|| panic!("callgrind counted nothing:\n{said}")))
}

#[test]
fn fixed_sweeps_need_no_more_instructions() {
    let path = root().join(RECORD);
    let record = fs::read_to_string(&path).unwrap_or_default();
    let of_this_build = record.lines().next() == Some(&build());
    if !of_this_build && !is_update() {
        return eprintln!("skipped: {RECORD} is of another build than {}", build());
    }
    let Some(counts) = SWEEPS.iter().map(|sweep| count(sweep)).collect::<Option<Vec<_>>>() else {
        return eprintln!("skipped: there is no valgrind");
    };
    let rows: Vec<String> =
        SWEEPS.iter().zip(&counts).map(|(sweep, count)| format!("{count}\t{sweep}")).collect();
    if is_update() {
        let text = format!("{}\n{}\n", build(), rows.join("\n"));
        return fs::write(&path, text).expect("the record can be written");
    }
    for (now, (sweep, row)) in counts.iter().zip(SWEEPS.iter().zip(record.lines().skip(1))) {
        let (then, what) = row.split_once('\t').expect("a count and a sweep");
        assert_eq!(what, *sweep, "{RECORD}: UPDATE=1 renews it");
        let then: u64 = then.parse().expect("a count");
        assert!(
            now * 100 <= then * (100 + MARGIN),
            "byzsim sweep {sweep}: {now} instructions, and {then} were recorded; UPDATE=1 renews \
             {RECORD} if that is meant"
        );
    }
    assert_eq!(record.lines().count(), 1 + SWEEPS.len(), "{RECORD}: UPDATE=1 renews it");
}
