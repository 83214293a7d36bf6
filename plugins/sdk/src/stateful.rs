//! A transform that keeps values under keys.

mod keys;
mod state;

pub use keys::Keys;
pub use state::State;

use crate::abi::stateful::exports::millstream::plugin::stateful_transform as wire;
use crate::abi::transform::exports::millstream::plugin::transform as plain;
use crate::abi::{Header, KafkaRecord, Origin};
use crate::transform::{Events, fail};
use crate::{Config, Failure, Record};
use state::Values;

/// A plugin that makes events of records and of what it kept of earlier ones. It
/// needs the capability `keyvalue`: `capabilities = ["keyvalue"]` in the plugin's
/// table of the configuration.
///
/// Values are kept in the pipeline's store under keys of one partition, and stored
/// in the same transaction as the events of the batch: whatever crashes, it is as if
/// each record had been processed once. So all records that share a key must be in
/// one partition, as Kafka's producers do for records with the same key.
///
/// The host asks for the [`keys`](StatefulTransform::keys) of a whole batch first, and
/// reads their values at once. Like [`Transform`](crate::Transform), it must keep
/// nothing in itself.
///
/// ```
/// use millstream_plugin::{
///     Config, Events, Failure, Keys, Record, State, StatefulTransform, stateful_transform,
/// };
///
/// /// Tells a client how many orders it has made.
/// struct Count;
///
/// impl StatefulTransform for Count {
///     fn new(config: Config) -> Result<Self, String> {
///         config.none().map(|()| Count)
///     }
///
///     fn keys(&self, record: Record, keys: &mut Keys) {
///         keys.extend(record.key());
///     }
///
///     fn transform(
///         &self,
///         record: Record,
///         state: &mut State,
///         events: &mut Events,
///     ) -> Result<(), Failure> {
///         let Some(customer) = record.key() else {
///             return Err(Failure::unaddressable("the record has no key"));
///         };
///         let count = state.json::<u64>(customer)?.unwrap_or(0) + 1;
///         state.set_json(customer, &count)?;
///         events.client(&String::from_utf8_lossy(customer)).kind("orders").json(&count)
///     }
/// }
///
/// stateful_transform!(Count);
///
/// use millstream_plugin::testing::{StatefulTest, TestRecord};
/// let mut count = StatefulTest::<Count>::new("{}").unwrap();
/// let order = TestRecord::value("{}").key("ada");
/// assert_eq!(count.one(order.clone()).unwrap()[0].payload, "1");
/// assert_eq!(count.one(order).unwrap()[0].payload, "2");
/// ```
pub trait StatefulTransform: Sized + 'static {
    /// Makes an instance from the plugin's configuration table.
    ///
    /// # Errors
    /// A message for people: the plugin does not go live.
    fn new(config: Config) -> Result<Self, String>;

    /// Names every key that the record may read or write. It is called for the whole
    /// batch before any value is known. A record that can't be read names none.
    fn keys(&self, record: Record, keys: &mut Keys);

    /// Adds the events of one record to `events`, and reads and writes its keys in
    /// `state`. Records after it see what it wrote.
    ///
    /// # Errors
    /// The record fails: none of its events and none of its values is stored.
    fn transform(
        &self,
        record: Record,
        state: &mut State,
        events: &mut Events,
    ) -> Result<(), Failure>;
}

/// Names the keys of a batch. For the macro and for tests.
#[doc(hidden)]
pub fn keys<T: StatefulTransform>(
    plugin: &T,
    arena: &[u8],
    origin: Origin,
    records: &[KafkaRecord],
    headers: &[Header],
) -> wire::NamedKeys {
    let mut answer = wire::NamedKeys {
        arena: Vec::new(),
        keys: Vec::with_capacity(records.len()),
    };
    for (index, record) in records.iter().enumerate() {
        crate::panic::set_record(index as u32);
        let view = Record {
            arena,
            origin,
            record,
            headers,
        };
        plugin.keys(view, &mut Keys::new(index as u32, &mut answer));
    }
    answer
}

