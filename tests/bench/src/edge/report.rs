//! Rows of measurements.

use crate::results::Output;
use anyhow::Result;
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::time::Duration;

/// Prints each measurement, and keeps it for the file of results.
pub struct Report<'a> {
    output: &'a Output,
    /// The column names of the row before, which are not repeated.
    columns: RefCell<Vec<&'static str>>,
    rows: RefCell<Vec<Value>>,
}

/// One measurement: names with their units, as the table and the JSON have them.
pub struct Row {
    cells: Vec<(&'static str, Value, String)>,
}

impl Report<'_> {
    pub fn new(output: &Output) -> Report<'_> {
        Report {
            output,
            columns: RefCell::default(),
            rows: RefCell::default(),
        }
    }

    /// Writes the file of results.
    pub fn keep(&self, what: &str) -> Result<()> {
        let rows = self.rows.take();
        self.output.keep(what, &Value::Array(rows))
    }

    pub fn tell(&self, row: &Row) {
        let cells = row.cells.iter();
        let object: Map<_, _> = cells
            .map(|(name, value, _)| ((*name).into(), value.clone()))
            .collect();
        let object = Value::Object(object);
        self.output.object(&object);
        self.rows.borrow_mut().push(object);
        let names: Vec<_> = row.cells.iter().map(|(name, ..)| *name).collect();
        if *self.columns.borrow() != names {
            let head: Vec<String> = names.iter().map(|name| format!("{name:>9}")).collect();
            self.output.line(&head.join("  "));
            *self.columns.borrow_mut() = names;
        }
        let cell =
            |(name, _, shown): &(&str, Value, String)| format!("{shown:>0$}", name.len().max(9));
        let cells: Vec<String> = row.cells.iter().map(cell).collect();
        self.output.line(&cells.join("  "));
    }
}

impl Row {
    pub fn of(what: &str) -> Row {
        Row { cells: vec![] }.text("what", what)
    }

    pub fn text(mut self, name: &'static str, text: &str) -> Row {
        self.cells.push((name, json!(text), text.to_owned()));
        self
    }

    pub fn count(mut self, name: &'static str, count: u64) -> Row {
        self.cells.push((name, json!(count), count.to_string()));
        self
    }

    pub fn number(mut self, name: &'static str, number: f64, decimals: usize) -> Row {
        self.cells
            .push((name, json!(number), format!("{number:.decimals$}")));
        self
    }

    pub fn millis(self, name: &'static str, time: Duration) -> Row {
        self.number(name, time.as_secs_f64() * 1e3, 1)
    }

    pub fn mebibytes(self, name: &'static str, bytes: u64) -> Row {
        self.number(name, bytes as f64 / f64::from(1 << 20), 1)
    }

    /// In microseconds.
    pub fn latencies(self, latencies: &Histogram<u64>) -> Row {
        let at = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
        self.number("p50_ms", at(0.5), 2)
            .number("p99_ms", at(0.99), 2)
            .number("p99.9_ms", at(0.999), 2)
            .number("max_ms", latencies.max() as f64 / 1e3, 1)
    }
}
