//! The limits of the format: what keeps a hostile file from eating the machine.

/// The greatest size of a file, in bytes: scenario files are small; what is larger is not one.
pub const BYTES_MAX: u64 = 16 << 20;
/// The greatest number of clients.
pub const CLIENTS_MAX: u16 = 64;
/// The greatest number of operations, over all clients.
pub const OPERATIONS_MAX: u64 = 100_000;
/// The greatest number of keys.
pub const KEYS_MAX: u16 = 1_000;
/// The greatest number of faults of a plan.
pub const FAULTS_MAX: usize = 1_000;
/// The greatest number of nodes that the names of a file stand for, over all its lists.
pub const MEMBERS_MAX: usize = 100_000;
/// The greatest number of conditions.
pub const CONDITIONS_MAX: usize = 100;
/// The greatest limit on events, and on steps of the linearizability search.
pub const STEPS_MAX: u64 = 1_000_000_000;
