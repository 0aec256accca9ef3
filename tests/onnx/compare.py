"""Compares ONNX Runtime with the networks in models: see README.md."""

import pathlib
import subprocess
import sys

import numpy
import onnxruntime
from safetensors.numpy import load_file, save_file

IMAGES = 8
# Largest difference, as a share of the largest value.
ALLOWED = 1e-5


def pixels(shape):
    """Smooth patches, brighter than the rest here and there: noise alone would leave most cells of a network at zero."""
    draws = numpy.random.default_rng(1)
    coarse = draws.uniform(0, 255, (IMAGES, shape[1], 4, 4))
    rows = numpy.arange(shape[2]) * 4 // shape[2]
    columns = numpy.arange(shape[3]) * 4 // shape[3]
    fine = draws.normal(0, 20, (IMAGES, *shape[1:]))
    image = coarse[:, :, rows][:, :, :, columns] + fine
    return numpy.clip(image, 0, 255).round().astype(numpy.float32)


def opened(examples, out, model, arguments):
    file = out / f"{model.stem}.onnx"
    subprocess.run([examples / "to_onnx", model, file, *arguments], check=True, stdout=subprocess.DEVNULL)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    return session, taken


def main():
    examples, out = (pathlib.Path(path) for path in sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    models = [pathlib.Path(path) for path in sys.argv[3:]] or sorted(pathlib.Path("models").glob("*.safetensors"))
    worst = 0.0
    for model in models:
        if "whitening" in model.stem:
            continue
        session, taken = opened(examples, out, model, [])
        given = pixels(taken.shape)
        save_file({"pixels": given}, out / "pixels.safetensors")
        answers = out / "answers.safetensors"
        subprocess.run([examples / "answers", model, out / "pixels.safetensors", answers], check=True)
        ours = load_file(answers)
        runs = [("pixels", session, given)]
        session, _ = opened(examples, out, model, ["--normalized"])
        runs.append(("normalized", session, ours["normalized"]))
        for name, session, given in runs:
            outputs = [output.name for output in session.get_outputs()]
            theirs = session.run(outputs, {name: given})
            for output, found in zip(outputs, theirs):
                wanted = ours[output]
                share = numpy.abs(found - wanted).max() / numpy.abs(wanted).max()
                worst = max(worst, share)
                print(f"{model.name}: {output} of {name}, {found.shape}: {share:.1e}")
    if worst > ALLOWED:
        sys.exit(f"a difference of {worst:.1e}, at most {ALLOWED:.0e} is allowed")


main()
