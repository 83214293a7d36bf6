use crate::config::fixture::refused;

#[test]
fn an_unknown_bundled_plugin_names_the_nearest() {
    let transform = "name = \"n\"\ntransform = { plugin = \"bundled:notification\" }";
    refused(
        "name = \"notifications\"",
        transform,
        8,
        &["did you mean `bundled:notifications`?"],
    );
}
