use crate::http::get;
use std::collections::BTreeMap;

/// The samples of one scrape: `name{labels}` as written, and the value.
#[derive(Clone, Debug)]
pub struct Metrics(pub BTreeMap<String, f64>);

/// Scrapes `/metrics` at this admin address.
pub fn metrics(admin: &str) -> Metrics {
    let answer = get(admin, "/metrics");
    assert_eq!(answer.status, 200, "{}", answer.text());
    Metrics::parse(&answer.text())
}

impl Metrics {
    /// Parses the Prometheus text format.
    pub fn parse(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        Metrics(samples.filter_map(sample).collect())
    }

    /// The sum over all series of this name with all of these labels (`stage="store"`); 0 if there
    /// are none.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let of_name = |series: &str| series.split('{').next() == Some(name);
        let fits = |series: &str| of_name(series) && labels.iter().all(|l| series.contains(l));
        let fitting = self.0.iter().filter(|(series, _)| fits(series));
        fitting.fold(0.0, |sum, (_, value)| sum + value)
    }
}

/// A label's value may contain spaces and `}`; the value and a timestamp follow the last `}`.
fn sample(line: &str) -> Option<(String, f64)> {
    let end = line
        .rfind('}')
        .map_or_else(|| line.find(' '), |end| Some(end + 1))?;
    let (series, rest) = line.split_at(end);
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((series.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_and_summed_by_label() {
        let text = "# TYPE a counter\na{x=\"1 }\",y=\"2\"} 3\na{x=\"2\"} 4 1700000000\nab 5\n\n";
        let metrics = Metrics::parse(text);
        assert_eq!(metrics.0["a{x=\"1 }\",y=\"2\"}"].to_string(), "3");
        assert_eq!(metrics.sum("a", &[]).to_string(), "7");
        assert_eq!(metrics.sum("a", &["x=\"2\""]).to_string(), "4");
        assert_eq!(metrics.sum("none", &[]).to_string(), "0");
    }
}
