//! A panic inside a protocol is a finding, not the end of a sweep.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use serde::{Deserialize, Serialize};

/// A panic during a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Panic {
    /// What it said.
    pub message: String,
    /// File, line and column.
    pub location: String,
}

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static CAUGHT: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Calls `run`; a panic in it is returned instead of printed.
///
/// # Errors
/// If `run` panics.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
    install_hook();
    WATCHED.set(true);
    // Nothing that `run` could leave half-changed outlives it: a run owns all of its state.
    let result = catch_unwind(AssertUnwindSafe(run));
    WATCHED.set(false);
    result.map_err(|_| {
        CAUGHT.take().unwrap_or_else(|| Panic {
            message: "a panic without a message".to_owned(),
            location: "unknown".to_owned(),
        })
    })
}

/// The hook prints nothing for watched threads; others keep the hook that was there.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !WATCHED.get() {
                return usual(info);
            }
            let location = info.location().map_or_else(|| "unknown".to_owned(), short_location);
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            let message = text.unwrap_or("no message").to_owned();
            CAUGHT.set(Some(Panic { message, location }));
        }));
    });
}

/// Without the folders above the workspace, so that it is the same wherever byzsim was built.
fn short_location(location: &std::panic::Location<'_>) -> String {
    let file = location.file().replace('\\', "/");
    let start = file.rfind("/src/").map_or(0, |src| file[..src].rfind('/').map_or(0, |at| at + 1));
    format!("{}:{}:{}", &file[start..], location.line(), location.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_caught_with_their_place() {
        assert_eq!(catch(|| 3), Ok(3));
        let panic = catch(|| panic!("slot {} is taken", 7)).expect_err("it panics");
        assert_eq!(panic.message, "slot 7 is taken");
        assert!(panic.location.contains("src/run/panics.rs:"), "{}", panic.location);
    }
}
