//! Ctrl-C: the first one asks to finish, the second one ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::exit::Exit;
use crate::sweep::cancel::Cancel;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Listens to Ctrl-C from now on: what ends long work early.
pub(super) fn listen() -> Cancel<'static> {
    // Without a handler Ctrl-C ends the process, and the rows that were written are kept anyway.
    let _ = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    Cancel::when(&|| ASKED.load(Ordering::Relaxed))
}
