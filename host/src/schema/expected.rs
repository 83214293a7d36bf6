//! What JSON is read as when it becomes a value of a schema.

use super::fault::Fault;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};
use serde_json::{Map, Value};

/// The most characters of a value that a message shows.
const SHOWN: usize = 40;

/// Something else was expected than what was found.
#[cold]
pub(super) fn found(expected: &str, json: &Value) -> Fault {
    let shown = match json {
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
        other => {
            let text = other.to_string();
            match text.char_indices().nth(SHOWN) {
                Some((end, _)) => format!("{}...", &text[..end]),
                None => text,
            }
        }
    };
    Fault::malformed(format!("{expected} was expected, and {shown} found"))
}

/// A string.
pub(super) fn text(json: &Value) -> Result<&str, Fault> {
    json.as_str().ok_or_else(|| found("a string", json))
}

/// An object.
pub(super) fn object(json: &Value) -> Result<&Map<String, Value>, Fault> {
    json.as_object().ok_or_else(|| found("an object", json))
}

/// An integer: a number without a fraction, or its digits as a string.
pub(super) fn integer(json: &Value) -> Result<i128, Fault> {
    let integer = match json {
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Some(number.into()),
            (_, Some(number), _) => Some(number.into()),
            // 1.0 and 1e3; beyond 2^53 it could be another number than the one that was meant.
            (_, _, Some(number))
                if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 =>
            {
                Some(number as i128)
            }
            _ => None,
        },
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    };
    integer.ok_or_else(|| found("an integer", json))
}

/// Bytes in base64, of the standard alphabet or the one for URLs, padded or not.
pub(super) fn bytes_of(json: &Value) -> Result<Vec<u8>, Fault> {
    let text = text(json)?;
    const ANY: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = match text.contains(['-', '_']) {
        true => &alphabet::URL_SAFE,
        false => &alphabet::STANDARD,
    };
    let decoded = GeneralPurpose::new(alphabet, ANY).decode(text);
    decoded.map_err(|_| found("base64", json))
}

/// A number of 32 bits.
pub(super) fn float32(number: f64, json: &Value) -> Result<f32, Fault> {
    let single = number as f32;
    match number.is_finite() && single.is_infinite() {
        true => Err(found("a number in the range of 32 bits", json)),
        false => Ok(single),
    }
}

/// Numbers of JSON.
pub(super) trait Expected {
    /// Any number, or the name of one that JSON lacks.
    fn number(&self) -> Result<f64, Fault>;
    /// The same, or a number as a string.
    fn number_or_digits(&self) -> Result<f64, Fault>;
    /// A decimal number as text, all digits as given.
    fn decimal(&self) -> Result<String, Fault>;
}

impl Expected for Value {
    fn number(&self) -> Result<f64, Fault> {
        let number = match self {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => match &**text {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                _ => None,
            },
            _ => None,
        };
        number.ok_or_else(|| found("a number", self))
    }

    fn number_or_digits(&self) -> Result<f64, Fault> {
        match self {
            // Rust's names of what JSON lacks are others, and more.
            Value::String(text) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                match text.parse::<f64>() {
                    Ok(number) if number.is_finite() => Ok(number),
                    _ => self.number(),
                }
            }
            other => other.number(),
        }
    }

    fn decimal(&self) -> Result<String, Fault> {
        match self {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => {
                let text = number.to_string();
                let is_exact = number.is_i64() || number.is_u64();
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                // A number of JSON has 53 bits here: further digits would be others than the given.
                match is_exact || digits <= f64::DIGITS as usize {
                    true => Ok(text),
                    false => Err(Fault::malformed(format!(
                        "the number {text} may have lost digits: write a decimal as a string"
                    ))),
                }
            }
            _ => Err(found("a decimal such as \"12.50\"", self)),
        }
    }
}
