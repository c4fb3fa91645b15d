//! The working directory of one test of the command line: an empty folder to start byzsim in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

/// The program, to be started in `folder`.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_byzsim-under-test"));
    command.current_dir(folder).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// An empty folder for one test.
pub(crate) struct Workdir {
    pub(crate) folder: PathBuf,
}

/// What a command printed, and its exit code.
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workdir {
    /// `test` is unique among all tests: they run at the same time.
    pub(crate) fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workdir").join(test);
        // There may be none from an earlier time.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the target folder can be written");
        Self { folder }
    }

    /// Runs `byzsim` with these arguments, separated by blanks.
    pub(crate) fn byzsim(&self, arguments: &str) -> Output {
        let output = program(&self.folder).args(arguments.split_whitespace()).output();
        Output::of(output.expect("the program can be started"))
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
        let output = self.byzsim("run pbft/equivocating-primary --flaw P08 --seed 0");
        assert_eq!(output.code, 1, "{}", output.stdout);
        self.read("runs/pbft-equivocating-primary-P08-0.json")
    }
}

impl Output {
    pub(crate) fn of(output: process::Output) -> Self {
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
    let workdir = Workdir::new("repro-shown");
    workdir.repro();
    let file = "runs/pbft-equivocating-primary-P08-0.json";
    let plain = workdir.byzsim(&format!("replay {file}"));
    let shown = workdir.byzsim(&format!("replay {file} -v"));
    assert_eq!((plain.code, shown.code), (0, 0), "{}", shown.stderr);
    let steps = "sends r0 request";
    assert!(shown.stdout.contains(steps) && !plain.stdout.contains(steps), "{}", shown.stdout);
    assert!(shown.stdout.ends_with("identical\n"), "{}", shown.stdout);
    let output = workdir.byzsim(&format!("run {file}"));
    output
        .refuses("a repro is no scenario", &["is a repro file", &format!("byzsim replay {file}")]);
}

#[test]
fn what_is_violated_is_violated_however_much_is_missing() {
    let workdir = Workdir::new("merge-violated");
    let sweep = "sweep pbft/chaos --flaw P23 --seeds 0..60";
    workdir.byzsim(&format!("{sweep} --shard 0/2 --out out"));
    let merged = workdir.byzsim("merge out/shard-0-of-2.ndjson");
    assert_eq!(merged.code, 1, "{}", merged.stdout);
    assert!(merged.stderr.contains("seeds are missing"), "{}", merged.stderr);
}

#[test]
fn a_sweep_names_the_faults_that_fire_on_no_seed() {
    let workdir = Workdir::new("never-fired");
    let head = "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n\n[cluster]\nreplicas = 4\nfaults = 1\n\
                clients = 1\n\n[network]\ngst = \"2s\"\nloss-allowed = true\n\n";
    let live = "[[fault]]\ndo.hold = { kinds = [\"commit\"], to = [\"r3\"] }\n\n";
    let dead = "[[fault]]\ndo.drop = { kinds = [\"new-view\"], view = 9 }\n";
    workdir.write("t.toml", &format!("{head}{live}{dead}"));
    let output = workdir.byzsim("sweep t.toml --seeds 0..5");
    assert!(output.stdout.contains("fault 2 (drop) ← NEVER FIRED"), "{}", output.stdout);
    assert!(!output.stdout.contains("fault 1"), "{}", output.stdout);
    workdir.write("t.toml", &format!("{head}{live}"));
    let output = workdir.byzsim("sweep t.toml --seeds 0..5");
    assert!(!output.stdout.contains("NEVER FIRED"), "{}", output.stdout);
}

#[test]
fn nobody_is_left_out_who_is_not_there() {
    let workdir = Workdir::new("left-out");
    let row = |to: &str| {
        format!(
            "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n\n[cluster]\nreplicas = 4\nfaults = 1\n\
             clients = 2\n\n[network]\ngst = \"2s\"\n\n[[fault]]\ndo.hold = {{ to = [\"{to}\"] }}\n"
        )
    };
    workdir.write("good.toml", &row("!r3"));
    assert_eq!(workdir.byzsim("check good.toml").code, 0);
    for absent in ["!r9", "!c2"] {
        workdir.write("bad.toml", &row(absent));
        let output = workdir.byzsim("check bad.toml");
        output.refuses(absent, &["to leave out", "4 replicas and 2 clients", "bad.toml:14"]);
    }
}
