//! Types for the code of plugins, from the schema of their records.

mod names;
mod python;
mod rust;
mod typescript;

use crate::schema::types::Types;

/// A language that types are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypesLanguage {
    /// Rust, for serde.
    Rust,
    /// TypeScript, also for JavaScript with JSDoc.
    Ts,
    /// Python: dataclasses for `record.json`.
    Python,
}

/// The source text of types. `said` are the lines of its first comment.
pub fn source(types: &Types, language: TypesLanguage, said: &[String]) -> String {
    let line = |line: &String| line.replace(|c: char| c.is_control(), " ");
    let said: Vec<String> = said.iter().map(line).collect();
    let said = &said[..];
    match language {
        TypesLanguage::Rust => rust::source(types, said),
        TypesLanguage::Ts => typescript::source(types, said),
        TypesLanguage::Python => python::source(types, said),
    }
}
