//! One cell: its runs on several threads, and their figures.

use byzsim_core::CryptoBackend;

use super::formulas::{Book, Inputs};
use super::measure::Measure;
use super::settings::Setting;
use super::stats::{self, Estimate, agreement};
use super::values::values;
use super::{Cell, Expected, Figure, Grid};
use crate::file::format::SeedRange;
use crate::run::expect::Judgement;
use crate::run::result::PlayOptions;
use crate::run::scenario::Scenario;
use crate::sweep::pool;
use crate::sweep::row;

impl Cell {
    /// Plays the runs of a cell, and measures them.
    pub(super) fn play(
        contestant: &str,
        scenario: &Scenario,
        setting: &Setting,
        grid: &Grid,
    ) -> Self {
        let protocol = scenario.protocol;
        let committee = scenario.committee;
        let inputs = Inputs {
            n: u64::from(committee.replicas),
            f: u64::from(committee.faults),
            s: u64::from(setting.silent(committee.faults)),
            q: stats::part(u64::from(setting.loss_ppm()), 1_000_000).unwrap_or_default(),
            params: scenario.file.params.clone(),
            book: Book::of(protocol.name, &scenario.file.params),
        };
        let measures = Measure::all(protocol.vocabulary.kinds);
        let is_random = setting.is_random();
        let start = grid.seeds.start;
        let seeds = if is_random { grid.seeds } else { SeedRange { start, end: start + 1 } };
        let runs = play_all(scenario, &inputs, &measures, seeds, grid.jobs);
        let mut cell = Self {
            protocol: contestant.to_owned(),
            replicas: committee.replicas,
            faults: committee.faults,
            setting: setting.name.clone(),
            about: setting.about.clone(),
            random: is_random,
            runs: runs.len(),
            requests: setting.requests(),
            violations: Vec::new(),
            unfinished: 0,
            figures: Vec::new(),
            samples: Vec::new(),
        };
        for run in &runs {
            match run.judgement {
                Judgement::Violation => cell.violations.push(run.seed),
                // A run without checkpoints gives some properties nothing to judge.
                Judgement::Inconclusive | Judgement::Expected => {}
            }
            cell.unfinished += usize::from(run.is_unfinished);
        }
        for (place, measure) in measures.into_iter().enumerate() {
            let sample: Vec<Option<f64>> =
                runs.iter().map(|run| run.values.as_ref().and_then(|it| it[place])).collect();
            cell.add(measure, sample, &inputs, setting);
        }
        cell
    }

    fn add(
        &mut self,
        measure: Measure,
        sample: Vec<Option<f64>>,
        inputs: &Inputs,
        setting: &Setting,
    ) {
        let (scale, is_random) = (measure.scale(), setting.is_random());
        let known: Vec<f64> = sample.iter().flatten().copied().collect();
        let Some(measured) = Estimate::of(&known, scale, is_random) else { return };
        let formula = inputs.formula(measure, setting.case).map(|formula| {
            let value = (formula.value)(inputs);
            let kind = (scale, is_random);
            Expected {
                text: formula.text,
                value,
                relation: formula.relation,
                tag: formula.tag,
                source: formula.source,
                sigmas: measured.sigmas(value, scale).filter(|_| is_random),
                agreement: agreement(&measured, value, formula.relation, kind),
            }
        });
        if matches!(measure, Measure::Kind(_)) && measured.mean <= 0.0 && formula.is_none() {
            return;
        }
        self.figures.push(Figure { name: measure.name(), measure, measured, formula });
        self.samples.push(sample);
    }

    /// The figure of a measure, if the cell has it.
    pub fn figure(&self, measure: Measure) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.measure == measure)
    }
}

/// The numbers of one run.
struct Played {
    seed: u64,
    judgement: Judgement,
    is_unfinished: bool,
    values: Option<Vec<Option<f64>>>,
}

/// Plays the seeds on several threads; the results are in the order of the seeds.
fn play_all(
    scenario: &Scenario,
    inputs: &Inputs,
    measures: &[Measure],
    seeds: SeedRange,
    jobs: usize,
) -> Vec<Played> {
    let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
    pool::counted(jobs, seeds.len(), |place| {
        let seed = seeds.start + place;
        let report = scenario.play(seed, &options);
        let values = values(measures, scenario, inputs, &report);
        let is_unfinished = report
            .result
            .as_ref()
            .is_ok_and(|played| row::completed(&played.outcome) < played.outcome.operations);
        Played { seed, judgement: report.judgement, is_unfinished, values }
    })
}
