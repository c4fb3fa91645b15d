//! A new protocol in a checkout of byzsim: a copy of the smallest one under another name, with its
//! scenarios, its entry in the registry, and its row in the map.

use std::fs;
use std::path::{Path, PathBuf};

use super::Draft;
use crate::file::error::LoadError;

/// The protocol that is copied.
const MODEL: &str = "onephase";

/// The folders of a checkout that hold it, each with the names of its files.
const FOLDERS: [&str; 2] = ["protocols/src", "scenarios/library"];

const MODULES: &str = "protocols/src/lib.rs";
const REGISTRY: &str = "scenarios/src/run/registry.rs";
const MAP: &str = "ARCHITECTURE.md";

/// The greatest length of a name.
const NAME_MAX: usize = 20;

/// The checkout that a folder is in.
///
/// # Errors
/// If it is in none: what to do.
pub fn checkout(folder: &Path) -> Result<PathBuf, LoadError> {
    let is_one =
        |folder: &&Path| [MODULES, REGISTRY, MAP].iter().all(|file| folder.join(file).is_file());
    folder.ancestors().find(is_one).map(Path::to_owned).ok_or_else(|| {
        LoadError::new(
            "a protocol is part of byzsim's sources, and this folder is in no checkout of them",
            "clone byzsim's repository, and run `cargo run --release -- new protocol NAME` in it",
        )
    })
}

/// What is to be written for a protocol of this name in the checkout at `root`.
///
/// # Errors
/// If the name is no name, or is taken, or the checkout is not as it should be.
pub fn drafts(root: &Path, name: &str) -> Result<Vec<Draft>, LoadError> {
    check(root, name)?;
    let mut drafts = Vec::new();
    for folder in FOLDERS {
        let (from, to) = (root.join(folder).join(MODEL), root.join(folder).join(name));
        copies(&from, &to, name, &mut drafts)?;
    }
    let typed = capitalized(name);
    let module = format!("pub mod {name};\n");
    let entry = format!(
        "    byzsim_protocols::{name}::{typed}, hunted in \"{name}/chaos\":\n        \
         \"A protocol of my own\";\n"
    );
    let row = format!("| `{name}/` | a protocol that is new |\n");
    for (file, edit) in [
        (MODULES, with_module(&read(&root.join(MODULES))?, &module)),
        (REGISTRY, before(&read(&root.join(REGISTRY))?, "\nprotocols! {\n", "}\n", &entry)),
        (
            MAP,
            before(&read(&root.join(MAP))?, "\n`protocols/src/`\n", "\n`adversaries/src/`", &row),
        ),
    ] {
        let text = edit.ok_or_else(|| {
            let what = format!("{file} has no place for a new protocol");
            LoadError::new(what, "is the checkout of the same version as this byzsim?")
        })?;
        drafts.push(Draft { path: root.join(file), text, is_change: true });
    }
    Ok(drafts)
}

/// A name is that of a Rust module, of a folder, and of a protocol in scenario files.
fn check(root: &Path, name: &str) -> Result<(), LoadError> {
    let is_plain = name.starts_with(|it: char| it.is_ascii_lowercase())
        && name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    if !is_plain || NAME_MAX < name.len() || KEYWORDS.contains(&name) {
        let help = format!(
            "use up to {NAME_MAX} lower-case letters and digits, and no word of Rust: `parrot`"
        );
        return Err(LoadError::new(format!("`{name}` is no name for a protocol"), help));
    }
    let modules = root.join("protocols/src");
    let is_there =
        [modules.join(name), modules.join(format!("{name}.rs"))].iter().any(|it| it.exists());
    if is_there || read(&root.join(MODULES))?.contains(&format!("mod {name};\n")) {
        let what = format!("protocols/src has a `{name}` already");
        return Err(LoadError::new(what, "choose another name: nothing was written"));
    }
    Ok(())
}

/// The words of Rust that no module can have for its name.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

fn read(path: &Path) -> Result<String, LoadError> {
    fs::read_to_string(path).map_err(|why| {
        let what = format!("cannot read {}: {why}", path.display());
        LoadError::new(what, "is the checkout of the same version as this byzsim?")
    })
}

/// The files of a folder, under another name.
fn copies(from: &Path, to: &Path, name: &str, drafts: &mut Vec<Draft>) -> Result<(), LoadError> {
    let unreadable = |why: std::io::Error| {
        let what = format!("cannot read {}: {why}", from.display());
        LoadError::new(what, "is the checkout of the same version as this byzsim?")
    };
    let entries = fs::read_dir(from).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> =
        entries.map_err(unreadable)?.into_iter().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    for path in paths {
        let file = path.file_name().map(|it| renamed(&it.to_string_lossy(), name));
        let to = to.join(file.expect("an entry of a folder has a name"));
        if path.is_dir() {
            copies(&path, &to, name, drafts)?;
        } else {
            let text = renamed(&read(&path)?, name);
            drafts.push(Draft { path: to, text, is_change: false });
        }
    }
    Ok(())
}

/// The text with the new name in place of the model's: as it is, as a type, and in capitals.
fn renamed(text: &str, name: &str) -> String {
    text.replace(&capitalized(MODEL), &capitalized(name))
        .replace(&MODEL.to_uppercase(), &name.to_uppercase())
        .replace(MODEL, name)
}

fn capitalized(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

/// The list of modules with one more, in its place in the order of the names.
fn with_module(text: &str, module: &str) -> Option<String> {
    let name = |line: &str| {
        let rest = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?;
        rest.strip_suffix(';').map(str::to_owned)
    };
    let new = name(module.trim_end())?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let named = |line: &&str| name(line.trim_end());
    let later = lines.iter().position(|line| named(line).is_some_and(|it| new < it));
    let place = later.or_else(|| Some(lines.iter().rposition(|it| named(it).is_some())? + 1))?;
    Some([&lines[..place].concat(), module, &lines[place..].concat()].concat())
}

/// The text with `new` before the first `end` behind `begin`.
fn before(text: &str, begin: &str, end: &str, new: &str) -> Option<String> {
    let from = text.find(begin)? + begin.len();
    let place = from + text[from..].find(end)?;
    Some([&text[..place], new, &text[place..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_in_its_place() {
        let text = "//! Docs.\n\npub mod catalogue;\nmod docket;\npub mod pbft;\n\nuse a;\n";
        for (name, before) in [("aa", "pub mod catalogue"), ("cb", "mod docket"), ("q", "\nuse a")]
        {
            let made = with_module(text, &format!("pub mod {name};\n")).expect("there is a list");
            assert!(made.contains(&format!("pub mod {name};\n{before}")), "{made}");
            assert_eq!(made.len(), text.len() + name.len() + 10);
        }
        assert_eq!(with_module("use a;\n", "pub mod b;\n"), None);
    }

    #[test]
    fn every_form_of_the_name_is_replaced() {
        let made = renamed("Onephase OnephaseFlaw ONEPHASE1 \"onephase/order\"", "parrot");
        assert_eq!(made, "Parrot ParrotFlaw PARROT1 \"parrot/order\"");
    }

    #[test]
    fn what_is_new_stands_before_the_end() {
        let made = before("a {\n}\nlist {\n  one;\n}\n}\n", "\nlist {\n", "}\n", "  two;\n");
        assert_eq!(made.as_deref(), Some("a {\n}\nlist {\n  one;\n  two;\n}\n}\n"));
        assert_eq!(before("a", "b", "c", "d"), None);
    }
}
