//! Types in Rust, for serde.

use super::names::{TypeNames, pascal, shown, snake, unique};
use crate::schema::types::{Body, Field, Integer, Kind, Missing, Named, Types};
use std::collections::HashSet;
use std::fmt::Write;

const KEYWORDS: [&str; 47] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "use", "virtual",
    "where", "while", "yield",
];
/// These can't be raw names.
const NEVER: [&str; 3] = ["crate", "self", "super"];
const TAKEN: [&str; 11] = [
    "BTreeMap",
    "Box",
    "Deserialize",
    "Digits",
    "Float",
    "Option",
    "Result",
    "Self",
    "String",
    "Vec",
    "Visitor",
];
/// With more types, every one in another is in a box.
const FEW: usize = 2000;

const FLOAT: &str = r#"
/// A number, also one that JSON lacks: NaN and the infinities are strings there.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Float(pub f64);

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Found {
            Number(f64),
            Text(String),
        }
        match Found::deserialize(deserializer)? {
            Found::Number(number) => Ok(Float(number)),
            Found::Text(text) => match &*text {
                "NaN" => Ok(Float(f64::NAN)),
                "Infinity" => Ok(Float(f64::INFINITY)),
                "-Infinity" => Ok(Float(f64::NEG_INFINITY)),
                _ => Err(serde::de::Error::custom("expected a number")),
            },
        }
    }
}
"#;

const DIGITS: &str = r#"
/// An integer of 64 bits, which is a string in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digits<T>(pub T);

impl<'de, T: std::str::FromStr> Deserialize<'de> for Digits<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let number = digits.parse().map(Digits);
        number.map_err(|_| serde::de::Error::custom("expected the digits of an integer"))
    }
}
"#;