/// Runs a plugin over a batch. For the macro and for tests.
#[doc(hidden)]
pub fn run<T: StatefulTransform>(
    plugin: &T,
    arena: &[u8],
    origin: Origin,
    records: &[KafkaRecord],
    headers: &[Header],
    state: &wire::State,
) -> wire::Answer {
    let mut answer = plain::Answer {
        arena: Vec::with_capacity(arena.len()),
        events: Vec::with_capacity(records.len()),
        failures: Vec::new(),
    };
    let mut values = Values::new(state);
    for (index, record) in records.iter().enumerate() {
        let index = index as u32;
        crate::panic::set_record(index);
        let before = (answer.arena.len(), answer.events.len());
        let view = Record {
            arena,
            origin,
            record,
            headers,
        };
        let mut own = values.begin(index);
        let mut events = Events::new(index, &mut answer);
        if let Err(failure) = plugin.transform(view, &mut own, &mut events) {
            values.undo();
            answer.arena.truncate(before.0);
            answer.events.truncate(before.1);
            fail(&mut answer, index, &failure);
        }
    }
    let plain::Answer {
        mut arena,
        events,
        failures,
    } = answer;
    let writes = values.end(&mut arena);
    wire::Answer {
        arena,
        events,
        failures,
        writes,
    }
}

/// Exports a type that implements [`StatefulTransform`] as the crate's plugin. Use it
/// once per crate.
#[macro_export]
macro_rules! stateful_transform {
    ($plugin:ty) => {
        const _: () = {
            use $crate::abi::stateful::exports::millstream::plugin::stateful_transform as wire;
            #[allow(dead_code, reason = "exported where it is built for wasm only")]
            struct Exported;
            ::std::thread_local! {
                static PLUGIN: $crate::Slot<$plugin> = const { $crate::Slot::new() };
            }
            impl wire::Guest for Exported {
                fn configure(config: String) -> Result<(), String> {
                    #[cfg(target_arch = "wasm32")]
                    $crate::panic::install(|record, message| {
                        $crate::abi::stateful::millstream::plugin::diagnostics::panicked(
                            record, message,
                        )
                    });
                    let config = $crate::Slot::<$plugin>::config(&config);
                    let plugin = <$plugin as $crate::StatefulTransform>::new(config)?;
                    PLUGIN.with(|slot| slot.set(plugin));
                    Ok(())
                }
                fn keys(
                    arena: Vec<u8>,
                    origin: $crate::abi::Origin,
                    records: Vec<$crate::abi::KafkaRecord>,
                    headers: Vec<$crate::abi::Header>,
                ) -> wire::NamedKeys {
                    PLUGIN.with(|slot| {
                        $crate::stateful_keys(slot.get(), &arena, origin, &records, &headers)
                    })
                }
                fn run(
                    arena: Vec<u8>,
                    origin: $crate::abi::Origin,
                    records: Vec<$crate::abi::KafkaRecord>,
                    headers: Vec<$crate::abi::Header>,
                    state: wire::State,
                ) -> wire::Answer {
                    PLUGIN.with(|slot| {
                        $crate::run_stateful(slot.get(), &arena, origin, &records, &headers, &state)
                    })
                }
            }
            // Natively nothing is exported; this avoids warnings about unused code.
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn(String) -> Result<(), String> = <Exported as wire::Guest>::configure;
            #[cfg(target_arch = "wasm32")]
    $crate::abi::stateful::export_stateful!(Exported with_types_in $crate::abi::stateful);
        };
        // For `millstream plugin debug`, whose tests are outside of the crate.
        #[cfg(not(target_arch = "wasm32"))]
        #[doc(hidden)]
        pub fn __millstream_transform(
            config: &str,
        ) -> ::std::result::Result<$crate::testing::NativeTransform, ::std::string::String> {
            $crate::testing::NativeTransform::stateful::<$plugin>(config)
        }
    };
}
