//! The manual's Markdown as text for a terminal and as a part of the manual page.
//!
//! A table is too wide for both: each row becomes its first cell, with the others below it.

use clap_mangen::roff::{Inline, Roff, bold, roman};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::wrapped;

/// Columns before the text of code and of a row's cells.
const INDENT: &str = "    ";

/// A part of a text. Code in running text keeps its backticks.
#[derive(Debug, PartialEq)]
enum Block {
    /// A heading, and whether it is the title of the text.
    Heading {
        is_title: bool,
        text: String,
    },
    Paragraph(String),
    Code(String),
    /// A row of a table: its first cell, and the others; each with the head of its column where the table has
    /// more than two columns.
    Row {
        term: String,
        cells: Vec<String>,
    },
}

/// The text in lines of at most `width` columns, but for code.
pub(crate) fn manual_text(markdown: &str, width: usize) -> String {
    let indented = |text: &str| format!("{INDENT}{}", text.replace('\n', &format!("\n{INDENT}")));
    let parts = blocks(markdown).into_iter().map(|block| match block {
        Block::Heading {
            is_title: true,
            text,
        } => text.to_uppercase(),
        Block::Heading {
            is_title: false,
            text,
        } => text,
        Block::Paragraph(text) => wrapped(&text, width),
        Block::Code(text) => indented(&text),
        Block::Row { term, cells } => {
            let cells = cells
                .iter()
                .map(|cell| wrapped(&format!("{INDENT}{cell}"), width));
            [wrapped(&term, width)]
                .into_iter()
                .chain(cells)
                .collect::<Vec<_>>()
                .join("\n")
        }
    });
    parts.collect::<Vec<_>>().join("\n\n") + "\n"
}

/// The text as sections of a manual page.
pub(crate) fn manual_roff(markdown: &str) -> Roff {
    let mut page = Roff::new();
    for block in blocks(markdown) {
        match block {
            Block::Heading {
                is_title: true,
                text,
            } => {
                page.control("SH", [text.to_uppercase().as_str()]);
            }
            Block::Heading {
                is_title: false,
                text,
            } => {
                page.control("SS", [text.as_str()]);
            }
            Block::Paragraph(text) => {
                page.control("PP", []).text(inlines(&text));
            }
            Block::Code(text) => {
                page.control("PP", [])
                    .control("RS", ["4"])
                    .control("nf", []);
                for line in text.lines() {
                    page.text([roman(line)]);
                }
                page.control("fi", []).control("RE", []);
            }
            Block::Row { term, cells } => {
                page.control("TP", []).text([bold(term.replace('`', ""))]);
                for (at, cell) in cells.iter().enumerate() {
                    if at > 0 {
                        page.control("br", []);
                    }
                    page.text(inlines(cell));
                }
            }
        }
    }
    page
}

/// Running text, with what stands in backticks as bold.
fn inlines(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate();
    parts
        .map(|(at, part)| if at % 2 == 0 { roman(part) } else { bold(part) })
        .collect()
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::TableHead) => reader.heads.clear(),
            Event::End(end) => reader.end(end),
            Event::Text(text) => reader.text.push_str(&text),
            Event::Code(code) => {
                reader.text.push('`');
                reader.text.push_str(&code);
                reader.text.push('`');
            }
            Event::SoftBreak | Event::HardBreak => reader.text.push(' '),
            // Marks for the tests are HTML comments; the rest of Markdown is not in the manual.
            _ => {}
        }
    }
    reader.blocks
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    /// The text of the block, or of the cell.
    text: String,
    /// The heads of the table's columns.
    heads: Vec<String>,
    /// The cells of the row.
    cells: Vec<String>,
}

impl Reader {
    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::Heading(level) => {
                let is_title = level == pulldown_cmark::HeadingLevel::H1;
                let text = std::mem::take(&mut self.text);
                self.blocks.push(Block::Heading { is_title, text });
            }
            TagEnd::Paragraph => {
                let text = std::mem::take(&mut self.text);
                self.blocks.push(Block::Paragraph(text));
            }
            TagEnd::CodeBlock => {
                let text = std::mem::take(&mut self.text);
                self.blocks.push(Block::Code(text.trim_end().to_owned()));
            }
            TagEnd::TableCell => self.cells.push(std::mem::take(&mut self.text)),
            TagEnd::TableHead => self.heads = std::mem::take(&mut self.cells),
            TagEnd::TableRow => self.row(),
            _ => {}
        }
    }

    fn row(&mut self) {
        let mut cells = std::mem::take(&mut self.cells).into_iter().zip(&self.heads);
        let Some((term, _)) = cells.next() else {
            return;
        };
        let is_plain = self.heads.len() <= 2;
        let cells = cells.map(|(cell, head)| {
            if is_plain {
                cell
            } else {
                format!("{head}: {cell}")
            }
        });
        let cells = cells.collect();
        self.blocks.push(Block::Row { term, cells });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manual::Topic;

    const TEXT: &str = "# Lists\n\nA `cell`\nis **kept**.\n\n<!-- mark -->\n| a | b |\n| --- | --- |\n| `x` | one |\n\
                        <!-- /mark -->\n\n| a | b | c |\n| --- | --- | --- |\n| y | 1 | `2\\|3` |\n\n\
                        ## Files\n\n```sh\noutreach  check\n  more\n```\n";

    #[test]
    fn a_table_becomes_rows_that_fit_a_terminal() {
        assert_eq!(
            manual_text(TEXT, 30),
            "LISTS\n\nA `cell` is kept.\n\n`x`\n    one\n\ny\n    b: 1\n    c: `2|3`\n\nFiles\n\n    outreach  check\n      more\n"
        );
    }

    #[test]
    fn the_manual_page_has_headings_rows_and_code_as_it_is() {
        let page = manual_roff(TEXT).render();
        for part in [
            ".SH LISTS\n",
            "A \\fBcell\\fR is kept.\n",
            ".TP\n\\fBx\\fR\none\n",
            "b: 1\n.br\nc: \\fB2|3\\fR\n",
            ".SS Files\n",
            ".nf\noutreach  check\n  more\n.fi\n",
        ] {
            assert!(page.contains(part), "no {part:?} in {page}");
        }
    }

    /// The words of a text, without the marks of Markdown.
    fn words(text: &str) -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("<!--") && !line.starts_with("```"));
        let words = lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric()));
        words
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect()
    }

    #[test]
    fn every_word_of_the_manual_is_printed() {
        for topic in Topic::ALL {
            let printed = words(&manual_text(topic.text(), 80));
            let mut at = 0;
            // The heads of tables with two columns are left out.
            let lines = topic.text().lines().collect::<Vec<_>>();
            for (line, next) in lines.iter().zip(lines.iter().skip(1).chain([&""])) {
                if next.starts_with("| ---") {
                    continue;
                }
                for word in words(line) {
                    let found = printed.iter().skip(at).position(|it| *it == word);
                    at += found.unwrap_or_else(|| panic!("{topic:?}: {word:?} in {line}")) + 1;
                }
            }
        }
    }
}
