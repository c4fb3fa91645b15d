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
/// If one is, or cannot be written. Everything is as it was before then.
pub fn write(drafts: &[Draft]) -> Result<(), LoadError> {
    if let Some(Draft { path, .. }) = drafts.iter().find(|it| !it.is_change && it.path.exists()) {
        let what = format!("{} is there already", path.display());
        return Err(LoadError::new(what, "choose another name, or remove it: nothing was written"));
    }
    let mut undo = Undo::default();
    for draft in drafts {
        if let Err(why) = undo.write(draft) {
            let what = format!("cannot write {}: {why}", draft.path.display());
            let left = match undo.all() {
                Ok(()) => "all is as it was before",
                Err(_) => "files are left that were written before it",
            };
            return Err(LoadError::new(what, format!("is the folder writable? {left}")));
        }
    }
    Ok(())
}

/// How to undo what was written so far.
#[derive(Debug, Default)]
struct Undo<'a> {
    /// The folders that were made, the inner ones last.
    folders: Vec<&'a Path>,
    /// The files, each with what it held before, if it was there.
    files: Vec<(&'a Path, Option<String>)>,
}

impl<'a> Undo<'a> {
    fn write(&mut self, draft: &'a Draft) -> std::io::Result<()> {
        let folder = draft.path.parent().unwrap_or_else(|| Path::new(""));
        let is_missing = |it: &&Path| !it.as_os_str().is_empty() && !it.exists();
        let mut missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
        missing.reverse();
        for folder in missing {
            fs::create_dir(folder)?;
            self.folders.push(folder);
        }
        let before = if draft.is_change { Some(fs::read_to_string(&draft.path)?) } else { None };
        self.files.push((&draft.path, before));
        fs::write(&draft.path, &draft.text)
    }

    /// Undoes all of it.
    fn all(self) -> std::io::Result<()> {
        for (path, before) in self.files.into_iter().rev() {
            match before {
                Some(text) => fs::write(path, text)?,
                // It may be the one that could not be made.
                None if path.exists() => fs::remove_file(path)?,
                None => {}
            }
        }
        self.folders.into_iter().rev().try_for_each(fs::remove_dir)
    }
}
