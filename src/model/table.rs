//! How far a table can be trusted.

use serde::{Deserialize, Serialize};

/// Whether everything that was there stands in the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Read whole, at one moment as far as the kernel lets one tell.
    Complete,
    /// Read to the end, but it changed meanwhile and retrying did not help: rows may be missing or
    /// doubled.
    Inconsistent,
    /// Only the rows that the question needed were asked for.
    Partial,
    /// Not read. There may be rows; nobody knows.
    Unavailable,
}

/// Rows and how far they can be trusted. The default is *unavailable*, so that a table nobody filled
/// is never mistaken for an empty one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table<T> {
    /// How far the rows can be trusted.
    pub state: State,
    /// Why the state is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was read.
    #[serde(default = "Vec::new")]
    pub rows: Vec<T>,
}

impl<T> Table<T> {
    /// A table that was read whole.
    pub fn complete(rows: Vec<T>) -> Self {
        Self {
            state: State::Complete,
            reason: None,
            rows,
        }
    }

    /// A table that changed while it was read.
    pub fn inconsistent(rows: Vec<T>, reason: impl Into<String>) -> Self {
        Self {
            state: State::Inconsistent,
            reason: Some(reason.into()),
            rows,
        }
    }

    /// The rows that match `what`, which is all that was asked for.
    pub fn partial(rows: Vec<T>, what: impl Into<String>) -> Self {
        Self {
            state: State::Partial,
            reason: Some(what.into()),
            rows,
        }
    }

    /// A table that could not be read.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self {
            state: State::Unavailable,
            reason: Some(reason.into()),
            rows: Vec::new(),
        }
    }

    /// Whether a row that is not here is not there either.
    pub fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// Why a row may be there although it is not here; `None` for a complete table.
    pub fn doubt(&self) -> Option<&str> {
        match self.state {
            State::Complete => None,
            _ => Some(self.reason.as_deref().unwrap_or("no reason was given")),
        }
    }

    /// The rows.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.rows.iter()
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::unavailable("not asked for")
    }
}

impl<'a, T> IntoIterator for &'a Table<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}

/// A single value, or why it is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading<T> {
    /// What was read.
    Known(T),
    /// Why it was not.
    Unavailable(String),
}

impl<T> Reading<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unavailable(_) => None,
        }
    }
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self::Unavailable("not asked for".to_owned())
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Reading<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(error) => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_nobody_filled_is_not_an_empty_one() {
        let table = Table::<u8>::default();
        assert_eq!(table.state, State::Unavailable);
        assert_eq!(table.doubt(), Some("not asked for"));
    }

    #[test]
    fn json_keeps_the_state() {
        let text = serde_json::to_string(&Table::inconsistent(vec![1], "it changed")).unwrap();
        assert_eq!(
            text,
            r#"{"state":"inconsistent","reason":"it changed","rows":[1]}"#
        );
        let back: Table<i32> = serde_json::from_str(&text).unwrap();
        assert_eq!(back.rows, [1]);
        assert!(!back.is_complete());
    }
}
