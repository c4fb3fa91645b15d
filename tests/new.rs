//! `byzsim new`: what it writes is accepted and plays, and nothing is overwritten.

use std::fs;

use byzsim::run::registry::PROTOCOLS;
use byzsim::scaffold::{self, Draft};

use crate::readme::checkout;
use crate::support::{from_file, root};
use crate::tidy::{read, sources};
use crate::workdir::{Output, Workdir, program};

#[test]
fn new_scenarios_and_attacks_are_accepted_and_play() {
    let workdir = Workdir::new("new-scenario");
    for protocol in PROTOCOLS {
        for what in ["scenario", "attack"] {
            let name = format!("{what}-{}", protocol.name);
            let made = workdir.byzsim(&format!("new {what} {name} --protocol {}", protocol.name));
            assert_eq!((made.code, &*made.stdout), (0, &*format!("written  {name}.toml\n")));
            let checked = workdir.byzsim(&format!("check {name}.toml"));
            assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
            assert_eq!(
                checked.stderr, "",
                "{name}: every fault fires, and nothing is without effect"
            );
            let played = workdir.byzsim(&format!("run {name}.toml --quiet"));
            assert!(played.stdout.contains("PASS"), "{}{}", played.stdout, played.stderr);
            // Of what is commented out, each line is right as well.
            let text = workdir.read(&format!("{name}.toml"));
            for open in opened(&text) {
                workdir.write("open.toml", &open);
                let checked = workdir.byzsim("check open.toml");
                assert_eq!(checked.code, 0, "{}\n{open}", checked.stderr);
                // Copies of a replica that only answers, and answers alike, contradict nobody.
                let is_alike = open.contains("\ndo.twins")
                    && checked.stderr.contains("the copies never contradicted each other");
                assert!(checked.stderr.is_empty() || is_alike, "{}\n{open}", checked.stderr);
            }
        }
    }
    let twice = workdir.byzsim("new scenario scenario-pbft --protocol zyzzyva");
    twice.refuses("a file that is there", &["scenario-pbft.toml is there already"]);
    assert!(workdir.read("scenario-pbft.toml").contains("protocol = \"pbft\""), "it stays");
    workdir.byzsim("new attack x --protocol pbtf").refuses("a slip", &["did you mean `pbft`"]);
}

/// The texts in which one fault that was commented out takes effect: alone, or in the place of the
/// mute node.
fn opened(text: &str) -> Vec<String> {
    let is_mute = |line: &str| line.starts_with("do.mute");
    let choices: Vec<&str> = text.lines().filter(|line| line.starts_with("# do.")).collect();
    assert!(!choices.is_empty(), "{text}");
    let open = |choice: &&str| -> String {
        let lines = text.lines().filter(|line| !is_mute(line)).map(|line| match line {
            "# [[fault]]" => "[[fault]]",
            line if line == *choice => line.trim_start_matches("# "),
            line => line,
        });
        lines.map(|line| format!("{line}\n")).collect()
    };
    choices.iter().map(open).collect()
}

#[test]
fn a_new_protocol_is_a_copy_in_its_places() {
    let workdir = Workdir::new("new-protocol");
    checkout(&workdir.folder);
    let made = workdir.byzsim("new protocol kea");
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    for line in made.stdout.lines() {
        let (verb, file) = line.split_once("  ").expect("a verb and a file");
        let text = workdir.read(file);
        let model = file.replace("kea", "onephase").replace("KEA", "ONEPHASE");
        let before = read(&root().join(&model));
        match verb {
            // It differs from its model by the name, which is never wider than the model's.
            "written" => {
                assert!(!text.to_lowercase().contains("onephase"), "{file}");
                assert_eq!(text.lines().count(), before.lines().count(), "{file}");
            }
            "changed" => {
                let new: Vec<&str> = text.lines().filter(|it| !before.contains(it)).collect();
                assert!(new.iter().any(|it| it.contains("kea")), "{file}: {new:?}");
                let kept: String = text
                    .lines()
                    .filter(|it| !new.contains(it))
                    .map(|it| format!("{it}\n"))
                    .collect();
                assert!(before.lines().all(|it| kept.contains(it)), "{file} keeps what it had");
            }
            other => panic!("{other}"),
        }
    }
    let copied = sources(&workdir.folder.join("protocols/src/kea")).len();
    assert_eq!(copied, sources(&root().join("protocols/src/onephase")).len());
    assert!(workdir.read("scenarios/src/run/registry.rs").contains("byzsim_protocols::kea::Kea,"));
    assert!(workdir.read("protocols/src/lib.rs").contains("\npub mod kea;\npub mod linear_pbft;"));

    for (name, word) in [
        ("kea", "has a `kea` already"),
        ("pbft", "has a `pbft` already"),
        ("Kea", "is no name for a protocol"),
        ("two_phase", "did you mean `two-phase`?"),
        ("shared", "has a `shared` already"),
        ("onephase", "has a `onephase` already"),
        ("order", "would be `Order`, which is taken"),
        ("result", "would be `Result`, which is taken"),
        ("match", "is no name for a protocol"),
    ] {
        workdir.byzsim(&format!("new protocol {name}")).refuses(name, &[word]);
    }
}

