//! A place for one test of the command line: an empty folder, and the program in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, to be started in `folder`.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_byzsim-under-test"));
    command.current_dir(folder).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// An empty folder for one test, and the program in it.
pub(crate) struct Desk {
    pub(crate) folder: PathBuf,
}

/// What a command said, and its exit code.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Desk {
    pub(crate) fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(test);
        // There may be none from an earlier time.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the target folder can be written");
        Self { folder }
    }

    pub(crate) fn say(&self, arguments: &str) -> Said {
        let output = program(&self.folder).args(arguments.split_whitespace()).output();
        Said::of(output.expect("the program can be started"))
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("the folder can be written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.folder.join(name);
        fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
    }

    /// The repro file of a run that violates agreement.
    pub(crate) fn repro(&self) -> String {
        let said = self.say("run pbft/equivocating-primary --flaw P08 --seed 0");
        assert_eq!(said.code, 1, "{}", said.stdout);
        self.read("runs/pbft-equivocating-primary-P08-0.json")
    }
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("byzsim writes text");
        let code = output.status.code().expect("byzsim was not killed");
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Exactly one error on stderr, nothing on stdout, exit code 2.
    pub(crate) fn refuses(&self, what: &str, words: &[&str]) {
        assert_eq!(self.code, 2, "{what}: {}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "", "{what}");
        let errors = self.stderr.matches("  × ").count() + self.stderr.matches("error: ").count();
        assert_eq!(errors, 1, "{what}:\n{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{what}: no {word} in\n{}", self.stderr);
        }
    }

    pub(crate) fn sweep_digest(&self) -> &str {
        let line = self.stdout.lines().find_map(|line| line.strip_prefix("digest  "));
        line.unwrap_or_else(|| panic!("no digest:\n{}{}", self.stdout, self.stderr))
    }
}

#[test]
fn a_repro_is_shown_step_by_step_and_is_no_scenario() {
    let desk = Desk::new("repro-shown");
    desk.repro();
    let file = "runs/pbft-equivocating-primary-P08-0.json";
    let plain = desk.say(&format!("replay {file}"));
    let shown = desk.say(&format!("replay {file} -v"));
    assert_eq!((plain.code, shown.code), (0, 0), "{}", shown.stderr);
    let steps = "sends r0 request";
    assert!(shown.stdout.contains(steps) && !plain.stdout.contains(steps), "{}", shown.stdout);
    assert!(shown.stdout.ends_with("identical\n"), "{}", shown.stdout);
    let said = desk.say(&format!("run {file}"));
    said.refuses("a repro is no scenario", &["is a repro file", &format!("byzsim replay {file}")]);
}

#[test]
fn what_is_violated_is_violated_however_much_is_missing() {
    let desk = Desk::new("merge-violated");
    let sweep = "sweep pbft/chaos --flaw P23 --seeds 0..60";
    desk.say(&format!("{sweep} --shard 0/2 --out out"));
    let merged = desk.say("merge out/shard-0-of-2.ndjson");
    assert_eq!(merged.code, 1, "{}", merged.stdout);
    assert!(merged.stderr.contains("seeds are missing"), "{}", merged.stderr);
}

#[test]
fn a_sweep_names_the_faults_that_fire_on_no_seed() {
    let desk = Desk::new("never-fired");
    let head = "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n\n[cluster]\nreplicas = 4\nfaults = 1\n\
                clients = 1\n\n[network]\ngst = \"2s\"\nloss-allowed = true\n\n";
    let live = "[[fault]]\ndo.hold = { kinds = [\"commit\"], to = [\"r3\"] }\n\n";
    let dead = "[[fault]]\ndo.drop = { kinds = [\"new-view\"], view = 9 }\n";
    desk.write("t.toml", &format!("{head}{live}{dead}"));
    let said = desk.say("sweep t.toml --seeds 0..5");
    assert!(said.stdout.contains("fault 2 (drop) ← NEVER FIRED"), "{}", said.stdout);
    assert!(!said.stdout.contains("fault 1"), "{}", said.stdout);
    desk.write("t.toml", &format!("{head}{live}"));
    let said = desk.say("sweep t.toml --seeds 0..5");
    assert!(!said.stdout.contains("NEVER FIRED"), "{}", said.stdout);
}

#[test]
fn nobody_is_left_out_who_is_not_there() {
    let desk = Desk::new("left-out");
    let row = |to: &str| {
        format!(
            "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n\n[cluster]\nreplicas = 4\nfaults = 1\n\
             clients = 2\n\n[network]\ngst = \"2s\"\n\n[[fault]]\ndo.hold = {{ to = [\"{to}\"] }}\n"
        )
    };
    desk.write("good.toml", &row("!r3"));
    assert_eq!(desk.say("check good.toml").code, 0);
    for absent in ["!r9", "!c2"] {
        desk.write("bad.toml", &row(absent));
        let said = desk.say("check bad.toml");
        said.refuses(absent, &["to leave out", "4 replicas and 2 clients", "bad.toml:14"]);
    }
}
