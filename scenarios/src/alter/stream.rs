//! What the checkers are told of a run, kept, so that they can be told it again.

use byzsim_core::checkers::{Property, RunInfo, Shared};
use byzsim_core::{
    CryptoBackend, NodeId, Observation, PROPERTIES, Recorder, Stamp, Time, TraceEvent, Verdict,
};

use crate::run::panics::{self, Panic};
use crate::run::result::PlayOptions;
use crate::run::scenario::Scenario;

/// One thing that checkers are told.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) at: Stamp,
    pub(super) node: NodeId,
    pub(super) what: Observation,
}

/// All that correct nodes report in a run.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) info: RunInfo,
    pub(super) facts: Vec<Fact>,
    pub(super) end: Stamp,
    /// The properties that say the same of these reports alone as of the run. Some rest on more:
    /// on timers, messages, crashes, or on how the nodes stand at the end.
    pub(super) asked: Vec<&'static Property>,
}

#[derive(Default)]
struct Listener {
    info: Option<RunInfo>,
    facts: Vec<Fact>,
    end: Option<Stamp>,
}

impl Recorder for Listener {
    fn record(&mut self, _: u64, _: Time, _: &TraceEvent<'_>) {}

    fn begin(&mut self, info: &RunInfo) {
        self.info = Some(info.clone());
    }

    fn judged(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        self.facts.push(Fact { at, node, what: what.clone() });
    }

    fn end(&mut self, at: Stamp) {
        self.end = Some(at);
    }
}

impl Stream {
    /// Plays the run of `seed`; none if a property is violated in it.
    pub(super) fn of_clean_run(scenario: &Scenario, seed: u64) -> Option<Self> {
        let mut listener = Listener::default();
        let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
        let report = scenario.play_recorded(seed, &options, Some(&mut listener));
        if !report.findings().is_empty() {
            return None;
        }
        let Listener { info, facts, end } = listener;
        let (info, end) = (info.expect("a run begins"), end.expect("a run ends"));
        let mut stream = Self { info, facts, end, asked: PROPERTIES.iter().collect() };
        let again = stream.judge(&stream.facts);
        let same = |name: &str| {
            let said = again.iter().find(|(it, _)| *it == name);
            said.is_some_and(|(_, said)| said.as_ref().ok() == report.verdict(name))
        };
        stream.asked.retain(|property| same(property.name));
        Some(stream)
    }

    /// What the properties say to other facts of this run. A checker that panics has noticed
    /// something: the run that showed it such a stream would end with the panic as its finding.
    pub(super) fn judge(&self, facts: &[Fact]) -> Vec<(&'static str, Result<Verdict, Panic>)> {
        let each = self.asked.iter().map(|property| {
            let verdict = panics::catch(|| {
                let mut checker = (property.checker)(&self.info, &Shared::default());
                for Fact { at, node, what } in facts {
                    checker.observe(*at, *node, what);
                }
                checker.finish(self.end)
            });
            (property.name, verdict)
        });
        each.collect()
    }

    /// The properties that cannot be asked.
    pub(super) fn unasked(&self) -> impl Iterator<Item = &'static str> {
        let is_asked = |name| self.asked.iter().any(|asked| asked.name == name);
        let speaking = PROPERTIES.iter().filter(|property| property.scope.has(&self.info));
        speaking.map(|property| property.name).filter(move |name| !is_asked(*name))
    }
}

impl std::fmt::Display for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.at.time, self.node, self.what)
    }
}
