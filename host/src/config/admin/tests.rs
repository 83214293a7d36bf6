use crate::auth::SecretSettings;
use crate::config::fixture::GOOD;
use crate::config::{Role, parse};
use std::path::{Path, PathBuf};

#[test]
fn the_admin_token_is_long_and_in_one_place() {
    let admin = |lines: &str| {
        let text = format!("{GOOD}\n[admin]\n{lines}\n");
        let settings = parse(Path::new("/etc/m.toml"), &text, Role::All);
        settings.map(|s| s.admin_token).map_err(|e| e.to_string())
    };
    assert!(matches!(admin(""), Ok(None)));
    let long = "0123456789abcdef";
    let given = admin(&format!("token = \"{long}\""));
    assert!(matches!(given, Ok(Some(SecretSettings::Given(token))) if token == long));
    let file = admin("token-file = \"secret\"");
    let path = PathBuf::from("/etc/secret");
    assert!(matches!(file, Ok(Some(SecretSettings::File(file))) if file == path));
    for wrong in ["", &long[1..], "0123456789 abcdef", "0123456789abcd\u{e9}f"] {
        let error = admin(&format!("token = \"{wrong}\"")).err().expect(wrong);
        assert!(error.contains("at least 16 characters"), "{error}");
        assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
    }
    let both = admin(&format!("token = \"{long}\"\ntoken-file = \"secret\"")).err();
    assert!(both.expect("both").contains("either token or token-file"));
}
