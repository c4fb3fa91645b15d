//! Makes the protocol of `docs/your-protocol.md`, so that a test can play the page's commands: the
//! smallest protocol under the page's name, before the page's changes and after them. And says
//! which compiler builds the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MODEL: &str = "protocols/src/onephase";
const PAGE: &str = "docs/your-protocol.md";
const FILES: [&str; 3] = ["mod.rs", "replica.rs", "rules.rs"];

/// A change of a file: consecutive lines, and what takes their place.
struct Hunk {
    file: String,
    old: Vec<String>,
    new: Vec<String>,
}

/// The hunks of all `diff` blocks of the page.
fn hunks(page: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let (mut is_open, mut file) = (false, String::new());
    for line in page.lines() {
        match (line, is_open) {
            ("```diff", false) => is_open = true,
            ("```", true) => is_open = false,
            (_, false) => {}
            (_, true) if line.starts_with("--- ") => {}
            (_, true) if line.starts_with("+++ ") => {
                let path = line.trim_start_matches("+++ ");
                file = path.rsplit('/').next().unwrap_or_default().to_owned();
            }
            (_, true) if line.starts_with("@@") => {
                hunks.push(Hunk { file: file.clone(), old: Vec::new(), new: Vec::new() });
            }
            (_, true) => {
                let hunk = hunks.last_mut().expect("a line of a diff stands in a hunk");
                let (sign, text) = line.split_at(line.len().min(1));
                if sign != "+" {
                    hunk.old.push(text.to_owned());
                }
                if sign != "-" {
                    hunk.new.push(text.to_owned());
                }
            }
        }
    }
    assert!(!hunks.is_empty(), "{PAGE} has no changes");
    hunks
}

fn apply(text: &str, Hunk { file, old, new }: &Hunk) -> String {
    let old = format!("\n{}\n", old.join("\n"));
    let count = text.matches(&old).count();
    assert_eq!(count, 1, "{PAGE}: in {file} these lines are there {count} times:{old}");
    text.replacen(&old, &format!("\n{}\n", new.join("\n")), 1)
}

/// One file for all: the modules stand inside, and names start at the crate that they come from.
fn flattened(texts: &[(&str, String)]) -> String {
    let code = |text: &str| -> String {
        let lines = text.lines().filter(|line| !line.starts_with("//!"));
        lines.map(|line| format!("{line}\n")).collect()
    };
    let mut flat = code(&texts[0].1);
    for (file, text) in &texts[1..] {
        let module = format!("mod {};\n", file.trim_end_matches(".rs"));
        assert!(flat.contains(&module), "the smallest protocol has the {module}");
        flat = flat.replace(
            &module,
            &format!("{} {{\n{}}}\n", module.trim_end_matches(";\n"), code(text)),
        );
    }
    flat.replace("crate::", "byzsim_protocols::")
}

/// The compiler, for counts that are only comparable between builds of the same one.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").expect("Cargo names it");
    let output = Command::new(rustc).arg("--version").output().expect("it built this");
    let target = std::env::var_os("TARGET").expect("Cargo names it");
    let version = String::from_utf8_lossy(&output.stdout);
    format!("{} for {}", version.trim(), target.display())
}

fn main() {
    println!("cargo::rustc-env=COMPILER={}", compiler());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    println!("cargo::rerun-if-changed={}", root.join(MODEL).display());
    println!("cargo::rerun-if-changed={}", root.join(PAGE).display());
    let read = |path: PathBuf| {
        fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
    };
    let renamed = |text: String| {
        text.replace("onephase", "parrot")
            .replace("Onephase", "Parrot")
            .replace("ONEPHASE", "PARROT")
    };
    let mut texts = FILES.map(|file| (file, renamed(read(root.join(MODEL).join(file)))));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("Cargo names it"));
    let write = |name: &str, texts: &[(&str, String)]| {
        fs::write(out.join(name), flattened(texts)).expect("the folder can be written");
    };
    write("before.rs", &texts);
    for hunk in hunks(&read(root.join(PAGE))) {
        let place = texts.iter().position(|(file, _)| *file == hunk.file);
        let (_, text) = &mut texts[place.expect("the page changes files of the protocol")];
        *text = apply(text, &hunk);
    }
    write("after.rs", &texts);
}
