//! How far a sweep is: a bar on a terminal, else a line per tenth.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use super::options::CommonOptions;
use super::output;
use crate::report::style::grouped;
use crate::run::expect::Judgement;
use crate::sweep::row::Row;

pub(super) struct Progress {
    bar: Option<ProgressBar>,
    is_quiet: bool,
    runs: u64,
    done: u64,
    violations: u64,
    undecided: u64,
}

impl Progress {
    /// Of a sweep of so many runs.
    pub(super) fn new(runs: u64, common: &CommonOptions) -> Self {
        let is_quiet = common.quiet;
        let bar = (!is_quiet && std::io::stderr().is_terminal()).then(|| {
            let template = "{bar:24} {human_pos}/{human_len}  {per_sec}  eta {eta}  {msg}";
            let style = ProgressStyle::with_template(template).expect("the template is right");
            ProgressBar::new(runs).with_style(style)
        });
        Self { bar, is_quiet, runs, done: 0, violations: 0, undecided: 0 }
    }

    /// One more run is finished.
    pub(super) fn step(&mut self, row: &Row) {
        self.done += 1;
        let before = (self.violations, self.undecided);
        match row.judgement {
            Judgement::Expected => {}
            Judgement::Violation => self.violations += 1,
            Judgement::Inconclusive => self.undecided += 1,
        }
        match &self.bar {
            Some(bar) => {
                bar.inc(1);
                if before != (self.violations, self.undecided) {
                    bar.set_message(self.found());
                }
            }
            // Short sweeps need no comment.
            None if !self.is_quiet
                && 1_000 <= self.runs
                && self.done.is_multiple_of(self.runs / 10) =>
            {
                let percent = self.done * 100 / self.runs;
                let done = grouped(self.done);
                output::note(&format!("{percent:>3} %  {done} runs  {}", self.found()));
            }
            None => {}
        }
    }

    fn found(&self) -> String {
        format!("{} violations  {} undecided", self.violations, self.undecided)
    }

    /// The sweep is over.
    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
