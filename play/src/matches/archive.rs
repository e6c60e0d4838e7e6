//! Archive: the finished games of a tournament in a folder, from which it goes on after a kill.
//!
//! The file [`FILE`] begins with the plan of the tournament, an [envelope] whose body is text. An envelope for each game follows,
//! in the order in which they ended: its header is the game's number (`u64`, little endian), its body a
//! [record](keisei_core::format::record) file of one game. A game that is only partly there, the last one, is dropped: whoever
//! wrote it was killed. Any other damage is an error.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use keisei_core::format::{Record, envelope, record};

/// Name of the file in the folder.
pub const FILE: &str = "tournament.games";

const PLAN: [u8; 8] = *b"KEISEI-P";
const GAME: [u8; 8] = *b"KEISEI-G";
const VERSION: u32 = 1;

/// Interval between waits for the disk. What was written before survives a kill in any case, and after a crash of the machine
/// the games of this time are played again.
const SYNC: Duration = Duration::from_secs(1);

/// Plan of a tournament, on which its games depend: lines with a key and a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    lines: Vec<(String, String)>,
    /// Whether the number of games may differ in the archive.
    extends: bool,
}

impl Plan {
    /// Key of the line that says how many games there are, and who meets whom.
    pub(super) const GAMES: &str = "games";

    /// Adds a line; neither key nor value may have a line break.
    pub fn add(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let one_line = |text: String| text.replace(['\n', '\r'], " ");
        self.lines.push((one_line(key.into()), one_line(value.into())));
    }

    /// The same plan, which also accepts an archive with another number of games: for a schedule whose first games are those of a
    /// shorter one.
    #[must_use]
    pub fn extending(self) -> Plan {
        Plan { extends: true, ..self }
    }

    fn text(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        lines.concat()
    }

    /// Checks that a tournament whose plan has this text may go on by this one.
    fn check(&self, text: &str) -> Result<()> {
        let without_digits = |line: &str| line.replace(|letter: char| letter.is_ascii_digit(), "");
        let own = self.text();
        let (mut found, mut asked) = (text.lines(), own.lines());
        for index in 0.. {
            let may_differ = self.extends && self.lines.get(index).is_some_and(|(key, _)| key == Plan::GAMES);
            match (found.next(), asked.next()) {
                (None, None) => break,
                (Some(found), Some(asked)) if found == asked => {}
                (Some(found), Some(asked)) if may_differ && without_digits(found) == without_digits(asked) => {}
                (found, asked) => {
                    let told = |line: Option<&str>| line.map_or("nothing more".to_owned(), |line| format!("`{line}`"));
                    let (found, asked) = (told(found), told(asked));
                    bail!("holds games of another tournament: it has {found} where this one has {asked}");
                }
            }
        }
        Ok(())
    }
}

/// Finished games of a tournament, in a folder.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: File,
    synced: Instant,
    games: BTreeMap<usize, Record>,
}

