//! Data sets as experiments want them: loaded once, seen through a view, and named by a digest of their pixels.

use std::collections::HashMap;
use std::rc::Rc;

use anyhow::Result;
use lab::data::{
    DataSet, Dataset, Framing, NUMBER_CLASSES, Source, held_out_name, load, load_folds,
    load_streamed, load_unlabelled,
};
use lab::report::Scale;
use lab::train::{Console, sha256};

use crate::images::{Data, Images, View};

/// A data set as a row gets it.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) data: Rc<Dataset>,
    pub(crate) images: Images,
    /// The digest of pixels, labels and folds.
    pub(crate) sha256: Rc<str>,
}

/// The data sets of a session.
pub(crate) struct Datasets {
    /// Gets what is to be said of a set, once, when it is loaded.
    console: Console,
    /// By name and framing.
    whole: HashMap<String, Rc<Dataset>>,
    /// By name, view and framing.
    given: HashMap<String, Given>,
}

impl Datasets {
    /// No sets yet.
    pub(crate) fn new(console: Console) -> Self {
        Self {
            console,
            whole: HashMap::new(),
            given: HashMap::new(),
        }
    }

    /// What a row gets at a scale from a source.
    pub(crate) fn load(&mut self, wanted: &Data, source: &Source, scale: Scale) -> Result<Given> {
        let name = name(wanted.paper, &wanted.stand_in, source, scale);
        let key = format!("{name} {:?} {:?}", wanted.view, wanted.framing);
        if let Some(given) = self.given.get(&key) {
            return Ok(given.clone());
        }
        let whole = self.whole(name, source, wanted.framing)?;
        let mut folds = None;
        let data = match wanted.view {
            View::Whole => whole,
            View::HeldOut => Rc::new(whole.hold_out_sixth()),
            View::UnlabelledOf {
                paper,
                stand_in,
                train,
                test,
            } => {
                let other = crate::datasets::name(paper, &stand_in, source, scale);
                let other = self.whole(other, source, None)?;
                let most = |count: &Option<usize>| count.unwrap_or(usize::MAX);
                let cut = |data: &Dataset| data.first(most(train.at(scale)), most(test.at(scale)));
                Rc::new(cut(&whole).with_unlabelled(&cut(&other).train)?)
            }
            View::Unlabelled {
                at_most,
                folds: has_folds,
            } => {
                if *has_folds.at(scale) {
                    folds = load_folds(name, source, &whole.train)?;
                    if folds.is_none() {
                        self.console.warn(format!(
                            "there are no predefined folds beside {name}; labels are drawn instead"
                        ));
                    }
                }
                match *at_most.at(scale) {
                    0 => whole,
                    most => match load_unlabelled(name, source, most)? {
                        Some(extra) => Rc::new(whole.with_unlabelled(&extra)?),
                        None => {
                            self.console.warn(format!(
                                "there are no images without labels beside {name}; the training images alone are used"
                            ));
                            whole
                        }
                    },
                }
            }
        };
        let given = Given {
            sha256: with_folds(data.digest(), folds.as_deref()).into(),
            images: Images {
                folds,
                ..Images::of(&data)
            },
            data,
        };
        self.given.insert(key, given.clone());
        Ok(given)
    }

    fn whole(
        &mut self,
        name: &str,
        source: &Source,
        framing: Option<Framing>,
    ) -> Result<Rc<Dataset>> {
        let key = format!("{name} {framing:?}");
        if let Some(data) = self.whole.get(&key) {
            return Ok(Rc::clone(data));
        }
        let data = Rc::new(match framing.filter(|_| *source != Source::Embedded) {
            Some(framing) => load_streamed(name, source, framing)?,
            None => load(name, source)?,
        });
        for set in [&data.train, &data.test] {
            if set.left_out > 0 {
                self.console.warn(format!(
                    "{}: {} images left out, which no label fits",
                    set.name, set.left_out
                ));
            }
        }
        self.whole.insert(key, Rc::clone(&data));
        Ok(data)
    }
}

/// The digest of a set together with its folds; without folds it is that of the set.
fn with_folds(digest: String, folds: Option<&[Vec<u32>]>) -> String {
    match folds {
        // Brackets tell where each fold ends.
        Some(folds) => sha256(format!("{digest} {folds:?}").as_bytes()),
        None => digest,
    }
}

/// The name of the set that comes from `source`.
fn name(
    paper: &'static str,
    stand_in: &lab::report::Scales<Option<&'static str>>,
    source: &Source,
    scale: Scale,
) -> &'static str {
    match source {
        Source::Embedded => stand_in.at(scale).unwrap_or(paper),
        Source::Dir(_) | Source::Subset(_) | Source::Hub => paper,
    }
}

/// The name and the size of the data set that the paper's row was measured on.
pub(crate) fn of_paper(wanted: &Data) -> (String, Images) {
    let known = |name: &str| DataSet::find(name).expect("experiments name sets of the registry");
    let set = known(wanted.paper);
    // Whole house numbers are read with the extra ones.
    let whole = match set.classes {
        NUMBER_CLASSES => set.train + set.extra,
        _ => set.train,
    };
    let images = Images {
        size: set.shape,
        classes: set.classes,
        train: whole,
        labelled: whole,
        test: set.test,
        folds: None,
    };
    let images = match wanted.view {
        View::Whole => images,
        View::HeldOut => Images {
            train: set.train - set.train / 6,
            labelled: set.train - set.train / 6,
            test: set.train / 6,
            ..images
        },
        View::UnlabelledOf { paper, .. } => Images {
            train: set.train + known(paper).train,
            ..images
        },
        View::Unlabelled { at_most, .. } => Images {
            train: set.train + set.extra.min(at_most.paper),
            ..images
        },
    };
    let name = match wanted.view {
        View::HeldOut => held_out_name(wanted.paper),
        _ => wanted.paper.to_owned(),
    };
    (name, images)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_part_of_the_data() {
        let digest = |folds: &[Vec<u32>]| with_folds("00ff".to_owned(), Some(folds));
        let folds = [vec![0, 1], vec![2]];
        assert_eq!(with_folds("00ff".to_owned(), None), "00ff");
        assert_eq!(digest(&folds), digest(&folds.clone()));
        assert_ne!(digest(&folds), digest(&[vec![0], vec![1, 2]]));
        assert_ne!(digest(&folds), digest(&[vec![0, 1], vec![3]]));
    }
}
