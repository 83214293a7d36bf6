//! Compiles `.proto` files that are in memory.

use crate::schema::source::Source;
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorProto;
use prost_reflect::{DescriptorPool, FileDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use protox::{Compiler, Error};
use std::collections::HashMap;

/// The name of the file itself.
const ROOT: &str = "millstream-schema.proto";

struct Texts(HashMap<String, String>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, Error> {
        match self.0.get(name) {
            Some(text) => match serialized(text) {
                Some(file) => Ok(File::from_file_descriptor_proto(FileDescriptorProto {
                    name: Some(name.into()),
                    ..file
                })),
                None => File::from_source(name, text),
            },
            None => Err(Error::file_not_found(name)),
        }
    }
}

/// A file as some serializers register it: compiled, in base64.
fn serialized(text: &str) -> Option<FileDescriptorProto> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    FileDescriptorProto::decode(bytes.as_slice()).ok()
}

/// The file of a schema, with all that it imports. Google's own files need not be given.
///
/// # Errors
/// What is wrong with it.
pub(super) fn compile(source: &Source) -> anyhow::Result<FileDescriptor> {
    let references = source.references.iter().cloned();
    let mut texts: HashMap<String, String> = references.collect();
    texts.insert(ROOT.into(), source.text.clone());
    for (name, text) in CONFLUENT {
        texts.entry(name.into()).or_insert_with(|| text.into());
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(Texts(texts));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    compiler.open_file(ROOT)?;
    let pool: DescriptorPool = compiler.descriptor_pool();
    pool.get_file_by_name(ROOT).context("the file is missing")
}

/// Files that Confluent's registry has for everyone.
const CONFLUENT: [(&str, &str); 2] = [
    (
        "confluent/meta.proto",
        r#"syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta {
  string doc = 1;
  map<string, string> params = 2;
  repeated string tags = 3;
}
extend google.protobuf.FileOptions { Meta file_meta = 1088; }
extend google.protobuf.MessageOptions { Meta message_meta = 1088; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }
extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }
"#,
    ),
    (
        "confluent/type/decimal.proto",
        r#"syntax = "proto3";
package confluent.type;
message Decimal {
  bytes value = 1;
  uint32 precision = 2;
  int32 scale = 3;
}
"#,
    ),
];
