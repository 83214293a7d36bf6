//! The generated bindings, one module per world. Not for authors: the macros
//! export them, and the traits' drivers convert.

/// Bindings of `transform-plugin`.
#[allow(
    missing_docs,
    reason = "generated from wit/plugin.wit, which is documented"
)]
pub mod transform {
    wit_bindgen::generate!({
        path: "wit",
        world: "transform-plugin",
        pub_export_macro: true,
        export_macro_name: "export_transform",
        default_bindings_module: "millstream_plugin::abi::transform",
        runtime_path: "millstream_plugin::abi::rt",
    });
}

/// Bindings of `stateful-transform-plugin`.
#[allow(
    missing_docs,
    reason = "generated from wit/plugin.wit, which is documented"
)]
pub mod stateful {
    wit_bindgen::generate!({
        path: "wit",
        world: "stateful-transform-plugin",
        pub_export_macro: true,
        export_macro_name: "export_stateful",
        default_bindings_module: "millstream_plugin::abi::stateful",
        runtime_path: "millstream_plugin::abi::rt",
        with: { "millstream:plugin/types@0.1.0": crate::abi::transform::millstream::plugin::types },
    });
}

/// Bindings of `route-plugin`.
#[allow(
    missing_docs,
    reason = "generated from wit/plugin.wit, which is documented"
)]
pub mod route {
    wit_bindgen::generate!({
        path: "wit",
        world: "route-plugin",
        pub_export_macro: true,
        export_macro_name: "export_route",
        default_bindings_module: "millstream_plugin::abi::route",
        runtime_path: "millstream_plugin::abi::rt",
        with: { "millstream:plugin/types@0.1.0": crate::abi::transform::millstream::plugin::types },
    });
}

/// Bindings of `dead-letter-plugin`.
#[allow(
    missing_docs,
    reason = "generated from wit/plugin.wit, which is documented"
)]
pub mod dead_letter {
    wit_bindgen::generate!({
        path: "wit",
        world: "dead-letter-plugin",
        pub_export_macro: true,
        export_macro_name: "export_dead_letter",
        default_bindings_module: "millstream_plugin::abi::dead_letter",
        runtime_path: "millstream_plugin::abi::rt",
        with: { "millstream:plugin/types@0.1.0": crate::abi::transform::millstream::plugin::types },
    });
}

pub use transform::millstream::plugin::types::{Event, Failure, Header, KafkaRecord, Origin, Span};
pub use transform::millstream::plugin::{clock, log};
pub use wit_bindgen::rt;
