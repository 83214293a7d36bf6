//! Client or group, type, filter and payload by configuration: what the transforms `by-field`,
//! `cloudevents` and `debezium` have in common. They differ in where the JSON is ([`View`]).

#![warn(missing_docs)]

mod address;
mod filter;
pub mod json;
mod kind;
mod pointer;
mod shape;
mod source;
mod view;

pub use address::{Address, To};
pub use filter::Filter;
pub use json::Level;
pub use kind::Kind;
pub use pointer::Pointer;
pub use shape::{Part, Shape};
pub use source::{Found, Names, Source};
pub use view::View;

/// Why a text can't be a client ID, group name or event type. The host checks
/// this too, but would blame the plugin (`bad-output`) and not the record.
pub fn unfit(text: &str) -> Option<String> {
    if text.len() > 256 {
        return Some(format!("has {} bytes, at most 256 are allowed", text.len()));
    }
    let control = text.find(char::is_control)?;
    Some(format!("contains a control character at byte {control}"))
}
