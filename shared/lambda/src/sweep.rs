//! The sweep's way round: from where the last one was cut, once through everything.

/// Everything from the cursor on, and round to it. `all` is sorted by what `key` gives; a cursor at something that is gone
/// goes on with the next.
pub fn order<T: Clone>(all: &[T], key: impl Fn(&T) -> String, cursor: Option<&str>) -> Vec<T> {
    let from = cursor.and_then(|cursor| all.iter().position(|item| key(item).as_str() >= cursor)).unwrap_or(0);
    let (before, after) = all.split_at(from);
    after.iter().chain(before).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(cursor: Option<&str>) -> String {
        order(&["aaaa", "bbbb", "cccc"], ToString::to_string, cursor).join(" ")
    }

    #[test]
    fn a_sweep_without_a_cursor_begins_at_the_beginning() {
        assert_eq!(after(None), "aaaa bbbb cccc");
    }

    #[test]
    fn a_sweep_that_was_cut_goes_on_where_it_stopped_and_comes_round() {
        assert_eq!(after(Some("bbbb")), "bbbb cccc aaaa");
    }

    #[test]
    fn a_cursor_at_something_that_is_gone_goes_on_with_the_next() {
        assert_eq!(after(Some("bbaa")), "bbbb cccc aaaa");
        assert_eq!(after(Some("dddd")), "aaaa bbbb cccc");
    }
}
