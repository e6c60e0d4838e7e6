//! [`Store`]: the checkpoints of one run, in the folder `checkpoints` of its directory.
//!
//! | name | content |
//! |---|---|
//! | `00000120.checkpoint` | checkpoint after iteration 120; more than eight digits where it takes more |
//! | `00000120.pin` | pin of its owner: this checkpoint is never deleted |
//! | `best-00000120.pin` | pin on the checkpoint that played best; a crash while it moves may leave both |
//! | `00000120.checkpoint.aside` | a checkpoint that a run went back behind, kept for its owner |
//!
//! Files of any other name are left alone. The name of a pin says all, so that it survives any way of copying the folder, and no damage
//! to it can lose a checkpoint.

use super::{Checkpoint, Fault, Header, Retention};
use crate::durable::{remove, rename, write_atomically};
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const EXTENSION: &str = "checkpoint";
const PIN: &str = "pin";
const BEST: &str = "best-";
const ASIDE: &str = "aside";

/// Checkpoints of one run, for the process that trains there.
pub struct Store {
    directory: PathBuf,
    /// Files that were read or written before, so that each is read only once.
    known: HashMap<PathBuf, (Stamp, Known)>,
    /// The checkpoint that was written last.
    written: Option<u64>,
}

/// Result of reading a file: its header if it is whole, its fault if it has one. A sick file has both.
#[derive(Clone)]
struct Known {
    header: Option<Header>,
    fault: Option<Fault>,
}

/// What shows that a file has changed since it was read.
#[derive(PartialEq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Inode and time of the last change, which nobody sets back; 0 where there are none.
    change: [i64; 3],
}

/// A checkpoint file that was read.
#[derive(Debug)]
pub struct Entry {
    /// Path of the file.
    pub path: PathBuf,
    /// Iteration in the header; the one in the name if the header cannot be trusted.
    pub iteration: u64,
    /// Header of a whole file.
    pub header: Option<Header>,
    /// Fault for which it cannot be resumed from, if any.
    pub fault: Option<Fault>,
    /// Size in bytes.
    pub bytes: u64,
    /// Time of the last write.
    pub modified: Option<SystemTime>,
    /// Pins on it.
    pub pins: Vec<Pin>,
    /// Whether the name tells another iteration than the header: a renamed copy.
    pub is_renamed: bool,
}

/// Pin: keeps a checkpoint from being deleted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Pin {
    /// The checkpoint that played best so far; there is one such pin.
    Best,
    /// A checkpoint that the run's owner wants to keep.
    Owner,
}

/// A checkpoint to go on from.
#[derive(Debug)]
pub struct Loaded {
    /// Path of the file.
    pub path: PathBuf,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Newer files that cannot be resumed from, the newest first.
    pub skipped: Vec<Skipped>,
}

/// File that was passed over for its fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// Path of the file.
    pub path: PathBuf,
    /// Its fault.
    pub fault: Fault,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let kind = match self.fault {
            Fault::Unreadable { .. } => "an unreadable checkpoint",
            Fault::Damaged { .. } => "a damaged checkpoint",
            Fault::Newer { .. } => "a checkpoint of a newer version",
            Fault::Sick { .. } => "a sick checkpoint",
        };
        write!(f, "skipped {kind}: {}: {}", self.path.display(), self.fault)
    }
}

impl Pin {
    /// Path of the pin on the checkpoint of `iteration`.
    fn path(self, directory: &Path, iteration: u64) -> PathBuf {
        directory.join(match self {
            Self::Best => format!("{BEST}{iteration:08}.{PIN}"),
            Self::Owner => format!("{iteration:08}.{PIN}"),
        })
    }

    /// The pin that a file is, and the iteration that it pins; `None` for any other file.
    fn of_file(path: &Path) -> Option<(Self, u64)> {
        let name = path.file_name()?.to_str()?;
        match name.strip_prefix(BEST) {
            Some(rest) => Some((Self::Best, iteration_of(rest, PIN)?)),
            None => Some((Self::Owner, iteration_of(name, PIN)?)),
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Best => "best",
            Self::Owner => "pinned",
        })
    }
}

