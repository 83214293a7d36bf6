//! Kafka at hand: topics, records and groups for people at a command line.
//!
//! Promises: a clear answer or a clear error within seconds; what was not
//! acknowledged is never called sent. Beside `ingest`, it alone names rdkafka.
//! It deliberately knows nothing of pipelines, plugins or stores.

pub mod scan;
