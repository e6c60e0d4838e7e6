//! Games of a bundle: record files of a few games each, and the index by which a page lists and filters all of them.

use super::chunk::{Put, describe, json, put_chunk};
use super::format::{GameChunk, GameIndex, GameSet, Standing};
use crate::run::GAMES;
use anyhow::{Context, Result};
use keisei_core::format::record::{self, Record};
use keisei_core::shogi::{Color, GameResult, Reason};
use keisei_play::files::read_records;
use keisei_play::rating::{Pairing, Pairs, fit};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most games of a chunk. A page reads a whole chunk, by the rules, to show one of them: that is to take no longer than a blink.
const MOST_OF_CHUNK: usize = 64;

/// Most plies of a chunk with more than one game.
const MOST_PLIES: usize = 8192;

/// Most players that are rated: the fit grows with their cube.
const MOST_RATED: usize = 64;

/// Ending of a game that has none.
const UNFINISHED: &str = "unfinished";

/// File of recorded games, with the iteration of its checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GameFile {
    /// Iteration; 0 for games of no run.
    pub iteration: u64,
    /// Path.
    pub path: PathBuf,
}

/// Files of the games that the run in `directory` has recorded, in their order.
///
/// # Errors
/// If the folder of the games cannot be read.
pub fn files_of(directory: &Path) -> Result<Vec<GameFile>> {
    let folder = directory.join("games");
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry.with_context(|| folder.display().to_string())?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if let Some(iteration) = stem.filter(|_| path.extension().is_some_and(|extension| extension == "record")) {
                files.push(GameFile { iteration, path });
            }
        }
        files.sort_by_key(|file| file.iteration);
    }
    let newest = directory.join(GAMES);
    if files.is_empty() && newest.is_file() {
        files.push(GameFile { iteration: 0, path: newest });
    }
    Ok(files)
}

/// Games of one origin, as far as they are read.
///
/// Of more games than it may hold it keeps every second one, then every fourth and so on, from the first to the newest.
pub struct Games {
    most: usize,
    stride: usize,
    /// Number of games that were read.
    seen: usize,
    index: GameIndex,
    numbers: HashMap<String, u32>,
    files: Vec<(GameChunk, Arc<[u8]>)>,
    /// Games that fill no chunk yet.
    rest: Vec<Record>,
}

impl Games {
    /// A set of at most `most` games, without any yet.
    pub fn new(most: usize) -> Self {
        let endings = Reason::ALL.map(Reason::id).into_iter().chain([UNFINISHED]).map(ToOwned::to_owned).collect();
        let index = GameIndex { endings, ..GameIndex::default() };
        Self {
            most: most.max(1),
            stride: 1,
            seen: 0,
            index,
            numbers: HashMap::new(),
            files: Vec::new(),
            rest: Vec::new(),
        }
    }

    /// Adds the games of a record file.
    ///
    /// # Errors
    /// Names the file and its defect.
    pub fn add_file(&mut self, GameFile { iteration, path }: &GameFile) -> Result<()> {
        for record in read_records(path)? {
            let is_kept = self.seen.is_multiple_of(self.stride);
            self.seen += 1;
            if is_kept {
                self.add(*iteration, record)?;
            }
            if self.index.black.len() > self.most {
                self.halve()?;
            }
        }
        Ok(())
    }

    fn add(&mut self, iteration: u64, record: Record) -> Result<()> {
        let [black, white] = [&record.black, &record.white].map(|name| self.number_of(name));
        let plies = |records: &[Record]| records.iter().map(|record| record.moves.len()).sum::<usize>();
        if self.rest.len() == MOST_OF_CHUNK
            || (!self.rest.is_empty() && plies(&self.rest) + record.moves.len() > MOST_PLIES)
        {
            let full = seal(&self.rest)?;
            self.files.push(full);
            self.rest.clear();
        }
        let index = &mut self.index;
        index.black.push(black);
        index.white.push(white);
        index.result.push(match record.outcome.map(|outcome| outcome.result) {
            Some(GameResult::Win(Color::Black)) => 0,
            Some(GameResult::Win(Color::White)) => 1,
            Some(GameResult::Draw) => 2,
            Some(GameResult::Truncated) | None => 3,
        });
        let ending = record.outcome.and_then(|outcome| Reason::ALL.iter().position(|&reason| reason == outcome.reason));
        index.ending.push(ending.unwrap_or(Reason::ALL.len()) as u8);
        index.plies.push(record.moves.len() as u16);
        index.iteration.push(iteration);
        self.rest.push(record);
        Ok(())
    }

