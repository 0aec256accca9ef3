//! Files that are right, wrong and hostile.

use std::io::{Cursor, Write};

use candle_core::{DType, Result};
use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// The pickle that `torch.save` writes for the state dict of these tensors: name, shape, strides, storage, length of the storage.
struct Entry<'a> {
    name: &'a str,
    kind: &'a str,
    storage: usize,
    len: usize,
    offset: usize,
    shape: &'a [usize],
    strides: &'a [usize],
}

fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.as_bytes());
}

fn int(pickle: &mut Vec<u8>, value: usize) {
    pickle.extend([0x8a, 8]);
    pickle.extend((value as u64).to_le_bytes());
}

fn sizes(pickle: &mut Vec<u8>, values: &[usize]) {
    pickle.push(b'(');
    for &value in values {
        int(pickle, value);
    }
    pickle.push(b't');
}

/// One tensor: its name and the call that rebuilds it.
fn entry(pickle: &mut Vec<u8>, entry: &Entry) {
    text(pickle, entry.name);
    pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
    text(pickle, "storage");
    pickle.extend(format!("ctorch\n{}\n", entry.kind).as_bytes());
    text(pickle, &entry.storage.to_string());
    text(pickle, "cpu");
    int(pickle, entry.len);
    pickle.extend(b"tQ");
    int(pickle, entry.offset);
    sizes(pickle, entry.shape);
    sizes(pickle, entry.strides);
    pickle.extend(b"\x89}tR");
}

fn state_dict_of(entries: &[Entry]) -> Vec<u8> {
    let mut pickle = b"\x80\x02ccollections\nOrderedDict\n)R(".to_vec();
    for one in entries {
        entry(&mut pickle, one);
    }
    pickle.extend(b"u}");
    text(&mut pickle, "_metadata");
    pickle.extend(b"}sb.");
    pickle
}

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in entries {
        writer
            .start_file(format!("net/{name}"), stored)
            .expect("an entry");
        writer.write_all(bytes).expect("its bytes");
    }
    writer.finish().expect("an archive").into_inner()
}

/// The file of f32 tensors as `torch.save` writes it.
pub(crate) fn torch_file(tensors: &[(String, Tensor)]) -> Vec<u8> {
    let strides: Vec<Vec<usize>> = tensors.iter().map(|(_, t)| t.stride().to_vec()).collect();
    let entries: Vec<Entry> = tensors
        .iter()
        .zip(&strides)
        .enumerate()
        .map(|(storage, ((name, tensor), strides))| Entry {
            name,
            kind: "FloatStorage",
            storage,
            len: tensor.elem_count(),
            offset: 0,
            shape: tensor.dims(),
            strides,
        })
        .collect();
    let pickle = state_dict_of(&entries);
    let numbers: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, tensor)| {
            let values = tensor.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
            values
                .expect("f32")
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect()
        })
        .collect();
    let names: Vec<String> = (0..numbers.len()).map(|i| format!("data/{i}")).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("data.pkl", &pickle)];
    files.extend(
        names
            .iter()
            .zip(&numbers)
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
    );
    archive(&files)
}

fn floats(count: usize) -> Vec<u8> {
    (0..count).flat_map(|i| (i as f32).to_le_bytes()).collect()
}

/// Six floats in a storage of six, 2x3.
const GOOD: Entry = Entry {
    name: "a.weight",
    kind: "FloatStorage",
    storage: 0,
    len: 6,
    offset: 0,
    shape: &[2, 3],
    strides: &[3, 1],
};

fn read_one(pickle: &[u8], numbers: &[u8]) -> Result<Vec<(String, Tensor)>> {
    read(Cursor::new(archive(&[
        ("data.pkl", pickle),
        ("data/0", numbers),
    ])))
}

#[track_caller]
fn refused(pickle: &[u8], numbers: &[u8], reason: &str) {
    let error = read_one(pickle, numbers).expect_err("accepted").to_string();
    assert!(error.contains(reason), "{error}");
}

#[track_caller]
fn check(entry: Entry, expected: &[&[f32]]) {
    let tensors = read_one(&state_dict_of(&[entry]), &floats(6)).expect("a state dict");
    let rows = tensors[0].1.to_vec2::<f32>().expect("rows");
    assert_eq!(rows, expected);
}

