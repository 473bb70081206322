//! Tables as `kubectl` prints them: upper-case heads, two spaces between columns, no frame.

use comfy_table::{ContentArrangement, Table, presets};

use super::escape::escape;

/// An empty table with the given heads. Fill it with [`push`] and print it with [`text`].
pub fn with_heads(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(heads.to_vec());
    table
}

/// Adds a row; every cell is escaped for the terminal, and an empty one is shown as `-`.
pub fn push<I, S>(table: &mut Table, cells: I)
where
    I: IntoIterator<Item = S>,
    S: AsRef<str>,
{
    table.add_row(cells.into_iter().map(|cell| match cell.as_ref() {
        "" => "-".to_owned(),
        text => escape(text).into_owned(),
    }));
}

/// The table as text: two spaces between columns, no trailing blanks, a newline at each end of line.
pub fn text(mut table: Table) -> String {
    let columns = table.column_count();
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index + 1 == columns { 0 } else { 2 }));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_aligned_and_bare() {
        let mut table = with_heads(&["POD", "IP"]);
        push(&mut table, ["default/pod1", "172.31.239.216"]);
        push(&mut table, ["b\x07", ""]);
        assert_eq!(
            text(table),
            "POD           IP\n\
             default/pod1  172.31.239.216\n\
             b\\u{7}        -\n"
        );
    }
}
