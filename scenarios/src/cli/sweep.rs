//! `byzsim sweep`: many seeds, over all cores.

#![expect(clippy::disallowed_types, reason = "a sweep tells how many runs it played per second")]

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::options::{ChangeOptions, CommonOptions, Crypto, format_of};
use super::progress::Progress;
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::cli::interrupt;
use crate::file::error::LoadError;
use crate::file::format::SeedRange;
use crate::report::format::{Format, Written as _};
use crate::report::row;
use crate::report::sweep::{Circumstances, SweepOutput};
use crate::repro::files::{ReproFiles, create};
use crate::run::strategy::Strategy;
use crate::shrink::findings::{FollowUp, follow_up};
use crate::sweep::options::{Shard, SweepOptions};
use crate::sweep::row::Row;
use crate::sweep::summary::Head;
use crate::sweep::sweep;

/// Play many seeds of a scenario.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim sweep pbft/chaos --seeds 0..10000\n  \
    byzsim sweep pbft/chaos --flaw P06 --out out/p06\n  \
    byzsim sweep pbft/chaos --seeds 0..1000000 --shard 3/16 --out out")]
pub struct Sweep {
    /// A scenario file, or the name of a scenario in the library (`byzsim list scenarios`).
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The seeds, with the end excluded [default: those of the scenario].
    #[arg(long, value_name = "A..B")]
    seeds: Option<SeedRange>,
    /// How the plans are chosen: `random`, `twins`, `delays`, `priorities`, `guided`.
    #[arg(long, value_name = "NAME", default_value = "random")]
    strategy: Strategy,
    /// The number of threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    jobs: Option<u16>,
    /// Play only one part of the seeds, such as `0/8`. A finished part exits with 0, whatever it
    /// found.
    #[arg(long, value_name = "I/N", default_value = "0/1")]
    shard: Shard,
    /// Write the rows to this `.ndjson` file, or the rows and the repro files to this folder.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// How signatures are made. It changes neither traces nor verdicts.
    #[arg(long, value_enum, default_value = "ideal")]
    crypto: Crypto,
    #[command(flatten)]
    changes: ChangeOptions,
    /// Do not shrink the findings.
    #[arg(long)]
    no_shrink: bool,
    /// The format of the output on stdout.
    #[arg(long, value_parser = format_of::<SweepOutput<'_>>(), default_value = "human")]
    format: Format,
}

impl Sweep {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        let scenario = self.changes.load(&self.scenario, common)?;
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
            let what = "a guided search has no shards: its runs depend on the runs before them";
            let help = "start one search per machine, each with other seeds";
            return Err(LoadError::new(what, help).into());
        }
        let mut head = Head::new(&scenario, &options);
        head.changes = self.changes.as_arguments();
        let mut rows = Rows::open(self.rows_path(), self.format, &head)?;
        let cancel = interrupt::listen();
        let started = Instant::now();
        let mut progress = Progress::new(options.shard.len(options.seeds), common);
        let mut trouble = None;
        let mut summary = sweep(&scenario, &options, |row| {
            progress.step(row);
            if trouble.is_none() {
                trouble = rows.write(row).err();
            }
            if trouble.is_some() { ControlFlow::Break(()) } else { cancel.flow() }
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
            changes: &self.changes.changes(),
            strategy: self.strategy,
            search: (self.strategy == Strategy::Guided).then_some(options.seeds.start),
        };
        let (shrinks, jobs) = (!self.no_shrink, options.jobs);
        let findings = follow_up(&scenario, &summary, &FollowUp { files, shrinks, jobs, cancel });
        for unwritten in &findings.unwritten {
            output::note(&format!("note: {unwritten}"));
        }
        let circumstances = Circumstances {
            wall_ms: Some(wall_ms),
            jobs,
            causes: findings.causes,
            repros: findings.repros,
            rows: rows.path.map(|path| path.display().to_string()),
        };
        let (summary, is_quiet) = (&summary, common.quiet);
        let output = SweepOutput { summary, circumstances: &circumstances, is_quiet };
        if !self.format.has_rows() {
            output::result(&output, self.format)?;
        } else if !common.quiet {
            // Stdout has the rows.
            output::note(output.in_format(self.format)?.trim_end());
        }
        Ok(Exit::from(summary))
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
}

/// Where rows go.
struct Rows {
    path: Option<PathBuf>,
    file: Option<File>,
    format: Format,
}

impl Rows {
    fn open(path: Option<PathBuf>, format: Format, head: &Head) -> Result<Self, Failure> {
        let create = |path: &PathBuf| {
            let head = row::heading(Format::Ndjson, head)?.expect("it has rows");
            create(path, &head).map_err(|why| {
                let what = format!("cannot write {}: {why}", path.display());
                let help = "`--out` needs a file or a folder that can be written";
                Failure::from(LoadError::new(what, help))
            })
        };
        let file = path.as_ref().map(create).transpose()?;
        if let Some(heading) = row::heading(format, head)? {
            output::data(&heading)?;
        }
        Ok(Self { path, file, format })
    }

    /// Writes a row at once and whole: whatever ends the process loses no finished one.
    fn write(&mut self, row: &Row) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            let line = row::line(Format::Ndjson, row)?.expect("it has rows");
            file.write_all(line.as_bytes())?;
        }
        match row::line(self.format, row)? {
            Some(line) => output::data(&line),
            None => Ok(()),
        }
    }
}
