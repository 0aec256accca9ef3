//! Mistakes that would give a wrong answer are errors that name the cure.

use std::error::Error as AnyError;
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};

use super::{Config, affine, card, file, parameters};
use crate::Parameters;
use crate::init::write_whole;
use crate::model_file::{
    FileConfig, ModelCard, ModelError, ModelFile, ModelSource, Normalization, PREPROCESSING,
    Precision, Preprocessing, Whitening,
};

type Result = std::result::Result<(), Box<dyn AnyError>>;

#[test]
fn a_card_that_does_not_fit_its_network() -> Result {
    let names = ModelCard {
        classes: vec!["a".to_owned()],
        ..card(affine())
    };
    let means = card(Normalization::Affine {
        mean: vec![0.0; 3],
        factor: vec![1.0; 3],
    });
    for (card, part) in [
        (names, "its card names 1 classes, its network has 3"),
        (means, "3 means and 3 factors, its network takes 1 channels"),
    ] {
        let model = ModelFile::from_bytes(&file(&card, Precision::Full)?)?;
        let error = model.build::<Config>(&Device::Cpu).map(drop);
        let error = error.expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
        assert!(error.contains("Parameters::load"), "{error}");
    }
    // A network may do without names.
    let none = ModelCard {
        classes: Vec::new(),
        ..card(affine())
    };
    let model = ModelFile::from_bytes(&file(&none, Precision::Full)?)?;
    let answers = model
        .build::<Config>(&Device::Cpu)?
        .classify(&Tensor::zeros((1, 1, 2, 2), DType::U8, &Device::Cpu)?)?;
    assert!(answers[0].name.starts_with("class "));
    Ok(())
}

#[test]
fn a_card_gives_its_configuration_to_its_own_network_only() -> Result {
    let config: Config = card(affine()).parse_config()?;
    let (units, inputs) = (3, 4);
    assert_eq!(config, Config { units, inputs });
    let other = ModelCard {
        network: "nin::NinConfig".to_owned(),
        ..card(affine())
    };
    let error = other.parse_config::<Config>().expect_err("another");
    let wanted = "a network of nin::NinConfig, not of tests::Config";
    assert!(error.to_string().contains(wanted), "{error}");
    Ok(())
}

#[test]
fn parameters_of_no_network_are_not_written() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.safetensors");
    let none = Parameters::new(0, DType::F32, &Device::Cpu);
    let error = ModelFile::new(card(affine()), &none, None)
        .save(&path, Precision::Full)
        .expect_err("no parameters");
    assert!(error.to_string().contains("build the network"), "{error}");
    assert!(!path.exists());
    Ok(())
}

