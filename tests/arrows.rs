//! The direction of the house: which crate and which room may name which others. ARCHITECTURE.md
//! says it, and the sources keep to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::root;
use crate::tidy::{code, read, sources};

/// Who may name whom, by name, in the order of a table of ARCHITECTURE.md.
struct Arrows {
    rows: Vec<(String, Vec<String>)>,
}

impl Arrows {
    /// Reads the table below a heading: `| name | what | names that it may use |`.
    fn read(heading: &str) -> Self {
        let text = read(&root().join("ARCHITECTURE.md"));
        let (_, below) = text.split_once(heading).expect("the heading is there");
        let lines = below.lines().skip_while(|line| !line.starts_with("| `"));
        let quoted = |cell: &str| -> Vec<String> {
            cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let [name, _, uses] = cells[..] else { panic!("three columns: {line}") };
            (quoted(name).remove(0), quoted(uses))
        });
        let arrows = Self { rows: rows.collect() };
        arrows.run_one_way();
        arrows
    }

    /// What is used stands above in the table: so there is no circle.
    fn run_one_way(&self) {
        assert!(3 < self.rows.len(), "the table was found");
        for (place, (name, uses)) in self.rows.iter().enumerate() {
            for used in uses {
                let is_above = self.rows[..place].iter().any(|(above, _)| above == used);
                assert!(is_above, "{name} uses {used}, which does not stand above it");
            }
        }
    }

    fn names(&self) -> Vec<&str> {
        self.rows.iter().map(|(name, _)| &**name).collect()
    }

    /// What may be named in a room or crate, itself included.
    fn allowed(&self, name: &str) -> Vec<&str> {
        let (name, uses) = self.rows.iter().find(|(it, _)| it == name).expect("it is in the table");
        uses.iter().chain([name]).map(String::as_str).collect()
    }
}

/// The names that stand behind `prefix` in a line: `file` behind `crate::` in `crate::file::x`;
/// an empty one in front of a group in braces, which hides what it names.
fn behind<'a>(line: &'a str, prefix: &str) -> impl Iterator<Item = &'a str> {
    line.split(prefix).skip(1).map(|rest| {
        let end = rest.find(|it: char| !it.is_alphanumeric() && it != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

/// The name in the crate's root that a path of `super`s of this line leads to, if one does.
fn above(line: &str, depth: usize) -> Option<&str> {
    let supers = "super::".repeat(depth);
    behind(line, &supers).find(|name| *name != "super")
}

/// How deep below the crate's root the module of a file is.
fn depth(file: &Path) -> usize {
    let is_folder = file.ends_with("mod.rs");
    file.components().count() - usize::from(is_folder)
}

/// The names of the crate's root that a line leads to.
fn roots(line: &str, depth: usize) -> Vec<&str> {
    let mut names: Vec<&str> = behind(line, "crate::").collect();
    names.extend(above(line, depth));
    names
}

#[test]
fn rooms_name_only_rooms_below_them() {
    let arrows = Arrows::read("## The rooms of scenarios");
    let folder = root().join("scenarios/src");
    let mut broken = Vec::new();
    let mut seen = BTreeMap::new();
    for path in sources(&folder) {
        let file = path.strip_prefix(&folder).expect("it is below the folder");
        let mut parts = file.iter().map(|part| part.to_str().expect("a plain name"));
        let (Some(room), Some(_)) = (parts.next(), parts.next()) else { continue };
        *seen.entry(room.to_owned()).or_insert(0) += 1;
        let allowed = arrows.allowed(room);
        let text = read(&path);
        for (number, line) in code(&text) {
            for name in roots(line, depth(file)) {
                // Names that the root hands on, and groups of names, would hide their rooms.
                let is_room = arrows.names().contains(&name);
                let is_group = name.is_empty() && line.contains("super::{");
                let is_hidden = !is_room && (is_group || line.contains("crate::"));
                if is_hidden || is_room && !allowed.contains(&name) {
                    let place = format!("{}:{}", file.display(), number + 1);
                    broken.push(format!("{place}: {room} must not name {name}: {}", line.trim()));
                }
            }
        }
    }
    let rooms: Vec<&str> = seen.keys().map(String::as_str).collect();
    let mut named = arrows.names();
    named.sort_unstable();
    assert_eq!(rooms, named, "the rooms of scenarios/src, and those of ARCHITECTURE.md");
    assert!(broken.is_empty(), "imports that run back up:\n{}", broken.join("\n"));
}

/// A report reads what came out: it plays, loads and shrinks nothing.
#[test]
fn reports_read_data_only() {
    let verbs = ["load(", "load_with(", ".play", "sweep::sweep", "shrink::shrink", "hunt::hunt"];
    let makers = ["Scenario::new", "compare::compare", "std::fs", "File::", "files::", ".draw("];
    let others = ["replay::replay", " replay(", "follow_up(", "causes(", "unfired::"];
    let verbs = [&verbs[..], &makers, &others].concat();
    for path in sources(&root().join("scenarios/src/report")) {
        let text = read(&path);
        for (number, line) in code(&text) {
            let found = verbs.iter().find(|verb| line.contains(**verb));
            assert_eq!(found, None, "{}:{}: {line}", path.display(), number + 1);
        }
    }
}

#[test]
fn crates_name_only_crates_below_them() {
    let arrows = Arrows::read("## Overview");
    let crates = [
        ("sim-core", "byzsim-core"),
        ("protocols", "byzsim-protocols"),
        ("adversaries", "byzsim-adversaries"),
        ("scenarios", "byzsim"),
    ];
    let mut broken = Vec::new();
    for (folder, package) in crates {
        let allowed = arrows.allowed(folder);
        let forbidden = crates.iter().filter(|(other, _)| !allowed.contains(other));
        let forbidden: Vec<String> = forbidden.map(|(_, other)| other.replace('-', "_")).collect();
        let manifest = read(&root().join(folder).join("Cargo.toml"));
        assert!(manifest.contains(&format!("name = \"{package}\"")), "{folder} is {package}");
        let mut files: Vec<PathBuf> = sources(&root().join(folder));
        files.push(root().join(folder).join("Cargo.toml"));
        for path in files {
            let text = read(&path).replace("byzsim-", "byzsim_");
            for (number, line) in code(&text) {
                let is_named = |name: &&String| {
                    line.contains(&format!("{name}::"))
                        || [".", " ", "="]
                            .iter()
                            .any(|end| line.starts_with(&format!("{name}{end}")))
                };
                if let Some(name) = forbidden.iter().find(is_named) {
                    broken.push(format!("{}:{}: {name}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "crates that name those above them:\n{}", broken.join("\n"));
}

#[test]
fn paths_that_run_back_up_are_found() {
    assert_eq!(roots("use crate::cli::exit::Exit;", 2), ["cli"]);
    assert_eq!(roots("use super::super::cli::exit::Exit;", 2), ["cli"]);
    assert_eq!(roots("use super::row;", 2), Vec::<&str>::new());
    assert_eq!(roots("use super::row;", 1), ["row"]);
    assert_eq!(roots("use super::super::{cli::exit::Exit, file};", 2), [""]);
    assert_eq!(roots("use crate::{", 2), [""]);
    assert_eq!((depth(Path::new("sweep/mod.rs")), depth(Path::new("sweep/row.rs"))), (1, 2));
    assert_eq!(depth(Path::new("sweep/guided/mod.rs")), 2);
}
