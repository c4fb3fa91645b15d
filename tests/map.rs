//! ARCHITECTURE.md keeps its word: its map has every source file, and what it names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::root;

/// The folders of the repository with files to name.
const FOLDERS: [&str; 7] =
    ["sim-core", "protocols", "adversaries", "scenarios", "tests", "docs", ".ci"];

/// The paths of the repository, from its root; those of folders end with `/`.
fn repository() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(root()).expect("the root") {
        let path = entry.expect("a readable root").path();
        if path.is_file() {
            found.insert(relative(&path));
        }
    }
    FOLDERS.iter().for_each(|folder| walk(&root().join(folder), &mut found));
    found
}

fn walk(folder: &Path, found: &mut BTreeSet<String>) {
    found.insert(format!("{}/", relative(folder)));
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.insert(relative(&path));
        }
    }
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).expect("it is in the repository");
    path.to_str().expect("a plain name").to_owned()
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// A row of the map: its folder, the files or folders that it is about, and what it says of them.
struct MapRow<'a> {
    base: &'a str,
    paths: Vec<String>,
    about: &'a str,
}

/// The rows of the map: below each folder in backticks, on a line of its own, stands its table.
fn map(text: &str) -> Vec<MapRow<'_>> {
    let (_, section) = text.split_once("\n## The map\n").expect("there is a map");
    let section = section.split("\n## ").next().expect("a split has a first part");
    let (mut base, mut rows) = ("", Vec::new());
    for line in section.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        match cells[..] {
            [folder] if folder.starts_with('`') && folder.ends_with("/`") => {
                base = folder.trim_matches('`');
            }
            [files, about] if files.starts_with('`') => {
                let paths = quoted(files).map(|file| format!("{base}{file}")).collect();
                rows.push(MapRow { base, paths, about });
            }
            _ => {}
        }
    }
    assert!(20 < rows.len(), "the map was found");
    rows
}

/// A path with a part in angle brackets stands for several.
fn is_pattern(path: &str) -> bool {
    path.contains('<')
}

#[test]
fn the_map_has_every_source_file() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is a map");
    let paths: Vec<String> = map(&text).into_iter().flat_map(|row| row.paths).collect();
    for file in repository().iter().filter(|it| it.ends_with(".rs") && it.contains("/src/")) {
        let (folder, name) = file.rsplit_once('/').expect("it is in a folder");
        // These say what the file or folder beside them is, and where it goes on.
        let is_plain = ["lib.rs", "main.rs", "mod.rs", "tests.rs"].contains(&name)
            || folder.split('/').any(|it| it == "tests");
        let is_there =
            |path: &String| path == file || path.ends_with('/') && file.starts_with(&**path);
        assert!(is_plain || paths.iter().any(is_there), "the map of ARCHITECTURE.md lacks {file}");
    }
}

#[test]
fn what_the_map_names_is_there() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is a map");
    let all = repository();
    for MapRow { base, paths, about } in map(&text) {
        assert!(all.contains(base), "ARCHITECTURE.md: there is no folder {base}");
        for path in paths.iter().filter(|path| !is_pattern(path)) {
            assert!(all.contains(path), "ARCHITECTURE.md: there is no {path}");
            // Words in lower case are the modules of a folder.
            let is_module =
                |word: &&str| word.chars().all(|it| it.is_ascii_lowercase() || it == '_');
            for module in quoted(about).filter(is_module).filter(|_| path.ends_with('/')) {
                let is_there =
                    [".rs", "/"].iter().any(|end| all.contains(&format!("{path}{module}{end}")));
                assert!(is_there, "ARCHITECTURE.md: {path} has no module `{module}`");
            }
        }
    }
}

/// Two rows about one file would say two things of it, of which one grows old.
#[test]
fn the_map_has_a_file_once() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is a map");
    let mut seen = BTreeSet::new();
    for path in map(&text).into_iter().flat_map(|row| row.paths) {
        assert!(seen.insert(path.clone()), "the map of ARCHITECTURE.md has {path} twice");
    }
}

/// In prose, a path begins where its reader knows: `run/draw.rs`, or a file alone.
#[test]
fn every_path_that_the_architecture_names_is_there() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is a map");
    let all = repository();
    let is_path = |word: &&str| {
        let ends = [".rs", ".md", ".toml", "/"];
        !word.contains([' ', ':'])
            && (ends.iter().any(|end| word.ends_with(end)) || word.starts_with(".ci/"))
    };
    let mut seen = 0;
    // Code blocks have fences, which are backticks as well.
    let prose = text.split("```").step_by(2);
    for path in prose.flat_map(quoted).filter(is_path).filter(|path| !is_pattern(path)) {
        seen += 1;
        let inner = format!("/{path}");
        let is_there = all.iter().any(|it| it == path || it.ends_with(&inner));
        assert!(is_there, "ARCHITECTURE.md names {path}, which is not there");
    }
    assert!(60 < seen, "the paths were found");
}
