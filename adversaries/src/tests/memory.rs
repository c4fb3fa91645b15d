//! What corrupted nodes keep for the faults that repeat it.

use std::rc::Rc;

use byzsim_core::{Committee, NodeId};

use super::toy::Msg;
use crate::memory::Memory;
use crate::pattern::Matcher;
use crate::{Pattern, Range};

#[test]
fn each_row_keeps_what_it_is_about_however_late() {
    let committee = Committee { replicas: 4, faults: 1, clients: 1 };
    let (me, other, client) = (NodeId::Replica(0), NodeId::Replica(1), NodeId::Client(0));
    let matcher = |pattern| Matcher::new::<Msg>(&pattern, committee);
    let mut memory = Memory::default();
    memory.keep(0, true, matcher(Pattern::default()));
    let late = Pattern { seq: Some(Range::only(900)), ..Pattern::default() };
    memory.keep(1, true, matcher(late));
    memory.keep(2, false, matcher(Pattern::default()));
    for timestamp in 1..=1_000 {
        let msg = Rc::new(Msg::Echo { client, timestamp, word: 0 });
        memory.note_received(other, me, &msg);
    }
    let counts = [0, 1, 2].map(|row| memory.recall(row).len());
    assert_eq!(counts, [256, 1, 0], "a flood is cut off, for each row by itself");
    assert!(memory.recall(1).is_empty(), "a row repeats once");
}