impl Archive {
    /// Archive in `folder`, which is made if it is not there, of the tournament with this plan.
    ///
    /// # Errors
    /// If the folder holds games of another plan, which this one does not extend, names the first line that differs. Names the
    /// file that cannot be read or written, is damaged, or is in use by another process.
    pub fn open(folder: &Path, plan: &Plan) -> Result<Archive> {
        fs::create_dir_all(folder).with_context(|| format!("{}: cannot be created", folder.display()))?;
        let path = folder.join(FILE);
        let named = || path.display().to_string();
        let file = File::options().append(true).read(true).create(true).open(&path);
        let mut file = file.with_context(|| format!("{}: cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("{}: another process plays this tournament", path.display()),
            Err(TryLockError::Error(error)) => return Err(error).with_context(named),
        }
        let bytes = crate::files::read(&path)?;
        let beginning = envelope::seal(PLAN, VERSION, &[], plan.text().as_bytes());
        let games = if beginning.starts_with(&bytes) {
            // Nothing, or a part of the plan: nobody has played yet.
            file.set_len(0).with_context(named)?;
            file.write_all(&beginning).with_context(named)?;
            file.sync_all().with_context(named)?;
            sync_folder(folder);
            BTreeMap::new()
        } else {
            let (found, length) = plan_of(&bytes).with_context(named)?;
            plan.check(&found).with_context(named)?;
            let (games, whole) = read_games(&bytes, length).with_context(named)?;
            file.set_len(whole as u64).with_context(named)?;
            games
        };
        Ok(Archive { path, file, synced: Instant::now(), games })
    }

    /// Games that were there when the archive was opened, by their numbers.
    pub fn games(&self) -> &BTreeMap<usize, Record> {
        &self.games
    }

    /// Appends a finished game.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub(super) fn append(&mut self, number: usize, record: &Record) -> Result<()> {
        let body = record::to_bytes(std::slice::from_ref(record)).context("the game cannot be recorded")?;
        let entry = envelope::seal(GAME, VERSION, &(number as u64).to_le_bytes(), &body);
        self.file.write_all(&entry).with_context(|| format!("{}: cannot be written", self.path.display()))?;
        if self.synced.elapsed() >= SYNC {
            self.sync()?;
        }
        Ok(())
    }

    /// Waits until all games are on the disk.
    ///
    /// # Errors
    /// Names the file.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.file.sync_data().with_context(|| format!("{}: does not reach the disk", self.path.display()))?;
        self.synced = Instant::now();
        Ok(())
    }
}

/// Writes the name of a new file to the disk, where folders can be opened for that; without it a crash of the machine loses
/// games, and nothing else.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).ok();
    }
}

/// Text of the plan at the start of these bytes, and its length there.
fn plan_of(bytes: &[u8]) -> Result<(String, usize)> {
    const FOREIGN: &str = "is no archive of a tournament";
    let length = first_envelope(bytes).context(FOREIGN)?;
    let (_, text) = envelope::open(&bytes[..length], PLAN, VERSION).context(FOREIGN)?;
    Ok((String::from_utf8_lossy(text).into_owned(), length))
}

/// Length of the envelope at the start of these bytes, if they are as many as it states.
fn first_envelope(bytes: &[u8]) -> Option<usize> {
    let stated = u64::from_le_bytes(bytes.get(16..24)?.try_into().expect("8 bytes"));
    usize::try_from(stated).ok().filter(|&length| length <= bytes.len())
}

