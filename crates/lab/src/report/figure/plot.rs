//! Curves and scatter plots with axes, ticks and a legend.

use super::super::ReportError;
use super::Picture;
use super::canvas::{Anchor, BLACK, Canvas, Color, GRAY, LETTER, LINE};

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Points joined by lines in the order given.
    Line,
    /// Points alone.
    Points,
}

/// A named list of points (x, y).
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// The points; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// How they are drawn.
    pub style: Style,
}

/// A plot.
///
/// ```
/// use lab::report::Plot;
/// let plot = Plot::new("errors", "epoch", "test error, %")
///     .line("A", vec![(1.0, 40.0), (2.0, 25.0)])
///     .line("B", vec![(1.0, 50.0), (2.0, 22.0)]);
/// let picture = plot.draw()?;
/// assert_eq!((picture.width(), picture.height()), (960, 600));
/// # Ok::<(), lab::report::ReportError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    title: String,
    x_label: String,
    y_label: String,
    series: Vec<Series>,
}

const WIDTH: u32 = 960;
const HEIGHT: u32 = 600;

/// Colors that color-blind readers can tell apart (Okabe and Ito), and darker forms of them.
const COLORS: [Color; 14] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [90, 90, 90],
    [0, 60, 100],
    [130, 50, 0],
    [0, 90, 60],
    [120, 60, 95],
    [140, 95, 0],
    [40, 100, 140],
    [180, 180, 40],
];

impl Plot {
    /// A plot without points.
    pub fn new(
        title: impl Into<String>,
        x_label: impl Into<String>,
        y_label: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            x_label: x_label.into(),
            y_label: y_label.into(),
            series: Vec::new(),
        }
    }

    /// The same with a curve.
    pub fn line(self, name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        self.series(name, points, Style::Line)
    }

    /// The same with a cloud of points.
    pub fn points(self, name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        self.series(name, points, Style::Points)
    }

    fn series(mut self, name: impl Into<String>, points: Vec<(f64, f64)>, style: Style) -> Self {
        let name = name.into();
        self.series.push(Series {
            name,
            points,
            style,
        });
        self
    }

    /// The plot as a picture.
    ///
    /// # Errors
    /// A plot without a finite point.
    pub fn draw(&self) -> Result<Picture, ReportError> {
        let finite = || self.series.iter().flat_map(|s| &s.points).filter(is_finite);
        if finite().next().is_none() {
            return Err(ReportError::Figure {
                title: self.title.clone(),
                argument: "the plot".to_owned(),
                found: "without a finite point".to_owned(),
                wanted: "at least one".to_owned(),
            });
        }
        let x_axis = Axis::over(finite().map(|point| point.0));
        let y_axis = Axis::over(finite().map(|point| point.1));
        let longest = self
            .series
            .iter()
            .map(|s| s.name.chars().count())
            .max()
            .unwrap_or(0) as u32;
        let legend = (longest * LETTER + 40).min(WIDTH / 3);
        let area = Area {
            left: (9 * LETTER + 12) as i32,
            right: (WIDTH - legend - 12) as i32,
            top: (2 * LINE + 8) as i32,
            bottom: (HEIGHT - 3 * LINE) as i32,
        };
        let mut canvas = Canvas::new(WIDTH, HEIGHT);
        self.axes(&mut canvas, &area, &x_axis, &y_axis);
        for (index, series) in self.series.iter().enumerate() {
            let color = COLORS[index % COLORS.len()];
            let place = |&(x, y): &(f64, f64)| {
                (
                    x_axis.place(x, area.left, area.right),
                    y_axis.place(y, area.bottom, area.top),
                )
            };
            let points: Vec<(i32, i32)> =
                series.points.iter().filter(is_finite).map(place).collect();
            match series.style {
                Style::Line => {
                    points
                        .windows(2)
                        .for_each(|pair| canvas.line(pair[0], pair[1], 2, color));
                    points.iter().for_each(|&point| canvas.dot(point, 5, color));
                }
                Style::Points => points.iter().for_each(|&point| canvas.dot(point, 4, color)),
            }
            let y = area.top + 10 + (index as u32 * LINE) as i32;
            canvas.line((area.right + 8, y), (area.right + 26, y), 3, color);
            canvas.text(&series.name, (area.right + 32, y), Anchor::Left, BLACK);
        }
        Ok(Picture {
            image: canvas.image,
        })
    }

    fn axes(&self, canvas: &mut Canvas, area: &Area, x_axis: &Axis, y_axis: &Axis) {
        let middle = (area.left + area.right) / 2;
        canvas.text(
            &self.title,
            (middle, LINE as i32 / 2 + 4),
            Anchor::Center,
            BLACK,
        );
        canvas.text(
            &self.y_label,
            (8, LINE as i32 * 2 - 12),
            Anchor::Left,
            BLACK,
        );
        canvas.text(
            &self.x_label,
            (middle, HEIGHT as i32 - LINE as i32),
            Anchor::Center,
            BLACK,
        );
        for (value, label) in x_axis.ticks() {
            let x = x_axis.place(value, area.left, area.right);
            canvas.line((x, area.top), (x, area.bottom), 1, GRAY);
            canvas.text(
                &label,
                (x, area.bottom + LINE as i32 / 2 + 4),
                Anchor::Center,
                BLACK,
            );
        }
        for (value, label) in y_axis.ticks() {
            let y = y_axis.place(value, area.bottom, area.top);
            canvas.line((area.left, y), (area.right, y), 1, GRAY);
            canvas.text(&label, (area.left - 8, y), Anchor::Right, BLACK);
        }
        let size = (
            (area.right - area.left) as u32,
            (area.bottom - area.top) as u32,
        );
        canvas.frame((area.left, area.top), size, BLACK);
    }
}