#[test]
fn a_name_of_several_words_takes_the_form_that_each_place_wants() {
    let workdir = Workdir::new("new-protocol-of-words");
    checkout(&workdir.folder);
    // As long as a name can be.
    let made = workdir.byzsim("new protocol two-phase-broadcasts");
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    let files: Vec<&str> = made.stdout.lines().map(|line| &line[9..]).collect();
    for file in &files {
        // rustfmt breaks the lines of its modules, but none in macros: the registry is one.
        let text = workdir.read(file);
        let is_wide = |line: &&str| file.ends_with("registry.rs") && 100 < line.len();
        let long = text.lines().find(is_wide);
        assert_eq!(long, None, "{file}");
    }
    for (file, text) in [
        ("protocols/src/lib.rs", "\npub mod two_phase_broadcasts;\n"),
        ("protocols/src/two_phase_broadcasts/mod.rs", "\npub struct TwoPhaseBroadcasts;\n"),
        (
            "protocols/src/two_phase_broadcasts/mod.rs",
            "NAME: &'static str = \"two-phase-broadcasts\"",
        ),
        ("protocols/src/two_phase_broadcasts/mod.rs", "\"two-phase-broadcasts/order\""),
        ("protocols/src/two_phase_broadcasts/rules.rs", "\"TWOPHASEBROADCASTS1-first-reply\""),
        (
            "scenarios/src/run/registry.rs",
            "byzsim_protocols::two_phase_broadcasts::TwoPhaseBroadcasts,",
        ),
        ("scenarios/src/run/registry.rs", "hunted in \"two-phase-broadcasts/chaos\""),
        (
            "scenarios/library/two-phase-broadcasts/chaos.toml",
            "\nprotocol = \"two-phase-broadcasts\"\n",
        ),
        ("ARCHITECTURE.md", "\n| `two_phase_broadcasts/` |"),
    ] {
        assert!(files.contains(&file), "{file}: {files:?}");
        assert!(workdir.read(file).contains(text), "{file} has {text}");
    }
    workdir
        .byzsim("new protocol two-phase-broadcasts")
        .refuses("a second time", &["has a `two_phase_broadcasts` already"]);
}

#[test]
fn what_cannot_be_written_whole_leaves_nothing_behind() {
    let workdir = Workdir::new("new-undone");
    workdir.write("list.txt", "one\n");
    let draft = |name: &str, is_change| Draft {
        path: workdir.folder.join(name),
        text: "two\n".to_owned(),
        is_change,
    };
    let mut drafts = vec![draft("a/b/new.txt", false), draft("list.txt", true)];
    // A file is no folder.
    drafts.push(draft("list.txt/c/new.txt", false));
    let error = scaffold::write(&drafts).expect_err("the last one").to_string();
    assert!(error.contains("cannot write") && error.contains("list.txt/c/new.txt"), "{error}");
    assert_eq!(workdir.read("list.txt"), "one\n");
    assert!(!workdir.folder.join("a").exists());

    drafts.pop();
    scaffold::write(&drafts).expect("nothing is in the way");
    assert_eq!(
        (workdir.read("list.txt"), workdir.read("a/b/new.txt")),
        ("two\n".into(), "two\n".into())
    );
}

#[test]
fn any_name_of_a_file_is_a_title() {
    let workdir = Workdir::new("new-titles");
    for name in ["a\u{200b}b", "a\u{7f}b", "two\nlines", "\"quoted\\\"", "'it's'"] {
        let arguments = ["new", "scenario", name, "--protocol", "pbft"];
        let made = program(&workdir.folder).args(arguments).output();
        let made = Output::of(made.expect("the program can be started"));
        assert_eq!(made.code, 0, "{name:?}: {}", made.stderr);
        let scenario = from_file(&workdir.folder.join(format!("{name}.toml")));
        assert_eq!(scenario.file.title, name);
    }
}

#[test]
fn without_a_checkout_there_is_one_clear_error() {
    // The target folder is in a checkout: so is everything below it.
    let folder = std::env::temp_dir().join("byzsim-new-protocol-outside");
    fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    let output = program(&folder).args(["new", "protocol", "kea"]).output();
    let output = Output::of(output.expect("the program can be started"));
    output.refuses("no checkout", &["in no checkout", "clone byzsim's repository"]);
    fs::remove_dir_all(&folder).expect("it is empty");
}
