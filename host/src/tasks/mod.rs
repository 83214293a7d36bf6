//! The task gateway: a task is taken over HTTP, handed to workers by Kafka, and
//! its results reach the client that asked.
