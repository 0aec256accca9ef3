//! What files from strangers may take while they are read: `MAX_MEMORY` times their size and 64 MiB.
//!
//! Alone in its process, whose allocator counts.

use std::io::{Cursor, Write};

use peak_alloc::PeakAlloc;
use striate::init::torch_file::{MAX_MEMORY, read};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn archive(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in entries {
        writer.start_file(name.as_str(), stored).expect("an entry");
        writer.write_all(bytes).expect("its bytes");
    }
    writer.finish().expect("an archive").into_inner()
}

fn with_pickle(pickle: Vec<u8>) -> Vec<u8> {
    archive(&[("a/data.pkl".to_string(), pickle)])
}

#[track_caller]
fn check(what: &str, file: Vec<u8>) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let error = read(Cursor::new(&file)).expect_err("accepted").to_string();
    let taken = ALLOCATOR.peak_usage() - before;
    let limit = MAX_MEMORY as usize * file.len() + (64 << 20);
    println!("{what}: {} bytes took {taken}: {error}", file.len());
    assert!(
        taken <= limit,
        "{what}: {} bytes took {taken}, {limit} are promised",
        file.len()
    );
}

/// One test, since the allocator counts for the whole process.
#[test]
fn hostile_files_stay_within_the_promise() {
    let many =
        |part: &[u8], count: usize| with_pickle([b"\x80\x02", &part.repeat(count)[..]].concat());
    check("lists", many(b"]", 600_000));
    check("dictionaries in dictionaries", many(b"}}}s", 150_000));
    check("tuples", many(b"K\x01\x85", 300_000));
    check("marks", many(b"(", 600_000));
    check("texts", many(b"X\x01\0\0\0a", 300_000));
    check(
        "values on the stack again",
        many(b")q\0h\0h\0h\0h\0", 80_000),
    );
    let memo: Vec<u8> = (0..250_000u32)
        .flat_map(|at| [&b")r"[..], &at.to_le_bytes()].concat())
        .collect();
    check("a full memo", with_pickle(memo));
    let mut wide = b"\x80\x02(".to_vec();
    wide.extend(b"K\x01".repeat(100_000));
    wide.extend(b"tq\x01");
    wide.extend(b"ctorch._utils\n_rebuild_tensor_v2\nq\x02(h\x01K\0h\x01h\x01tq\x03".iter());
    wide.extend(b"h\x02h\x03R".repeat(50_000));
    check("calls with long shapes", with_pickle(wide));
    check(
        "a text of 4 GiB",
        with_pickle(b"\x80\x02X\xff\xff\xff\xff".to_vec()),
    );
    check(
        "a long name",
        with_pickle([&b"\x80\x02c"[..], &[b'a'; 4_000_000]].concat()),
    );
    let entries: Vec<(String, Vec<u8>)> =
        (0..60_000).map(|i| (format!("{i}"), Vec::new())).collect();
    check("many entries", archive(&entries));
    let endings = b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0".repeat(100_000);
    check("many ends of an archive", endings);
}
