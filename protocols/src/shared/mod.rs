//! Parts of replicas that know no protocol: plain structs, to take or to leave.
//!
//! What the papers say stands in each protocol's folder, so that each reads alone. Here stands what
//! every implementation needs beside it, and what is the same logic whatever the protocol:
//!
//! * [`asking`]: the client that most protocols have, and its requests and replies.
//! * [`execution`]: execute decided slots in their order, and answer.
//! * [`timer`]: the key of a timer.
//! * [`quorum`]: votes, quorums, and whose word counts.
//! * [`checkpoints`]: hear CHECKPOINTs, prove one stable, and know whom to ask for the state.
//! * [`waiting`]: requests that wait for their execution, and the timer of one of them.
//! * [`early`]: messages of views that a replica has not entered.
//! * [`outline`]: how states are written down to be compared.
//! * [`patience`]: timeouts that double with each view that fails.
//! * [`status`]: the clock that tells whether a replica is stuck.

pub mod asking;
pub mod checkpoints;
pub mod early;
pub mod execution;
pub mod outline;
pub mod patience;
pub mod quorum;
pub mod status;
pub mod timer;
pub mod waiting;