    fn number_of(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.index.players.len() as u32;
        self.index.players.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Drops every second game.
    fn halve(&mut self) -> Result<()> {
        let (stride, seen) = (2 * self.stride, self.seen);
        let iterations = std::mem::take(&mut self.index.iteration);
        let mut records = Vec::new();
        for (_, bytes) in &self.files {
            records.extend(record::from_bytes(bytes).context("games of this bundle")?);
        }
        records.append(&mut self.rest);
        *self = Self { stride, seen, ..Self::new(self.most) };
        for (record, iteration) in records.into_iter().zip(iterations).step_by(2) {
            self.add(iteration, record)?;
        }
        Ok(())
    }

    /// Number of games that it holds.
    pub fn count(&self) -> usize {
        self.index.black.len()
    }

    /// Rates the players by all games, as those of a tournament.
    pub fn rate(&mut self) {
        let players = self.index.players.len();
        if !(2..=MOST_RATED).contains(&players) {
            return;
        }
        let mut tallies: BTreeMap<(usize, usize), Pairs> = BTreeMap::new();
        let mut games = vec![0; players];
        for (at, &result) in self.index.result.iter().enumerate() {
            let (black, white) = (self.index.black[at] as usize, self.index.white[at] as usize);
            if black == white {
                continue;
            }
            let half_points = match result {
                0 => 2,
                1 => 0,
                _ => 1,
            };
            let (key, half_points) =
                if black < white { ((black, white), half_points) } else { ((white, black), 2 - half_points) };
            tallies.entry(key).or_default().single[half_points] += 1;
            games[black] += 1;
            games[white] += 1;
        }
        let pairings: Vec<Pairing> =
            tallies.into_iter().map(|((first, second), pairs)| Pairing { first, second, pairs }).collect();
        let ratings = fit(players, 0, &pairings);
        let ranked = ratings.ranking();
        let unranked = (0..players).filter(|player| !ranked.contains(player));
        let standing = |player: usize| {
            let rated = ratings.of(player);
            Standing {
                player: player as u32,
                elo: rated.map(|rated| rated.elo.round()),
                low: rated.map(|rated| rated.interval.0.round()).filter(|elo| elo.is_finite()),
                high: rated.map(|rated| rated.interval.1.round()).filter(|elo| elo.is_finite()),
                games: games[player],
            }
        };
        self.index.standings = ranked.iter().copied().chain(unranked).map(standing).collect();
    }

    /// Entry of the manifest; `put` receives the chunks of games and the index.
    pub(super) fn put(&self, put: &mut Put<'_>) -> Result<GameSet> {
        let count = self.count();
        if count == 0 {
            return Ok(GameSet { count, stride: self.stride, index: None });
        }
        let rest = (!self.rest.is_empty()).then(|| seal(&self.rest)).transpose()?;
        let mut index = self.index.clone();
        for (file, bytes) in self.files.iter().chain(&rest) {
            put(&file.chunk.file, bytes.clone())?;
            index.chunks.push(file.clone());
        }
        let index = put_chunk(put, "index", "json", json(&index)?)?;
        Ok(GameSet { count, stride: self.stride, index: Some(index) })
    }
}

fn seal(records: &[Record]) -> Result<(GameChunk, Arc<[u8]>)> {
    let bytes = record::to_bytes(records).context("recorded games")?;
    let chunk = describe("games", "record", &bytes);
    Ok((GameChunk { chunk, games: records.len() }, bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keisei_core::shogi::Game;

    /// A file with games of these numbers of moves, which player `number` plays against `other`.
    fn file(folder: &Path, iteration: u64, lengths: &[usize]) -> GameFile {
        let record = |(number, &length): (usize, &usize)| {
            let mut game = Game::startpos();
            let moves = ["7g7f", "3c3d", "2g2f", "8c8d", "2f2e", "8d8e", "6i7h", "4a3b"];
            moves.iter().cycle().take(length).for_each(|usi| {
                game.play(usi.parse().expect("USI"));
            });
            game.resign(if number.is_multiple_of(2) { Color::White } else { Color::Black });
            Record::of_game(&game, &format!("player {number}"), "other", Vec::new())
        };
        let records: Vec<Record> = lengths.iter().enumerate().map(record).collect();
        let path = folder.join(format!("{iteration:08}.record"));
        std::fs::write(&path, record::to_bytes(&records).expect("legal games")).expect("written");
        GameFile { iteration, path }
    }

    /// Chunks and index as a reader finds them.
    fn told(games: &Games) -> (GameIndex, Vec<Record>) {
        let mut files = HashMap::new();
        let set = games
            .put(&mut |name: &str, bytes| {
                files.insert(name.to_owned(), bytes);
                Ok(())
            })
            .expect("put");
        let index: GameIndex = serde_json::from_slice(&files[&set.index.expect("games").file]).expect("an index");
        let mut records = Vec::new();
        for chunk in &index.chunks {
            let bytes = &files[&chunk.chunk.file];
            let of_chunk = record::from_bytes(bytes).expect("records");
            assert_eq!((of_chunk.len(), bytes.len() as u64), (chunk.games, chunk.chunk.bytes));
            records.extend(of_chunk);
        }
        assert_eq!(records.len(), set.count);
        (index, records)
    }

    #[test]
    fn an_index_tells_each_game_and_chunks_are_small() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut games = Games::new(1000);
        games.add_file(&file(folder.path(), 5, &[3; 100])).expect("read");
        games.add_file(&file(folder.path(), 7, &[8, 1])).expect("read");
        let (index, records) = told(&games);
        let sizes: Vec<usize> = index.chunks.iter().map(|chunk| chunk.games).collect();
        assert_eq!(sizes, [64, 38]);
        for (at, record) in records.iter().enumerate() {
            let name = |number: u32| &index.players[number as usize];
            assert_eq!((name(index.black[at]), name(index.white[at])), (&record.black, &record.white));
            assert_eq!(usize::from(index.plies[at]), record.moves.len());
            assert_eq!(index.endings[usize::from(index.ending[at])], "resignation");
        }
        assert_eq!((index.result[..2].to_vec(), index.iteration[99], index.iteration[100]), (vec![0, 1], 5, 7));
        assert!(index.standings.is_empty());
    }

    #[test]
    fn of_too_many_games_every_second_one_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut games = Games::new(100);
        games.add_file(&file(folder.path(), 1, &[2; 150])).expect("read");
        games.add_file(&file(folder.path(), 2, &[2; 150])).expect("read");
        let (index, records) = told(&games);
        assert_eq!((records.len(), games.stride), (75, 4));
        let names: Vec<&str> = records.iter().take(3).map(|record| &*record.black).collect();
        assert_eq!(names, ["player 0", "player 4", "player 8"]);
        assert_eq!((index.iteration[37], index.iteration[38]), (1, 2));
    }

    #[test]
    fn players_of_a_tournament_are_rated() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut games = Games::new(100);
        games.add_file(&file(folder.path(), 0, &[2; 2])).expect("read");
        games.add_file(&file(folder.path(), 0, &[2; 2])).expect("read");
        games.rate();
        let (index, _) = told(&games);
        let order: Vec<&str> =
            index.standings.iter().map(|standing| &*index.players[standing.player as usize]).collect();
        assert_eq!(order, ["player 0", "other", "player 1"]);
        assert_eq!(index.standings[0].games, 2);
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("00000001.record");
        std::fs::write(&path, b"KEISEI-R").expect("written");
        let error = Games::new(1).add_file(&GameFile { iteration: 1, path }).expect_err("damaged");
        assert!(format!("{error:#}").contains("00000001.record"), "{error:#}");
    }
}
