//! Encodes the values of routed events by schemas of the registry.

use super::grants::refuse;
use crate::pipeline::settings::PipelineSettings;
use crate::plugin::{Program, Routed};
use crate::record::{Class, Events};
use crate::schema::{Encoder, Encoding, Limits, Part, Registry};
use anyhow::Context;
use std::collections::BTreeMap;

/// How much larger than the largest record an encoded value may be.
const GROWTH: usize = 4;

/// How the values for some topics are encoded. Which schema that is may change.
#[derive(Clone)]
pub(in crate::pipeline) struct Encodings {
    topics: Vec<(String, Encoding)>,
    limits: Limits,
}

/// The encoders for these topics.
pub(in crate::pipeline) struct Encoders {
    topics: Vec<(String, Encoder)>,
    limits: Limits,
}

impl Encodings {
    /// `None` if nothing is to be encoded.
    ///
    /// # Errors
    /// If values are to be encoded and no registry is configured.
    pub fn new(
        settings: &PipelineSettings,
        registry: Option<&Registry>,
    ) -> anyhow::Result<Option<Encodings>> {
        if settings.encode.is_empty() {
            return Ok(None);
        }
        let registry = registry.context("missing [registry] table with its url")?;
        let topics = settings.encode.iter();
        let topics = topics.map(|(topic, by)| {
            let encoding = Encoding::new(registry.clone(), by.clone());
            (topic.clone(), encoding)
        });
        Ok(Some(Encodings {
            topics: topics.collect(),
            limits: Limits {
                bytes: settings.record_bytes.saturating_mul(GROWTH),
                depth: Limits::DEPTH,
            },
        }))
    }

    /// The encoders of now. Does not wait.
    ///
    /// # Errors
    /// When a schema is not known yet; with the reason if the registry was asked in vain.
    pub fn encoders(&mut self) -> Result<Encoders, Option<String>> {
        let mut topics = Vec::with_capacity(self.topics.len());
        for (topic, encoding) in &mut self.topics {
            topics.push((topic.clone(), encoding.encoder()?.clone()));
        }
        Ok(Encoders {
            topics,
            limits: self.limits,
        })
    }
}

impl Encoders {
    /// Encodes the events that go to their topics. A record fails, with all its events, if one of
    /// them does not fit its schema.
    pub fn encode(&self, events: &Events, route: &Program, routed: &mut Routed) {
        let mut refused: BTreeMap<u32, String> = BTreeMap::new();
        for (event, decision) in events.list.iter().zip(&mut routed.decisions) {
            let to = decision
                .as_mut()
                .and_then(|decision| decision.topic.as_deref_mut());
            let Some(to) = to else { continue };
            let of_topic = self.topics.iter().find(|(topic, _)| *topic == to.topic);
            let Some((topic, encoder)) = of_topic else {
                continue;
            };
            let payload = events.bytes(event.payload);
            match encoder.encode(Part::Value, payload, self.limits) {
                Ok(encoded) => to.encoded = Some(encoded),
                Err(why) => {
                    let why = format!("the event can't be encoded for topic {topic}: {why}");
                    refused.entry(event.record).or_insert(why);
                }
            }
        }
        refuse(refused, events, route, Class::BadOutput, routed);
    }
}
