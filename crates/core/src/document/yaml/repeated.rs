//! Room for the text that aliases repeat. Text that doubles its room takes three times its memory for a
//! moment, so the room is what the rest of the file is expected to come to.

/// How much of a file its aliases repeat.
pub(super) struct Repeated {
    /// The bytes of the file.
    pub(super) length: usize,
    /// The bytes that were written, and those that were read, before the first alias.
    pub(super) first: Option<(usize, usize)>,
}

/// The room grows at most by this factor at once: some aliases say little of the rest.
const MOST_GROWTH: usize = 8;

impl Repeated {
    /// Makes room for `more` bytes of a repeated value, met after `read` bytes of the file.
    pub(super) fn make_room(&mut self, json: &mut String, more: usize, read: usize) {
        let (written_before, read_before) = *self.first.get_or_insert((json.len(), read));
        let needed = json.len() + more;
        if needed <= json.capacity() {
            return;
        }
        let written = needed.saturating_sub(written_before);
        let since = read.saturating_sub(read_before).max(1);
        let rest = self.length.saturating_sub(read);
        let expected = needed.saturating_add(written.saturating_mul(rest) / since);
        let room = expected.saturating_add(expected / 32);
        json.reserve_exact(room.clamp(needed, MOST_GROWTH * needed) - json.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_repeats_evenly_gets_its_room_in_few_steps() {
        let (value, lines, line) = ("x".repeat(2_000), 500, 60);
        let mut repeated = Repeated { length: 2_100 + lines * line, first: None };
        let mut json = String::with_capacity(1_000);
        json.push_str(&value);
        let mut steps = Vec::new();
        for at in 0..lines {
            let before = json.capacity();
            repeated.make_room(&mut json, value.len(), 2_100 + at * line);
            json.push_str(&value);
            steps.extend((json.capacity() != before).then(|| json.capacity()));
        }
        assert!(steps.len() < 8, "{steps:?}");
        assert!(json.capacity() < json.len() * 5 / 4, "{} for {}", json.capacity(), json.len());
    }
}
