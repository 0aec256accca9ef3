//! Real images that are part of the program, so that experiments run without a download.
//!
//! Origin and licenses: `crates/lab/data/LICENSES/README.md`.

use super::read::idx;
use super::registry::{EMBEDDED_FILES, File};
use super::{DataError, DataSet, Dataset, ImageSet};

/// The embedded images of the set called `name`.
pub(crate) fn load(name: &str) -> Result<Dataset, DataError> {
    let set = DataSet::find(name);
    let files = EMBEDDED_FILES
        .iter()
        .find(|(embedded, _)| set.is_some_and(|set| set.name == *embedded));
    let (Some(set), Some((_, files))) = (set, files) else {
        let names = DataSet::names_of(|set| set.embedded.is_some());
        return Err(DataError::UnknownName {
            name: name.to_owned(),
            known: format!(
                "it is not embedded, only {names} are; {}",
                DataSet::how_to_get(set)
            ),
        });
    };
    let [train_images, train_labels, test_images, test_labels] = files;
    let read = |split: &str, images: &File, labels: &File| -> Result<ImageSet, DataError> {
        let name = format!("{}/{split}", set.name);
        idx::parse(&name, *images, *labels, set.class_names(), |_| Ok(()))
    };
    let data = Dataset {
        name: set.name.to_owned(),
        train: read("train", train_images, train_labels)?,
        test: read("test", test_images, test_labels)?,
    };
    data.check()?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    const SHA256: &str = "\
1be733b5e3563a3e09249eaf2860ab906050f4ad092514fd69643a971f092eef  fashion-mnist/train-images-idx3-ubyte.gz
61a6840eba903a1624db1cd180742787f58a96a5d569dcbab532ea0bbd943a75  fashion-mnist/train-labels-idx1-ubyte.gz
a2d469e967c6f16f941e652e24b2bc5422a63b1a71325ff49da1bb5a3350b4dc  fashion-mnist/t10k-images-idx3-ubyte.gz
09e12ea2704e7fc948433dfc4fc0c69cf8e2e18611cf6b3b80e6ad82dec4dcba  fashion-mnist/t10k-labels-idx1-ubyte.gz
d4fe231fb29013abfd3c0c2db17d66588f33783892563da3056faf528d19a0d9  mnist/train-images-idx3-ubyte.gz
db1cb8c7b655c832ea1b65aa5959fa2b06fcfcef1c1bdd338fc7d4300277e5c3  mnist/train-labels-idx1-ubyte.gz
3bf522a81c30e6bcd9388932cf9f26fb44182f2bac3ae10908ef78754c054736  mnist/t10k-images-idx3-ubyte.gz
bbf1a45478f2b5d678739e78046079325e92940f969fd6f13a333ca27b84ad85  mnist/t10k-labels-idx1-ubyte.gz";

    #[test]
    fn checksums() {
        let files = EMBEDDED_FILES.iter().flat_map(|(_, files)| *files);
        let found: Vec<String> = files
            .map(|(path, bytes)| format!("{:x}  {path}", HexDigest(Sha256::digest(bytes).into())))
            .collect();
        assert_eq!(found.join("\n"), SHA256);
    }

    struct HexDigest([u8; 32]);

    impl std::fmt::LowerHex for HexDigest {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        }
    }

    fn embedded(name: &str) -> Result<Dataset, DataError> {
        let data = load(name)?;
        let set = DataSet::find(name)
            .and_then(|set| set.embedded)
            .expect("in the registry");
        assert_eq!((data.train.len(), data.test.len()), (set.train, set.test));
        Ok(data)
    }

    #[test]
    fn fashion_mnist() {
        let data = embedded("Fashion-MNIST").unwrap();
        assert_eq!((data.train.len(), data.test.len()), (10_000, 2_000));
        assert_eq!(data.train.labels[..6], [9, 0, 0, 3, 0, 2]);
        assert_eq!(data.test.labels[..6], [9, 2, 1, 1, 6, 1]);
        assert_eq!(data.train.class_names[9], "Ankle boot");
        assert!(
            data.train
                .class_counts()
                .iter()
                .all(|&count| (900..1100).contains(&count))
        );
        // The first image is a boot: its sole fills the lower right, its upper left is empty.
        let boot = data.train.image(0).unwrap();
        assert_eq!((boot[0], boot[5 * 28 + 2]), (0, 0));
        assert!(boot[20 * 28 + 14] > 100);
    }

    #[test]
    fn mnist() {
        let data = embedded("mnist").unwrap();
        assert_eq!((data.train.len(), data.test.len()), (4_000, 1_000));
        let (train, test) = (data.train.class_counts(), data.test.class_counts());
        assert!(
            train
                .iter()
                .zip(&test)
                .all(|(train, test)| train + test == 500)
        );
        assert!(test.iter().all(|&count| (70..130).contains(&count)));
    }

    #[test]
    fn errors() {
        assert_eq!(
            embedded("cifar10").unwrap_err().to_string(),
            "unknown data set \"cifar10\": it is not embedded, only mnist, fashion-mnist are; \
             give the folder of its files, or the hub (docs/data.md)"
        );
    }
}
