//! Files that outlast crashes: whole ones are replaced atomically, and digests tell whether they are still what was written.
//!
//! No crate fits: with `tempfile`, the syncs of file and folder and the file's mode would still be written here, and [`sweep`] could
//! not tell the leftovers of a killed `atomic-write-file` from a user's hidden files.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Suffix of incomplete files.
const TEMPORARY: &str = ".new";

/// Replaces the file at `path`: a reader, at any time and after any crash, finds either the whole old file or the whole new
/// one. The bytes are on the disk when this returns. Of two writers of one path the last one wins.
///
/// A link stays, and the file behind it is replaced. A device or a pipe is written to: a file in its place would be no help.
///
/// # Errors
/// Names the path and the step that failed; the old file then remains.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return fs::write(path, bytes).with_context(|| format!("{}: cannot be written", path.display()));
    }
    if path.is_symlink()
        && let Ok(target) = path.canonicalize()
    {
        return write_atomically(&target, bytes);
    }
    let temporary = temporary_beside(path)?;
    let written = write_through(&temporary, bytes)
        .with_context(|| path.display().to_string())
        .and_then(|()| fs::rename(&temporary, path).with_context(|| format!("{}: cannot be replaced", path.display())));
    step();
    if written.is_err() {
        // The first error is the one to report; an error here is ignored, since the file may not exist.
        fs::remove_file(&temporary).ok();
        return written;
    }
    sync_folder_of(path)
}

/// Appends bytes to the file at `path`, which is created if it is not there; they are on the disk when this returns.
///
/// # Errors
/// Names the path and the step that failed.
pub fn append(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = File::options().append(true).create(true).open(path);
    let mut file = file.with_context(|| format!("{}: cannot be created", path.display()))?;
    file.write_all(bytes).with_context(|| format!("{}: cannot be written", path.display()))?;
    file.sync_all().with_context(|| format!("{}: does not reach the disk", path.display()))?;
    step();
    Ok(())
}

/// Renames a file within its folder. The new name is on the disk when this returns.
///
/// # Errors
/// Names the path and the step that failed.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("{}: cannot be renamed {}", from.display(), to.display()))?;
    step();
    sync_folder_of(to)
}

/// Deletes a file, if it is there. A crash right afterwards may bring it back.
///
/// # Errors
/// Names the path.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}: cannot be deleted", path.display()))
        }
        _ => {
            step();
            Ok(())
        }
    }
}

/// Digest of a file, from which it is later told whether the file is still what was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileDigest {
    /// Name of the file in its folder.
    pub name: String,
    /// Number of bytes that the digest covers.
    pub length: u64,
    /// SHA-256 of these bytes.
    pub sha256: [u8; 32],
    /// Whether the file may have grown since.
    pub grows: bool,
}

impl FileDigest {
    /// Digest of the file `name`, which is written with this content once and for all.
    pub fn of(name: &str, content: &[u8]) -> Self {
        let sha256 = Sha256::digest(content).into();
        Self { name: name.to_owned(), length: content.len() as u64, sha256, grows: false }
    }

    /// Checks that the file in `folder` is what was written, or begins with it if it grows.
    ///
    /// # Errors
    /// Names the file and what became of it.
    pub fn check(&self, folder: &Path) -> Result<()> {
        let Self { name, length, sha256, grows } = self;
        let is_name = matches!(Path::new(name).components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
        ensure!(is_name, "{name:?} is not the name of a file");
        let path = folder.join(name);
        let named = || path.display().to_string();
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(*length + u64::from(!grows)).read_to_end(&mut bytes)) {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("{}: is gone", path.display()),
            Err(error) => return Err(error).with_context(named),
            Ok(_) => {}
        }
        let found = bytes.len() as u64;
        ensure!(found >= *length, "{}: has {found} bytes, but {length} were written: it was cut off", named());
        ensure!(found == *length, "{}: has more than the {length} bytes that were written", named());
        let is_the_same = Sha256::digest(&bytes)[..] == sha256[..];
        ensure!(is_the_same, "{}: its {length} bytes are not those that were written", named());
        Ok(())
    }
}

/// File that only grows, by whole entries, and knows the digest of all that it holds.
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Length in bytes of all whole entries.
    length: u64,
    hash: Sha256,
}

impl Journal {
    /// Opens the file at `path`, which holds `content`, for more; without content it need not be there.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: &Path, content: &[u8]) -> Result<Self> {
        let file = File::options().append(true).create(true).open(path).with_context(|| path.display().to_string())?;
        let mut hash = Sha256::new();
        hash.update(content);
        Ok(Self { path: path.to_owned(), file, length: content.len() as u64, hash })
    }

    /// Appends one entry. A crash may leave a part of it at the end of the file.
    ///
    /// # Errors
    /// If the file cannot be written; the whole entry is then missing.
    pub fn append(&mut self, entry: &[u8]) -> Result<()> {
        let written = self.file.write_all(entry);
        if written.is_ok() {
            self.length += entry.len() as u64;
            self.hash.update(entry);
        } else {
            // Half an entry would spoil the next one. If this fails too, readers skip what they cannot parse.
            self.file.set_len(self.length).ok();
        }
        step();
        written.with_context(|| self.path.display().to_string())
    }

    /// Waits until all entries are on the disk.
    ///
    /// # Errors
    /// If they cannot be written to the disk.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().with_context(|| self.path.display().to_string())?;
        step();
        Ok(())
    }

    /// Digest of all entries.
    pub fn digest(&self) -> FileDigest {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        FileDigest { name, length: self.length, sha256: self.hash.clone().finalize().into(), grows: true }
    }
}

