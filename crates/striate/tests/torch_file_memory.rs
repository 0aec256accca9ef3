//! What `.pt` files of every kind take while they are read: no more than `torch_file` and SECURITY.md promise.

use std::io::{Cursor, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use candle_core::{Result, Tensor};
use peak_alloc::PeakAlloc;
use striate::init::torch_file::{self, MAX_MEMORY};
use striate::rng::{Stream, stream};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// What reading may take beside [`MAX_MEMORY`] bytes for each byte of the file.
const BESIDE: usize = 64 << 20;

/// A file that PyTorch wrote.
const REAL: &[u8] = include_bytes!("../../../tests/fixtures/networks/A.pt");

/// Nearly as many as a pickle may have instructions.
const MANY: usize = 500_000;

/// One test at a time: what another allocates would count.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a file, and checks the promise.
#[track_caller]
fn read(bytes: &[u8]) -> Result<Vec<(String, Tensor)>> {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let result = torch_file::read(Cursor::new(bytes));
    let took = HEAP.peak_usage().saturating_sub(before);
    let promised = MAX_MEMORY as usize * bytes.len() + BESIDE;
    assert!(
        took <= promised,
        "{took} bytes for {}, promised are {promised}",
        bytes.len()
    );
    result
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

fn of_pickle(pickle: &[u8]) -> Vec<u8> {
    archive(&[("data.pkl", pickle), ("data/0", &[0; 4])])
}

/// Three letters that no other number has.
fn name(number: usize) -> [u8; 3] {
    [number / 4096, number / 64 % 64, number % 64].map(|digit| b'.' + digit as u8)
}

/// The beginning of a pickle: function 1 makes a tensor of the arguments 2, `len` floats in so many dimensions.
fn tensor(len: u32, dimensions: usize) -> Vec<u8> {
    let len = [&b"J"[..], &len.to_le_bytes()].concat();
    let ones = |count: usize| b"K\x01".repeat(count);
    [
        &b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x01"[..],
        b"((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu",
        &len,
        b"tQK\0(",
        &len,
        &ones(dimensions - 1),
        b"t(",
        &ones(dimensions),
        b"ttq\x02",
    ]
    .concat()
}

#[test]
fn files_of_torch_save() {
    let _alone = alone();
    assert!(!read(REAL).expect("a state dict").is_empty());
    // Two names for the numbers of a large file.
    let names = b"h\x01h\x02Rq\x03}(U\x01ah\x03U\x01bh\x03u.";
    let pickle = [&tensor(2_000_000, 1)[..], names].concat();
    let numbers = vec![0u8; 8_000_000];
    let file = archive(&[("data.pkl", &pickle), ("data/0", &numbers)]);
    assert_eq!(read(&file).expect("a state dict").len(), 2);
}

/// As many tensors as are read, each as large as one can be beside its numbers, and one more.
#[test]
fn many_names_of_one_tensor() {
    let _alone = alone();
    const MOST: usize = 1 << 16;
    let named = |names: usize| {
        let mut pickle = tensor(1, 8);
        pickle.extend(b"h\x01h\x02Rq\x03}(");
        for number in 0..names {
            pickle.extend(b"U\x03");
            pickle.extend(name(number));
            pickle.extend(b"h\x03");
        }
        pickle.extend(b"u.");
        read(&of_pickle(&pickle))
    };
    assert_eq!(named(MOST).expect("a state dict").len(), MOST);
    let error = named(MOST + 1).expect_err("too many").to_string();
    assert!(error.contains("at most 65536"), "{error}");
}

#[test]
fn nested_and_crowded_pickles() {
    let _alone = alone();
    let stored = |number: u32| [&b"r"[..], &number.to_le_bytes()].concat();
    let cases: [(&[u8], Vec<u8>, &[u8]); 13] = [
        (b"", b"]".repeat(MANY), b"."),
        (b"", b"(".repeat(MANY), b"."),
        (b"", b")".repeat(MANY), b"."),
        (b"", b"}".repeat(MANY), b"."),
        (b"]", b"]a".repeat(MANY / 2), b"."),
        (b")", b"\x85".repeat(MANY), b"."),
        (b")", b"q\x01h\x01h\x01\x87".repeat(MANY / 4), b"."),
        (b"}", b"q\x01h\x01h\x01s".repeat(MANY / 4), b")."),
        (b"", b"U\x01a".repeat(MANY), b"."),
        (b"", b"ca\nb\n".repeat(MANY), b"."),
        (b"]", (0..MANY as u32).flat_map(stored).collect(), b"."),
        (b")q\x01(", b"h\x01".repeat(MANY), b"t."),
        (b"}q\x01(", b"h\x01".repeat(MANY), b"u)."),
    ];
    for (start, middle, end) in cases {
        let pickle = [b"\x80\x02", start, &middle, end].concat();
        assert!(read(&of_pickle(&pickle)).is_err());
    }
    let tensors = [tensor(1, 8), b"h\x01h\x02R".repeat(MANY / 3), b".".to_vec()];
    assert!(read(&of_pickle(&tensors.concat())).is_err());
}

/// An entry of a directory, with a name and further fields.
fn header(name: &[u8], fields: &[u8]) -> Vec<u8> {
    [
        &b"PK\x01\x02\x14\0\x14\0"[..],
        &[0; 20],
        &(name.len() as u16).to_le_bytes(),
        &(fields.len() as u16).to_le_bytes(),
        &[0; 14],
        name,
        fields,
    ]
    .concat()
}

/// The end of a large archive, whose record stands at `record`.
fn end(record: usize) -> Vec<u8> {
    [
        &b"PK\x06\x07\0\0\0\0"[..],
        &(record as u64).to_le_bytes(),
        b"\x01\0\0\0PK\x05\x06\0\0\0\0",
        &[0xff; 12],
        &[0; 2],
    ]
    .concat()
}

/// An archive that is nothing but a directory and says that it has so many entries.
fn directory(entries: &[u8], count: u64) -> Vec<u8> {
    let size = entries.len();
    let mut bytes = [entries, b"PK\x06\x06", &44u64.to_le_bytes(), &[0; 12]].concat();
    for number in [count, count, size as u64, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(end(size));
    bytes
}

#[test]
fn many_names_in_the_archive() {
    let _alone = alone();
    // Tables have just grown.
    const COUNT: u64 = 230_000;
    let headers = (0..COUNT as usize).flat_map(|at| header(&name(at), b""));
    let mut entries: Vec<u8> = headers.collect();
    let error = read(&directory(&entries, COUNT)).expect_err("accepted");
    assert!(error.to_string().contains("no file of torch.save"));
    for claimed in [0, COUNT + 1, 1 << 40, u64::MAX] {
        assert!(read(&directory(&entries, claimed)).is_err());
    }
    // The last of them is none.
    let last = entries.len() - 49;
    entries[last] = 0;
    assert!(read(&directory(&entries, COUNT)).is_err());
}

#[test]
fn many_fields_in_an_entry() {
    let _alone = alone();
    let fields = b"\x11\x11\0\0".repeat(16_383);
    let entries: Vec<u8> = (0..150).flat_map(|at| header(&name(at), &fields)).collect();
    assert!(read(&directory(&entries, 150)).is_err());
}

/// Files full of the marks by which the reader of archives finds its way.
#[test]
fn many_marks() {
    let _alone = alone();
    for mark in [b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"] {
        let marks = mark.repeat(1_850_000);
        assert!(read(&marks).is_err());
        assert!(read(&[&marks[..], &end(0)].concat()).is_err());
        let small = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &[0; 10]].concat();
        assert!(read(&[&marks[..], &small].concat()).is_err());
    }
}

fn real_pickle() -> Vec<u8> {
    let mut zip = ZipArchive::new(Cursor::new(REAL)).expect("an archive");
    let mut entry = zip.by_name("A/data.pkl").expect("a pickle");
    let mut pickle = Vec::new();
    entry.read_to_end(&mut pickle).expect("its bytes");
    pickle
}

#[test]
fn changed_lengths() {
    let _alone = alone();
    let pickle = real_pickle();
    for value in [[0xff; 4], [0, 0, 0, 0x10], [0xff, 0xff, 0xff, 0x7f]] {
        for at in (0..REAL.len() - 4).step_by(5) {
            let mut file = REAL.to_vec();
            file[at..at + 4].copy_from_slice(&value);
            let _ = read(&file);
        }
        // Below the checksums.
        for at in 0..pickle.len() - 4 {
            let mut pickle = pickle.clone();
            pickle[at..at + 4].copy_from_slice(&value);
            let _ = read(&of_pickle(&pickle));
        }
    }
}

/// A few changes, drawn: other bytes, and parts that stand in a second place.
fn mutate(bytes: &mut Vec<u8>, draws: &mut Stream) {
    for _ in 0..1 + draws.below(4) {
        let at = draws.below(bytes.len() as u64) as usize;
        match draws.below(3) {
            0 => bytes[at] = draws.below(256) as u8,
            1 => bytes[at] ^= 1 << draws.below(8),
            _ => {
                let len = 1 + draws.below(64) as usize;
                let part: Vec<u8> = bytes[at..].iter().take(len).copied().collect();
                let to = draws.below(bytes.len() as u64) as usize;
                bytes.splice(to..to, part);
            }
        }
    }
}

#[test]
fn mutated_files() {
    let _alone = alone();
    let pickle = real_pickle();
    let mut draws = stream(5, "mutants", 0);
    for _ in 0..1000 {
        let mut file = REAL.to_vec();
        mutate(&mut file, &mut draws);
        let _ = read(&file);
        let mut pickle = pickle.clone();
        mutate(&mut pickle, &mut draws);
        let _ = read(&of_pickle(&pickle));
    }
}
