//! Every scenario file keeps its promise. There is no list to maintain: the library is walked.

use byzsim::{Judgement, SweepOptions, load};

#[test]
fn every_scenario_keeps_its_promise() {
    let names: Vec<String> = byzsim::file::library::all().into_keys().collect();
    assert!(20 <= names.len(), "the library was found: {names:?}");
    let mut broken = Vec::new();
    for name in &names {
        let scenario = load(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let options = SweepOptions { jobs: 2, ..SweepOptions::of(scenario.file.seeds) };
        let summary = byzsim::sweep(&scenario, &options, |_| std::ops::ControlFlow::Continue(()));
        if summary.judgement() != Judgement::Expected || !summary.missed().is_empty() {
            let (missed, findings) = (summary.missed(), &summary.findings);
            broken.push(format!(
                "byzsim sweep {name}: {:?}, never reached {missed:?}, found {findings:?}",
                summary.judgement()
            ));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
