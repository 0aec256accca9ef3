//! Times the reading and the whitening of a data set: `load_times NAME DIR`.

use std::path::PathBuf;
use std::time::Instant;

use lab::data::{Preprocess, Source, describe, load};

#[allow(clippy::print_stdout, reason = "a program for the terminal")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(dir)) = (arguments.next(), arguments.next().map(PathBuf::from)) else {
        return Err("usage: load_times NAME DIR".into());
    };
    println!("{}", describe(&name, &dir)?);
    let start = Instant::now();
    let data = load(&name, &Source::Dir(dir))?;
    println!(
        "load {:.2} s, {} + {} images",
        start.elapsed().as_secs_f64(),
        data.train.len(),
        data.test.len()
    );
    println!("classes {:?}", data.train.class_counts());
    let stats = Preprocess::Standardize.fit(&data.train)?;
    println!(
        "mean and std {:.4?}",
        stats.channel_stats().unwrap_or_default()
    );
    let fitted = Preprocess::gcn_zca().fit(&data.train)?;
    println!("fit of the whitening {:.2} s", fitted.seconds);
    let start = Instant::now();
    let train = fitted.apply(&data.train)?;
    println!(
        "whitening {} images {:.2} s",
        train.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
