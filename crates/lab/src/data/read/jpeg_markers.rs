//! The markers of a JPEG and the segments after them.

/// The next marker; `at` moves past it. Stuffed bytes and stray ones are skipped.
pub(super) fn next_marker(file: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let rest = file.get(*at..)?;
        let found = rest.iter().position(|&byte| byte == 0xff)?;
        *at += found + 1;
        while *file.get(*at)? == 0xff {
            *at += 1;
        }
        let marker = *file.get(*at)?;
        *at += 1;
        if marker != 0 {
            return Some(marker);
        }
    }
}

/// The content of the segment at `at`, which moves past it.
pub(super) fn segment<'a>(file: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let len = u16::from_be_bytes([*file.get(*at)?, *file.get(*at + 1)?]);
    let content = file.get(*at + 2..at.checked_add(usize::from(len))?)?;
    *at += usize::from(len);
    Some(content)
}
