//! The configuration of topics.

use crate::kafka::cluster_error::{Doing, nearest};
use crate::kafka::native::ask::{Code, Op, text};
use crate::kafka::native::call::{Owned, list, name};
use crate::kafka::{ClusterError, Connection};
use rdkafka::bindings as sys;
use std::ffi::CString;
use std::ptr;
use sys::rd_kafka_AlterConfigOpType_t as Change;
use sys::rd_kafka_ConfigSource_t as Source;

/// A setting of a topic.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name.
    pub name: String,
    /// Its value; `None` if Kafka does not reveal it.
    pub value: Option<String>,
    /// Where the value comes from: `topic`, `broker`, `cluster` or `default`.
    pub source: &'static str,
}

/// A change of one setting; settings that are not named stay as they are.
#[derive(Clone, Debug)]
pub enum ConfigChange {
    /// Set this value.
    Set(String, String),
    /// Reset to the default.
    Unset(String),
    /// Add these to a list.
    Append(String, String),
    /// Remove these from a list.
    Subtract(String, String),
}

impl ConfigChange {
    fn parts(&self) -> (&str, Change, Option<&str>) {
        match self {
            ConfigChange::Set(name, value) => {
                let change = Change::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET;
                (name, change, Some(value))
            }
            ConfigChange::Unset(name) => (name, Change::RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE, None),
            ConfigChange::Append(name, value) => {
                let change = Change::RD_KAFKA_ALTER_CONFIG_OP_TYPE_APPEND;
                (name, change, Some(value))
            }
            ConfigChange::Subtract(name, value) => {
                let change = Change::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SUBTRACT;
                (name, change, Some(value))
            }
        }
    }
}

type Resource = Owned<sys::rd_kafka_ConfigResource_t>;

/// # Safety
/// The name must end with a NUL, as a C string does.
unsafe fn resource(topic: &CString) -> Resource {
    // SAFETY: it is created here, which copies the name, and destroyed by its
    // owner.
    unsafe {
        let kind = sys::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
        let made = sys::rd_kafka_ConfigResource_new(kind, topic.as_ptr());
        Owned::new(made, sys::rd_kafka_ConfigResource_destroy)
    }
}

impl Connection {
    /// The configuration of a topic, sorted by name.
    ///
    /// # Errors
    /// When the topic does not exist, or reading its configuration is not
    /// allowed.
    pub fn configs(&self, topic: &str) -> Result<Vec<Config>, ClusterError> {
        let what = format!("read the configuration of the topic {topic}");
        let doing = Doing::new(what, "DescribeConfigs", format!("the topic {topic}"));
        let text = name(topic, &doing)?;
        // SAFETY: the resource lives until after the call, which copies it; the
        // event owns the data that is read from it.
        let mut configs: Vec<Config> = unsafe {
            let resource = resource(&text);
            let mut resources = [resource.ptr()];
            let op = Op::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS;
            let event = self.ask(op, &doing, false, |kafka, ask| {
                let (options, queue) = (ask.options, ask.queue);
                sys::rd_kafka_DescribeConfigs(kafka, resources.as_mut_ptr(), 1, options, queue);
            })?;
            let result = sys::rd_kafka_event_DescribeConfigs_result(event.0);
            let mut count = 0;
            let found = sys::rd_kafka_DescribeConfigs_result_resources(result, &raw mut count);
            let found = one(found, count, &doing)?;
            let entries = sys::rd_kafka_ConfigResource_configs(found, &raw mut count);
            list(entries, count)
                .iter()
                .map(|entry| config(*entry))
                .collect()
        };
        configs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(configs)
    }

    /// Rejects resetting an unknown setting, which Kafka would accept silently.
    ///
    /// # Errors
    /// The first unknown setting, with the most similar name; or when the
    /// settings can't be read.
    pub fn check_unset(&self, topic: &str, changes: &[ConfigChange]) -> Result<(), ClusterError> {
        let unset = changes.iter().filter_map(|change| match change {
            ConfigChange::Unset(name) => Some(name),
            _ => None,
        });
        let mut unset = unset.peekable();
        if unset.peek().is_none() {
            return Ok(());
        }
        let there = self.configs(topic)?;
        let names: Vec<String> = there.into_iter().map(|config| config.name).collect();
        let Some(wrong) = unset.find(|name| !names.contains(name)) else {
            return Ok(());
        };
        let like = nearest(wrong, &names).map(|name| format!("; did you mean {name}?"));
        let like = like.unwrap_or_default();
        Err(changing(topic).refused(format!("unknown setting {wrong}{like}")))
    }

