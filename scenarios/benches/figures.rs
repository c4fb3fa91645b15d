//! How fast byzsim is, as a table or as JSON, each figure also as a ratio to the bare event queue of
//! the same run: machines differ, and so do their hours, but the ratio lasts.
//!
//! ```text
//! cargo bench -p byzsim --bench figures -- [--json] [--seconds N] [--only PART-OF-A-NAME]
//! ```

#![expect(
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::print_stdout,
    reason = "a benchmark reads the clock, computes rates, and prints them"
)]

mod subjects;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use byzsim::PlayOptions;
use byzsim_core::CryptoBackend;
use serde::Serialize;

use subjects::{Subject, Work};

/// What one subject came to.
#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    unit: &'static str,
    /// The median of the slices, in units a second.
    per_second: f64,
    /// The slowest and the fastest slice.
    spread: [f64; 2],
    /// Runs a second, if it is runs that are counted.
    runs_per_second: Option<f64>,
    /// Of the bare queue's rate.
    of_the_queue: f64,
}

/// How much memory a run needed at most.
#[derive(Debug, Serialize)]
struct Memory {
    name: String,
    mib: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    figures: Vec<Figure>,
    memory: Vec<Memory>,
}

struct Options {
    json: bool,
    seconds: u64,
    only: String,
}

/// Into how many parts the time for a subject is cut: one that is disturbed does not count then.
const SLICES: u32 = 9;

/// The clusters whose memory is measured, each with one request, in a process of its own.
const LARGE: [u64; 3] = [4, 64, 128];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, n] = &arguments[..]
        && flag == "--peak-of"
    {
        return peak_of(n.parse().expect("a number of replicas"));
    }
    match options(&arguments) {
        Ok(options) => {
            let report = report(&options);
            match options.json {
                true => println!("{}", serde_json::to_string_pretty(&report).expect("plain data")),
                false => print(&report),
            }
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}\nusage: [--json] [--seconds N] [--only PART-OF-A-NAME]");
            ExitCode::from(2)
        }
    }
}

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options { json: false, seconds: 3, only: String::new() };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("`{flag}` takes a value"));
        match flag.as_str() {
            "--json" => options.json = true,
            "--seconds" => {
                let text = value()?;
                options.seconds = text.parse().map_err(|_| format!("`{text}` is no number"))?;
            }
            "--only" => options.only = value()?.clone(),
            // Cargo says so to every benchmark.
            "--bench" => {}
            other => return Err(format!("there is no option `{other}`")),
        }
    }
    Ok(options)
}

fn report(options: &Options) -> Report {
    let is_wanted = |name: &str| name == subjects::BARE_QUEUE || name.contains(&options.only);
    let slice = Duration::from_secs(options.seconds) / SLICES;
    let mut figures: Vec<Figure> = Vec::new();
    for subject in subjects::all().into_iter().filter(|it| is_wanted(&it.name)) {
        let queue = figures.first().map(|it| it.per_second);
        figures.push(measure(subject, slice, queue));
    }
    let names = LARGE.map(|n| (format!("pbft/fault-free n={n}, one request"), n));
    let wanted = names.into_iter().filter(|(name, _)| is_wanted(name));
    let memory = wanted.filter_map(|(name, n)| Some(Memory { name, mib: peak(n)? })).collect();
    Report { version: env!("CARGO_PKG_VERSION"), figures, memory }
}

fn measure(mut subject: Subject, slice: Duration, queue: Option<f64>) -> Figure {
    // The first one fills the caches, and is not counted.
    (subject.work)(0);
    let mut seed = 0;
    let mut slices: Vec<(f64, f64)> = Vec::new();
    for _ in 0..SLICES {
        let (started, mut done) = (Instant::now(), Work::default());
        while started.elapsed() < slice || done.count == 0 {
            seed += 1;
            let Work { count, runs } = (subject.work)(seed);
            done = Work { count: done.count + count, runs: done.runs + runs };
        }
        let seconds = started.elapsed().as_secs_f64();
        slices.push((done.count as f64 / seconds, done.runs as f64 / seconds));
    }
    slices.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (per_second, runs) = slices[slices.len() / 2];
    Figure {
        name: subject.name,
        unit: subject.unit,
        per_second,
        spread: [slices[0].0, slices[slices.len() - 1].0],
        runs_per_second: (runs > 0.0).then_some(runs),
        of_the_queue: queue.map_or(1.0, |queue| per_second / queue),
    }
}

/// The peak of a process that plays one request, in MiB; none where the system does not tell.
fn peak(n: u64) -> Option<f64> {
    let own = std::env::current_exe().ok()?;
    let output = Command::new(own).args(["--peak-of", &n.to_string()]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn peak_of(n: u64) -> ExitCode {
    let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
    let report = subjects::fault_free_cluster("pbft", n, 1, 1).play(1, &options);
    report.result.expect("no panic");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    match kib {
        Some(kib) => {
            println!("{}", kib / 1024.0);
            ExitCode::SUCCESS
        }
        None => ExitCode::FAILURE,
    }
}

fn print(report: &Report) {
    println!("{:<26} {:>24} {:>12} {:>16}", "", "rate", "of the queue", "runs/s");
    for it in &report.figures {
        let rate = format!("{:.3} M {}/s", it.per_second / 1e6, it.unit);
        let runs = it.runs_per_second.map_or_else(String::new, |runs| format!("{runs:.0}"));
        println!("{:<26} {rate:>24} {:>12.4} {runs:>16}", it.name, it.of_the_queue);
    }
    for Memory { name, mib } in &report.memory {
        println!("{name:<40} {mib:>6.1} MiB at its peak");
    }
}
