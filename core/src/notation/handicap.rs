//! The named start positions (手合割).

use alloc::string::String;

use super::lines::joined;
use super::number::{KANJI, digit};
use crate::shogi::Position;

/// Named start position. White, who gives the handicap, moves first except in an even game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handicap {
    /// 平手.
    Even,
    /// 香落ち: White's left lance, on 1a.
    Lance,
    /// 右香落ち.
    RightLance,
    /// 角落ち.
    Bishop,
    /// 飛車落ち.
    Rook,
    /// 飛香落ち.
    RookLance,
    /// 二枚落ち: rook and bishop.
    Two,
    /// 三枚落ち: and the left lance.
    Three,
    /// 四枚落ち: and both lances.
    Four,
    /// 五枚落ち: and the right knight.
    Five,
    /// 左五枚落ち: and the left knight.
    LeftFive,
    /// 六枚落ち: and both knights.
    Six,
    /// 左七枚落ち: and the left silver.
    LeftSeven,
    /// 右七枚落ち: and the right silver.
    RightSeven,
    /// 八枚落ち: and both silvers.
    Eight,
    /// 十枚落ち: and both golds.
    Ten,
}

/// Handicap, name in KIF, preset in JKF, White's first two ranks, and our id.
type Row = (Handicap, &'static str, &'static str, &'static str, &'static str);

/// All handicaps. Links count on their order.
const TABLE: [Row; 16] = [
    (Handicap::Even, "平手", "HIRATE", "lnsgkgsnl/1r5b1", "even"),
    (Handicap::Lance, "香落ち", "KY", "lnsgkgsn1/1r5b1", "lance"),
    (Handicap::RightLance, "右香落ち", "KY_R", "1nsgkgsnl/1r5b1", "right_lance"),
    (Handicap::Bishop, "角落ち", "KA", "lnsgkgsnl/1r7", "bishop"),
    (Handicap::Rook, "飛車落ち", "HI", "lnsgkgsnl/7b1", "rook"),
    (Handicap::RookLance, "飛香落ち", "HIKY", "lnsgkgsn1/7b1", "rook_lance"),
    (Handicap::Two, "二枚落ち", "2", "lnsgkgsnl/9", "two_piece"),
    (Handicap::Three, "三枚落ち", "3", "lnsgkgsn1/9", "three_piece"),
    (Handicap::Four, "四枚落ち", "4", "1nsgkgsn1/9", "four_piece"),
    (Handicap::Five, "五枚落ち", "5", "2sgkgsn1/9", "five_piece"),
    (Handicap::LeftFive, "左五枚落ち", "5_L", "1nsgkgs2/9", "left_five_piece"),
    (Handicap::Six, "六枚落ち", "6", "2sgkgs2/9", "six_piece"),
    (Handicap::LeftSeven, "左七枚落ち", "7_L", "2sgkg3/9", "left_seven_piece"),
    (Handicap::RightSeven, "右七枚落ち", "7_R", "3gkgs2/9", "right_seven_piece"),
    (Handicap::Eight, "八枚落ち", "8", "3gkg3/9", "eight_piece"),
    (Handicap::Ten, "十枚落ち", "10", "4k4/9", "ten_piece"),
];

/// ASCII and full width digits as kanji, other characters as they are.
fn kanji_digit(found: char) -> char {
    match (found, digit(found)) {
        ('0' | '０', _) => '〇',
        (_, Some(digit)) => KANJI[usize::from(digit) - 1],
        _ => found,
    }
}

impl Handicap {
    /// All handicaps, the even game first.
    pub fn all() -> impl Iterator<Item = Handicap> {
        TABLE.iter().map(|row| row.0)
    }

    fn row(self) -> &'static Row {
        TABLE.iter().find(|row| row.0 == self).expect("the table holds every handicap")
    }

    /// Name in KIF.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Id for programs: `rook_lance`.
    pub fn id(self) -> &'static str {
        self.row().4
    }

    /// Preset in JKF.
    pub fn preset(self) -> &'static str {
        self.row().2
    }

    /// Handicap with this name in KIF, or a shorter or longer form of it: `飛落`, `2枚落ち`, `飛角落ち`.
    ///
    /// ```
    /// use keisei_core::notation::Handicap;
    ///
    /// assert_eq!(Handicap::from_name("飛落"), Some(Handicap::Rook));
    /// assert_eq!(Handicap::from_name("九枚落ち"), None); // which gold stays is not said
    /// ```
    pub fn from_name(name: &str) -> Option<Handicap> {
        let plain: String =
            name.chars().filter(|found| !matches!(found, ' ' | '　' | '・' | '\t')).map(kanji_digit).collect();
        let pieces = plain.strip_suffix('ち').unwrap_or(&plain);
        let pieces = pieces.strip_suffix(['落', 'お']).map_or(pieces, |pieces| pieces);
        let pieces = match pieces {
            "平" | "平手戦" | "平手" => return Some(Handicap::Even),
            "左香" | "香車" | "左香車" => "香",
            "右香車" => "右香",
            "角行" => "角",
            "飛" => "飛車",
            "一〇枚" => "十枚",
            "飛車香" | "飛車香車" | "飛香車" => "飛香",
            "飛角" | "飛車角" | "飛車角行" | "両" => "二枚",
            pieces => pieces,
        };
        let known = |name: &str| name.strip_suffix("落ち") == Some(pieces);
        TABLE.iter().find(|row| known(row.1)).map(|row| row.0)
    }

    /// Handicap with this preset in JKF.
    pub fn from_preset(preset: &str) -> Option<Handicap> {
        TABLE.iter().find(|row| row.2 == preset).map(|row| row.0)
    }

    /// Start position.
    // The table is a constant of which a test reads every row: it cannot fail.
    #[allow(clippy::missing_panics_doc)]
    pub fn position(self) -> Position {
        let side = if self == Handicap::Even { "b" } else { "w" };
        let sfen = joined([self.row().3, "/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL ", side, " - 1"]);
        let Ok(position) = Position::from_sfen(&sfen) else { unreachable!("the table holds correct SFEN") };
        position
    }

    /// Handicap with exactly this start position at move number 1.
    pub fn of(position: &Position) -> Option<Handicap> {
        if *position == Position::startpos() {
            return Some(Handicap::Even);
        }
        Handicap::all().find(|handicap| handicap.position() == *position)
    }
}
