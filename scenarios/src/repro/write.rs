//! From a run to its repro file.

use std::fmt::Write as _;

use byzsim_core::{CryptoBackend, Marks};

use super::{Found, Repro, TracePrint};
use crate::file::format::{FORMAT, VERSION};
use crate::run::draw::Draft;
use crate::run::result::{PlayOptions, Report};
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;

impl Repro {
    /// The repro of the run of `seed`, which is played for it.
    pub fn of(scenario: &Scenario, seed: u64, crypto: CryptoBackend) -> Self {
        Self::of_search(scenario, (Strategy::Random, seed), None, crypto)
    }

    /// The repro of what a search played as `seed`, which is played again for it: of the draft that
    /// its row kept, where the seed alone does not tell.
    pub fn of_search(
        scenario: &Scenario,
        (strategy, seed): (Strategy, u64),
        draft: Option<&Draft>,
        crypto: CryptoBackend,
    ) -> Self {
        let (run_seed, drawn) = match draft {
            Some(draft) => (draft.seed, draft.drawn.clone()),
            None => (seed, scenario.draw_by(strategy, seed)),
        };
        let options = PlayOptions { crypto, with_marks: true };
        Self::new(scenario, &scenario.play_drawn(run_seed, drawn, &options, None), crypto)
    }

    /// The repro of a run that was played with marks.
    ///
    /// # Panics
    /// If it was played without.
    pub fn new(scenario: &Scenario, report: &Report, crypto: CryptoBackend) -> Self {
        let file = scenario.fixed(&report.drawn);
        let found = report.findings().first().map(|finding| Found {
            property: finding.property.to_owned(),
            explanation: finding.explanation.to_owned(),
            shape: finding.shape.to_owned(),
        });
        let outcome = report.result.as_ref().ok().map(|played| &played.outcome);
        let verdicts = report.verdicts().iter();
        Self {
            format: FORMAT,
            byzsim: VERSION.to_owned(),
            name: scenario.name.clone(),
            scenario_hash: file.hash().hex(),
            scenario: file,
            seed: report.seed,
            crypto,
            trace: outcome.map(|outcome| {
                let marks = outcome.marks.as_ref().expect("the run was played with marks");
                TracePrint {
                    hash: outcome.trace.hex(),
                    events: outcome.events,
                    shift: marks.shift,
                    marks: hex(marks),
                }
            }),
            verdicts: verdicts.map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
            found,
            fired: report.result.as_ref().map_or(Vec::new(), |played| played.fired.clone()),
        }
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a repro is plain data");
        text.push('\n');
        text
    }
}

fn hex(marks: &Marks) -> String {
    marks.values.iter().fold(String::new(), |mut text, mark| {
        write!(text, "{mark:04x}").expect("a string takes all");
        text
    })
}
