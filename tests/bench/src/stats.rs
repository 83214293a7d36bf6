//! Medians and spread of a few rounds.

use serde::Serialize;

/// What several rounds gave.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Spread {
            median,
            min: values[0],
            max: values[values.len() - 1],
        }
    }

    /// The median, and the least and the most.
    pub fn shown(&self, decimals: usize) -> String {
        let Spread { median, min, max } = self;
        format!("{median:.decimals$} ({min:.decimals$}..{max:.decimals$})")
    }
}

/// What was measured several times.
#[derive(Serialize)]
pub struct Figure {
    what: String,
    unit: &'static str,
    #[serde(flatten)]
    spread: Spread,
    rounds: Vec<f64>,
}

impl Figure {
    /// Of at least one round.
    pub fn of(what: impl Into<String>, unit: &'static str, rounds: Vec<f64>) -> Figure {
        Figure {
            what: what.into(),
            unit,
            spread: Spread::of(rounds.iter().copied()),
            rounds,
        }
    }

    /// A line of a table.
    pub fn shown(&self) -> String {
        let decimals = match self.spread.median {
            large if large >= 100.0 => 0,
            _ => 3,
        };
        let Figure {
            what, unit, spread, ..
        } = self;
        format!("{what:<56}{:>28} {unit}", spread.shown(decimals))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        let of = |values: &[f64]| Spread::of(values.iter().copied());
        let spread = of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((spread.median, spread.min, spread.max), (2.5, 1.0, 4.0));
        assert_eq!(of(&[3.0, 1.0, 9.0]).median, 3.0);
    }
}
