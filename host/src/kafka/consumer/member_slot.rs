//! A member slot: a locked file on which the ID of a static member rests.
//!
//! The kernel releases the lock when the process ends, however it ends. Then the next process
//! that takes the slot gets the same ID. Two processes never have one ID, whoever copied the folder
//! or shares it: equal IDs mean one kernel (by its boot) and one file on it (by device and inode),
//! which the lock gives to one process. The number in the file is not needed for that. It is there in
//! case a kernel's boot ID is not unique.

use crate::files::{is_ours, own_folder};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write as _};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The most slots of a member: more processes on one machine than anyone runs for one pipeline. The
/// members beyond are dynamic.
const SLOTS: usize = 64;
/// Identifies the run of the kernel.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
/// Bytes of a digest that an ID has.
const SHORT: usize = 16;

/// A slot that this process holds.
#[derive(Debug)]
pub(in crate::kafka) struct MemberSlot {
    /// Its lock is the slot's. No child inherits it: a program that is started does not get it.
    file: File,
    /// The kernel's boot and the member, of which the ID is made.
    made_of: (String, String),
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// The random number that the file holds while the slot is settled.
    number: String,
    /// The member's ID.
    id: String,
}

impl MemberSlot {
    /// Takes the first free slot in the folder for this member, a text that is equal for processes
    /// that may replace each other. The ID is the same for the same subscription.
    ///
    /// # Errors
    /// Why there is none.
    pub fn take(folder: &Path, member: &str, subscription: &str) -> Result<MemberSlot, String> {
        own_folder(folder)?;
        let boot =
            std::fs::read_to_string(BOOT).map_err(|error| format!("can't read {BOOT}: {error}"))?;
        let name = short(member);
        for slot in 0..SLOTS {
            let path = folder.join(format!("member-{name}-{slot}.lock"));
            let taken = lock(&path).and_then(|file| {
                let Some(file) = file else { return Ok(None) };
                let made_of = (boot.trim().into(), format!("{member}\n{subscription}"));
                let kept = Mutex::new(kept(&file, &made_of)?);
                Ok(Some(MemberSlot {
                    file,
                    made_of,
                    kept,
                }))
            });
            match taken {
                Ok(Some(slot)) => return Ok(slot),
                Ok(None) => {}
                Err(error) => return Err(format!("can't use {}: {error}", path.display())),
            }
        }
        Err(format!("all {SLOTS} member slots are taken"))
    }

    /// The member's ID.
    pub fn id(&self) -> String {
        self.kept().id.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the slot another ID.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn renew(&self) -> io::Result<()> {
        let mut old = self.kept();
        self.file.set_len(0)?;
        *old = kept(&self.file, &self.made_of)?;
        Ok(())
    }

    /// Holds the slot until the process ends: its consumer may still be in the group when its
    /// pipeline has stopped.
    pub fn hold(self) -> &'static MemberSlot {
        Box::leak(Box::new(self))
    }

    /// Notes that the member gives up partitions and is about to join again. If it is killed in
    /// between, its ID must not come back: the coordinator would repeat the assignment without those
    /// partitions, and nobody would read them. This removes the number from the file, so the next
    /// process makes another one, which gives another ID.
    pub fn unsettle(&self) {
        if let Err(error) = self.file.set_len(0) {
            tracing::warn!(%error, "can't write the member slot");
        }
    }

    /// Notes that the member has joined again.
    pub fn settle(&self) {
        // If only a part is written, the next process makes another number.
        if let Err(error) = self.file.write_all_at(self.kept().number.as_bytes(), 0) {
            tracing::warn!(%error, "can't write the member slot");
        }
    }
}

/// The file, locked; `None` if another process holds it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.mode(0o600).open(path)?;
    is_ours(&file.metadata()?).map_err(io::Error::other)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn kept(file: &File, (boot, member): &(String, String)) -> io::Result<Kept> {
    let number = number(file)?;
    let id = id(file, &number, boot, member)?;
    Ok(Kept { number, id })
}

fn id(file: &File, number: &str, boot: &str, member: &str) -> io::Result<String> {
    let found = file.metadata()?;
    let (device, inode) = (found.dev(), found.ino());
    let unique = short(&format!("{number}\n{boot}\n{device}\n{inode}\n{member}"));
    Ok(format!("millstream-{unique}"))
}

/// The random number in the file; made by the first holder of the lock.
fn number(mut file: &File) -> io::Result<String> {
    let mut kept = String::new();
    file.rewind()?;
    // Bytes that are not text are replaced, too.
    let read = file.take(64).read_to_string(&mut kept);
    if read.is_ok() && Uuid::try_parse(&kept).is_ok() {
        return Ok(kept);
    }
    let made = Uuid::new_v4().to_string();
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(made.as_bytes())?;
    Ok(made)
}

/// The beginning of the text's digest, in hex.
fn short(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest[..SHORT].iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests;
