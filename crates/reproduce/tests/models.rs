//! Every finished run leaves a model file that its crate reads, and `report --model` keeps one.

use std::error::Error;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use candle_core::{DType, Device, Tensor};
use candle_nn::ModuleT;
use striate::model_file::{ModelFile, Pretrained};

type Failure = Box<dyn Error>;

/// The model files of the experiments at scale smoke.
fn trained(out: &Path, experiments: &[&str]) -> Result<Vec<PathBuf>, Failure> {
    let mut command = Command::cargo_bin("reproduce")?;
    command
        .args(experiments)
        .args(["--scale", "smoke", "--quiet", "--out"]);
    command.arg(out).assert().success();
    let mut files = Vec::new();
    for run in std::fs::read_dir(out.join("trained"))? {
        let file = run?.path().join("model.safetensors");
        files.extend(file.exists().then_some(file));
    }
    files.sort();
    Ok(files)
}

/// A network of the file takes pictures of the size that it names, and gives a score for each class.
fn answers<N: ModuleT>(model: &Pretrained<N>) -> Result<(), Failure> {
    let (c, h, w) = model.picture_shape();
    let pixels = Tensor::zeros((2, c, h, w), DType::U8, &Device::Cpu)?;
    let output = model.network.forward_t(&model.prepare(&pixels)?, false)?;
    assert_eq!(output.dim(0)?, 2);
    if !model.card.classes.is_empty() {
        assert_eq!(output.dim(1)?, model.card.classes.len());
        assert_eq!(model.classify(&pixels)?.len(), 2);
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    let model = ModelFile::open(file)?;
    let name = model.card().network.clone();
    let device = Device::Cpu;
    match name.as_str() {
        "swwae::SwwaeConfig" => {
            let model = swwae::pretrained(file, &device)?;
            let (c, h, w) = model.picture_shape();
            let xs = model.prepare(&Tensor::zeros((2, c, h, w), DType::U8, &device)?)?;
            assert_eq!(model.network.reconstruct(&xs)?.dims(), xs.dims());
            if !model.card.classes.is_empty() {
                answers(&model)?;
            }
        }
        "swwae::ConvnetConfig" => answers(&model.build::<swwae::ConvnetConfig>(&device)?)?,
        "stn::DigitConfig" => answers(&stn::networks::pretrained(file, &device)?)?,
        "stn::HouseNumberConfig" => {
            answers(&model.build::<stn::networks::HouseNumberConfig>(&device)?)?;
        }
        "stn::ShadowConfig" => {
            answers(&model.build::<stn::networks::ShadowConfig>(&device)?)?;
        }
        "nin::NinConfig" => answers(&nin::pretrained(file, &device)?)?,
        "nin::PlainCnnConfig" => answers(&model.build::<nin::PlainCnnConfig>(&device)?)?,
        _ => answers(&allconv::pretrained(file, &device)?)?,
    }
    Ok(name)
}

#[test]
fn every_run_leaves_a_file_that_its_crate_reads() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let mut names: Vec<String> = Vec::new();
    for (paper, experiments) in [
        ("allconv", ["table3", "large", "imagenet"].as_slice()),
        ("nin", &["table4", "table5"]),
        ("stn", &["table1", "table2", "table4", "volume"]),
        ("swwae", &["where", "mnist", "stl10"]),
    ] {
        let out = folder.path().join(paper);
        let chosen: Vec<&str> = std::iter::once(paper)
            .chain(experiments.iter().copied())
            .collect();
        for file in trained(&out, &chosen)? {
            let name = read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    assert_eq!(names.len(), 10, "{names:?}");
    Ok(())
}

#[test]
fn report_keeps_a_file_with_its_card() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("docs"))?;
    std::fs::write(root.join("README.md"), "# Title\n")?;
    let files = trained(&folder.path().join("runs"), &["nin/table4"])?;
    let file = files.first().ok_or("a run leaves a file")?;
    let report = |args: &[&str]| -> Result<Command, Failure> {
        let mut command = Command::cargo_bin("reproduce")?;
        command.arg("report").arg("--root").arg(&root).args(args);
        Ok(command)
    };
    let keep = format!("--model=nin-mnist={}", file.display());
    report(&[&keep])?.assert().success();
    let card = std::fs::read_to_string(root.join("models/README.md"))?;
    assert!(
        card.contains(
            "| [nin-mnist.safetensors](nin-mnist.safetensors) | `nin::NinConfig` | mnist |"
        ),
        "{card}"
    );
    let kept = root.join("models").join(nin::MNIST);
    answers(&nin::pretrained(&kept, &Device::Cpu)?)?;
    report(&["--check"])?.assert().success();
    std::fs::write(root.join("models/README.md"), "another")?;
    report(&["--check"])?.assert().failure();
    // What is no model file is refused.
    let weights = file.with_file_name("checkpoint/weights.safetensors");
    let refused = report(&[&format!("--model=x={}", weights.display())])?
        .assert()
        .failure();
    let said = String::from_utf8(refused.get_output().stderr.clone())?;
    assert!(said.contains("no word on their network"), "{said}");
    Ok(())
}
