//! `byzsim merge`: the shards of a sweep, added up.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;

use super::options::{CommonOptions, format_of};
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::file::error::LoadError;
use crate::report::format::Format;
use crate::report::sweep::{Circumstances, SweepOutput};
use crate::run::expect::Judgement;
use crate::sweep::options::Shard;
use crate::sweep::row::Row;
use crate::sweep::summary::{Head, Summary};

/// Combine the shards of a sweep.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim merge out/shard-*.ndjson\n  \
    byzsim merge out/shard-*.ndjson --format md\n  \
    byzsim merge first.ndjson second.ndjson --format json")]
pub struct Merge {
    /// Files with rows of one sweep.
    #[arg(required = true, value_name = "FILES")]
    files: Vec<PathBuf>,
    /// The format of the output on stdout.
    #[arg(long, value_parser = format_of::<SweepOutput<'_>>(), default_value = "human")]
    format: Format,
}

impl Merge {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        self.refuse_rows()?;
        let mut merged: Option<Summary> = None;
        for path in &self.files {
            let (head, rows) = read(path)?;
            let summary = merged
                .get_or_insert_with(|| Summary::new(Head { shard: Shard::WHOLE, ..head.clone() }));
            agree(&summary.head, &head, path)?;
            for row in rows {
                add(summary, &row, path)?;
            }
        }
        let summary = merged.expect("clap asks for a file");
        let (circumstances, is_quiet) = (&Circumstances::default(), common.quiet);
        output::result(&SweepOutput { summary: &summary, circumstances, is_quiet }, self.format)?;
        if summary.runs < summary.wanted() {
            let missing = missing(&summary);
            output::note(&format!("error: seeds are missing: {missing}"));
            // What is violated is violated, however much is missing.
            let is_violated = summary.judgement() == Judgement::Violation;
            return Ok(if is_violated { Exit::Violation } else { Exit::Inconclusive });
        }
        Ok(Exit::from(&summary))
    }

    /// Rows are not kept in memory: the files have them.
    fn refuse_rows(&self) -> Result<(), LoadError> {
        if self.format.has_rows() {
            let what = "merge writes a summary; the rows are in the given files";
            return Err(LoadError::new(what, "use `--format human`, `json` or `md`"));
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<(Head, Vec<Row>), LoadError> {
    let file = path.display();
    let cannot = |why: std::io::Error| {
        LoadError::new(format!("cannot read {file}: {why}"), "is this the right path?")
    };
    let mut lines = BufReader::new(File::open(path).map_err(cannot)?).lines();
    let first = lines.next().transpose().map_err(cannot)?.unwrap_or_default();
    let head: Head = serde_json::from_str(&first).map_err(|why| {
        let help = "the first line of a sweep's rows describes the sweep";
        LoadError::new(format!("{file}:1: {why}"), help)
    })?;
    let mut rows = Vec::new();
    let mut lines = lines.enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let line = line.map_err(cannot)?;
        match serde_json::from_str(&line) {
            Ok(row) => rows.push(row),
            // The process was killed in the middle of its last line: that seed was not finished.
            Err(_) if lines.peek().is_none() => {
                output::note(&format!(
                    "note: {file}: the last line is incomplete, so its seed is missing"
                ));
            }
            Err(why) => {
                let what = format!("{file}:{}: {why}", number + 2);
                return Err(LoadError::new(what, "each line is a row of a sweep"));
            }
        }
    }
    Ok((head, rows))
}

/// Only rows of one sweep add up.
fn agree(all: &Head, head: &Head, path: &Path) -> Result<(), LoadError> {
    let fields = [
        ("version of byzsim", &all.byzsim, &head.byzsim),
        ("scenario", &all.hash, &head.hash),
        ("range of seeds", &all.seeds.to_string(), &head.seeds.to_string()),
        ("strategy", &all.strategy.to_string(), &head.strategy.to_string()),
    ];
    for (what, one, other) in fields {
        if one != other {
            let what = format!("{} has another {what}: {other}, not {one}", path.display());
            return Err(LoadError::new(what, "merge the shards of one sweep"));
        }
    }
    Ok(())
}

fn add(summary: &mut Summary, row: &Row, path: &Path) -> Result<(), LoadError> {
    let seeds = summary.head.seeds;
    if !(seeds.start..seeds.end).contains(&row.seed) {
        let what = format!("{}: seed {} is not one of {seeds}", path.display(), row.seed);
        return Err(LoadError::new(what, "the file was changed after the sweep"));
    }
    match summary.traces.get(&row.seed) {
        None => summary.add(row),
        Some(trace) if *trace == row.trace_digest() => {
            let what = "was already in an earlier row";
            output::note(&format!("note: {}: seed {} {what}", path.display(), row.seed));
        }
        Some(_) => {
            let what = format!("two rows of seed {} differ: byzsim is not deterministic", row.seed);
            return Err(LoadError::new(what, "were the shards played by the same build?"));
        }
    }
    Ok(())
}

/// The missing seeds, the first few of them.
fn missing(summary: &Summary) -> String {
    const LISTED_MAX: usize = 10;
    let seeds = summary.head.seeds;
    let missing = (seeds.start..seeds.end).filter(|seed| !summary.traces.contains_key(seed));
    let mut listed: Vec<String> =
        missing.take(LISTED_MAX + 1).map(|seed| seed.to_string()).collect();
    if LISTED_MAX < listed.len() {
        listed[LISTED_MAX] = "…".to_owned();
    }
    listed.join(" ")
}
