use crate::config::fixture::GOOD;
use crate::config::{Role, parse};
use std::path::Path;

/// The topics that a pipeline with these lines grants, or the error.
fn granted(lines: &str, rest: &str) -> Result<Vec<String>, String> {
    let pipeline = format!("topics = [\"notifications\"]\n{lines}");
    let text = GOOD.replace("topics = [\"notifications\"]", &pipeline) + rest;
    let settings = parse(Path::new("m.toml"), &text, Role::All).map_err(|e| e.to_string())?;
    Ok(settings.pipelines[0].output_topics.clone())
}

const TASKS: &str =
    "[tasks]\nrequest-topic = \"requests\"\n[http]\npresence-topic = \"presence\"\n";

#[test]
fn a_pipeline_grants_output_topics_and_its_dead_letter_topics() {
    assert_eq!(granted("", "").expect("good"), ["notifications-dlq"]);
    let two = granted("output-topics = [\"a\", \"b\"]", "").expect("good");
    assert_eq!(two, ["a", "b", "notifications-dlq"]);
    // One input is the dead-letter topic of the other: only the default of the policy writes there.
    let both = GOOD.replace("[\"notifications\"]", "[\"t\", \"t-dlq\"]");
    let settings = parse(Path::new("m.toml"), &both, Role::All).expect("good");
    assert_eq!(settings.pipelines[0].output_topics, ["t-dlq-dlq"]);
}

#[test]
fn an_input_of_the_pipeline_is_never_granted() {
    let by_type = "plugin = \"bundled:by-type\"\nconfig";
    let policy = "plugin = \"bundled:retry-then-topic\"\nconfig";
    for lines in [
        "output-topics = [\"notifications\"]".to_owned(),
        format!("[pipeline.route]\n{by_type} = {{ default = {{ topic = \"notifications\" }} }}"),
        format!("[pipeline.route]\n{by_type} = {{ types = {{ a = {{ topic = \"notifications\" }} }} }}"),
        format!("[pipeline.dead-letter]\n{policy} = {{ topic = \"notifications\" }}"),
        format!("[pipeline.dead-letter]\n{policy} = {{ reroute = {{ trap = \"notifications\" }} }}"),
        "[pipeline.dead-letter]\nplugin = \"bundled:json-envelope\"\nconfig = { topic = \"notifications\" }"
            .to_owned(),
    ] {
        let line = 8 + lines.lines().count();
        let error = granted(&lines, "").expect_err(&lines);
        assert!(error.starts_with(&format!("m.toml:{line}: ")), "{error}");
        assert!(error.contains("the pipeline reads `notifications`"), "{error}");
    }
}

#[test]
fn reserved_topics_are_never_granted() {
    for (topic, key) in [
        ("requests", "[tasks] request-topic"),
        ("presence", "[http] presence-topic"),
    ] {
        let lines = format!("output-topics = [\"{topic}\"]");
        let error = granted(&lines, TASKS).expect_err(topic);
        assert!(
            error.starts_with("m.toml:9: ") && error.contains(key),
            "{error}"
        );
        assert!(granted(&lines, "").is_ok());
    }
    let letters = TASKS.replace("requests", "notifications-dlq");
    let error = granted("", &letters).expect_err("its dead letters would be tasks");
    assert!(
        error.starts_with("m.toml:8: ") && error.contains("dead letters"),
        "{error}"
    );
}
