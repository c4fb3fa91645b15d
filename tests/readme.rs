//! The documents keep their word: their commands are run, and print what the documents show.
//!
//! A `console` block holds commands, `$ byzsim …`, each followed by what it prints: its stdout, or
//! its stderr if that is all. `$ echo $?` shows the exit code of the command before it, which is 0
//! where that is left out. A line `...` stands for lines that are not shown: what is shown before
//! the first such line and after the last one is found by its length, and what is shown between two
//! of them by its first line. A line that begins with `rate` depends on the machine. A `toml` block
//! is a scenario, or a part of one; if its first line is `# name.toml`, it is also a file for the
//! commands of the document. In `docs/your-protocol.md`, a `diff` block changes the protocol that
//! the commands behind it know.
//!
//! `UPDATE=1 cargo test -p byzsim-tests readme` rewrites what the commands print. Where the first
//! line of a part in the middle is gone, it writes everything: cut it again.

use std::fs;
use std::path::Path;
use std::process::Command;

use byzsim::load;

use crate::support::root;
use crate::workdir::{Output, Workdir};

/// A fenced block: its language, and its lines without the fences.
struct Block {
    language: String,
    lines: Vec<String>,
}

/// A document as prose and blocks.
enum Part {
    Prose(String),
    Block(Block),
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block { language: language.to_owned(), lines: Vec::new() });
            }
            (Some(_), Some(_)) => parts.extend(open.take().map(Part::Block)),
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => parts.push(Part::Prose(line.to_owned())),
        }
    }
    assert!(open.is_none(), "a block is not closed");
    parts
}

/// Where the commands of a document are played, and by which program.
struct Stage {
    workdir: Workdir,
    /// Whether its protocol is `parrot`, and what is to come that changes it.
    parrot: Option<usize>,
}

impl Stage {
    fn new(document: &str, text: &str) -> Self {
        let workdir = Workdir::new(&document.replace('/', "-"));
        let changes = text.lines().filter(|line| *line == "```diff").count();
        let parrot = (0 < changes).then_some(changes);
        if parrot.is_some() {
            checkout(&workdir.folder);
        }
        Self { workdir, parrot }
    }

    fn byzsim(&self, arguments: &str) -> Output {
        let Some(changes) = self.parrot else { return self.workdir.byzsim(arguments) };
        let mut program = Command::new(env!("CARGO_BIN_EXE_byzsim-with-parrot"));
        program.current_dir(&self.workdir.folder).env_remove("NO_COLOR");
        if 0 < changes {
            program.env("PARROT_BEFORE", "1");
        }
        let output = program.args(arguments.split_whitespace()).output();
        Output::of(output.expect("the program can be started"))
    }
}

