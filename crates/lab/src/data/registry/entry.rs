//! What the registry holds of a data set.

use crate::data::crop::NumberCrop;

/// What is known of a data set before any file is read.
///
/// ```
/// use lab::data::DataSet;
/// let cifar = DataSet::find("CIFAR-10").ok_or("not in the registry")?;
/// assert_eq!((cifar.shape, cifar.classes), ((3, 32, 32), 10));
/// assert_eq!((cifar.train, cifar.test), (50_000, 10_000));
/// let mnist = DataSet::find("mnist").and_then(|set| set.embedded).ok_or("not embedded")?;
/// assert_eq!((mnist.train, mnist.test), (4_000, 1_000));
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Debug, PartialEq)]
pub struct DataSet {
    /// The name used in this project, such as `cifar10`.
    pub name: &'static str,
    /// The name that its authors use, such as `CIFAR-10`.
    pub title: &'static str,
    /// Other spellings, and names of folders that hold the set.
    pub aliases: &'static [&'static str],
    /// (channels, height, width) of every image.
    pub shape: (usize, usize, usize),
    /// Number of classes.
    pub classes: usize,
    /// Official number of images to train on.
    pub train: usize,
    /// Official number of images to test on.
    pub test: usize,
    /// Official number of further images: those without labels, or labelled ones that may be added to the training images.
    pub extra: usize,
    /// Number of predefined folds of the training images.
    pub folds: usize,
    /// The files on the hub; `None` if the set is not fetched by name.
    pub hub: Option<Hub>,
    /// Where to get a set that is not fetched by name, as the end of a sentence.
    pub by_hand: Option<&'static str>,
    /// The files or archives that the authors publish, where this project reads them.
    pub official_files: &'static [&'static str],
    /// The page of the set.
    pub page: &'static str,
    /// The license as far as it is known.
    pub license: &'static str,
    /// The publication to cite.
    pub citation: &'static str,
    /// The images that are part of the program; `None` if there are none.
    pub embedded: Option<Embedded>,
    pub(crate) names: ClassNames,
    pub(crate) form: Form,
}

/// The parquet files of a set in a repository of the Hugging Face hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hub {
    /// `owner/name` of the repository.
    pub repository: &'static str,
    /// The paths of the training and test shards in it.
    pub files: &'static [&'static str],
    /// The paths of the shards with further images.
    pub extra: &'static [&'static str],
}

/// The part of a set that is in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embedded {
    /// Number of images to train on.
    pub train: usize,
    /// Number of images to test on.
    pub test: usize,
}

/// What the classes of a set are called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ClassNames {
    /// These, separated by commas.
    Listed(&'static str),
    /// Every number of one to five digits.
    Numbers,
    /// Only the files say.
    InFiles,
}

/// How images become images of the set's shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// They have it already.
    AsStored,
    /// A crop around a whole house number.
    Numbers(NumberCrop),
    /// The photographs of CUB-200-2011, cut to a square.
    Birds,
    /// Photographs in folders of classes: cut to a square where they stay on disk.
    Photographs,
}
