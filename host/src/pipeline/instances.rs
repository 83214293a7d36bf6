//! The plugins' instances of one worker.

use crate::plugin::{CallError, DeadLetterInstance, Generation, RouteInstance, TransformInstance};
use std::sync::Arc;

/// The instances, all of one generation.
pub(super) struct Instances {
    pub generation: Arc<Generation>,
    pub transform: TransformInstance,
    pub route: RouteInstance,
    pub dead_letter: DeadLetterInstance,
}

impl Instances {
    pub fn new(generation: Arc<Generation>) -> anyhow::Result<Instances> {
        let error = |e: CallError| anyhow::anyhow!("{}", e.message);
        Ok(Instances {
            transform: generation.transform.instance().map_err(error)?,
            route: generation.route.instance().map_err(error)?,
            dead_letter: generation.dead_letter.instance().map_err(error)?,
            generation,
        })
    }
}
