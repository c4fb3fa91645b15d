//! An event of a trace, in words.

use byzsim_core::network::Transit;
use byzsim_core::{NodeId, TraceEvent};

/// Whose event it is, and what happens.
pub fn describe(event: &TraceEvent<'_>) -> (NodeId, String) {
    match event {
        TraceEvent::Sent { from, to, what, transit } => {
            let fate = match transit {
                Transit::Arrives(at, None) => format!("arrives {at}"),
                Transit::Arrives(at, Some(again)) => format!("arrives {at} and {again}"),
                Transit::Held(..) => "held".to_owned(),
                Transit::Lost => "lost".to_owned(),
            };
            (*from, format!("sends {} to {to}  {what:?}  ({fate})", what.name))
        }
        TraceEvent::Delivered { from, to, what } => {
            (*to, format!("receives {} from {from}  {what:?}", what.name))
        }
        TraceEvent::Lost { from, to, what } => {
            (*to, format!("does not receive {} from {from}", what.name))
        }

        TraceEvent::Expired { node, name, .. } => (*node, format!("timer {name:?} expires")),
        TraceEvent::Crashed(node) => (*node, "crashes".to_owned()),
        TraceEvent::Restarted(node) => (*node, "restarts".to_owned()),
        TraceEvent::Observed(node, what) => (*node, what.to_string()),
    }
}