#[test]
fn views_of_storages() -> Result<()> {
    check(GOOD, &[&[0.0, 1.0, 2.0], &[3.0, 4.0, 5.0]]);
    // Transposed, as weights are that were trained channels last.
    let transposed = Entry {
        shape: &[3, 2],
        strides: &[1, 3],
        ..GOOD
    };
    check(transposed, &[&[0.0, 3.0], &[1.0, 4.0], &[2.0, 5.0]]);
    check(
        Entry {
            offset: 4,
            shape: &[1, 2],
            strides: &[9, 1],
            ..GOOD
        },
        &[&[4.0, 5.0]],
    );
    check(
        Entry {
            shape: &[2, 2],
            strides: &[0, 1],
            ..GOOD
        },
        &[&[0.0, 1.0], &[0.0, 1.0]],
    );
    let empty = Entry {
        shape: &[0, 3],
        ..GOOD
    };
    let tensors = read_one(&state_dict_of(&[empty]), &floats(6))?;
    assert_eq!(tensors[0].1.dims(), [0, 3]);
    let scalar = Entry {
        offset: 5,
        shape: &[],
        strides: &[],
        ..GOOD
    };
    let tensors = read_one(&state_dict_of(&[scalar]), &floats(6))?;
    assert_eq!(tensors[0].1.to_scalar::<f32>()?, 5.0);
    let halves = Entry {
        kind: "HalfStorage",
        len: 12,
        shape: &[12],
        strides: &[1],
        ..GOOD
    };
    let tensors = read_one(&state_dict_of(&[halves]), &floats(6))?;
    assert_eq!(tensors[0].1.dtype(), DType::F16);
    Ok(())
}

#[test]
fn a_checkpoint_with_one_state_dict_is_read() -> Result<()> {
    let mut pickle = b"\x80\x02}(".to_vec();
    text(&mut pickle, "epoch");
    pickle.extend(b"K\x03");
    text(&mut pickle, "model");
    pickle.push(b'}');
    entry(&mut pickle, &GOOD);
    pickle.extend(b"su.");
    let tensors = read_one(&pickle, &floats(6))?;
    assert_eq!(tensors[0].0, "a.weight");
    Ok(())
}

/// What training programs keep beside the weights is no state dict: numbers, single tensors, the same weights again.
#[test]
fn other_things_of_a_checkpoint_are_left() -> Result<()> {
    let scalar = |name| Entry {
        name,
        shape: &[],
        strides: &[],
        ..GOOD
    };
    let names = |pickle: &[u8]| -> Result<Vec<String>> {
        let tensors = read_one(pickle, &floats(6))?;
        Ok(tensors.into_iter().map(|(name, _)| name).collect())
    };
    let mut start = b"\x80\x02}(".to_vec();
    text(&mut start, "epoch");
    start.extend(b"K\x03");
    text(&mut start, "state_dict");
    start.extend(b"}q\x01");
    entry(&mut start, &GOOD);
    start.push(b's');
    let with = |more: &dyn Fn(&mut Vec<u8>)| {
        let mut pickle = start.clone();
        more(&mut pickle);
        pickle.extend(b"u.");
        pickle
    };
    let best = with(&|pickle| entry(pickle, &scalar("best_acc1")));
    assert_eq!(names(&best)?, ["a.weight"]);
    let again = with(&|pickle| {
        text(pickle, "model");
        pickle.extend(b"h\x01");
    });
    assert_eq!(names(&again)?, ["a.weight"]);
    // The name of a module's tensor: a state dict with something else in it.
    let own = with(&|pickle| entry(pickle, &scalar("b.scale")));
    assert_eq!(names(&own)?, ["b.scale"]);
    // A state dict of one module has no dots.
    assert_eq!(names(&state_dict_of(&[scalar("weight")]))?, ["weight"]);
    let two = with(&|pickle| {
        entry(pickle, &scalar("best_acc1"));
        text(pickle, "ema");
        pickle.push(b'}');
        entry(pickle, &scalar("weight"));
        pickle.push(b's');
    });
    refused(&two, &floats(6), "several state dicts");
    Ok(())
}

