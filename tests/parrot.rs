//! byzsim with the protocol of `docs/your-protocol.md`, for the test that plays its commands.
//! `build.rs` makes its sources from the page: what the page says is what is compiled here.

use byzsim::run::registry::ProtocolEntry;

/// The protocol as `byzsim new protocol parrot` makes it.
#[allow(unreachable_pub, dead_code, reason = "in a checkout it is a module of a library")]
mod before {
    include!(concat!(env!("OUT_DIR"), "/before.rs"));
}

/// The same with the changes of the page.
#[allow(unreachable_pub, dead_code, reason = "in a checkout it is a module of a library")]
mod after {
    include!(concat!(env!("OUT_DIR"), "/after.rs"));
}

fn main() -> std::process::ExitCode {
    let (about, hunted_in) = ("A protocol of my own", Some("parrot/chaos"));
    let parrot = match std::env::var_os("PARROT_BEFORE") {
        Some(_) => ProtocolEntry::of::<before::Parrot>(about, hunted_in),
        None => ProtocolEntry::of::<after::Parrot>(about, hunted_in),
    };
    byzsim::cli::main_with(vec![parrot])
}
