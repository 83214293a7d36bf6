//! The one wasmtime engine and its epoch clock.

use super::meter::Meter;
use std::time::Duration;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often a running plugin's CPU time is checked.
const TICK: Duration = Duration::from_millis(10);

/// The largest configurable memory of a plugin, in bytes.
pub const MEMORY_MAX: usize = 1 << 30;

/// The most core instances of one component: componentised Python has about
/// twenty. Only a number in the pool, so it costs nothing.
const CORE_INSTANCES: u32 = 40;
/// The most tables of one component, each 800 KB of address space in the pool.
const TABLES: u32 = 6;

/// The settings that compiled code depends on. The child that compiles and the
/// process that runs it must agree.
pub(super) fn compile_config(meter: Meter) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(meter == Meter::Instructions)
        .epoch_interruption(true)
        // Plugins are synchronous; with it a call costs four times as much.
        .concurrency_support(false)
        // The same record must give the same bytes on every machine.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .max_wasm_stack(512 << 10);
    config
}

/// Makes the engine that runs plugins, with room for `instances` at a time, and
/// starts the clock that checks their CPU time.
pub(super) fn running(
    instances: u32,
    memory: usize,
    meter: Meter,
) -> anyhow::Result<wasmtime::Engine> {
    let mut pool = PoolingAllocationConfig::new();
    // A component made from a core module has up to three core instances: the
    // module, and two small ones that wit-component adds. Components of other
    // languages have more. The pool has room for the most of each, so that no
    // instance is refused because of others.
    pool.total_component_instances(instances)
        .total_core_instances(instances * CORE_INSTANCES)
        .total_memories(instances)
        .total_tables(instances * TABLES)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(1)
        .max_tables_per_component(TABLES)
        .max_memory_size(memory)
        .table_elements(100_000);
    let mut config = compile_config(meter);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = wasmtime::Engine::new(&config)?;
    start_clock(&engine)?;
    Ok(engine)
}

/// Ticks the engine's epoch until the engine is gone.
fn start_clock(engine: &wasmtime::Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new()
        .name("epoch".into())
        .spawn(tick)
        .map(drop)
}
