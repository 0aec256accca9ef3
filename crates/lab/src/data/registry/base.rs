//! What the entries of the registry have in common.

use super::entry::{ClassNames, DataSet, Form, Hub};

/// What the entries have in common; every entry states the rest.
pub(super) const SET: DataSet = DataSet {
    name: "",
    title: "",
    aliases: &[],
    shape: (0, 0, 0),
    classes: 10,
    train: 0,
    test: 0,
    extra: 0,
    folds: 0,
    hub: None,
    by_hand: None,
    official_files: &[],
    page: "",
    license: "",
    citation: "",
    embedded: None,
    names: ClassNames::InFiles,
    form: Form::AsStored,
};

/// The files of a set in a repository of the hub.
pub(super) const fn hub(
    repository: &'static str,
    files: &'static [&'static str],
    extra: &'static [&'static str],
) -> Option<Hub> {
    Some(Hub {
        repository,
        files,
        extra,
    })
}
