use super::*;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

fn take(folder: &Path) -> MemberSlot {
    MemberSlot::take(folder, "a member", "its topics").unwrap()
}

#[test]
fn a_slot_gives_one_id_to_one_holder_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("not/there/yet");
    let [first, second] = [take(&folder), take(&folder)];
    let ids = [first.id.clone(), second.id.clone()];
    assert_ne!(ids[0], ids[1]);
    drop(first);
    let again = take(&folder);
    assert_eq!(again.id, ids[0], "the first free slot");
    drop((again, second));
    let both = [take(&folder), take(&folder)].map(|slot| slot.id);
    assert_eq!(both, ids, "whoever restarts first gets the first");
}

#[test]
fn the_id_of_another_member_of_the_same_folder_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let one = take(folder.path());
    let other = MemberSlot::take(folder.path(), "another", "its topics").unwrap();
    assert_ne!(one.id, other.id);
    let (file, of_other) = (one.file.metadata().unwrap(), other.file.metadata().unwrap());
    assert_ne!(file.ino(), of_other.ino(), "each has slots of its own");
}

#[test]
fn another_subscription_gives_the_same_slot_another_id() {
    let folder = tempfile::tempdir().unwrap();
    let of = |topics: &str| {
        let slot = MemberSlot::take(folder.path(), "a member", topics).unwrap();
        slot.id
    };
    let [one, other] = ["one", "other"].map(of);
    assert_ne!(one, other);
    assert_eq!(of("one"), one);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_copied_folder_gives_other_ids() {
    let [folder, copy] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let id = take(folder.path()).id;
    let mut copied = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        copied += 1;
    }
    assert_eq!(copied, 1);
    assert_ne!(take(copy.path()).id, id);
    assert_eq!(take(folder.path()).id, id);
}

#[test]
fn a_child_process_does_not_hold_the_slot_of_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let slot = take(folder.path());
    let id = slot.id.clone();
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    drop(slot);
    let again = take(folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(again.id, id);
}

#[test]
fn a_damaged_number_is_made_again_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    drop(take(folder.path()));
    let files = fs::read_dir(folder.path()).unwrap();
    let path = files.map(|file| file.unwrap().path()).next().unwrap();
    let mut ids = BTreeSet::new();
    let long = [b'a'; 5000];
    for damage in [&b""[..], b"0123", b"\xff\xfe\0", &long] {
        fs::write(&path, damage).unwrap();
        let id = take(folder.path()).id;
        assert_eq!(take(folder.path()).id, id);
        ids.insert(id);
    }
    assert_eq!(ids.len(), 4, "the numbers differ");
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
    let ids: BTreeSet<&str> = held.iter().map(|slot| &*slot.id).collect();
    assert_eq!(ids.len(), SLOTS);
    let none = MemberSlot::take(folder.path(), "a member", "its topics").unwrap_err();
    assert_eq!(none, "all 64 member slots are taken");
}
