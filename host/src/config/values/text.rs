//! Strings with environment variables.

use super::expand::expand;
use super::kinds::string;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;

/// A string in which `${NAME}` is replaced by an environment variable.
pub(in crate::config) struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        let raw = string(deserializer)?;
        expand(&raw).map(Text).map_err(D::Error::custom)
    }
}

/// One string or a list of strings.
pub(in crate::config) struct Names(pub Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: Error>(self, one: &str) -> Result<Names, E> {
                let one = expand(one).map_err(E::custom)?;
                Ok(Names(vec![one]))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Names, S::Error> {
                let mut names = Vec::new();
                while let Some(Text(name)) = list.next_element()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}
