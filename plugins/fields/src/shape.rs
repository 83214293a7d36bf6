//! The payload, if it is not the whole value.

use crate::json::{Fields, Level};
use crate::pointer::Pointer;
use millstream_plugin::Failure;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The kept fields of an object, in order.
pub type Parts<'a> = Vec<(Cow<'a, str>, Part<'a>)>;

/// What to keep, rename and add.
pub struct Shape {
    keep: Keep,
    rename: BTreeMap<String, String>,
    add: BTreeMap<String, Box<RawValue>>,
}

/// What to keep of a value.
enum Keep {
    All,
    /// The fields (or elements, by index), and what to keep of each.
    Of(BTreeMap<String, Keep>),
}

/// A value without the parts that are left out.
pub enum Part<'a> {
    /// Nothing is left out.
    Whole(&'a RawValue),
    /// An object's kept fields.
    Object(Parts<'a>),
    /// An array's kept elements.
    Array(Vec<Part<'a>>),
}

impl Shape {
    /// Parses the keys `keep`, `rename` and `add` of the configuration.
    ///
    /// # Errors
    /// The key, and what is wrong with its value.
    pub fn parse(
        keep: Option<&[String]>,
        rename: BTreeMap<String, String>,
        add: BTreeMap<String, Box<RawValue>>,
    ) -> Result<Shape, String> {
        let keep = keep.map_or(Ok(Keep::All), Keep::parse)?;
        let shape = Shape { keep, rename, add };
        shape.check_names()?;
        Ok(shape)
    }

    /// Whether the payload is the value unchanged.
    pub fn is_same(&self) -> bool {
        matches!(self.keep, Keep::All) && self.rename.is_empty() && self.add.is_empty()
    }

    /// The payload that a document with this first level becomes.
    ///
    /// # Errors
    /// `malformed`, if it is not an object, or not valid JSON on the way.
    pub fn of<'a>(&'a self, top: Level<'a>) -> Result<Part<'a>, Failure> {
        let Level::Object(fields) = top else {
            let expected = "the value is JSON but not an object, so there are no fields to keep, \
                            rename or add to";
            return Err(Failure::malformed(expected));
        };
        let mut parts = self.renamed(self.keep.fields(fields)?);
        let added = self
            .add
            .iter()
            .map(|(name, value)| (name.into(), Part::Whole(value)));
        parts.extend(added);
        Ok(Part::Object(parts))
    }

    /// A renamed or added field replaces a field of that name.
    fn renamed<'a>(&'a self, fields: Parts<'a>) -> Parts<'a> {
        let there = |name: &String| fields.iter().any(|(field, _)| field == name);
        let renamed = self.rename.iter().filter(|(old, _)| there(old));
        let taken: Vec<&String> = renamed.map(|(_, new)| new).chain(self.add.keys()).collect();
        let rename = |(name, part): (Cow<'a, str>, _)| match self.rename.get(&*name) {
            Some(new) => Some((new.into(), part)),
            None => (!taken.iter().any(|taken| **taken == name)).then_some((name, part)),
        };
        fields.into_iter().filter_map(rename).collect()
    }

    fn check_names(&self) -> Result<(), String> {
        let mut made: Vec<&String> = self.add.keys().collect();
        if let Some(name) = made.iter().find(|name| name.starts_with('/')) {
            return Err(not_a_pointer("add", name));
        }
        for (old, new) in &self.rename {
            if let Some(name) = [old, new].into_iter().find(|name| name.starts_with('/')) {
                return Err(not_a_pointer("rename", name));
            }
            if matches!(&self.keep, Keep::Of(fields) if !fields.contains_key(old)) {
                return Err(format!(
                    "rename: {old:?} is not in `keep`, so there is nothing to rename"
                ));
            }
            if made.contains(&new) {
                return Err(format!(
                    "rename: {old:?} becomes {new:?}, but another field gets the same name"
                ));
            }
            made.push(new);
        }
        Ok(())
    }
}

fn not_a_pointer(key: &str, name: &str) -> String {
    let meant = name.trim_start_matches('/');
    format!(
        "{key}: {name:?} is a pointer, but only top-level names are allowed: did you mean {meant:?}?"
    )
}

impl Keep {
    fn parse(list: &[String]) -> Result<Keep, String> {
        let mut keep = Keep::Of(BTreeMap::new());
        for item in list {
            if item.starts_with('/') {
                keep.insert(
                    Pointer::parse(item)
                        .map_err(|e| format!("keep: {e}"))?
                        .tokens(),
                );
            } else if item.contains('/') {
                return Err(format!(
                    "keep: {item:?} is neither a name nor a pointer: did you mean \"/{item}\"?"
                ));
            } else {
                keep.insert(std::slice::from_ref(item));
            }
        }
        Ok(keep)
    }

    fn insert(&mut self, tokens: &[String]) {
        let Some((first, rest)) = tokens.split_first() else {
            *self = Keep::All;
            return;
        };
        if let Keep::Of(fields) = self {
            let nothing = || Keep::Of(BTreeMap::new());
            fields
                .entry(first.clone())
                .or_insert_with(nothing)
                .insert(rest);
        }
    }

    fn child(&self, token: &str) -> Option<&Keep> {
        match self {
            Keep::All => Some(self),
            Keep::Of(children) => children.get(token),
        }
    }

    fn fields<'a>(&self, fields: Fields<'a>) -> Result<Parts<'a>, Failure> {
        let kept = fields.into_iter().filter_map(|(name, value)| {
            let part = self.child(&name)?.of(value).transpose()?;
            Some(part.map(|part| (name, part)))
        });
        kept.collect()
    }

    fn items<'a>(&self, items: Vec<&'a RawValue>) -> Result<Vec<Part<'a>>, Failure> {
        let items = items.into_iter().enumerate();
        let kept = items.filter_map(|(n, value)| self.child(&n.to_string())?.of(value).transpose());
        kept.collect()
    }

    /// `None` if nothing of the value is kept.
    fn of<'a>(&self, value: &'a RawValue) -> Result<Option<Part<'a>>, Failure> {
        if matches!(self, Keep::All) {
            return Ok(Some(Part::Whole(value)));
        }
        let part = match Level::of(value)? {
            Level::Object(fields) => Part::Object(self.fields(fields)?),
            Level::Array(items) => Part::Array(self.items(items)?),
            Level::Scalar => return Ok(None),
        };
        let empty = matches!(&part, Part::Object(parts) if parts.is_empty())
            || matches!(&part, Part::Array(parts) if parts.is_empty());
        Ok((!empty).then_some(part))
    }
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Part::Whole(value) => value.serialize(serializer),
            Part::Object(parts) => serializer.collect_map(parts.iter().map(|(n, p)| (n, p))),
            Part::Array(parts) => serializer.collect_seq(parts),
        }
    }
}