/// Games from byte `at` on, by their numbers, and the number of bytes before a torn last one.
fn read_games(bytes: &[u8], mut at: usize) -> Result<(BTreeMap<usize, Record>, usize)> {
    let mut games = BTreeMap::new();
    while at < bytes.len() {
        let rest = &bytes[at..];
        // A file system may leave zeros where nothing was written before a crash.
        let torn = rest.iter().all(|&byte| byte == 0)
            || GAME.starts_with(&rest[..rest.len().min(GAME.len())])
                && first_envelope(rest).is_none()
                && !rest[1..].windows(GAME.len()).any(|bytes| bytes == GAME);
        if torn {
            break;
        }
        let damaged = || format!("is damaged at byte {at}");
        let length = first_envelope(rest).with_context(damaged)?;
        let (number, body) = envelope::open(&rest[..length], GAME, VERSION).with_context(damaged)?;
        let number = u64::from_le_bytes(number.try_into().with_context(damaged)?) as usize;
        let mut record = record::from_bytes(body).with_context(damaged)?;
        ensure!(record.len() == 1, "{}: {} games in an entry", damaged(), record.len());
        ensure!(games.insert(number, record.remove(0)).is_none(), "{}: game {number} for the second time", damaged());
        at += length;
    }
    Ok((games, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keisei_core::shogi::Game;

    fn plan(seed: &str) -> Plan {
        let mut plan = Plan::default();
        plan.add("seed", seed);
        plan.add("player 0", "random");
        plan
    }

    fn game(moves: &[&str]) -> Record {
        let mut game = Game::startpos();
        for mv in moves {
            game.play(mv.parse().expect("it is USI"));
        }
        Record::of_game(&game, "a", "b", Vec::new())
    }

    /// An archive of three games in `folder`; returns its bytes.
    fn fill(folder: &Path) -> Vec<u8> {
        let mut archive = Archive::open(folder, &plan("1")).expect("the folder can be written");
        for (number, moves) in [(4, &["7g7f"][..]), (0, &["2g2f", "8c8d"]), (1, &[])] {
            archive.append(number, &game(moves)).expect("written");
        }
        archive.sync().expect("synced");
        fs::read(folder.join(FILE)).expect("it was written")
    }

    #[test]
    fn games_come_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path().join("new/folder");
        fill(&folder);
        let mut archive = Archive::open(&folder, &plan("1")).expect("it is the same plan");
        let expected = [(0, game(&["2g2f", "8c8d"])), (1, game(&[])), (4, game(&["7g7f"]))];
        assert!(archive.games().iter().map(|(&number, game)| (number, game.clone())).eq(expected));
        let busy = Archive::open(&folder, &plan("1")).expect_err("it is in use");
        assert!(busy.to_string().contains("another process plays this tournament"), "{busy}");
        archive.append(2, &game(&["5g5f"])).expect("written");
        drop(archive);
        assert_eq!(Archive::open(&folder, &plan("1")).expect("the same").games().len(), 4);
    }

    #[test]
    fn a_kill_at_any_byte_loses_the_last_game_at_most() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let bytes = fill(folder);
        let beginning = envelope::seal(PLAN, VERSION, &[], plan("1").text().as_bytes()).len();
        let mut ends = vec![beginning];
        while ends[ends.len() - 1] < bytes.len() {
            let last = ends[ends.len() - 1];
            ends.push(last + first_envelope(&bytes[last..]).expect("it is whole"));
        }
        for length in 0..=bytes.len() {
            let whole = ends.iter().filter(|&&end| end > beginning && end <= length).count();
            let zeros = if length.is_multiple_of(7) && length >= beginning { vec![0; 30] } else { Vec::new() };
            let torn_within = !ends.contains(&length);
            if torn_within && !zeros.is_empty() {
                continue;
            }
            fs::write(folder.join(FILE), [&bytes[..length], &zeros].concat()).expect("written");
            let mut archive = Archive::open(folder, &plan("1")).expect("a kill is no damage");
            assert_eq!(archive.games().len(), whole, "{length} bytes");
            archive.append(9, &game(&["9g9f"])).expect("written");
            drop(archive);
            assert_eq!(Archive::open(folder, &plan("1")).expect("whole").games().len(), whole + 1, "{length} bytes");
        }
    }

    #[test]
    fn damage_is_named_with_its_byte() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let bytes = fill(folder);
        let beginning = envelope::seal(PLAN, VERSION, &[], plan("1").text().as_bytes()).len();
        for at in beginning..beginning + 60 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 64;
            fs::write(folder.join(FILE), damaged).expect("written");
            let error = Archive::open(folder, &plan("1")).expect_err("it is damaged");
            assert!(format!("{error:#}").contains(&format!("{FILE}: is damaged at byte {beginning}")), "{error:#}");
        }
    }

    #[test]
    fn another_plan_is_refused_with_the_line_that_differs() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        fill(folder);
        let check = |plan: &Plan, expected: &str| {
            let error = format!("{:#}", Archive::open(folder, plan).expect_err(expected));
            assert!(error.contains(FILE) && error.contains(expected), "{error}");
        };
        check(&plan("2"), "another tournament: it has `seed: 1` where this one has `seed: 2`");
        let mut more = plan("1");
        more.add("player 1", "greedy");
        check(&more, "it has nothing more where this one has `player 1: greedy`");
        fs::write(folder.join(FILE), "something else, which is long enough to have a length and a digest")
            .expect("written");
        check(&plan("1"), "is no archive of a tournament");
    }
}