    /// Changes some of a topic's settings and keeps all others.
    ///
    /// # Errors
    /// Kafka's reason to refuse; then nothing is changed.
    pub fn change_configs(
        &self,
        topic: &str,
        changes: &[ConfigChange],
        only_validate: bool,
    ) -> Result<(), ClusterError> {
        let doing = changing(topic).changing(only_validate);
        let text = name(topic, &doing)?;
        // SAFETY: as above. Incremental, since the older call resets every
        // setting that it does not name to its default.
        unsafe {
            let resource = resource(&text);
            for change in changes {
                add(&resource, change, &doing)?;
            }
            let mut resources = [resource.ptr()];
            let op = Op::RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS;
            let event = self.ask(op, &doing, only_validate, |kafka, ask| {
                let list = resources.as_mut_ptr();
                sys::rd_kafka_IncrementalAlterConfigs(kafka, list, 1, ask.options, ask.queue);
            })?;
            let result = sys::rd_kafka_event_IncrementalAlterConfigs_result(event.0);
            let mut count = 0;
            let found =
                sys::rd_kafka_IncrementalAlterConfigs_result_resources(result, &raw mut count);
            one(found, count, &doing).map(drop)
        }
    }
}

fn changing(topic: &str) -> Doing {
    let what = format!("change the configuration of the topic {topic}");
    Doing::new(what, "AlterConfigs", format!("the topic {topic}"))
}

/// # Safety
/// The resource is live.
unsafe fn add(
    resource: &Resource,
    change: &ConfigChange,
    doing: &Doing,
) -> Result<(), ClusterError> {
    let (key, change, value) = change.parts();
    let key = name(key, doing)?;
    let value = value.map(|value| name(value, doing)).transpose()?;
    let value = value.as_ref().map_or(ptr::null(), |value| value.as_ptr());
    // SAFETY: name and value are copied; we must destroy an error.
    unsafe {
        let refused = sys::rd_kafka_ConfigResource_add_incremental_config(
            resource.ptr(),
            key.as_ptr(),
            change,
            value,
        );
        if let Some((_, why)) = crate::kafka::native::call::error(refused) {
            sys::rd_kafka_error_destroy(refused);
            return Err(doing.refused(why));
        }
    }
    Ok(())
}

/// The single resource of a result, unless it is an error.
///
/// # Safety
/// `found` has `count` live entries.
unsafe fn one(
    found: *mut *const sys::rd_kafka_ConfigResource_t,
    count: usize,
    doing: &Doing,
) -> Result<*const sys::rd_kafka_ConfigResource_t, ClusterError> {
    // SAFETY: by this function's safety contract.
    unsafe {
        let found = list(found, count).first();
        let found = *found.ok_or_else(|| doing.refused("Kafka returned no result"))?;
        match sys::rd_kafka_ConfigResource_error(found) {
            Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(found),
            code => {
                let why = text(sys::rd_kafka_ConfigResource_error_string(found));
                Err(doing.failed(code, &why))
            }
        }
    }
}

/// # Safety
/// `entry` is live.
unsafe fn config(entry: *const sys::rd_kafka_ConfigEntry_t) -> Config {
    // SAFETY: by this function's safety contract.
    unsafe {
        let value = sys::rd_kafka_ConfigEntry_value(entry);
        Config {
            name: text(sys::rd_kafka_ConfigEntry_name(entry)),
            value: (!value.is_null()).then(|| text(value)),
            source: match sys::rd_kafka_ConfigEntry_source(entry) {
                Source::RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG => "topic",
                Source::RD_KAFKA_CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER_CONFIG => "cluster",
                Source::RD_KAFKA_CONFIG_SOURCE_DYNAMIC_BROKER_CONFIG
                | Source::RD_KAFKA_CONFIG_SOURCE_STATIC_BROKER_CONFIG => "broker",
                _ => "default",
            },
        }
    }
}
