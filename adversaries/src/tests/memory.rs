//! What corrupted nodes keep for the faults that repeat it.

use std::rc::Rc;

use byzsim_core::{Committee, NodeId};

use super::runs::always;
use super::toy::Msg;
use crate::active::ActiveFault;
use crate::memory::Memory;
use crate::{Action, Pattern, Range};

#[test]
fn each_fault_keeps_what_it_is_about_however_late() {
    let committee = Committee { replicas: 4, faults: 1, clients: 1 };
    let (me, other, client) = (NodeId::Replica(0), NodeId::Replica(1), NodeId::Client(0));
    let late = Pattern { seq: Some(Range::only(900)), ..Pattern::default() };
    let replays = [(true, Pattern::default()), (true, late), (false, Pattern::default())];
    let mut memory = Memory::default();
    let mut faults = Vec::new();
    for (number, (heard, messages)) in replays.into_iter().enumerate() {
        memory.keep(number, heard);
        let fault = always(Action::Replay { node: me, messages, to: Vec::new(), heard });
        faults.push(ActiveFault::new::<Msg>(number, &fault, committee));
    }
    for timestamp in 1..=1_000 {
        let msg = Rc::new(Msg::Echo(client, timestamp, 0));
        memory.note_received(other, me, &msg, &mut faults);
    }
    let counts = [0, 1, 2].map(|fault| memory.recall(fault).len());
    assert_eq!(counts, [256, 1, 0], "a flood is cut off, for each fault by itself");
    assert!(memory.recall(1).is_empty(), "a fault repeats once");
}
