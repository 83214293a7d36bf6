//! Decodes single values, each waited for.

use super::{Found, Registry};
use crate::schema::{Framed, Limits, Part, Table};
use std::time::{Duration, Instant};

/// How often it looks whether a schema is known now.
const LOOK: Duration = Duration::from_millis(5);

/// A decoded key or value.
pub struct Decoded {
    /// The JSON.
    pub json: Vec<u8>,
    /// The headers that tell plugins of its schema.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Registry {
    /// Decodes a key or value of a record of this topic to JSON. `header` is the value of
    /// [`Part::header`]. Waits for its schema.
    ///
    /// # Errors
    /// Why it can't be decoded.
    pub fn decode(
        &self,
        (topic, part): (&str, Part),
        value: &[u8],
        header: Option<&[u8]>,
        patience: Duration,
    ) -> Result<Decoded, String> {
        let limits = Limits {
            bytes: usize::MAX / 2,
            depth: Limits::DEPTH,
        };
        let name = part.name();
        let framed = Framed::of(value, header).map_err(|fault| format!("the {name}: {fault}"))?;
        let deadline = Instant::now() + patience;
        let known = loop {
            match self.find(framed.id) {
                Found::Schema(known) => break known,
                Found::None(why) => return Err(why.to_string()),
                Found::NotYet(why) if Instant::now() >= deadline => {
                    let why = why.unwrap_or_else(|| "no answer yet".into());
                    let (address, id) = (self.address(), framed.id);
                    return Err(format!(
                        "the schema registry {address} does not give the schema {id}: {why}"
                    ));
                }
                Found::NotYet(_) => std::thread::sleep(LOOK),
            }
        };
        let mut json = Vec::new();
        let decoded = known
            .schema
            .decode(&framed, Table::default(), limits, &mut json);
        let of =
            decoded.map_err(|fault| format!("the {name}, by schema {}: {fault}", framed.id))?;
        let subject = format!("{topic}-{name}");
        let headers = known.headers(part, of, &subject);
        let headers = headers.map(|(header, text)| (header.to_vec(), text.to_vec()));
        let headers = headers.collect();
        Ok(Decoded { json, headers })
    }
}
