//! Reads topics for the command line: with a group or alone, continuously or up to the current end.

pub(in crate::kafka) mod member;
pub(in crate::kafka) mod reading;
pub(in crate::kafka) mod topic_reader;
