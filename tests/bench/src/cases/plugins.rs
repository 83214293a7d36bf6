//! The boundary, and each bundled transform beside its native twin: the same code over the same
//! batch, without wasm.

use super::{Case, Setup, records};
use anyhow::{Context, Result, anyhow, bail};
use by_field::ByField;
use millstream::plugin::{
    AnyPlugin, CallError, Capabilities, Limits, Loader, NoState, PluginKind, Source, Spec,
    TransformInstance, Turn,
};
use millstream::record::{self, Batch};
use millstream_plugin::testing::TransformTest;
use millstream_plugin::{Transform, abi};
use notifications::Notifications;
use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;
use task_results::TaskResults;

const RECORDS: usize = 256;
/// Instances at a time. Each takes 4 GiB of addresses, and Valgrind has few.
const INSTANCES: u32 = 8;

/// All cases with plugins.
pub fn all(setup: &Setup) -> Result<Vec<Case>> {
    let loader = Loader::new(INSTANCES, 64 << 20, &setup.cache)?;
    let loader = loader.compiled_by(setup.compiler.clone());
    let mut cases = Vec::new();
    let nothing = transform(&loader, Source::File(setup.nothing.clone()))?;
    for count in [1, 16, 256, 1024] {
        cases.push(engine(format!("boundary/{count:04}"), &nothing, count));
    }
    for name in ["by-field", "notifications", "task-results"] {
        let transform = transform(&loader, Source::Bundled(name))?;
        cases.push(engine(
            format!("transform/{name}/wasm"),
            &transform,
            RECORDS,
        ));
    }
    for name in ["by-type", "per-client"] {
        cases.push(route(&loader, name)?);
    }
    cases.push(native::<ByField>("by-field")?);
    cases.push(native::<Notifications>("notifications")?);
    cases.push(native::<TaskResults>("task-results")?);
    Ok(cases)
}

/// Loaded without the tests that a plugin passes before it goes live.
fn load(loader: &Loader, source: Source, kind: PluginKind) -> Result<AnyPlugin> {
    let wasm = source.read()?;
    let spec = Spec {
        source,
        config: serde_json::json!({}),
        limits: Limits {
            // Counting makes a plugin fifty times slower.
            cpu_per_batch: Duration::from_secs(600),
            ..Limits::default()
        },
        granted: Capabilities::default(),
        fixtures: None,
    };
    let name = spec.source.name();
    let loaded = loader.load(&spec, wasm, Some(kind));
    loaded.with_context(|| format!("can't load {name}"))
}

fn started<T>(instance: Result<T, CallError>) -> Result<T> {
    instance.map_err(|error| anyhow!("it can't start: {}", error.message))
}

/// Cases may share an instance.
type Shared<T> = Rc<RefCell<T>>;

fn transform(loader: &Loader, source: Source) -> Result<Shared<TransformInstance>> {
    match load(loader, source, PluginKind::Transform)? {
        AnyPlugin::Transform(transform) => {
            let instance = started(transform.instance())?;
            Ok(Rc::new(RefCell::new(instance)))
        }
        other => bail!("it is a {} plugin", other.kind().name()),
    }
}

/// A whole call, with all checks of its answer.
fn engine(name: String, transform: &Shared<TransformInstance>, count: usize) -> Case {
    let (batch, transform) = (records::batch(count), transform.clone());
    Case::new(name, count, move || {
        let mut transform = transform.borrow_mut();
        let made = transform.run(&batch, 0..count, &mut NoState, &Turn::default());
        assert!(made.failures.is_empty(), "{:?}", made.failures);
        black_box(made);
    })
}

/// A whole call about the events of a batch.
fn route(loader: &Loader, name: &'static str) -> Result<Case> {
    let AnyPlugin::Route(route) = load(loader, Source::Bundled(name), PluginKind::Route)? else {
        bail!("{name} is not a route");
    };
    let mut route = started(route.instance())?;
    let batch = records::batch(RECORDS);
    let transform = transform(loader, Source::Bundled("by-field"))?;
    let made = transform
        .borrow_mut()
        .run(&batch, 0..RECORDS, &mut NoState, &Turn::default());
    Ok(Case::new(format!("route/{name}"), RECORDS, move || {
        let routed = route.run(&batch, &made.events, &[], &Turn::default());
        assert!(routed.failures.is_empty(), "{:?}", routed.failures);
        black_box(routed);
    }))
}

fn native<T: Transform>(name: &str) -> Result<Case> {
    let plugin = TransformTest::<T>::new("{}").map_err(anyhow::Error::msg)?;
    let Flat {
        batch,
        origin,
        records,
        headers,
    } = Flat::of(records::batch(RECORDS));
    let run = move || {
        let plugin = plugin.plugin();
        let answer =
            millstream_plugin::run_transform(plugin, &batch.arena, origin, &records, &headers);
        assert!(answer.failures.is_empty());
        black_box(answer);
    };
    Ok(Case::new(format!("transform/{name}/native"), RECORDS, run))
}

/// A batch with its records as plugins have them.
struct Flat {
    batch: Batch,
    origin: abi::Origin,
    records: Vec<abi::KafkaRecord>,
    headers: Vec<abi::Header>,
}

impl Flat {
    fn of(batch: Batch) -> Flat {
        let record = |r: &record::KafkaRecord| abi::KafkaRecord {
            offset: r.offset,
            timestamp: r.timestamp,
            key: span(r.key),
            value: span(r.value),
            first_header: r.first_header,
            header_count: r.header_count,
        };
        let header = |h: &record::Header| abi::Header {
            name: span(h.name),
            value: span(h.value),
        };
        Flat {
            origin: abi::Origin {
                topic: span(batch.topic),
                partition: batch.origin.partition,
            },
            records: batch.records.iter().map(record).collect(),
            headers: batch.headers.iter().map(header).collect(),
            batch,
        }
    }
}

fn span(span: record::Span) -> abi::Span {
    abi::Span {
        start: span.start,
        length: span.length,
    }
}
