//! Pictures of a screen: a buffer as text, and as SVG for documents.

use ratatui::buffer::{Buffer, CellWidth};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;

/// Size of a character in pixels.
const CELL: (u16, u16) = (8, 17);

/// Ink and paper of the picture: a dark terminal.
const INK: &str = "#d8dee9";
const PAPER: &str = "#14181f";

/// The screen as lines of text, without the spaces at their ends.
pub fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut x = buffer.area.left();
        while x < buffer.area.right() {
            let cell = &buffer[(x, y)];
            line.push_str(cell.symbol());
            x += cell.cell_width().max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The screen as an SVG picture with this description.
pub fn svg(buffer: &Buffer, about: &str) -> String {
    let (width, height) = (buffer.area.width * CELL.0, buffer.area.height * CELL.1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" font-family=\"'DejaVu Sans Mono','Noto Sans Mono CJK JP','Noto Sans CJK JP',monospace\" \
         font-size=\"13\">\n<title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"{PAPER}\"/>\n",
        escaped(about)
    );
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            x += run(&mut svg, buffer, x, y);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Draws the cells from `x` on that look the same, and returns their width in columns.
fn run(svg: &mut String, buffer: &Buffer, x: u16, y: u16) -> u16 {
    let at = |x: u16| &buffer[(buffer.area.x + x, buffer.area.y + y)];
    let first = at(x);
    let (mut text, mut width) = (String::new(), 0);
    while x + width < buffer.area.width {
        let cell = at(x + width);
        let is_wide = cell.cell_width() > 1;
        // A wide character stands alone, so that a font with other widths moves nothing.
        if cell.style() != first.style() || (is_wide && width > 0) {
            break;
        }
        text.push_str(cell.symbol());
        width += cell.cell_width().max(1);
        if is_wide {
            break;
        }
    }
    let style = first.style();
    let (mut ink, mut paper) = (hex(style.fg, INK), style.bg.and_then(named));
    if style.add_modifier.contains(Modifier::REVERSED) {
        (ink, paper) = (paper.unwrap_or(PAPER), Some(ink));
    }
    let (left, top) = (x * CELL.0, y * CELL.1);
    if let Some(paper) = paper {
        let pixels = width * CELL.0;
        let _ =
            writeln!(svg, "<rect x=\"{left}\" y=\"{top}\" width=\"{pixels}\" height=\"{}\" fill=\"{paper}\"/>", CELL.1);
    }
    if !text.trim_matches(' ').is_empty() {
        let mut extra = String::new();
        if style.add_modifier.contains(Modifier::BOLD) {
            extra.push_str(" font-weight=\"bold\"");
        }
        if style.add_modifier.contains(Modifier::DIM) {
            extra.push_str(" opacity=\"0.65\"");
        }
        if style.add_modifier.contains(Modifier::UNDERLINED) {
            extra.push_str(" text-decoration=\"underline\"");
        }
        // Spaces at both ends are left out: they are one column wide each.
        let kept = text.trim_matches(' ');
        let before = text.chars().take_while(|letter| *letter == ' ').count() as u16;
        let blank = text.chars().rev().take_while(|letter| *letter == ' ').count() as u16 + before;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" fill=\"{ink}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\" \
             xml:space=\"preserve\"{extra}>{}</text>",
            left + before * CELL.0,
            top + CELL.1 - 4,
            (width - blank) * CELL.0,
            escaped(kept)
        );
    }
    width
}

fn hex(color: Option<Color>, ordinary: &'static str) -> &'static str {
    color.and_then(named).unwrap_or(ordinary)
}

/// Hexadecimal form of the colours of the [theme](super::Theme).
fn named(color: Color) -> Option<&'static str> {
    Some(match color {
        Color::Black => "#14181f",
        Color::Red => "#ff7b72",
        Color::Yellow => "#e6c069",
        Color::Cyan => "#56c8d8",
        Color::Gray => "#8b95a5",
        _ => return None,
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
