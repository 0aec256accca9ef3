//! The schema in a shard's footer, checked before the `parquet` crate builds it.
//!
//! That crate makes room for as many children as an element claims and descends by recursion.

use super::thrift::{Kind, Result, Walk};

/// No image set has more columns and groups.
const MAX_ELEMENTS: usize = 1024;
/// Groups in groups.
const MAX_DEPTH: usize = 16;
/// Bytes of a column's or group's name.
const MAX_NAME: usize = 256;
/// The schema's field of the footer.
const SCHEMA: i16 = 2;

/// Checks the schema of a file; what else is wrong with the footer is for the crate to say.
pub(super) fn check(file: &[u8]) -> Result<()> {
    let Some(footer) = footer(file) else {
        return Err("it has no footer");
    };
    let mut walk = Walk::new(footer);
    let mut found = false;
    walk.fields(|walk, id, kind| match (id, kind) {
        _ if found => walk.value(kind),
        (1, Kind::I32) => walk.i32().map(|_| ()),
        (SCHEMA, Kind::List) => {
            found = true;
            elements(walk)
        }
        _ => Err("its footer does not begin with a version and a schema"),
    })?;
    match found {
        true => Ok(()),
        false => Err("its footer has no schema"),
    }
}

/// The footer: its length and a magic number end the file.
fn footer(file: &[u8]) -> Option<&[u8]> {
    let (head, magic) = file.split_last_chunk::<4>()?;
    let (head, &len) = head.split_last_chunk::<4>()?;
    let start = head.len().checked_sub(u32::from_le_bytes(len) as usize)?;
    (magic == b"PAR1").then(|| head.get(start..))?
}

/// The elements in the order of a walk over the tree, each with the number of its children.
fn elements(walk: &mut Walk<'_>) -> Result<()> {
    let (kind, count) = walk.list()?;
    if kind != Kind::Struct || count > MAX_ELEMENTS {
        return Err("its schema is no list of at most 1024 elements");
    }
    // How many children are still to come in each open group.
    let mut open: Vec<usize> = Vec::new();
    for index in 0..count {
        if index > 0 {
            match open.last_mut() {
                Some(left) => *left -= 1,
                None => return Err("its schema has two roots"),
            }
        }
        let children = element(walk)?;
        if children > count - index - 1 {
            return Err("a group of its schema has fewer children than it claims");
        }
        if children > 0 {
            open.push(children);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if open.len() > MAX_DEPTH {
            return Err("its schema is nested too deeply");
        }
    }
    match open.is_empty() {
        true => Ok(()),
        false => Err("its schema ends inside a group"),
    }
}

/// One element; its number of children.
fn element(walk: &mut Walk<'_>) -> Result<usize> {
    let mut children = 0;
    walk.fields(|walk, id, kind| match (id, kind) {
        (5, Kind::I32) => {
            children = walk.i32()?;
            Ok(())
        }
        // Type, length, repetition, converted type, scale, precision, number.
        (1..=3 | 6..=9, Kind::I32) => walk.i32().map(|_| ()),
        (4, Kind::Binary) => match walk.binary()? {
            0..=MAX_NAME => Ok(()),
            _ => Err("a name in its schema is too long"),
        },
        (10, Kind::Struct) => logical(walk),
        (1..=10, _) => Err("an element of its schema has a field of another type"),
        _ => walk.value(kind),
    })?;
    usize::try_from(children).map_err(|_| "a group of its schema has fewer than no children")
}

/// A logical type: one field, which says which type it is, with its parameters.
fn logical(walk: &mut Walk<'_>) -> Result<()> {
    const OTHER: &str = "a logical type of its schema is unknown";
    walk.fields(|walk, id, kind| {
        if kind != Kind::Struct {
            return Err(OTHER);
        }
        walk.fields(|walk, parameter, kind| match (id, parameter, kind) {
            // A decimal's scale and precision.
            (5, 1 | 2, Kind::I32) => walk.i32().map(|_| ()),
            // Whether a time is in UTC, and its unit.
            (7 | 8, 1, Kind::True | Kind::False) => Ok(()),
            (7 | 8, 2, Kind::Struct) => walk.fields(|walk, unit, kind| match (unit, kind) {
                (1..=3, Kind::Struct) => walk.fields(|_, _, _| Err(OTHER)),
                _ => Err(OTHER),
            }),
            // An integer's width and sign.
            (10, 1, Kind::Byte) => walk.value(kind),
            (10, 2, Kind::True | Kind::False) => Ok(()),
            // The others have no parameters.
            _ => Err(OTHER),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that ends in a footer of a version and these elements: name and children.
    fn file(elements: &[(&str, i32)]) -> Vec<u8> {
        let mut footer = vec![0x15, 2, 0x19, 0xfc, elements.len() as u8];
        for &(name, children) in elements {
            footer.extend([0x48, name.len() as u8]);
            footer.extend(name.bytes());
            if children != 0 {
                let mut value = (children << 1 ^ children >> 31) as u32;
                footer.push(0x15);
                while value >= 0x80 {
                    footer.push(value as u8 | 0x80);
                    value >>= 7;
                }
                footer.push(value as u8);
            }
            footer.push(0);
        }
        footer.push(0);
        let len = (footer.len() as u32).to_le_bytes();
        [&b"PAR1"[..], &footer, &len, b"PAR1"].concat()
    }

    #[test]
    fn trees_are_accepted_and_lies_are_not() {
        let tree = [
            ("root", 2),
            ("image", 2),
            ("bytes", 0),
            ("path", 0),
            ("label", 0),
        ];
        assert_eq!(check(&file(&tree)), Ok(()));
        for (elements, reason) in [
            (&[("root", 1 << 29)][..], "fewer children than it claims"),
            (&[("root", 3), ("a", 0)], "fewer children than it claims"),
            (&[("root", 0), ("a", 0)], "two roots"),
            (&[("root", -1)], "fewer than no children"),
            (&[("a", 1); 9], "fewer children than it claims"),
        ] {
            let found = check(&file(elements)).unwrap_err();
            assert!(found.contains(reason), "{elements:?}: {found}");
        }
        let mut deep = vec![("a", 1); 40];
        deep.push(("a", 0));
        assert!(check(&file(&deep)).unwrap_err().contains("too deeply"));
        assert!(check(b"PAR1").is_err() && check(b"").is_err());
        assert!(check(&[b"PAR1".as_slice(), &[255; 4], b"PAR1"].concat()).is_err());
    }
}
