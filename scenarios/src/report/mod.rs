//! What people and programs read: every format in one place. It reads what came out of runs, and
//! plays none.

pub mod accountability;
pub mod alter;
pub mod compare;
pub mod format;
pub mod hunt;
pub mod list;
pub mod profile;
pub mod replay;
pub mod row;
pub mod run;
pub mod shrink;
pub mod style;
pub mod sweep;
pub mod timeline;
