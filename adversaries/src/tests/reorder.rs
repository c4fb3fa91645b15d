//! Messages of a link change places, within their bounds, and nothing else changes.

use byzsim_core::Span;

use super::runs::{R0, R1, R2, always, link, play};
use crate::{Action, Pattern, Range};

const BY: Span = Span::from_millis(20);

fn reorder(messages: Pattern) -> Action {
    Action::Reorder { messages, within: 2, by: BY }
}

/// Both clients ask at once, so each replica echoes two words at once.
#[test]
fn messages_of_a_link_arrive_in_reverse() {
    let (plain, _) = play(Vec::new());
    let [first, second] = plain.texts(R0, R1, "echo")[..2] else { panic!("two echoes") };
    let (log, fired) = play(vec![always(reorder(link(R0, R1)))]);
    assert_eq!(log.texts(R0, R1, "echo")[..2], [second, first]);
    // Sent at 10 ms; three times 20 ms later they arrive, a nanosecond apart.
    assert_eq!(log.arrivals(R0, R1, "echo")[..2], [69, 70]);
    assert_eq!(fired, [3], "one of each of three pairs overtakes the other");
}

#[test]
fn a_message_that_overtakes_none_does_not_count() {
    let first = Pattern { seq: Some(Range::only(1)), kinds: vec!["echo".into()], ..link(R0, R1) };
    let nth = Some(Range::only(1));
    let (_, fired) = play(vec![always(reorder(Pattern { nth, ..first.clone() }))]);
    assert_eq!(fired, [0], "there is nobody to change places with");
    let dropped = always(Action::Drop(Pattern { nth, ..first.clone() }));
    let (_, fired) = play(vec![dropped, always(reorder(first))]);
    assert_eq!(fired, [1, 0], "what is lost is not overtaken");
}

#[test]
fn other_links_and_later_messages_keep_their_times() {
    let early = Pattern { seq: Some(Range::only(1)), ..link(R0, R1) };
    let (plain, _) = play(Vec::new());
    let (log, _) = play(vec![always(reorder(early))]);
    assert_eq!(log.arrivals(R0, R2, "echo"), plain.arrivals(R0, R2, "echo"));
    assert_eq!(log.arrivals(R2, R1, "echo"), plain.arrivals(R2, R1, "echo"));
    assert_eq!(log.arrivals(R0, R1, "echo")[2..], plain.arrivals(R0, R1, "echo")[2..]);
}
