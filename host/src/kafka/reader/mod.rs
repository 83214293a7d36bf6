//! Topics read for people: with a group or alone, followed or up to where they end now.

pub(in crate::kafka) mod member;
pub(in crate::kafka) mod reading;
pub(in crate::kafka) mod topic_reader;
