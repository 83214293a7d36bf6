//! An event of binary mode, written in CloudEvents' JSON format.

use crate::data::{Data, is_json_type};
use millstream_plugin::{Failure, Record, json};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The event's fields, in order.
pub struct Written<'a>(Vec<(&'a str, Value<'a>)>);

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Text(Cow<'a, str>),
    Json(&'a RawValue),
}

impl<'a> Written<'a> {
    pub fn new(record: Record<'a>, data: &'a Data<'a>) -> Result<Written<'a>, Failure> {
        let mut fields: Vec<(&str, Value)> = Vec::new();
        for (header, value) in record.headers() {
            let Some(name) = header.strip_prefix("ce_") else {
                continue;
            };
            let value = std::str::from_utf8(value.unwrap_or_default()).map_err(|_| {
                Failure::malformed(format!("the header `{header}` is bytes that are not UTF-8"))
            })?;
            // The last one counts.
            fields.retain(|(earlier, _)| *earlier != name);
            fields.push((name, Value::Text(value.into())));
        }
        let declared = record.header("content-type");
        let declared = declared.and_then(|bytes| std::str::from_utf8(bytes).ok());
        if let Some(declared) = declared {
            fields.push(("datacontenttype", Value::Text(declared.into())));
        }
        match data {
            Data::None => {}
            Data::Bytes(_) => fields.push(("data_base64", Value::Text(data.text()))),
            Data::Text(text) => {
                let decoded = record
                    .headers()
                    .any(|(name, _)| name.starts_with("millstream.schema."));
                let value = match declared {
                    Some(declared) if is_json_type(declared) || decoded => {
                        json::parse(text.as_bytes()).map(Value::Json)?
                    }
                    Some(_) => Value::Text(Cow::Borrowed(text)),
                    None => match json::parse(text.as_bytes()) {
                        Ok(value) => Value::Json(value),
                        Err(_) => Value::Text(Cow::Borrowed(text)),
                    },
                };
                fields.push(("data", value));
            }
        }
        Ok(Written(fields))
    }
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
