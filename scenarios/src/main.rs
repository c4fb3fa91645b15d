//! The command line of byzsim.

fn main() -> std::process::ExitCode {
    byzsim::cli::main()
}
