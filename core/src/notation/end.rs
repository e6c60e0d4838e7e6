//! How a line ends, in the words of every format.

use alloc::format;
use alloc::string::String;

use super::lines::one_line;
use super::number::digit;
use crate::shogi::Color;

/// End of a line. "Win" and "loss" are those of the side to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Resignation of the side to move (投了).
    Resign,
    /// Interruption or adjournment (中断).
    Interrupt,
    /// Impasse (持将棋).
    Impasse,
    /// Another draw (引き分け).
    Draw,
    /// Fourfold repetition (千日手).
    Repetition,
    /// Mate of the side to move (詰み).
    Mate,
    /// Absence of a mate in a problem (不詰).
    NoMate,
    /// Loss of the side to move on time (切れ負け).
    TimeUp,
    /// Win of the side to move by the other's foul (反則勝ち).
    IllegalWin,
    /// Loss of the side to move by its own foul (反則負け).
    IllegalLoss,
    /// Declaration of a win by the side to move, its king entered (入玉勝ち).
    Declaration,
    /// Win of the side to move by default: the other did not come (不戦勝).
    WinByDefault,
    /// Loss of the side to move by default: it did not come (不戦敗).
    LossByDefault,
    /// Move limit (最大手数).
    MaxMoves,
    /// Move taken back (待った).
    TakenBack,
    /// Error of a program (エラー).
    Error,
    /// Words for which there is no other variant.
    Other(String),
}

/// End, Kakinoki's word, CSA's word, the name in the conformance schema, USEN's letter, and our id.
type Row = (End, &'static str, &'static str, &'static str, char, &'static str);

/// All ends but those in other words. Stored trees count on their order.
const WORDS: [Row; 16] = [
    (End::Resign, "投了", "TORYO", "resign", 'r', "resign"),
    (End::Interrupt, "中断", "CHUDAN", "interrupt", 'p', "interrupt"),
    (End::Impasse, "持将棋", "JISHOGI", "impass", 'j', "impasse"),
    (End::Draw, "引き分け", "HIKIWAKE", "draw", 'j', "draw"),
    (End::Repetition, "千日手", "SENNICHITE", "repetitionDraw", 'p', "repetition"),
    (End::Mate, "詰み", "TSUMI", "mate", 'p', "mate"),
    (End::NoMate, "不詰", "FUZUMI", "noMate", 'p', "no_mate"),
    (End::TimeUp, "切れ負け", "TIME_UP", "timeout", 't', "time_up"),
    (End::IllegalWin, "反則勝ち", "", "foulWin", 'p', "illegal_win"),
    (End::IllegalLoss, "反則負け", "ILLEGAL_MOVE", "foulLose", 'p', "illegal_loss"),
    (End::Declaration, "入玉勝ち", "KACHI", "enteringOfKing", 'p', "declaration"),
    (End::WinByDefault, "不戦勝", "", "winByDefault", 'p', "win_by_default"),
    (End::LossByDefault, "不戦敗", "", "loseByDefault", 'p', "loss_by_default"),
    (End::MaxMoves, "最大手数", "MAX_MOVES", "maxMoves", 'j', "max_moves"),
    (End::TakenBack, "待った", "MATTA", "any", 'p', "taken_back"),
    (End::Error, "エラー", "ERROR", "any", 'p', "error"),
];

/// Whether a character is a letter or a digit. A small module has no tables of Unicode: there everything beyond ASCII is one but
/// spaces and signs of Japanese texts.
fn is_letter(found: char) -> bool {
    if cfg!(feature = "compact") && !found.is_ascii() {
        return !matches!(found, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{2fff}' | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}')
            && !matches!(found, '・' | '！'..='／' | '：'..='＠' | '［'..='｀' | '｛'..='･' | '\u{fffd}');
    }
    if cfg!(feature = "compact") { found.is_ascii_alphanumeric() } else { found.is_alphanumeric() }
}

/// Begin of a comment that stands for an end.
const COMMENT: &str = "終局=";

