//! `RUST_LOG`: which events are logged.

use super::exit::Usage;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

const NAME: &str = "RUST_LOG";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The filter from the environment, or `default` if it is not set.
///
/// # Errors
/// The filter does not parse. Says what is wrong and where, since the library would log nothing.
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
        // The library ignores an empty part.
        _ if part.is_empty() => None,
        Err(error) => Some(error.to_string()),
        Ok(_) => meant(part).map(|level| format!("not a level; did you mean {level}?")),
    }
}

/// The level that a misspelt word is nearest to. The library takes every word for a target, and a
/// target that nothing logs to silences everything.
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
    fn an_error_names_the_part_and_its_position() {
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

    /// The library takes these for targets.
    #[test]
    fn a_misspelt_level_is_not_taken_for_a_target() {
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
