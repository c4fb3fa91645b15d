//! A new protocol in a checkout of byzsim: a copy of the smallest one under another name, with its
//! scenarios, its entry in the registry, and its row in the map.

use std::fs;
use std::path::{Path, PathBuf};

use super::Draft;
use crate::file::error::LoadError;

/// The protocol that is copied.
const MODEL: &str = "onephase";

/// The folders of a checkout that hold its sources and its scenarios.
const SOURCES: &str = "protocols/src";
const LIBRARY: &str = "scenarios/library";

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
            "clone byzsim's repository, and run `cargo run --profile checked -- new protocol NAME` in it",
        )
    })
}

/// A name in its forms: those of `two-phase` are `two_phase`, `TwoPhase` and `TWOPHASE`.
struct Name<'a> {
    plain: &'a str,
    module: String,
    typed: String,
    capitals: String,
}

impl<'a> Name<'a> {
    fn new(plain: &'a str) -> Self {
        let typed = plain.split('-').map(capitalized).collect();
        let capitals = plain.replace('-', "").to_uppercase();
        Self { plain, module: plain.replace('-', "_"), typed, capitals }
    }

    /// The text with the new name in place of the model's: as it is, as a type, and in capitals.
    /// What is put in place is not read again: it may contain the model's name.
    fn renamed(&self, text: &str) -> String {
        let [typed, capitals] = [capitalized(MODEL), MODEL.to_uppercase()];
        let forms: [[&str; 2]; 3] =
            [[&typed, &self.typed], [&capitals, &self.capitals], [MODEL, self.plain]];
        let (mut made, mut rest) = (String::new(), text);
        while let Some((place, [from, to])) = forms
            .iter()
            .filter_map(|form| Some((rest.find(form[0])?, *form)))
            .min_by_key(|(place, _)| *place)
        {
            made.push_str(&rest[..place]);
            made.push_str(to);
            rest = &rest[place + from.len()..];
        }
        made + rest
    }
}

/// What is to be written for a protocol of this name in the checkout at `root`.
///
/// # Errors
/// If the name is no name, or is taken, or the checkout is not as it should be.
pub fn drafts(root: &Path, name: &str) -> Result<Vec<Draft>, LoadError> {
    check(name)?;
    let name = Name::new(name);
    let folders = [root.join(SOURCES).join(&name.module), root.join(LIBRARY).join(name.plain)];
    check_free(root, &name, &folders)?;
    let mut drafts = Vec::new();
    for (from, to) in [SOURCES, LIBRARY].into_iter().zip(&folders) {
        copies(&root.join(from).join(MODEL), to, &name, &mut drafts)?;
    }
    let Name { plain, module, typed, .. } = &name;
    let entry = format!(
        "    byzsim_protocols::{module}::{typed},\n        hunted in \"{plain}/chaos\": \
         \"A protocol of my own\";\n"
    );
    let row = format!("| `{module}/` | a protocol that is new |\n");
    let module = format!("pub mod {module};\n");
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

/// A name is that of a protocol in scenario files, and without its hyphens that of a Rust module.
fn check(name: &str) -> Result<(), LoadError> {
    if is_name(name) {
        return Ok(());
    }
    let near = hyphenated(name);
    let help = if is_name(&near) {
        format!("did you mean `{near}`?")
    } else {
        format!(
            "use up to {NAME_MAX} lower-case letters and digits, with single hyphens between \
             words, and no word of Rust: `parrot`, `two-phase`"
        )
    };
    Err(LoadError::new(format!("`{name}` is no name for a protocol"), help))
}

fn is_name(name: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
    };
    name.starts_with(|it: char| it.is_ascii_lowercase())
        && name.split('-').all(is_word)
        && name.len() <= NAME_MAX
        && !KEYWORDS.contains(&name)
}

/// What somebody may have meant who wrote `two_phase`, `TwoPhase` or `two phase`.
fn hyphenated(name: &str) -> String {
    let mut words = String::new();
    for it in name.chars() {
        if !it.is_ascii_alphanumeric() || it.is_ascii_uppercase() {
            words.push('-');
        }
        if it.is_ascii_alphanumeric() {
            words.push(it.to_ascii_lowercase());
        }
    }
    words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// Nothing has the name yet: no module, no folder, and no type that the model uses.
fn check_free(root: &Path, name: &Name<'_>, folders: &[PathBuf; 2]) -> Result<(), LoadError> {
    let Name { plain, module, typed, .. } = name;
    let taken = |what| Err(LoadError::new(what, "choose another name: nothing was written"));
    let file = root.join(SOURCES).join(format!("{module}.rs"));
    if file.exists() || read(&root.join(MODULES))?.contains(&format!("mod {module};\n")) {
        return taken(format!("{SOURCES} has a `{module}` already"));
    }
    for folder in folders {
        if folder.exists() {
            return taken(format!("{} is there already", folder.display()));
        }
    }
    let claims = read(&root.join(SOURCES).join(MODEL).join("mod.rs"))?;
    let code = claims.lines().filter_map(|line| line.split("//").next());
    let is_used = |line: &str| {
        line.split(|it: char| !it.is_alphanumeric() && it != '_').any(|word| word == typed)
    };
    if code.into_iter().any(is_used) {
        return taken(format!(
            "the type of a protocol `{plain}` would be `{typed}`, which is taken"
        ));
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
fn copies(
    from: &Path,
    to: &Path,
    name: &Name<'_>,
    drafts: &mut Vec<Draft>,
) -> Result<(), LoadError> {
    let unreadable = |why: std::io::Error| {
        let what = format!("cannot read {}: {why}", from.display());
        LoadError::new(what, "is the checkout of the same version as this byzsim?")
    };
    let entries = fs::read_dir(from).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> =
        entries.map_err(unreadable)?.into_iter().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    for path in paths {
        let file = path.file_name().map(|it| name.renamed(&it.to_string_lossy()));
        let to = to.join(file.expect("an entry of a folder has a name"));
        if path.is_dir() {
            copies(&path, &to, name, drafts)?;
        } else {
            let text = name.renamed(&read(&path)?);
            drafts.push(Draft { path: to, text, is_change: false });
        }
    }
    Ok(())
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
        let text = "Onephase OnephaseFlaw ONEPHASE1 \"onephase/order\"";
        let made = Name::new("parrot").renamed(text);
        assert_eq!(made, "Parrot ParrotFlaw PARROT1 \"parrot/order\"");
        let made = Name::new("two-phase").renamed(text);
        assert_eq!(made, "TwoPhase TwoPhaseFlaw TWOPHASE1 \"two-phase/order\"");
        let made = Name::new("myonephase").renamed(text);
        assert_eq!(made, "Myonephase MyonephaseFlaw MYONEPHASE1 \"myonephase/order\"");
    }

    #[test]
    fn a_near_name_is_proposed() {
        for name in ["two-phase", "a", "a-2", "linear-pbft"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["two_phase", "TwoPhase", "two phase", "-two--phase-"] {
            assert!(!is_name(name), "{name}");
            assert_eq!(hyphenated(name), "two-phase", "{name}");
        }
        for name in ["", "-", "2pc", "match", "twenty-one-characters"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn what_is_new_stands_before_the_end() {
        let made = before("a {\n}\nlist {\n  one;\n}\n}\n", "\nlist {\n", "}\n", "  two;\n");
        assert_eq!(made.as_deref(), Some("a {\n}\nlist {\n  one;\n  two;\n}\n}\n"));
        assert_eq!(before("a", "b", "c", "d"), None);
    }
}