#[test]
fn paths_are_named_with_what_may_be_given() -> Result {
    let file = PathBuf::from("there/is/none");
    for source in [ModelSource::from(file), "there/is/none".to_owned().into()] {
        let error = ModelFile::find(source, "usual.st");
        let error = error.expect_err("no such file");
        assert!(matches!(error, ModelError::Unreadable { .. }));
        let text = error.to_string();
        let folder = std::env::current_dir()?;
        for part in [
            "there/is/none",
            &*folder.to_string_lossy(),
            "give a model file, or a folder with usual.st",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
    let error = ModelFile::open("").expect_err("no path").to_string();
    assert!(error.starts_with("\"\" (in "), "{error}");
    Ok(())
}

#[test]
fn a_shared_whitening_is_no_model() -> Result {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.safetensors");
    let config = Config {
        units: 3,
        inputs: 4,
    };
    let preprocessing = Preprocessing {
        normalization: Normalization::GcnZca {
            scale: 55.0,
            sqrt_bias: 0.0,
            min_divisor: 1e-8,
            whitening: None,
        },
        canvas: None,
    };
    let whitening = Whitening {
        mean: vec![0.0; 4],
        matrix: Tensor::eye(4, DType::F32, &Device::Cpu)?,
    };
    let card = ModelCard::of(&config, preprocessing)?;
    ModelFile::new(card, &parameters()?, Some(whitening)).save_sharing(
        &path,
        Precision::Full,
        "whitening.safetensors",
    )?;
    let error = ModelFile::open(folder.path().join("whitening.safetensors"));
    assert!(matches!(error, Err(ModelError::Whitening { .. })));
    assert_eq!(ModelFile::open(&path)?.card().network, Config::NAME);
    Ok(())
}

/// A network that whitens with the mean 0 and the identity.
fn whitens() -> std::result::Result<ModelFile, Box<dyn AnyError>> {
    let card = card(Normalization::GcnZca {
        scale: 1.0,
        sqrt_bias: 0.0,
        min_divisor: 1e-8,
        whitening: None,
    });
    let whitening = Whitening {
        mean: vec![0.0; 4],
        matrix: Tensor::eye(4, DType::F32, &Device::Cpu)?,
    };
    Ok(ModelFile::new(card, &parameters()?, Some(whitening)))
}

#[test]
fn a_shared_whitening_has_a_name_of_its_own() -> Result {
    let folder = tempfile::tempdir()?;
    let name = "m.safetensors";
    let full = Precision::Full;
    for path in [folder.path().join(name), folder.path().join(".").join(name)] {
        let error = whitens()?.save_sharing(&path, full, name);
        let error = error.expect_err("one name for two files").to_string();
        assert!(error.contains("choose another name"), "{error}");
        assert!(!path.exists());
    }
    let error = whitens()?.save_sharing(name, full, name);
    assert!(error.is_err_and(|error| error.to_string().contains("choose another name")));
    Ok(())
}

/// What cannot be read may be the whitening of other networks.
#[cfg(unix)]
#[test]
fn a_whitening_that_cannot_be_read_is_not_replaced() -> Result {
    let folder = tempfile::tempdir()?;
    let white = folder.path().join("white");
    // A link to itself can be replaced, and no user can read it.
    std::os::unix::fs::symlink("white", &white)?;
    let path = folder.path().join("m.safetensors");
    let error = whitens()?.save_sharing(&path, Precision::Full, "white");
    let error = error.expect_err("unreadable").to_string();
    assert!(error.contains("cannot be read"), "{error}");
    assert!(error.contains("choose another name"), "{error}");
    assert!(white.is_symlink() && !path.exists());
    Ok(())
}

/// Of equal logits the first counts, as where errors are measured; what is no number is no answer.
#[test]
fn answers_of_equal_logits_and_of_none() -> Result {
    let model = ModelFile::from_bytes(&file(&card(affine()), Precision::Full)?)?;
    let model = model.build::<Config>(&Device::Cpu)?;
    let answers = |logits: &[f32]| {
        let rows = (logits.len() / 3, 3);
        model.answers(&Tensor::from_slice(logits, rows, &Device::Cpu)?)
    };
    // The probabilities of the last row are equal, its logits are not.
    let logits = [1.0, 3.0, 3.0, -0.0, 0.0, -1.0, 0.0, 1e-9, 0.0];
    let classes: Vec<usize> = answers(&logits)?.iter().map(|a| a.class).collect();
    assert_eq!(classes, [1, 0, 1]);
    for (bad, shown) in [
        (f32::NAN, "NaN"),
        (f32::INFINITY, "inf"),
        (f32::NEG_INFINITY, "-inf"),
    ] {
        let error = answers(&[0.0, 0.0, 0.0, 1.0, bad, 2.0]).expect_err(shown);
        let wanted = format!("picture 1 has the logit {shown}");
        assert!(error.to_string().contains(&wanted), "{error}");
    }
    Ok(())
}

#[test]
fn a_whitening_of_other_pictures() -> Result {
    let small = whitens()?;
    small.build::<Config>(&Device::Cpu)?;
    let large = ModelFile {
        whitening: Some(Whitening {
            mean: vec![0.0; 9],
            matrix: Tensor::eye(9, DType::F32, &Device::Cpu)?,
        }),
        ..small
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("m.safetensors");
    large.save(&path, Precision::Full)?;
    for file in [large, ModelFile::open(&path)?] {
        let error = file.build::<Config>(&Device::Cpu).map(drop);
        let error = error.expect_err("pictures of 9 values").to_string();
        let part =
            "its whitening has 9 values, the pictures of its network have 4 (1 channels of 2x2)";
        assert!(error.contains(part), "{error}");
        assert!(error.contains("Parameters::load"), "{error}");
    }
    Ok(())
}

#[test]
fn pixels_of_another_convention() -> Result {
    let preprocessing = Preprocessing {
        normalization: affine(),
        canvas: None,
    };
    let apply = |pixels: &[f32]| {
        let pixels = Tensor::from_slice(pixels, (1, 1, 1, pixels.len()), &Device::Cpu)?;
        preprocessing.apply(&pixels, None)
    };
    for (pixels, part) in [
        ([f32::NAN, 0.0], "a pixel is NaN"),
        ([-1.0, 3.0], "a pixel is -1"),
        ([256.0, 3.0], "a pixel is 256"),
        ([0.5, 1.0], "multiply them by 255"),
    ] {
        let error = apply(&pixels).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
    // A picture may be black, and resized pixels need not be whole.
    assert!(apply(&[0.0, 1.0]).is_ok() && apply(&[0.5, 254.5]).is_ok());
    Ok(())
}

#[test]
fn a_whitening_is_finite() -> Result {
    let card = card(Normalization::GcnZca {
        scale: 1.0,
        sqrt_bias: 0.0,
        min_divisor: 1e-8,
        whitening: None,
    });
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.safetensors");
    let bytes = file(&card, Precision::Full)?;
    for name in ["mean", "whitening"] {
        let name = format!("{PREPROCESSING}{name}");
        let mut tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)?;
        let tensor = tensors.get_mut(&name).expect("the file whitens");
        *tensor = (&*tensor * f64::NAN)?;
        write_whole(&path, tensors, Some(card.to_metadata()?))?;
        let error = ModelFile::open(&path).expect_err(&name).to_string();
        assert!(error.contains(&format!("{name} holds NaN")), "{error}");
    }
    let whitening = Whitening {
        mean: vec![0.0, f64::INFINITY, 0.0, 0.0],
        matrix: Tensor::eye(4, DType::F32, &Device::Cpu)?,
    };
    let model = ModelFile::new(card, &parameters()?, Some(whitening));
    let error = model.save(&path, Precision::Full).expect_err("a mean");
    let part = "preprocessing.mean holds inf at index 1";
    assert!(error.to_string().contains(part), "{error}");
    Ok(())
}
