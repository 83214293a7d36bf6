//! A plugin of any kind, for what treats all kinds alike: tests and tools.

use super::contract::{STATEFUL, interface};
use super::guest::Program;
use super::{DeadLetter, Route, Transform};

/// The kinds of plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginKind {
    /// Makes events of records.
    Transform,
    /// Decides where events go.
    Route,
    /// Decides what happens to failed records.
    DeadLetter,
}

impl PluginKind {
    /// All kinds.
    pub const ALL: [PluginKind; 3] = [
        PluginKind::Transform,
        PluginKind::Route,
        PluginKind::DeadLetter,
    ];

    /// The name in the contract, in the configuration and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            PluginKind::Transform => "transform",
            PluginKind::Route => "route",
            PluginKind::DeadLetter => "dead-letter",
        }
    }

    /// The interfaces of which a plugin of this kind exports one.
    pub fn exports(self) -> Vec<String> {
        let stateful = (self == PluginKind::Transform).then_some(STATEFUL);
        let names = [self.name()].into_iter().chain(stateful);
        names.map(interface).collect()
    }

    /// The kind of this name.
    pub fn of(name: &str) -> Option<PluginKind> {
        PluginKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A linked plugin of any kind.
#[derive(Clone)]
pub enum AnyPlugin {
    /// A transform.
    Transform(Transform),
    /// A route.
    Route(Route),
    /// A dead-letter policy.
    DeadLetter(DeadLetter),
}

impl AnyPlugin {
    /// Its kind.
    pub fn kind(&self) -> PluginKind {
        match self {
            AnyPlugin::Transform(_) => PluginKind::Transform,
            AnyPlugin::Route(_) => PluginKind::Route,
            AnyPlugin::DeadLetter(_) => PluginKind::DeadLetter,
        }
    }

    /// The linked program.
    pub fn program(&self) -> &Program {
        match self {
            AnyPlugin::Transform(plugin) => &plugin.program,
            AnyPlugin::Route(plugin) => &plugin.program,
            AnyPlugin::DeadLetter(plugin) => &plugin.program,
        }
    }
}
