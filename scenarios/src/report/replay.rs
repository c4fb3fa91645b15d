//! A replay for people: whether it took the recorded course, and where it left it.

use super::style::{BAD, GOOD, paint};
use crate::repro::replay::{Divergence, Happened, Replay};

/// What the replay found.
pub fn verdict(replay: &Replay) -> String {
    let Some(Divergence { between: (first, last), what, events }) = &replay.divergence else {
        return format!("{}\n", paint(GOOD, "identical"));
    };
    let place = match *last {
        last if last == *first => format!("from event {first} on"),
        u64::MAX => "at an unknown event".to_owned(),
        last => format!("from an event between {first} and {last} on"),
    };
    let mut text = format!("{}  {place}: {what}\n", paint(BAD, "DIVERGED"));
    for event in events {
        let Happened { number, time, node, text: what } = event;
        let mark = if number == first { "→" } else { " " };
        text.push_str(&format!("{mark} {number:>7}  {time:>12}  {node:<4} {what}\n"));
    }
    text
}
