//! Profiles: what is usual in the runs of a scenario, recorded, and held against other runs.

use crate::workdir::{Output, Workdir};

/// The flaw lets the timers of idle replicas run. That violates nothing here, and view changes
/// become more frequent.
#[test]
fn a_profile_tells_what_no_property_does() {
    let workdir = Workdir::new("profile");
    let at = |seeds: &str, more: &str| {
        workdir.byzsim(&format!("profile pbft/unhealed --seeds {seeds} {more}"))
    };
    let Output { code, stdout, stderr } = at("0..400", "--out was.json -q");
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    assert!(stdout.starts_with("profile of pbft/unhealed 0..400: 400 runs in 20 blocks"));

    let Output { code, stdout, .. } = at("0..400", "--against was.json --jobs 1");
    assert_eq!(code, 0, "the same runs: {stdout}");
    let Output { code, stdout, .. } = at("1000..1400", "--against was.json");
    assert_eq!(code, 0, "other seeds of the same protocol: {stdout}");
    let Output { code, stdout, .. } = at("0..400", "--against was.json --flaw P35d");
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("CHANGED  reached view-change: usually "), "{stdout}");
    assert!(stdout.contains("FAIL  "), "{stdout}");
}

#[test]
fn profiles_of_other_runs_are_refused() {
    let workdir = Workdir::new("profile-refused");
    let at = |command: &str| workdir.byzsim(&format!("profile {command}"));
    assert_eq!(at("pbft/fault-free --seeds 0..20 --out was.json").code, 0);
    for (command, words) in [
        ("pbft/fault-free --seeds 0..30", "cannot be divided into 20 blocks"),
        ("pbft/fault-free --seeds 0..40 --against was.json", "blocks of another length"),
        ("pbft/checkpoint --seeds 0..20 --against was.json", "of another scenario"),
        ("pbft/fault-free --seeds 0..20 --against none.json", "cannot read none.json"),
    ] {
        let Output { code, stdout, stderr } = at(command);
        assert_eq!((code, stdout.as_str()), (2, ""), "{command}");
        assert!(stderr.contains(words), "{command}: {stderr}");
    }
}
