//! A package of tests has no library; Cargo wants one target that is always built.
