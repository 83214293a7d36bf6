//! The plugins' instances of one worker.

use crate::plugin::{CallError, DeadLetterInstance, Generation, RouteInstance, TransformInstance};
use anyhow::Context;
use std::sync::Arc;

/// The instances, all of one generation.
pub(super) struct Instances {
    pub generation: Arc<Generation>,
    pub transform: TransformInstance,
    pub route: RouteInstance,
    pub dead_letter: DeadLetterInstance,
}

impl Instances {
    /// Makes those of every worker: a generation that some workers could not
    /// have must not go live for the others.
    ///
    /// # Errors
    /// When one of them can't be made; then none is.
    pub fn for_workers(
        generation: &Arc<Generation>,
        workers: usize,
    ) -> anyhow::Result<Vec<Instances>> {
        let of = |_| Instances::new(generation.clone());
        let all = (0..workers).map(of).collect::<anyhow::Result<_>>();
        all.context("its instances can't be made for every worker")
    }

    fn new(generation: Arc<Generation>) -> anyhow::Result<Instances> {
        let error = |e: CallError| anyhow::anyhow!("{}", e.message);
        Ok(Instances {
            transform: generation.transform.instance().map_err(error)?,
            route: generation.route.instance().map_err(error)?,
            dead_letter: generation.dead_letter.instance().map_err(error)?,
            generation,
        })
    }
}
