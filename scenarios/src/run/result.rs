//! How a run is played, what it was, and what came out of it.

use byzsim_core::{CryptoBackend, Digest, Time, Verdict};

use crate::run::draw::Drawn;
use crate::run::expect::{self, Judgement};
use crate::run::finding::{Finding, findings};
use crate::run::panics::Panic;
use crate::run::registry::Played;

/// How a run is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlayOptions {
    /// How signatures are made. It changes neither traces nor verdicts.
    pub crypto: CryptoBackend,
    /// Whether the trace keeps marks, for comparison with another run.
    pub with_marks: bool,
}

/// What a run was, and what came out of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What was drawn from it.
    pub drawn: Drawn,
    /// What came out, unless the protocol panicked.
    pub result: Result<Played, Panic>,
    /// Whether that is what the scenario expects.
    pub judgement: Judgement,
    /// Whether more went wrong than the protocol was configured to tolerate.
    pub beyond_f: bool,
}

impl Report {
    /// The verdicts by property; none if the protocol panicked.
    pub fn verdicts(&self) -> &[(&'static str, Verdict)] {
        self.result.as_ref().map_or(&[], |played| &played.outcome.verdicts)
    }

    /// The verdict on one property.
    pub fn verdict(&self, property: &str) -> Option<&Verdict> {
        self.verdicts().iter().find(|(name, _)| *name == property).map(|(_, verdict)| verdict)
    }

    /// What is violated, or the panic.
    pub fn findings(&self) -> Vec<Finding<'_>> {
        let verdicts = self.verdicts().iter().map(|(name, verdict)| (*name, verdict));
        findings(self.result.as_ref().err(), verdicts)
    }

    /// The trace hash; none if the protocol panicked.
    pub fn trace(&self) -> Option<Digest> {
        self.result.as_ref().ok().map(|played| played.outcome.trace)
    }

    /// The faults of the plan that never fired, from 0.
    pub fn unfired(&self) -> Vec<usize> {
        let fired = self.result.iter().flat_map(|played| played.fired.iter().enumerate());
        fired.filter(|(_, count)| **count == 0).map(|(place, _)| place).collect()
    }

    /// Whether the property was not to be judged.
    pub fn is_unjudged(&self, property: &str) -> bool {
        expect::is_unjudged(property, self.drawn.network.gst)
    }

    /// When GST was.
    pub const fn gst(&self) -> Time {
        self.drawn.network.gst
    }
}