fn is_finite(&&(x, y): &&(f64, f64)) -> bool {
    x.is_finite() && y.is_finite()
}

/// The part of the picture that the points lie in.
struct Area {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

/// A range of values with ticks at round numbers.
#[derive(Debug)]
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

/// Steps between ticks at most.
const STEPS: f64 = 6.0;

impl Axis {
    /// The smallest range between ticks that holds all values.
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        values.for_each(|value| (low, high) = (low.min(value), high.max(value)));
        let least = low.abs().max(high.abs()).max(1e-300) * 1e-9;
        if high - low < least {
            let room = if low == 0.0 { 0.5 } else { low.abs() * 0.05 };
            (low, high) = (low - room, high + room);
        }
        let rough = (high - low) / STEPS;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
        let step = step
            .into_iter()
            .find(|&step| step >= rough * 0.999)
            .unwrap_or(10.0 * power);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Self { low, high, step }
    }

    fn place(&self, value: f64, from: i32, to: i32) -> i32 {
        let share = (value - self.low) / (self.high - self.low);
        from + (share * f64::from(to - from)).round() as i32
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        let count = ((self.high - self.low) / self.step).round() as i64;
        let decimals = (-self.step.log10().floor()).clamp(0.0, 9.0) as usize;
        let tick = |index: i64| {
            let value = self.low + index as f64 * self.step;
            let plain = (1e-4..1e6).contains(&self.step) && value.abs() < 1e7;
            let label = match plain {
                true => format!("{:.decimals$}", value + 0.0),
                false => format!("{value:.2e}"),
            };
            (value, label)
        };
        (0..=count).map(tick).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64]) -> Vec<String> {
        let axis = Axis::over(values.iter().copied());
        axis.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&[1.0, 6.0]), ["1", "2", "3", "4", "5", "6"]);
        assert_eq!(
            labels(&[19.75, 25.55]),
            ["19", "20", "21", "22", "23", "24", "25", "26"]
        );
        assert_eq!(
            labels(&[0.0, 0.01]),
            ["0.000", "0.002", "0.004", "0.006", "0.008", "0.010"]
        );
        assert_eq!(labels(&[3.0]).first().map(String::as_str), Some("2.85"));
        assert!(labels(&[-2e9, 1e9]).contains(&"0.00e0".to_owned()));
    }

    #[test]
    fn points_are_where_the_axis_says() {
        let plot =
            Plot::new("t", "x", "y").points("p", vec![(0.0, 0.0), (10.0, 10.0), (f64::NAN, 1.0)]);
        let picture = plot.draw().unwrap();
        let color = COLORS[0];
        let at = |x: u32, y: u32| picture.image.get_pixel(x, y).0;
        let (left, bottom) = (9 * LETTER + 12, HEIGHT - 3 * LINE);
        assert_eq!(at(left, bottom), color);
        let (right, top) = (WIDTH - (LETTER + 40) - 12, 2 * LINE + 8);
        assert_eq!(at(right, top), color);
    }

    #[test]
    fn errors() {
        let plot = Plot::new("empty", "x", "y").line("a", vec![(0.0, f64::NAN)]);
        let text = plot.draw().unwrap_err().to_string();
        assert_eq!(
            text,
            "figure \"empty\": the plot is without a finite point, wanted at least one"
        );
    }
}
