//! Reports for people.

pub mod compare;
pub mod hunt;
pub mod run;
pub mod shrink;
pub mod style;
pub mod sweep;
pub mod timeline;
