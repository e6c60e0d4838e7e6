//! Time control of a game, in CSA's words and in Japanese.

use alloc::format;
use alloc::string::String;

use super::lines::{trim, trim_start};
use super::number::{read_seconds, take_number};

/// Time of a player: main time, and what comes after it. All in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeControl {
    main: u64,
    /// Time for each move once the main time is used up.
    byoyomi: u64,
    /// Time that each move adds.
    increment: u64,
}

impl TimeControl {
    /// Reads `5400+30+0` (seconds, byoyomi, increment), `01:30+30` (hours and minutes, byoyomi) or Japanese: `９時間`, `各10分`,
    /// `15分+60秒`, `一手30秒`. `None` unless all of it is understood.
    pub(super) fn read(text: &str) -> Option<TimeControl> {
        let text = trim(text);
        read_csa3(text).or_else(|| read_csa2(text)).or_else(|| read_japanese(text))
    }

    /// `HH:MM+SS` of CSA 2.2; `None` if it cannot hold the time.
    pub(super) fn csa2(self) -> Option<String> {
        let fits = self.increment == 0 && self.main.is_multiple_of(60_000) && self.byoyomi.is_multiple_of(1000);
        let minutes = self.main / 60_000;
        fits.then(|| format!("{:02}:{:02}+{:02}", minutes / 60, minutes % 60, self.byoyomi / 1000))
    }

    /// `seconds+byoyomi+increment` of CSA 3.
    pub(super) fn csa3(self) -> String {
        let seconds = |time: u64| match time % 1000 {
            0 => format!("{}", time / 1000),
            rest => String::from(format!("{}.{rest:03}", time / 1000).trim_end_matches('0')),
        };
        format!("{}+{}+{}", seconds(self.main), seconds(self.byoyomi), seconds(self.increment))
    }
}

fn read_csa3(text: &str) -> Option<TimeControl> {
    let mut parts = text.split('+').map(read_seconds);
    let [main, byoyomi, increment] = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(TimeControl { main, byoyomi, increment })
}

fn read_csa2(text: &str) -> Option<TimeControl> {
    let (main, byoyomi) = text.split_once('+')?;
    let (hours, minutes) = main.split_once(':')?;
    let number = |text: &str| text.parse::<u64>().ok().filter(|&number| number < 1 << 20);
    let main = (number(hours)? * 60 + number(minutes)?) * 60_000;
    Some(TimeControl { main, byoyomi: number(byoyomi)? * 1000, increment: 0 })
}

/// Words before the time of a single move.
const EACH_MOVE: [&str; 10] = ["一手", "1手", "１手", "秒読み", "秒読", "切れたら", "使い切ったら", "以降", "は", "、"];
/// Words that say how the clock is kept, not how long it runs.
const KEEPING: [&str; 5] = ["ストップウォッチ", "チェスクロック", "切れ負け", "切れ負", "持ち"];

fn read_japanese(text: &str) -> Option<TimeControl> {
    let text = text.strip_prefix('各').unwrap_or(text);
    // What stands in brackets at the end says how the clock is kept.
    let text = match text.split_once(['（', '(']) {
        Some((before, inside)) if KEEPING.iter().any(|word| inside.starts_with(word)) => trim(before),
        _ => text,
    };
    let (main, mut rest) = take_duration(text).unwrap_or((0, text));
    let (hours_or_minutes, alone) = (main >= 60_000, rest.is_empty());
    rest = KEEPING.iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest);
    if rest.is_empty() {
        // Seconds alone may be for the game or for a move.
        return (hours_or_minutes || alone && main == 0 && !text.is_empty()).then_some(TimeControl {
            main,
            byoyomi: 0,
            increment: 0,
        });
    }
    let sign = rest.strip_prefix(['+', '＋', '・', '、', ',']);
    let spaced = trim_start(sign.unwrap_or(rest));
    let mut after = spaced;
    while let Some(next) = EACH_MOVE.iter().find_map(|word| after.strip_prefix(word)) {
        after = trim_start(next);
    }
    // `30秒` must be told from the main time by something.
    if after.len() == rest.len() {
        return None;
    }
    let (move_time, after) = take_duration(after)?;
    let (byoyomi, increment) = match after {
        "" | "秒読み" | "の秒読み" | "未満" | "以内" => (move_time, 0),
        "加算" | "ずつ加算" | "フィッシャー" => (0, move_time),
        _ => return None,
    };
    Some(TimeControl { main, byoyomi, increment })
}

/// Reads `1時間30分15秒` or a part of it, as milliseconds.
fn take_duration(text: &str) -> Option<(u64, &str)> {
    let mut rest = text;
    let mut total = None;
    for (unit, seconds) in [("時間", 3600), ("分", 60), ("秒", 1)] {
        let part = take_number(trim_start(rest)).and_then(|(number, after)| Some((number, after.strip_prefix(unit)?)));
        if let Some((number, after)) = part {
            total = Some(total.unwrap_or(0) + u64::from(number) * seconds * 1000);
            rest = after;
        }
    }
    Some((total?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form() {
        #[track_caller]
        fn check(text: &str, csa3: &str, csa2: Option<&str>) {
            let time = TimeControl::read(text).unwrap_or_else(|| panic!("{text} is not understood"));
            assert_eq!((time.csa3().as_str(), time.csa2().as_deref()), (csa3, csa2), "{text}");
        }
        check("９時間", "32400+0+0", Some("09:00+00"));
        check("各10分", "600+0+0", Some("00:10+00"));
        check("10分切れ負け", "600+0+0", Some("00:10+00"));
        check("各６時間（ストップウォッチ形式）", "21600+0+0", Some("06:00+00"));
        check("1時間30分", "5400+0+0", Some("01:30+00"));
        check("15分+60秒", "900+60+0", Some("00:15+60"));
        check("1分 切れたら30秒", "60+30+0", Some("00:01+30"));
        check("十分、秒読み三十秒", "600+30+0", Some("00:10+30"));
        check("一手30秒", "0+30+0", Some("00:00+30"));
        check("5分+10秒加算", "300+0+10", None);
        check("00:25+00", "1500+0+0", Some("00:25+00"));
        check("90+0+0", "90+0+0", None);
        check("900+0+2.5", "900+0+2.5", None);
        for text in ["", "無制限", "30秒", "10分と少し", "1:30", "900+0", "各", "-5分"] {
            assert_eq!(TimeControl::read(text), None, "{text}");
        }
    }
}
