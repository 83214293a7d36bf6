//! librdkafka's C functions that rdkafka does not wrap, and the plain data that they take and
//! return.

pub(crate) mod alias;
pub(crate) mod ask;
pub(in crate::kafka) mod call;
pub(in crate::kafka) mod cluster_calls;
pub(in crate::kafka) mod fetched;
pub(crate) mod headers;
pub(in crate::kafka) mod member;
pub(crate) mod produce;
