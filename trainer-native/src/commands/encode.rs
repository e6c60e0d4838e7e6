//! `trainer-native encode`: planes or actions of one position, for checks against other programs.
//!
//! Prints a JSON document in the schema of the public golden vectors, with one position:
//!
//! | field | content |
//! |---|---|
//! | `encoding`, `source` | name of the encoding, name of this program |
//! | `shape`, `dtype` | planes: `[planes, 9, 9]`, `float32` |
//! | `axes` | planes: what each axis of `shape` and `cells` counts; actions: what an action's number counts |
//! | `view` | side from which rows, columns and actions are seen |
//! | `actions` | actions: their number |
//! | `table_sha256_black`, `table_sha256_white` | Keisei's actions: digest of all moves in the order of actions, `-` for no move |
//! | `positions[0]` `.start` `.moves` | SFEN and moves that were given |
//! | `.position` `.side` `.outcome` | board, side and hands after the moves; `b` or `w`; outcome of the game, or `null` |
//! | `.ply` `.max_ply` `.occurrences` `.in_check` | planes: their other inputs; `.max_moves` for `.max_ply` in `core46-2025` |
//! | `.cells` | planes: `[plane, row, column, value]` of each cell that is not 0, in planes that are not uniform |
//! | `.const` | planes: `{"plane": p, "const": v}` of each uniform plane that is not 0 |
//! | `.sha256` | planes: digest of the whole tensor, little-endian float32 by plane, row, column |
//! | `.count` `.actions` | actions: number of legal moves; `{"usi": action}` of each |
//!
//! Row 0 is rank a and column 0 is file 9, from the side to move.

use crate::argument::BadArgument;
use crate::commands::inspect::{self, LineArgs};
use crate::run::checkpoint::sha256;
use anyhow::Result;
use keisei_core::encoding::{Action, Actions, Counters, Features, PackedObservation, SQUARES};
use keisei_core::shogi::{Color, Game, Position};
use serde_json::{Map, Number, Value, json};

/// Arguments of `encode`.
#[derive(clap::Args, Debug)]
pub struct EncodeArgs {
    /// Planes: attack96, dlshogi119, core46-2025, core46-2026, katago50-2026; actions: dest2187, flat13527-2025,
    /// flat13527-2026, spatial11259-2026
    #[arg(long, value_name = "NAME")]
    encoding: String,
    /// Ply limit of the game, an input of Keisei's planes; 0 for none
    #[arg(long, value_name = "PLIES", default_value_t = 500)]
    max_plies: u16,
    #[command(flatten)]
    line: LineArgs,
}

/// JSON document of the position after the given moves.
///
/// # Errors
/// Names the invalid argument: the encoding, the SFEN, or a move that is not USI, illegal, or after the end of the game.
pub fn run(args: &EncodeArgs) -> Result<String> {
    // The limit is an input of the planes but does not end the game, so that positions beyond it can be encoded.
    let game = inspect::game(&args.line)?;
    let document = if let Some(features) = Features::from_id(&args.encoding) {
        planes(features, &game, args)
    } else if let Some(encoding) = Actions::from_id(&args.encoding) {
        actions(encoding, &game, args)
    } else {
        let names = Features::ALL.map(Features::id).into_iter().chain(Actions::ALL.map(Actions::id));
        let reason = format!("there are {}", names.collect::<Vec<_>>().join(", "));
        return Err(BadArgument::new("encoding", &args.encoding, reason).into());
    };
    Ok(format!("{document}\n"))
}

/// View of every encoding but one.
const VIEW: &str = "side to move: the board is turned by 180 degrees for White";

/// View of an encoding of actions.
fn action_view(encoding: Actions) -> &'static str {
    match encoding {
        Actions::Flat13527Keisei2025 => "board: squares are not turned for White",
        _ => VIEW,
    }
}

