//! How a line ends, in the words of every format.

use alloc::string::String;

use crate::shogi::Color;

/// How a line ends. "Win" and "loss" are those of the side to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The side to move resigns (投了).
    Resign,
    /// Broken off or adjourned (中断).
    Interrupt,
    /// Impasse (持将棋).
    Impasse,
    /// Another draw (引き分け).
    Draw,
    /// Fourfold repetition (千日手).
    Repetition,
    /// The side to move is mated (詰み).
    Mate,
    /// The problem has no mate (不詰).
    NoMate,
    /// The side to move has no time left (切れ負け).
    TimeUp,
    /// The side to move wins by the other's foul (反則勝ち).
    IllegalWin,
    /// The side to move loses by its foul (反則負け).
    IllegalLoss,
    /// The side to move declares a win with its king entered (入玉勝ち).
    Declaration,
    /// The side to move wins, as the other did not come (不戦勝).
    WinByDefault,
    /// The side to move did not come (不戦敗).
    LossByDefault,
    /// The move limit was reached (最大手数).
    MaxMoves,
    /// A move was taken back (待った).
    TakenBack,
    /// Something went wrong (エラー).
    Error,
    /// In other words.
    Other(String),
}

/// End, Kakinoki's word, CSA's word, the name in the conformance schema, USEN's letter.
const WORDS: [(End, &str, &str, &str, char); 16] = [
    (End::Resign, "投了", "TORYO", "resign", 'r'),
    (End::Interrupt, "中断", "CHUDAN", "interrupt", 'p'),
    (End::Impasse, "持将棋", "JISHOGI", "impass", 'j'),
    (End::Draw, "引き分け", "HIKIWAKE", "draw", 'j'),
    (End::Repetition, "千日手", "SENNICHITE", "repetitionDraw", 'p'),
    (End::Mate, "詰み", "TSUMI", "mate", 'p'),
    (End::NoMate, "不詰", "FUZUMI", "noMate", 'p'),
    (End::TimeUp, "切れ負け", "TIME_UP", "timeout", 't'),
    (End::IllegalWin, "反則勝ち", "", "foulWin", 'p'),
    (End::IllegalLoss, "反則負け", "ILLEGAL_MOVE", "foulLose", 'p'),
    (End::Declaration, "入玉勝ち", "KACHI", "enteringOfKing", 'p'),
    (End::WinByDefault, "不戦勝", "", "winByDefault", 'p'),
    (End::LossByDefault, "不戦敗", "", "loseByDefault", 'p'),
    (End::MaxMoves, "最大手数", "MAX_MOVES", "maxMoves", 'j'),
    (End::TakenBack, "待った", "MATTA", "any", 'p'),
    (End::Error, "エラー", "ERROR", "any", 'p'),
];

impl End {
    fn words(&self) -> Option<&'static (End, &'static str, &'static str, &'static str, char)> {
        WORDS.iter().find(|row| row.0 == *self)
    }

    /// The word in KIF.
    pub fn kakinoki(&self) -> &str {
        match self {
            End::Other(text) => text,
            end => end.words().map_or("", |row| row.1),
        }
    }

    /// The end that KIF or CSA calls so; of other words the letters are kept.
    pub fn from_kakinoki(word: &str) -> End {
        match word {
            "詰" => End::Mate,
            "不詰み" => End::NoMate,
            "時間切れ" | "時間切れ負け" => End::TimeUp,
            "入玉宣言" | "宣言勝ち" => End::Declaration,
            "引分" | "引分け" => End::Draw,
            word => match WORDS.iter().find(|row| !word.is_empty() && (row.1 == word || row.2 == word)) {
                Some(row) => row.0.clone(),
                None => End::other(word),
            },
        }
    }

    /// An end in other words: letters and digits only, and none at the begin that could be a move's square, so that every
    /// format keeps it as it is; broken off if there are none.
    fn other(word: &str) -> End {
        let is_digit = |found| super::text::digit(found).is_some() || matches!(found, '0' | '０' | '〇' | '十' | '同');
        // `先手の勝ち` says more to readers of KI2 than that the game has ended.
        let plain: String = word.chars().filter(|&found| found.is_alphanumeric() && found != 'の').collect();
        match plain.trim_start_matches(is_digit) {
            "" => End::Interrupt,
            plain if plain == word => End::Other(plain.into()),
            plain => End::from_kakinoki(plain),
        }
    }

    /// The word in CSA and JKF, without `%`.
    ///
    /// Ends without a word there get KIF's, which our reader knows.
    pub fn csa(&self, side_to_move: Color) -> &str {
        if *self == End::IllegalWin {
            return match side_to_move {
                Color::Black => "-ILLEGAL_ACTION",
                Color::White => "+ILLEGAL_ACTION",
            };
        }
        self.words().map(|row| row.2).filter(|word| !word.is_empty()).unwrap_or_else(|| self.kakinoki())
    }

    /// The end that CSA and JKF call so, without `%`; of other words the letters are kept.
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

    /// The name in the conformance schema.
    pub fn name(&self) -> &'static str {
        self.words().map_or("any", |row| row.3)
    }

    /// The letter in USEN, which tells only few ends apart.
    pub fn usen(&self) -> char {
        self.words().map_or('p', |row| row.4)
    }

    /// The end with this letter in USEN.
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

    /// Who wins if the line ends so; nothing for draws and for ends that do not tell.
    pub const fn winner(&self, side_to_move: Color) -> Option<Color> {
        match self {
            End::Resign | End::Mate | End::TimeUp | End::IllegalLoss | End::LossByDefault => Some(side_to_move.flip()),
            End::IllegalWin | End::Declaration | End::WinByDefault => Some(side_to_move),
            _ => None,
        }
    }
}
