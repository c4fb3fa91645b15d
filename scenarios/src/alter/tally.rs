//! What the properties said to all alterations, added up.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::file::format::SeedRange;

/// What was said to one alteration.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) kind: &'static str,
    pub(super) change: &'static str,
    pub(super) noticed: Vec<&'static str>,
    pub(super) excuse: Option<&'static str>,
    pub(super) miss: Option<Miss>,
}

/// What was said to all alterations of one run.
#[derive(Clone, Debug)]
pub(super) struct ToldOfRun {
    pub(super) told: Vec<Told>,
    /// The properties that could not be asked.
    pub(super) unasked: Vec<&'static str>,
}

/// An alteration that no property noticed, without an excuse.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Miss {
    /// The run.
    pub seed: u64,
    /// The event that reported the fact.
    pub event: u64,
    /// The fact.
    pub before: String,
    /// What stands in its place.
    pub after: String,
}

/// One kind of fact under one change.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cell {
    /// How often it was made.
    pub tried: u64,
    /// How often it was noticed.
    pub noticed: u64,
    /// By property: how often it noticed.
    pub by: BTreeMap<&'static str, u64>,
    /// By excuse: how often it was not noticed, and could not be.
    pub excused: BTreeMap<&'static str, u64>,
    /// How often it was not noticed, without an excuse.
    pub missed: u64,
    /// The first of these.
    pub misses: Vec<Miss>,
}

/// How many misses of a cell are kept.
const MISSES_KEPT: usize = 5;

/// What the properties said to all alterations of the clean runs of a scenario.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tally {
    /// The scenario.
    pub scenario: String,
    /// The seeds.
    pub seeds: SeedRange,
    /// How many of the runs were clean.
    pub runs: u64,
    /// How many were not: they were left out.
    pub failing: u64,
    /// By property: in how many runs it could not be asked, since it rests on more than reports.
    pub unasked: BTreeMap<&'static str, u64>,
    /// By kind of fact and change.
    #[serde(serialize_with = "cells")]
    pub cells: BTreeMap<(&'static str, &'static str), Cell>,
}

fn cells<S: serde::Serializer>(
    cells: &BTreeMap<(&'static str, &'static str), Cell>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer
        .collect_map(cells.iter().map(|((kind, change), it)| (format!("{kind} {change}"), it)))
}

impl Tally {
    /// Adds what was said about a run; `None` is a run that was not clean.
    pub(super) fn add(&mut self, told: Option<ToldOfRun>) {
        let Some(ToldOfRun { told, unasked }) = told else {
            self.failing += 1;
            return;
        };
        self.runs += 1;
        for property in unasked {
            *self.unasked.entry(property).or_default() += 1;
        }
        for Told { kind, change, noticed, excuse, miss } in told {
            let cell = self.cells.entry((kind, change)).or_default();
            cell.tried += 1;
            cell.noticed += u64::from(!noticed.is_empty());
            for property in noticed {
                *cell.by.entry(property).or_default() += 1;
            }
            if let Some(excuse) = excuse {
                *cell.excused.entry(excuse).or_default() += 1;
            }
            if let Some(miss) = miss {
                cell.missed += 1;
                if cell.misses.len() < MISSES_KEPT {
                    cell.misses.push(miss);
                }
            }
        }
    }

    /// How many alterations were noticed, and how many of them could have been.
    pub fn score(&self) -> (u64, u64) {
        let sum = |count: fn(&Cell) -> u64| self.cells.values().map(count).sum::<u64>();
        let noticed = sum(|it| it.noticed);
        (noticed, noticed + sum(|it| it.missed))
    }

    /// Whether `percent` of what could have been noticed was; none if nothing could have been.
    pub fn reaches(&self, percent: u64) -> Option<bool> {
        let (noticed, speaking) = self.score();
        (0 < speaking).then_some(speaking * percent <= noticed * 100)
    }
}
