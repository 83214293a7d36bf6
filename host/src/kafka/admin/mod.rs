//! Topics, their configuration, consumer groups and their offsets, for the command line.

pub(in crate::kafka) mod configs;
pub(in crate::kafka) mod group;
pub(in crate::kafka) mod group_answers;
pub(in crate::kafka) mod groups;
pub(in crate::kafka) mod offsets;
pub(in crate::kafka) mod reset;
pub(in crate::kafka) mod topic_changes;
pub(in crate::kafka) mod topics;
