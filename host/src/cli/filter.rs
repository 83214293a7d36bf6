//! `RUST_LOG`: what is logged.

use super::exit::Usage;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

const NAME: &str = "RUST_LOG";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The filter of the environment; `default` where it has none.
///
/// # Errors
/// What is wrong with it, and where: with a filter that does not parse nothing would be logged.
pub(super) fn of_env(default: &str) -> anyhow::Result<EnvFilter> {
    let given = std::env::var_os(NAME).unwrap_or_default();
    let given = given.into_string();
    let given = given.map_err(|_| Usage(format!("{NAME} must be valid UTF-8")))?;
    match given.trim() {
        "" => Ok(EnvFilter::new(default)),
        given => Ok(parse(given)?),
    }
}

fn parse(given: &str) -> Result<EnvFilter, Usage> {
    let mut at = 1;
    for part in given.split(',') {
        if let Some(fault) = fault(part) {
            return Err(Usage(format!(
                "{NAME}: `{part}` at character {at}: {fault}; expected a level ({}) or \
                 target=level, separated by commas, for example info,librdkafka=debug",
                LEVELS.join(", ")
            )));
        }
        at += part.chars().count() + 1;
    }
    Ok(EnvFilter::new(given))
}

fn fault(part: &str) -> Option<String> {
    match part.parse::<Directive>() {
        // The library passes over it.
        _ if part.is_empty() => None,
        Err(error) => Some(error.to_string()),
        Ok(_) => meant(part).map(|level| format!("not a level; did you mean {level}?")),
    }
}

/// The level that a misspelt one was meant to be: to the library every word is a target, and one
/// that nothing logs to silences everything.
fn meant(part: &str) -> Option<&'static str> {
    let word = part.trim().to_lowercase();
    let near = |level: &&str| {
        let distance = strsim::damerau_levenshtein(&word, level);
        distance > 0 && distance <= level.len() / 4
    };
    let is_level = LEVELS.contains(&word.as_str());
    LEVELS.into_iter().find(|level| !is_level && near(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(given: &str) -> String {
        parse(given).expect_err(given).to_string()
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let loud = wrong("info,millstream=loud");
        assert!(
            loud.starts_with("RUST_LOG: `millstream=loud` at character 6: "),
            "{loud}"
        );
        assert!(
            loud.contains("expected a level (off, error, warn,"),
            "{loud}"
        );
        assert!(wrong("millstream=debug=info").contains("`millstream=debug=info`"));
    }

    /// To the library these are targets.
    #[test]
    fn a_misspelt_level_is_no_target() {
        for (given, meant) in [
            ("debgu", "debug"),
            ("warn,inf", "info"),
            ("WARM", "warn"),
            ("traec", "trace"),
        ] {
            let problem = wrong(given);
            assert!(
                problem.contains(&format!("did you mean {meant}?")),
                "{problem}"
            );
        }
        for good in [
            "info",
            "INFO",
            "4",
            "h2",
            "mio",
            "redis",
            "off,librdkafka=debug",
            "hyper=trace",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
    }
}
