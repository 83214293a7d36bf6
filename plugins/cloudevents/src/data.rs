//! An event's data.

use crate::event::Attributes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fields::{Found, Level, json};
use millstream_plugin::Failure;
use std::borrow::Cow;

/// The data of an event.
pub enum Data<'a> {
    None,
    /// JSON or other text.
    Text(Cow<'a, str>),
    /// Bytes that are not UTF-8.
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Data<'a> {
    /// The value of a record in binary mode.
    pub fn of_bytes(bytes: &'a [u8]) -> Data<'a> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Data::Text(text.into()),
            Err(_) => Data::Bytes(bytes.into()),
        }
    }

    /// `data` or `data_base64` of an event in JSON.
    pub fn of_fields(attributes: &Attributes<'a>) -> Result<Data<'a>, Failure> {
        let Attributes::Fields(level) = attributes else {
            return Ok(Data::None);
        };
        match (level.child("data"), level.child("data_base64")) {
            (Some(_), Some(_)) => Err(Failure::malformed(
                "the CloudEvent has both `data` and `data_base64`",
            )),
            (None, None) => Ok(Data::None),
            // A text that is not JSON is written as a string.
            (Some(data), None) if data.get().starts_with('"') && !is_json(attributes)? => {
                json::parse::<Text>(data).map(|Text(text)| Data::Text(text))
            }
            (Some(data), None) => Ok(Data::Text(data.get().into())),
            (None, Some(data)) => {
                let Text(text) = json::parse(data)?;
                let bytes = STANDARD.decode(&*text).map_err(|e| {
                    Failure::malformed(format!("`data_base64` is not base64 (RFC 4648): {e}"))
                })?;
                Ok(match String::from_utf8(bytes) {
                    Ok(text) => Data::Text(text.into()),
                    Err(e) => Data::Bytes(e.into_bytes().into()),
                })
            }
        }
    }

    /// Its first level, if it is JSON.
    pub fn level(&self) -> Result<Level<'_>, Failure> {
        match self {
            Data::None => Ok(Level::Scalar),
            Data::Text(text) => Level::parse(text.as_bytes()),
            Data::Bytes(_) => Err(Failure::malformed("it is not UTF-8")),
        }
        .map_err(|failure| Failure {
            message: format!("the data of the CloudEvent: {}", failure.message),
            ..failure
        })
    }

    /// As an event's payload.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Data::None => "null".into(),
            Data::Text(text) => Cow::Borrowed(text),
            Data::Bytes(bytes) => STANDARD.encode(bytes).into(),
        }
    }
}

/// A string that is copied only if it has escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Whether the data is declared to be JSON. In JSON that is the default.
fn is_json(attributes: &Attributes) -> Result<bool, Failure> {
    Ok(match attributes.get("datacontenttype")? {
        Found::Text(declared) => is_json_type(&declared),
        Found::Nothing(_) | Found::Other(_) => true,
    })
}

/// Whether a media type is of JSON.
pub fn is_json_type(declared: &str) -> bool {
    let media = declared.split(';').next().unwrap_or_default().trim();
    let (_, subtype) = media.split_once('/').unwrap_or_default();
    let subtype = subtype.to_ascii_lowercase();
    subtype == "json" || subtype.ends_with("+json")
}
