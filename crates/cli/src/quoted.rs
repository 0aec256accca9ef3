//! Arguments as they are typed.

use std::ffi::OsStr;

/// An argument as a shell reads it, in quotes unless every character is plainly safe; bytes that are no text are written `\xff`, in the quotes that Bash and Zsh have for them.
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
    // Everything else may mean something to some shell; `=` does at the beginning of a word in Zsh.
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,+@%=".contains(c);
    match text.is_empty() || text.starts_with('=') || !text.chars().all(is_plain) {
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
        for plain in ["--row=A,+b", "runs/one_2.toml", "cuda:0", "user@host:50%"] {
            assert_eq!(quoted(OsStr::new(plain)), plain);
        }
        for special in "`[]{}~#!;&|<>()$*?\"\\^\n\t".chars() {
            let arg = format!("a{special}b");
            assert_eq!(quoted(OsStr::new(&arg)), format!("'{arg}'"));
        }
        assert_eq!(quoted(OsStr::new("=ls")), "'=ls'");
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            assert_eq!(quoted(OsStr::from_bytes(b"a'\xff b")), r"$'a\'\xff b'");
        }
    }
}
