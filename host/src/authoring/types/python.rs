//! Types in Python: dataclasses.

use super::names::{TypeNames, quoted, shown, snake, unique};
use crate::schema::types::{Body, Field, Integer, Kind, Missing, Named, Types};
use std::collections::HashSet;
use std::fmt::Write;

const TAKEN: [&str; 13] = [
    "Any",
    "Dict",
    "Float",
    "False",
    "List",
    "Literal",
    "None",
    "Optional",
    "True",
    "Union",
    "annotations",
    "dataclass",
    "field",
];
/// Words, and what annotations and defaults name: a field of that name would hide it.
const KEYWORDS: [&str; 48] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "dict", "elif", "else", "except", "field", "finally", "for", "from", "global",
    "if", "import", "in", "is", "lambda", "list", "nonlocal", "not", "or", "pass", "raise",
    "return", "try", "while", "with", "yield", "str", "int", "bool", "float", "Any", "Dict",
    "List", "Literal", "Optional", "Union",
];

pub(super) fn source(types: &Types, said: &[String]) -> String {
    let mut writing = Writing {
        types,
        names: TypeNames::of(types, &TAKEN),
        out: String::new(),
    };
    for line in said {
        writing.line(format_args!("# {line}"));
    }
    writing.line(format_args!("\nfrom __future__ import annotations\n"));
    writing.line(format_args!("from dataclasses import dataclass, field"));
    writing.line(format_args!(
        "from typing import Any, Dict, List, Literal, Optional, Union"
    ));
    // What is evaluated when the module is read comes first; fields of classes are not.
    if types.has_floats() {
        writing.line(format_args!(
            "\n# A number, also one that JSON lacks.\n\
             Float = Union[float, Literal[\"NaN\", \"Infinity\", \"-Infinity\"]]"
        ));
    }
    for (Named { name, body }, own) in types.named.iter().zip(writing.names.of.clone()) {
        if let Body::Enum { symbols, is_open } = body {
            let all: Vec<String> = symbols.iter().map(|symbol| quoted(symbol)).collect();
            let all = match all.is_empty() {
                true => "str".to_owned(),
                false => format!("Literal[{}]", all.join(", ")),
            };
            let kind = match is_open {
                true => format!("Union[{all}, int]"),
                false => all,
            };
            let shown = shown(name);
            writing.line(format_args!("\n# {shown}\n{own} = {kind}"));
        }
    }
    for index in 0..types.named.len() {
        writing.class(index);
    }
    if !matches!(types.root, Kind::Named(_)) {
        let (name, kind) = (writing.names.root.clone(), writing.kind(&types.root));
        writing.line(format_args!("\n\n{name} = {kind}"));
    }
    writing.out
}

struct Writing<'a> {
    types: &'a Types,
    names: TypeNames,
    out: String,
}

impl Writing<'_> {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.out, "{line}");
    }

    fn class(&mut self, index: usize) {
        let types = self.types;
        let Named { name, body } = &types.named[index];
        let (own, shown) = (self.names.of[index].clone(), shown(name));
        let union: Vec<Field>;
        let (fields, said) = match body {
            Body::Enum { .. } => return,
            Body::Record(fields) => (fields, format!("{shown}.")),
            Body::Union(branches) => {
                let field = |(tag, kind): &(String, Kind)| Field {
                    name: tag.clone(),
                    kind: kind.clone(),
                    missing: Missing::None,
                };
                union = branches.iter().map(field).collect();
                (&union, format!("{shown}: exactly one of these is there."))
            }
        };
        self.line(format_args!("\n\n@dataclass(kw_only=True)\nclass {own}:"));
        self.line(format_args!("    \"\"\"{said}\"\"\"\n"));
        if fields.is_empty() {
            self.line(format_args!("    pass"));
        }
        let mut used = HashSet::new();
        for field in fields {
            self.field(field, &mut used);
        }
    }

    fn field(&mut self, field: &Field, used: &mut HashSet<String>) {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_name = field.name.chars().all(legal)
            && field
                .name
                .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && !field.name.starts_with("__")
            && !KEYWORDS.contains(&&*field.name);
        let plain = match is_name {
            true => field.name.clone(),
            // Python changes names that begin with two underscores.
            false => match snake(&field.name).trim_start_matches('_').to_owned() {
                name if !name.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    format!("field_{name}")
                }
                name if KEYWORDS.contains(&&*name) => format!("{name}_"),
                name => name,
            },
        };
        let name = unique([plain.clone(), plain], used);
        let kind = self.kind(&field.kind);
        let (kind, default) = match (field.missing, &field.kind) {
            (Missing::Never, _) => (kind, None),
            (Missing::None, Kind::Nullable(_) | Kind::Any) => (kind, Some("None".to_owned())),
            (Missing::None, _) => (format!("Optional[{kind}]"), Some("None".to_owned())),
            (Missing::Default, of) => (kind, Some(self.default(of))),
        };
        let mut arguments = Vec::new();
        match default {
            Some(made) if made.ends_with("()") => {
                let factory = made.trim_end_matches("()");
                arguments.push(format!("default_factory={factory}"));
            }
            Some(default) => arguments.push(format!("default={default}")),
            None => {}
        }
        if name != field.name {
            arguments.push(format!("metadata={{\"json\": {}}}", quoted(&field.name)));
        }
        let value = match &arguments[..] {
            [] => String::new(),
            [one] if one.starts_with("default=") => format!(" = {}", &one["default=".len()..]),
            all => format!(" = field({})", all.join(", ")),
        };
        let what = field.kind.what();
        let what = what.map_or(String::new(), |what| format!("  # {what}"));
        self.line(format_args!("    {name}: {kind}{value}{what}"));
    }

    fn default(&self, kind: &Kind) -> String {
        match kind {
            Kind::Boolean => "False".into(),
            Kind::Integer(Integer { is_text: true, .. }) => "\"0\"".into(),
            Kind::Integer(_) => "0".into(),
            Kind::Number | Kind::Finite => "0.0".into(),
            Kind::Text(_) => "\"\"".into(),
            Kind::List(_) => "list()".into(),
            Kind::Map(_) => "dict()".into(),
            Kind::Named(index) => match &self.types.named[*index].body {
                Body::Enum { symbols, .. } => quoted(symbols.first().map_or("", |first| first)),
                _ => "None".into(),
            },
            Kind::Null | Kind::Nullable(_) | Kind::Any => "None".into(),
        }
    }

    fn kind(&self, kind: &Kind) -> String {
        match kind {
            Kind::Null => "None".into(),
            Kind::Boolean => "bool".into(),
            Kind::Integer(Integer { is_text: true, .. }) | Kind::Text(_) => "str".into(),
            Kind::Integer(_) => "int".into(),
            Kind::Number => "Float".into(),
            Kind::Finite => "float".into(),
            Kind::List(items) => format!("List[{}]", self.kind(items)),
            Kind::Map(values) => format!("Dict[str, {}]", self.kind(values)),
            Kind::Nullable(other) => format!("Optional[{}]", self.kind(other)),
            Kind::Named(index) => self.names.of[*index].clone(),
            Kind::Any => "Any".into(),
        }
    }
}
