//! Reads a plugin's wasm once, so that the hashed bytes are the compiled and
//! tested ones even if the file changes meanwhile.

use anyhow::{Context, bail, ensure};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use std::fs::{FileType, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The largest plugin file, in bytes: componentised Python has 18 MB.
const FILE_MAX: u64 = 64 << 20;

/// Where a plugin's wasm is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Inside this binary.
    Bundled(&'static str),
    /// In a file.
    File(PathBuf),
}

/// A plugin's wasm, read once.
#[derive(Clone)]
pub struct Wasm {
    /// The SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    /// `None` if only its compiled code is kept.
    pub(super) bytes: Option<Vec<u8>>,
}

impl Wasm {
    /// A plugin that was compiled before and may be in the cache.
    pub fn kept(digest: String) -> Wasm {
        Wasm {
            digest,
            bytes: None,
        }
    }
}

impl From<Vec<u8>> for Wasm {
    fn from(bytes: Vec<u8>) -> Wasm {
        Wasm {
            digest: digest_of(&bytes),
            bytes: Some(bytes),
        }
    }
}

impl Source {
    /// The name in the configuration.
    pub fn name(&self) -> String {
        match self {
            Source::Bundled(name) => format!("bundled:{name}"),
            Source::File(path) => path.display().to_string(),
        }
    }

    /// Reads the wasm.
    ///
    /// # Errors
    /// If the file can't be read or is too large.
    pub fn read(&self) -> anyhow::Result<Wasm> {
        let bytes = match self {
            Source::Bundled(name) => super::bundled::wasm(name)
                .map(<[u8]>::to_vec)
                .context("no such bundled plugin"),
            Source::File(path) => read_file(path),
        };
        bytes.map(Wasm::from)
    }
}

/// Reads regular files only: a FIFO or a device could block the thread forever,
/// and all pipelines' swaps wait for it.
fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let before = std::fs::metadata(path).context("can't open the file")?;
    regular(before.file_type())?;
    let mut options = OpenOptions::new();
    // The file may have been replaced since; opening a FIFO waits for a writer.
    let options = options
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits() as i32);
    let file = options.open(path).context("can't open the file")?;
    regular(
        file.metadata()
            .context("can't read the metadata of the file")?
            .file_type(),
    )?;
    let mut wasm = Vec::new();
    file.take(FILE_MAX + 1)
        .read_to_end(&mut wasm)
        .context("can't read the file")?;
    if wasm.len() as u64 > FILE_MAX {
        bail!("the file is larger than {} MiB", FILE_MAX >> 20);
    }
    Ok(wasm)
}

fn regular(kind: FileType) -> anyhow::Result<()> {
    let what = match kind {
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a FIFO",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    };
    ensure!(kind.is_file(), "the file is {what}, not a regular file");
    Ok(())
}

/// The SHA-256 of a plugin's file, in hexadecimal.
pub fn digest_of(wasm: &[u8]) -> String {
    let digest = Sha256::digest(wasm);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_regular_is_refused_at_once_and_its_type_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name| folder.path().join(name);
        rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), 0o600.into()).unwrap();
        std::os::unix::fs::symlink(at("loop"), at("loop")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for (path, says) in [
            (at("fifo"), "the file is a FIFO, not a regular file"),
            (at("loop"), "can't open the file: Too many levels"),
            (at("socket"), "the file is a socket"),
            (at(""), "the file is a folder"),
            ("/dev/zero".into(), "the file is a device"),
            (at("none"), "can't open the file: No such file"),
        ] {
            let error = Source::File(path).read().err().expect(says);
            let error = format!("{error:#}");
            assert!(error.starts_with(says), "{error}");
        }
        std::fs::write(at("file"), "wasm").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        let read = Source::File(at("link")).read().unwrap();
        assert_eq!(read.digest, digest_of(b"wasm"));
    }
}
