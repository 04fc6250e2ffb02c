//! The numbers that were seen, and where: the only part of intake that grows with the list.
//!
//! A number costs 14 bytes in chunks that are never moved, and about 8 bytes in a hash table of
//! ordinals: some 110 MB for 5 million numbers, 225 MB for 10 million.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Position, RowNumber};

/// A vector that grows without moving what it holds.
struct Chunks<T> {
    chunks: Vec<Vec<T>>,
}

impl<T: Copy> Chunks<T> {
    const LENGTH: usize = 1 << 16;

    fn push(&mut self, value: T) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < Self::LENGTH => last.push(value),
            _ => {
                // The first chunk grows as it needs to, so that a small list stays small.
                let mut chunk = if self.chunks.is_empty() {
                    Vec::new()
                } else {
                    Vec::with_capacity(Self::LENGTH)
                };
                chunk.push(value);
                self.chunks.push(chunk);
            }
        }
    }

    fn get(&self, index: u32) -> Option<T> {
        let index = index as usize;
        self.chunks
            .get(index / Self::LENGTH)?
            .get(index % Self::LENGTH)
            .copied()
    }
}

/// The first row with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct First {
    pub(super) position: Position,
    /// A hash of the person's name, 0 if there is none.
    pub(super) name: u16,
}

/// The numbers of a batch with the rows that count.
pub(super) struct Index {
    hasher: RandomState,
    table: HashTable<u32>,
    numbers: Chunks<PhoneNumber>,
    rows: Chunks<RowNumber>,
    names: Chunks<u16>,
    /// First ordinal of each run of rows of one file.
    files: Vec<(u32, u16)>,
    length: u32,
}

impl Index {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            table: HashTable::new(),
            numbers: Chunks { chunks: Vec::new() },
            rows: Chunks { chunks: Vec::new() },
            names: Chunks { chunks: Vec::new() },
            files: Vec::new(),
            length: 0,
        }
    }

    /// The first row with the number, if one was remembered.
    pub(super) fn get(&self, phone: PhoneNumber) -> Option<First> {
        // Most lists have one number a row, and nothing to look up.
        if self.length == 0 {
            return None;
        }
        let found = self.find(self.hasher.hash_one(phone), phone)?;
        self.first(found)
    }

    fn find(&self, hash: u64, phone: PhoneNumber) -> Option<u32> {
        let numbers = &self.numbers;
        let is_it = |ordinal: &u32| numbers.get(*ordinal) == Some(phone);
        self.table.find(hash, is_it).copied()
    }

    /// Remembers the number. For a number that is known already, returns its first row instead.
    pub(super) fn insert(&mut self, phone: PhoneNumber, here: First) -> Option<First> {
        let hash = self.hasher.hash_one(phone);
        if let Some(ordinal) = self.find(hash, phone) {
            return self.first(ordinal);
        }
        let ordinal = self.length;
        // The memory ends long before the ordinals do: four billion numbers take 90 GB.
        self.length = ordinal.checked_add(1)?;
        if self
            .files
            .last()
            .is_none_or(|(_, file)| *file != here.position.file)
        {
            self.files.push((ordinal, here.position.file));
        }
        self.numbers.push(phone);
        self.rows.push(here.position.row);
        self.names.push(here.name);
        let (hasher, numbers) = (&self.hasher, &self.numbers);
        self.table.insert_unique(hash, ordinal, |ordinal| {
            numbers
                .get(*ordinal)
                .map_or(0, |phone| hasher.hash_one(phone))
        });
        None
    }

    fn first(&self, ordinal: u32) -> Option<First> {
        let run = self
            .files
            .partition_point(|(start, _)| *start <= ordinal)
            .checked_sub(1)?;
        let file = self.files.get(run)?.1;
        Some(First {
            position: Position {
                file,
                row: self.rows.get(ordinal)?,
            },
            name: self.names.get(ordinal)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: u16, row: u32) -> First {
        First {
            position: Position {
                file,
                row: RowNumber::new(row).unwrap(),
            },
            name: 0,
        }
    }

    #[test]
    fn the_first_row_of_a_number_is_remembered_across_files_and_chunks() {
        let mut index = Index::new();
        let count = 150_000_u32;
        let phone = |n: u32| PhoneNumber::from_e164(420_000_000_000 + u64::from(n)).unwrap();
        for n in 0..count {
            assert_eq!(
                index.insert(phone(n), at(u16::from(n >= 100_000), n + 2)),
                None
            );
        }
        for n in [0, 65_535, 65_536, 99_999, 100_000, count - 1] {
            assert_eq!(
                index.insert(phone(n), at(7, 1)),
                Some(at(u16::from(n >= 100_000), n + 2))
            );
        }
    }
}
