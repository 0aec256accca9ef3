//! Data sets: reading, preprocessing, augmentation, scenes and batches.
//!
//! [`load`] reads a [`Dataset`] from a [`Source`]; [`Preprocess`] turns its bytes into a
//! [`FloatSet`]; [`Batches`] hands that to a network, changed by [`Augment`].
//! [`load_streamed`] does the same for sets that are larger than memory: their pictures stay on disk.
//!
//! ```
//! use candle_core::Device;
//! use lab::data::{Augment, Batches, Preprocess, Source, load};
//!
//! let data = load("fashion-mnist", &Source::Embedded)?.first(100, 20);
//! let train = Preprocess::UnitRange.fit(&data.train)?.apply(&data.train)?;
//! let augment = Augment { flip: true, translate: 5 };
//! for batch in Batches::train(&train, 32, &augment, 1, 0, &Device::Cpu)? {
//!     let batch = batch?;
//!     assert_eq!(batch.xs.dims()[1..], [1, 28, 28]);
//! }
//! # Ok::<(), lab::data::DataError>(())
//! ```

mod augment;
mod batches;
mod crop;
mod digest;
mod embedded;
mod error;
mod float_set;
mod hex;
mod hub;
mod image_set;
mod labels;
mod layout;
mod load_streamed;
mod mix;
mod number;
mod preprocess;
mod read;
mod registry;
mod rows;
mod scene;
mod shared_values;
mod source;
mod streamed;
mod synthetic;
mod unlabelled;
mod value_file;

pub use augment::Augment;
pub use batches::{Batch, Batches};
pub use error::DataError;
pub use float_set::{Composed, FloatSet, Pending, Redraw, Scene};
pub use hub::{cache_dir, hub_folder};
pub use image_set::{Dataset, ImageSet, UNLABELLED};
pub use labels::{balanced_draw, held_out_name};
pub use layout::describe;
pub use load_streamed::load_streamed;
pub use mix::Mix;
pub use number::{NO_DIGIT, NUMBER_CLASSES, NUMBER_DIGITS, number_digits, number_label};
pub use preprocess::{CacheUse, Fitted, Gcn, Lcn, Preprocess, Zca, ZcaTransform};
pub use registry::{DataSet, Embedded, Hub};
pub use scene::{
    CommonObject, DigitSum, Distort, Distortion, Extrude, HeavyAugment, NumberRow, common_object,
};
pub use shared_values::SharedValues;
pub use source::{Source, load};
pub use streamed::{Crop, Framing, Streamed};
pub use synthetic::Synthetic;
pub use unlabelled::{load_folds, load_unlabelled};
pub use value_file::ValueFile;
