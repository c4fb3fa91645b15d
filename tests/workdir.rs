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
