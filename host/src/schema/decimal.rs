//! Decimals as text.

use super::fault::Fault;

/// The most bytes of an unscaled number: 616 digits. The work grows with their square.
const MOST_BYTES: usize = 256;
/// The most digits after the point that are written out; beyond that there is an exponent.
const MOST_SCALE: i64 = 1024;
/// The most characters of a number that is read.
const MOST_DIGITS: usize = 1200;
/// Decimal digits of a limb.
const LIMB: usize = 9;

/// The text of a two's complement number, the highest byte first, over ten to the power of `scale`.
///
/// # Errors
/// If it has more than [`MOST_BYTES`] bytes.
pub(super) fn decimal(bytes: &[u8], scale: i64) -> Result<String, Fault> {
    if bytes.len() > MOST_BYTES {
        let message = format!(
            "a decimal has {} bytes, the most are {MOST_BYTES}",
            bytes.len()
        );
        return Err(Fault::too_large(message));
    }
    let is_negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let digits = match is_negative {
        true => digits(&negated(bytes)),
        false => digits(bytes),
    };
    let sign = if is_negative { "-" } else { "" };
    Ok(match scale {
        0 => format!("{sign}{digits}"),
        1..=MOST_SCALE => {
            let scale = scale as usize;
            let padded = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = padded.split_at(padded.len() - scale);
            format!("{sign}{whole}.{fraction}")
        }
        _ => format!("{sign}{digits}E{}", i128::from(scale).wrapping_neg()),
    })
}

fn negated(bytes: &[u8]) -> Vec<u8> {
    let mut negated: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
    for byte in negated.iter_mut().rev() {
        let (sum, carry) = byte.overflowing_add(1);
        *byte = sum;
        if !carry {
            break;
        }
    }
    negated
}

/// The digits of a number without a sign. (The negation of the lowest number is itself, which is
/// right without a sign.)
fn digits(bytes: &[u8]) -> String {
    const BASE: u64 = 1_000_000_000;
    // The lowest limb first.
    let mut limbs: Vec<u32> = Vec::new();
    for byte in bytes {
        let mut carry = u64::from(*byte);
        for limb in &mut limbs {
            let sum = u64::from(*limb) << 8 | carry;
            *limb = (sum % BASE) as u32;
            carry = sum / BASE;
        }
        if carry > 0 {
            limbs.push(carry as u32);
        }
    }
    let Some((highest, lower)) = limbs.split_last() else {
        return "0".into();
    };
    let mut text = highest.to_string();
    for limb in lower.iter().rev() {
        text.push_str(&format!("{limb:0LIMB$}"));
    }
    text
}

/// A decimal number of text: its digits are a whole number of `10^-scale`.
pub(super) struct Digits<'a> {
    text: &'a str,
    is_negative: bool,
    digits: String,
    scale: i64,
}

impl<'a> Digits<'a> {
    /// Reads `12.50`, `-1.5E-7` and the like.
    ///
    /// # Errors
    /// If it is not a decimal number, or is too long.
    pub fn read(text: &'a str) -> Result<Digits<'a>, Fault> {
        let wrong = || {
            let shown = shown(text);
            let message = format!("a decimal such as \"12.50\" was expected, and {shown:?} found");
            Fault::malformed(message)
        };
        if text.len() > MOST_DIGITS {
            return Err(Fault::too_large(format!(
                "a decimal has {} characters, the most are {MOST_DIGITS}",
                text.len()
            )));
        }
        let (is_negative, number) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (number, exponent) = match number.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().map_err(|_| wrong())?),
            None => (number, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = [whole, fraction].concat();
        if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        Ok(Digits {
            text,
            is_negative,
            digits,
            scale: fraction.len() as i64 - i64::from(exponent),
        })
    }

    /// How many of its digits are after the point.
    pub fn scale(&self) -> i64 {
        self.scale
    }

    /// The two's complement of the number times ten to the power of `scale`, the highest byte first
    /// and no longer than needed.
    ///
    /// # Errors
    /// When it has more digits after the point than `scale`, or more digits than `precision`.
    pub fn unscaled(self, scale: i64, precision: usize) -> Result<Vec<u8>, Fault> {
        let shown = shown(self.text);
        let refused = |why: &str| Err(Fault::malformed(format!("the decimal {shown:?} has {why}")));
        let is_zero = self.digits.bytes().all(|digit| digit == b'0');
        let digits = match scale.saturating_sub(self.scale) {
            _ if is_zero => "0".to_owned(),
            zeros @ 0.. if zeros <= MOST_DIGITS as i64 => self.digits + &"0".repeat(zeros as usize),
            0.. => return refused("more digits than the type"),
            fewer => {
                let fewer = usize::try_from(fewer.unsigned_abs()).unwrap_or(usize::MAX);
                let kept = self.digits.len().saturating_sub(fewer);
                let (kept, cut) = self.digits.split_at(kept);
                if cut.bytes().any(|digit| digit != b'0') {
                    let why = format!(
                        "more than {scale} digits after the point, and the type has no more"
                    );
                    return refused(&why);
                }
                kept.to_owned()
            }
        };
        let digits = digits.trim_start_matches('0');
        if digits.len() > precision {
            return refused(&format!(
                "more than {precision} digits, and the type has no more"
            ));
        }
        let bytes = magnitude(digits);
        Ok(match self.is_negative {
            true => negated(&bytes),
            false => bytes,
        })
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The bytes of a number without a sign, with room for one.
fn magnitude(digits: &str) -> Vec<u8> {
    // The lowest byte first.
    let mut bytes = vec![0_u8];
    for digit in digits.bytes() {
        let mut carry = u32::from(digit - b'0');
        for byte in &mut bytes {
            let sum = u32::from(*byte) * 10 + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        if carry > 0 {
            bytes.push(carry as u8);
        }
    }
    if bytes.last().is_some_and(|highest| *highest >= 0x80) {
        bytes.push(0);
    }
    bytes.reverse();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_has_its_digits(number: i128, scale in 0_i64..50) {
            let text = decimal(&number.to_be_bytes(), scale).unwrap();
            prop_assert_eq!(text.replace('.', "").parse::<i128>().unwrap(), number);
            let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            prop_assert_eq!(fraction as i64, scale);
        }
    }

    #[test]
    fn decimals_of_all_shapes() {
        for (bytes, scale, text) in [
            (&[][..], 2, "0.00"),
            (&[0x05], 2, "0.05"),
            (&[0xfb], 2, "-0.05"),
            (&[0x80], 0, "-128"),
            (&[0x00, 0x80], 1, "12.8"),
            (&[0x01], -3, "1E3"),
            (&[0x01], 5000, "1E-5000"),
            (&[0x01], i64::MIN, "1E9223372036854775808"),
        ] {
            assert_eq!(decimal(bytes, scale).unwrap(), text);
        }
        // 2 to the power of 2040, less one.
        let long = decimal(&[&[0][..], &[0xff; 255]].concat(), 0).unwrap();
        assert!(long.len() == 615 && long.ends_with("547775"), "{long}");
        assert!(decimal(&[1; 257], 0).is_err());
    }
}
