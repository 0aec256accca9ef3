//! Experiments that look into the networks of one seed.

/// Experiments that look into networks of the first seed, and train no others.
const OF_ONE_SEED: &[&str] = &[
    "allconv/fig2",
    "allconv/fig3",
    "nin/fig4",
    "stn/grids",
    "stn/colocalisation",
    "stn/overhead",
    "stn/animation",
    "swwae/where",
    "swwae/equivariance",
];

/// Whether an experiment uses the first seed alone.
pub(crate) fn has_one_seed(id: &str) -> bool {
    OF_ONE_SEED.contains(&id)
}

#[cfg(test)]
mod tests {
    use lab::report::Scale;

    use super::*;
    use crate::catalog::find;

    #[test]
    fn experiments_of_one_seed_are_known_and_want_one() {
        assert_eq!(find(OF_ONE_SEED).len(), OF_ONE_SEED.len());
        for experiment in find(OF_ONE_SEED) {
            for scale in Scale::ALL {
                assert_eq!(*experiment.seeds.at(scale), 1, "{}", experiment.id);
            }
        }
    }
}
