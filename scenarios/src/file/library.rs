//! The library of scenarios: files by protocol, on disk and in the binary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, DirEntry, include_dir};

use crate::file::error::LoadError;
use crate::file::names;

/// The library as it was when the binary was built.
static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/library");

/// Where a scenario was found.
#[derive(Clone, Debug)]
pub enum Found {
    /// On disk.
    File(PathBuf),
    /// In the binary.
    Embedded {
        /// Where it was in the library.
        path: &'static str,
        /// What it says.
        text: &'static str,
    },
}

/// The scenarios of the library by name, such as `pbft/chaos`. Files on disk, in the working
/// directory or where the crate was built, take precedence over those in the binary.
pub fn all() -> BTreeMap<String, Found> {
    let mut all = BTreeMap::new();
    embedded(&EMBEDDED, &mut all);
    for folder in folders() {
        on_disk(&folder, &folder, &mut all);
    }
    all
}

/// Finds a scenario by its path or its name in the library.
///
/// # Errors
/// If there is none: the nearest names.
pub fn find(name: &str) -> Result<Found, LoadError> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(Found::File(path.to_owned()));
    }
    let mut all = all();
    if let Some(found) = all.remove(name.trim_end_matches(".toml")) {
        return Ok(found);
    }
    if path.is_dir() {
        let what = format!("{name} is a folder, not a scenario");
        return Err(LoadError::new(what, "name one of the files in it"));
    }
    let mut help = "`byzsim list scenarios` shows the library".to_owned();
    let near = names::near(name, all.keys().map(String::as_str));
    if !near.is_empty() {
        help = format!("did you mean {}? {help}", names::alternatives(near));
    }
    let what = format!("no file and no scenario of the library is named `{name}`");
    Err(LoadError::new(what, help))
}

/// The library's folders on disk, the more important ones last.
fn folders() -> Vec<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("library");
    let folders = [built, PathBuf::from("library"), PathBuf::from("scenarios/library")];
    folders.into_iter().filter(|folder| folder.is_dir()).collect()
}

fn on_disk(root: &Path, folder: &Path, all: &mut BTreeMap<String, Found>) {
    // A folder that cannot be listed has no scenarios; whoever names one of its files learns why.
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            on_disk(root, &path, all);
        } else if let Some(name) = path.strip_prefix(root).ok().and_then(scenario_name) {
            all.insert(name, Found::File(path));
        }
    }
}

fn embedded(dir: &'static Dir<'static>, all: &mut BTreeMap<String, Found>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => embedded(dir, all),
            DirEntry::File(file) => {
                let text = file.contents_utf8();
                if let (Some(name), Some(text)) = (scenario_name(file.path()), text) {
                    let path = file.path().to_str().expect("its name is text");
                    all.insert(name, Found::Embedded { path, text });
                }
            }
        }
    }
}

/// `pbft/chaos` for `pbft/chaos.toml`; nothing for what is not a scenario.
fn scenario_name(path: &Path) -> Option<String> {
    let name = path.to_str()?.replace(std::path::MAIN_SEPARATOR, "/");
    name.strip_suffix(".toml").map(str::to_owned)
}
