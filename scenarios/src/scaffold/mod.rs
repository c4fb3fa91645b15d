//! New things to start from: a protocol in a checkout of byzsim, a scenario, an attack.

pub mod protocol;
pub mod scenario;

use std::fs;
use std::path::{Path, PathBuf};

use crate::file::error::LoadError;

/// A file to be written, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where.
    pub path: PathBuf,
    /// What it holds then.
    pub text: String,
    /// Whether it is there already, and changes.
    pub is_change: bool,
}

/// Writes files; those that are new must not be there.
///
/// # Errors
/// If one is, or cannot be written. In the first case nothing is written.
pub fn write(drafts: &[Draft]) -> Result<(), LoadError> {
    if let Some(Draft { path, .. }) = drafts.iter().find(|it| !it.is_change && it.path.exists()) {
        let what = format!("{} is there already", path.display());
        return Err(LoadError::new(what, "choose another name, or remove it: nothing was written"));
    }
    for Draft { path, text, .. } in drafts {
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        fs::create_dir_all(folder).and_then(|()| fs::write(path, text)).map_err(|why| {
            let what = format!("cannot write {}: {why}", path.display());
            LoadError::new(what, "is the folder writable?")
        })?;
    }
    Ok(())
}
