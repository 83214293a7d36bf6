//! The plugin instances of one worker.

use crate::pipeline::settings::PipelineSettings;
use crate::pipeline::transform::grants::Grants;
use crate::plugin::{CallError, DeadLetterInstance, Generation, RouteInstance, TransformInstance};
use anyhow::Context;
use std::sync::Arc;

/// The plugin instances of one worker, all of one generation.
pub(in crate::pipeline) struct Instances {
    pub generation: Arc<Generation>,
    pub transform: TransformInstance,
    pub route: RouteInstance,
    pub dead_letter: DeadLetterInstance,
    /// The topics that the plugins may write to.
    pub grants: Grants,
}

impl Instances {
    /// Makes the instances of all workers. A generation must not go live unless every
    /// worker can have it.
    ///
    /// # Errors
    /// If one of them can't be made. Then none are.
    pub fn for_workers(
        generation: &Arc<Generation>,
        settings: &PipelineSettings,
    ) -> anyhow::Result<Vec<Instances>> {
        let of = |_| Instances::new(settings, generation.clone());
        let all = (0..settings.workers).map(of);
        let all = all.collect::<anyhow::Result<_>>();
        all.context("can't make plugin instances for every worker")
    }

    fn new(settings: &PipelineSettings, generation: Arc<Generation>) -> anyhow::Result<Instances> {
        let error = |e: CallError| anyhow::anyhow!("{}", e.message);
        Ok(Instances {
            transform: generation.transform.live().map_err(error)?,
            route: generation.route.live().map_err(error)?,
            dead_letter: generation.dead_letter.live().map_err(error)?,
            grants: Grants::of(settings, &generation),
            generation,
        })
    }
}
