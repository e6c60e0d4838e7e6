//! Theme: styles by what they mean, in the terminal's own sixteen colours or in none.

use ratatui::style::{Color, Modifier, Style};

/// Set of styles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theme {
    /// The terminal's own colours, so that light and dark terminals both stay readable.
    Colored,
    /// Bold, dim and reversed text only, for terminals without colours and `NO_COLOR`.
    Plain,
}

impl Theme {
    /// Theme that suits the environment: `NO_COLOR` (see <https://no-color.org>) and `TERM`.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let refuses = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let cannot = variable("TERM").is_some_and(|term| term == "dumb" || term.starts_with("vt1"));
        if refuses || cannot { Self::Plain } else { Self::Colored }
    }

    fn color(self, color: Color) -> Style {
        if self == Self::Colored { Style::new().fg(color) } else { Style::new() }
    }

    /// Ordinary text.
    pub fn plain(self) -> Style {
        Style::new()
    }

    /// Text that matters less.
    pub fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Text that matters more.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Titles of panels.
    pub fn title(self) -> Style {
        self.color(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// Bars and curves.
    pub fn bar(self) -> Style {
        self.color(Color::Cyan)
    }

    /// Alarms.
    pub fn alarm(self) -> Style {
        self.color(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Keys that can be pressed.
    pub fn key(self) -> Style {
        self.color(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// Promoted pieces.
    pub fn promoted(self) -> Style {
        self.color(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Square that the last move went to.
    pub fn moved_to(self) -> Style {
        match self {
            Self::Colored => Style::new().fg(Color::Black).bg(Color::Yellow),
            Self::Plain => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// Square that the last move came from.
    pub fn moved_from(self) -> Style {
        match self {
            Self::Colored => Style::new().fg(Color::Black).bg(Color::Gray),
            Self::Plain => Style::new().add_modifier(Modifier::UNDERLINED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_left_out_where_they_are_not_wanted() {
        let check = |variables: &[(&str, &str)], expected| {
            let variable =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(Theme::of_environment(variable), expected, "{variables:?}");
        };
        check(&[], Theme::Colored);
        check(&[("NO_COLOR", "")], Theme::Colored);
        check(&[("NO_COLOR", "1")], Theme::Plain);
        check(&[("TERM", "xterm-256color"), ("NO_COLOR", "yes")], Theme::Plain);
        check(&[("TERM", "dumb")], Theme::Plain);
        check(&[("TERM", "vt100")], Theme::Plain);
        for style in [Theme::Plain.alarm(), Theme::Plain.bar(), Theme::Plain.moved_to(), Theme::Plain.promoted()] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
