//! What a plugin may use beside the records that it is given. Each capability is
//! granted in the plugin's table of the configuration.

use super::contract::{STATEFUL, interface};

/// One capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// It writes to the daemon's log.
    Log,
    /// It reads the time that the records of its partition tell.
    Clock,
    /// A transform keeps values under keys, in the pipeline's store.
    Keyvalue,
}

impl Capability {
    /// All capabilities.
    pub const ALL: [Capability; 3] = [Capability::Log, Capability::Clock, Capability::Keyvalue];

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Capability::Log => "log",
            Capability::Clock => "clock",
            Capability::Keyvalue => "keyvalue",
        }
    }

    /// The capability of this name.
    pub fn of(name: &str) -> Option<Capability> {
        Capability::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The interface that a plugin imports or exports if it needs this.
    fn interface(self) -> String {
        interface(match self {
            Capability::Keyvalue => STATEFUL,
            import => import.name(),
        })
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities([bool; 3]);

impl Capabilities {
    /// All of them: for a plugin's author.
    pub fn all() -> Capabilities {
        Capabilities([true; 3])
    }

    /// Whether this one is granted.
    pub fn has(self, one: Capability) -> bool {
        self.0[one as usize]
    }

    /// The capabilities of this set.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL
            .into_iter()
            .filter(move |one| self.has(*one))
    }

    /// What a plugin needs, from the interfaces that it imports and exports.
    pub(super) fn needed(interfaces: &[String]) -> Capabilities {
        let names = |one: &Capability| interfaces.contains(&one.interface());
        Capability::ALL.into_iter().filter(names).collect()
    }

    /// Checks that all of `needed` is granted.
    ///
    /// # Errors
    /// What is missing, and the line that grants it.
    pub(super) fn suffice(self, needed: Capabilities) -> Result<(), String> {
        let missing: Capabilities = needed.iter().filter(|one| !self.has(*one)).collect();
        let names: Vec<_> = missing.iter().map(Capability::name).collect();
        let some = match &names[..] {
            [] => return Ok(()),
            [one] => format!("the capability {one}"),
            [others @ .., last] => format!("the capabilities {} and {last}", others.join(", ")),
        };
        let all = self.iter().chain(missing.iter()).collect::<Capabilities>();
        let all = all.iter().map(|one| format!("{:?}", one.name()));
        Err(format!(
            "it needs {some}, which the configuration does not grant: add capabilities = [{}] to the \
             plugin's table",
            all.collect::<Vec<_>>().join(", ")
        ))
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<T: IntoIterator<Item = Capability>>(all: T) -> Capabilities {
        let mut set = Capabilities::default();
        all.into_iter().for_each(|one| set.0[one as usize] = true);
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(interfaces: &[&str]) -> Capabilities {
        let named: Vec<String> = interfaces.iter().map(|name| interface(name)).collect();
        Capabilities::needed(&named)
    }

    #[test]
    fn a_refusal_shows_the_line_that_grants_what_is_missing() {
        let needs = needed(&["diagnostics", "log", "transform"]);
        assert_eq!(
            Capabilities::default().suffice(needs).unwrap_err(),
            "it needs the capability log, which the configuration does not grant: add capabilities = \
             [\"log\"] to the plugin's table"
        );
        let granted = [Capability::Clock].into_iter().collect::<Capabilities>();
        let needs = needed(&["log", "clock", "stateful-transform"]);
        assert_eq!(
            granted.suffice(needs).unwrap_err(),
            "it needs the capabilities log and keyvalue, which the configuration does not grant: add \
             capabilities = [\"log\", \"clock\", \"keyvalue\"] to the plugin's table"
        );
        assert_eq!(Capabilities::all().suffice(needs), Ok(()));
    }

    #[test]
    fn other_versions_of_an_interface_are_not_this_one() {
        let other = ["millstream:plugin/log@0.2.0".to_owned()];
        assert_eq!(Capabilities::needed(&other), Capabilities::default());
    }
}