pub(super) fn source(types: &Types, said: &[String]) -> String {
    let mut writing = Writing {
        types,
        names: TypeNames::of(types, &TAKEN),
        out: String::new(),
    };
    let body = {
        let start = writing.out.len();
        if !matches!(types.root, Kind::Named(_)) {
            let (name, kind) = (writing.names.root.clone(), writing.kind(&types.root, None));
            writing.line(format_args!("\npub type {name} = {kind};"));
        }
        for index in 0..types.named.len() {
            writing.named(index);
        }
        writing.out.split_off(start)
    };
    let has = |what: &str| body.contains(what);
    let mut out: String = said.iter().map(|line| format!("// {line}\n")).collect();
    if has("serde_json::") {
        out.push_str("// It needs serde_json in Cargo.toml.\n");
    }
    out.push_str("\nuse serde::Deserialize;\n");
    if has("BTreeMap<") {
        out.push_str("use std::collections::BTreeMap;\n");
    }
    out.push_str(&body);
    if types.has_floats() {
        out.push_str(FLOAT);
    }
    if has("Digits<") {
        out.push_str(DIGITS);
    }
    out
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

    fn named(&mut self, index: usize) {
        let types = self.types;
        let Named { name, body } = &types.named[index];
        let shown = shown(name);
        let own = self.names.of[index].clone();
        self.line(format_args!("\n/// `{shown}`."));
        match body {
            Body::Record(fields) if fields.is_empty() => {
                self.line(format_args!(
                    "#[derive(Clone, Debug, PartialEq, Deserialize)]\npub struct {own} {{}}"
                ));
                return;
            }
            Body::Record(fields) => {
                self.line(format_args!(
                    "#[derive(Clone, Debug, PartialEq, Deserialize)]"
                ));
                self.line(format_args!("pub struct {own} {{"));
                let mut used = HashSet::new();
                for field in fields {
                    self.field(field, index, &mut used);
                }
            }
            Body::Enum { symbols, is_open } => {
                // An enum without symbols has no value.
                let default = if symbols.is_empty() { "" } else { "Default, " };
                let derived = format!("Clone, Copy, Debug, {default}PartialEq, Eq, Deserialize");
                self.line(format_args!("#[derive({derived})]"));
                self.line(format_args!("pub enum {own} {{"));
                let mut used = HashSet::from(["Number".to_owned(), "Self".to_owned()]);
                for (at, symbol) in symbols.iter().enumerate() {
                    let variant = unique([variant(symbol)], &mut used);
                    if at == 0 {
                        self.line(format_args!("    #[default]"));
                    }
                    if variant != *symbol {
                        let symbol = quoted(symbol);
                        self.line(format_args!("    #[serde(rename = {symbol})]"));
                    }
                    self.line(format_args!("    {variant},"));
                }
                if *is_open {
                    self.line(format_args!(
                        "    /// A number that the schema has no name for."
                    ));
                    self.line(format_args!("    #[serde(untagged)]\n    Number(i32),"));
                }
            }
            Body::Union(branches) => {
                self.line(format_args!(
                    "#[derive(Clone, Debug, PartialEq, Deserialize)]"
                ));
                self.line(format_args!("pub enum {own} {{"));
                let mut used = HashSet::from(["Self".to_owned()]);
                for (tag, kind) in branches {
                    let short = tag.rsplit('.').next().unwrap_or_default();
                    let variant = unique([pascal(short), pascal(tag)], &mut used);
                    let (tag, kind) = (quoted(tag), self.kind(kind, Some(index)));
                    self.line(format_args!("    #[serde(rename = {tag})]"));
                    self.line(format_args!("    {variant}({kind}),"));
                }
            }
        }
        self.line(format_args!("}}"));
    }

    fn field(&mut self, field: &Field, within: usize, used: &mut HashSet<String>) {
        let plain = match &*snake(&field.name) {
            "_" => "field".to_owned(),
            never if NEVER.contains(&never) => format!("{never}_"),
            name => name.to_owned(),
        };
        let name = unique([plain.clone(), plain], used);
        let mut attributes = Vec::new();
        if name != field.name {
            attributes.push(format!("rename = {}", quoted(&field.name)));
        }
        if field.missing != Missing::Never {
            attributes.push("default".into());
        }
        if let Some(what) = field.kind.what() {
            self.line(format_args!("    /// {what}."));
        }
        if !attributes.is_empty() {
            let attributes = attributes.join(", ");
            self.line(format_args!("    #[serde({attributes})]"));
        }
        let kind = self.kind(&field.kind, Some(within));
        let kind = match (field.missing, &field.kind) {
            (Missing::None, Kind::Nullable(_)) => kind,
            (Missing::None, _) => format!("Option<{kind}>"),
            _ => kind,
        };
        let raw = if KEYWORDS.contains(&&*name) { "r#" } else { "" };
        self.line(format_args!("    pub {raw}{name}: {kind},"));
    }

    /// The type, in a type of this index: what contains itself is in a box.
    fn kind(&self, kind: &Kind, within: Option<usize>) -> String {
        match kind {
            Kind::Null => "()".into(),
            Kind::Boolean => "bool".into(),
            Kind::Integer(Integer {
                bits,
                is_signed,
                is_text,
                ..
            }) => {
                let name = format!("{}{bits}", if *is_signed { 'i' } else { 'u' });
                match is_text {
                    true => format!("Digits<{name}>"),
                    false => name,
                }
            }
            Kind::Number => "Float".into(),
            Kind::Finite => "f64".into(),
            Kind::Text(_) => "String".into(),
            Kind::List(items) => format!("Vec<{}>", self.kind(items, None)),
            Kind::Map(values) => format!("BTreeMap<String, {}>", self.kind(values, None)),
            Kind::Nullable(other) => format!("Option<{}>", self.kind(other, within)),
            Kind::Named(index) => {
                let name = &self.names.of[*index];
                match within.is_some_and(|within| self.contains(*index, within)) {
                    true => format!("Box<{name}>"),
                    false => name.clone(),
                }
            }
            Kind::Any => "serde_json::Value".into(),
        }
    }

    /// Whether one type contains another one without a list or map between them.
    fn contains(&self, outer: usize, inner: usize) -> bool {
        if self.types.named.len() > FEW {
            return true;
        }
        let mut open = vec![outer];
        let mut seen = HashSet::new();
        while let Some(index) = open.pop() {
            if index == inner {
                return true;
            }
            if !seen.insert(index) {
                continue;
            }
            let direct = |kind: &Kind| match kind {
                Kind::Named(index) => Some(*index),
                Kind::Nullable(kind) => match **kind {
                    Kind::Named(index) => Some(index),
                    _ => None,
                },
                _ => None,
            };
            match &self.types.named[index].body {
                Body::Record(fields) => {
                    open.extend(fields.iter().filter_map(|field| direct(&field.kind)));
                }
                Body::Union(branches) => {
                    open.extend(branches.iter().filter_map(|(_, kind)| direct(kind)));
                }
                Body::Enum { .. } => {}
            }
        }
        false
    }
}

/// A string of Rust.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// `ALSO_RED` as `AlsoRed`, and `Red` as it is.
fn variant(symbol: &str) -> String {
    match symbol.chars().any(|c| c.is_ascii_lowercase()) {
        true => pascal(symbol),
        false => pascal(&symbol.to_ascii_lowercase()),
    }
}
