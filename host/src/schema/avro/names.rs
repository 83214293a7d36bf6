//! Names of types, fields and symbols.
//!
//! The specification allows letters, digits and underscores. Other implementations are laxer, Java's
//! for namespaces, and what they have written must be readable.

use apache_avro::validator::{
    EnumSymbolNameValidator, RecordFieldNameValidator, SchemaNameValidator,
    SchemaNamespaceValidator, set_enum_symbol_name_validator, set_record_field_name_validator,
    set_schema_name_validator, set_schema_namespace_validator,
};
use apache_avro::{AvroResult, Error, error::Details};
use std::sync::Once;

/// Accepts any name that is not empty.
struct Lax;

/// Has the library accept any name that is not empty.
pub(super) fn relax() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Nobody else sets them.
        let _ = set_schema_name_validator(Box::new(Lax));
        let _ = set_schema_namespace_validator(Box::new(Lax));
        let _ = set_record_field_name_validator(Box::new(Lax));
        let _ = set_enum_symbol_name_validator(Box::new(Lax));
    });
}

impl SchemaNameValidator for Lax {
    fn validate(&self, name: &str) -> AvroResult<usize> {
        let at = name.rfind('.').map_or(0, |dot| dot + 1);
        match name.len() > at {
            true => Ok(at),
            false => Err(Details::InvalidSchemaName(name.into(), "not empty").into()),
        }
    }
}

impl SchemaNamespaceValidator for Lax {
    fn validate(&self, _: &str) -> AvroResult<()> {
        Ok(())
    }
}

impl RecordFieldNameValidator for Lax {
    fn validate(&self, name: &str) -> AvroResult<()> {
        some(name, |name| Details::FieldName(name).into())
    }
}

impl EnumSymbolNameValidator for Lax {
    fn validate(&self, symbol: &str) -> AvroResult<()> {
        some(symbol, |symbol| Details::EnumSymbolName(symbol).into())
    }
}

fn some(name: &str, error: impl FnOnce(String) -> Error) -> AvroResult<()> {
    match name.is_empty() {
        true => Err(error(name.into())),
        false => Ok(()),
    }
}
