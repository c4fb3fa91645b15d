//! The tests of byzsim: files in, outcomes out.
//!
//! Each file proves one thing. A failure prints the command that replays it.

mod accountability;
mod adversary_bounds;
mod agm;
mod alter;
mod arrival;
mod arrows;
mod audit;
mod cli;
mod compare;
mod conformance;
mod costs;
mod determinism;
mod flaws;
mod histories;
mod hostile_messages;
mod hunt;
mod instructions;
mod lasso;
mod leaders;
mod lecture;
mod map;
mod messages_of_runs;
mod moved;
mod new;
mod new_views;
mod persistence;
mod profile;
mod properties;
mod raft_byzantine;
mod readings;
mod readme;
mod repro_files;
mod roles;
mod scenario_files;
mod search;
mod settling;
mod shrink;
mod signed_bytes;
mod support;
mod tidy;
mod topologies;
mod workdir;
