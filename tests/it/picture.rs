//! A picture of a terminal, as SVG.

use std::fmt::Write as _;

/// Pixels of a letter, of a line, and around the text.
const LETTER: f32 = 7.8;
const LINE: usize = 19;
const MARGIN: usize = 18;
/// Pixels of the bar above the text.
const BAR: usize = 30;

/// The lines as a terminal shows them. What begins with `$` was typed, and what follows a `\` at the end of a line.
pub(crate) fn of_terminal(lines: &[String]) -> String {
    let columns = lines.iter().map(|line| line.chars().count()).max();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some hundred pixels"
    )]
    let width = (columns.unwrap_or(0) as f32 * LETTER) as usize + 2 * MARGIN;
    let height = BAR + lines.len() * LINE + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#1c2128\"/>\n"
    );
    for (at, colour) in ["#ff5f57", "#febc2e", "#28c840"].into_iter().enumerate() {
        let x = MARGIN + at * 18;
        writeln!(
            svg,
            "<circle cx=\"{x}\" cy=\"16\" r=\"5\" fill=\"{colour}\"/>"
        )
        .unwrap();
    }
    svg.push_str(
        "<g font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"13\" fill=\"#d0d7de\">\n",
    );
    let mut is_typed = false;
    for (at, line) in lines.iter().enumerate() {
        let y = BAR + (at + 1) * LINE - 4;
        is_typed = line.starts_with('$') || is_typed && lines[at - 1].ends_with('\\');
        let colour = if is_typed { " fill=\"#7ee787\"" } else { "" };
        writeln!(
            svg,
            "<text x=\"{MARGIN}\" y=\"{y}\"{colour}>{}</text>",
            escaped(line)
        )
        .unwrap();
    }
    svg + "</g>\n</svg>\n"
}

fn escaped(line: &str) -> String {
    line.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        // Several spaces would be shown as one.
        .replace("  ", "\u{a0}\u{a0}")
}
