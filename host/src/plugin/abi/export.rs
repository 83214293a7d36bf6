//! The functions that plugins export.

use std::marker::PhantomData;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower, TypedFunc,
};
use wasmtime::{Result, Store, format_err};

/// A function of a plugin, from which those of its instances are made.
pub struct Export<Params, Answer> {
    index: ComponentExportIndex,
    types: PhantomData<fn(Params) -> Answer>,
}

/// The functions of every kind: `configure`, which gets the configuration as JSON, and
/// `run`.
pub struct Exports<Told, Params, Answer> {
    configure: Export<(&'static str,), (Result<Told, String>,)>,
    run: Export<Params, (Answer,)>,
}

/// Those of an instance.
pub struct Functions<Told, Params, Answer> {
    /// Answers what the plugin tells, or why it refuses.
    pub configure: TypedFunc<(&'static str,), (Result<Told, String>,)>,
    pub run: TypedFunc<Params, (Answer,)>,
}

impl<Params, Answer> Export<Params, Answer>
where
    Params: ComponentNamedList + Lower,
    Answer: ComponentNamedList + Lift,
{
    /// The function `name` of `interface`.
    ///
    /// # Errors
    /// If the plugin does not export it.
    pub fn find<S: 'static>(plugin: &InstancePre<S>, interface: &str, name: &str) -> Result<Self> {
        let component = plugin.component();
        let exported = component.get_export_index(None, interface);
        let exported = exported.ok_or_else(|| format_err!("it does not export {interface}"))?;
        let index = component.get_export_index(Some(&exported), name);
        let index = index.ok_or_else(|| format_err!("{interface} has no function `{name}`"))?;
        let types = PhantomData;
        Ok(Export { index, types })
    }

    /// The function of an instance.
    ///
    /// # Errors
    /// If its types are others.
    pub fn of<S: 'static>(
        &self,
        store: &mut Store<S>,
        instance: &Instance,
    ) -> Result<TypedFunc<Params, Answer>> {
        instance.get_typed_func(store, self.index)
    }
}

impl<Told, Params, Answer> Exports<Told, Params, Answer>
where
    Told: Lift + 'static,
    Params: ComponentNamedList + Lower,
    Answer: Lift,
{
    /// The functions of `interface`.
    ///
    /// # Errors
    /// If the plugin does not export them.
    pub fn find<S: 'static>(plugin: &InstancePre<S>, interface: &str) -> Result<Self> {
        Ok(Exports {
            configure: Export::find(plugin, interface, "configure")?,
            run: Export::find(plugin, interface, "run")?,
        })
    }

    /// Those of an instance.
    ///
    /// # Errors
    /// If their types are others.
    pub fn of<S: 'static>(
        &self,
        store: &mut Store<S>,
        instance: &Instance,
    ) -> Result<Functions<Told, Params, Answer>> {
        Ok(Functions {
            configure: self.configure.of(store, instance)?,
            run: self.run.of(store, instance)?,
        })
    }
}

impl<Params, Answer> Clone for Export<Params, Answer> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Params, Answer> Copy for Export<Params, Answer> {}

impl<Told, Params, Answer> Clone for Exports<Told, Params, Answer> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Told, Params, Answer> Copy for Exports<Told, Params, Answer> {}