impl Store {
    /// Checkpoints in the folder `directory`, which need not exist yet.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), known: HashMap::new(), written: None }
    }

    /// Writes a checkpoint and returns its path. Nothing is deleted: that is up to [`prune`](Self::prune).
    ///
    /// # Errors
    /// If the file cannot be written; earlier checkpoints remain.
    pub fn save(&mut self, checkpoint: &Checkpoint) -> Result<PathBuf> {
        let directory = &self.directory;
        // Not its parents: a run whose directory was renamed must not write where it was.
        match std::fs::create_dir(directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("{}: cannot create", directory.display()));
            }
            _ => {}
        }
        let iteration = checkpoint.state.done.iterations;
        let path = path_of(directory, iteration);
        write_atomically(&path, &checkpoint.to_bytes())?;
        self.written = Some(iteration);
        let fault = checkpoint.state.sickness().map(|reason| Fault::Sick { reason });
        if let Ok(metadata) = path.metadata() {
            self.known.insert(path.clone(), (Stamp::of(&metadata), Known { header: Some(checkpoint.header()), fault }));
        }
        Ok(path)
    }

    /// All checkpoint files, by rising iteration. Each is read and checked, unless it was before and has not changed.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn entries(&mut self) -> Result<Vec<Entry>> {
        let pins = pins(&self.directory)?;
        let mut entries = Vec::new();
        let mut still_known = HashMap::new();
        for (path, named) in files(&self.directory)? {
            // A file that is gone by now was deleted by another process, such as the one that trains.
            let Ok(metadata) = path.metadata() else { continue };
            let stamp = Stamp::of(&metadata);
            let known = match self.known.remove(&path) {
                Some((before, known)) if before == stamp => known,
                _ => Known::of(&path),
            };
            if known.fault.is_some() && !path.exists() {
                continue;
            }
            let iteration = known.header.as_ref().map_or(named, |header| header.done.iterations);
            let pins = pins.iter().filter(|&&(_, pinned)| pinned == iteration).map(|&(pin, _)| pin).collect();
            let Known { header, fault } = known.clone();
            entries.push(Entry {
                iteration,
                header,
                fault,
                bytes: metadata.len(),
                modified: metadata.modified().ok(),
                pins,
                is_renamed: iteration != named,
                path: path.clone(),
            });
            still_known.insert(path, (stamp, known));
        }
        self.known = still_known;
        entries.sort_by(|a, b| (a.iteration, !a.is_renamed, &a.path).cmp(&(b.iteration, !b.is_renamed, &b.path)));
        Ok(entries)
    }

    /// Deletes the checkpoints that `retention` does not keep, and returns their paths. Files that are damaged, sick, unreadable or
    /// renamed neither count nor go, and the one written last stays.
    ///
    /// # Errors
    /// If the folder cannot be read or a file cannot be deleted; all else is done nevertheless.
    pub fn prune(&mut self, retention: &Retention) -> Result<Vec<PathBuf>> {
        let deleted = self.superfluous(retention)?;
        let errors: Vec<anyhow::Error> = deleted.iter().filter_map(|path| remove(path).err()).collect();
        errors.into_iter().next().map_or(Ok(deleted), Err)
    }

    /// Checkpoints that [`prune`](Self::prune) would delete.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn superfluous(&mut self, retention: &Retention) -> Result<Vec<PathBuf>> {
        let entries = self.entries()?;
        let sound = entries.iter().filter(|entry| entry.fault.is_none() && !entry.is_renamed);
        let seconds = |entry: &Entry| entry.header.as_ref().map_or(0.0, |header| header.seconds);
        let whole: BTreeMap<u64, f64> = sound.clone().map(|entry| (entry.iteration, seconds(entry))).collect();
        let pinned: BTreeSet<u64> =
            entries.iter().filter(|entry| !entry.pins.is_empty()).map(|entry| entry.iteration).collect();
        let kept = retention.kept(&whole, &pinned);
        let goes = |entry: &&Entry| !kept.contains(&entry.iteration) && self.written != Some(entry.iteration);
        Ok(sound.filter(goes).map(|entry| entry.path.clone()).collect())
    }

    /// Names of the league's snapshots that any checkpoint needs, also one that was set aside; none if a checkpoint cannot be read, which
    /// may need any.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn snapshots(&mut self) -> Result<Option<BTreeSet<String>>> {
        let entries = self.entries()?;
        let is_unknown = |entry: &Entry| matches!(entry.fault, Some(Fault::Unreadable { .. } | Fault::Newer { .. }));
        if entries.iter().any(is_unknown) {
            return Ok(None);
        }
        let aside = paths(&self.directory)?.into_iter().filter(|path| is_aside(path));
        let headers = entries.into_iter().filter_map(|entry| entry.header);
        let headers = headers.chain(aside.filter_map(|path| Header::peek(&path)));
        Ok(Some(headers.flat_map(|header| header.snapshots).map(|file| file.name).collect()))
    }

    /// Pins a checkpoint; the pin on the best moves there from another one.
    ///
    /// # Errors
    /// If the checkpoint is not there or not sound, or the pin cannot be written.
    pub fn pin(&mut self, pin: Pin, iteration: u64) -> Result<()> {
        let entries = self.entries()?;
        let Some(entry) = entries.iter().rfind(|entry| entry.iteration == iteration && !entry.is_renamed) else {
            bail!("{}", absent(&self.directory, iteration, entries.iter().map(|entry| entry.iteration)));
        };
        if let Some(fault) = &entry.fault {
            bail!("{}: {}: {fault}", entry.path.display(), fault.word());
        }
        write_atomically(&pin.path(&self.directory, iteration), b"")?;
        if pin == Pin::Best {
            for (other, elsewhere) in pins(&self.directory)? {
                if other == Pin::Best && elsewhere != iteration {
                    remove(&other.path(&self.directory, elsewhere))?;
                }
            }
        }
        Ok(())
    }

    /// Removes all pins from the checkpoint of `iteration`; whether there was one.
    ///
    /// # Errors
    /// If the folder cannot be read or a pin cannot be deleted.
    pub fn unpin(&self, iteration: u64) -> Result<bool> {
        let mut was_there = false;
        for (pin, _) in pins(&self.directory)?.into_iter().filter(|&(_, pinned)| pinned == iteration) {
            remove(&pin.path(&self.directory, iteration))?;
            was_there = true;
        }
        Ok(was_there)
    }
}