impl End {
    fn words(&self) -> Option<&'static Row> {
        WORDS.iter().find(|row| row.0 == *self)
    }

    /// Word in KIF.
    pub fn kakinoki(&self) -> &str {
        match self {
            End::Other(text) => text,
            end => end.words().map_or("", |row| row.1),
        }
    }

    /// End with this word in KIF or CSA; of other words the letters are kept.
    pub fn from_kakinoki(word: &str) -> End {
        match word {
            "詰" | "詰め" | "詰上り" | "詰上がり" | "詰み上がり" => End::Mate,
            "不詰み" | "不詰め" => End::NoMate,
            "時間切れ" | "時間切れ負け" => End::TimeUp,
            "入玉宣言" | "宣言勝ち" => End::Declaration,
            "引分" | "引分け" => End::Draw,
            word => match WORDS.iter().find(|row| !word.is_empty() && (row.1 == word || row.2 == word)) {
                Some(row) => row.0.clone(),
                None => End::other(word),
            },
        }
    }

    /// End in other words: letters and digits only, and none at the begin that could be a move's square, so that every
    /// format keeps it as it is; broken off if there are none.
    fn other(word: &str) -> End {
        let is_digit = |found| digit(found).is_some() || matches!(found, '0' | '０' | '〇' | '十' | '同');
        // `先手の勝ち` says more to readers of KI2 than that the game has ended.
        let plain: String = word.chars().filter(|&found| is_letter(found) && found != 'の').collect();
        match plain.trim_start_matches(is_digit) {
            "" => End::Interrupt,
            plain if plain == word => End::Other(plain.into()),
            plain => End::from_kakinoki(plain),
        }
    }

    /// Word in CSA, without `%`; `None` if CSA has none.
    pub fn csa(&self, side_to_move: Color) -> Option<&'static str> {
        if *self == End::IllegalWin {
            return Some(match side_to_move {
                Color::Black => "-ILLEGAL_ACTION",
                Color::White => "+ILLEGAL_ACTION",
            });
        }
        self.words().map(|row| row.2).filter(|word| !word.is_empty())
    }

    /// Comment beside an interruption (中断) that stands for an end without a word in a format.
    pub(super) fn as_comment(&self) -> String {
        format!("{COMMENT}{}", one_line(self.kakinoki()))
    }

    /// End for which a comment beside an interruption stands.
    pub(super) fn from_comment(comment: &str) -> Option<End> {
        comment.strip_prefix(COMMENT).filter(|word| !word.is_empty()).map(End::from_kakinoki)
    }

    /// End with this word in CSA and JKF, without `%`; of other words the letters are kept.
    pub fn from_csa(word: &str, side_to_move: Color) -> End {
        let foul_by = match word {
            "+ILLEGAL_ACTION" => Some(Color::Black),
            "-ILLEGAL_ACTION" => Some(Color::White),
            _ => None,
        };
        match (foul_by, word) {
            (Some(color), _) if color == side_to_move => End::IllegalLoss,
            (Some(_), _) => End::IllegalWin,
            (None, "ILLEGAL_ACTION") => End::IllegalLoss,
            (None, word) => {
                let known = WORDS.iter().find(|row| !word.is_empty() && row.2 == word);
                known.map_or_else(|| End::from_kakinoki(word), |row| row.0.clone())
            }
        }
    }

    /// Name in the conformance schema.
    pub fn name(&self) -> &'static str {
        self.words().map_or("any", |row| row.3)
    }

    /// Id for programs, which tells all ends apart but those in other words: `resign`, `time_up`, `other`.
    pub fn id(&self) -> &'static str {
        self.words().map_or("other", |row| row.5)
    }

    /// End with this id; `None` for `other`, of which the words are missing.
    pub fn from_id(id: &str) -> Option<End> {
        WORDS.iter().find(|row| row.5 == id).map(|row| row.0.clone())
    }

    /// Every end but those in other words, in an order that stays.
    pub fn all() -> impl Iterator<Item = End> {
        WORDS.iter().map(|row| row.0.clone())
    }

    /// Letter in USEN, which tells only few ends apart.
    pub fn usen(&self) -> char {
        self.words().map_or('p', |row| row.4)
    }

    /// End with this letter in USEN.
    pub const fn from_usen(letter: char) -> Option<End> {
        match letter {
            'r' => Some(End::Resign),
            't' => Some(End::TimeUp),
            'i' => Some(End::IllegalLoss),
            'j' => Some(End::Impasse),
            'p' => Some(End::Interrupt),
            _ => None,
        }
    }

    /// Winner if the line ends so; `None` for draws and for ends that do not tell.
    pub const fn winner(&self, side_to_move: Color) -> Option<Color> {
        match self {
            End::Resign | End::Mate | End::TimeUp | End::IllegalLoss | End::LossByDefault => Some(side_to_move.flip()),
            End::IllegalWin | End::Declaration | End::WinByDefault => Some(side_to_move),
            _ => None,
        }
    }
}
