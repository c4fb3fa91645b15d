//! `byzsim sweep`: many seeds, over all cores.

#![expect(clippy::disallowed_types, reason = "a sweep tells how many runs it played per second")]

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::options::{ChangeOptions, Crypto, Manner, TableFormat};
use super::progress::Progress;
use super::repro_files::{ReproFiles, create};
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::cli::interrupt;
use crate::file::error::LoadError;
use crate::file::format::{Expect, SeedRange};
use crate::report::sweep::{self as report, Circumstances};
use crate::repro::Repro;
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;
use crate::shrink::{Cause, Shrunk, causes, shrink_all};
use crate::sweep::row::Row;
use crate::sweep::summary::{Head, Summary};
use crate::sweep::{Shard, SweepOptions, sweep};

/// Play many seeds of a scenario.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim sweep pbft/chaos --seeds 0..10000\n  \
    byzsim sweep pbft/chaos --flaw P06 --out out/p06\n  \
    byzsim sweep pbft/chaos --seeds 0..1000000 --shard 3/16 --out out")]
pub struct Sweep {
    /// A file, or a name of the library (`byzsim list scenarios`).
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The seeds, the last one excluded; those of the scenario if nothing is said.
    #[arg(long, value_name = "A..B")]
    seeds: Option<SeedRange>,
    /// How the plans are chosen: `random`, `twins`, `delays`, `priorities`, `guided`.
    #[arg(long, value_name = "NAME", default_value = "random")]
    strategy: Strategy,
    /// How many threads play; one per core if nothing is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    jobs: Option<u16>,
    /// Play one part of the seeds, such as `0/8`. A finished part exits 0 whatever it found.
    #[arg(long, value_name = "I/N", default_value = "0/1")]
    shard: Shard,
    /// Write rows to this `.ndjson` file, or rows and repro files to this folder.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// How signatures are made. No output depends on it.
    #[arg(long, value_enum, default_value = "ideal")]
    crypto: Crypto,
    #[command(flatten)]
    changes: ChangeOptions,
    /// Do not shrink what is found.
    #[arg(long)]
    no_shrink: bool,
    /// What is written to stdout.
    #[arg(long, value_enum, default_value = "human")]
    format: TableFormat,
}