/// A dictionary of 130,000 entries under 130,000 names: once each, not once for each name.
#[test]
fn many_names_of_one_dictionary_cost_little() {
    let entries = b"h\x01h\x01".repeat(130_000);
    let pickle = [
        b"\x80\x02}q\x01(",
        &entries[..],
        b"u}(",
        &entries[..],
        b"u.",
    ];
    let start = std::time::Instant::now();
    refused(&pickle.concat(), &[], "no tensors");
    // Less than a second, where all pairs take tens of them.
    assert!(start.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn errors() {
    let huge = 1 << 40;
    let with = |entry: Entry| state_dict_of(&[entry]);
    let numbers = floats(6);
    refused(
        &with(Entry {
            len: huge,
            shape: &[huge],
            strides: &[1],
            ..GOOD
        }),
        &numbers,
        "too much",
    );
    // As many bytes as no number of them holds.
    refused(
        &with(Entry {
            kind: "DoubleStorage",
            len: 1 << 62,
            shape: &[1 << 61],
            strides: &[0],
            ..GOOD
        }),
        &numbers,
        "too much",
    );
    refused(
        &with(Entry {
            shape: &[huge, huge],
            ..GOOD
        }),
        &numbers,
        "a.weight: it has shape",
    );
    refused(
        &with(Entry {
            shape: &[7],
            strides: &[1],
            ..GOOD
        }),
        &numbers,
        "storage 6 numbers",
    );
    refused(
        &with(Entry {
            strides: &[4, 1],
            ..GOOD
        }),
        &numbers,
        "reach past",
    );
    refused(&with(Entry { offset: 1, ..GOOD }), &numbers, "reach past");
    refused(
        &with(Entry {
            offset: usize::MAX >> 1,
            ..GOOD
        }),
        &numbers,
        "reach past",
    );
    refused(
        &with(Entry {
            strides: &[huge << 22, 1],
            ..GOOD
        }),
        &numbers,
        "reach past",
    );
    refused(
        &with(Entry {
            strides: &[1],
            ..GOOD
        }),
        &numbers,
        "2 sizes and 1 strides",
    );
    refused(
        &with(Entry {
            shape: &[1; 9],
            strides: &[1; 9],
            ..GOOD
        }),
        &numbers,
        "9 dimensions",
    );
    refused(
        &with(Entry {
            kind: "QInt8Storage",
            ..GOOD
        }),
        &numbers,
        "QInt8Storage",
    );
    refused(&with(Entry { storage: 1, ..GOOD }), &numbers, "data/1");
    refused(&with(Entry { len: 7, ..GOOD }), &numbers, "24 bytes");
    refused(
        &state_dict_of(&[GOOD, GOOD]),
        &numbers,
        "two tensors called a.weight",
    );
    refused(&state_dict_of(&[]), &numbers, "no tensors");
    refused(b"\x80\x02cnet\nNet\n)\x81.", &numbers, "no state dict");
    refused(
        b"\x80\x02cos\nsystem\n(X\x02\0\0\0lstR.",
        &numbers,
        "no state dict",
    );
    refused(b"\x80\x02X\xff\xff\xff\xff", &numbers, "4294967295 bytes");
    refused(b"\x80\x02\x8a\xff", &numbers, "255 bytes");
    refused(b"\x80\x04\x95", &numbers, "instruction 0x95");
    refused(b"\x80\x02(.", &numbers, "empty stack");
    refused(b"\x80\x02t", &numbers, "mark that was not set");
    refused(b"\x80\x02h\x01.", &numbers, "value 1");
    refused(b"", &numbers, "bytes where 0 are left");
    let message = |bytes: Vec<u8>| read(Cursor::new(bytes)).expect_err("accepted").to_string();
    assert!(message(b"\x80\x02.".to_vec()).contains("no zip archive"));
    assert!(message(archive(&[("version", b"3")])).contains("one entry data.pkl"));
    let pickle = with(GOOD);
    let big = archive(&[
        ("data.pkl", &pickle),
        ("byteorder", b"big"),
        ("data/0", &numbers),
    ]);
    assert!(message(big).contains("highest byte first"));
}

/// What overflowed the stack: lists in lists, tuples in tuples, parameters of parameters.
#[test]
fn nesting_costs_no_stack() {
    let deep = |start: &[u8], middle: &[u8], end: &[u8]| {
        [
            b"\x80\x02",
            start,
            &middle.repeat(200_000 / middle.len()),
            end,
        ]
        .concat()
    };
    refused(&deep(b"", b"]", b"."), &[], "no state dict");
    refused(&deep(b"]", b"]a", b"."), &[], "no state dict");
    refused(&deep(b")", b"\x85", b"."), &[], "no state dict");
    refused(&deep(b"", b"(", b"."), &[], "empty stack");
    refused(&deep(b"}", b"}q\x01h\x01h\x01s", b"."), &[], "no tensors");
    refused(&b"]".repeat(600_000), &[], "more than 524288 instructions");
}

/// Values that refer to each other many times over are never copied.
#[test]
fn sharing_costs_no_memory() {
    // Each tuple holds the one before twice: 2^60 leaves if anyone followed them.
    let doubled = b"q\x01h\x01\x86".repeat(60);
    refused(
        &[b"\x80\x02)", &doubled[..], b"."].concat(),
        &[],
        "no state dict",
    );
    // One storage under many names: larger than the file allows.
    let names: Vec<String> = (0..2000).map(|i| format!("w{i}")).collect();
    let entries: Vec<Entry> = names
        .iter()
        .map(|name| Entry {
            name,
            len: 100_000,
            shape: &[100_000],
            strides: &[1],
            ..GOOD
        })
        .collect();
    refused(
        &state_dict_of(&entries),
        &floats(100_000),
        "2 times as large as the file",
    );
}

#[test]
fn a_damaged_storage_is_found_by_its_checksum() -> Result<()> {
    let numbers = floats(6);
    let mut bytes = archive(&[("data.pkl", &state_dict_of(&[GOOD])), ("data/0", &numbers)]);
    let at = bytes
        .windows(24)
        .position(|window| window == numbers)
        .expect("the numbers");
    bytes[at + 9] ^= 4;
    let error = read(Cursor::new(bytes)).expect_err("accepted").to_string();
    assert!(
        error.contains("data/0") && error.to_lowercase().contains("checksum"),
        "{error}"
    );
    Ok(())
}

/// A file that PyTorch wrote.
const REAL: &[u8] = include_bytes!("../../../../../tests/fixtures/networks/A.pt");

/// Puts a pickle in the place of that of [`REAL`].
fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    let mut zip = ZipArchive::new(Cursor::new(REAL)).expect("an archive");
    let names: Vec<String> = zip
        .file_names()
        .map(|n| n.expect("a name").into_owned())
        .collect();
    let mut entries = Vec::new();
    for name in names.iter().filter(|name| !name.ends_with("data.pkl")) {
        let mut bytes = Vec::new();
        zip.by_name(name)
            .expect("an entry")
            .read_to_end(&mut bytes)
            .expect("its bytes");
        entries.push((name.trim_start_matches("A/"), bytes));
    }
    let mut all: Vec<(&str, &[u8])> = vec![("data.pkl", pickle)];
    all.extend(
        entries
            .iter()
            .map(|(name, bytes)| (*name, bytes.as_slice())),
    );
    archive(&all)
}

fn real_pickle() -> Vec<u8> {
    let mut archive = Archive::open(Cursor::new(REAL)).expect("an archive");
    archive.entry("data.pkl").expect("a pickle")
}

/// Either an error, or tensors within the limit.
fn is_safe(bytes: &[u8]) -> std::result::Result<(), TestCaseError> {
    if let Ok(tensors) = read(Cursor::new(bytes)) {
        let size: usize = tensors
            .iter()
            .map(|(_, t)| t.elem_count() * t.dtype().size_in_bytes())
            .sum();
        prop_assert!(size as u64 <= MAX_GROWTH * bytes.len() as u64);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_files_are_safe(
        changes in prop::collection::vec((0..REAL.len(), any::<u8>()), 1..6),
        cut in 0..4 * REAL.len(),
    ) {
        let mut bytes = REAL.to_vec();
        for (at, value) in changes {
            bytes[at] = value;
        }
        bytes.truncate(cut.max(1));
        is_safe(&bytes)?;
    }

    /// The same below the checksums.
    #[test]
    fn mutated_pickles_are_safe(
        changes in prop::collection::vec((0..1134usize, any::<u8>()), 1..6),
        moved in prop::option::of((0..1134usize, 0..1134usize, 1..64usize)),
    ) {
        let mut pickle = real_pickle();
        for (at, value) in changes {
            pickle[at] = value;
        }
        if let Some((from, to, len)) = moved {
            let part = pickle[from..(from + len).min(pickle.len())].to_vec();
            pickle.splice(to..to, part);
        }
        is_safe(&with_pickle(&pickle))?;
    }

    #[test]
    fn random_pickles_are_safe(pickle in prop::collection::vec(
        prop_oneof![
            prop::sample::select(b"\x80\x02.(N\x88]GKMJXUcqrhj)\x85\x86\x87t}sueaQRb\x81\x8a\0\x01\n".to_vec()),
            any::<u8>(),
        ],
        0..200,
    )) {
        is_safe(&archive(&[("data.pkl", &pickle), ("data/0", &floats(6))]))?;
    }
}
