//! Atomic writes: even after a crash the file is either the whole new one or the old one.
//!
//! No crate fits: with `tempfile`, the syncs of file and folder and the file's mode would still be written here, and [`sweep`] could
//! not tell the leftovers of a killed `atomic-write-file` from a user's hidden files.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Suffix of incomplete files.
const TEMPORARY: &str = ".new";

/// Replaces the file at `path`: a reader, at any time and after any crash, finds either the whole old file or the whole new
/// one. The bytes are on the disk when this returns. Of two writers of one path the last one wins.
///
/// # Errors
/// Names the path and the step that failed; the old file then remains.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path)?;
    let written = write_through(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path).with_context(|| format!("{}: cannot be replaced", path.display())));
    if written.is_err() {
        // The first error is the one to report; an error here is ignored, since the file may not exist.
        fs::remove_file(&temporary).ok();
        return written;
    }
    sync_folder_of(path)
}

/// Deletes the incomplete files of killed writers in `folder`, if it exists. No other writer may be active there.
///
/// # Errors
/// Names the folder or file that cannot be read or deleted.
pub fn sweep(folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.with_context(|| format!("{}: cannot be read", folder.display()))?,
    };
    for entry in entries {
        let path = entry.with_context(|| format!("{}: cannot be read", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if name.starts_with(b".") && name.ends_with(TEMPORARY.as_bytes()) {
            fs::remove_file(&path).with_context(|| format!("{}: cannot be deleted", path.display()))?;
        }
    }
    Ok(())
}

/// Replaces the file at `path` by a whole new one as [`write_atomically`] does, but does not wait for the disk: for files that can be
/// made again. After a crash of the machine the file may be old, new or empty.
///
/// # Errors
/// Names the path and the step that failed; the old file then remains.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = temporary_beside(path)?;
    let written = fs::write(&temporary, bytes)
        .with_context(|| format!("{}: cannot be written", path.display()))
        .and_then(|()| fs::rename(&temporary, path).with_context(|| format!("{}: cannot be replaced", path.display())));
    if written.is_err() {
        // The first error is the one to report; an error here is ignored, since the file may not exist.
        fs::remove_file(&temporary).ok();
    }
    written
}

/// Temporary path in the same folder, so that the rename stays within one file system; it is unique among all threads and
/// processes.
fn temporary_beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().with_context(|| format!("{}: is not the path of a file", path.display()))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.{:?}{TEMPORARY}", std::process::id(), std::thread::current().id()));
    Ok(path.with_file_name(hidden))
}

fn write_through(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create(path).with_context(|| format!("{}: cannot be created", path.display()))?;
    file.write_all(bytes).with_context(|| format!("{}: cannot be written", path.display()))?;
    file.sync_all().with_context(|| format!("{}: does not reach the disk", path.display()))
}

/// Writes a rename to the disk by a sync of the folder. Only Unix can open a folder for that.
fn sync_folder_of(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .with_context(|| format!("{}: the folder does not reach the disk", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("it was created")
            .map(|entry| entry.expect("it is readable").file_name())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_written_and_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let path = folder.join("a.model");
        for bytes in [&b"first, and longer"[..], b"second", b""] {
            write_atomically(&path, bytes).expect("the folder can be written");
            assert_eq!(fs::read(&path).expect("it was written"), bytes);
            assert_eq!(names(folder), ["a.model"]);
        }
    }

    #[test]
    fn a_whole_file_is_replaced_without_a_trace() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.kifu");
        for bytes in [&b"first, and longer"[..], b"second"] {
            write_whole(&path, bytes).expect("the folder can be written");
            assert_eq!(fs::read(&path).expect("it was written"), bytes);
        }
        write_whole(&folder.path().join("absent/a.kifu"), b"").expect_err("there is no such folder");
        assert_eq!(names(folder.path()), ["a.kifu"]);
    }

    #[test]
    fn a_sweep_takes_what_a_killed_writer_left_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let path = folder.join("a.model");
        write_atomically(&path, b"whole").expect("the folder can be written");
        fs::write(temporary_beside(&path).expect("it has a name"), b"hal").expect("the folder can be written");
        fs::write(folder.join(".hidden"), b"").expect("the folder can be written");
        sweep(folder).expect("swept");
        assert_eq!(names(folder), [".hidden", "a.model"]);
        sweep(&folder.join("absent")).expect("nothing to sweep");
    }

    #[test]
    fn a_failure_names_the_path_and_leaves_everything_as_it_was() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let taken = folder.join("taken");
        fs::create_dir(&taken).expect("the folder can be written");
        fs::write(taken.join("file"), b"old").expect("the folder can be written");
        let check = |path: &Path, message: &str| {
            let error = write_atomically(path, b"new").expect_err("it cannot be written");
            assert!(format!("{error:#}").contains(message), "{error:#}");
            assert!(format!("{error:#}").contains(&folder.display().to_string()), "{error:#}");
        };
        check(&taken, "cannot be replaced");
        check(&folder.join("absent/file"), "cannot be created");
        check(&folder.join(".."), "is not the path of a file");
        assert_eq!(names(folder), ["taken"]);
        assert_eq!(fs::read(taken.join("file")).expect("it is still there"), b"old");
    }
}
