//! Colour that means something: four meanings, off unless the reader is a terminal.

use std::fmt::Display;
use std::io::IsTerminal;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Paints words by their meaning, or leaves them alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// Plain text.
    pub const PLAIN: Self = Self { colour: false };

    /// The style for standard output.
    pub fn for_stdout(when: When) -> Self {
        Self::decide(when, std::io::stdout().is_terminal())
    }

    /// The style for standard error.
    pub fn for_stderr(when: When) -> Self {
        Self::decide(when, std::io::stderr().is_terminal())
    }

    fn decide(when: When, terminal: bool) -> Self {
        let colour = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self { colour }
    }

    /// Whether escape sequences are written at all.
    pub fn is_coloured(self) -> bool {
        self.colour
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }

    /// What works: green.
    pub fn good(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// What is broken: red.
    pub fn bad(self, text: impl Display) -> String {
        self.paint("31", text)
    }

    /// What is uncertain or deserves a look: yellow.
    pub fn doubtful(self, text: impl Display) -> String {
        self.paint("33", text)
    }

    /// The thing that was asked for: bold.
    pub fn subject(self, text: impl Display) -> String {
        self.paint("1", text)
    }

    /// What is there for completeness: dim.
    pub fn aside(self, text: impl Display) -> String {
        self.paint("2", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_style_leaves_text_alone() {
        assert_eq!(Style::PLAIN.bad("down"), "down");
    }

    #[test]
    fn colour_wraps_and_resets() {
        assert_eq!(
            Style::decide(When::Always, false).good("up"),
            "\x1b[32mup\x1b[0m"
        );
        assert!(!Style::decide(When::Never, true).is_coloured());
        assert!(!Style::decide(When::Auto, false).is_coloured());
    }
}