/// What `byzsim new protocol` needs of a checkout.
pub(crate) fn checkout(folder: &Path) {
    for name in [
        "ARCHITECTURE.md",
        "protocols/src/lib.rs",
        "protocols/src/onephase",
        "scenarios/src/run/registry.rs",
        "scenarios/library/onephase",
    ] {
        copy(&root().join(name), &folder.join(name));
    }
    // Whoever followed the page has its protocol already.
    for name in ["ARCHITECTURE.md", "protocols/src/lib.rs", "scenarios/src/run/registry.rs"] {
        let text = fs::read_to_string(root().join(name)).expect("it was copied");
        let is_its = |line: &str| {
            ["`parrot/`", "mod parrot;", "::parrot::"].iter().any(|it| line.contains(it))
        };
        let others = text.lines().filter(|line| !is_its(line));
        let others: String = others.map(|line| format!("{line}\n")).collect();
        fs::write(folder.join(name), others).expect("the folder can be written");
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to.parent().expect("a file is in a folder")).expect("a folder");
        fs::copy(from, to).expect("the folder can be written");
        return;
    }
    for entry in fs::read_dir(from).expect("a folder of the repository") {
        let entry = entry.expect("a readable folder");
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

/// What a command of the document prints, and its exit code.
fn play(stage: &Stage, command: &str) -> (Vec<String>, i32) {
    assert!(!command.contains(['\'', '"']), "{command}: quotes are not understood here");
    let arguments = command.strip_prefix("byzsim ");
    let output = stage.byzsim(arguments.unwrap_or_else(|| panic!("{command}: not `byzsim …`")));
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    (text.lines().map(|line| line.trim_end().to_owned()).collect(), output.code)
}

/// What was printed, as the document shows it.
fn shown(printed: Vec<String>, document: &[String]) -> Vec<String> {
    let mut shown = cut(&printed, document).unwrap_or(printed);
    let is_rate = |line: &&mut String| line.starts_with("rate");
    let rate = document.iter().find(|line| line.starts_with("rate"));
    if let (Some(line), Some(rate)) = (shown.iter_mut().find(is_rate), rate) {
        line.clone_from(rate);
    }
    shown
}

/// The parts of what was printed that the document shows, with `...` between them. None if it shows
/// everything, or a part of it is not there.
fn cut(printed: &[String], document: &[String]) -> Option<Vec<String>> {
    let parts: Vec<&[String]> = document.split(|line| line == "...").collect();
    let [first, middle @ .., last] = &parts[..] else { return None };
    if printed.len() < document.len() {
        return None;
    }
    let end = printed.len() - last.len();
    let dots = "...".to_owned();
    let mut shown = printed.get(..first.len())?.to_vec();
    let mut at = first.len();
    for part in middle {
        let begin = part.first()?;
        at += printed.get(at..end)?.iter().position(|line| line == begin)?;
        let lines = printed.get(at..at + part.len()).filter(|_| at + part.len() <= end)?;
        shown.push(dots.clone());
        shown.extend_from_slice(lines);
        at += part.len();
    }
    shown.push(dots);
    shown.extend_from_slice(&printed[end..]);
    Some(shown)
}

/// The block with what its commands print now.
fn replayed(stage: &Stage, block: &Block) -> Vec<String> {
    let mut now = Vec::new();
    let mut code = 0;
    let mut lines = block.lines.iter().peekable();
    while let Some(line) = lines.next() {
        let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("{line}: no command"));
        let mut document = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
            document.push(line.trim_end().to_owned());
        }
        now.push(line.clone());
        if command == "echo $?" {
            now.push(code.to_string());
            code = 0;
            continue;
        }
        assert_eq!(code, 0, "the document does not show this exit code, before {line}");
        let (printed, exit) = play(stage, command);
        code = exit;
        now.extend(shown(printed, &document));
    }
    assert_eq!(code, 0, "the document does not show this exit code: {:?}", block.lines);
    now
}

/// Loads a scenario, or a part of one behind what it leaves out.
fn load_block(workdir: &Workdir, block: &Block) {
    let text = format!("{}\n", block.lines.join("\n"));
    let title = block.lines.first().and_then(|line| line.strip_prefix("# "));
    if let Some(name) = title.filter(|name| name.ends_with(".toml")) {
        // Whether it is right, the commands of the document show.
        return workdir.write(name, &text);
    }
    let mut whole = text.clone();
    if !text.contains("format = 1") {
        whole = format!("format = 1\ntitle = \"a part\"\nprotocol = \"pbft\"\n{text}");
    }
    if !text.contains("[cluster]") {
        whole.push_str("\n[cluster]\nreplicas = 4\nfaults = 1\nclients = 3\n");
    }
    workdir.write("part.toml", &whole);
    let path = workdir.folder.join("part.toml");
    if let Err(error) = load(path.to_str().expect("the path is text")) {
        panic!("{error} ({:?})\n{text}", error.help);
    }
}

/// Whether documents are to be rewritten.
#[expect(clippy::disallowed_methods, reason = "the one switch of golden files")]
pub(crate) fn is_update() -> bool {
    std::env::var("UPDATE").is_ok()
}

