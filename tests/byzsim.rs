//! `byzsim` as users call it, built together with the tests.
//!
//! Cargo builds a package's programs before its tests and tells them where they are, but only those
//! of the same package. So the tests have a program of their own: the same one line as
//! `scenarios/src/main.rs`. It needs no second build, and it is never out of date.

fn main() -> std::process::ExitCode {
    byzsim::cli::main()
}
