//! What authors of plugins do: a project, its build, its tests, captures, replays, `plugin dev`.

mod capabilities;
mod captures;
mod develops;
mod languages;
mod mistakes;
mod projects;
mod replays;

use crate::tools::{Said, said};
use millstream_tests::{Daemon, scratch_dir, servers, workspace};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A plugin's project in a folder of its own.
struct Author {
    folder: PathBuf,
}

impl Author {
    /// A new project `orders` of this kind in this language.
    fn in_language(language: &str, kind: &str) -> Author {
        let folder = scratch_dir("author").join("orders");
        let author = Author { folder };
        fs::create_dir_all(&author.folder).unwrap();
        let arguments = [
            "new", "orders", "--lang", language, "--kind", kind, "--folder", ".",
        ];
        author.run(&arguments).done();
        author
    }

    /// A new project `orders` of this kind, in Rust.
    fn new(kind: &str) -> Author {
        let author = Author::in_language("rust", kind);
        // In a shared target folder, crates of the same name overwrite each other's files.
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let package = format!("name = \"orders-{number}\"");
        author.edit("Cargo.toml", "name = \"orders\"", &package);
        author
    }

    /// `millstream plugin <arguments>` in the project.
    fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(&[&["plugin"], arguments].concat()), b"")
    }

    /// `millstream <arguments>` in the project, with the Kafka that all tests share.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Daemon::program());
        command.args(arguments).current_dir(&self.folder);
        command.env("MILLSTREAM_BOOTSTRAP_SERVERS", servers().kafka.bootstrap());
        shared_builds(&mut command);
        command
    }

    /// A program in the project: the native tests of its language.
    fn native(&self, command: &[&str]) -> Said {
        let mut native = Command::new(command[0]);
        native.args(&command[1..]).current_dir(&self.folder);
        said(native, b"")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Replaces a part of a file that must be there.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} lacks {from}");
        self.write(name, &text.replace(from, to));
    }

    /// Builds it, and copies the plugin to this name.
    fn build_as(&self, name: &str) -> String {
        self.run(&["build"]).done();
        fs::copy(self.path("dist/orders.wasm"), self.path(name)).unwrap();
        name.into()
    }
}

/// The projects' dependencies are built once for all tests.
fn shared_builds(command: &mut Command) {
    let target = workspace().join("target/authors");
    command.env("CARGO_TARGET_DIR", target);
    // As they are set for the tests themselves, cargo would take them for the project's.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(variable);
    }
}

fn cargo(folder: &Path, arguments: &[&str]) -> Said {
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).current_dir(folder);
    shared_builds(&mut cargo);
    said(cargo, b"")
}
