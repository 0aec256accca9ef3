//! Parquet files built byte by byte, so that every number in them can lie.

/// A structure of Thrift's compact protocol, whose fields come in order.
#[derive(Default)]
pub(crate) struct Fields {
    bytes: Vec<u8>,
    last: u8,
}

impl Fields {
    fn field(mut self, id: u8, kind: u8) -> Self {
        self.bytes.push((id - self.last) << 4 | kind);
        self.last = id;
        self
    }

    pub(crate) fn i32(self, id: u8, value: i64) -> Self {
        let mut fields = self.field(id, 5);
        fields.bytes.extend(zigzag(value));
        fields
    }

    pub(crate) fn i64(self, id: u8, value: i64) -> Self {
        let mut fields = self.field(id, 6);
        fields.bytes.extend(zigzag(value));
        fields
    }

    pub(crate) fn text(self, id: u8, value: &str) -> Self {
        let mut fields = self.field(id, 8);
        fields.bytes.extend(varint(value.len() as u64));
        fields.bytes.extend(value.bytes());
        fields
    }

    pub(crate) fn inner(self, id: u8, inner: Fields) -> Self {
        let mut fields = self.field(id, 12);
        fields.bytes.extend(inner.end());
        fields
    }

    /// A list of elements of a type, each given with its bytes.
    pub(crate) fn list(self, id: u8, kind: u8, elements: &[Vec<u8>]) -> Self {
        let mut fields = self.field(id, 9);
        fields.bytes.push(0xf0 | kind);
        fields.bytes.extend(varint(elements.len() as u64));
        fields.bytes.extend(elements.concat());
        fields
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn zigzag(value: i64) -> Vec<u8> {
    varint((value << 1 ^ value >> 63) as u64)
}

/// What a shard claims. Its labels are zeros, in a run; its pictures are plain or by dictionary.
pub(crate) struct Claims {
    pub(crate) rows: i64,
    /// Pages of the picture column: header and content.
    pub(crate) pages: Vec<(Fields, Vec<u8>)>,
    pub(crate) has_dictionary: bool,
    /// 0 for none, 1 for Snappy.
    pub(crate) codec: i64,
    /// Children of the root, of which there are two.
    pub(crate) children: i64,
    /// How often the row group is listed.
    pub(crate) groups: usize,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            rows: 1,
            pages: Vec::new(),
            has_dictionary: false,
            codec: 0,
            children: 2,
            groups: 1,
        }
    }
}

/// A data page of values.
pub(crate) fn data_page(values: i64, encoding: i64, size: (i64, i64)) -> Fields {
    let inner = Fields::default()
        .i32(1, values)
        .i32(2, encoding)
        .i32(3, 3)
        .i32(4, 3);
    Fields::default()
        .i32(1, 0)
        .i32(2, size.0)
        .i32(3, size.1)
        .inner(5, inner)
}

/// A page of dictionary values.
pub(crate) fn dictionary_page(values: i64, size: (i64, i64)) -> Fields {
    let inner = Fields::default().i32(1, values).i32(2, 0);
    Fields::default()
        .i32(1, 2)
        .i32(2, size.0)
        .i32(3, size.1)
        .inner(7, inner)
}

/// Values as a plain page has them.
pub(crate) fn plain(values: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        bytes.extend((value.len() as u32).to_le_bytes());
        bytes.extend(*value);
    }
    bytes
}

impl Claims {
    pub(crate) fn file(self) -> Vec<u8> {
        let mut file = b"PAR1".to_vec();
        let first = file.len() as i64;
        for (header, content) in self.pages {
            file.extend(header.end());
            file.extend(content);
        }
        let image = (first, file.len() as i64 - first);
        let first = file.len() as i64;
        // A dictionary of one label, and a run of its index, which takes no bits.
        let zero = 0i64.to_le_bytes();
        file.extend(dictionary_page(1, (8, 8)).end());
        file.extend(zero);
        let run = [vec![0], varint((self.rows.max(0) as u64) << 1)].concat();
        let size = run.len() as i64;
        file.extend(data_page(self.rows, 8, (size, size)).end());
        file.extend(run);
        let label = (first, file.len() as i64 - first);
        let column = |kind: i64, path: &[&str], codec: i64, (at, len): (i64, i64), dictionary| {
            let path: Vec<Vec<u8>> = path
                .iter()
                .map(|part| [varint(part.len() as u64), part.as_bytes().to_vec()].concat())
                .collect();
            let mut meta = Fields::default()
                .i32(1, kind)
                .list(2, 5, &[zigzag(0)])
                .list(3, 8, &path)
                .i32(4, codec)
                .i64(5, self.rows)
                .i64(6, len)
                .i64(7, len)
                .i64(9, at);
            if dictionary {
                meta = meta.i64(11, at);
            }
            Fields::default().i64(2, at).inner(3, meta).end()
        };
        let columns = [
            column(
                6,
                &["image", "bytes"],
                self.codec,
                image,
                self.has_dictionary,
            ),
            column(2, &["label"], 0, label, true),
        ];
        let group = Fields::default()
            .list(1, 12, &columns)
            .i64(2, 100)
            .i64(3, self.rows)
            .end();
        let schema = [
            Fields::default()
                .text(4, "schema")
                .i32(5, self.children)
                .end(),
            Fields::default().i32(3, 0).text(4, "image").i32(5, 1).end(),
            Fields::default().i32(1, 6).i32(3, 0).text(4, "bytes").end(),
            Fields::default().i32(1, 2).i32(3, 0).text(4, "label").end(),
        ];
        let footer = Fields::default()
            .i32(1, 1)
            .list(2, 12, &schema)
            .i64(3, self.rows.saturating_mul(self.groups as i64))
            .list(4, 12, &vec![group; self.groups])
            .end();
        let len = (footer.len() as u32).to_le_bytes();
        file.extend(footer);
        file.extend(len);
        file.extend(b"PAR1");
        file
    }
}