/// Steps until [`abort_at_step`] strikes; 0 for never.
static STEPS_LEFT: AtomicU64 = AtomicU64::new(0);

/// Aborts the process, as a kill does, at the `number`-th step from now, counted from 1, of anything that this module writes: a file
/// created, half written, written, synced, renamed, its folder synced. Crash tests call it; 0 revokes it.
pub fn abort_at_step(number: u64) {
    STEPS_LEFT.store(number, Ordering::Relaxed);
}

/// Marks the end of one step of a write.
fn step() {
    let left = STEPS_LEFT.load(Ordering::Relaxed);
    if left > 0 && STEPS_LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
        std::process::abort();
    }
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
    let mut file = File::create(path).context("cannot be created")?;
    step();
    for half in [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]] {
        file.write_all(half).context("cannot be written")?;
        step();
    }
    file.sync_all().context("does not reach the disk")?;
    step();
    Ok(())
}

/// Writes a rename to the disk by a sync of the folder. Only Unix can open a folder for that.
fn sync_folder_of(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .with_context(|| format!("{}: the folder does not reach the disk", folder.display()))?;
    }
    step();
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

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_stay_what_they_are() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [file, link, pipe] = ["a.model", "link", "pipe"].map(|name| folder.path().join(name));
        write_atomically(&file, b"first").expect("the folder can be written");
        symlink("a.model", &link).expect("a link");
        write_atomically(&link, b"second").expect("the file behind it can be written");
        assert!(link.is_symlink() && fs::read(&file).expect("it was written") == b"second");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
        assert!(made.success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).expect("a pipe can be read")
        });
        write_atomically(&pipe, b"third").expect("a pipe can be written");
        assert_eq!(reader.join().expect("the reader ends"), b"third");
        assert!(pipe.metadata().expect("it is there").file_type().is_fifo());
        assert_eq!(names(folder.path()), ["a.model", "link", "pipe"]);
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
    fn a_file_that_is_not_what_was_written_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let path = folder.join("lines");
        let check_digest = |grows: bool, content: &[u8], expected: Result<(), &str>| {
            fs::write(&path, content).expect("the folder can be written");
            let digest = FileDigest { grows, ..FileDigest::of("lines", b"one\ntwo\n") };
            let found = digest.check(folder).map_err(|error| format!("{error:#}"));
            match (&found, expected) {
                (Ok(()), Ok(())) => {}
                (Err(found), Err(part)) => assert!(found.contains(part) && found.contains("lines"), "{found}"),
                _ => panic!("{found:?}, not {expected:?}"),
            }
        };
        for grows in [false, true] {
            check_digest(grows, b"one\ntwo\n", Ok(()));
            check_digest(grows, b"one\n", Err("has 4 bytes, but 8 were written: it was cut off"));
            check_digest(grows, b"one\ntwp\n", Err("its 8 bytes are not those that were written"));
        }
        check_digest(true, b"one\ntwo\nthree\n", Ok(()));
        check_digest(false, b"one\ntwo\nthree\n", Err("has more than the 8 bytes that were written"));
        let check = |name: &str, part: &str| {
            let error = FileDigest::of(name, b"x").check(folder).expect_err(part);
            assert!(format!("{error:#}").contains(part), "{error:#}");
        };
        check("absent", "absent: is gone");
        check("../lines", "is not the name of a file");
        check("", "is not the name of a file");
    }

    #[test]
    fn a_journal_knows_the_digest_of_what_it_holds() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let path = folder.join("lines");
        fs::write(&path, b"what was there before").expect("the folder can be written");
        write_atomically(&path, b"one\n").expect("written");
        let mut journal = Journal::open(&path, b"one\n").expect("opened");
        let one = journal.digest();
        journal.append(b"two\n").expect("appended");
        journal.sync().expect("synced");
        assert_eq!(fs::read(&path).expect("read"), b"one\ntwo\n");
        let expected = |content: &[u8]| FileDigest { grows: true, ..FileDigest::of("lines", content) };
        assert_eq!((&one, journal.digest()), (&expected(b"one\n"), expected(b"one\ntwo\n")));
        one.check(folder).expect("the file has only grown");
        journal.digest().check(folder).expect("nothing has changed");
    }

    #[test]
    fn renamed_and_deleted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let [from, to] = ["from", "to"].map(|name| folder.join(name));
        fs::write(&from, b"x").expect("the folder can be written");
        rename(&from, &to).expect("renamed");
        assert_eq!(names(folder), ["to"]);
        let error = rename(&from, &to).expect_err("there is nothing to rename");
        assert!(format!("{error:#}").contains("from: cannot be renamed"), "{error:#}");
        remove(&to).expect("deleted");
        remove(&to).expect("nothing to delete");
        assert!(format!("{:#}", remove(folder).expect_err("a folder")).contains("cannot be deleted"));
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