impl Known {
    fn of(path: &Path) -> Self {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return Self { header: None, fault: Some(Fault::reading(&error)) },
        };
        match Checkpoint::from_bytes(&bytes) {
            Ok(checkpoint) => {
                let fault = checkpoint.state.sickness().map(|reason| Fault::Sick { reason });
                Self { header: Some(checkpoint.header()), fault }
            }
            Err(fault) => Self { header: None, fault: Some(fault) },
        }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let change = {
            use std::os::unix::fs::MetadataExt;
            [metadata.ino() as i64, metadata.ctime(), metadata.ctime_nsec()]
        };
        #[cfg(not(unix))]
        let change = [0; 3];
        Self { bytes: metadata.len(), modified: metadata.modified().ok(), change }
    }
}

/// The newest sound checkpoint of the folder `directory`, or that of `iteration`. Newest is the one with the highest iteration in
/// its header, whatever the clock said.
///
/// # Errors
/// If the folder cannot be read, or holds no sound checkpoint, or no sound one of `iteration`; names every file that was skipped.
pub fn load_from(directory: &Path, iteration: Option<u64>) -> Result<Loaded> {
    let mut files = by_iteration(directory)?;
    if let Some(wanted) = iteration {
        let there: Vec<u64> = files.iter().map(|&(iteration, ..)| iteration).collect();
        files.retain(|&(iteration, ..)| iteration == wanted);
        if files.is_empty() {
            bail!("{}", absent(directory, wanted, there.into_iter()));
        }
    }
    let mut skipped = Vec::new();
    for (_, _, path) in files.into_iter().rev() {
        match Checkpoint::load(&path) {
            Ok(checkpoint) => return Ok(Loaded { path, checkpoint, skipped }),
            Err(fault) => skipped.push(Skipped { path, fault }),
        }
    }
    let reasons: Vec<String> = skipped.iter().map(|skipped| format!("\n  {skipped}")).collect();
    bail!("{}: no checkpoint there is whole and sound{}", directory.display(), reasons.concat())
}

