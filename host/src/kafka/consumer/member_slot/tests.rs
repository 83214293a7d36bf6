use super::*;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

fn take(folder: &Path) -> MemberSlot {
    MemberSlot::take(folder, "a member", "its topics").unwrap()
}

/// Takes the slot of this ID as soon as it is free: a child process that another test is just
/// starting may hold it for a moment.
fn take_again(folder: &Path, id: &str) -> MemberSlot {
    for _ in 0..2000 {
        let slot = take(folder);
        if slot.id() == id {
            return slot;
        }
        drop(slot);
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the slot of {id} is not free");
}

#[test]
fn a_slot_gives_one_id_to_one_holder_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("not/there/yet");
    let [first, second] = [take(&folder), take(&folder)];
    let ids = [first.id(), second.id()];
    assert_ne!(ids[0], ids[1]);
    drop(first);
    let first = take_again(&folder, &ids[0]);
    drop((first, second));
    let both = [&ids[0], &ids[1]].map(|id| take_again(&folder, id));
    assert!(!ids.contains(&take(&folder).id()), "both are held");
    drop(both);
}

#[test]
fn an_id_does_not_come_back_while_its_member_joins_again() {
    let folder = tempfile::tempdir().unwrap();
    let slot = take(folder.path());
    let id = slot.id();
    slot.unsettle();
    slot.settle();
    drop(slot);
    let slot = take_again(folder.path(), &id);
    slot.unsettle();
    drop(slot);
    for _ in 0..3 {
        assert_ne!(take(folder.path()).id(), id);
    }
}

#[test]
fn a_renewed_id_is_another_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let slot = take(folder.path());
    let fenced = slot.id();
    slot.renew().unwrap();
    let id = slot.id();
    assert_ne!(id, fenced);
    slot.unsettle();
    slot.settle();
    drop(slot);
    take_again(folder.path(), &id);
}

#[test]
fn the_id_of_another_member_of_the_same_folder_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let one = take(folder.path());
    let other = MemberSlot::take(folder.path(), "another", "its topics").unwrap();
    assert_ne!(one.id(), other.id());
    let (file, of_other) = (one.file.metadata().unwrap(), other.file.metadata().unwrap());
    assert_ne!(file.ino(), of_other.ino(), "each has slots of its own");
}

#[test]
fn another_subscription_gives_the_same_slot_another_id() {
    let folder = tempfile::tempdir().unwrap();
    let slot = take(folder.path());
    let of = |member: &str| id(&slot.file, &slot.kept().number, "a boot", member).unwrap();
    assert_ne!(of("a member\none"), of("a member\nanother"));
    assert_eq!(of("a member\none"), of("a member\none"));
    let booted = id(
        &slot.file,
        &slot.kept().number,
        "another boot",
        "a member\none",
    )
    .unwrap();
    assert_ne!(of("a member\none"), booted);
}

#[test]
fn a_copied_folder_gives_other_ids() {
    let [folder, copy] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let slot = take(folder.path());
    let mut copied = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        copied += 1;
    }
    assert_eq!(copied, 1);
    assert_ne!(take(copy.path()).id(), slot.id());
}

#[test]
fn a_child_process_does_not_hold_the_slot_of_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let slot = take(folder.path());
    let id = slot.id();
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    drop(slot);
    take_again(folder.path(), &id);
    assert!(child.try_wait().unwrap().is_none(), "the child still runs");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_damaged_number_is_made_again_and_stays() {
    let long = [b'a'; 5000];
    let mut numbers = BTreeSet::new();
    for damage in [&b""[..], b"0123", b"\xff\xfe\0", &long] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(damage).unwrap();
        let made = number(&file).unwrap();
        assert_eq!(number(&file).unwrap(), made);
        numbers.insert(made);
    }
    assert_eq!(numbers.len(), 4, "the numbers differ");
}

#[test]
fn a_folder_that_is_not_ours_alone_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |folder: &Path| MemberSlot::take(folder, "a member", "its topics").unwrap_err();
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(refused(&open), "other users may write to it");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(refused(&file.join("below")).starts_with("can't create the folder: "));
    let taken = folder.path().join("taken");
    drop(take(&taken));
    for file in fs::read_dir(&taken).unwrap() {
        let path = file.unwrap().path();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let why = format!("can't use {}: other users may write to it", path.display());
        assert_eq!(refused(&taken), why);
    }
}

#[test]
fn no_more_than_the_most_slots_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let held: Vec<MemberSlot> = (0..SLOTS).map(|_| take(folder.path())).collect();
    let ids: BTreeSet<String> = held.iter().map(MemberSlot::id).collect();
    assert_eq!(ids.len(), SLOTS);
    let none = MemberSlot::take(folder.path(), "a member", "its topics").unwrap_err();
    assert_eq!(none, "all 64 member slots are taken");
}
