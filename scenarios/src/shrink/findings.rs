//! What is made of a sweep's findings: the repro files of its failing runs, and the causes that
//! these shrink to.

use super::Shrunk;
use super::causes::{Cause, causes, shrink_all};
use crate::file::format::Expect;
use crate::repro::Repro;
use crate::repro::files::{ReproFiles, Unwritten};
use crate::run::scenario::Scenario;
use crate::sweep::cancel::Cancel;
use crate::sweep::summary::Summary;

/// How many findings get repro files.
const FINDINGS_MAX: usize = 20;

/// How many of these are named as files to replay.
const NAMED_MAX: usize = 5;

/// How findings are followed up.
#[derive(Clone, Copy, Debug)]
pub struct FollowUp<'a> {
    /// Where repro files go.
    pub files: ReproFiles<'a>,
    /// Whether the failing runs are shrunk.
    pub shrinks: bool,
    /// How many threads shrink.
    pub jobs: usize,
    /// Whether to end early.
    pub cancel: Cancel<'a>,
}

/// What was made of a sweep's findings.
#[derive(Debug, Default)]
pub struct Findings {
    /// Why the runs fail that were shrunk.
    pub causes: Vec<Cause>,
    /// The repro file of the smallest run of each finding.
    pub repros: Vec<String>,
    /// The files that could not be written.
    pub unwritten: Vec<Unwritten>,
}

/// The repro of what a sweep played as `seed`, which is played again for it.
pub fn repro(scenario: &Scenario, summary: &Summary, seed: u64) -> Repro {
    let played = (summary.head.strategy, seed);
    Repro::of_search(scenario, played, summary.drafts.get(&seed), summary.head.crypto)
}

/// Writes the repro files of a sweep's first findings, shrinks these runs, and says what the
/// smaller ones have in common.
pub fn follow_up(scenario: &Scenario, summary: &Summary, how: &FollowUp<'_>) -> Findings {
    let mut findings = Findings::default();
    let repros = write_all(scenario, summary, how, &mut findings);
    findings.repros = smallest(summary, &repros, how);
    // Where a violation is expected, its script is the explanation.
    let is_explained = matches!(scenario.file.expect, Expect::Violated(_));
    if how.shrinks && !is_explained && !how.cancel.is_asked() {
        let shrunk = shrink_all(&repros, how.jobs, how.cancel);
        findings.causes = causes(&shrunk);
        write_smaller(&shrunk, how, &mut findings);
    }
    findings
}

/// Writes the repro files of the first failing seeds of each finding; those that were written.
fn write_all(
    scenario: &Scenario,
    summary: &Summary,
    how: &FollowUp<'_>,
    findings: &mut Findings,
) -> Vec<(u64, Repro)> {
    let groups = summary.findings.iter().take(FINDINGS_MAX);
    let mut seeds: Vec<u64> =
        groups.flat_map(|group| group.seeds.iter().copied().chain([group.smallest.1])).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let mut repros = Vec::new();
    for seed in seeds {
        let repro = repro(scenario, summary, seed);
        // What could not be written once cannot be written again; seeds replay as well.
        if let Err(unwritten) = how.files.write(seed, &repro) {
            findings.unwritten.push(unwritten);
            break;
        }
        repros.push((seed, repro));
    }
    repros
}

/// The files of the smallest run of each finding.
fn smallest(summary: &Summary, repros: &[(u64, Repro)], how: &FollowUp<'_>) -> Vec<String> {
    let smallest = summary.findings.iter().take(FINDINGS_MAX).map(|group| group.smallest.1);
    let is_written = |seed: &u64| repros.iter().any(|(played, _)| played == seed);
    let mut named: Vec<u64> = smallest.filter(is_written).collect();
    named.dedup();
    let path = |seed| how.files.path(seed).display().to_string();
    named.into_iter().take(NAMED_MAX).map(path).collect()
}

/// Writes the smallest run of each cause beside the run that it was made of.
fn write_smaller(shrunk: &[(u64, Shrunk)], how: &FollowUp<'_>, findings: &mut Findings) {
    for cause in &mut findings.causes {
        let found = |(seed, it): &&(u64, Shrunk)| *seed == cause.seed && it.reason == cause.reason;
        let (_, smallest) = shrunk.iter().find(found).expect("a cause is that of a run");
        match how.files.write_smaller(cause.seed, &smallest.repro) {
            Ok(smaller) => {
                let files = [how.files.path(cause.seed), smaller];
                cause.files = Some(files.map(|path| path.display().to_string()));
            }
            Err(unwritten) => findings.unwritten.push(unwritten),
        }
    }
}