fn planes(features: Features, game: &Game, args: &EncodeArgs) -> Value {
    let counters = Counters { plies: plies(features, game), max_plies: args.max_plies, ..Counters::of(game) };
    let observation = PackedObservation::of_position(game.position(), counters);
    let mut by_file = vec![0.0; features.planes() * SQUARES];
    features.expand(&observation, &mut by_file);
    let rows: Vec<f32> = by_file.chunks_exact(SQUARES).flat_map(row_major).collect();

    let (mut cells, mut uniform) = (Vec::new(), Vec::new());
    for (plane, values) in rows.chunks_exact(SQUARES).enumerate() {
        if values.iter().all(|&value| value == values[0]) {
            if values[0] != 0.0 {
                uniform.push(json!({ "plane": plane, "const": number(values[0]) }));
            }
            continue;
        }
        for (at, &value) in values.iter().enumerate().filter(|&(_, &value)| value != 0.0) {
            cells.push(json!([plane, at / 9, at % 9, number(value)]));
        }
    }
    let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
    let limit = if features == Features::Core46Keisei2025 { "max_moves" } else { "max_ply" };
    let mut position = common(game, args);
    position.extend([
        ("ply".to_owned(), counters.plies.into()),
        (limit.to_owned(), counters.max_plies.into()),
        ("occurrences".to_owned(), counters.repetition.into()),
        ("in_check".to_owned(), observation.in_check().into()),
        ("cells".to_owned(), cells.into()),
        ("const".to_owned(), uniform.into()),
        ("sha256".to_owned(), sha256(&bytes).into()),
    ]);
    json!({
        "encoding": features.id(),
        "source": source(),
        "shape": [features.planes(), 9, 9],
        "dtype": "float32",
        "axes": ["plane", "row: 0 is rank a, 8 is rank i", "column: 0 is file 9, 8 is file 1"],
        "view": VIEW,
        "positions_count": 1,
        "positions": [position],
    })
}

fn actions(encoding: Actions, game: &Game, args: &EncodeArgs) -> Value {
    let legal = encoding.legal(game.position());
    let by_move: Map<String, Value> =
        legal.moves().iter().zip(legal.actions()).map(|(mv, &action)| (mv.to_string(), action.0.into())).collect();
    let mut position = common(game, args);
    position.extend([("count".to_owned(), legal.len().into()), ("actions".to_owned(), by_move.into())]);
    let mut document = json!({
        "encoding": encoding.id(),
        "source": source(),
        "actions": encoding.count(),
        "axes": ["action"],
        "view": action_view(encoding),
        "positions_count": 1,
        "positions": [position],
    });
    // An action of dest2187 is a move only together with a board, which shows the piece that moves.
    if encoding != Actions::Dest2187 {
        for side in Color::ALL {
            document[format!("table_sha256_{side}")] = table_digest(encoding, side).into();
        }
    }
    document
}

/// Fields that planes and actions have in common.
fn common(game: &Game, args: &EncodeArgs) -> Map<String, Value> {
    let sfen = game.position().to_sfen();
    let position = sfen.rsplit_once(' ').map_or(&*sfen, |(position, _)| position);
    let side = match game.position().side_to_move() {
        Color::Black => "b",
        Color::White => "w",
    };
    // An SFEN is repeated as it was given, whatever the order of its hands.
    let given = args.line.position.first().filter(|text| Position::from_sfen(text).is_ok());
    let start = given.cloned().unwrap_or_else(|| game.start().to_sfen());
    let moves: Vec<String> = game.moves().iter().map(ToString::to_string).collect();
    Map::from_iter([
        ("start".to_owned(), start.into()),
        ("moves".to_owned(), moves.into()),
        ("position".to_owned(), position.into()),
        ("side".to_owned(), side.into()),
        ("outcome".to_owned(), game.outcome().map(|outcome| outcome.to_string()).into()),
    ])
}

/// Ply counter as the program of the encoding keeps it: Keisei 2025 starts from the SFEN's move number.
fn plies(features: Features, game: &Game) -> u16 {
    match features {
        Features::Core46Keisei2025 => game.position().ply().saturating_sub(1),
        _ => Counters::of(game).plies,
    }
}

/// One of our planes, which is file by file from the right, in rows from file 9 to file 1.
fn row_major(plane: &[f32]) -> impl Iterator<Item = f32> {
    (0..SQUARES).map(|at| plane[9 * (8 - at % 9) + at / 9])
}

/// Shortest decimal that reads back as the same f32.
fn number(value: f32) -> Value {
    if value.fract() == 0.0 {
        return (value as i64).into();
    }
    let shortest: Number = value.to_string().parse().expect("planes hold finite numbers");
    shortest.into()
}

fn table_digest(encoding: Actions, side: Color) -> String {
    let text = |action| encoding.table_move(side, action).map_or("-".to_owned(), |mv| mv.to_string());
    let table: Vec<String> = (0..encoding.count() as u16).map(Action).map(text).collect();
    sha256(table.join("\n").as_bytes())
}

fn source() -> String {
    format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}
