//! Runs that are one step smaller than a run.

use byzsim_core::Committee;

use crate::file::format::ScenarioFile;

/// A run that is one step smaller.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// The step, in words.
    pub(super) what: String,
    /// The smaller run.
    pub(super) file: ScenarioFile,
}

/// A run as the generators see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    pub(super) file: &'a ScenarioFile,
    /// How often each of its faults fired; empty if the protocol panicked.
    pub(super) fired: &'a [u64],
    /// How many replicas one of f takes: 3 where n >= 3f + 1.
    pub(super) per_fault: u16,
}

impl Run<'_> {
    /// The run after a step.
    pub(super) fn after(
        &self,
        what: impl Into<String>,
        step: impl FnOnce(&mut ScenarioFile),
    ) -> Candidate {
        let mut file = self.file.clone();
        step(&mut file);
        Candidate { what: what.into(), file }
    }

    pub(super) fn committee(&self) -> Committee {
        self.file.cluster.committee()
    }
}

/// A kind of step.
pub(super) type Generator = fn(Run<'_>) -> Vec<Candidate>;
