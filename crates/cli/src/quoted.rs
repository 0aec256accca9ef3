//! Arguments as they are typed.

use std::ffi::OsStr;

/// An argument as a shell reads it; bytes that are no text are written `\xff`, in the quotes that Bash and Zsh have for them.
///
/// ```
/// assert_eq!(cli::quoted("a b".as_ref()), "'a b'");
/// ```
pub fn quoted(arg: &OsStr) -> String {
    let Some(text) = arg.to_str() else {
        let chunks = arg.as_encoded_bytes().utf8_chunks();
        let escaped: String = chunks
            .map(|chunk| {
                let text = chunk.valid().replace('\\', r"\\").replace('\'', r"\'");
                let bytes = chunk.invalid().iter().map(|byte| format!(r"\x{byte:02x}"));
                text + &bytes.collect::<String>()
            })
            .collect();
        return format!("$'{escaped}'");
    };
    let special = |c: char| c.is_whitespace() || "'\"\\$*?&|;<>()".contains(c);
    match text.is_empty() || text.contains(special) {
        true => format!("'{}'", text.replace('\'', r"'\''")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_can_be_typed_again() {
        for (arg, wanted) in [
            ("allconv", "allconv"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(OsStr::new(arg)), wanted);
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            assert_eq!(quoted(OsStr::from_bytes(b"a'\xff b")), r"$'a\'\xff b'");
        }
    }
}
