//! The generated bindings of the functions that plugins import.

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package millstream:host;
        world imports {
            import millstream:plugin/diagnostics@0.1.0;
            import millstream:plugin/log@0.1.0;
            import millstream:plugin/clock@0.1.0;
        }
    ",
    world: "millstream:host/imports",
});

pub use self::millstream::plugin::{clock, diagnostics, log};