fn keeps_its_word(document: &str) {
    let path = root().join(document);
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{document}: {why}"));
    let mut stage = Stage::new(document, &text);
    let mut now = String::new();
    let mut blocks = 0;
    for part in parts(&text) {
        match part {
            Part::Prose(line) => now.extend([&line, "\n"]),
            Part::Block(block) => {
                blocks += 1;
                let lines = match block.language.as_str() {
                    "console" => replayed(&stage, &block),
                    "toml" => {
                        load_block(&stage.workdir, &block);
                        block.lines
                    }
                    "diff" => {
                        stage.parrot = stage.parrot.map(|changes| changes - 1);
                        block.lines
                    }
                    "sh" | "rust" | "text" => block.lines,
                    other => panic!("{document}: blocks in `{other}` are not tested"),
                };
                now.push_str(&format!("```{}\n", block.language));
                lines.iter().for_each(|line| now.extend([line, "\n"]));
                now.push_str("```\n");
            }
        }
    }
    assert!(0 < blocks, "{document} shows nothing");
    if now == text {
        return;
    }
    if is_update() {
        return fs::write(&path, now).expect("the document can be written");
    }
    let first = now.lines().zip(text.lines()).position(|(now, then)| now != then);
    let line = first.unwrap_or(now.lines().count().min(text.lines().count()));
    let context = |text: &str| text.lines().skip(line).take(12).collect::<Vec<_>>().join("\n");
    panic!(
        "{document}, line {}, shows\n{}\n\nbut it is\n{}\n\nUPDATE=1 rewrites the document",
        line + 1,
        context(&text),
        context(&now)
    );
}

#[test]
fn the_readme_keeps_its_word() {
    keeps_its_word("README.md");
}

#[test]
fn the_guides_keep_their_word() {
    for guide in [
        "docs/compare.md",
        "docs/scenarios.md",
        "docs/flaws.md",
        "docs/zyzzyva-violation.md",
        "docs/shrinking.md",
        "docs/lecture.md",
        "docs/your-protocol.md",
        "docs/raft.md",
    ] {
        keeps_its_word(guide);
    }
}

/// The command that `.ci/run` takes from the README, and the one that newcomers try first.
#[test]
fn the_readme_has_two_commands() {
    let text = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("cargo ")).collect();
    let [main, tests] = commands[..] else { panic!("not two commands: {commands:?}") };
    let arguments = main.strip_prefix("cargo run --release -- ").expect("it runs byzsim");
    assert!(text.contains(&format!("$ byzsim {arguments}\n")), "{main}: its output is not shown");
    assert!(tests.starts_with("cargo test --workspace"), "{tests}");
}

/// Every link to a file of the repository leads somewhere.
#[test]
fn links_lead_somewhere() {
    let mut seen = 0;
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/searching.md",
        "docs/scenarios.md",
        "docs/glossary.md",
        "docs/persistence.md",
        "docs/flaws.md",
        "docs/flaws-raft.md",
        "docs/judges.md",
        "docs/compare.md",
        "docs/zyzzyva-violation.md",
        "docs/shrinking.md",
        "docs/lecture.md",
        "docs/your-protocol.md",
        "docs/raft.md",
    ] {
        let path = root().join(document);
        let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{document}: {why}"));
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if target.starts_with("http") || file.is_empty() {
                continue;
            }
            seen += 1;
            let folder = path.parent().expect("a file is in a folder");
            assert!(folder.join(file).exists(), "{document} links to {target}");
        }
    }
    assert!(5 < seen, "the documents have links");
}

#[test]
fn what_is_shown_is_cut_where_the_document_cuts() {
    let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let printed = lines("a b c d e f");
    for (document, expected) in [
        ("a ... f", "a ... f"),
        ("x ... y", "a ... f"),
        ("... d x ...", "... d e ..."),
        ("x ... c ... e y", "a ... c ... e f"),
        ("... f", "... f"),
        ("a b c ... d e f", "a b c d e f"),
        ("a ... x ... f", "a b c d e f"),
        ("... e x y ...", "a b c d e f"),
        ("a", "a b c d e f"),
    ] {
        assert_eq!(shown(printed.clone(), &lines(document)), lines(expected), "{document}");
    }
}
