//! The command that repairs halted partitions, ready to paste.

use crate::pipeline::settings::PipelineSettings;

/// The command that sets the next offset of a topic's halted partitions, with its
/// offset spec and whether it takes over the ledgers of another cluster.
pub(in crate::pipeline) fn command(
    settings: &PipelineSettings,
    topic: &str,
    (to, force): (&str, bool),
) -> String {
    let file = std::path::absolute(&settings.file).unwrap_or_else(|_| settings.file.clone());
    let file = quoted(&file.to_string_lossy());
    let name = &settings.name;
    let force = if force { " --force" } else { "" };
    format!(
        "millstream offsets set -c {file} --pipeline {name} --topic {topic} --halted --to {to}{force}"
    )
}

/// Quotes a word for a shell. Names of pipelines and topics need no quotes.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%,".contains(c);
    match word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_is_quoted_as_one_word_of_a_shell() {
        assert_eq!(quoted("/etc/millstream.toml"), "/etc/millstream.toml");
        assert_eq!(quoted("/my files/a.toml"), "'/my files/a.toml'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$(x)"), "'$(x)'");
    }
}
