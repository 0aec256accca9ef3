//! Sets of images: read from files of every layout, composed, with few labels.
//!
//! One program, since each would link the readers anew; tests that measure memory have their own.

mod fixtures;

mod birds;
mod damage;
mod few_labels;
mod house_numbers;
mod readers;
mod scenes;
mod value_file;
