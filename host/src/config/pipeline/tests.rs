use crate::config::fixture::GOOD;
use crate::config::{Role, parse};
use std::path::Path;

#[test]
fn two_pipelines_of_one_group_can_not_read_the_same_topic() {
    let second = "\n[[pipeline]]\nname = \"b\"\ntopics = [\"notifications\"]\n";
    let text = format!("{GOOD}{second}");
    let error = parse(Path::new("m.toml"), &text, Role::All)
        .err()
        .expect("shared")
        .to_string();
    assert!(
        error.contains("give one of them another group-id"),
        "{error}"
    );
    let text = format!("{GOOD}{second}group-id = \"other\"\n");
    assert!(parse(Path::new("m.toml"), &text, Role::All).is_ok());
}
