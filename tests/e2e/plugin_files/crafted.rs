//! Handmade files that are not plugins.

use std::fs;
use std::path::Path;

/// A component with a transform's export and an import that is not granted.
pub fn importing_component() -> Vec<u8> {
    let text = r#"(component
        (import "wasi:cli/environment@0.2.0" (instance
            (export "get-arguments" (func (result (list string))))))
        (instance $empty)
        (export "millstream:plugin/transform@0.1.0" (instance $empty)))"#;
    wat::parse_str(text).expect("a valid component")
}

/// A core module as other tools make them.
pub fn importing_module() -> Vec<u8> {
    let text = r#"(module
        (import "env" "abort" (func))
        (memory (export "memory") 1)
        (func (export "run") call 0))"#;
    wat::parse_str(text).expect("a valid module")
}

/// One with an import whose name has 99,000 bytes.
pub fn module_with_a_long_name() -> Vec<u8> {
    let name = "n".repeat(99_000);
    let text = format!(r#"(module (import "env" "{name}" (func)))"#);
    wat::parse_str(text).expect("a valid module")
}

/// A module with random bytes as the metadata that a component is made from.
pub fn module_with_noise() -> Vec<u8> {
    let section = [b"\x0ecomponent-type", &*noise(80)].concat();
    let mut module = importing_module();
    module.extend([0, u8::try_from(section.len()).unwrap()]);
    module.extend(section);
    module
}

/// A component that has only the name of the right export.
pub fn hollow_component() -> Vec<u8> {
    let text = r#"(component
        (instance $empty)
        (export "millstream:plugin/transform@0.1.0" (instance $empty)))"#;
    wat::parse_str(text).expect("a valid component")
}

/// An interface version that this host does not know.
pub fn other_interface() -> Vec<u8> {
    let text = r#"(component
        (instance $empty)
        (export "millstream:plugin/transform@0.0.9" (instance $empty)))"#;
    wat::parse_str(text).expect("a valid component")
}

/// Eighty-five kilobytes that exhaust a compiler: branches out of a thousand nested blocks, each
/// with a thousand values, twenty thousand times.
pub fn compile_bomb() -> Vec<u8> {
    const DEPTH: usize = 1000;
    const TABLES: usize = 20;
    let (values, zeros) = ("i32 ".repeat(DEPTH), "i32.const 0 ".repeat(DEPTH));
    let targets: Vec<_> = (1..=DEPTH).map(|n| n.to_string()).collect();
    let targets = targets.join(" ");
    let jump = format!("local.get 0 if {zeros} local.get 0 br_table {targets} 1 end ");
    let text = format!(
        "(component (core module (type $many (func (result {values}))) (func (local i32)
            {} {zeros} {} {} {})))",
        "block (type $many) ".repeat(DEPTH),
        jump.repeat(TABLES),
        "end ".repeat(DEPTH),
        "drop ".repeat(DEPTH)
    );
    wat::parse_str(text).expect("a valid component")
}

/// Random bytes, the same in each run.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

pub fn huge_file(path: &Path) {
    let aside = path.with_extension("new");
    fs::File::create(&aside)
        .unwrap()
        .set_len(100 << 20)
        .unwrap();
    fs::rename(aside, path).unwrap();
}

/// A component of this module with this many additional core instances of an empty module.
pub fn crowded(module: &[u8], more: u32) -> Vec<u8> {
    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";
    let encoder = wit_component::ComponentEncoder::default();
    let encoder = encoder.module(module).expect("a plugin's module");
    let mut component = { encoder }.encode().expect("a plugin's module");
    // Modules are numbered in order, and each is a section.
    let number = u32::try_from(modules(&component)).unwrap();
    section(&mut component, 1, EMPTY);
    let mut instances = Vec::new();
    leb128(&mut instances, more);
    for _ in 0..more {
        instances.push(0); // an instance of a module,
        leb128(&mut instances, number);
        instances.push(0); // without arguments
    }
    section(&mut component, 2, &instances);
    component
}

fn section(component: &mut Vec<u8>, id: u8, content: &[u8]) {
    component.push(id);
    leb128(component, u32::try_from(content.len()).unwrap());
    component.extend(content);
}

/// The number of module sections in a component.
fn modules(component: &[u8]) -> usize {
    let (mut at, mut count) = (8, 0);
    while at < component.len() {
        count += usize::from(component[at] == 1);
        let (mut length, mut shift) = (0, 0);
        loop {
            at += 1;
            length |= usize::from(component[at] & 0x7f) << shift;
            shift += 7;
            if component[at] < 0x80 {
                break;
            }
        }
        at += 1 + length;
    }
    count
}

fn leb128(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