/// Renames the checkpoints after `iteration`, sound or not, so that a run that goes on from there is not taken for their
/// continuation, and removes the pins on them. Returns their new paths.
///
/// # Errors
/// If the folder cannot be read or a file cannot be renamed.
pub fn set_aside_after(directory: &Path, iteration: u64) -> Result<Vec<PathBuf>> {
    let mut aside = Vec::new();
    for (_, _, path) in by_iteration(directory)?.into_iter().filter(|&(later, ..)| later > iteration) {
        let names = (1..).map(|number| match number {
            1 => path.with_added_extension(ASIDE),
            _ => path.with_added_extension(format!("{ASIDE}{number}")),
        });
        let free = names.into_iter().find(|name| !name.exists()).context("some name is free")?;
        rename(&path, &free)?;
        aside.push(free);
    }
    for (pin, pinned) in pins(directory)?.into_iter().filter(|&(_, pinned)| pinned > iteration) {
        remove(&pin.path(directory, pinned))?;
    }
    Ok(aside)
}

/// Whether there is any checkpoint in `directory`, sound or not.
///
/// # Errors
/// If the directory exists but cannot be read.
pub fn any(directory: &Path) -> Result<bool> {
    Ok(directory.exists() && !files(directory)?.is_empty())
}

/// Pins in the folder `directory`, with the iterations that they pin.
///
/// # Errors
/// If the folder exists but cannot be read.
pub fn pins(directory: &Path) -> Result<BTreeSet<(Pin, u64)>> {
    let paths = if directory.exists() { paths(directory)? } else { Vec::new() };
    Ok(paths.iter().filter_map(|path| Pin::of_file(path)).collect())
}

/// Checkpoint files with their iterations by rising iteration; among equals those that are named after it come last.
fn by_iteration(directory: &Path) -> Result<Vec<(u64, bool, PathBuf)>> {
    let sorted = |(path, named): (PathBuf, u64)| {
        let iteration = match Header::peek(&path) {
            Some(header) if header.done.iterations == named => named,
            // A renamed copy, or a damaged file: the digest tells which.
            _ => Known::of(&path).header.map_or(named, |header| header.done.iterations),
        };
        (iteration, iteration == named, path)
    };
    let mut files: Vec<_> = files(directory)?.into_iter().map(sorted).collect();
    files.sort();
    Ok(files)
}

/// Files that are named as checkpoints, with the iterations in their names. A copy that its owner gave another name, such as
/// `best.checkpoint`, is not among them.
fn files(directory: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let named = |path: PathBuf| iteration_of(path.file_name()?.to_str()?, EXTENSION).map(|iteration| (path, iteration));
    Ok(paths(directory)?.into_iter().filter_map(named).collect())
}

/// Whether a checkpoint was set aside under this path.
fn is_aside(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| extension.starts_with(ASIDE))
}

fn paths(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    entries.with_context(|| format!("{}: cannot read", directory.display()))
}

/// Path of the checkpoint of `iteration`.
fn path_of(directory: &Path, iteration: u64) -> PathBuf {
    directory.join(format!("{iteration:08}.{EXTENSION}"))
}

/// Iteration in a name such as `00000120.checkpoint`: exactly as [`path_of`] writes it.
fn iteration_of(name: &str, extension: &str) -> Option<u64> {
    let digits = name.strip_suffix(extension)?.strip_suffix('.')?;
    let iteration = digits.parse().ok()?;
    (digits == format!("{iteration:08}")).then_some(iteration)
}

