//! CUB-200-2011 in its official layout: pictures of any size become squares, and what is missing is named.

use std::fs;
use std::path::Path;

use lab::data::{Dataset, Framing, Source, load, load_streamed};

/// Writes pictures that are `left` on the left and `right` on the right, with the lists that belong to them.
fn write(dir: &Path) {
    let write = |path: &str, text: &str| fs::write(dir.join(path), text).expect("a file");
    write(
        "images.txt",
        "1 001.Auk/Auk_1.png\n2 002.Jay/Jay_1.png\n10 001.Auk/Auk_2.jpg\n",
    );
    write("image_class_labels.txt", "1 1\n2 2\n10 1\n");
    write("train_test_split.txt", "1 1\n2 1\n10 0\n");
    write("classes.txt", "1 001.Auk\n2 002.Jay\n");
    for folder in ["images/001.Auk", "images/002.Jay"] {
        fs::create_dir_all(dir.join(folder)).expect("a folder");
    }
    let halves = |width: u32, height: u32| {
        image::RgbImage::from_fn(width, height, |x, _| match x < width / 2 {
            true => image::Rgb([200, 0, 0]),
            false => image::Rgb([0, 0, 200]),
        })
    };
    let save = |path: &str, picture: image::DynamicImage| {
        picture.save(dir.join("images").join(path)).expect("saved");
    };
    save("001.Auk/Auk_1.png", halves(300, 100).into());
    save(
        "002.Jay/Jay_1.png",
        image::GrayImage::from_pixel(50, 80, image::Luma([77])).into(),
    );
    save("001.Auk/Auk_2.jpg", halves(120, 500).into());
}

fn loaded(name: &str, dir: &Path) -> Result<Dataset, String> {
    load(name, &Source::Subset(dir.to_owned())).map_err(|error| {
        let error = error.to_string();
        assert!(!error.contains('\n'), "{error}");
        error.replace(&dir.display().to_string(), "D")
    })
}

#[test]
fn pictures_become_squares() -> Result<(), String> {
    let dir = tempfile::tempdir().expect("a folder");
    let inside = dir.path().join("CUB_200_2011");
    fs::create_dir(&inside).expect("a folder");
    write(&inside);
    for (name, side) in [("cub200-224", 224), ("cub200-448", 448)] {
        for above in [dir.path(), &inside] {
            let data = loaded(name, above)?;
            assert_eq!(data.name, name);
            assert_eq!(
                (data.train.height, data.train.width, data.train.channels),
                (side, side, 3)
            );
            assert_eq!(data.train.labels, [0, 1]);
            assert_eq!(data.test.labels, [0]);
            assert_eq!(data.train.class_names, ["001.Auk", "002.Jay"]);
            let pixel = |row: usize, x: usize| {
                let image = data.train.image(row).expect("an image");
                let first = (side / 2 * side + x) * 3;
                [image[first], image[first + 1], image[first + 2]]
            };
            assert_eq!(
                [pixel(0, 0), pixel(0, side - 1)],
                [[200, 0, 0], [0, 0, 200]]
            );
            assert_eq!(pixel(1, side / 2), [77; 3]);
        }
    }
    Ok(())
}

#[test]
fn the_first_pictures_are_of_all_classes() -> Result<(), String> {
    let dir = tempfile::tempdir().expect("a folder");
    // Sorted by class, as the official lists are: a split has three Auks, two Jays and a Kite.
    let (classes, splits) = ([1u8, 1, 1, 2, 2, 3], [1u8, 0]);
    let (mut images, mut labels, mut split) = (String::new(), String::new(), String::new());
    fs::create_dir(dir.path().join("images")).expect("a folder");
    let rows = splits
        .into_iter()
        .flat_map(|in_train| classes.map(|class| (class, in_train)));
    for (id, (class, in_train)) in (1u8..).zip(rows) {
        images += &format!("{id} {id}.png\n");
        labels += &format!("{id} {class}\n");
        split += &format!("{id} {in_train}\n");
        let picture = image::GrayImage::from_pixel(9, 9, image::Luma([id]));
        let path = dir.path().join(format!("images/{id}.png"));
        picture.save(path).expect("saved");
    }
    let write = |file: &str, text: &str| fs::write(dir.path().join(file), text).expect("a file");
    write("images.txt", &images);
    write("image_class_labels.txt", &labels);
    write("train_test_split.txt", &split);
    write("classes.txt", "1 001.Auk\n2 002.Jay\n3 003.Kite\n");

    let data = loaded("cub200-224", dir.path())?;
    let source = Source::Subset(dir.path().to_owned());
    let listed = load_streamed("cub200-224", &source, Framing::of_side(224))
        .map_err(|error| error.to_string())?;
    for (set, listed, first) in [
        (&data.train, &listed.train, 1u8),
        (&data.test, &listed.test, 7),
    ] {
        assert_eq!(set.labels, [0, 1, 2, 0, 1, 0]);
        assert_eq!(listed.labels, set.labels);
        // Each label is still that of its picture.
        let pictures: Vec<u8> = set.pixels.chunks(224 * 224 * 3).map(|p| p[0]).collect();
        assert_eq!(pictures, [0, 3, 5, 1, 4, 2].map(|at| first + at));
    }
    Ok(())
}

#[test]
fn errors() {
    let case = |change: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().expect("a folder");
        write(dir.path());
        change(dir.path());
        loaded("cub200-224", dir.path()).expect_err("accepted")
    };
    let put = |file: &'static str, text: &'static str| {
        case(&move |dir: &Path| fs::write(dir.join(file), text).expect("a file"))
    };
    for (message, wanted) in [
        (
            case(&|dir| fs::remove_file(dir.join("images.txt")).expect("removed")),
            "D: found no cub200-224 data, looked for images.txt, image_class_labels.txt, train_test_split.txt, classes.txt",
        ),
        (
            case(&|dir| fs::remove_file(dir.join("images/002.Jay/Jay_1.png")).expect("removed")),
            "D/images/002.Jay/Jay_1.png: cannot read",
        ),
        (
            put("image_class_labels.txt", "1 1\n2 3\n10 1\n"),
            "D/image_class_labels.txt, picture 2: expected a class from 1 to 2, found 3; unpack",
        ),
        (
            put("image_class_labels.txt", "1 1\n2 one\n10 1\n"),
            "D/image_class_labels.txt, picture 2: expected a whole number, found \"one\"",
        ),
        (
            put("train_test_split.txt", "1 1\n2 1\n"),
            "D/train_test_split.txt, picture 10: expected 1 or 0, found none; unpack",
        ),
        (
            put("images.txt", "1 a.png\nno\n"),
            "D/images.txt, line 2: expected a number and a value, found \"no\"",
        ),
        (
            put("images/001.Auk/Auk_1.png", "no picture"),
            "D/images/001.Auk/Auk_1.png: expected a PNG or JPEG picture",
        ),
    ] {
        assert!(message.contains(wanted), "no {wanted:?} in: {message}");
    }
    for source in [Source::Embedded, Source::Hub] {
        let message = load("cub200-224", &source).expect_err("accepted");
        assert!(
            message.to_string().contains("give the folder CUB_200_2011"),
            "{message}"
        );
    }
}
