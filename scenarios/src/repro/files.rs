//! The repro files of runs of a scenario: each run under a name that no other run has.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::repro::Repro;
use crate::run::load::Changes;
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;

/// Where repro files go, and all that their runs depend on beside their seeds.
#[derive(Clone, Copy, Debug)]
pub struct ReproFiles<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What was changed in it.
    pub changes: &'a Changes,
    /// How the plans were chosen.
    pub strategy: Strategy,
    /// The first seed of a guided search, which decides what its other seeds are.
    pub search: Option<u64>,
}

/// A file that could not be written.
#[derive(Debug, Error)]
#[error("cannot write {}: {why}", path.display())]
pub struct Unwritten {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: io::Error,
}

impl ReproFiles<'_> {
    /// Where the run of `seed` goes: `runs/pbft-chaos-17.json`, and with whatever makes it another
    /// run in between: `runs/pbft-chaos-P08-twins-285.json`. One sweep must not replace what
    /// another found.
    pub fn path(&self, seed: u64) -> PathBuf {
        let stem = self.scenario.name.trim_end_matches(".toml").trim_end_matches(".json");
        // The last two parts of a path say enough: `pbft-chaos`.
        let parts: Vec<&str> = stem.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
        let mut name = parts[parts.len().saturating_sub(2)..].join("-");
        for number in flaw_numbers(self.changes) {
            name.extend(["-", number]);
        }
        let set: String = self.changes.set.iter().flat_map(|set| ["-", set]).collect();
        if is_plain(&set) {
            name.push_str(&set);
        } else {
            name.extend(["-", &self.scenario.hash.hex()[..8]]);
        }
        name.push_str(&self.strategy.said("-"));
        let search = self.search.map(|first| format!("-{first}")).unwrap_or_default();
        self.folder.join(format!("{name}{search}-{seed}.json"))
    }

    /// Writes the repro file of what was played as `seed`; where it is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, seed: u64, repro: &Repro) -> Result<PathBuf, Unwritten> {
        write(self.path(seed), repro)
    }

    /// Writes the repro file of the smaller run that the run of `seed` shrank to, beside that of
    /// the run itself; where it is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_smaller(&self, seed: u64, repro: &Repro) -> Result<PathBuf, Unwritten> {
        write(smaller(&self.path(seed)), repro)
    }
}

/// Where the smaller run of a repro file goes: `x.min.json` for `x.json`.
pub fn smaller(file: &Path) -> PathBuf {
    file.with_extension("min.json")
}

fn write(path: PathBuf, repro: &Repro) -> Result<PathBuf, Unwritten> {
    match create(&path, &repro.to_json()) {
        Ok(_) => Ok(path),
        Err(why) => Err(Unwritten { path, why }),
    }
}

/// The numbers of the planted flaws, in order and each once, however they were named.
fn flaw_numbers(changes: &Changes) -> BTreeSet<&str> {
    changes.flaws.iter().filter_map(|flaw| flaw.split('-').next()).collect()
}

/// Whether values that were set can stand in a file's name as they are. If not, the hash of the
/// scenario stands for them.
fn is_plain(set: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '=' | '_' | '-');
    set.len() <= 60 && set.chars().all(is_plain)
}

/// Creates a file, and its folder if need be.
///
/// # Errors
/// If either cannot be created, or the text cannot be written.
pub fn create(path: &Path, text: &str) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::load::load_with;

    #[test]
    fn runs_that_differ_have_names_that_differ() {
        let path = |flaws: &[&str], set: &[&str], strategy, search| {
            let own = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect();
            let (flaws, set): (Vec<String>, Vec<String>) = (own(flaws), own(set));
            let changes = Changes { flaws, set };
            let scenario = load_with("pbft/chaos", &changes).expect("it is in the library");
            let folder = Path::new("runs");
            let files =
                ReproFiles { folder, scenario: &scenario, changes: &changes, strategy, search };
            files.path(7).to_str().expect("a plain name").replace('\\', "/")
        };
        use Strategy::{Guided, Random, Twins};
        assert_eq!(path(&[], &[], Random, None), "runs/pbft-chaos-7.json");
        assert_eq!(path(&["P08"], &[], Twins, None), "runs/pbft-chaos-P08-twins-7.json");
        let both = "runs/pbft-chaos-P08-P23-guided-5-7.json";
        assert_eq!(path(&["P23", "P08-digest-ignored"], &[], Guided, Some(5)), both);
        let set = path(&["P08"], &["workload.operations=5", "cluster.clients=2"], Random, None);
        assert_eq!(set, "runs/pbft-chaos-P08-workload.operations=5-cluster.clients=2-7.json");
        let many = ["network.delta=100ms"; 9];
        let (many, rest) = (path(&[], &many, Random, None), "runs/pbft-chaos-12345678-7.json");
        assert_eq!(many.len(), rest.len(), "file systems take no longer names: {many}");
        let reaches = |what: &str| path(&[], &[&format!("reaches=[\"{what}\"]")], Random, None);
        let (one, other) = (reaches("rollback"), reaches("completed"));
        assert!(one.starts_with("runs/pbft-chaos-") && !one.contains('['), "{one}");
        assert_ne!(one, other, "the hash tells them apart");
    }

    #[test]
    fn the_smaller_run_is_written_beside_the_first() {
        let cases = [
            ("runs/pbft-chaos-3.json", "runs/pbft-chaos-3.min.json"),
            ("a.b.json", "a.b.min.json"),
        ];
        for (file, beside) in cases {
            assert_eq!(smaller(Path::new(file)), Path::new(beside));
        }
    }
}