fn absent(directory: &Path, iteration: u64, there: impl Iterator<Item = u64>) -> String {
    let there: Vec<String> = there.map(|iteration| iteration.to_string()).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    format!("{}: no checkpoint of iteration {iteration}; there are: {there}", directory.display())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{checkpoint, state};
    use super::*;
    use keisei_core::random::{Purpose, Stream};
    use std::fs;

    const NEWEST: Retention = Retention { newest: 2, hours: 0.0, log_spaced: false };

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    /// Folder with checkpoints of these iterations, and its store.
    fn folder(iterations: &[u64]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut store = Store::new(folder.path());
        for &iteration in iterations {
            store.save(&checkpoint(iteration)).expect("saved");
        }
        (folder, store)
    }

    /// Changes one byte in the middle of the file.
    fn damage(path: &Path) {
        let mut bytes = fs::read(path).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(path, bytes).expect("written");
    }

    /// Iteration that a run would go on from, and the kinds of fault of the files skipped.
    fn newest(folder: &Path) -> (u64, Vec<&'static str>) {
        let Loaded { checkpoint, skipped, .. } = load_from(folder, None).expect("found");
        (checkpoint.state.done.iterations, skipped.iter().map(|skipped| skipped.fault.word()).collect())
    }

    #[test]
    fn a_checkpoint_comes_back_and_the_oldest_go() {
        let (folder, mut store) = folder(&[]);
        assert!(!any(folder.path()).expect("read") && !any(&folder.path().join("absent")).expect("nothing to read"));
        for iteration in 1..=4 {
            store.save(&checkpoint(iteration)).expect("saved");
            store.prune(&NEWEST).expect("deleted");
        }
        assert_eq!(names(folder.path()), ["00000003.checkpoint", "00000004.checkpoint"]);
        let loaded = load_from(folder.path(), None).expect("found");
        assert_eq!((loaded.checkpoint, loaded.skipped), (checkpoint(4), Vec::new()));
        assert_eq!(load_from(folder.path(), Some(3)).expect("found").checkpoint, checkpoint(3));
        let error = load_from(folder.path(), Some(2)).expect_err("deleted").to_string();
        assert!(error.ends_with("no checkpoint of iteration 2; there are: 3, 4"), "{error}");
    }

    #[test]
    fn copies_under_other_names_push_nothing_out_and_are_not_resumed_from() {
        let (folder, mut store) = folder(&[99_999_999]);
        let path = |name: &str| folder.path().join(name);
        let foreign = [
            "best.checkpoint",
            "good-a.checkpoint",
            "keep",
            "00000007.checkpoint.checkpoint",
            "7.checkpoint",
            "000000007.checkpoint",
            "+0000007.checkpoint",
        ];
        for copy in foreign {
            fs::copy(path("99999999.checkpoint"), path(copy)).expect("copied");
        }
        // Nine digits come after eight, and what was just written stays even behind newer ones.
        for iteration in [100_000_000, 100_000_001, 5] {
            assert!(store.save(&checkpoint(iteration)).expect("saved").exists());
            store.prune(&NEWEST).expect("deleted");
            assert!(path(&format!("{iteration:08}.checkpoint")).exists(), "{iteration}");
        }
        let entries = store.entries().expect("read");
        let left: Vec<u64> = entries.iter().map(|entry| entry.iteration).collect();
        assert_eq!(left, [5, 100_000_000, 100_000_001]);
        assert!(foreign.iter().all(|copy| path(copy).exists()));
        assert_eq!(newest(folder.path()).0, 100_000_001);
    }

    #[test]
    fn the_header_tells_the_iteration_whatever_name_a_copy_has() {
        let (folder, mut store) = folder(&[1, 2, 3]);
        let path = |name: &str| folder.path().join(name);
        fs::rename(path("00000002.checkpoint"), path("00000900.checkpoint")).expect("renamed");
        assert_eq!(newest(folder.path()).0, 3);
        assert_eq!(load_from(folder.path(), Some(2)).expect("found").path, path("00000900.checkpoint"));
        // It takes no place and is not deleted.
        store.save(&checkpoint(4)).expect("saved");
        store.prune(&NEWEST).expect("deleted");
        assert_eq!(names(folder.path()), ["00000003.checkpoint", "00000004.checkpoint", "00000900.checkpoint"]);
        assert!(store.entries().expect("read")[0].is_renamed);
    }

    #[test]
    fn a_fault_of_any_kind_is_named_and_the_one_before_is_used() {
        let (folder, mut store) = folder(&[1, 2, 3, 4, 5, 6]);
        let path = |iteration: u64| folder.path().join(format!("{iteration:08}.checkpoint"));
        damage(&path(6));
        fs::remove_file(path(5)).expect("deleted");
        fs::create_dir(path(5)).expect("a folder in place of a file");
        let mut sick = checkpoint(4);
        sick.state.weights[0] = f32::NAN;
        store.save(&sick).expect("saved");
        let newer = keisei_core::format::envelope::seal(*b"KEISEICP", 9, b"", b"");
        fs::write(path(3), newer).expect("written");
        let loaded = load_from(folder.path(), None).expect("found");
        assert_eq!(loaded.checkpoint.state, state(2));
        let messages: Vec<String> = loaded.skipped.iter().map(Skipped::to_string).collect();
        for (message, (iteration, part)) in messages.iter().zip([
            (6, "skipped a damaged checkpoint: "),
            (5, "skipped an unreadable checkpoint: "),
            (4, "skipped a sick checkpoint: "),
            (3, "skipped a checkpoint of a newer version: "),
        ]) {
            assert!(message.starts_with(part) && message.contains(&format!("{iteration:08}")), "{message}");
        }
        assert_eq!(messages.len(), 4);
        assert!(messages[2].ends_with("weight 0 of 2 is NaN, outside -1e6 to 1e6"), "{}", messages[2]);
        // None of them counts as kept, none is deleted.
        store.save(&checkpoint(7)).expect("saved");
        store.prune(&NEWEST).expect("deleted");
        let left = store.entries().expect("read").into_iter().map(|entry| (entry.iteration, entry.fault.is_none()));
        let expected = [(2, true), (3, false), (4, false), (5, false), (6, false), (7, true)];
        assert_eq!(left.collect::<Vec<_>>(), expected);

        let error = load_from(folder.path(), Some(4)).expect_err("sick").to_string();
        assert!(error.contains("no checkpoint there is whole") && error.contains("sick"), "{error}");
        for iteration in [2, 7] {
            damage(&path(iteration));
        }
        let error = load_from(folder.path(), None).expect_err("none is whole").to_string();
        assert_eq!(error.lines().count(), 7, "{error}");
    }

    #[test]
    fn a_flipped_bit_anywhere_does_not_hide_the_newest() {
        let (folder, store) = folder(&[200, 300]);
        let path = folder.path().join("00000300.checkpoint");
        let whole = fs::read(&path).expect("read");
        for bit in 0..8 * whole.len() {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, damaged).expect("written");
            assert_eq!(newest(folder.path()), (200, vec!["damaged"]), "bit {bit}");
        }
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).expect("written");
            assert_eq!(newest(folder.path()), (200, vec!["damaged"]), "cut to {length}");
        }
        drop(store);
    }

    #[test]
    fn damage_after_the_first_look_is_seen() {
        let (folder, mut store) = folder(&[1, 2, 3]);
        assert!(store.entries().expect("read").iter().all(|entry| entry.fault.is_none()));
        let path = folder.path().join("00000002.checkpoint");
        damage(&path);
        let faults: Vec<bool> = store.entries().expect("read").iter().map(|entry| entry.fault.is_some()).collect();
        assert_eq!(faults, [false, true, false]);
    }

    #[test]
    fn pins_keep_checkpoints_and_are_refused_where_there_is_none() {
        let (folder, mut store) = folder(&[1, 2, 3]);
        store.pin(Pin::Owner, 1).expect("pinned");
        store.pin(Pin::Best, 2).expect("pinned");
        for iteration in 4..=6 {
            store.save(&checkpoint(iteration)).expect("saved");
            store.prune(&NEWEST).expect("deleted");
        }
        store.pin(Pin::Best, 5).expect("moved");
        store.save(&checkpoint(7)).expect("saved");
        store.save(&checkpoint(8)).expect("saved");
        assert_eq!(store.prune(&NEWEST).expect("deleted"), [2, 6].map(|iteration| path_of(folder.path(), iteration)));
        let expected = [1, 5, 7, 8].map(|iteration| format!("{iteration:08}.checkpoint"));
        let left: Vec<String> = names(folder.path()).into_iter().filter(|name| name.ends_with("checkpoint")).collect();
        assert_eq!(left, expected);
        assert_eq!(pins(folder.path()).expect("read"), BTreeSet::from([(Pin::Best, 5), (Pin::Owner, 1)]));
        assert_eq!(store.entries().expect("read")[0].pins, [Pin::Owner]);

        let error = store.pin(Pin::Owner, 6).expect_err("deleted").to_string();
        assert!(error.ends_with("no checkpoint of iteration 6; there are: 1, 5, 7, 8"), "{error}");
        damage(&folder.path().join("00000007.checkpoint"));
        assert!(store.pin(Pin::Best, 7).expect_err("damaged").to_string().contains("damaged"));
        assert!(store.unpin(1).expect("removed") && !store.unpin(1).expect("gone"));

        // A crash between the two steps of a move leaves both.
        fs::write(folder.path().join("best-00000001.pin"), b"").expect("written");
        assert_eq!(pins(folder.path()).expect("read"), BTreeSet::from([(Pin::Best, 1), (Pin::Best, 5)]));
        for other in ["best.pin", "best-1.pin", "1.pin"] {
            fs::write(folder.path().join(other), b"").expect("written");
        }
        store.pin(Pin::Best, 8).expect("moved");
        let left: Vec<String> = names(folder.path()).into_iter().filter(|name| name.contains("pin")).collect();
        assert_eq!(left, ["1.pin", "best-00000008.pin", "best-1.pin", "best.pin"]);
    }

    #[test]
    fn a_run_that_goes_back_leaves_no_other_future() {
        let (folder, mut store) = folder(&[1, 2, 3, 4]);
        store.pin(Pin::Best, 3).expect("pinned");
        store.pin(Pin::Owner, 1).expect("pinned");
        damage(&folder.path().join("00000004.checkpoint"));
        assert_eq!(set_aside_after(folder.path(), 2).expect("renamed").len(), 2);
        assert_eq!(newest(folder.path()), (2, Vec::new()));
        store.save(&checkpoint(3)).expect("saved");
        assert_eq!(set_aside_after(folder.path(), 2).expect("renamed").len(), 1);
        let expected = [
            "00000001.checkpoint",
            "00000001.pin",
            "00000002.checkpoint",
            "00000003.checkpoint.aside",
            "00000003.checkpoint.aside2",
            "00000004.checkpoint.aside",
        ];
        assert_eq!(names(folder.path()), expected);
        assert!(set_aside_after(folder.path(), 2).expect("nothing to rename").is_empty());
    }

    #[test]
    fn whatever_happens_the_newest_sound_checkpoint_stays() {
        for seed in 0..40 {
            let mut stream = Stream::new(seed, Purpose::Shuffle, 0, 0);
            let (folder, mut store) = folder(&[]);
            let retention = Retention { newest: stream.below(4), hours: 0.001, log_spaced: stream.below(2) == 0 };
            let mut iteration = 0;
            let mut sound = BTreeSet::new();
            for _ in 0..25 {
                iteration += 1 + stream.below(9) as u64;
                let path = store.save(&checkpoint(iteration)).expect("saved");
                sound.insert(iteration);
                let deleted = store.prune(&retention).expect("deleted");
                assert!(path.exists() && !deleted.contains(&path), "seed {seed}");
                for path in deleted {
                    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
                    sound.remove(&iteration_of(name, EXTENSION).expect("only checkpoints are deleted"));
                }
                match stream.below(6) {
                    0 => {
                        damage(&path);
                        sound.remove(&iteration);
                    }
                    1 => drop(fs::copy(&path, folder.path().join(format!("copy-{iteration}.checkpoint")))),
                    2 => store = Store::new(folder.path()),
                    3 => store.pin(Pin::Owner, iteration).expect("pinned"),
                    _ => {}
                }
                match sound.last() {
                    Some(&newest_sound) => assert_eq!(newest(folder.path()).0, newest_sound, "seed {seed}"),
                    None => assert!(load_from(folder.path(), None).is_err()),
                }
            }
            let copies = names(folder.path()).iter().filter(|name| name.starts_with("copy-")).count();
            let pinned = pins(folder.path()).expect("read");
            assert!(pinned.iter().all(|&(_, iteration)| path_of(folder.path(), iteration).exists()), "seed {seed}");
            assert!(copies + pinned.len() > 0 || seed > 0);
        }
    }
}
