//! What several tests need.

use std::path::PathBuf;

use byzsim::{Changes, PlayOptions, Report, Scenario, Summary, SweepOptions, load_with};
use byzsim_core::CryptoBackend;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A scenario of the library, with `path=value` changes.
pub(crate) fn scenario(name: &str, set: &[&str]) -> Scenario {
    flawed(name, &[], set)
}

/// A scenario of the library with flaws planted.
pub(crate) fn flawed(name: &str, flaws: &[&str], set: &[&str]) -> Scenario {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let changes = Changes { flaws: owned(flaws), set: owned(set) };
    load_with(name, &changes).unwrap_or_else(|error| panic!("{name} {set:?}: {error}"))
}

/// One run with ideal signatures.
pub(crate) fn play(scenario: &Scenario, seed: u64) -> Report {
    let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
    scenario.play(seed, &options)
}

/// A sweep on two threads.
pub(crate) fn sweep(scenario: &Scenario, seeds: std::ops::Range<u64>) -> Summary {
    let seeds = byzsim::SeedRange { start: seeds.start, end: seeds.end };
    let options = SweepOptions { jobs: 2, ..SweepOptions::of(seeds) };
    byzsim::sweep(scenario, &options, |_| std::ops::ControlFlow::Continue(()))
}

/// The scenario of a file.
pub(crate) fn from_file(path: &std::path::Path) -> Scenario {
    let name = path.to_str().expect("the path is text");
    byzsim::load(name).unwrap_or_else(|error| panic!("{error} {:?}", error.help))
}

/// A scenario that is written in the test.
pub(crate) fn from_text(text: &str) -> Scenario {
    let file = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Scenario::new("inline", file, &[]).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
}
