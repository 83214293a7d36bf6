//! Types in TypeScript.

use super::names::{TypeNames, quoted, shown};
use crate::schema::types::{Body, Integer, Kind, Missing, Named, Types};
use std::fmt::Write;

const TAKEN: [&str; 8] = [
    "Float",
    "any",
    "boolean",
    "null",
    "number",
    "string",
    "undefined",
    "unknown",
];
const FLOAT: &str = "
/** A number, also one that JSON lacks. */
export type Float = number | \"NaN\" | \"Infinity\" | \"-Infinity\";
";

pub(super) fn source(types: &Types, said: &[String]) -> String {
    let names = TypeNames::of(types, &TAKEN);
    let mut out = String::new();
    for line in said {
        // Writing to a string does not fail.
        let _ = writeln!(out, "// {line}");
    }
    if !matches!(types.root, Kind::Named(_)) {
        let kind = kind(&types.root, &names);
        let _ = writeln!(out, "\nexport type {} = {kind};", names.root);
    }
    for (Named { name, body }, own) in types.named.iter().zip(&names.of) {
        let _ = writeln!(out, "\n/** `{}` */", shown(name));
        match body {
            Body::Record(fields) => {
                let _ = writeln!(out, "export interface {own} {{");
                for field in fields {
                    if let Some(what) = field.kind.what() {
                        let _ = writeln!(out, "  /** {what} */");
                    } else if is_long(&field.kind) {
                        let _ = writeln!(
                            out,
                            "  /** Beyond 2^53 JavaScript rounds it: decoded = {{ int64 = \"string\" }} keeps it. */"
                        );
                    }
                    let missing = if field.missing == Missing::Never {
                        ""
                    } else {
                        "?"
                    };
                    let name = property(&field.name);
                    let _ = writeln!(out, "  {name}{missing}: {};", kind(&field.kind, &names));
                }
                out.push_str("}\n");
            }
            Body::Enum { symbols, is_open } => {
                let mut all: Vec<String> = symbols.iter().map(|symbol| quoted(symbol)).collect();
                all.extend(is_open.then(|| "number".to_owned()));
                if all.is_empty() {
                    all.push("never".into());
                }
                let _ = writeln!(out, "export type {own} = {};", all.join(" | "));
            }
            Body::Union(branches) => {
                let branch = |(tag, of): &(String, Kind)| {
                    format!("{{ {}: {} }}", property(tag), kind(of, &names))
                };
                let all: Vec<String> = branches.iter().map(branch).collect();
                let _ = writeln!(out, "export type {own} = {};", all.join(" | "));
            }
        }
    }
    if types.has_floats() {
        out.push_str(FLOAT);
    }
    out
}

fn is_long(kind: &Kind) -> bool {
    match kind {
        Kind::Integer(Integer { bits, is_text, .. }) => *bits == 64 && !is_text,
        Kind::Nullable(kind) | Kind::List(kind) | Kind::Map(kind) => is_long(kind),
        _ => false,
    }
}

fn property(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    match name.chars().all(legal) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        true if !name.is_empty() => name.to_owned(),
        _ => quoted(name),
    }
}

fn kind(of: &Kind, names: &TypeNames) -> String {
    match of {
        Kind::Null => "null".into(),
        Kind::Boolean => "boolean".into(),
        Kind::Integer(Integer { is_text: true, .. }) | Kind::Text(_) => "string".into(),
        Kind::Integer(_) | Kind::Finite => "number".into(),
        Kind::Number => "Float".into(),
        Kind::List(items) => match **items {
            Kind::Nullable(_) => format!("({})[]", kind(items, names)),
            _ => format!("{}[]", kind(items, names)),
        },
        Kind::Map(values) => format!("{{ [name: string]: {} }}", kind(values, names)),
        Kind::Nullable(other) => format!("{} | null", kind(other, names)),
        Kind::Named(index) => names.of[*index].clone(),
        Kind::Any => "unknown".into(),
    }
}