impl Sweep {
    pub(super) fn execute(&self, manner: &Manner) -> Result<Exit, Failure> {
        let scenario = self.changes.load(&self.scenario, manner)?;
        scenario.admits(self.strategy)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let options = SweepOptions {
            seeds: self.seeds.unwrap_or(scenario.file.seeds),
            shard: self.shard,
            jobs: self.jobs.map_or(cores, usize::from),
            strategy: self.strategy,
            crypto: self.crypto.into(),
        };
        if self.strategy == Strategy::Guided && self.shard != Shard::WHOLE {
            let what = "a guided search has no shards: each of its runs rests on the ones before";
            let help = "start one search for each machine, with other seeds";
            return Err(LoadError::new(what, help).into());
        }
        let mut head = Head::new(&scenario, &options);
        head.changes = self.changes.as_arguments();
        let mut rows = Rows::open(self.rows_path(), self.format, &head)?;
        interrupt::listen();
        let started = Instant::now();
        let mut progress = Progress::new(options.shard.len(options.seeds), manner);
        let mut trouble = None;
        let mut summary = sweep(&scenario, &options, |row| {
            progress.step(row);
            if trouble.is_none() {
                trouble = rows.write(row).err();
            }
            let ends = trouble.is_some() || interrupt::asked();
            if ends { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        progress.finish();
        if let Some(error) = trouble {
            return Err(error.into());
        }
        summary.head = head;
        let wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let files = ReproFiles {
            folder: self.folder(),
            scenario: &scenario,
            changes: &self.changes,
            strategy: self.strategy,
            search: (self.strategy == Strategy::Guided).then_some(options.seeds.start),
        };
        let repros = self.repros(&scenario, &summary, &files);
        let circumstances = Circumstances {
            wall_ms: Some(wall_ms),
            jobs: options.jobs,
            causes: self.causes(&scenario, &repros, &files, options.jobs),
            repros: named(&summary, &repros, &files),
            rows: rows.path.map(|path| path.display().to_string()),
        };
        print(&summary, &circumstances, self.format, manner)?;
        Ok(summary.exit())
    }

    fn rows_path(&self) -> Option<PathBuf> {
        let out = self.out.as_ref()?;
        if out.extension().is_some_and(|extension| extension == "ndjson") {
            return Some(out.clone());
        }
        let Shard { index, count } = self.shard;
        let whole = self.shard == Shard::WHOLE;
        let name = if whole { "rows".to_owned() } else { format!("shard-{index}-of-{count}") };
        Some(out.join(format!("{name}.ndjson")))
    }

    /// Where repro files go.
    fn folder(&self) -> &Path {
        match &self.out {
            Some(out) if out.extension().is_none_or(|extension| extension != "ndjson") => out,
            _ => Path::new("runs"),
        }
    }

    /// Writes repro files of the first failing seeds of each finding; those that were written.
    fn repros(
        &self,
        scenario: &Scenario,
        summary: &Summary,
        files: &ReproFiles<'_>,
    ) -> Vec<(u64, Repro)> {
        let groups = summary.findings.iter().take(FINDINGS_MAX);
        let mut seeds: Vec<u64> = groups
            .flat_map(|group| group.seeds.iter().copied().chain([group.smallest.1]))
            .collect();
        seeds.sort_unstable();
        seeds.dedup();
        let repro = |seed| {
            let draft = summary.drafts.get(&seed);
            let played = (self.strategy, seed);
            (seed, Repro::of_search(scenario, played, draft, self.crypto.into()))
        };
        // What could not be written once cannot be written again; seeds replay as well.
        let is_written = |(seed, repro): &(u64, Repro)| files.write(*seed, repro).is_some();
        seeds.into_iter().map(repro).take_while(is_written).collect()
    }

    /// Shrinks what was found. Where a violation is expected, its script is the explanation.
    fn causes(
        &self,
        scenario: &Scenario,
        repros: &[(u64, Repro)],
        files: &ReproFiles<'_>,
        jobs: usize,
    ) -> Vec<Cause> {
        let is_explained = matches!(scenario.file.expect, Expect::Violated(_));
        if self.no_shrink || is_explained || interrupt::asked() {
            return Vec::new();
        }
        let shrunk = shrink_all(repros, jobs);
        let mut causes = causes(&shrunk);
        for cause in &mut causes {
            let found =
                |(seed, it): &&(u64, Shrunk)| *seed == cause.seed && it.reason == cause.reason;
            let (_, smallest) = shrunk.iter().find(found).expect("a cause is that of a run");
            let file = files.path(cause.seed);
            let beside = super::shrink::beside(&file);
            if let Err(why) = create(&beside, &smallest.repro.to_json()) {
                output::note(&format!("note: cannot write {}: {why}", beside.display()));
                continue;
            }
            cause.files = Some([file, beside].map(|path| path.display().to_string()));
        }
        causes
    }
}

/// One command to copy per finding: that of its smallest run.
fn named(summary: &Summary, repros: &[(u64, Repro)], files: &ReproFiles<'_>) -> Vec<String> {
    let smallest = summary.findings.iter().take(FINDINGS_MAX).map(|group| group.smallest.1);
    let is_written = |seed: &u64| repros.iter().any(|(played, _)| played == seed);
    let mut named: Vec<u64> = smallest.filter(is_written).collect();
    named.dedup();
    named.into_iter().take(5).map(|seed| files.path(seed).display().to_string()).collect()
}

/// How many findings get repro files.
const FINDINGS_MAX: usize = 20;

/// Where rows go.
struct Rows {
    path: Option<PathBuf>,
    file: Option<File>,
    format: TableFormat,
}

impl Rows {
    fn open(path: Option<PathBuf>, format: TableFormat, head: &Head) -> Result<Self, Failure> {
        let head = serde_json::to_string(head).map_err(io::Error::other)?;
        let create = |path: &PathBuf| {
            create(path, &format!("{head}\n")).map_err(|why| {
                let what = format!("cannot write {}: {why}", path.display());
                LoadError::new(what, "`--out` names a file or a folder that can be written")
            })
        };
        let file = path.as_ref().map(create).transpose()?;
        match format {
            TableFormat::Ndjson => output::data(&format!("{head}\n"))?,
            TableFormat::Csv => output::data(&format!("{}\n", Row::CSV_HEADER))?,
            TableFormat::Human | TableFormat::Json | TableFormat::Md => {}
        }
        Ok(Self { path, file, format })
    }

    /// Writes a row at once and whole: whatever ends the process loses no finished one.
    fn write(&mut self, row: &Row) -> io::Result<()> {
        if self.file.is_none()
            && self.format != TableFormat::Ndjson
            && self.format != TableFormat::Csv
        {
            return Ok(());
        }
        let line = format!("{}\n", serde_json::to_string(row)?);
        if let Some(file) = &mut self.file {
            file.write_all(line.as_bytes())?;
        }
        match self.format {
            TableFormat::Ndjson => output::data(&line),
            TableFormat::Csv => output::data(&format!("{}\n", row.csv())),
            TableFormat::Human | TableFormat::Json | TableFormat::Md => Ok(()),
        }
    }
}

/// Writes the summary: to stderr where stdout has the rows.
pub(super) fn print(
    summary: &Summary,
    circumstances: &Circumstances,
    format: TableFormat,
    manner: &Manner,
) -> io::Result<()> {
    match format {
        TableFormat::Human if manner.quiet => output::data(&report::verdict(summary)),
        TableFormat::Human => output::data(&report::summary(summary, circumstances)),
        TableFormat::Md => output::data(&report::markdown(summary)),
        TableFormat::Ndjson | TableFormat::Csv if manner.quiet => Ok(()),
        TableFormat::Ndjson | TableFormat::Csv => {
            output::note(report::summary(summary, circumstances).trim_end());
            Ok(())
        }
        TableFormat::Json => {
            let mut value = serde_json::to_value(summary)?;
            value["digest"] = summary.digest().hex().into();
            value["distinct-traces"] = summary.distinct_traces().into();
            value["distinct-shapes"] = summary.commit_orders.len().into();
            value["judgement"] = serde_json::to_value(summary.judgement())?;
            value["never-reached"] = summary.missed().into();
            value["causes"] = serde_json::to_value(&circumstances.causes)?;
            output::json(&value)
        }
    }
}
